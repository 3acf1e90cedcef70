//! Response heads: what is taken, what is refused, and in which words.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use surehop_wire::{BodyFraming, HeadScan, Known, ResponseError, ResponseHead, Version, write};

fn parse_for(head: &[u8], request_is_head: bool) -> Result<ResponseHead, ResponseError> {
    // Something must be there to be forgotten.
    let mut response = ResponseHead::default();
    let before = b"HTTP/1.0 301 X\r\nServer: a\r\nServer: b\r\nContent-Length: 7\r\nKeep-Alive: timeout=3, max=4\r\n\r\n";
    response.parse(before, false).unwrap();
    response.parse(head, request_is_head).map(|()| response)
}

fn parse(head: &[u8]) -> Result<ResponseHead, ResponseError> {
    parse_for(head, false)
}

fn with(lines: &str) -> Result<ResponseHead, ResponseError> {
    parse(format!("HTTP/1.1 200 OK\r\n{lines}\r\n").as_bytes())
}

#[test]
fn a_plain_response() {
    let head = b"HTTP/1.1 404 Not Here\r\nContent-Length: 2\r\nX-Foo:  bar \r\n\r\n";
    let response = parse(head).unwrap();
    assert_eq!((response.status, response.version), (404, Version::Http11));
    assert_eq!(response.status_line.of(head), b"404 Not Here");
    assert_eq!(response.reason.of(head), b"Not Here");
    assert_eq!(
        (response.framing, response.content_length),
        (BodyFraming::Length(2), Some(2))
    );
    assert!(!response.connection_close && response.warnings.is_empty());
    assert_eq!(
        (response.keep_alive_timeout, response.keep_alive_max),
        (None, None)
    );
    let lines: Vec<_> = response
        .headers
        .iter()
        .map(|h| (h.known, h.value.of(head), h.forward))
        .collect();
    assert_eq!(
        lines,
        [
            (Known::ContentLength, b"2".as_slice(), false),
            (Known::Other, b"bar".as_slice(), true),
        ]
    );
}

#[test]
fn status_lines() {
    let table = [
        ("HTTP/1.1 200 OK", Some("200 OK")),
        ("HTTP/1.1 200", Some("200")),
        ("HTTP/1.1 200 ", Some("200 ")),
        ("HTTP/1.1  200 OK", Some("200 OK")),
        ("HTTP/1.1 200  OK", Some("200  OK")),
        ("HTTP/1.1 200.1 OK", Some("200.1 OK")),
        ("HTTP/1.1 999 \u{ff}\x01", Some("999 \u{ff}\x01")),
        ("HTTP/1.0 200 OK", Some("200 OK")),
        ("HTTP/1.999 200 OK", Some("200 OK")),
        ("HTTP/2.0 200 OK", Some("200 OK")),
        ("HTTP/1.1 099 OK", None),
        ("HTTP/1.1 000 OK", None),
        ("HTTP/1.1 20 OK", None),
        ("HTTP/1.1 2000 OK", None),
        ("HTTP/1.1 200OK", None),
        ("HTTP/2 200 OK", None),
        ("HTTP/0.9 200 OK", None),
        ("HTTP/01.1 200 OK", None),
        ("HTTP/1.1\t200 OK", None),
        ("HTTP/1.1", None),
        ("HTTP/1.1 ", None),
        ("HTTP/1.1 200 O\0K", None),
        ("HTTP/1.1 200 O\rK", None),
        ("HTTP/1.1 200 OK\r", None),
        ("http/1.1 200 OK", None),
        ("ICY 200 OK", None),
        ("", None),
        ("SSH-2.0-x", None),
    ];
    for (line, expected) in table {
        let head = format!("{line}\r\nContent-Length: 2\r\n\r\n").into_bytes();
        let found = parse(&head).map(|r| r.status_line.of(&head).to_vec());
        assert_eq!(
            found,
            expected
                .map(|e| e.as_bytes().to_vec())
                .ok_or(ResponseError::StatusLine),
            "{line:?}"
        );
        let early = ResponseHead::refuse_early(format!("{line}\r\nCont").as_bytes());
        assert_eq!(early.is_ok(), expected.is_some(), "{line:?}");
    }
    for fine in ["", "HT", "HTTP/", "HTTP/1.1 2"] {
        assert!(ResponseHead::refuse_early(fine.as_bytes()).is_ok());
    }
    for bad in ["x", "HTP", "hTTP/", "\r\nHTTP/"] {
        assert!(ResponseHead::refuse_early(bad.as_bytes()).is_err());
    }
}

