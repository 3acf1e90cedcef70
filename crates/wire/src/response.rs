//! Response heads.

use crate::header::{Header, Known, Span};
use crate::request::Version;

/// How the body of a response is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BodyFraming {
    /// There is none: 1xx, 204, 304, or the answer to HEAD.
    #[default]
    None,
    /// That many bytes.
    Length(u64),
    /// Chunks up to the last one.
    Chunked,
    /// Everything until the connection is closed.
    UntilClose,
}

/// A response's head. Reused: `parse` forgets what was there before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status, three digits.
    pub status: u16,
    /// The reason phrase, perhaps empty.
    pub reason: Span,
    /// The status and reason as sent (`200 OK`), which nginx passes on as they are.
    pub status_line: Span,
    /// The version.
    pub version: Version,
    /// All header lines, in order.
    pub headers: Vec<Header>,
    /// How the body is delimited.
    pub framing: BodyFraming,
    /// The value of Content-Length, even where there is no body (HEAD, 304).
    pub content_length: Option<u64>,
    /// The peer closes the connection after this response: it says so, or is HTTP/1.0 without keep-alive.
    pub connection_close: bool,
    /// `Keep-Alive: timeout=`, in seconds.
    pub keep_alive_timeout: Option<u64>,
    /// `Keep-Alive: max=`, in requests.
    pub keep_alive_max: Option<u64>,
    /// What nginx would warn of.
    pub warnings: Vec<ResponseWarning>,
}

impl ResponseHead {
    /// Reads a head that [`crate::HeadScan`] found. Spans are offsets into `head`.
    pub fn parse(&mut self, _head: &[u8], _request_is_head: bool) -> Result<(), ResponseError> {
        todo!()
    }

    /// Whether what has come so far can't become a response head. To be asked when a read did not complete it.
    pub fn refuse_early(partial: &[u8]) -> Result<(), ResponseError> {
        let _ = partial;
        todo!()
    }

    /// Whether this is an interim response (1xx other than 101), after which another head follows.
    pub const fn interim(&self) -> bool {
        self.status >= 100 && self.status < 200 && self.status != 101
    }

    /// The first line of that name.
    pub fn find(&self, known: Known) -> Option<&Header> {
        self.headers.iter().find(|h| h.known == known)
    }
}

/// A line that is ignored, and that nginx warns of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseWarning {
    /// The line that is ignored: its index in `headers`.
    pub line: usize,
    /// The line that counts.
    pub previous: usize,
}

impl ResponseWarning {
    /// nginx's sentence for the error log (level warn), without `while …`.
    pub fn message(self, _head: &ResponseHead, _buf: &[u8], _out: &mut Vec<u8>) {
        todo!()
    }
}

/// Why a response was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The status line is none.
    StatusLine,
}

impl ResponseError {
    /// nginx's sentence for the error log (level error), without `while …`; `head` is what was parsed.
    pub fn message(self, _head: &[u8], _out: &mut Vec<u8>) {
        todo!()
    }
}
