//! Request heads.

use crate::header::{Header, Known, Span};

/// What a head may measure. The defaults are nginx's `large_client_header_buffers 4 8k`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request line, its line end included.
    pub request_line: usize,
    /// Bytes of one header line, its line end included.
    pub header_line: usize,
    /// Bytes of the whole head.
    pub head: usize,
    /// Number of header lines.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_line: 8192,
            header_line: 8192,
            head: 4 * 8192,
            headers: 1000,
        }
    }
}

/// The methods nginx knows; anything else made of the same letters is `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(missing_docs)] // each is the method of that name
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Delete,
    Mkcol,
    Copy,
    Move,
    Options,
    Propfind,
    Proppatch,
    Lock,
    Unlock,
    Patch,
    Trace,
    Connect,
    Other,
}

impl Method {
    /// Whether sending it twice does what sending it once does (RFC 9110, 9.2.2).
    pub const fn idempotent(self) -> bool {
        todo!()
    }

    /// Whether nginx passes it on to another peer once sending has begun: all but POST, LOCK and PATCH.
    pub const fn replayable_in_nginx(self) -> bool {
        !matches!(self, Self::Post | Self::Lock | Self::Patch)
    }
}

/// The protocol's version, as far as behaviour depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1 and every 1.x above it.
    #[default]
    Http11,
}

/// How the body of a request is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Framing {
    /// There is none.
    #[default]
    None,
    /// That many bytes; 0 was written out as such.
    Length(u64),
    /// Chunks up to the last one.
    Chunked,
}

/// A request's head. Reused: `parse` forgets what was there before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The method as sent.
    pub method_span: Span,
    /// The whole request line, without its line end (`$request`).
    pub line: Span,
    /// The request target as sent.
    pub target: Span,
    /// The target from its path on, query included (`$request_uri`); empty if an absolute target has no path: `/` is meant.
    pub uri: Span,
    /// The path as sent, without the query; empty if an absolute target has none: `/` is meant.
    pub path: Span,
    /// The query after `?`, perhaps empty.
    pub query: Option<Span>,
    /// The version.
    pub version: Version,
    /// The digits after `HTTP/1.`, for `$server_protocol`.
    pub minor: u8,
    /// All header lines, in order.
    pub headers: Vec<Header>,
    /// The host asked for, from an absolute target or else the Host line, without port and trailing dot, not lower-cased; empty if there is none.
    pub host: Span,
    /// The value of the Host line (`$http_host`), if there is one.
    pub host_header: Option<Span>,
    /// How the body is delimited.
    pub framing: Framing,
    /// `Connection: close`.
    pub connection_close: bool,
    /// `Connection: keep-alive`.
    pub connection_keep_alive: bool,
    /// `Connection: upgrade` beside an Upgrade line.
    pub upgrade: bool,
    /// `Expect: 100-continue` in an HTTP/1.1 request.
    pub expect_continue: bool,
    /// An Idempotency-Key is there.
    pub keyed: bool,
}

impl RequestHead {
    /// Reads a head that [`crate::HeadScan`] found: `head` is the buffer up to that end, empty
    /// lines in front of it included. Spans are offsets into `head`.
    pub fn parse(&mut self, _head: &[u8], _limits: &Limits) -> Result<(), RequestError> {
        todo!()
    }

    /// What can be refused before the head is whole: bytes that are no request line, lines and heads
    /// that are too long. To be asked when a read did not complete the head.
    pub fn refuse_early(&mut self, _partial: &[u8], _limits: &Limits) -> Result<(), RequestError> {
        todo!()
    }

    /// Whether the client wants the connection kept after this request.
    pub const fn keep_alive(&self) -> bool {
        match self.version {
            Version::Http11 => !self.connection_close,
            Version::Http10 => self.connection_keep_alive && !self.connection_close,
        }
    }

    /// The first line of that name.
    pub fn find(&self, known: Known) -> Option<&Header> {
        self.headers.iter().find(|h| h.known == known)
    }
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// More to come.
    InvalidRequest,
}

impl RequestError {
    /// The status to answer with; 494 stands for nginx's own "header too large", sent as 400.
    pub const fn status(self) -> u16 {
        400
    }

    /// nginx's sentence for the error log (level info), without `while …`; `head` is what was parsed.
    pub fn message(self, _head: &[u8], _out: &mut Vec<u8>) {
        todo!()
    }

    /// What nginx was doing: the words after `while`.
    pub const fn action(self) -> &'static str {
        "reading client request line"
    }
}
