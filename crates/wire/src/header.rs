//! Header lines: where they stand, which names matter here, and which may cross a hop.

use std::ops::Range;

/// A piece of the buffer a head was parsed from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

impl Span {
    /// No bytes.
    pub const EMPTY: Self = Self { start: 0, len: 0 };

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
    /// Whether the name is one nginx takes; in requests it drops the others, and says so at info
    /// ([`crate::request::invalid_line`]).
    pub valid: bool,
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

        }

        /// Where each name stands in `Known::ALL`, by its hash; 255 where there is none.
        static SLOTS: [u8; 128] = {
            let mut slots = [255u8; 128];
            let mut i = 0;
            while i < Known::ALL.len() {
                let at = slot(Known::ALL[i].1.as_bytes());
                // A new name that collides stops the build: then choose other factors in `slot`.
                assert!(slots[at] == 255, "two known names share a slot");
                slots[at] = i as u8;
                i += 1;
            }
            slots
        };
    };
}

/// Bit 5 of eight bytes.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// Whether two names differ in nothing but case. Eight bytes at a time: setting bit 5 folds letters,
/// and what else it folds onto a hyphen or letter can't stand in a name.
fn same_name(name: &[u8], usual: &[u8]) -> bool {
    if name.len() != usual.len() {
        return false;
    }
    let (names, name_rest) = name.as_chunks::<8>();
    let (usuals, usual_rest) = usual.as_chunks::<8>();
    names
        .iter()
        .zip(usuals)
        .all(|(a, b)| u64::from_ne_bytes(*a) | FOLD == u64::from_ne_bytes(*b) | FOLD)
        && name_rest
            .iter()
            .zip(usual_rest)
            .all(|(a, b)| a | 0x20 == b | 0x20)
}

/// A perfect hash over the known names, the same for both cases of a letter.
const fn slot(name: &[u8]) -> usize {
    let len = name.len();
    let (first, middle, last) = (name[0] | 0x20, name[len / 2] | 0x20, name[len - 1] | 0x20);
    (len * 2 + first as usize * 49 + last as usize * 20 + middle as usize * 9) & 127
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
    ContentRange = "Content-Range",
    Status = "Status",
    Forwarded = "Forwarded",
    XRealIp = "X-Real-IP",
    XPad = "X-Pad",
    XAccelExpires = "X-Accel-Expires",
    XAccelRedirect = "X-Accel-Redirect",
    XAccelLimitRate = "X-Accel-Limit-Rate",
    XAccelBuffering = "X-Accel-Buffering",
    XAccelCharset = "X-Accel-Charset",
}

impl Known {
    /// Which name this is, in any mixture of cases; `name` holds no control characters.
    pub fn of(name: &[u8]) -> Self {
        if name.is_empty() {
            return Self::Other;
        }
        match Self::ALL.get(SLOTS[slot(name)] as usize) {
            Some((known, usual)) if same_name(name, usual.as_bytes()) => *known,
            _ => Self::Other,
        }
    }

    /// Its bit in a set of names.
    pub(crate) const fn bit(self) -> u64 {
        1 << self as u64
    }

    /// Whether a Connection line may name it. RFC 9110 (7.6.1) forbids naming what is meant for all
    /// recipients; obeying such a line would let a client take away what routes, authorises or tells
    /// its address.
    pub(crate) fn may_be_named(self, name: &[u8]) -> bool {
        use Known as K;
        match self {
            K::Host
            | K::ContentLength
            | K::ContentType
            | K::ContentEncoding
            | K::ContentRange
            | K::Authorization
            | K::Cookie
            | K::SetCookie
            | K::CacheControl
            | K::IdempotencyKey
            | K::Via
            | K::Forwarded
            | K::XForwardedFor
            | K::XRealIp => false,
            K::Other => !name
                .get(..12)
                .is_some_and(|n| n.eq_ignore_ascii_case(b"x-forwarded-")),
            _ => true,
        }
    }

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

/// A header line found in a buffer, before anyone asked what it means.
pub(crate) enum Line {
    /// A line, and where the next one starts.
    Field(Header, usize),
    /// A line nginx ignores in responses (`HTTP/1.1 …` once more), and where the next one starts.
    Ignored(usize),
    /// The empty line.
    End,
    /// Not a header line: all up to `end` is nginx's quotation, the byte there is what it stopped at.
    Bad { line: Span, byte: u8 },
}

/// What a byte of a name is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NameByte {
    Plain,
    /// Taken, but not by nginx in a request: it drops the line.
    Odd,
    Colon,
    Bad,
}

