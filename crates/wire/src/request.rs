//! Request heads.

use crate::header::{self, Header, Known, Line, Span};
use crate::host;
use crate::request_line;
use crate::room::{Outgrown, outgrown};
use crate::scan::skip_empty_lines;
use memchr::{memchr, memchr2};

pub use crate::request_error::{Field, RequestError};
pub use crate::room::Room;

/// What a head may measure. The defaults are nginx's: `client_header_buffer_size 1k`,
/// `large_client_header_buffers 4 8k` and `max_headers 1000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub room: Room,
    /// Number of header lines.
    pub headers: usize,
    /// Whether lines are dropped whose names are none.
    pub ignore_invalid: bool,
    /// Whether a name may have underscores.
    pub underscores: bool,
    /// Whether what nginx takes, though RFC 9112 forbids it, is refused: control characters in values, and
    /// in HTTP/1.1 an absolute target of another host than the Host line's.
    pub strict: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            room: Room {
                first: 1024,
                large: 8192,
                count: 4,
            },
            headers: 1000,
            ignore_invalid: true,
            underscores: false,
            strict: false,
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
    /// The method of that name; names differ in case from others.
    pub fn of(name: &[u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"MKCOL" => Self::Mkcol,
            b"COPY" => Self::Copy,
            b"MOVE" => Self::Move,
            b"OPTIONS" => Self::Options,
            b"PROPFIND" => Self::Propfind,
            b"PROPPATCH" => Self::Proppatch,
            b"LOCK" => Self::Lock,
            b"UNLOCK" => Self::Unlock,
            b"PATCH" => Self::Patch,
            b"TRACE" => Self::Trace,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }

    /// Whether sending it twice does what sending it once does (RFC 9110, 9.2.2, and 4918 for
    /// the methods on collections). What is not known counts as not idempotent.
    pub const fn idempotent(self) -> bool {
        !matches!(
            self,
            Self::Post | Self::Patch | Self::Connect | Self::Lock | Self::Other
        )
    }

    /// Whether nginx passes it on to another peer once sending has begun: all but POST, LOCK and PATCH.
    pub const fn replayable_in_nginx(self) -> bool {
        !matches!(self, Self::Post | Self::Lock | Self::Patch)
    }
}

/// The protocol's version, as far as behaviour depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// A request line without a version, and nothing else.
    Http09,
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

/// A request's head. Reused: `parse` forgets what was there before. After an error it holds what had
/// been read, which is what nginx's log line about it shows (`line`, `host_header`).
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
    /// The target from its path on, query and fragment included (`$request_uri`). It starts with `?`
    /// if an absolute target has a query and no path; [`RequestHead::write_target`] knows that.
    pub uri: Span,
    /// The path as sent, without query and fragment; `/` if an absolute target has none.
    pub path: Span,
    /// The query after `?`, perhaps empty, without fragment.
    pub query: Option<Span>,
    /// The version, as far as behaviour depends on it.
    pub version: Version,
    /// The version as sent (`$server_protocol`).
    pub protocol: Span,
    /// All header lines, in order.
    pub headers: Vec<Header>,
    /// The host asked for, from an absolute target or else the Host line, without port and trailing
    /// dot, not lower-cased; empty if there is none.
    pub host: Span,
    /// Host and port of an absolute target, as sent.
    pub authority: Option<Span>,
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
    /// An Idempotency-Key that is not empty is there.
    pub keyed: bool,
}

impl RequestHead {
    /// Reads a head that [`crate::HeadScan`] found: `head` is the buffer up to that end, empty
    /// lines in front of it included. Spans are offsets into `head`.
    pub fn parse(&mut self, head: &[u8], limits: &Limits) -> Result<(), RequestError> {
        self.parse_for(head, limits, None)
    }