#[test]
#[allow(clippy::too_many_lines)] // one table
fn framing() {
    let chunked = "Transfer-Encoding: Chunked\r\n";
    let length = "Content-Length: 02\r\n";
    let table = [
        (
            "HTTP/1.1 200 OK",
            length,
            false,
            BodyFraming::Length(2),
            false,
        ),
        (
            "HTTP/1.1 200 OK",
            "Content-Length: 0\r\n",
            false,
            BodyFraming::Length(0),
            false,
        ),
        (
            "HTTP/1.1 200 OK",
            chunked,
            false,
            BodyFraming::Chunked,
            false,
        ),
        ("HTTP/1.1 200 OK", "", false, BodyFraming::UntilClose, true),
        ("HTTP/1.1 200 OK", length, true, BodyFraming::None, false),
        ("HTTP/1.1 200 OK", "", true, BodyFraming::None, false),
        (
            "HTTP/1.1 204 No Content",
            length,
            false,
            BodyFraming::None,
            false,
        ),
        (
            "HTTP/1.1 204 No Content",
            chunked,
            false,
            BodyFraming::None,
            false,
        ),
        (
            "HTTP/1.1 304 Not Modified",
            length,
            false,
            BodyFraming::None,
            false,
        ),
        (
            "HTTP/1.1 205 Reset",
            length,
            false,
            BodyFraming::Length(2),
            false,
        ),
        ("HTTP/1.1 100 Continue", "", false, BodyFraming::None, false),
        (
            "HTTP/1.1 101 Switching",
            "",
            false,
            BodyFraming::None,
            false,
        ),
        (
            "HTTP/1.0 200 OK",
            length,
            false,
            BodyFraming::Length(2),
            true,
        ),
        (
            "HTTP/1.0 200 OK",
            "Content-Length: 2\r\nConnection: Keep-Alive\r\n",
            false,
            BodyFraming::Length(2),
            false,
        ),
        (
            "HTTP/1.0 200 OK",
            "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n",
            false,
            BodyFraming::Chunked,
            true,
        ),
        (
            "HTTP/1.1 200 OK",
            "Content-Length: 2\r\nConnection: foo, Close\r\n",
            false,
            BodyFraming::Length(2),
            true,
        ),
        (
            "HTTP/1.1 200 OK",
            "Content-Length: 2\r\nConnection: closed\r\n",
            false,
            BodyFraming::Length(2),
            false,
        ),
    ];
    for (line, lines, to_head, framing, close) in table {
        let response = parse_for(format!("{line}\r\n{lines}\r\n").as_bytes(), to_head).unwrap();
        assert_eq!(
            (response.framing, response.connection_close),
            (framing, close),
            "{line} {lines}"
        );
    }
    assert_eq!(
        parse_for(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true)
            .unwrap()
            .content_length,
        Some(9)
    );
}

#[test]
fn interim_responses() {
    for (status, interim) in [(100, true), (103, true), (101, false), (200, false)] {
        assert_eq!(
            parse(format!("HTTP/1.1 {status} X\r\n\r\n").as_bytes())
                .unwrap()
                .interim(),
            interim
        );
    }
}