static NAME: [NameByte; 256] = {
    let mut table = [NameByte::Odd; 256];
    let mut i = 0;
    while i < 256 {
        let byte = i as u8;
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            table[i] = NameByte::Plain;
        } else if byte == b':' {
            table[i] = NameByte::Colon;
        } else if byte <= b' ' || byte == 0x7f {
            table[i] = NameByte::Bad;
        }
        i += 1;
    }
    table
};

/// Whether underscores are all that is odd about a name.
pub(crate) fn underscored(name: &[u8]) -> bool {
    name.iter()
        .all(|&byte| byte == b'_' || NAME[byte as usize] == NameByte::Plain)
}

/// Reads the header line at `start`. Only what nginx takes: no blank before the colon, no folding, no
/// NUL; and a CR only before LF. A line without a colon is a name without a value.
pub(crate) fn line(head: &[u8], start: usize, response: bool) -> Line {
    let bad = |end: usize| Line::Bad {
        line: Span::new(start, end),
        byte: head.get(end).copied().unwrap_or_default(),
    };
    match head.get(start..) {
        Some([b'\n', ..] | [b'\r', b'\n', ..]) => return Line::End,
        Some([b':', ..]) => return bad(start),
        _ => {}
    }
    let mut valid = true;
    let mut pos = start;
    let name_end = loop {
        let rest = head.get(pos..).unwrap_or_default();
        // Nearly always this one step reaches the colon.
        let plain = rest
            .iter()
            .position(|&byte| NAME[byte as usize] != NameByte::Plain);
        let Some(plain) = plain else {
            return bad(head.len());
        };
        pos += plain;
        match (NAME[head[pos] as usize], &head[pos..]) {
            (NameByte::Colon, _) => break pos,
            (NameByte::Odd, [b'/', rest @ ..]) if response && &head[start..pos] == b"HTTP" => {
                return match memchr::memchr(b'\n', rest) {
                    Some(end) => Line::Ignored(pos + end + 2),
                    None => bad(pos),
                };
            }
            (NameByte::Odd, _) => valid = false,
            (_, [b'\n', ..]) => {
                return Line::Field(field(head, start..pos, pos..pos, valid), pos + 1);
            }
            (_, [b'\r', b'\n', ..]) => {
                return Line::Field(field(head, start..pos, pos..pos, valid), pos + 2);
            }
            _ => return bad(pos),
        }
        pos += 1;
    };
    pos += 1;
    while head.get(pos) == Some(&b' ') {
        pos += 1;
    }
    let Some(offset) = memchr::memchr3(b'\n', b'\r', 0, head.get(pos..).unwrap_or_default()) else {
        return bad(head.len());
    };
    let stop = pos + offset;
    let mut end = stop;
    while end > pos && head[end - 1] == b' ' {
        end -= 1;
    }
    let next = match &head[stop..] {
        [b'\n', ..] => stop + 1,
        [b'\r', b'\n', ..] => stop + 2,
        // nginx has ended the value at its last byte when it meets the CR, but not when it meets NUL.
        [b'\r', ..] => return bad(end),
        _ => return bad(stop),
    };
    Line::Field(field(head, start..name_end, pos..end, valid), next)
}

/// Up to the first control character in a value, and which it is; a tab is none. nginx takes all but NUL.
pub(crate) fn control(head: &[u8], field: &Header) -> Option<(Span, u8)> {
    let at = field.value.start as usize + first_control(field.value.of(head))?;
    Some((Span::new(field.name.start as usize, at), *head.get(at)?))
}

fn first_control(value: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES << 7;
    let is = |&byte: &u8| (byte < b' ' && byte != b'\t') || byte == 0x7f;
    // Eight bytes at a time: whether one is below a blank, or DEL.
    let (words, rest) = value.as_chunks::<8>();
    let suspect = words.iter().fold(0, |found, word| {
        let word = u64::from_ne_bytes(*word);
        let del = word ^ (ONES * 0x7f);
        found | (word.wrapping_sub(ONES * 0x20) & !word) | (del.wrapping_sub(ONES) & !del)
    });
    if suspect & TOPS == 0 && !rest.iter().any(is) {
        return None;
    }
    value.iter().position(is)
}

fn field(head: &[u8], name: Range<usize>, value: Range<usize>, valid: bool) -> Header {
    let known = Known::of(&head[name.clone()]);
    Header {
        name: Span::new(name.start, name.end),
        value: Span::new(value.start, value.end),
        known,
        forward: !known.hop_by_hop(),
        valid,
    }
}

/// What the Connection lines of a message say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
}

/// How many names Connection lines may give; the rest is not looked at, so that a head made of names
/// costs no more than others.
const NAMED_LIMIT: usize = 64;

