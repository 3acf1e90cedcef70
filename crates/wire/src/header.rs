//! Header lines: where they stand, which names matter here, and which may cross a hop.

/// A piece of the buffer a head was parsed from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

impl Span {
    /// The span from `start` up to, not including, `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            len: end.saturating_sub(start) as u32,
        }
    }

    /// The bytes meant, in the buffer that was parsed; empty if the buffer is too short.
    pub fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.start as usize..self.end()).unwrap_or_default()
    }

    /// Offset after the last byte.
    pub const fn end(self) -> usize {
        self.start as usize + self.len as usize
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// One header line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The name as sent.
    pub name: Span,
    /// The value without the blanks around it.
    pub value: Span,
    /// Which name it is, if it is one that matters.
    pub known: Known,
    /// Whether the line may be copied to the other side as it is. False for lines that belong to
    /// this hop, for those the message is framed or routed by (they are written anew), and for names
    /// nginx drops as invalid.
    pub forward: bool,
}

macro_rules! known {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// Header names that are treated specially somewhere.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        #[allow(missing_docs)] // each is the header of that name
        pub enum Known {
            $($variant,)+
            /// Any other name.
            #[default]
            Other,
        }

        impl Known {
            /// All names but `Other`, with their usual spelling.
            pub const ALL: &'static [(Known, &'static str)] = &[$((Known::$variant, $name)),+];

            /// Which name this is, in any mixture of cases.
            pub fn of(name: &[u8]) -> Self {
                match name.len() {
                    $(n if n == $name.len() && name.eq_ignore_ascii_case($name.as_bytes()) => Self::$variant,)+
                    _ => Self::Other,
                }
            }
        }
    };
}

known! {
    Host = "Host",
    Connection = "Connection",
    ContentLength = "Content-Length",
    TransferEncoding = "Transfer-Encoding",
    KeepAlive = "Keep-Alive",
    ProxyConnection = "Proxy-Connection",
    Te = "TE",
    Trailer = "Trailer",
    Upgrade = "Upgrade",
    Expect = "Expect",
    UserAgent = "User-Agent",
    Accept = "Accept",
    AcceptEncoding = "Accept-Encoding",
    Cookie = "Cookie",
    Referer = "Referer",
    Authorization = "Authorization",
    Range = "Range",
    IfModifiedSince = "If-Modified-Since",
    IfUnmodifiedSince = "If-Unmodified-Since",
    IfMatch = "If-Match",
    IfNoneMatch = "If-None-Match",
    IfRange = "If-Range",
    XForwardedFor = "X-Forwarded-For",
    IdempotencyKey = "Idempotency-Key",
    Via = "Via",
    Date = "Date",
    Server = "Server",
    ContentType = "Content-Type",
    ContentEncoding = "Content-Encoding",
    LastModified = "Last-Modified",
    ETag = "ETag",
    Location = "Location",
    Refresh = "Refresh",
    SetCookie = "Set-Cookie",
    Vary = "Vary",
    CacheControl = "Cache-Control",
    Expires = "Expires",
    Link = "Link",
    AcceptRanges = "Accept-Ranges",
    WwwAuthenticate = "WWW-Authenticate",
    ProxyAuthenticate = "Proxy-Authenticate",
    ProxyAuthorization = "Proxy-Authorization",
    RetryAfter = "Retry-After",
    XPad = "X-Pad",
    XAccelExpires = "X-Accel-Expires",
    XAccelRedirect = "X-Accel-Redirect",
    XAccelLimitRate = "X-Accel-Limit-Rate",
    XAccelBuffering = "X-Accel-Buffering",
    XAccelCharset = "X-Accel-Charset",
}

impl Known {
    /// Whether a line of this name belongs to one hop alone.
    pub const fn hop_by_hop(self) -> bool {
        use Known as K;
        matches!(
            self,
            K::Connection
                | K::KeepAlive
                | K::ProxyConnection
                | K::Te
                | K::Trailer
                | K::TransferEncoding
                | K::Upgrade
        )
    }

    /// Whether nginx's proxy keeps a response line of this name from the client unless told otherwise:
    /// Date and Server, which it writes itself, X-Pad, and the X-Accel family.
    pub const fn hidden_by_proxy(self) -> bool {
        use Known as K;
        matches!(
            self,
            K::Date
                | K::Server
                | K::XPad
                | K::XAccelExpires
                | K::XAccelRedirect
                | K::XAccelLimitRate
                | K::XAccelBuffering
                | K::XAccelCharset
        )
    }
}
