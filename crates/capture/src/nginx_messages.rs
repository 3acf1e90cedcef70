//! What the messages of nginx's error log mean.

use surehop_engine::{Cause, Reason};

/// How the try ended, as far as the message alone tells.
pub(crate) type Ended = (Cause, Reason);

/// The meaning of a message. `subject` is what it speaks of, where that is no peer.
pub(crate) struct Meaning<'a> {
    pub(crate) word: &'static str,
    pub(crate) ended: Option<Ended>,
    pub(crate) subject: Option<&'a [u8]>,
}

const CLOSED: Option<Ended> = Some((Cause::Closed, Reason::Closed));
const RESET: Option<Ended> = Some((Cause::Reset, Reason::Reset));
const INVALID: Option<Ended> = Some((Cause::Invalid, Reason::Invalid));
const UNRESOLVED: Option<Ended> = Some((Cause::NotFound, Reason::ResolveFailed));
const UNTRUSTED: Option<Ended> = Some((Cause::Certificate, Reason::Untrusted));

/// How a message begins, a word for it, and how the try ended; `None` where it tells of none that failed.
type Beginning = (&'static str, &'static str, Option<Ended>);

/// Of those behind `upstream `, of which most lines are that matter.
const OF_UPSTREAM: &[Beginning] = &[
    (
        "timed out",
        "time-out",
        Some((Cause::TimedOut, Reason::TimedOut)),
    ),
    ("prematurely closed connection", "closed", CLOSED),
    ("server temporarily disabled", "disabled", None),
    (
        "sent too big header",
        "too big",
        Some((Cause::TooBig, Reason::TooBig)),
    ),
    (
        "sent \"Content-Length\" and \"Transfer-Encoding\"",
        "both lengths",
        INVALID,
    ),
    ("sent more data", "oddity", None),
    ("sent duplicate header", "oddity", None),
    ("sent no valid", "invalid", INVALID),
    ("sent invalid", "invalid", INVALID),
    ("sent unknown", "invalid", INVALID),
    ("SSL certificate verify error", "certificate", UNTRUSTED),
    ("SSL certificate does not match", "certificate", UNTRUSTED),
];

/// Of all others.
const BEGINNINGS: &[Beginning] = &[
    (
        "no live upstreams",
        "no live",
        Some((Cause::Other, Reason::NoLive)),
    ),
    ("no resolver defined to resolve", "no resolver", UNRESOLVED),
    (
        "no port in upstream \"",
        "no port",
        Some((Cause::Other, Reason::ResolveFailed)),
    ),
    (
        "SSL_do_handshake() failed",
        "handshake",
        Some((Cause::Tls, Reason::TlsFailed)),
    ),
    ("client prematurely closed", "client gone", None),
    ("client closed", "client gone", None),
    ("accept4() failed (24: ", "no descriptors", None),
    ("accept() failed (24: ", "no descriptors", None),
    ("host not found in upstream \"", "host not found", None),
    ("no servers are inside upstream", "configuration", None),
    ("no servers in upstream", "configuration", None),
    ("invalid ", "configuration", None),
    ("unknown ", "configuration", None),
    ("duplicate ", "configuration", None),
    ("conflicting ", "configuration", None),
    ("unexpected ", "configuration", None),
    ("open() ", "file", None),
    ("stat() ", "file", None),
    ("directory index of ", "file", None),
    ("access forbidden", "file", None),
    ("no user/password", "file", None),
    ("client intended to send", "limit", None),
    ("limiting requests", "limit", None),
    ("limiting connections", "limit", None),
    ("delaying request", "limit", None),
    ("reconfiguring", "reload", None),
    ("a client request body is buffered", "buffered", None),
    ("an upstream response is buffered", "buffered", None),
];

