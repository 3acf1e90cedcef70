//! Reads messages from standard input, one a line as `KIND HEX`, and prints what the crate makes of
//! each as a line of JSON. The peer tests compare that with what nginx makes of the same bytes.
//!
//! Kinds: `request`, `response`, `chunked`; `httparse` is a request read by httparse. Bytes in the output are characters of Latin-1.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, Write as _};
use surehop_wire::{Decoder, HeadScan, Header, Limits, RequestHead, ResponseHead, request, uri};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (kind, hex) = line.split_once(' ').unwrap_or((&line, ""));
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .filter_map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok())
            .collect();
        let fields = match kind {
            "request" => on_request(&bytes),
            "response" => on_response(&bytes),
            "httparse" => by_httparse(&bytes),
            _ => on_chunked(&bytes),
        };
        let fields: Vec<String> = fields
            .iter()
            .map(|(k, v)| format!("\"{k}\": {v}"))
            .collect();
        writeln!(out, "{{{}}}", fields.join(", "))?;
    }
    Ok(())
}

type Fields = Vec<(&'static str, String)>;

fn on_request(bytes: &[u8]) -> Fields {
    let mut head = RequestHead::default();
    let refused = match HeadScan::request().advance(bytes) {
        Some(end) => head.parse(&bytes[..end], &Limits::default()),
        None => head.refuse_early(bytes, &Limits::default()),
    };
    let mut text = Vec::new();
    if let Err(error) = refused {
        error.message(bytes, &mut text);
        return vec![
            ("status", error.status().to_string()),
            ("message", json(&text)),
        ];
    }
    let mut path = Vec::new();
    if uri::normalize(head.path.of(bytes), &mut path).is_err() {
        return vec![
            ("status", "400".into()),
            ("message", json(b"client sent invalid request")),
        ];
    }
    let dropped = head.headers.iter().find(|h| !h.valid);
    if let Some(header) = dropped {
        request::invalid_line(header, bytes, &mut text);
    }
    let mut target = Vec::new();
    head.write_target(bytes, &mut target);
    vec![
        ("status", "200".into()),
        ("message", json(&text)),
        ("method", json(head.method_span.of(bytes))),
        ("uri", json(&path)),
        ("args", json(head.query.map_or(b"", |q| q.of(bytes)))),
        ("host", json(&head.host.of(bytes).to_ascii_lowercase())),
        ("keep_alive", head.keep_alive().to_string()),
        ("target", json(&target)),
        ("forwarded", forwarded(&head.headers, bytes, |_| true)),
    ]
}

fn by_httparse(bytes: &[u8]) -> Fields {
    let mut slots = [httparse::EMPTY_HEADER; 256];
    let taken = httparse::Request::new(&mut slots).parse(bytes);
    let taken = taken.is_ok_and(|status| status.is_complete());
    vec![("status", if taken { "200" } else { "400" }.into())]
}

fn on_response(bytes: &[u8]) -> Fields {
    let mut head = ResponseHead::default();
    let refused = match HeadScan::response().advance(bytes) {
        Some(end) => head.parse(&bytes[..end], false),
        None => ResponseHead::refuse_early(bytes),
    };
    let mut text = Vec::new();
    if let Err(error) = refused {
        error.message(bytes, &mut text);
        return vec![("status", "502".into()), ("message", json(&text))];
    }
    if let Some(warning) = head.warnings.first() {
        warning.message(&head, bytes, &mut text);
    }
    vec![
        ("status", head.status.to_string()),
        ("message", json(&text)),
        ("line", json(head.status_line.of(bytes))),
        (
            "forwarded",
            forwarded(&head.headers, bytes, |h| !h.known.hidden_by_proxy()),
        ),
    ]
}

fn on_chunked(bytes: &[u8]) -> Fields {
    let (mut decoder, mut rest, mut data) = (Decoder::new(), bytes, Vec::new());
    while !rest.is_empty() && !decoder.done() {
        let Ok(step) = decoder.decode(rest) else {
            return vec![("status", "400".into())];
        };
        data.extend_from_slice(&rest[step.data]);
        rest = &rest[step.consumed..];
    }
    let status = if decoder.done() { "200" } else { "0" };
    vec![("status", status.into()), ("data", json(&data))]
}

/// The lines that cross, as pairs of name and value.
fn forwarded(headers: &[Header], bytes: &[u8], more: impl Fn(&Header) -> bool) -> String {
    let pairs: Vec<String> = headers
        .iter()
        .filter(|h| h.forward && more(h))
        .map(|h| format!("[{}, {}]", json(h.name.of(bytes)), json(h.value.of(bytes))))
        .collect();
    format!("[{}]", pairs.join(", "))
}

fn json(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\') {
            text.push(byte as char);
        } else {
            let _ = write!(text, "\\u{byte:04x}");
        }
    }
    text.push('"');
    text
}
