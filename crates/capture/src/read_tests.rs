use proptest::prelude::*;

use super::*;
use crate::kinds::kind_of;

const PIECES: &[&[u8]] = &[
    b"2026/01/05 10:00:00 [error] 11#11: *7 ",
    b"2026/01/05 10:00:14 [error] 11#11: *8 ",
    b"connect() failed (111: Connection refused) while connecting to upstream",
    b"no live upstreams while connecting to upstream",
    b"upstream server temporarily disabled while connecting to upstream",
    b", client: 192.0.2.1, server: a, request: \"POST / HTTP/1.1\", upstream: \"http://[::1]:3/\"",
    b", client: 192.0.2.1, server: a, upstream: \"http://app/\"",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xe9",
];

const TRACES: &[&[u8]] = &[
    b"2026-01-05 10:10:00 INFO app: going on",
    b"2026-01-05 10:00:00 ERROR app: failed",
    b"Error: socket hang up",
    b"    at Socket.socketOnEnd (node:_http_client:528:25)",
    b"  code: 'ECONNRESET'",
    b"AggregateError [ECONNREFUSED]: ",
    b"    Error: connect ECONNREFUSED ::1:3000",
    b"Traceback (most recent call last):",
    b"httpx.ReadError: [Errno 104] Connection reset by peer",
    b"\n",
    b"\n",
    b"\r\n",
    b"\xe9",
];

/// Gives pieces of a length, whatever is asked for.
struct Cut<'a>(&'a [u8], usize);

impl Read for Cut<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let (now, rest) = self.0.split_at(self.0.len().min(self.1).min(room.len()));
        room[..now.len()].copy_from_slice(now);
        self.0 = rest;
        Ok(now.len())
    }
}

fn digest(log: &[u8], step: usize, limit: usize, threads: usize) -> String {
    let head = b"2026/01/05 10:00:00 [error] 1#1: a";
    digest_as(head, log, step, limit, threads)
}

/// Of a log that is of the kind of `head`.
fn digest_as(head: &[u8], log: &[u8], step: usize, limit: usize, threads: usize) -> String {
    let mut digest = Digest::default();
    let kind = kind_of(head, &[""; 0]).unwrap();
    let mut reading = Reading::new("error.log", kind, threads);
    let mut from = Cut(log, step);
    while reading.turn(&mut digest, &mut from, limit).unwrap() {}
    reading.finish(&mut digest);
    String::from_utf8(digest.to_json().unwrap()).unwrap()
}

#[test]
fn every_line_is_counted_once() {
    for (log, expected) in [
        (
            &b""[..],
            "\"lines\":0,\"understood\":0,\"unknown\":0,\"bytes\":0",
        ),
        (
            b"a\n\nb",
            "\"lines\":3,\"understood\":0,\"unknown\":3,\"bytes\":4",
        ),
        (
            b"a\r\n\r\n",
            "\"lines\":2,\"understood\":0,\"unknown\":2,\"bytes\":5",
        ),
    ] {
        let told = digest(log, 100, 100, 1);
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_line_that_is_too_long_is_one_line() {
    let mut log = b"2026/01/05 10:00:00 [error] 1#1: ".to_vec();
    log.extend(std::iter::repeat_n(b'a', 3 << 20));
    log.extend_from_slice(b"\n2026/01/05 10:00:00 [info] 1#1: b\n");
    for (step, threads) in [(usize::MAX, 1), (usize::MAX, 3), (100_000, 2)] {
        let told = digest(&log, step, 1 << 20, threads);
        assert!(
            told.contains("\"lines\":2,\"understood\":1,\"unknown\":1"),
            "{told}"
        );
    }
}

#[test]
fn a_trace_is_one_failure_at_its_own_line() {
    let log = b"2026-01-05 10:00:00 INFO begun\n2026-01-05 10:00:01 ERROR failed\nTraceback (most recent call last):\n  \
        File \"a.py\"\nhttpx.ReadError: [Errno 104] Connection reset by peer\n2026-01-05 10:00:02 INFO ended";
    let told = digest_as(log, log, usize::MAX, usize::MAX, 1);
    assert!(told.contains("\"count\":1,"), "{told}");
    assert!(
        told.contains("\"line\":5,\"text\":\"httpx.ReadError: [Errno 104]"),
        "{told}"
    );
    assert!(
        told.contains("\"lines\":6,\"understood\":6,\"unknown\":0"),
        "{told}"
    );
}

#[test]
fn what_comes_after_a_pause_is_told_so() {
    let log = b"2026-01-05 10:00:00 INFO end\n2026-01-05 10:20:00 INFO begin\n2026-01-05 10:20:01 ERROR socket hang up\n\
        2026-01-05 10:20:31 ERROR socket hang up\n";
    let told = digest_as(log, log, usize::MAX, usize::MAX, 1);
    for pause in ["\"pause_ms\":1200000", "\"pause_ms\":null"] {
        assert_eq!(told.matches(pause).count(), 1, "{told}");
    }
}

#[test]
fn a_trace_that_is_too_long_is_cut_at_the_same_line() {
    let head = b"2026-01-05 10:00:01 ERROR failed\n";
    let mut log = head.to_vec();
    for _ in 0..4000 {
        log.extend_from_slice(b"    at Socket.socketOnEnd: socket hang up\n");
    }
    log.extend_from_slice(b"    ");
    log.extend(std::iter::repeat_n(b'a', 1 << 18));
    log.extend_from_slice(b"\n2026-01-05 10:00:02 ERROR socket hang up\n");
    let whole = digest_as(head, &log, usize::MAX, usize::MAX, 1);
    assert!(whole.contains("\"lines\":4003,"), "{whole}");
    for (step, limit, threads) in [(9000, 1 << 17, 2), (100_000, 1 << 20, 3)] {
        assert_eq!(digest_as(head, &log, step, limit, threads), whole);
    }
}

proptest! {
    #[test]
    fn nor_do_they_for_records_of_many_lines(
        pieces in prop::collection::vec(0..TRACES.len(), 0..200),
        step in 1..400_usize,
        limit in 1..2000_usize,
        threads in 1..4_usize,
    ) {
        let log: Vec<u8> = pieces.iter().flat_map(|&at| TRACES[at]).copied().collect();
        let digest = |step, limit, threads| digest_as(b"2026-01-05 10:00:00", &log, step, limit, threads);
        prop_assert_eq!(digest(step, limit, threads), digest(usize::MAX, usize::MAX, 1));
    }

    #[test]
    fn neither_blocks_nor_threads_matter(
        pieces in prop::collection::vec(0..PIECES.len(), 0..200),
        step in 1..400_usize,
        limit in 1..2000_usize,
        threads in 1..4_usize,
    ) {
        let log: Vec<u8> = pieces.iter().flat_map(|&at| PIECES[at]).copied().collect();
        prop_assert_eq!(digest(&log, step, limit, threads), digest(&log, usize::MAX, usize::MAX, 1));
    }

    #[test]
    fn any_bytes_are_counted(log in prop::collection::vec(any::<u8>(), 0..300)) {
        let told = digest(&log, 7, 100, 2);
        let lines = log.split(|byte| *byte == b'\n').count() - usize::from(log.is_empty() || log.ends_with(b"\n"));
        let expected = format!("\"lines\":{lines},");
        prop_assert!(told.contains(&expected));
    }
}
