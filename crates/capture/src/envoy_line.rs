//! A line of Envoy's access log: its own format, that of a mesh's sidecars, or JSON.

use memchr::{memchr_iter, memrchr};

use crate::event::method_of;
use crate::member::member;
use crate::moment;
use crate::written::written;

/// How far into a line it may begin.
const WITHIN: usize = 128;
/// Client's address, agent, id, authority, upstream: quoted strings in a row in every format that is known.
const IN_A_ROW: usize = 5;
// By the names that Envoy's pages, Istio, Envoy Gateway and Contour use, and those that people make up.
const TIME: &[&str] = &[
    "\"start_time\"",
    "\"time\"",
    "\"timestamp\"",
    "\"@timestamp\"",
];
const METHOD: &[&str] = &["\"method\"", "\"request_method\"", "\":method\""];
const STATUS: &[&str] = &[
    "\"response_code\"",
    "\"status\"",
    "\"code\"",
    "\"status_code\"",
];
const FLAGS: &[&str] = &["\"response_flags\"", "\"flags\"", "\"response_flags_long\""];
const DETAILS: &[&str] = &["\"response_code_details\"", "\"details\""];
const FAILURE: &[&str] = &["\"upstream_transport_failure_reason\""];
const DURATION: &[&str] = &["\"duration\"", "\"duration_ms\""];
const PEER: &[&str] = &[
    "\"upstream_host\"",
    "\"upstream\"",
    "\"upstream_remote_address\"",
];

/// What a line tells; empty is what it does not.
pub(crate) struct Request<'a> {
    pub(crate) at_ms: i64,
    pub(crate) method: &'a [u8],
    pub(crate) status: u16,
    /// `-`, or flags with commas between them.
    pub(crate) flags: &'a [u8],
    /// Why, in Envoy's words: `%RESPONSE_CODE_DETAILS%` and what it says of the transport.
    pub(crate) details: [&'a [u8]; 2],
    /// How long it took from beginning to end.
    pub(crate) took_ms: Option<i64>,
    pub(crate) peer: &'a [u8],
}

impl<'a> Request<'a> {
    /// `None` where it is no such line.
    pub(crate) fn of(line: &'a [u8]) -> Option<Self> {
        let line = begun(line);
        let request = if line.first() == Some(&b'{') {
            Self::of_json(line)
        } else {
            Self::of_text(line)
        }?;
        is_flags(request.flags).then_some(request)
    }

    fn of_json(line: &'a [u8]) -> Option<Self> {
        let text = |names| member(line, names).unwrap_or_default();
        Some(Self {
            flags: member(line, FLAGS)?,
            status: status(member(line, STATUS)?)?,
            at_ms: moment::iso8601(text(TIME)).unwrap_or(0),
            method: text(METHOD),
            details: [text(DETAILS), text(FAILURE)],
            took_ms: moment::number(text(DURATION)),
            peer: Some(text(PEER))
                .filter(|peer| is_address(peer))
                .unwrap_or_default(),
        })
    }

    fn of_text(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"[")?;
        let at_ms = moment::iso8601(rest)?;
        let mut quotes = memchr_iter(b'"', rest);
        let (open, close) = (quotes.next()?, quotes.next()?);
        if !rest[..open].ends_with(b"Z] ") {
            return None;
        }
        let told = rest[close + 1..].strip_prefix(b" ")?;
        let mut words = told.splitn(3, |byte| *byte == b' ');
        let (code, flags, told) = (words.next()?, words.next()?, words.next()?);
        let (before, peer) = row(told);
        Some(Self {
            at_ms,
            method: method_of(&rest[open + 1..close]),
            status: status(code)?,
            flags,
            details: [before, b""],
            // Behind it is only what the upstream took.
            took_ms: before
                .trim_ascii()
                .rsplit(|byte| *byte == b' ')
                .nth(1)
                .and_then(moment::number),
            peer: if is_address(peer) { peer } else { b"" },
        })
    }
}

/// The last of the first strings in a row that there are enough of, and what stands before them; of fewer, the
/// last that there is.
fn row(text: &[u8]) -> (&[u8], &[u8]) {
    let mut quotes = memchr_iter(b'"', text);
    let (mut first, mut begun, mut behind) = (text.len(), 0, 0);
    let (mut count, mut last) = (0, &b""[..]);
    while let (Some(open), Some(close)) = (quotes.next(), quotes.next()) {
        if open != behind + 1 {
            (begun, count) = (open, 0);
        }
        first = first.min(open);
        last = &text[open + 1..close];
        behind = close + 1;
        count += 1;
        if count == IN_A_ROW {
            return (&text[..begun], last);
        }
    }
    (&text[..first], last)
}

/// A line without what `kubectl` and its like put before it.
fn begun(line: &[u8]) -> &[u8] {
    let line = written(line);
    if matches!(line.first(), Some(b'[' | b'{')) {
        return line;
    }
    let head = &line[..line.len().min(WITHIN)];
    memchr_iter(b' ', head)
        .map(|at| &line[at + 1..])
        .find(|rest| matches!(rest.first(), Some(b'[' | b'{')))
        .unwrap_or(line)
}

/// `-`, or names that begin with a capital.
fn is_flags(text: &[u8]) -> bool {
    text == b"-"
        || text.split(|byte| *byte == b',').all(|flag| {
            flag.first().is_some_and(u8::is_ascii_uppercase)
                && flag.iter().all(u8::is_ascii_alphanumeric)
        })
}

fn status(text: &[u8]) -> Option<u16> {
    u16::try_from(moment::number(text)?).ok()
}

/// `192.0.2.1:80` or `[2001:db8::1]:80`.
fn is_address(text: &[u8]) -> bool {
    let Some(colon) = memrchr(b':', text) else {
        return false;
    };
    let (host, port) = (&text[..colon], &text[colon + 1..]);
    let host = std::str::from_utf8(host).unwrap_or_default();
    let is_ip = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(six) => six.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.parse::<std::net::Ipv4Addr>().is_ok(),
    };
    is_ip && moment::number(port).is_some()
}
