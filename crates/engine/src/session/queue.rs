//! Choosing a peer, and waiting for one where all have as many requests as they may have.

use super::{Session, Stage, Turn};
use crate::attempt::{Attempt, NO_PEER, Step};
use crate::balance::{Group, Pick};
use crate::outcome::{Reason, Rule};
use crate::plan::Millis;
use crate::retry::Failure;

impl Session {
    pub(super) fn next_peer(&mut self, turn: &mut Turn) -> Step {
        // Who comes later waits behind those who wait already.
        let behind = turn.group.plan().queue.is_some() && turn.group.state().waiting() > 0;
        if !behind && let Some(pick) = turn.group.pick(turn.now, &mut self.tried) {
            return self.go(turn, pick);
        }
        if let Some(queue) = turn.group.plan().queue {
            self.tried.again();
            let worth = turn.group.is_full(turn.now, &self.tried);
            if worth && turn.group.state().enter(queue.length) {
                let until = turn.now.saturating_add(queue.timeout);
                self.queued = Some(until);
                self.stage = Stage::Waiting;
                return Step::Wait {
                    until,
                    again: false,
                };
            }
            if behind && let Some(pick) = turn.group.pick(turn.now, &mut self.tried) {
                return self.go(turn, pick);
            }
        }
        self.nobody(turn)
    }

    pub(super) fn go(&mut self, turn: &mut Turn, pick: Pick) -> Step {
        let (peer, trial) = (pick.peer, pick.trial);
        self.attempts.push(Attempt {
            trial,
            ..Attempt::new(peer, turn.now)
        });
        self.pick = Some(pick);
        self.connection(turn, peer)
    }

    fn nobody(&mut self, turn: &mut Turn) -> Step {
        if turn.policy.rounds > 1
            && let Some(failure) = self.failure.take()
        {
            return self.exhausted(turn, failure, Rule::Tries);
        }
        let mut attempt = Attempt::new(NO_PEER, turn.now);
        attempt.end(turn.now, Reason::NoLive);
        attempt.status = Failure::NO_PEER.status;
        self.attempts.push(attempt);
        let waits = turn.group.plan().rules.last_peer && turn.group.all_ejected();
        let rule = if waits { Rule::LastPeer } else { Rule::Plain };
        self.exhausted(turn, Failure::NO_PEER, rule)
    }

    // A place may be free: nobody else was told.
    pub(super) fn called(&mut self, turn: &mut Turn, until: Millis) -> Step {
        self.tried.again();
        match turn.group.pick(turn.now, &mut self.tried) {
            Some(pick) => {
                self.leave(turn.group);
                self.go(turn, pick)
            }
            None => Step::Wait { until, again: true },
        }
    }

    pub(super) fn waited(&mut self, turn: &mut Turn) -> Step {
        self.leave(turn.group);
        self.nobody(turn)
    }

    /// Gives up the place in the queue; the next one may look whether there is a peer.
    pub(super) fn leave(&mut self, group: &mut Group) {
        if self.queued.take().is_none() {
            return;
        }
        if group.plan().queue.is_none() {
            group.passed_on();
        } else {
            group.state().leave();
            group.freed();
        }
    }
}