/// What has nothing to do with hops, though it is loud: scanners, passwords, certificates, scripts, caches.
const ELSEWHERE: &[&str] = &[
    "SSL_",
    "peer closed connection in SSL handshake",
    "FastCGI sent in stderr",
    "user \"",
    "auth request unexpected status",
    "rewrite or internal redirection cycle",
    "bind() to ",
    "still could not bind()",
    "worker process ",
    "cannot load certificate",
    "no \"ssl_certificate\" is defined",
    "OCSP ",
    "could not ",
    "mkdir() ",
    "rename() ",
    "unlink() ",
    "realpath() ",
    "testing \"",
    "cache file ",
    "shared memory zone ",
    "[lua] ",
    "lua ",
    "ModSecurity",
    "the \"",
];

/// The calls that find a connection reset.
const CALLS: [&[u8]; 5] = [b"recv", b"send", b"writev", b"readv", b"sendfile"];

/// What a message means; `None` where nobody knows.
pub(crate) fn meaning(message: &[u8]) -> Option<Meaning<'_>> {
    let told = |word, ended| {
        Some(Meaning {
            word,
            ended,
            subject: None,
        })
    };
    if is_connect(message) {
        return told("connect", Some((Cause::Other, Reason::ConnectFailed)));
    }
    if is_reset(message, |call| CALLS.contains(&call)) {
        return told("reset", RESET);
    }
    let known = match message.strip_prefix(b"upstream ") {
        Some(rest) => known(OF_UPSTREAM, rest),
        None => known(BEGINNINGS, message),
    };
    if let Some((_, word, ended)) = known {
        return told(word, *ended);
    }
    if is_reset(message, |call| call.starts_with(b"SSL_")) {
        return told("reset", RESET);
    }
    if let Some(version) = message.strip_prefix(b"nginx/") {
        let end = version
            .iter()
            .position(|byte| !(byte.is_ascii_digit() || *byte == b'.'));
        return Some(Meaning {
            word: "version",
            ended: None,
            subject: Some(&version[..end.unwrap_or(version.len())]),
        });
    }
    let (word, rest) = first_word(message);
    if !word.is_empty() && rest.starts_with(b" could not be resolved (") {
        return told("not resolved", UNRESOLVED);
    }
    if word.iter().all(u8::is_ascii_digit)
        && rest.starts_with(b" worker_connections are not enough")
    {
        return told("no connections", None);
    }
    if ELSEWHERE
        .iter()
        .any(|begins| message.starts_with(begins.as_bytes()))
    {
        return told("elsewhere", None);
    }
    let quoted = message.strip_prefix(b"\"")?;
    let end = quoted.iter().position(|byte| *byte == b'"')?;
    let behind = &quoted[end..];
    if behind.starts_with(b"\" directive ") || behind.starts_with(b"\" ignored") {
        return told("configuration", None);
    }
    None
}

/// `connect() failed (` and `connect() to ADDRESS failed (`.
fn is_connect(message: &[u8]) -> bool {
    message.strip_prefix(b"connect() ").is_some_and(|rest| {
        let rest = match rest.strip_prefix(b"to ") {
            Some(rest) => first_word(rest).1.strip_prefix(b" ").unwrap_or_default(),
            None => rest,
        };
        rest.starts_with(b"failed (")
    })
}

/// `recv() failed (104: ` and its kin, of calls that `is_meant`; 32 is a write into a closed connection.
fn is_reset(message: &[u8], is_meant: impl Fn(&[u8]) -> bool) -> bool {
    let name = message
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    let (name, rest) = message.split_at(name);
    let errno = rest.strip_prefix(b"() failed (");
    errno.is_some_and(|errno| errno.starts_with(b"104: ") || errno.starts_with(b"32: "))
        && is_meant(name)
}

/// How a message begins, if that is known.
fn known<'b>(beginnings: &'b [Beginning], message: &[u8]) -> Option<&'b Beginning> {
    let first = message.first();
    beginnings.iter().find(|(begins, ..)| {
        let begins = begins.as_bytes();
        begins.first() == first && message.starts_with(begins)
    })
}

fn first_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(u8::is_ascii_whitespace);
    text.split_at(end.unwrap_or(text.len()))
}