#[test]
fn heads_that_are_refused() {
    let table = [
        (
            "Foo \r\n",
            "upstream sent invalid header: \"Foo\\\\x20...\"",
        ),
        (
            "Foo : x\r\n",
            "upstream sent invalid header: \"Foo\\\\x20...\"",
        ),
        (
            " Foo: x\r\n",
            "upstream sent invalid header: \"\\\\x20...\"",
        ),
        (": x\r\n", "upstream sent invalid header: \"\\\\x3a...\""),
        (
            "Foo: a\rb\r\n",
            "upstream sent invalid header: \"Foo: a\\\\x0d...\"",
        ),
        (
            "Foo: a\r\r\n",
            "upstream sent invalid header: \"Foo: a\\\\x0d...\"",
        ),
        (
            "Foo: a\0b\r\n",
            "upstream sent invalid header: \"Foo: a\\\\x00...\"",
        ),
        (
            "F\0: b\r\n",
            "upstream sent invalid header: \"F\\\\x00...\"",
        ),
        (
            "Foo: a\r\n b\r\n",
            "upstream sent invalid header: \"\\\\x20...\"",
        ),
        (
            "Content-Length: +2\r\n",
            "upstream sent invalid \"Content-Length\" header: \"Content-Length: +2\"",
        ),
        (
            "Content-Length: \r\n",
            "upstream sent invalid \"Content-Length\" header: \"Content-Length: \"",
        ),
        (
            "content-length: 2, 2\r\n",
            "upstream sent invalid \"Content-Length\" header: \"content-length: 2, 2\"",
        ),
        (
            "Content-Length: 9223372036854775808\r\n",
            "upstream sent invalid \"Content-Length\" header: \"Content-Length: 9223372036854775808\"",
        ),
        (
            "Content-Length: 2\r\ncontent-length: 2\r\n",
            "upstream sent duplicate header line: \"content-length: 2\", previous value: \"Content-Length: 2\"",
        ),
        (
            "Transfer-Encoding: chunked\r\ntransfer-encoding: x\r\n",
            "upstream sent duplicate header line: \"transfer-encoding: x\", previous value: \"Transfer-Encoding: chunked\"",
        ),
        (
            "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
            "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
        ),
        (
            "Transfer-Encoding: identity\r\n",
            "upstream sent unknown \"Transfer-Encoding\": \"identity\"",
        ),
        (
            "Transfer-Encoding: \r\n",
            "upstream sent unknown \"Transfer-Encoding\": \"\"",
        ),
        (
            "Content-Length: 2\r\nTransfer-Encoding: gzip, chunked\r\n",
            "upstream sent unknown \"Transfer-Encoding\": \"gzip, chunked\"",
        ),
    ];
    for (lines, expected) in table {
        let head = format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
        let mut out = Vec::new();
        parse(head.as_bytes())
            .unwrap_err()
            .message(head.as_bytes(), &mut out);
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.replace('"', "\\\""),
            "{lines:?}"
        );
    }
}

#[test]
fn what_only_strictness_refuses() {
    let head = b"HTTP/1.1 200 \x01\r\nA: \tb\r\nFoo: a\x1bb\r\n\r\n";
    let error = parse(head).unwrap().refuse_controls(head).unwrap_err();
    let mut out = Vec::new();
    error.message(head, &mut out);
    assert_eq!(out, b"upstream sent invalid header: \"Foo: a\\x1b...\"");
    let fine = b"HTTP/1.1 200 OK\r\nA: \tb\xff\r\n\r\n";
    assert_eq!(parse(fine).unwrap().refuse_controls(fine), Ok(()));
}

