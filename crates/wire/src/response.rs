//! Response heads.

use crate::header::{self, Header, Known, Line, Span, quote, quote_bad};
use crate::request::{Field, Version};
use crate::request_error::duplicate;
use memchr::memchr;

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
    /// The status, three digits, not below 100.
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
    /// The connection is of no use after this response: the peer says so, is HTTP/1.0 without
    /// keep-alive, or ends the body by closing.
    pub connection_close: bool,
    /// `Keep-Alive: timeout=`, in seconds.
    pub keep_alive_timeout: Option<u64>,
    /// `Keep-Alive: max=`, in requests.
    pub keep_alive_max: Option<u64>,
    /// It was read to its end, and is no interim one.
    pub whole: bool,
    /// There was no head at all.
    pub headless: bool,
    /// Which of the known names are there.
    seen: u64,
    /// What nginx would warn of. The lines that are ignored are not forwarded.
    pub warnings: Vec<ResponseWarning>,
}

impl ResponseHead {
    /// Reads a head that [`crate::HeadScan`] found. Spans are offsets into `head`.
    pub fn parse(&mut self, head: &[u8], request_is_head: bool) -> Result<(), ResponseError> {
        let (mut headers, mut warnings) = (
            std::mem::take(&mut self.headers),
            std::mem::take(&mut self.warnings),
        );
        headers.clear();
        warnings.clear();
        *self = Self {
            headers,
            warnings,
            ..Self::default()
        };

        let mut pos = self.first_line(head)?;
        let (mut seen, mut chunked) = (0u64, false);
        loop {
            let field = match header::line(head, pos, true) {
                Line::End => break,
                Line::Ignored(next) => {
                    pos = next;
                    continue;
                }
                Line::Field(field, next) => {
                    pos = next;
                    field
                }
                Line::Bad { line, byte } => {
                    return Err(ResponseError::InvalidHeader { line, byte });
                }
            };
            let bit = field.known.bit();
            self.headers.push(field);
            if field.known == Known::Other {
                continue;
            }
            if seen & bit & SINGLE != 0 {
                let first = self
                    .headers
                    .iter()
                    .find(|h| h.known == field.known)
                    .unwrap_or(&field);
                let (line, previous) = (Field::of(&field), Field::of(first));
                return Err(ResponseError::Duplicate { line, previous });
            }
            if seen & bit & FIRST_COUNTS != 0 {
                self.ignore_last(field.known);
            }
            seen |= bit;
            let value = field.value.of(head);
            match field.known {
                Known::ContentLength => {
                    let Some(length) = header::digits(value) else {
                        return Err(ResponseError::InvalidContentLength(Field::of(&field)));
                    };
                    self.content_length = Some(length);
                    self.not_forwarded();
                }
                Known::TransferEncoding => {
                    chunked = value.eq_ignore_ascii_case(b"chunked");
                    if !chunked {
                        return Err(ResponseError::UnknownEncoding(field.value));
                    }
                }
                Known::KeepAlive => self.keep_alive(value),
                _ => {}
            }
            if chunked && self.content_length.is_some() {
                return Err(ResponseError::BothFramings);
            }
        }

        self.seen = seen;
        self.whole = !self.interim();
        let mut connection = header::Connection::default();
        if seen & Known::Connection.bit() != 0 {
            connection = header::connection(head, &mut self.headers);
        }
        let bodiless = request_is_head || self.status < 200 || matches!(self.status, 204 | 304);
        self.framing = match self.content_length {
            _ if bodiless => BodyFraming::None,
            _ if chunked => BodyFraming::Chunked,
            Some(length) => BodyFraming::Length(length),
            None => BodyFraming::UntilClose,
        };
        let old = self.version == Version::Http10;
        self.connection_close = connection.close
            || self.framing == BodyFraming::UntilClose
            // HTTP/1.0 knows no chunks: whoever sends them is not to be trusted with another request.
            || (old && (chunked || !connection.keep_alive));
        Ok(())
    }

