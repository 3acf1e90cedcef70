//! An attempt that ended before its answer: whose fault it is, and the replay that a stale connection deserves.

use super::{Session, Turn};
use crate::attempt::{Attempt, Step};
use crate::balance::Outcome;
use crate::failures::FailureSet;
use crate::health::count;
use crate::outcome::{Cause, Phase, Reason, Rule, Verdict};
use crate::retry::Failure;

impl Session {
    pub(super) fn died(&mut self, turn: &mut Turn, phase: Phase, cause: Cause, errno: i32) -> Step {
        let rules = turn.group.plan().rules;
        let attempt = self.last();
        (attempt.phase, attempt.cause, attempt.errno) = (phase, Some(cause), errno);
        let Attempt {
            peer,
            reused,
            sent,
            received,
            ..
        } = *attempt;
        let reason = Reason::of(phase, cause, reused, sent, received);
        let kind = FailureSet::of(phase, cause);
        let late = matches!(cause, Cause::TimedOut | Cause::AttemptTimedOut);
        let status = if late { 504 } else { 502 };
        attempt.status = status;
        attempt.end(turn.now, reason);
        let connected = phase.is_connected();
        let untouched = !connected || (rules.sent && sent == 0);
        let silent = connected && kind == FailureSet::ERROR && received == 0;
        let stale = silent && rules.attribution && reused;
        self.fresh_only |= silent && rules.attribution;
        if stale && !std::mem::replace(&mut self.replayed, true) {
            return self.replay(turn, peer, untouched);
        }
        let shut = !reused
            && received == 0
            && (connected || phase == Phase::Tls)
            && matches!(cause, Cause::Closed | Cause::Reset);
        let full = shut && self.is_full(turn, peer);
        self.shut = shut;
        if full || stale {
            self.release(turn.group, turn.now, Outcome::Neutral);
        } else if silent && rules.attribution && !untouched {
            if self.held.is_some_and(|(other, _)| other != peer) {
                return self.poison(turn);
            }
            self.release(turn.group, turn.now, Outcome::Neutral);
            self.held = Some((peer, reason));
        } else if rules.attribution && reason == Reason::NoPorts {
            // What this machine lacks is no failure of the peer's.
            self.release(turn.group, turn.now, Outcome::Neutral);
        } else {
            self.release(turn.group, turn.now, Outcome::Failure(reason));
        }
        if reused && kind == FailureSet::ERROR && !stale && turn.policy.refunds {
            // nginx gives the try back, for a group of one as well.
            self.tries += 1;
        }
        let failure = Failure {
            kind,
            status,
            sent: !untouched,
            full,
            ..Failure::NO_PEER
        };
        let way = self.way(turn, self.tries, failure);
        self.follow(turn, failure, way)
    }

    // It takes no more connections, but has some of ours, of which one will be free.
    fn is_full(&self, turn: &Turn, peer: u32) -> bool {
        let waits = turn.policy.backoff.is_some_and(|backoff| backoff.cap > 0);
        let due = self.rounds + 1 < turn.policy.rounds;
        // This request's own place at the peer is still counted.
        turn.policy.wait_for_slot
            && waits
            && due
            && turn.group.plan().queue.is_none()
            && turn.group.under_way(peer) > 1
    }

    // The connection is not the peer: once more to the same, on a new connection, when that is safe.
    pub(super) fn replay(&mut self, turn: &mut Turn, peer: u32, untouched: bool) -> Step {
        match self.question(turn).replay(untouched) {
            Ok(rule) => {
                self.last().decide(Verdict::Replayed, rule);
                let trial = self.last().trial;
                self.attempts.push(Attempt {
                    trial,
                    ..Attempt::new(peer, turn.now)
                });
                count(&turn.group.peer_state(peer).counters.replays);
                self.connection(turn, peer)
            }
            Err(rule) => {
                self.release(turn.group, turn.now, Outcome::Neutral);
                self.fail(turn, 502, rule)
            }
        }
    }

    // A second peer's fresh connection died of it: it is the request, and neither peer is charged.
    pub(super) fn poison(&mut self, turn: &mut Turn) -> Step {
        self.held = None;
        self.release(turn.group, turn.now, Outcome::Neutral);
        self.last().reason = Reason::Poison;
        self.fail(turn, 502, Rule::Poison)
    }
}
