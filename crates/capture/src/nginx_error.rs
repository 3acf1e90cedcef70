//! nginx's error log, and that of Surehop, which writes the same lines.

use memchr::{memchr, memchr_iter, memrchr};
use surehop_engine::{Cause, Phase, Reason};

use crate::event::{Event, Outcome, method_of};
use crate::format::{Format, Understood};
use crate::moment;
use crate::nginx_messages::{Ended, meaning};
use crate::traffic::Counter;

/// Bytes of `2026/01/05 10:00:00`.
const TIME: usize = 19;
/// Bytes go both ways then, until one side is gone or idle: no try has failed.
const UPGRADED: &[u8] = b"proxying upgraded connection";
const CLIENT: &[u8] = b", client: ";
const SERVER: &[u8] = b", server: ";
const REQUEST: &[u8] = b", request: \"";
const UPSTREAM: &[u8] = b", upstream: \"";

/// Reads `2026/01/05 10:00:00 [error] 11#11: *7 MESSAGE while ACTION, client: …, server: …, upstream: "…"`.
#[derive(Debug)]
pub(crate) struct NginxError;

impl Format for NginxError {
    fn count<'a>(
        &self,
        line: &'a [u8],
        counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood {
        let Some(mut head) = next_head(line, 0) else {
            return Understood::No;
        };
        // Lines of two writers may stand in one: each part is read.
        let mut understood = is_begun(line, &head);
        loop {
            let next = next_head(line, head.end);
            let end = next.as_ref().map_or(line.len(), |next| next.start);
            let at_ms = counter.moment(head.time, || moment::plain(head.time).unwrap_or(0));
            understood &= tell(&head, at_ms, &line[head.end..end], out) && at_ms != 0;
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
struct Head<'a> {
    start: usize,
    end: usize,
    time: &'a [u8],
    /// Whether nothing at this level is worth a word.
    quiet: bool,
    connection: u64,
}

/// Whether a line begins with its first head, or with what syslog or a container's log puts before it: what
/// is left of another line does not end in a blank.
fn is_begun(line: &[u8], head: &Head<'_>) -> bool {
    head.start == 0 || line[head.start - 1] == b' '
}

/// The next head at or behind `from`. A `#` is the rarest byte in one.
fn next_head(line: &[u8], from: usize) -> Option<Head<'_>> {
    memchr_iter(b'#', &line[from..]).find_map(|at| head_around(line, from, from + at))
}

fn head_around(line: &[u8], from: usize, hash: usize) -> Option<Head<'_>> {
    let before = without_digits(&line[from..hash])?.strip_suffix(b"] ")?;
    let word = before.len() - count(before.iter().rev(), u8::is_ascii_lowercase);
    let quiet = match &before[word..] {
        b"error" | b"warn" | b"crit" | b"alert" | b"emerg" => false,
        b"debug" | b"info" | b"notice" => true,
        _ => return None,
    };
    let before = before[..word].strip_suffix(b" [")?;
    let start = before.len().checked_sub(TIME)?;
    let time = &before[start..];
    if !is_time(time) {
        return None;
    }
    let rest = &line[hash + 1..];
    let (_, tid) = number(rest)?;
    let mut rest = rest[tid..].strip_prefix(b": ")?;
    let mut connection = 0;
    let numbered = rest.strip_prefix(b"*").and_then(|rest| {
        let (value, length) = number(rest)?;
        Some((value, rest[length..].strip_prefix(b" ")?))
    });
    if let Some((value, behind)) = numbered {
        (connection, rest) = (value, behind);
    }
    Some(Head {
        start: from + start,
        end: line.len() - rest.len(),
        time,
        quiet,
        connection,
    })
}

fn is_time(text: &[u8]) -> bool {
    [text[4], text[7], text[10], text[13], text[16]] == *b"// ::"
}

/// `text` without the digits at its end, of which there must be one.
fn without_digits(text: &[u8]) -> Option<&[u8]> {
    let digits = count(text.iter().rev(), u8::is_ascii_digit);
    (digits > 0).then(|| &text[..text.len() - digits])
}

/// How many bytes there are before one that is not so.
fn count<'a>(mut bytes: impl Iterator<Item = &'a u8>, is_so: impl Fn(&u8) -> bool) -> usize {
    let mut count = 0;
    while bytes.next().is_some_and(&is_so) {
        count += 1;
    }
    count
}

/// The number that a text begins with, and how many digits it has; `None` where it begins with none.
fn number(text: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (at, byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (at > 0).then_some((value, at));
        }
        value = value.saturating_mul(10).saturating_add(u64::from(digit));
    }
    (!text.is_empty()).then_some((value, text.len()))
}

/// Tells what stands behind a head; `false` where nobody knows the message.
fn tell<'a>(head: &Head<'_>, at_ms: i64, rest: &'a [u8], out: &mut dyn FnMut(Event<'a>)) -> bool {
    let Parts {
        message,
        request,
        upstream,
    } = Parts::of(rest);
    let Some(meaning) = meaning(message) else {
        return head.quiet;
    };
    let (action, errno) = (action(message), errno(message));
    // nginx is loud where an upstream fails; what it tells quietly, the client did.
    let failed = !upstream.is_empty() && !head.quiet && action != UPGRADED;
    let outcome = meaning.ended.filter(|_| failed);
    out(Event {
        at_ms,
        outcome: outcome.map(|ended| sharpened(ended, phase(action), errno)),
        errno,
        peer: meaning.subject.unwrap_or_else(|| peer(upstream)),
        upstream,
        method: method_of(request),
        connection: head.connection,
        ..Event::new("nginx", meaning.word)
    });
    true
}

/// A message, and of the fields behind it those that mean something here; empty where they are not there.
#[derive(Default)]
struct Parts<'a> {
    message: &'a [u8],
    /// From the method on.
    request: &'a [u8],
    upstream: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Each field begins with a comma; the first ones, `, client: …, server: …`, end the message.
    fn of(rest: &'a [u8]) -> Self {
        let mut parts = Self::default();
        let (mut client, mut tail) = (None, None);
        for at in memchr_iter(b',', rest) {
            let field = &rest[at..];
            if tail.is_none() {
                tail = client.filter(|_| field.starts_with(SERVER));
                client = field.starts_with(CLIENT).then_some(at);
            } else if let Some(value) = field.strip_prefix(UPSTREAM) {
                // without its end it was cut
                parts.upstream = memchr(b'"', value).map_or(b"", |end| &value[..end]);
                break;
            } else if let Some(value) = field.strip_prefix(REQUEST) {
                parts.request = value;
            }
        }
        parts.message = &rest[..tail.unwrap_or(rest.len())];
        parts
    }
}

/// What was being done, of `MESSAGE while ACTION`. In no action that means something here is a `w`.
fn action(message: &[u8]) -> &[u8] {
    memrchr(b'w', message)
        .and_then(|at| message[at..].strip_prefix(b"while "))
        .unwrap_or_default()
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
        let (value, length) = number(&message[open + 1..])?;
        message[open + 1 + length..].strip_prefix(b": ")?;
        i32::try_from(value).ok()
    })
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