    /// The same where other limits hold from an offset on: behind the line that names the host.
    pub fn parse_for(
        &mut self,
        head: &[u8],
        first: &Limits,
        then: Option<(usize, &Limits)>,
    ) -> Result<(), RequestError> {
        let outgrown = too_large(head, true, first, then);
        let pos = self.first_line(head, outgrown)?;
        let Lines {
            seen,
            length,
            encoding,
            end,
        } = self.lines(head, pos, outgrown, first, then)?;
        if end >= head.len() {
            return Err(RequestError::InvalidHeader {
                line: Span::new(end, head.len()),
                byte: 0,
            });
        }
        if seen & Known::Connection.bit() != 0 {
            let connection = header::connection(head, &mut self.headers);
            self.connection_close = connection.close;
            self.connection_keep_alive = connection.keep_alive;
            self.upgrade = connection.upgrade && seen & Known::Upgrade.bit() != 0;
        }
        self.expect_continue &= self.version == Version::Http11;
        self.frame(head, length, encoding)
    }

    /// Reads header lines from `pos` on, up to the empty line or one that is not whole yet.
    fn lines(
        &mut self,
        head: &[u8],
        mut pos: usize,
        outgrown: Option<Outgrown>,
        first: &Limits,
        then: Option<(usize, &Limits)>,
    ) -> Result<Lines, RequestError> {
        let mut limits = first;
        let mut kept = 0;
        // No further than there is room, so that how a head is cut makes no difference; nor does a CR
        // whose LF is not there yet.
        let most = outgrown.map_or(head.len(), |outgrown| outgrown.end);
        let view = head.get(..most).unwrap_or(head);
        let view = view.strip_suffix(b"\r").unwrap_or(view);
        // What the lines of one name said: seen at all, and where.
        let mut seen = 0u64;
        let (mut length, mut encoding) = (None, None);
        loop {
            let (field, next) = match header::line(view, pos, false) {
                Line::End => break,
                Line::Field(field, next) => (field, next),
                Line::Bad { line, .. } if line.end() >= view.len() => match outgrown {
                    Some(outgrown) => return Err(RequestError::HeaderTooLong(outgrown.line)),
                    None => break,
                },
                Line::Bad { line, byte } => return Err(RequestError::InvalidHeader { line, byte }),
                // Only responses have them.
                Line::Ignored(next) => {
                    pos = next;
                    continue;
                }
            };
            if let Some((from, other)) = then
                && pos >= from
            {
                limits = other;
            }
            if limits.strict
                && let Some((line, byte)) = header::control(head, &field)
            {
                return Err(RequestError::InvalidHeader { line, byte });
            }
            let mut field = field;
            if !field.valid {
                let name = field.name.of(head);
                field.valid =
                    !limits.ignore_invalid || limits.underscores && header::underscored(name);
            }
            pos = next;
            self.headers.push(Header {
                forward: field.forward && field.valid,
                ..field
            });
            // As in nginx, lines that are dropped don't count.
            kept += usize::from(field.valid);
            if kept > limits.headers {
                return Err(RequestError::TooManyHeaders);
            }
            if !field.valid || field.known == Known::Other {
                continue;
            }
            if seen & field.known.bit() != 0 && SINGLE & field.known.bit() != 0 {
                return Err(self.duplicate(&field));
            }
            seen |= field.known.bit();
            if field.known.bit() & READ == 0 {
                continue;
            }
            let value = field.value.of(head);
            match field.known {
                Known::Host => {
                    self.host_header = Some(field.value);
                    let name = host::name(value).ok_or(RequestError::InvalidHost)?;
                    // HTTP/1.0 knows no Host line: there the target alone counts, as in nginx.
                    if let Some(authority) = self.authority
                        && limits.strict
                        && self.version == Version::Http11
                        && !host::agree(authority.of(head), value)
                    {
                        return Err(RequestError::OtherHost(field.value));
                    }
                    if self.host.is_empty() {
                        let start = field.value.start as usize;
                        self.host = Span::new(start, start + name);
                    }
                    self.rewritten();
                }
                Known::ContentLength => {
                    length = Some(field.value);
                    self.rewritten();
                }
                Known::TransferEncoding => encoding = Some(field.value),
                Known::Expect => {
                    self.expect_continue = value.eq_ignore_ascii_case(b"100-continue");
                    self.rewritten();
                }
                Known::IdempotencyKey => self.keyed = !value.is_empty(),
                _ => {}
            }
        }
        Ok(Lines {
            seen,
            length,
            encoding,
            end: pos,
        })
    }

