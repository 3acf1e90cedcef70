//! An answer: whether it is handed on, and what becomes of its connection.

use super::{Session, Stage, Turn};
use crate::attempt::{Attempt, Keep, Step};
use crate::balance::{Group, Outcome};
use crate::failures::FailureSet;
use crate::health::count;
use crate::outcome::{Cause, Phase, Reason, Rule, Verdict};
use crate::plan::Millis;
use crate::pool::Parked;
use crate::retry::Failure;
use crate::time::Part;

impl Session {
    pub(super) fn head(
        &mut self,
        turn: &mut Turn,
        status: u16,
        retry_after: Option<Millis>,
    ) -> Step {
        let attempt = self.last();
        attempt.phase = Phase::Body;
        attempt.status = status;
        let took = turn.now.saturating_sub(attempt.started);
        attempt.header_time = Some(took);
        let peer = attempt.peer;
        turn.group.timed(peer, Part::Head, took);
        let policy = turn.policy;
        let kind = FailureSet::of_status(status).unwrap_or(FailureSet::NONE);
        let listed = policy.next_upstream.lists(kind);
        let asked = policy.ask && (status >= 400 || policy.ask_always);
        let retried = policy.rounds > 1 && (asked || policy.again.lists(kind));
        if !listed && !retried {
            return self.deliver(turn);
        }
        let failure = Failure {
            kind,
            status,
            sent: true,
            answered: true,
            retry_after,
            ..Failure::NO_PEER
        };
        // The last try's response is handed on as it is, and not counted.
        let way = match self.way(turn, self.tries.saturating_sub(1), failure) {
            Ok(way) => way,
            Err(rule) => return self.hand_on(turn, rule),
        };
        let attempt = self.last();
        attempt.cause = Some(Cause::Status);
        attempt.end(turn.now, Reason::Status);
        let failed = listed && !matches!(status, 403 | 404);
        let outcome = if failed {
            Outcome::Failure(Reason::Status)
        } else {
            Outcome::Success
        };
        self.release(turn.group, turn.now, outcome);
        self.follow(turn, failure, Ok(way))
    }

    // Another try was thinkable, but a rule says no: the client gets what there is.
    pub(super) fn hand_on(&mut self, turn: &mut Turn, rule: Rule) -> Step {
        self.last().rule = rule;
        if rule == Rule::Budget {
            count(&turn.group.state().denied);
        }
        self.deliver(turn)
    }

    pub(super) fn deliver(&mut self, turn: &mut Turn) -> Step {
        if let Some(pick) = &mut self.pick {
            self.notices.extend(turn.group.prove(pick, turn.now));
        }
        self.commit(turn.group, turn.now);
        self.stage = Stage::Delivering;
        Step::Deliver
    }

    pub(super) fn finished(
        &mut self,
        turn: &mut Turn,
        died: Option<(Cause, i32)>,
        keep: Option<Keep>,
    ) -> Step {
        let now = turn.now;
        let attempt = self.last();
        attempt.end(now, Reason::Ok);
        if let Some((cause, errno)) = died {
            (attempt.cause, attempt.errno) = (Some(cause), errno);
            attempt.reason = Reason::of(Phase::Body, cause, false, attempt.sent, attempt.received);
        }
        attempt.verdict = Verdict::Delivered;
        let Attempt {
            peer,
            requests,
            started,
            ..
        } = *attempt;
        if died.is_none() {
            turn.group
                .timed(peer, Part::Whole, now.saturating_sub(started));
        }
        if let Some(keep) = keep {
            self.park(turn.group, peer, requests, keep, now);
            self.kept = turn.group.keeps(peer, self.scope);
        }
        // A death in the body is no failure of the peer, as in nginx.
        self.release(turn.group, turn.now, Outcome::Success);
        self.stage = Stage::Over;
        Step::Done
    }

    /// The connection of an answer that is not handed on can be used again: the answer was read to its end while
    /// the session waits or asks. To be told before the next event, and by those alone who have read it.
    pub fn keep(&mut self, group: &mut Group, keep: Keep, now: Millis) {
        let Attempt { peer, requests, .. } = *self.last();
        debug_assert!(self.pick.is_none(), "the answer may be handed on yet");
        self.park(group, peer, requests, keep, now);
    }

    fn park(&self, group: &mut Group, peer: u32, requests: u32, keep: Keep, now: Millis) {
        let Keep { conn, hint, rtt } = keep;
        let parked = Parked {
            conn,
            opened_at: self.opened_at,
            idle_since: now,
            requests: requests.saturating_add(1),
            hint,
            rtt,
        };
        group.park(peer, self.scope, parked, now);
    }
}
