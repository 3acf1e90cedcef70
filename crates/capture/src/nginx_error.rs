//! nginx's error log, and that of Surehop, which writes the same lines.

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};
use surehop_engine::{Cause, Phase, Reason};

use crate::event::{Event, Outcome, method_of};
use crate::format::{Format, Understood};
use crate::moment;
use crate::nginx_messages::{Ended, meaning};

const LEVELS: [&[u8]; 8] = [
    b"error", b"warn", b"info", b"notice", b"crit", b"alert", b"emerg", b"debug",
];
/// Bytes of `2026/01/05 10:00:00`.
const TIME: usize = 19;
/// The most bytes of ` while ACTION`.
const ACTION: usize = 71;
/// Bytes go both ways then, until one side is gone or idle: no try has failed.
const UPGRADED: &[u8] = b"proxying upgraded connection";
const CLIENT: &[u8] = b", client: ";
const SERVER: &[u8] = b", server: ";
const REQUEST: &[u8] = b", request: \"";
const UPSTREAM: &[u8] = b", upstream: \"";
const WHILE: &[u8] = b" while ";

/// Reads `2026/01/05 10:00:00 [error] 11#11: *7 MESSAGE while ACTION, client: …, server: …, upstream: "…"`.
#[derive(Debug)]
pub(crate) struct NginxError {
    client: Finder<'static>,
    request: Finder<'static>,
    upstream: Finder<'static>,
    action: Finder<'static>,
}

impl Default for NginxError {
    fn default() -> Self {
        Self {
            client: Finder::new(CLIENT),
            request: Finder::new(REQUEST),
            upstream: Finder::new(UPSTREAM),
            action: Finder::new(WHILE),
        }
    }
}

impl Format for NginxError {
    fn parse<'a>(&self, line: &'a [u8], out: &mut dyn FnMut(Event<'a>)) -> Understood {
        let Some(mut head) = next_head(line, 0) else {
            return Understood::No;
        };
        // Lines of two writers may stand in one: each part is read.
        let mut understood = is_begun(line, &head);
        loop {
            let next = next_head(line, head.end);
            let end = next.as_ref().map_or(line.len(), |next| next.start);
            understood &= self.tell(&head, &line[head.end..end], out);
            let Some(next) = next else { break };
            head = next;
        }
        if understood {
            Understood::Yes
        } else {
            Understood::No
        }
    }

    fn looks_like(&self, line: &[u8]) -> bool {
        next_head(line, 0).is_some_and(|head| is_begun(line, &head))
    }
}

/// What stands before a message; `start` and `end` are its place in the line.
struct Head {
    start: usize,
    end: usize,
    at_ms: i64,
    /// Whether nothing at this level is worth a word.
    quiet: bool,
    connection: u64,
}

/// Whether a line begins with its first head, or with what syslog or a container's log puts before it: what
/// is left of another line does not end in a blank.
fn is_begun(line: &[u8], head: &Head) -> bool {
    head.start == 0 || line[head.start - 1] == b' '
}

/// The next head at or behind `from`. A `#` is the rarest byte in one.
fn next_head(line: &[u8], from: usize) -> Option<Head> {
    memchr_iter(b'#', &line[from..]).find_map(|at| head_around(line, from, from + at))
}

fn head_around(line: &[u8], from: usize, hash: usize) -> Option<Head> {
    let before = without_digits(&line[from..hash])?.strip_suffix(b"] ")?;
    let word = before
        .iter()
        .rposition(|byte| !byte.is_ascii_lowercase())
        .map_or(0, |at| at + 1);
    let level = &before[word..];
    let before = before[..word].strip_suffix(b" [")?;
    let start = before.len().checked_sub(TIME)?;
    let time = &before[start..];
    if !LEVELS.contains(&level) || !is_time(time) {
        return None;
    }
    let tid = digits_at(line, hash + 1);
    let mut end = tid + 2;
    if tid == hash + 1 || line.get(tid..end) != Some(b": ") {
        return None;
    }
    let mut connection = 0;
    if line.get(end) == Some(&b'*') {
        let last = digits_at(line, end + 1);
        if last > end + 1 && line.get(last) == Some(&b' ') {
            connection = line[end + 1..last].iter().fold(0_u64, |sum, byte| {
                sum.saturating_mul(10)
                    .saturating_add(u64::from(byte - b'0'))
            });
            end = last + 1;
        }
    }
    Some(Head {
        start: from + start,
        end,
        at_ms: moment::plain(time)?,
        quiet: matches!(level, b"debug" | b"info" | b"notice"),
        connection,
    })
}

fn is_time(text: &[u8]) -> bool {
    [text[4], text[7], text[10], text[13], text[16]] == *b"// ::"
}

/// `text` without the digits at its end, of which there must be one.
fn without_digits(text: &[u8]) -> Option<&[u8]> {
    let last = text.iter().rposition(|byte| !byte.is_ascii_digit())?;
    (last + 1 < text.len()).then(|| &text[..=last])
}

/// Where the digits that begin at `from` end.
fn digits_at(line: &[u8], from: usize) -> usize {
    let digits = line[from..].iter().take_while(|byte| byte.is_ascii_digit());
    from + digits.count()
}

