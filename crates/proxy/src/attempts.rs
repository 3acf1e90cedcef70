//! What the attempts of a request look like in variables.

use std::io::Write;

use surehop_engine::{Attempt, NO_PEER};

use crate::config::{ActionConf, GroupConf};
use crate::exchange::Exchange;
use crate::worker::Worker;

/// The group that the request was proxied to.
pub fn group_of<'a>(worker: &'a Worker, ex: &Exchange) -> Option<&'a GroupConf> {
    match &worker.config.locations.get(ex.location?)?.action {
        ActionConf::Proxy(proxy) => worker.config.groups.get(proxy.plan.group),
        _ => None,
    }
}

/// Appends one value an attempt, joined by `, `; false if nothing was attempted.
pub fn list(ex: &Exchange, out: &mut Vec<u8>, mut one: impl FnMut(&Attempt, &mut Vec<u8>)) -> bool {
    let attempts = ex.attempts();
    for (i, attempt) in attempts.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        one(attempt, out);
    }
    !attempts.is_empty()
}

/// Appends `$upstream_attempts`: a JSON list with one object an attempt.
pub fn json(worker: &Worker, ex: &Exchange, out: &mut Vec<u8>) -> bool {
    let Some(group) = group_of(worker, ex) else {
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
