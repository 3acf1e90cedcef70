//! Request heads: what is taken, what is refused, and in which words.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use surehop_wire::request::invalid_line;
use surehop_wire::{
    Framing, HeadScan, Known, Limits, Method, RequestError, RequestHead, Version, write,
};

fn parse(head: &[u8]) -> Result<RequestHead, RequestError> {
    // Something must be there to be forgotten.
    let mut request = RequestHead::default();
    request.parse(b"POST http://x/y?z HTTP/1.0\r\nHost: z\r\nIdempotency-Key: k\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n", &Limits::default()).unwrap();
    request.parse(head, &Limits::default()).map(|()| request)
}

fn with(lines: &str) -> Result<RequestHead, RequestError> {
    parse(format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n").as_bytes())
}

/// Status, action and nginx's sentence of a refusal.
fn refusal(head: &[u8]) -> String {
    let error = parse(head).unwrap_err();
    let mut out = Vec::new();
    error.message(head, &mut out);
    format!(
        "{} {} while {}",
        error.status(),
        out.escape_ascii(),
        error.action()
    )
}

/// Header lines and the refusal they meet.
fn assert_refused(table: &[(&str, &str)]) {
    for (lines, expected) in table {
        let head = format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
        let expected =
            format!("{expected} while reading client request headers").replace('"', "\\\"");
        assert_eq!(refusal(head.as_bytes()), expected, "{lines:?}");
    }
}

#[test]
fn a_plain_request() {
    let head = b"GET /a/b?c=d HTTP/1.1\r\nHost: Example.com.:8080\r\nAccept: */*\r\n\r\n";
    let request = parse(head).unwrap();
    assert_eq!(request.method, Method::Get);
    assert_eq!(request.method_span.of(head), b"GET");
    assert_eq!(request.line.of(head), b"GET /a/b?c=d HTTP/1.1");
    assert_eq!(request.target.of(head), b"/a/b?c=d");
    assert_eq!(request.uri.of(head), b"/a/b?c=d");
    assert_eq!(request.path.of(head), b"/a/b");
    assert_eq!(request.query.unwrap().of(head), b"c=d");
    assert_eq!(request.version, Version::Http11);
    assert_eq!(request.protocol.of(head), b"HTTP/1.1");
    assert_eq!(request.host.of(head), b"Example.com");
    assert_eq!(request.host_header.unwrap().of(head), b"Example.com.:8080");
    assert_eq!(request.framing, Framing::None);
    assert!(request.keep_alive() && !request.expect_continue && !request.keyed && !request.upgrade);
    let lines: Vec<_> = request
        .headers
        .iter()
        .map(|h| (h.known, h.value.of(head), h.forward))
        .collect();
    assert_eq!(
        lines,
        [
            (Known::Host, b"Example.com.:8080".as_slice(), false),
            (Known::Accept, b"*/*".as_slice(), true),
        ]
    );
}

#[test]
fn targets() {
    // target -> host, $request_uri, path, query, what goes upstream
    let table = [
        ("/", "h", "/", "/", None, "/"),
        ("/a?", "h", "/a?", "/a", Some(""), "/a?"),
        ("/a?b?c#d", "h", "/a?b?c#d", "/a", Some("b?c"), "/a?b?c#d"),
        ("/a#b?c", "h", "/a#b?c", "/a", None, "/a#b?c"),
        (
            "/\"<>\\^`{|}'",
            "h",
            "/\"<>\\^`{|}'",
            "/\"<>\\^`{|}'",
            None,
            "/\"<>\\^`{|}'",
        ),
        ("http://b/x?y", "b", "/x?y", "/x", Some("y"), "/x?y"),
        ("http://B.c.:81/x", "B.c", "/x", "/x", None, "/x"),
        ("http://b", "b", "/", "/", None, "/"),
        ("http://b:", "b", "/", "/", None, "/"),
        ("http://b?x=1", "b", "?x=1", "/", Some("x=1"), "/?x=1"),
        ("http://[::1]:81/x", "[::1]", "/x", "/x", None, "/x"),
        ("h1+-.://b/x", "b", "/x", "/x", None, "/x"),
    ];
    for (target, host, uri, path, query, upstream) in table {
        let head = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes();
        let request = parse(&head).unwrap_or_else(|e| panic!("{target}: {e:?}"));
        let mut out = Vec::new();
        request.write_target(&head, &mut out);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let found = (
            text(request.host.of(&head)),
            text(request.uri.of(&head)),
            text(request.path.of(&head)),
            request.query.map(|q| text(q.of(&head))),
            text(&out),
        );
        let expected = (
            host.into(),
            uri.into(),
            path.into(),
            query.map(String::from),
            upstream.into(),
        );
        assert_eq!(found, expected, "{target}");
    }
}

#[test]
fn request_lines_that_are_taken() {
    for line in [
        "GET / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1  ",
        "G_-T / HTTP/1.1",
        "GET / HTTP/1.2",
        "GET / HTTP/1.01",
        "GET / HTTP/1.999",
    ] {
        let request = parse(format!("{line}\r\nHost: h\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(request.version, Version::Http11, "{line}");
    }
    let head = b"\r\n\n\r\nHEAD / HTTP/1.0\nA: b\n\n";
    let request = parse(head).unwrap();
    assert_eq!(
        (request.method, request.version),
        (Method::Head, Version::Http10)
    );
    assert_eq!(request.headers[0].value.of(head), b"b");
    assert!(!request.keep_alive());
}

#[test]
fn request_lines_that_are_refused() {
    let table = [
        ("get / HTTP/1.1", "400 client sent invalid method"),
        ("123 / HTTP/1.1", "400 client sent invalid method"),
        (" GET / HTTP/1.1", "400 client sent invalid method"),
        ("\rGET / HTTP/1.1", "400 client sent invalid method"),
        ("G\0T / HTTP/1.1", "400 client sent invalid method"),
        ("\x16\x03\x01", "400 client sent invalid method"),
        ("GET", "400 client sent invalid method"),
        ("GET ", "400 client sent invalid request"),
        ("GET /\tHTTP/1.1", "400 client sent invalid request"),
        ("GET /a b HTTP/1.1", "400 client sent invalid request"),
        ("GET /a\x01 HTTP/1.1", "400 client sent invalid request"),
        ("GET /a\x7f HTTP/1.1", "400 client sent invalid request"),
        ("GET /a?\0 HTTP/1.1", "400 client sent invalid request"),
        ("GET /a#\x01 HTTP/1.1", "400 client sent invalid request"),
        ("GET /\r HTTP/1.1", "400 client sent invalid request"),
        ("GET / HTTP/1.1\r", "400 client sent invalid request"),
        ("GET x HTTP/1.1", "400 client sent invalid request"),
        ("GET ?a HTTP/1.1", "400 client sent invalid request"),
        ("OPTIONS * HTTP/1.1", "400 client sent invalid request"),
        ("PRI * HTTP/2.0", "400 client sent invalid request"),
        ("CONNECT / HTTP/1.1", "400 client sent invalid request"),
        ("GET http:/b/x HTTP/1.1", "400 client sent invalid request"),
        (
            "GET http://u@b/x HTTP/1.1",
            "400 client sent invalid request",
        ),
        (
            "GET http://a_b/x HTTP/1.1",
            "400 client sent invalid request",
        ),
        ("GET http://b#f HTTP/1.1", "400 client sent invalid request"),
        (
            "GET http:///x HTTP/1.1",
            "400 client sent invalid host in request line",
        ),
        (
            "GET http://b:99999/ HTTP/1.1",
            "400 client sent invalid host in request line",
        ),
        ("GET / HTTP/0.9", "400 client sent invalid request"),
        ("GET / HTTP/01.1", "400 client sent invalid request"),
        ("GET / HTTP/1.", "400 client sent invalid request"),
        ("GET / HTTP/1", "400 client sent invalid request"),
        ("GET / HTTP/1.1000", "400 client sent invalid request"),
        ("GET / HTTP/1.1x", "400 client sent invalid request"),
        ("GET / HTTPS/1.1", "400 client sent invalid request"),
        ("GET / http/1.1", "400 client sent invalid request"),
        ("GET / HTTP/2.0", "505 client sent invalid version"),
        ("GET / HTTP/11.1", "505 client sent invalid version"),
        ("GET /", "400 client sent HTTP/0.9 request"),
        (
            "POST /",
            "400 client sent invalid method in HTTP/0.9 request",
        ),
    ];
    for (line, expected) in table {
        let head = format!("{line}\r\nHost: h\r\n\r\n");
        assert_eq!(
            refusal(head.as_bytes()),
            format!("{expected} while reading client request line"),
            "{line:?}"
        );
    }
}

#[test]
fn header_lines_that_are_refused() {
    let table = [
        (
            "Foo : x\r\n",
            "400 client sent invalid header line: \"Foo\\\\x20...\"",
        ),
        (
            "Foo\t: x\r\n",
            "400 client sent invalid header line: \"Foo\\\\x09...\"",
        ),
        (
            " Foo: x\r\n",
            "400 client sent invalid header line: \"\\\\x20...\"",
        ),
        (
            ": x\r\n",
            "400 client sent invalid header line: \"\\\\x3a...\"",
        ),
        (
            "Foo: a\r\n b\r\n",
            "400 client sent invalid header line: \"\\\\x20...\"",
        ),
        (
            "Foo: a\r\n\tb\r\n",
            "400 client sent invalid header line: \"\\\\x09...\"",
        ),
        (
            "Foo: a\rb\r\n",
            "400 client sent invalid header line: \"Foo: a\\\\x0d...\"",
        ),
        (
            "Foo: a\r\r\n",
            "400 client sent invalid header line: \"Foo: a\\\\x0d...\"",
        ),
        (
            "Foo: b \rc\r\n",
            "400 client sent invalid header line: \"Foo: b\\\\x20...\"",
        ),
        (
            "Foo: a\0b\r\n",
            "400 client sent invalid header line: \"Foo: a\\\\x00...\"",
        ),
        (
            "Foo\0: b\r\n",
            "400 client sent invalid header line: \"Foo\\\\x00...\"",
        ),
        (
            "Foo\r: b\r\n",
            "400 client sent invalid header line: \"Foo\\\\x0d...\"",
        ),
        (
            "\rFoo: b\r\n",
            "400 client sent invalid header line: \"\\\\x0d...\"",
        ),
        (
            "Foo:\rb\r\n",
            "400 client sent invalid header line: \"Foo:\\\\x0d...\"",
        ),
        (
            "Content-Length : 5\r\n",
            "400 client sent invalid header line: \"Content-Length\\\\x20...\"",
        ),
    ];
    assert_refused(&table);
}

#[test]
fn lines_that_contradict_each_other() {
    let table = [
        (
            "host: b\r\n",
            "400 client sent duplicate host header: \"host: b\", previous value: \"Host: h\"",
        ),
        (
            "Content-Length: 5\r\ncontent-length: 5\r\n",
            "400 client sent duplicate header line: \"content-length: 5\", previous value: \"Content-Length: 5\"",
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
            "400 client sent duplicate header line: \"Transfer-Encoding: x\", previous value: \"Transfer-Encoding: chunked\"",
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "400 client sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
            "400 client sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            "501 client sent unknown \"Transfer-Encoding\": \"gzip, chunked\"",
        ),
        (
            "Transfer-Encoding: identity\r\n",
            "501 client sent unknown \"Transfer-Encoding\": \"identity\"",
        ),
        (
            "Transfer-Encoding: \tchunked\r\n",
            "501 client sent unknown \"Transfer-Encoding\": \"\\tchunked\"",
        ),
        (
            "Transfer-Encoding\r\n",
            "501 client sent unknown \"Transfer-Encoding\": \"\"",
        ),
        (
            "Content-Length\r\n",
            "400 client sent invalid \"Content-Length\" header",
        ),
    ];
    assert_refused(&table);
}

#[test]
fn values_that_are_refused() {
    for length in [
        "",
        "+5",
        "-5",
        "5,5",
        "5, 5",
        "0x5",
        "5a",
        "5 5",
        "5\t",
        "9223372036854775808",
        "99999999999999999999",
    ] {
        assert_eq!(
            with(&format!("Content-Length: {length}\r\n")),
            Err(RequestError::InvalidContentLength),
            "{length}"
        );
    }
    for host in ["", "a b", "a/b", "a@b", "\ta", "a:99999", "[::1"] {
        let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(
            parse(head.as_bytes()),
            Err(RequestError::InvalidHost),
            "{host}"
        );
    }
    assert_eq!(parse(b"GET / HTTP/1.1\r\n\r\n"), Err(RequestError::NoHost));
    assert_eq!(
        parse(b"GET http://b/ HTTP/1.1\r\n\r\n"),
        Err(RequestError::NoHost)
    );
    assert_eq!(
        parse(b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Err(RequestError::EncodingInHttp10)
    );
    assert_eq!(
        parse(b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Err(RequestError::Connect)
    );
    assert_eq!(
        parse(b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap_err()
            .status(),
        405
    );
}

#[test]
fn what_only_strictness_refuses() {
    for (line, lines, refusal) in [
        ("http://a/ HTTP/1.1", "Host: a", None),
        ("http://A:80/ HTTP/1.1", "Host: a.", None),
        ("http://a/ HTTP/1.0", "Host: b", None),
        ("/ HTTP/1.1", "Host: b\r\nFoo: \t\u{80}", None),
        ("http://a HTTP/1.1", "Host: b", Some("Host: b")),
        ("http://a:80/ HTTP/1.1", "Host: a:81", Some("Host: a:81")),
        (
            "/ HTTP/1.1",
            "Host: a\r\nFoo: a\x1bb",
            Some("Foo: a\\x1b..."),
        ),
        ("/ HTTP/1.0", "Foo: \x7f", Some("Foo: \\x7f...")),
    ] {
        let head = format!("GET {line}\r\n{lines}\r\n\r\n").into_bytes();
        let mut request = RequestHead::default();
        assert_eq!(request.parse(&head, &Limits::default()), Ok(()), "{line}");
        let strict = Limits {
            strict: true,
            ..Limits::default()
        };
        let found = request.parse(&head, &strict).map_err(|error| {
            assert_eq!(error.status(), 400);
            let mut out = Vec::new();
            error.message(&head, &mut out);
            String::from_utf8(out).unwrap()
        });
        let sentence = if line.starts_with("http") {
            "client sent host header that contradicts the request line"
        } else {
            "client sent invalid header line"
        };
        let expected = refusal.map_or(Ok(()), |text| Err(format!("{sentence}: \"{text}\"")));
        assert_eq!(found, expected, "{line} {lines}");
    }
}

#[test]
fn a_refused_head_tells_what_was_read() {
    let head = b"GET /a HTTP/1.1\r\nHost: a..b\r\n\r\n";
    let mut request = RequestHead::default();
    assert_eq!(
        request.parse(head, &Limits::default()),
        Err(RequestError::InvalidHost)
    );
    assert_eq!(request.line.of(head), b"GET /a HTTP/1.1");
    assert_eq!(request.host_header.unwrap().of(head), b"a..b");
    let head = b"GET /\rX HTTP/1.1\r\n\r\n";
    assert!(request.parse(head, &Limits::default()).is_err());
    assert_eq!(
        (request.line.of(head), request.host_header),
        (b"GET /".as_slice(), None)
    );
}

#[test]
fn names_that_may_come_once() {
    for (known, name) in Known::ALL {
        let found = with(&format!("{name}: 1\r\n{name}: 1\r\n"));
        let single = matches!(
            found,
            Err(RequestError::Duplicate { .. } | RequestError::DuplicateHost { .. })
        );
        let expected = matches!(
            known,
            Known::Host
                | Known::ContentLength
                | Known::TransferEncoding
                | Known::IfModifiedSince
                | Known::IfUnmodifiedSince
                | Known::IfMatch
                | Known::IfNoneMatch
                | Known::IfRange
                | Known::Expect
                | Known::Authorization
                | Known::ContentRange
        );
        assert_eq!(single, expected, "{name}");
    }
}

#[test]
fn framing() {
    let table = [
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::Length(0)),
        ("Content-Length: 00005 \r\n", Framing::Length(5)),
        (
            "Content-Length: 9223372036854775807\r\n",
            Framing::Length(i64::MAX as u64),
        ),
        ("Transfer-Encoding:  Chunked \r\n", Framing::Chunked),
        // Names with an underscore are dropped, so they frame nothing.
        (
            "Content_Length: 5\r\nTransfer_Encoding: chunked\r\n",
            Framing::None,
        ),
    ];
    for (lines, framing) in table {
        assert_eq!(with(lines).unwrap().framing, framing, "{lines}");
    }
}

#[test]
fn what_the_connection_lines_say() {
    let table = [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: CLOSE\r\n", false),
        ("1.1", "Connection: foo,\tclose ,bar\r\n", false),
        (
            "1.1",
            "Connection: keep-alive\r\nConnection: close\r\n",
            false,
        ),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
        ("1.0", "Connection: close, keep-alive\r\n", false),
    ];
    for (version, lines, kept) in table {
        let head = format!("GET / HTTP/{version}\r\nHost: h\r\n{lines}\r\n");
        assert_eq!(
            parse(head.as_bytes()).unwrap().keep_alive(),
            kept,
            "{version} {lines}"
        );
    }
    assert!(
        with("Connection: Upgrade\r\nUpgrade: websocket\r\n")
            .unwrap()
            .upgrade
    );
    assert!(!with("Upgrade: websocket\r\n").unwrap().upgrade);
    assert!(!with("Connection: upgrade\r\n").unwrap().upgrade);
}

#[test]
fn what_crosses() {
    let head = b"POST / HTTP/1.1\r\nHost: h\r\nX-Plain: 1\r\nConnection: close, X-Hop, X-Plai, Host, Authorization, X-Forwarded-Proto\r\n\
        x-hop: 1\r\nKeep-Alive: 3\r\nProxy-Connection: x\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\nExpect: 100-continue\r\n\
        Content-Length: 2\r\nAuthorization: a\r\nProxy-Authorization: x\r\nX-Forwarded-Proto: https\r\nF_o: d\r\nF@o: d\r\nFoo\r\nBar: \tx\t \r\n\r\n";
    let request = parse(head).unwrap();
    let crossing: Vec<_> = request
        .headers
        .iter()
        .filter(|h| h.forward)
        .map(|h| {
            format!(
                "{}={}",
                h.name.of(head).escape_ascii(),
                h.value.of(head).escape_ascii()
            )
        })
        .collect();
    assert_eq!(
        crossing,
        [
            "X-Plain=1",
            "Authorization=a",
            "Proxy-Authorization=x",
            "X-Forwarded-Proto=https",
            "Foo=",
            "Bar=\\tx\\t"
        ]
    );
    let dropped: Vec<_> = request.headers.iter().filter(|h| !h.valid).collect();
    let mut out = Vec::new();
    invalid_line(dropped[0], head, &mut out);
    assert_eq!(
        (dropped.len(), out.as_slice()),
        (2, b"client sent invalid header line: \"F_o: d\"".as_slice())
    );
    assert!(request.expect_continue);
}

#[test]
fn marks() {
    assert!(with("Idempotency-Key: k\r\n").unwrap().keyed);
    assert!(!with("Idempotency-Key:\r\n").unwrap().keyed);
    assert!(!with("Expect: 200-ok\r\n").unwrap().expect_continue);
    let old = parse(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").unwrap();
    assert!(!old.expect_continue);
    assert!(Method::Put.idempotent() && !Method::Post.idempotent() && !Method::Other.idempotent());
    assert!(Method::Other.replayable_in_nginx() && !Method::Patch.replayable_in_nginx());
}

#[test]
fn limits() {
    let limits = Limits::default();
    let line = |len: usize| {
        format!(
            "GET /{} HTTP/1.1\r\n",
            "a".repeat(len - "GET / HTTP/1.1".len())
        )
    };
    let host = "Host: h\r\n\r\n";
    assert!(parse((line(8190) + host).as_bytes()).is_ok());
    assert_eq!(
        parse((line(8191) + host).as_bytes()),
        Err(RequestError::UriTooLong)
    );
    let field = |len: usize| format!("F: {}\r\n", "a".repeat(len - 3));
    assert!(with(&field(8190)).is_ok());
    let error = with(&field(8191)).unwrap_err();
    assert_eq!(error.status(), 494);
    assert!(with(&field(8000).repeat(4)).is_ok());
    assert!(matches!(
        with(&field(8000).repeat(5)),
        Err(RequestError::HeaderTooLong(_))
    ));
    assert!(with(&"A: b\r\n".repeat(limits.headers - 1)).is_ok());
    assert_eq!(
        with(&"A: b\r\n".repeat(limits.headers)),
        Err(RequestError::TooManyHeaders)
    );

    let head = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", field(9000));
    let mut out = Vec::new();
    parse(head.as_bytes())
        .unwrap_err()
        .message(head.as_bytes(), &mut out);
    assert!(
        out.starts_with(b"client sent too long header line: \"F: aaa") && out.ends_with(b"a...\"")
    );
    assert_eq!(
        out.len(),
        "client sent too long header line: \"...\"".len() + 1748
    );
}

#[test]
fn what_is_refused_before_the_head_is_whole() {
    let early = |bytes: &[u8]| RequestHead::default().refuse_early(bytes, &Limits::default());
    for fine in [
        "",
        "\r",
        "\r\n",
        "\r\n\r",
        "G",
        "GET",
        "GET /a b",
        "GET / HTTP/1.1\r",
        "GET / HTTP/1.1\r\nHo",
        "GET / HTTP/1.1\r\n\r",
    ] {
        assert_eq!(early(fine.as_bytes()), Ok(()), "{fine:?}");
    }
    assert_eq!(early(b"\x16\x03\x01\x02"), Err(RequestError::InvalidMethod));
    assert_eq!(early(b"\rG"), Err(RequestError::InvalidMethod));
    assert_eq!(
        early(b"GET / HTTP/2.0\r\nHo"),
        Err(RequestError::InvalidVersion)
    );
    for bad in [
        "Foo ",
        "Foo : x\r\nBar",
        "Foo: a\rb",
        "Host: a\r\nHost: a\r\n",
    ] {
        let head = format!("GET / HTTP/1.1\r\n{bad}");
        assert!(early(head.as_bytes()).is_err(), "{bad:?}");
        assert_eq!(
            early(head.as_bytes()),
            parse(format!("{head}\r\n\r\n").as_bytes()).map(|_| ()),
            "{bad:?}"
        );
    }
    // What stands behind the limit is not what is wrong.
    let far = format!("GET / HTTP/1.1\r\nA: {}\0\r\n\r\n", "a".repeat(8190));
    assert!(matches!(
        parse(far.as_bytes()),
        Err(RequestError::HeaderTooLong(_))
    ));
    assert_eq!(
        parse(format!("get {}", far.replace("A: ", "")).as_bytes()),
        Err(RequestError::InvalidMethod)
    );
    assert_eq!(
        early(&[b"GET /".as_slice(), &[b'a'; 8190]].concat()),
        Err(RequestError::UriTooLong)
    );
    let line = [b"GET / HTTP/1.1\r\nA: ".as_slice(), &[b'a'; 8190]].concat();
    assert!(matches!(early(&line), Err(RequestError::HeaderTooLong(_))));
    let many = [
        b"GET / HTTP/1.1\r\n".as_slice(),
        &b"A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n".repeat(1000),
    ]
    .concat();
    assert!(matches!(early(&many), Err(RequestError::HeaderTooLong(_))));
}

fn name() -> impl Strategy<Value = String> {
    "X-[A-Za-z0-9-]{1,12}"
}

fn value() -> impl Strategy<Value = String> {
    "[!-~]([ -~]{0,20}[!-~])?"
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        method in "[A-Z]{3,7}",
        path in "/[a-z0-9./]{0,20}",
        lines in prop::collection::vec((name(), value()), 0..12),
    ) {
        prop_assume!(!matches!(method.as_str(), "CONNECT" | "TRACE"));
        let mut head = Vec::new();
        write::request_line(&mut head, method.as_bytes(), path.as_bytes(), b"HTTP/1.1");
        write::header(&mut head, b"Host", b"h");
        for (name, value) in &lines {
            write::header(&mut head, name.as_bytes(), value.as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        prop_assert_eq!(HeadScan::request().advance(&head), Some(head.len()));
        let request = parse(&head).unwrap();
        prop_assert_eq!(request.method_span.of(&head), method.as_bytes());
        prop_assert_eq!(request.path.of(&head), path.as_bytes());
        let found: Vec<_> = request.headers[1..].iter().map(|h| (h.name.of(&head), h.value.of(&head))).collect();
        let written: Vec<_> = lines.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        prop_assert_eq!(found, written);
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(prop::sample::select(b"GET /?#:%.HTTP1Host\r\n \t\0,a\xff-_".to_vec()), 0..80), any in any::<Vec<u8>>()) {
        for bytes in [&bytes, &any] {
            for head in [bytes.clone(), [b"GET / HTTP/1.1\r\nHost: h\r\n", bytes.as_slice(), b"\r\n\r\n"].concat()] {
                let mut request = RequestHead::default();
                if let Err(error) = request.parse(&head, &Limits::default()) {
                    error.message(&head, &mut Vec::new());
                }
                let _ = request.refuse_early(&head, &Limits::default());
            }
        }
    }

    #[test]
    fn no_forwarded_line_holds_a_line_end(bytes in prop::collection::vec(prop::sample::select(b"ab: \r\n\0\t".to_vec()), 0..40)) {
        let head = [b"GET / HTTP/1.1\r\nHost: h\r\n", bytes.as_slice(), b"\r\n\r\n"].concat();
        if let Ok(request) = parse(&head) {
            for header in request.headers.iter().filter(|h| h.forward) {
                prop_assert!(!header.name.of(&head).iter().any(|b| b" \t\r\n\0:".contains(b)));
                prop_assert!(!header.value.of(&head).iter().any(|b| b"\r\n\0".contains(b)));
            }
        }
    }

    /// httparse is another reader: what both take, both must read alike.
    #[test]
    fn two_readers_agree(bytes in prop::collection::vec(prop::sample::select(b"aB-:  \r\n\n".to_vec()), 0..40)) {
        let head = [b"GET /x HTTP/1.1\r\nHost: h\r\n", bytes.as_slice(), b"\r\n\r\n"].concat();
        let end = HeadScan::request().advance(&head).unwrap();
        let mut slots = [httparse::EMPTY_HEADER; 64];
        let mut theirs = httparse::Request::new(&mut slots);
        if let (Ok(ours), Ok(httparse::Status::Complete(length))) = (parse(&head[..end]), theirs.parse(&head)) {
            prop_assert_eq!(length, end);
            let ours: Vec<_> = ours.headers.iter().map(|h| (h.name.of(&head), h.value.of(&head))).collect();
            let theirs: Vec<_> = theirs.headers.iter().map(|h| (h.name.as_bytes(), h.value)).collect();
            prop_assert_eq!(ours, theirs);
        }
    }
}