    /// The line just read is written anew, not copied.
    fn rewritten(&mut self) {
        if let Some(header) = self.headers.last_mut() {
            header.forward = false;
        }
    }

    /// What is wrong with a second line of a name that may come once.
    fn duplicate(&self, line: &Header) -> RequestError {
        let first = self
            .headers
            .iter()
            .find(|h| h.known == line.known && h.valid)
            .unwrap_or(line);
        let (line, previous) = (Field::of(line), Field::of(first));
        if first.known == Known::Host {
            RequestError::DuplicateHost { line, previous }
        } else {
            RequestError::Duplicate { line, previous }
        }
    }

    /// Decides on the body, and makes the checks that want the whole head, in nginx's order.
    fn frame(
        &mut self,
        head: &[u8],
        length: Option<Span>,
        encoding: Option<Span>,
    ) -> Result<(), RequestError> {
        if self.version == Version::Http11 && self.host_header.is_none() {
            return Err(RequestError::NoHost);
        }
        self.framing = match (length, encoding) {
            (None, None) => Framing::None,
            (Some(length), None) => Framing::Length(
                header::digits(length.of(head)).ok_or(RequestError::InvalidContentLength)?,
            ),
            (length, Some(encoding)) => {
                if length.is_some_and(|l| header::digits(l.of(head)).is_none()) {
                    return Err(RequestError::InvalidContentLength);
                }
                if self.version == Version::Http10 {
                    return Err(RequestError::EncodingInHttp10);
                }
                if !encoding.of(head).eq_ignore_ascii_case(b"chunked") {
                    return Err(RequestError::UnknownEncoding(encoding));
                }
                if length.is_some() {
                    return Err(RequestError::BothFramings);
                }
                Framing::Chunked
            }
        };
        match self.method {
            Method::Connect => Err(RequestError::Connect),
            Method::Trace => Err(RequestError::Trace),
            _ => Ok(()),
        }
    }

    /// Forgets everything, then reads the request line; gives where the next line starts.
    fn first_line(
        &mut self,
        head: &[u8],
        outgrown: Option<Outgrown>,
    ) -> Result<usize, RequestError> {
        let mut headers = std::mem::take(&mut self.headers);
        headers.clear();
        *self = Self {
            headers,
            ..Self::default()
        };
        let start = skip_empty_lines(head, 0);
        let Some(length) = memchr(b'\n', head.get(start..).unwrap_or_default()) else {
            return Err(RequestError::InvalidRequest);
        };
        let next = start + length + 1;
        let end = if head[..next - 1].ends_with(b"\r") {
            next - 2
        } else {
            next - 1
        };
        // As nginx shows it: a CR that ends nothing ends what is quoted.
        let shown = memchr2(b'\r', b'\n', &head[start..]).unwrap_or_default();
        self.line = Span::new(start, start + shown);
        if let Some(outgrown) = outgrown.filter(|outgrown| next > outgrown.end) {
            // Of a line that is cut into reads, what is wrong at its beginning is seen before the rest.
            let most = head.get(start..outgrown.end).unwrap_or_default();
            let most = most.strip_suffix(b"\r").unwrap_or(most);
            if let Some(error) = request_line::wrong(most) {
                return Err(error);
            }
            self.line = outgrown.line;
            return Err(RequestError::UriTooLong);
        }
        let end = end.max(start);
        request_line::read(self, head, start, end)
            .map_err(|error| request_line::wrong(&head[start..end]).unwrap_or(error))?;
        Ok(next)
    }

    /// What can be refused before the head is whole: the first thing that is wrong in what has come, as
    /// it would be refused in the whole head. To be asked when a read did not complete the head.
    pub fn refuse_early(&mut self, partial: &[u8], limits: &Limits) -> Result<(), RequestError> {
        self.refuse_early_for(partial, limits, None)
    }

