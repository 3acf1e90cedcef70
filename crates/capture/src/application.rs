//! What applications log of their HTTP clients, in text, JSON and traces of many lines.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::{memchr, memmem, memrchr};

use crate::asides::{is_aside, is_beside_the_point};
use crate::circumstances::{Circumstances, address_at};
use crate::event::Event;
use crate::format::{Format, Understood};
use crate::member::member;
use crate::moment;
use crate::sayings::{AGGREGATE, SAYINGS, Saying, Weight};
use crate::stamp::stamp;
use crate::traffic::Counter;
use crate::written::written;

/// How a line begins that goes on with what the line before it told.
const CONTINUED: [&[u8]; 8] = [
    b"Caused by",
    b"caused by",
    TRACEBACK,
    b"The above exception",
    b"During handling of",
    b"Stack backtrace",
    b"hint: ",
    b"note: ",
];
const TRACEBACK: &[u8] = b"Traceback (most recent call last)";
/// How a sentence ends behind which the trace of the same failure goes on.
const CHAINED: [&[u8]; 2] = [b"exception:", b"occurred:"];
/// Addresses of one name that are told apart.
const ADDRESSES: usize = 8;

/// Longest first, so that a sentence is found rather than a word of it.
static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(SAYINGS.iter().map(|saying| saying.text))
        .ok()
});

/// Reads records, each a line with those that go on with it.
pub(crate) struct Application;

impl Format for Application {
    fn count<'a>(
        &self,
        record: &'a [u8],
        counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood {
        let at_ms = stamp(record);
        let mut told = false;
        let mut rest = record;
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(next_trace(rest));
            let offset = record.len() - rest.len();
            told |= tell(record, part, offset, at_ms.unwrap_or(0), out);
            rest = behind;
        }
        if let Some(answer) = answer(record).filter(|_| !told) {
            let at_ms = at_ms.unwrap_or(0);
            counter.request(at_ms, answer.status, answer.peer);
            if matches!(answer.status, 502 | 504) {
                out(Event { at_ms, ..answer });
            }
        }
        if told || at_ms.is_some() {
            Understood::Yes
        } else {
            Understood::No
        }
    }

    fn stamp(&self, record: &[u8]) -> Option<i64> {
        stamp(record)
    }

    fn looks_like(&self, line: &[u8]) -> bool {
        let is_comment = matches!(line.trim_ascii_start(), [b'#', ..] | [b'/', b'/', ..]);
        !is_comment && self.parse(line, &mut |_| ()) == Understood::Yes
    }

    fn spans_lines(&self) -> bool {
        true
    }

    fn begins(&self, line: &[u8]) -> bool {
        let text = written(line);
        !matches!(text.first(), None | Some(b' ' | b'\t' | b'}' | b']' | b')'))
            && !CONTINUED.iter().any(|words| text.starts_with(words))
            && !is_exception(text)
    }
}

/// What a line of Caddy's or Traefik's access log in JSON tells: they stand among the others, or alone.
fn answer(record: &[u8]) -> Option<Event<'_>> {
    const STATUS: [&str; 2] = ["\"DownstreamStatus\"", "\"status\""];
    let software = if memmem::find(record, b"\"handled request\"").is_some() {
        "caddy"
    } else if memmem::find(record, STATUS[0].as_bytes()).is_some() {
        "traefik"
    } else {
        return None;
    };
    let status = u16::try_from(moment::number(member(record, &STATUS)?)?).ok()?;
    let word = if status == 504 { "504" } else { "502" };
    Some(Event {
        status,
        peer: member(record, &["\"ServiceAddr\""]).unwrap_or_default(),
        ..Event::new(software, word)
    })
}

/// Where in a record the trace of another failure begins: one that no sentence chains to what is before it.
fn next_trace(record: &[u8]) -> usize {
    let first = memchr(b'\n', record).unwrap_or(record.len());
    memmem::find_iter(&record[first..], TRACEBACK)
        .map(|at| first + at)
        .find(|&at| {
            let before = record[..at].trim_ascii_end();
            record[at - 1] == b'\n'
                && before.len() > first
                && !CHAINED.iter().any(|words| before.ends_with(words))
        })
        .unwrap_or(record.len())
}

/// The last line of a trace of Python's, `httpx.ReadError: …`: a name with dots, or one of its own.
fn is_exception(line: &[u8]) -> bool {
    const OWN: [&[u8]; 5] = [
        b"ConnectionResetError",
        b"ConnectionRefusedError",
        b"BrokenPipeError",
        b"TimeoutError",
        b"OSError",
    ];
    let end = line
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_')));
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    let is_class = |dot: usize| name.get(dot + 1).is_some_and(u8::is_ascii_uppercase);
    (rest.is_empty() || rest.starts_with(b": "))
        && (OWN.contains(&name)
            || name == b"socket.gaierror"
            || memrchr(b'.', name).is_some_and(is_class))
}

/// Tells of the failure in `part`, which begins at `offset` of its record; `false` where there is none.
fn tell<'a>(
    record: &[u8],
    part: &'a [u8],
    offset: usize,
    at_ms: i64,
    out: &mut dyn FnMut(Event<'a>),
) -> bool {
    let found = Found::of(part);
    let Some((saying, end)) = found.best else {
        return false;
    };
    if is_aside(record, offset + end - saying.text.len()) {
        return true;
    }
    let around = Circumstances::of(part, saying.software, end);
    let event = |saying: &Saying, end: usize| Event {
        at_ms,
        at: offset + end,
        outcome: around.sharpened(saying.outcome),
        ..around.event(saying.word)
    };
    let several = saying.weight == Weight::Address && !found.addresses.is_empty();
    if let Some(start) = found.aggregate {
        out(Event {
            word: AGGREGATE,
            outcome: event(saying, end).outcome.filter(|_| !several),
            tries: found.addresses.len().max(1) as u8,
            ..event(saying, start)
        });
    }
    if several {
        for (peer, saying, end) in found.addresses {
            out(Event {
                peer,
                ..event(saying, end)
            });
        }
    } else if found.aggregate.is_none() {
        out(Event {
            tries: around.tries,
            ..event(saying, end)
        });
    }
    true
}

/// The sayings of one failure, and where they end.
#[derive(Default)]
struct Found<'a> {
    best: Option<(&'static Saying, usize)>,
    /// Each address once.
    addresses: Vec<(&'a [u8], &'static Saying, usize)>,
    /// Where it begins that several addresses failed.
    aggregate: Option<usize>,
}

impl<'a> Found<'a> {
    fn of(part: &'a [u8]) -> Self {
        let mut found = Self::default();
        let Some(search) = &*SEARCH else { return found };
        for place in search.find_iter(part) {
            let saying = &SAYINGS[place.pattern().as_usize()];
            if is_beside_the_point(part, saying, place.start()) {
                continue;
            }
            if saying.word == AGGREGATE {
                found.aggregate.get_or_insert(place.start());
            }
            if saying.weight == Weight::Address && found.addresses.len() < ADDRESSES {
                let address = address_at(&part[place.end()..]);
                let mut others = found.addresses.iter();
                if others.all(|(known, _, _)| *known != address) {
                    found.addresses.push((address, saying, place.end()));
                }
            }
            let said_so_far = found.best.map(|(best, _)| best.weight);
            if said_so_far.is_none_or(|weight| saying.weight > weight) {
                found.best = Some((saying, place.end()));
            }
        }
        found
    }
}

#[cfg(test)]
#[path = "application_tests.rs"]
mod tests;
