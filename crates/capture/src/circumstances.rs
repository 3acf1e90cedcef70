//! What stands around the words of a failure: whose they are, about whom, by which connection.

use memchr::memmem;
use surehop_engine::{Cause, Phase, Reason};

use crate::event::{Event, Outcome};
use crate::moment;

const METHODS: [&[u8]; 9] = [
    b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS", b"TRACE", b"LOCK",
];
/// Of the words of others who uses them: a part of the record, the words of whom, and who that is.
const USERS: [(&[u8], &[&str], &str); 16] = [
    (b"axios-retry", &["node", "axios"], "axios-retry"),
    (b"Axios", &["node"], "axios"),
    (b"axios", &["node"], "axios"),
    (b"UND_ERR", &["node"], "undici"),
    (b"fetch failed", &["node"], "undici"),
    (b"undici", &["node"], "undici"),
    (b"httpx", &["python"], "httpx"),
    (b"httpcore", &["python"], "httpx"),
    (b"aiohttp", &["python", "urllib3"], "aiohttp"),
    (b"ClientOSError", &["python"], "aiohttp"),
    (b"requests.", &["python", "urllib3"], "requests"),
    (b"urllib3", &["python"], "urllib3"),
    (b"ConnectionPool(host=", &["python"], "urllib3"),
    (b"502 Bad Gateway", &["go"], "traefik"),
    (b"504 Gateway Timeout", &["go"], "traefik"),
    (b"http.log.error", &["go"], "caddy"),
];
/// What the system says of a connection that does not come about.
const SYSTEM: [(&[&str], Outcome); 3] = [
    (
        &["efused", "Errno 111"],
        (Phase::Connect, Cause::Refused, Reason::Refused),
    ),
    (
        &["annot assign requested address", "Errno 99", " no ports"],
        (Phase::Connect, Cause::NoPorts, Reason::NoPorts),
    ),
    (
        &["etwork is unreachable", "No route to host"],
        (Phase::Connect, Cause::Unreachable, Reason::Unreachable),
    ),
];

/// All that is the same for what one record tells.
pub(crate) struct Circumstances<'a> {
    software: &'static str,
    /// The peer that no saying names itself.
    pub(crate) peer: &'a [u8],
    upstream: &'a [u8],
    method: &'static [u8],
    reused: Option<bool>,
    idle_ms: Option<u64>,
    /// How many tries of one request this is.
    pub(crate) tries: u8,
    /// What the system said of it, beside the words of who asked.
    system: Option<Outcome>,
}

impl<'a> Circumstances<'a> {
    /// Of a record in which `software` speaks; its words end at `end`.
    pub(crate) fn of(record: &'a [u8], software: &'static str, end: usize) -> Self {
        let has = |word: &[u8]| memmem::find(record, word).is_some();
        let user = USERS
            .iter()
            .find(|(word, of, _)| of.contains(&software) && has(word));
        let (upstream, before) = url(record);
        let idle = record[..end].ends_with(b" first: idle ");
        Self {
            software: user.map_or(software, |(_, _, name)| name),
            peer: peer(record, upstream),
            upstream,
            method: method(record, before),
            reused: reused(record).or(match software {
                "surehop" if idle => Some(true),
                "surehop" if record[..end].ends_with(b" without an answer") => Some(false),
                _ => None,
            }),
            idle_ms: idle
                .then(|| moment::unix(&record[end..]))
                .flatten()
                .and_then(|idle| u64::try_from(idle).ok()),
            tries: value(record, &[b"\"retryCount\":", b"retryCount: "])
                .and_then(digits)
                .and_then(|count| u8::try_from(count).ok())
                .map_or(1, |count| count.max(1)),
            system: SYSTEM
                .iter()
                .find(|(words, _)| words.iter().any(|word| has(word.as_bytes())))
                .map(|(_, outcome)| *outcome),
        }
    }