#[test]
fn lines_that_nginx_ignores() {
    for (known, name) in Known::ALL {
        let head = format!(
            "HTTP/1.1 200 OK\r\n{name}: 2\r\n{}: 3\r\n\r\n",
            name.to_lowercase()
        );
        let first_counts = matches!(
            known,
            Known::Server
                | Known::Date
                | Known::ContentType
                | Known::LastModified
                | Known::ETag
                | Known::Location
                | Known::Refresh
                | Known::Expires
                | Known::Status
                | Known::XAccelExpires
                | Known::XAccelRedirect
                | Known::XAccelLimitRate
        );
        let Ok(response) = parse(head.as_bytes()) else {
            assert!(
                matches!(known, Known::ContentLength | Known::TransferEncoding),
                "{name}"
            );
            continue;
        };
        assert_eq!(response.warnings.len(), usize::from(first_counts), "{name}");
        assert_eq!(
            response.headers[1].forward,
            !first_counts && !known.hop_by_hop(),
            "{name}"
        );
        if let [warning] = response.warnings[..] {
            let mut out = Vec::new();
            warning.message(&response, head.as_bytes(), &mut out);
            let expected = format!(
                "upstream sent duplicate header line: \"{}: 3\", previous value: \"{name}: 2\", ignored",
                name.to_lowercase()
            );
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}

#[test]
fn what_crosses() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nHTTP/1.1 200 OK\r\nConnection: X-Hop, Content-Type, Set-Cookie\r\n\
        X-Hop: 1\r\nContent-Type: a\r\nSet-Cookie: b\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: x\r\nTrailer: y\r\nUpgrade: z\r\n\
        F_o: d\r\nF@o: d\r\nFoo\r\nVia: x\r\nServer: s\r\n\r\n";
    let response = parse(head).unwrap();
    let crossing: Vec<_> = response
        .headers
        .iter()
        .filter(|h| h.forward && !h.known.hidden_by_proxy())
        .map(|h| h.name.of(head).escape_ascii().to_string())
        .collect();
    assert_eq!(
        crossing,
        ["Content-Type", "Set-Cookie", "F_o", "F@o", "Foo", "Via"]
    );
    assert_eq!(
        response.find(Known::Server).map(|h| h.value.of(head)),
        Some(b"s".as_slice())
    );
}

#[test]
fn keep_alive_hints() {
    let table = [
        ("timeout=5", Some(5), None),
        ("timeout=5, max=100", Some(5), Some(100)),
        ("max = 7 , Timeout=\"3\"", Some(3), Some(7)),
        ("timeout=5.5", None, None),
        ("timeout=-1, max", None, None),
        ("5", None, None),
    ];
    for (value, timeout, max) in table {
        let response = with(&format!("Keep-Alive: {value}\r\n")).unwrap();
        assert_eq!(
            (response.keep_alive_timeout, response.keep_alive_max),
            (timeout, max),
            "{value}"
        );
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        status in 200u16..=599,
        reason in "[A-Za-z ]{0,12}",
        lines in prop::collection::vec(("X-[A-Za-z0-9_-]{1,12}", "[!-~]([ -~]{0,20}[!-~])?"), 0..12),
        length in any::<u32>(),
    ) {
        let line = format!("{status} {reason}");
        let mut head = Vec::new();
        write::status_line(&mut head, b"HTTP/1.1", line.as_bytes());
        write::number(&mut head, b"Content-Length", u64::from(length));
        for (name, value) in &lines {
            write::header(&mut head, name.as_bytes(), value.as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        prop_assert_eq!(HeadScan::response().advance(&head), Some(head.len()));
        let response = parse(&head).unwrap();
        prop_assert_eq!(response.status, status);
        prop_assert_eq!(response.status_line.of(&head), line.as_bytes());
        prop_assert_eq!(response.content_length, Some(u64::from(length)));
        let found: Vec<_> = response.headers[1..].iter().map(|h| (h.name.of(&head), h.value.of(&head))).collect();
        let written: Vec<_> = lines.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        prop_assert_eq!(found, written);
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(prop::sample::select(b"HTTP/1.2 0OK:-ab\r\n\t\0,=\"\xff".to_vec()), 0..80), any in any::<Vec<u8>>()) {
        for bytes in [&bytes, &any] {
            for head in [bytes.clone(), [b"HTTP/1.1 200 OK\r\nKeep-Alive: ", bytes.as_slice(), b"\r\n\r\n"].concat()] {
                let mut response = ResponseHead::default();
                if let Err(error) = response.parse(&head, false) {
                    error.message(&head, &mut Vec::new());
                }
                for warning in response.warnings.clone() {
                    warning.message(&response, &head, &mut Vec::new());
                }
                let _ = ResponseHead::refuse_early(&head);
            }
        }
    }
}
