//! `$upstream_attempts`: what Surehop itself tells of each try of a request, as JSON.

use memchr::memmem;
use serde::Deserialize;
use surehop_engine::{Cause, Phase, Reason};

use crate::event::Event;
use crate::format::{Format, Understood};
use crate::traffic::Counter;

const BEGINNING: &[u8] = b"[{\"address\":";

/// Reads lines that hold the list, whatever stands before and behind it.
pub(crate) struct Attempts;

impl Format for Attempts {
    fn count<'a>(
        &self,
        line: &'a [u8],
        _counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood {
        if line == b"-" || line.is_empty() {
            return Understood::Yes; // nobody was asked
        }
        let list = memmem::find(line, BEGINNING).and_then(|at| failed(&line[at..]));
        match list {
            Some(events) => {
                events.into_iter().for_each(out);
                Understood::Yes
            }
            None => Understood::No,
        }
    }

    fn looks_like(&self, line: &[u8]) -> bool {
        memmem::find(line, BEGINNING).is_some() && self.parse(line, &mut |_| ()) == Understood::Yes
    }
}

#[derive(Deserialize)]
struct Attempt<'a> {
    address: &'a str,
    reused: bool,
    age_ms: u64,
    idle_ms: u64,
    errno: Option<i32>,
    phase: &'a str,
    cause: Option<&'a str>,
    reason: &'a str,
}

/// The tries of a list that failed; `None` where it is no such list.
pub(crate) fn failed(list: &[u8]) -> Option<Vec<Event<'_>>> {
    if list.is_empty() {
        return None; // as in most lines
    }
    let mut found = serde_json::Deserializer::from_slice(list).into_iter::<Vec<Attempt<'_>>>();
    let attempts = found.next()?.ok()?;
    let tries = u8::try_from(attempts.len()).unwrap_or(u8::MAX);
    Some(
        attempts
            .into_iter()
            .filter_map(|attempt| attempt.event(tries))
            .collect(),
    )
}

impl<'a> Attempt<'a> {
    fn event(self, tries: u8) -> Option<Event<'a>> {
        let cause: Cause = self.cause?.parse().ok()?;
        let phase: Phase = self.phase.parse().ok()?;
        let reason: Reason = self.reason.parse().ok()?;
        Some(Event {
            outcome: Some((phase, cause, reason)),
            errno: self.errno.filter(|number| *number != 0),
            peer: self.address.as_bytes(),
            reused: Some(self.reused),
            idle_ms: self.reused.then_some(self.idle_ms),
            age_ms: self.reused.then_some(self.age_ms),
            tries,
            ..Event::new("surehop", reason.word())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] = br#"{"t":1} [{"address":"127.0.0.1:3000","family":"ipv4","reused":true,"age_ms":5001,"idle_ms":5000,"bytes_sent":30,"bytes_received":0,"errno":0,"phase":"head","cause":"closed","reason":"reused_closed","verdict":"replayed","rule":"attribution"},{"address":"127.0.0.1:3000","family":"ipv4","reused":false,"age_ms":0,"idle_ms":0,"bytes_sent":30,"bytes_received":99,"errno":null,"phase":"body","cause":null,"reason":"ok","verdict":"delivered","rule":"plain"}] more"#;

    fn told(line: &[u8]) -> (Understood, Vec<Event<'_>>) {
        let mut events = Vec::new();
        let understood = Attempts.parse(line, &mut |event| events.push(event));
        (understood, events)
    }

    #[test]
    fn what_failed_is_told_with_its_connection() {
        let (understood, events) = told(LINE);
        assert_eq!(understood, Understood::Yes);
        let expected = Event {
            outcome: Some((Phase::Head, Cause::Closed, Reason::ReusedClosed)),
            peer: b"127.0.0.1:3000",
            reused: Some(true),
            idle_ms: Some(5000),
            age_ms: Some(5001),
            tries: 2,
            ..Event::new("surehop", "reused_closed")
        };
        assert_eq!(events, [expected]);
        assert!(Attempts.looks_like(LINE));
    }

    #[test]
    fn a_request_without_a_try_is_understood_and_a_broken_list_is_not() {
        assert_eq!(told(b"-").0, Understood::Yes);
        assert!(!Attempts.looks_like(b"-"));
        assert_eq!(told(&LINE[..120]).0, Understood::No);
        assert_eq!(told(b"[{\"address\":1}]").0, Understood::No);
    }
}
