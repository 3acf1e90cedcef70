//! Response heads: cuts change nothing, what crosses can't be read in two ways, httparse agrees on what both take.

use crate::cuts;
use surehop_wire::{BodyFraming, HeadScan, ResponseError, ResponseHead, write};

/// Panics if something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    for to_head in [false, true] {
        let [whole, bytewise, some] = cuts::reads(bytes).map(|ends| read(bytes, &ends, to_head));
        assert_eq!(whole, bytewise);
        assert_eq!(whole, some);
        match whole {
            Some((_, Err(error), _)) => {
                let mut out = Vec::new();
                error.message(bytes, &mut out);
                assert!(out.starts_with(b"upstream sent ") && out.len() <= 2 * bytes.len() + 200);
            }
            Some((end, Ok(()), head)) => {
                crossing(&head, &bytes[..end], to_head);
                other_reader(&head, bytes, end);
            }
            None => {}
        }
    }
}

/// How a head ended (0 if it was refused before that), what was made of it, and what was read. None: more must come.
type Read = Option<(usize, Result<(), ResponseError>, ResponseHead)>;

fn read(bytes: &[u8], ends: &[usize], to_head: bool) -> Read {
    let (mut scan, mut head) = (HeadScan::response(), ResponseHead::default());
    for &end in ends {
        let found = scan.advance(&bytes[..end]);
        let done = match found {
            Some(end) => head.parse(&bytes[..end], to_head),
            None => ResponseHead::refuse_early(&bytes[..end]),
        };
        if let Some(end) = found.filter(|_| done.is_ok()) {
            // What stands behind a head is not looked at.
            let mut again = ResponseHead::default();
            assert_eq!(again.parse(bytes, to_head), done);
            assert_eq!(again, head);
            return Some((end, done, head));
        }
        if done.is_err() {
            return Some((0, done, ResponseHead::default()));
        }
    }
    None
}

/// What goes to the client holds nothing that ends a line or a word, and is read as it was meant.
fn crossing(head: &ResponseHead, bytes: &[u8], to_head: bool) {
    assert!((100..1000).contains(&head.status));
    let line = head.status_line.of(bytes);
    assert!(!line.iter().any(|b| b"\r\n\0".contains(b)));
    let bodiless = to_head || head.status < 200 || matches!(head.status, 204 | 304);
    assert_eq!(head.framing == BodyFraming::None, bodiless);
    assert!(head.framing != BodyFraming::UntilClose || head.connection_close);

    let mut anew = Vec::new();
    write::status_line(&mut anew, b"HTTP/1.1", line);
    match head.framing {
        BodyFraming::Length(length) => write::number(&mut anew, b"Content-Length", length),
        BodyFraming::Chunked => write::header(&mut anew, b"Transfer-Encoding", b"chunked"),
        BodyFraming::None | BodyFraming::UntilClose => {}
    }
    let mut crossing = Vec::new();
    for line in head.headers.iter().filter(|line| line.forward) {
        let (name, value) = (line.name.of(bytes), line.value.of(bytes));
        assert!(!name.is_empty());
        assert!(!name.iter().any(|&b| b <= b' ' || b == b':' || b == 0x7f));
        assert!(!value.iter().any(|b| b"\r\n\0".contains(b)));
        assert!(
            !b"content-length transfer-encoding connection keep-alive"
                .split(|&b| b == b' ')
                .any(|kept| name.eq_ignore_ascii_case(kept))
        );
        write::header(&mut anew, name, value);
        crossing.push((name, value));
    }
    anew.extend_from_slice(b"\r\n");

    let mut again = ResponseHead::default();
    assert_eq!(HeadScan::response().advance(&anew), Some(anew.len()));
    assert_eq!(again.parse(&anew, to_head), Ok(()));
    assert_eq!((again.status, again.framing), (head.status, head.framing));
    assert_eq!(
        again.refuse_controls(&anew).is_err(),
        crossing
            .iter()
            .any(|(_, value)| value.iter().any(|b| b.is_ascii_control() && *b != b'\t'))
    );
    let lines = again.headers.iter().filter(|line| line.forward);
    let lines: Vec<_> = lines
        .map(|line| (line.name.of(&anew), line.value.of(&anew)))
        .collect();
    assert_eq!(lines, crossing);
}

/// httparse is another reader: what both take, both must read alike.
fn other_reader(head: &ResponseHead, bytes: &[u8], end: usize) {
    let mut slots = [httparse::EMPTY_HEADER; 128];
    let mut theirs = httparse::Response::new(&mut slots);
    let Ok(httparse::Status::Complete(length)) = theirs.parse(bytes) else {
        return;
    };
    assert_eq!(length, end);
    assert_eq!(theirs.code, Some(head.status));
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
