//! A request that ends before its answer: the client is gone, or this machine can't go on.

use super::{Session, Stage};
use crate::balance::{Group, Outcome};
use crate::outcome::{Cause, Phase, Reason, Rule, Verdict};
use crate::plan::Millis;

impl Session {
    /// The client is gone: releases what is held and charges nobody for it. Does nothing once it is over.
    pub fn abandon(&mut self, group: &mut Group, now: Millis) {
        self.part(group, now, Reason::ClientGone, Verdict::Abandoned);
    }

    /// A connection can't be had at all, for a cause of this machine's own: the request ends here.
    pub fn give_up(&mut self, group: &mut Group, now: Millis, cause: Cause, errno: i32) {
        if let Some(attempt) = self.current_mut() {
            attempt.cause = Some(cause);
            attempt.errno = errno;
        }
        let reason = Reason::of(Phase::Connect, cause, false, 0, 0);
        self.part(group, now, reason, Verdict::Failed);
    }

    fn part(&mut self, group: &mut Group, now: Millis, reason: Reason, verdict: Verdict) {
        if self.stage == Stage::Over {
            return;
        }
        self.leave(group);
        if self.attempts.is_empty() {
            self.stage = Stage::Over;
            return;
        }
        if let Some(pick) = &self.pick {
            // nginx takes a client's leaving for the peer's success; only a trial needs an answer.
            let outcome = if pick.is_sole_trial() {
                Outcome::Neutral
            } else {
                Outcome::Success
            };
            self.last().end(now, reason);
            self.release(group, now, outcome);
        }
        self.last().decide(verdict, Rule::Plain);
        self.commit(group, now);
        self.stage = Stage::Over;
    }
}
