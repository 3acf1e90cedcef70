//! The news of one line, or of one exchange of packets.

use surehop_engine::{Cause, Phase, Reason};

/// How a try at an upstream failed.
pub type Outcome = (Phase, Cause, Reason);

/// What a line tells; what it leaves open has the value that [`Event::new`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Unix milliseconds by the log's own clock, read as UTC where it names no zone; 0 is unknown.
    pub at_ms: i64,
    /// Who wrote it: `nginx`, `haproxy`, `axios`, `packets`, ….
    pub software: &'static str,
    /// The kind of message: `connect`, `closed`, `no live`, `haproxy SH`, ….
    pub word: &'static str,
    /// `None` where it tells of no failed try.
    pub outcome: Option<Outcome>,
    /// What the system said.
    pub errno: Option<i32>,
    /// The address of the peer, or the name of the group; of `version`, the version.
    pub peer: &'a [u8],
    /// The URL as it was logged.
    pub upstream: &'a [u8],
    /// The request's method.
    pub method: &'a [u8],
    /// The number of the client's connection; 0 is unknown.
    pub connection: u64,
    /// Whether the connection had carried a request before.
    pub reused: Option<bool>,
    /// How long the connection had rested.
    pub idle_ms: Option<u64>,
    /// How old the connection was.
    pub age_ms: Option<u64>,
    /// How long the log had stood still, where it went on just before.
    pub pause_ms: Option<u64>,
    /// What the client got; 0 is unknown.
    pub status: u16,
    /// How many tries the line tells of.
    pub tries: u8,
    /// Where it is told, in a record of several lines.
    pub at: usize,
}

impl Event<'_> {
    /// An event of which nothing else is known.
    pub const fn new(software: &'static str, word: &'static str) -> Self {
        Self {
            at_ms: 0,
            software,
            word,
            outcome: None,
            errno: None,
            peer: b"",
            upstream: b"",
            method: b"",
            connection: 0,
            reused: None,
            idle_ms: None,
            age_ms: None,
            pause_ms: None,
            status: 0,
            tries: 1,
            at: 0,
        }
    }
}

/// Who ends a connection so long after the request has had it, and was at work on it.
pub(crate) const AT_WORK_MS: i64 = 1000;

/// Whether a request of this method, once sent, is not sent again unasked.
pub fn is_write(method: &[u8]) -> bool {
    matches!(method, b"POST" | b"PATCH" | b"LOCK")
}

/// The method at the beginning of a request line; empty where none stands there.
pub(crate) fn method_of(request: &[u8]) -> &[u8] {
    let end = request
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    if request.get(end) == Some(&b' ') {
        &request[..end]
    } else {
        b""
    }
}
