//! Why requests are refused, in nginx's words.

use crate::header::{Header, Span, quote, quote_bad};

/// A header line that a message quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Span,
    /// Its value.
    pub value: Span,
}

impl Field {
    pub(crate) const fn of(header: &Header) -> Self {
        Self {
            name: header.name,
            value: header.value,
        }
    }
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The line does not start with a method.
    InvalidMethod,
    /// The request line, or the path in it, is not one.
    InvalidRequest,
    /// HTTP/2 or above.
    InvalidVersion,
    /// A request line without a version: no error, but all that there is of the request. The answer is a
    /// body without a head.
    Http09,
    /// The same with a method other than GET.
    InvalidMethod09,
    /// The host of an absolute target.
    InvalidHostInLine,
    /// The request line is longer than the limit.
    UriTooLong,
    /// A header line that is none: `line` up to where reading stopped, and the byte there.
    InvalidHeader {
        /// What had been read of it.
        line: Span,
        /// Where it stopped.
        byte: u8,
    },
    /// This line, or the head with it, is longer than the limit.
    HeaderTooLong(Span),
    /// More lines than the limit.
    TooManyHeaders,
    /// HTTP/1.1 without a Host line.
    NoHost,
    /// A Host line that holds no host.
    InvalidHost,
    /// A Host line that names another host than the absolute target does.
    OtherHost(Span),
    /// A second Host line.
    DuplicateHost {
        /// The second.
        line: Field,
        /// The first.
        previous: Field,
    },
    /// A second line of another name that may come once.
    Duplicate {
        /// The second.
        line: Field,
        /// The first.
        previous: Field,
    },
    /// Content-Length is not a number, or beyond 63 bits.
    InvalidContentLength,
    /// Transfer-Encoding in an HTTP/1.0 request.
    EncodingInHttp10,
    /// Content-Length beside Transfer-Encoding.
    BothFramings,
    /// A Transfer-Encoding other than `chunked`.
    UnknownEncoding(Span),
    /// The method CONNECT.
    Connect,
    /// The method TRACE.
    Trace,
}

/// How much of a line that is too long nginx quotes.
const QUOTED: usize = 1748;

impl RequestError {
    /// The status to answer with; 494 stands for nginx's own "header too large", sent as 400 (see
    /// [`crate::status::sent`]). The connection is closed after every one of them.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidVersion => 505,
            Self::UriTooLong => 414,
            Self::HeaderTooLong(_) | Self::TooManyHeaders => 494,
            Self::UnknownEncoding(_) => 501,
            Self::Connect | Self::Trace => 405,
            _ => 400,
        }
    }

    /// Appends nginx's sentence for the error log (level info), without `while …`; `head` is what was
    /// parsed.
    pub fn message(self, head: &[u8], out: &mut Vec<u8>) {
        let text = match self {
            Self::InvalidMethod => "client sent invalid method",
            Self::InvalidRequest => "client sent invalid request",
            Self::InvalidVersion => "client sent invalid version",
            Self::Http09 => "client sent HTTP/0.9 request",
            Self::InvalidMethod09 => "client sent invalid method in HTTP/0.9 request",
            Self::InvalidHostInLine => "client sent invalid host in request line",
            Self::UriTooLong => "client sent too long URI",
            Self::TooManyHeaders => "client sent too many header lines",
            Self::NoHost => "client sent HTTP/1.1 request without \"Host\" header",
            Self::InvalidHost => "client sent invalid host header",
            Self::InvalidContentLength => "client sent invalid \"Content-Length\" header",
            Self::EncodingInHttp10 => {
                "client sent HTTP/1.0 request with \"Transfer-Encoding\" header"
            }
            Self::BothFramings => {
                "client sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time"
            }
            Self::Connect => "client sent CONNECT method",
            Self::Trace => "client sent TRACE method",
            Self::InvalidHeader { line, byte } => {
                out.extend_from_slice(b"client sent invalid header line: ");
                return quote_bad(out, line.of(head), byte);
            }
            Self::HeaderTooLong(line) => {
                let line = line.of(head);
                out.extend_from_slice(b"client sent too long header line: \"");
                out.extend_from_slice(&line[..line.len().min(QUOTED)]);
                "...\""
            }
            Self::OtherHost(value) => {
                let text = b"client sent host header that contradicts the request line: ";
                return quote(out, text, b"Host", value.of(head));
            }
            Self::UnknownEncoding(value) => {
                out.extend_from_slice(b"client sent unknown \"Transfer-Encoding\": \"");
                out.extend_from_slice(value.of(head));
                "\""
            }
            Self::DuplicateHost { line, previous } => {
                return duplicate(
                    out,
                    head,
                    b"client sent duplicate host header: ",
                    line,
                    previous,
                );
            }
            Self::Duplicate { line, previous } => {
                return duplicate(
                    out,
                    head,
                    b"client sent duplicate header line: ",
                    line,
                    previous,
                );
            }
        };
        out.extend_from_slice(text.as_bytes());
    }

    /// Whether the request line is at fault: nothing behind it was looked at.
    pub const fn of_line(self) -> bool {
        matches!(
            self,
            Self::InvalidMethod
                | Self::InvalidRequest
                | Self::InvalidVersion
                | Self::Http09
                | Self::InvalidMethod09
                | Self::InvalidHostInLine
                | Self::UriTooLong
        )
    }

    /// Whether it takes the whole head to see what is wrong.
    pub const fn of_whole_head(self) -> bool {
        matches!(
            self,
            Self::NoHost
                | Self::InvalidContentLength
                | Self::EncodingInHttp10
                | Self::UnknownEncoding(_)
                | Self::BothFramings
                | Self::Connect
                | Self::Trace
        )
    }

    /// What nginx was doing: the words after `while`.
    pub const fn action(self) -> &'static str {
        if self.of_line() {
            "reading client request line"
        } else {
            "reading client request headers"
        }
    }
}

/// `text "line", previous value: "previous"`.
pub(crate) fn duplicate(out: &mut Vec<u8>, head: &[u8], text: &[u8], line: Field, previous: Field) {
    quote(out, text, line.name.of(head), line.value.of(head));
    quote(
        out,
        b", previous value: ",
        previous.name.of(head),
        previous.value.of(head),
    );
}