    /// Refuses control characters in values, which nginx takes; to be asked after `parse`.
    pub fn refuse_controls(&self, head: &[u8]) -> Result<(), ResponseError> {
        let mut found = self.headers.iter().filter_map(|h| header::control(head, h));
        match found.next() {
            Some((line, byte)) => Err(ResponseError::InvalidHeader { line, byte }),
            None => Ok(()),
        }
    }

    /// Reads the status line; gives where the next line starts.
    fn first_line(&mut self, head: &[u8]) -> Result<usize, ResponseError> {
        let next = memchr(b'\n', head).ok_or(ResponseError::StatusLine)? + 1;
        let line = &head[..next - 1];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (version, start) = status_line(line).ok_or(ResponseError::StatusLine)?;
        self.version = version;
        self.status = line[start..start + 3]
            .iter()
            .fold(0, |n, b| n * 10 + u16::from(b - b'0'));
        self.status_line = Span::new(start, line.len());
        let blank = usize::from(line.get(start + 3) == Some(&b' '));
        self.reason = Span::new(start + 3 + blank, line.len());
        Ok(next)
    }

    /// The last line repeats a name of which the first line counts.
    fn ignore_last(&mut self, known: Known) {
        self.not_forwarded();
        let line = self.headers.len() - 1;
        if let Some(previous) = self.headers.iter().position(|h| h.known == known) {
            self.warnings.push(ResponseWarning { line, previous });
        }
    }

    fn not_forwarded(&mut self) {
        if let Some(header) = self.headers.last_mut() {
            header.forward = false;
        }
    }

    fn keep_alive(&mut self, value: &[u8]) {
        for parameter in header::list(value) {
            let Some(equals) = memchr(b'=', parameter) else {
                continue;
            };
            let (name, number) = (
                parameter[..equals].trim_ascii(),
                parameter[equals + 1..].trim_ascii(),
            );
            let number = number
                .strip_prefix(b"\"")
                .and_then(|n| n.strip_suffix(b"\""))
                .unwrap_or(number);
            let Some(number) = header::digits(number) else {
                continue;
            };
            if name.eq_ignore_ascii_case(b"timeout") {
                self.keep_alive_timeout = Some(number);
            } else if name.eq_ignore_ascii_case(b"max") {
                self.keep_alive_max = Some(number);
            }
        }
    }

    /// What stands for the head of an answer that has none: nginx takes it for HTTP/0.9.
    pub fn headless(&mut self) {
        self.headers.clear();
        self.warnings.clear();
        *self = Self {
            status: 200,
            headers: std::mem::take(&mut self.headers),
            warnings: std::mem::take(&mut self.warnings),
            framing: BodyFraming::UntilClose,
            connection_close: true,
            headless: true,
            ..Self::default()
        };
    }

    /// Whether what has come so far can't become a response head. To be asked when a read did not
    /// complete it.
    pub fn refuse_early(partial: &[u8]) -> Result<(), ResponseError> {
        if let Some(end) = memchr(b'\n', partial) {
            let line = partial[..end]
                .strip_suffix(b"\r")
                .unwrap_or(&partial[..end]);
            return status_line(line)
                .map(|_| ())
                .ok_or(ResponseError::StatusLine);
        }
        let known = partial.len().min(b"HTTP/".len());
        if partial[..known] == b"HTTP/"[..known] {
            Ok(())
        } else {
            Err(ResponseError::StatusLine)
        }
    }

    /// Whether this is an interim response (1xx other than 101), after which another head follows.
    pub const fn interim(&self) -> bool {
        self.status >= 100 && self.status < 200 && self.status != 101
    }

    /// Whether a line of one of these names is there.
    pub fn has(&self, names: &[Known]) -> bool {
        names.iter().any(|known| self.seen & known.bit() != 0)
    }

    /// The first line of that name.
    pub fn find(&self, known: Known) -> Option<&Header> {
        self.headers.iter().find(|h| h.known == known)
    }
}

