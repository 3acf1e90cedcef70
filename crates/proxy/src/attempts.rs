//! What the attempts of a request look like in variables.

use std::io::Write;

use surehop_engine::{Attempt, NO_PEER, Reason};

use crate::config::GroupConf;
use crate::exchange::Exchange;
use crate::worker::Worker;

/// The group that the request was proxied to.
pub fn group_of<'a>(worker: &'a Worker, ex: &Exchange) -> Option<&'a GroupConf> {
    worker.config.groups.get(ex.group?)
}

/// The group of that number, be it made for this request alone.
pub fn numbered<'a>(worker: &'a Worker, ex: &'a Exchange, number: usize) -> Option<&'a GroupConf> {
    let groups = &worker.config.groups;
    groups.get(number).or_else(|| {
        let made = ex.made.get(number - groups.len())?;
        Some(&made.conf)
    })
}

/// Appends one value an attempt, joined by `, `, and by ` : ` where an error page led upstream again; false
/// if nothing was attempted.
pub fn list(ex: &Exchange, out: &mut Vec<u8>, mut one: impl FnMut(&Attempt, &mut Vec<u8>)) -> bool {
    runs(ex, out, |_, attempt, out| one(attempt, out))
}

/// Appends the peers' addresses in the same way.
pub fn addresses(worker: &Worker, ex: &Exchange, out: &mut Vec<u8>) -> bool {
    runs(ex, out, |group, attempt, out| {
        // nginx names nobody to whom it could not begin to connect.
        if matches!(attempt.reason, Reason::NoRoom) {
            return;
        }
        if let Some(group) = group.and_then(|group| numbered(worker, ex, group)) {
            out.extend_from_slice(group.peer_name(attempt.peer).as_bytes());
        }
    })
}

fn runs(
    ex: &Exchange,
    out: &mut Vec<u8>,
    mut one: impl FnMut(Option<usize>, &Attempt, &mut Vec<u8>),
) -> bool {
    let start = out.len();
    let mut run = |group, attempts: &[Attempt], out: &mut Vec<u8>| {
        for (i, attempt) in attempts.iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b", ");
            } else if out.len() > start {
                out.extend_from_slice(b" : ");
            }
            one(group, attempt, out);
        }
    };
    for (group, attempts) in &ex.earlier {
        run(Some(*group), attempts, out);
    }
    run(ex.group, ex.attempts(), out);
    !ex.earlier.is_empty() || !ex.attempts().is_empty()
}

/// Appends `$upstream_attempts`: a JSON list with one object an attempt.
pub fn json(worker: &Worker, ex: &Exchange, out: &mut Vec<u8>) -> bool {
    let Some(group) = ex.group.and_then(|group| numbered(worker, ex, group)) else {
        return false;
    };
    out.push(b'[');
    for (i, attempt) in ex.attempts().iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let peer = attempt.peer != NO_PEER;
        let _ = write!(out, r#"{{"address":"{}","#, group.peer_name(attempt.peer));
        let _ = if peer {
            write!(out, r#""family":"{}","#, group.family(attempt.peer))
        } else {
            write!(out, r#""family":null,"#)
        };
        let _ = write!(
            out,
            concat!(
                r#""reused":{},"age_ms":{},"idle_ms":{},"requests":{},"bytes_sent":{},"bytes_received":{},"#,
                r#""status":{},"errno":{},"phase":"{}","cause":{},"reason":"{}","verdict":"{}","rule":"{}"}}"#
            ),
            attempt.reused,
            attempt.age,
            attempt.idle,
            attempt.requests,
            attempt.sent,
            attempt.received,
            attempt.status,
            attempt.errno,
            attempt.phase,
            Word(attempt.cause.map(surehop_engine::Cause::word)),
            attempt.reason,
            attempt.verdict,
            attempt.rule,
        );
    }
    out.push(b']');
    true
}

/// A word in quotes, or null.
struct Word(Option<&'static str>);

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(word) => write!(f, "\"{word}\""),
            None => f.write_str("null"),
        }
    }
}