    /// The same where other limits hold from an offset on.
    pub fn refuse_early_for(
        &mut self,
        partial: &[u8],
        limits: &Limits,
        then: Option<(usize, &Limits)>,
    ) -> Result<(), RequestError> {
        let outgrown = too_large(partial, false, limits, then);
        let start = skip_empty_lines(partial, 0);
        let line = partial.get(start..).unwrap_or_default();
        if memchr(b'\n', line).is_none() {
            self.line = Span::new(start, partial.len());
            // A CR at the end may yet become a line's end.
            let most = outgrown.map_or(partial.len(), |outgrown| outgrown.end);
            let most = partial.get(start..most).unwrap_or_default();
            let most = most.strip_suffix(b"\r").unwrap_or(most);
            if let Some(error) = request_line::wrong(most) {
                return Err(error);
            }
            if let Some(outgrown) = outgrown {
                self.line = outgrown.line;
                return Err(RequestError::UriTooLong);
            }
            return Ok(());
        }
        let pos = self.first_line(partial, outgrown)?;
        self.lines(partial, pos, outgrown, limits, then)?;
        outgrown.map_or(Ok(()), |outgrown| {
            Err(RequestError::HeaderTooLong(outgrown.line))
        })
    }

    /// Whether the client wants the connection kept after this request.
    pub const fn keep_alive(&self) -> bool {
        match self.version {
            Version::Http11 => !self.connection_close,
            Version::Http10 => self.connection_keep_alive && !self.connection_close,
            Version::Http09 => false,
        }
    }

    /// Where a request ends that is a line and nothing else ([`Version::Http09`]).
    pub fn simple_end(&self, head: &[u8]) -> usize {
        let start = self.line.start as usize;
        let length = memchr(b'\n', head.get(start..).unwrap_or_default());
        length.map_or(head.len(), |length| start + length + 1)
    }

    /// The first line of that name.
    pub fn find(&self, known: Known) -> Option<&Header> {
        self.headers.iter().find(|h| h.known == known)
    }

    /// Appends the target as it goes to an upstream: from the path on, never absolute.
    pub fn write_target(&self, head: &[u8], out: &mut Vec<u8>) {
        let uri = self.uri.of(head);
        if uri.first() != Some(&b'/') {
            out.push(b'/');
        }
        out.extend_from_slice(uri);
    }
}

/// What header lines said.
struct Lines {
    /// The names that came.
    seen: u64,
    length: Option<Span>,
    encoding: Option<Span>,
    /// Where reading ended: at the empty line, or at one that is not whole.
    end: usize,
}

/// Where a head outgrows its room; what fits the first buffer, as nearly all do, is not looked at.
fn too_large(
    head: &[u8],
    whole: bool,
    limits: &Limits,
    then: Option<(usize, &Limits)>,
) -> Option<Outgrown> {
    if head.len() < limits.room.first {
        return None;
    }
    let then = then.map(|(from, limits)| (from, limits.room));
    outgrown(head, whole, &limits.room, then)
}

/// Names of which nginx refuses a second line.
const SINGLE: u64 = Known::Host.bit()
    | Known::ContentLength.bit()
    | Known::TransferEncoding.bit()
    | Known::IfModifiedSince.bit()
    | Known::IfUnmodifiedSince.bit()
    | Known::IfMatch.bit()
    | Known::IfNoneMatch.bit()
    | Known::IfRange.bit()
    | Known::Expect.bit()
    | Known::Authorization.bit()
    | Known::ContentRange.bit();

/// Names whose values are looked at while the lines are read.
const READ: u64 = Known::Host.bit()
    | Known::ContentLength.bit()
    | Known::TransferEncoding.bit()
    | Known::Expect.bit()
    | Known::IdempotencyKey.bit();

/// nginx's sentence (level info) about a request line whose header name it drops.
pub fn invalid_line(line: &Header, head: &[u8], out: &mut Vec<u8>) {
    let text = head
        .get(line.name.start as usize..line.value.end())
        .unwrap_or_default();
    for part in [
        b"client sent invalid header line: \"".as_slice(),
        text,
        b"\"",
    ] {
        out.extend_from_slice(part);
    }
}