    /// The event that these circumstances are known of.
    pub(crate) fn event(&self, word: &'static str) -> Event<'a> {
        Event {
            peer: self.peer,
            upstream: self.upstream,
            method: self.method,
            reused: self.reused,
            idle_ms: self.idle_ms,
            ..Event::new(self.software, word)
        }
    }

    /// What the words leave open, the circumstances tell.
    pub(crate) fn sharpened(&self, outcome: Option<Outcome>) -> Option<Outcome> {
        let (phase, cause, reason) = outcome?;
        Some(match (reason, self.reused) {
            (Reason::ConnectFailed, _) => self.system.unwrap_or((phase, cause, reason)),
            (Reason::Closed, Some(true)) => (phase, cause, Reason::ReusedClosed),
            (Reason::Reset, Some(true)) => (phase, cause, Reason::ReusedReset),
            _ => (phase, cause, reason),
        })
    }
}

/// The address or name that `text` begins with.
pub(crate) fn address_at(text: &[u8]) -> &[u8] {
    let end = text
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || b"\"'\\,)}<>|;".contains(byte));
    let address = &text[..end.unwrap_or(text.len())];
    address.strip_suffix(b":").unwrap_or(address)
}

/// The first URL of `record` that is no page on errors, and what stands before it.
fn url(record: &[u8]) -> (&[u8], &[u8]) {
    const PAGES: [&[u8]; 3] = [b"://curl.", b"://nodejs.org/", b"://aka.ms/"];
    let is_page = |at: usize| PAGES.iter().any(|page| record[at..].starts_with(page));
    let start = memmem::find_iter(record, b"://").find_map(|at| {
        [&b"http"[..], b"https"]
            .iter()
            .find(|scheme| record[..at].ends_with(scheme) && !is_page(at))
            .map(|scheme| at - scheme.len())
    });
    start.map_or((b"", b""), |start| {
        (address_at(&record[start..]), &record[..start])
    })
}

/// Who answers, where the words of the failure do not say it themselves.
fn peer<'a>(record: &'a [u8], url: &'a [u8]) -> &'a [u8] {
    if let Some(value) = value(
        record,
        &[
            b"->",
            b"dial tcp ",
            b"attempted address: ",
            b": no connection: ",
            b"Pool(host='",
            b"Failed to connect to ",
        ],
    ) {
        return address_at(value);
    }
    let Some(at) = memmem::find(url, b"://") else {
        return b"";
    };
    let authority = &url[at + 3..];
    let end = authority
        .iter()
        .position(|byte| b"/?#".contains(byte))
        .unwrap_or(authority.len());
    &authority[..end]
}

/// The method in a record's own words, or right before its URL.
fn method(record: &[u8], before: &[u8]) -> &'static [u8] {
    let spoken = || {
        let before = before.strip_suffix(b"\"").unwrap_or(before);
        let before = before.strip_suffix(b"\\").unwrap_or(before);
        let before = before.strip_suffix(b" ")?;
        let length = word(before.iter().rev());
        Some(&before[before.len() - length..])
    };
    let named = value(record, &[b"\"method\":\"", b"\"method\": \"", b"method: '"]);
    let text = named.map(|text| &text[..word(text.iter())]).or_else(spoken);
    METHODS
        .iter()
        .find(|method| text.is_some_and(|text| text.eq_ignore_ascii_case(method)))
        .copied()
        .unwrap_or_default()
}

/// How many letters there are.
fn word<'a>(bytes: impl Iterator<Item = &'a u8>) -> usize {
    bytes.take_while(|byte| byte.is_ascii_alphabetic()).count()
}

/// Whether the connection had carried a request, where a dump of Node's objects tells it.
fn reused(record: &[u8]) -> Option<bool> {
    if let Some(flag) = value(record, &[b"reusedSocket: ", b"\"reusedSocket\":"]) {
        return Some(flag.starts_with(b"true"));
    }
    // What fetch fails of has no head yet: what was read before belongs to other answers.
    memmem::find(record, b"fetch failed")?;
    Some(digits(value(record, &[b"bytesRead: ", b"\"bytesRead\":"])?)? > 0)
}

/// What stands behind the first of `names` that there is.
fn value<'a>(record: &'a [u8], names: &[&[u8]]) -> Option<&'a [u8]> {
    names
        .iter()
        .find_map(|name| memmem::find(record, name).map(|at| &record[at + name.len()..]))
}

fn digits(text: &[u8]) -> Option<i64> {
    let end = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    moment::number(&text[..end])
}
