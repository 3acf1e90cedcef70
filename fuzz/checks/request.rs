//! Request heads: cuts change nothing, what crosses can't be read in two ways, httparse agrees on what both take.

use crate::cuts;
use surehop_wire::request::Room;
use surehop_wire::{Framing, HeadScan, Limits, RequestError, RequestHead, Version, write};

/// Panics if something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    for limits in [Limits::default(), narrow()] {
        let [whole, bytewise, some] = cuts::reads(bytes).map(|ends| read(bytes, &ends, &limits));
        assert_eq!(whole, bytewise);
        assert_eq!(whole, some);
        match whole {
            Some((_, Err(error), _)) => told(error, bytes),
            Some((end, Ok(()), head)) => {
                crossing(&head, &bytes[..end], &limits);
                other_reader(&head, bytes, end);
            }
            None => {}
        }
    }
}

/// Limits that short inputs reach.
fn narrow() -> Limits {
    Limits {
        room: Room {
            first: 32,
            large: 40,
            count: 2,
        },
        headers: 4,
        underscores: true,
        strict: true,
        ..Limits::default()
    }
}

/// How a head ended (0 if it was refused before that), what was made of it, and what was read. None: more must
/// come. What is told of a line that is too long depends on how much of it was there.
type Read = Option<(usize, Result<(), RequestError>, RequestHead)>;

fn read(bytes: &[u8], ends: &[usize], limits: &Limits) -> Read {
    let (mut scan, mut head) = (HeadScan::request(), RequestHead::default());
    for &end in ends {
        let found = scan.advance(&bytes[..end]);
        let done = match found {
            Some(end) => head.parse(&bytes[..end], limits),
            None => head.refuse_early(&bytes[..end], limits),
        };
        if let Some(end) = found.filter(|_| done.is_ok()) {
            // What stands behind a head is not looked at.
            let mut again = RequestHead::default();
            assert_eq!(again.parse(bytes, limits), done);
            assert_eq!(again, head);
            return Some((end, done, head));
        }
        if let Err(error) = done {
            let error = match error {
                RequestError::HeaderTooLong(_) => RequestError::TooManyHeaders,
                error => error,
            };
            return Some((0, Err(error), RequestHead::default()));
        }
    }
    None
}

/// Every refusal has a status and a sentence that ends.
fn told(error: RequestError, bytes: &[u8]) {
    let mut out = Vec::new();
    error.message(bytes, &mut out);
    assert!(out.starts_with(b"client sent ") && out.len() <= 2 * bytes.len() + 2000);
    assert!((400..600).contains(&error.status()));
    let mut status = 0;
    for digit in error.status().to_string().bytes() {
        status = status * 10 + u16::from(digit - b'0');
    }
    assert_eq!(status, error.status());
}

/// What goes upstream holds nothing that ends a line or a word, and is read as it was meant.
fn crossing(head: &RequestHead, bytes: &[u8], limits: &Limits) {
    let mut target = Vec::new();
    head.write_target(bytes, &mut target);
    assert!(target.starts_with(b"/"));
    assert!(target.iter().all(|&b| b > b' ' && b != 0x7f));
    let method = head.method_span.of(bytes);
    assert!(
        !method.is_empty()
            && method
                .iter()
                .all(|&b| b.is_ascii_uppercase() || b"-_".contains(&b))
    );
    assert!(head.version == Version::Http10 || head.host_header.is_some());

    let mut anew = Vec::new();
    write::request_line(&mut anew, method, &target, b"HTTP/1.1");
    write::header(&mut anew, b"Host", b"h");
    match head.framing {
        Framing::None => {}
        Framing::Length(length) => write::number(&mut anew, b"Content-Length", length),
        Framing::Chunked => write::header(&mut anew, b"Transfer-Encoding", b"chunked"),
    }
    let mut crossing = Vec::new();
    for line in head.headers.iter().filter(|line| line.forward) {
        let (name, value) = (line.name.of(bytes), line.value.of(bytes));
        assert!(line.valid && !name.is_empty());
        assert!(
            name.iter()
                .all(|&b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        );
        assert!(!value.iter().any(|b| b"\r\n\0".contains(b)));
        assert!(!value.starts_with(b" ") && !value.ends_with(b" "));
        assert!(
            !b"host content-length transfer-encoding connection"
                .split(|&b| b == b' ')
                .any(|kept| name.eq_ignore_ascii_case(kept))
        );
        write::header(&mut anew, name, value);
        crossing.push((name, value));
    }
    anew.extend_from_slice(b"\r\n");

    let mut again = RequestHead::default();
    assert_eq!(HeadScan::request().advance(&anew), Some(anew.len()));
    let wide = Limits {
        room: Room {
            first: anew.len() + 1,
            ..limits.room
        },
        headers: limits.headers + 2,
        ..*limits
    };
    assert_eq!(again.parse(&anew, &wide), Ok(()));
    assert_eq!((again.method, again.framing), (head.method, head.framing));
    assert_eq!(again.uri.of(&anew), target);
    let lines = again.headers.iter().filter(|line| line.forward);
    let lines: Vec<_> = lines
        .map(|line| (line.name.of(&anew), line.value.of(&anew)))
        .collect();
    assert_eq!(lines, crossing);
}

/// httparse is another reader: what both take, both must read alike.
fn other_reader(head: &RequestHead, bytes: &[u8], end: usize) {
    let mut slots = [httparse::EMPTY_HEADER; 128];
    let mut theirs = httparse::Request::new(&mut slots);
    let Ok(httparse::Status::Complete(length)) = theirs.parse(bytes) else {
        return;
    };
    assert_eq!(length, end);
    assert_eq!(
        theirs.method.map(str::as_bytes),
        Some(head.method_span.of(bytes))
    );
    assert_eq!(theirs.path.map(str::as_bytes), Some(head.target.of(bytes)));
    let lines = head
        .headers
        .iter()
        .map(|line| (line.name.of(bytes), line.value.of(bytes).trim_ascii()));
    let theirs = theirs
        .headers
        .iter()
        .map(|line| (line.name.as_bytes(), line.value.trim_ascii()));
    assert!(lines.eq(theirs));
}