/// The version, and where the three digits of the status start. None if nginx would not take the
/// line; a status below 100, and CR or NUL in the reason, it would.
fn status_line(line: &[u8]) -> Option<(Version, usize)> {
    let digits = |from: usize| {
        line[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    line.strip_prefix(b"HTTP/")?;
    let major = b"HTTP/".len();
    let dot = major + digits(major);
    if dot == major || line[major] == b'0' || line.get(dot) != Some(&b'.') {
        return None;
    }
    let minor = dot + 1;
    let end = minor + digits(minor);
    if end == minor || dot - major > 3 || end - minor > 3 || line.get(end) != Some(&b' ') {
        return None;
    }
    let mut start = end;
    while line.get(start) == Some(&b' ') {
        start += 1;
    }
    let separated = matches!(line.get(start + 3), None | Some(b' ' | b'.'));
    if digits(start) != 3 || line[start] == b'0' || !separated {
        return None;
    }
    if line[start..].iter().any(|&b| b == b'\r' || b == 0) {
        return None;
    }
    let old = &line[major..dot] == b"1" && line[minor..end].iter().all(|&b| b == b'0');
    Some((
        if old {
            Version::Http10
        } else {
            Version::Http11
        },
        start,
    ))
}

/// Names of which nginx refuses a second line.
const SINGLE: u64 = Known::ContentLength.bit() | Known::TransferEncoding.bit();

/// Names of which nginx ignores, with a warning, all lines but the first.
const FIRST_COUNTS: u64 = Known::Server.bit()
    | Known::Date.bit()
    | Known::ContentType.bit()
    | Known::LastModified.bit()
    | Known::ETag.bit()
    | Known::Location.bit()
    | Known::Refresh.bit()
    | Known::Expires.bit()
    | Known::Status.bit()
    | Known::XAccelExpires.bit()
    | Known::XAccelRedirect.bit()
    | Known::XAccelLimitRate.bit();

/// A line that is ignored, and that nginx warns of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseWarning {
    /// The line that is ignored: its index in `headers`.
    pub line: usize,
    /// The line that counts.
    pub previous: usize,
}

impl ResponseWarning {
    /// Appends nginx's sentence for the error log (level warn), without `while …`; `buf` is what was
    /// parsed.
    pub fn message(self, head: &ResponseHead, buf: &[u8], out: &mut Vec<u8>) {
        let field = |i: usize| head.headers.get(i).map(Field::of);
        if let (Some(line), Some(previous)) = (field(self.line), field(self.previous)) {
            duplicate(
                out,
                buf,
                b"upstream sent duplicate header line: ",
                line,
                previous,
            );
            out.extend_from_slice(b", ignored");
        }
    }
}

/// Why a response was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The status line is none. nginx logs this and passes the bytes on as an HTTP/0.9 body.
    StatusLine,
    /// A header line that is none: `line` up to where reading stopped, and the byte there.
    InvalidHeader {
        /// What had been read of it.
        line: Span,
        /// Where it stopped.
        byte: u8,
    },
    /// Content-Length is not a number, or beyond 63 bits.
    InvalidContentLength(Field),
    /// A second line of a name that may come once.
    Duplicate {
        /// The second.
        line: Field,
        /// The first.
        previous: Field,
    },
    /// Content-Length beside Transfer-Encoding.
    BothFramings,
    /// A Transfer-Encoding other than `chunked`.
    UnknownEncoding(Span),
}

impl ResponseError {
    /// Appends nginx's sentence for the error log (level error), without `while …`; `head` is what was
    /// parsed.
    pub fn message(self, head: &[u8], out: &mut Vec<u8>) {
        let text = match self {
            Self::StatusLine => "upstream sent no valid HTTP/1.0 header",
            Self::BothFramings => {
                "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time"
            }
            Self::UnknownEncoding(value) => {
                out.extend_from_slice(b"upstream sent unknown \"Transfer-Encoding\": \"");
                out.extend_from_slice(value.of(head));
                "\""
            }
            Self::InvalidHeader { line, byte } => {
                out.extend_from_slice(b"upstream sent invalid header: ");
                return quote_bad(out, line.of(head), byte);
            }
            Self::InvalidContentLength(line) => {
                let text = b"upstream sent invalid \"Content-Length\" header: ";
                return quote(out, text, line.name.of(head), line.value.of(head));
            }
            Self::Duplicate { line, previous } => {
                let text = b"upstream sent duplicate header line: ";
                return duplicate(out, head, text, line, previous);
            }
        };
        out.extend_from_slice(text.as_bytes());
    }
}