impl NginxError {
    /// Tells what stands behind a head; `false` where nobody knows the message.
    fn tell<'a>(&self, head: &Head, rest: &'a [u8], out: &mut dyn FnMut(Event<'a>)) -> bool {
        let tail = self.tail(rest);
        let (message, action) = self.split_action(&rest[..tail]);
        let Some(meaning) = meaning(message) else {
            return head.quiet;
        };
        let fields = &rest[tail..];
        let upstream = quoted(fields, &self.upstream);
        let errno = errno(message);
        // nginx is loud where an upstream fails; what it tells quietly, the client did.
        let failed = !upstream.is_empty() && !head.quiet && action != UPGRADED;
        let outcome = meaning.ended.filter(|_| failed);
        out(Event {
            at_ms: head.at_ms,
            outcome: outcome.map(|ended| sharpened(ended, phase(action), errno)),
            errno,
            peer: meaning.subject.unwrap_or_else(|| peer(upstream)),
            upstream,
            method: method(fields, &self.request),
            connection: head.connection,
            ..Event::new("nginx", meaning.word)
        });
        true
    }

    /// Where `, client: …, server: …` begins, behind which the other fields are.
    fn tail(&self, rest: &[u8]) -> usize {
        let is_tail = |at: &usize| {
            let client = &rest[at + CLIENT.len()..];
            memchr(b',', client).is_some_and(|end| client[end..].starts_with(SERVER))
        };
        self.client
            .find_iter(rest)
            .find(is_tail)
            .unwrap_or(rest.len())
    }

    /// The message, and what was being done, of `MESSAGE while ACTION`.
    fn split_action<'a>(&self, text: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let words = text
            .iter()
            .rev()
            .take(ACTION)
            .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b' ');
        let from = text.len() - words.count();
        match self.action.find(&text[from..]) {
            Some(at) => (&text[..from + at], &text[from + at + WHILE.len()..]),
            None => (text, b""),
        }
    }
}

fn phase(action: &[u8]) -> Option<Phase> {
    Some(match action {
        b"connecting to upstream" => Phase::Connect,
        b"SSL handshaking to upstream" => Phase::Tls,
        b"sending request to upstream" => Phase::Send,
        b"reading response header from upstream" => Phase::Head,
        b"reading upstream" | b"sending to client" => Phase::Body,
        _ => return None,
    })
}

/// What the message alone leaves open, the action and the number of the error tell.
fn sharpened((cause, reason): Ended, phase: Option<Phase>, errno: Option<i32>) -> Outcome {
    let Some(phase) = phase else {
        return (Phase::Resolve, cause, reason);
    };
    let (cause, reason) = match (cause, reason, phase) {
        (_, Reason::ConnectFailed, _) => match errno {
            Some(99) => (Cause::NoPorts, Reason::NoPorts),
            Some(101 | 113) => (Cause::Unreachable, Reason::Unreachable),
            Some(110) => (Cause::TimedOut, Reason::ConnectTimedOut),
            Some(111) => (Cause::Refused, Reason::Refused),
            _ => (cause, reason),
        },
        (Cause::TimedOut, _, phase) => (cause, Reason::of(phase, cause, false, 0, 0)),
        (_, Reason::Closed | Reason::Reset, Phase::Body) => (cause, Reason::Truncated),
        _ => (cause, reason),
    };
    (phase, cause, reason)
}

/// The number of `(111: Connection refused)`.
fn errno(message: &[u8]) -> Option<i32> {
    memchr_iter(b'(', message).find_map(|open| {
        let end = digits_at(message, open + 1);
        let number = moment::number(&message[open + 1..end])?;
        let text = message[end..].strip_prefix(b": ")?;
        memchr(b')', text)?;
        i32::try_from(number).ok()
    })
}

/// The value of a field in quotation marks; empty where it is not there, or cut.
fn quoted<'a>(fields: &'a [u8], name: &Finder<'_>) -> &'a [u8] {
    name.find(fields)
        .map(|at| &fields[at + name.needle().len()..])
        .and_then(|value| memchr(b'"', value).map(|end| &value[..end]))
        .unwrap_or_default()
}

fn method<'a>(fields: &'a [u8], name: &Finder<'_>) -> &'a [u8] {
    name.find(fields)
        .map(|at| &fields[at + name.needle().len()..])
        .map(method_of)
        .unwrap_or_default()
}

/// The address, or the name of the group, of a URL as nginx logs it.
fn peer(url: &[u8]) -> &[u8] {
    let scheme = url
        .iter()
        .take_while(|byte| byte.is_ascii_lowercase())
        .count();
    let rest = match url[scheme..].strip_prefix(b"://") {
        Some(rest) if scheme > 0 => rest,
        _ => url,
    };
    let end = if rest.starts_with(b"unix:") {
        memchr(b':', &rest[5..]).map(|at| at + 5)
    } else {
        memchr(b'/', rest)
    };
    &rest[..end.unwrap_or(rest.len())]
}

#[cfg(test)]
#[path = "nginx_error_tests.rs"]
mod tests;