/// Reads all Connection lines, and keeps the lines they name from being forwarded.
pub(crate) fn connection(head: &[u8], headers: &mut [Header]) -> Connection {
    let mut found = Connection::default();
    let mut named = 0;
    for i in 0..headers.len() {
        if headers[i].known != Known::Connection {
            continue;
        }
        for token in list(headers[i].value.of(head)) {
            if token.eq_ignore_ascii_case(b"close") {
                found.close = true;
            } else if token.eq_ignore_ascii_case(b"keep-alive") {
                found.keep_alive = true;
            } else if token.eq_ignore_ascii_case(b"upgrade") {
                found.upgrade = true;
            } else if named < NAMED_LIMIT {
                named += 1;
                for other in headers.iter_mut().filter(|h| h.forward) {
                    let name = other.name.of(head);
                    if name.eq_ignore_ascii_case(token) && other.known.may_be_named(name) {
                        other.forward = false;
                    }
                }
            }
        }
    }
    found
}

/// The elements of a comma-separated value, without the blanks around them; empty ones are left out.
pub fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&b| b == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|t| !t.is_empty())
}

/// The digits of a length, as nginx reads them: nothing but digits, and within 63 bits.
pub(crate) fn digits(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |n, &b| {
        let digit = b.checked_sub(b'0').filter(|d| *d < 10)?;
        n.checked_mul(10)?
            .checked_add(u64::from(digit))
            .filter(|n| i64::try_from(*n).is_ok())
    })
}

/// Appends `text`, then `"name: value"` as nginx quotes a line.
pub(crate) fn quote(out: &mut Vec<u8>, text: &[u8], name: &[u8], value: &[u8]) {
    for part in [text, b"\"", name, b": ", value, b"\""] {
        out.extend_from_slice(part);
    }
}

/// Appends `"line\xNN..."`: how nginx quotes what it stopped in.
pub(crate) fn quote_bad(out: &mut Vec<u8>, line: &[u8], byte: u8) {
    let hex = |n: u8| b"0123456789abcdef"[n as usize & 15];
    out.push(b'"');
    out.extend_from_slice(line);
    out.extend_from_slice(&[
        b'\\',
        b'x',
        hex(byte >> 4),
        hex(byte),
        b'.',
        b'.',
        b'.',
        b'"',
    ]);
}

/// Every name must have a bit of its own.
const _: () = assert!((Known::Other as usize) < u64::BITS as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_in_any_case() {
        for &(known, name) in Known::ALL {
            assert_eq!(Known::of(name.as_bytes()), known);
            assert_eq!(Known::of(name.to_uppercase().as_bytes()), known);
            assert_eq!(Known::of(name.to_lowercase().as_bytes()), known);
            assert_eq!(Known::of(format!("{name}x").as_bytes()), Known::Other);
            assert_eq!(Known::of(&name.as_bytes()[1..]), Known::Other);
        }
        assert_eq!(Known::of(b""), Known::Other);
        assert_eq!(Known::of(b"H\x8fst"), Known::Other);
    }

    #[test]
    fn lists() {
        let found: Vec<_> = list(b" a ,,\tb, c d ,").collect();
        assert_eq!(found, [b"a".as_slice(), b"b", b"c d"]);
    }

    #[test]
    fn spans_never_reach_beyond() {
        assert_eq!(Span::new(1, 3).of(b"abcd"), b"bc");
        assert_eq!(Span::new(3, 9).of(b"abcd"), b"");
        assert_eq!(Span::new(3, 1), Span { start: 3, len: 0 });
        assert!(Span::EMPTY.is_empty());
    }

    #[test]
    #[cfg_attr(miri, ignore = "it takes too long")]
    fn control_characters_are_found_wherever_they_stand() {
        for byte in 0..=255u8 {
            for length in 1..20 {
                for at in 0..length {
                    let mut value = vec![b'\t'; length];
                    value[at] = byte;
                    let expected = byte.is_ascii_control() && byte != b'\t';
                    assert_eq!(first_control(&value), expected.then_some(at), "{value:?}");
                }
            }
        }
    }

    #[test]
    fn naming_has_an_end() {
        // Sixty-five names before the one that counts: it is not obeyed any more.
        let names = "x,".repeat(NAMED_LIMIT);
        for (names, obeyed) in [(&names[2..], true), (&names[..], false)] {
            let head = format!("Connection: {names}X-Hop\r\nX-Hop: 1\r\n\r\n").into_bytes();
            let mut headers = Vec::new();
            let mut pos = 0;
            while let Line::Field(field, next) = line(&head, pos, false) {
                headers.push(field);
                pos = next;
            }
            connection(&head, &mut headers);
            assert_eq!(headers[1].forward, !obeyed);
        }
    }
}
