//! What follows a failure: another peer, another round after a wait or a question, or the end.

use super::{Session, Stage, Turn};
use crate::attempt::{NO_PEER, Step};
use crate::health::count;
use crate::outcome::{Rule, Verdict};
use crate::plan::Millis;
use crate::retry::{Failure, Question, Way};

impl Session {
    pub(super) fn question<'a>(&self, turn: &mut Turn<'a>) -> Question<'a> {
        // Nobody without a backoff uses up randomness.
        let backoff = turn
            .policy
            .backoff
            .map_or(0, |backoff| backoff.delay(self.rounds, turn.group.random()));
        Question {
            policy: turn.policy,
            facts: self.facts,
            rules: turn.group.plan().rules,
            started: self.started,
            now: turn.now,
            rounds: self.rounds,
            backoff,
        }
    }

    pub(super) fn way(&self, turn: &mut Turn, tries: u32, failure: Failure) -> Result<Way, Rule> {
        let question = self.question(turn);
        question.way(tries, failure, &turn.group.state().budget)
    }

    pub(super) fn follow(
        &mut self,
        turn: &mut Turn,
        failure: Failure,
        way: Result<Way, Rule>,
    ) -> Step {
        match way {
            Ok(Way::Peer) => self.proceed(turn, failure),
            Ok(Way::Round(wait)) => self.rest(turn, failure, wait, Rule::Retry),
            Ok(Way::Ask(wait)) => {
                self.stage = Stage::Asking(failure, wait);
                Step::Ask { wait }
            }
            Err(rule) if failure.answered => self.hand_on(turn, rule),
            Err(rule) => self.fail(turn, failure.status, rule),
        }
    }

    fn proceed(&mut self, turn: &mut Turn, failure: Failure) -> Step {
        // Without that rule this request would have counted as sent, and gone no further.
        let connected = self.last().phase.is_connected();
        let spared = !failure.sent && connected && !self.facts.idempotent;
        let rule = if spared {
            Rule::Sent
        } else {
            Rule::NextUpstream
        };
        self.again(turn, rule);
        self.failure = Some(Failure {
            paid: true,
            ..failure
        });
        self.next_peer(turn)
    }

    // The last attempt is done with, and another follows.
    fn again(&mut self, turn: &mut Turn, rule: Rule) {
        let attempt = self.last();
        attempt.decide(Verdict::Next, rule);
        if attempt.peer != NO_PEER {
            count(&turn.group.peer_state(attempt.peer).counters.retries);
        }
    }

    // No peer is left in this round; `failure` was its last.
    pub(super) fn exhausted(&mut self, turn: &mut Turn, failure: Failure, over: Rule) -> Step {
        let question = self.question(turn);
        let way = question.round(failure, over, &turn.group.state().budget);
        self.follow(turn, failure, way)
    }

    pub(super) fn answered(
        &mut self,
        turn: &mut Turn,
        (failure, wait): (Failure, Millis),
        retry: bool,
        delay: Option<Millis>,
    ) -> Step {
        let told = if retry {
            let question = self.question(turn);
            question.told(failure, wait, delay, &turn.group.state().budget)
        } else {
            Err(Rule::Ask)
        };
        match told {
            Ok(wait) => self.rest(turn, failure, wait, Rule::Ask),
            Err(rule) => self.follow(turn, failure, Err(rule)),
        }
    }

    // Waits for the next round: for a while, or until a connection is free.
    fn rest(&mut self, turn: &mut Turn, failure: Failure, wait: Millis, rule: Rule) -> Step {
        self.again(turn, rule);
        self.rounds += 1;
        let peer = self.last().peer;
        let cap = turn.policy.backoff.map_or(0, |backoff| backoff.cap);
        if failure.full && turn.group.under_way(peer) > 0 && turn.group.state().enter(u32::MAX) {
            let until = turn.now.saturating_add(wait.max(cap));
            let until = match turn.policy.timeout {
                0 => until,
                timeout => until.min(self.started.saturating_add(timeout)),
            };
            self.queued = Some(until);
            self.stage = Stage::Slot;
            return Step::Wait {
                until,
                again: false,
            };
        }
        // What it would have waited for may be over since the question was asked.
        let wait = if failure.full {
            self.question(turn).backoff
        } else {
            wait
        };
        if wait > 0 {
            self.stage = Stage::Sleeping;
            return Step::Sleep {
                until: turn.now.saturating_add(wait),
            };
        }
        self.next_round(turn)
    }

    // A connection may be free, or the peer may take another.
    pub(super) fn vacancy(&mut self, turn: &mut Turn, until: Millis) -> Step {
        if !self.question(turn).in_time(0) {
            return self.slept(turn);
        }
        self.tried.reset(turn.group.plan().peers.len() as u32);
        if let Some(pick) = turn.group.pick_kept(self.scope, turn.now, &mut self.tried) {
            self.renew(turn);
            self.fresh_only = false;
            let step = self.go(turn, pick);
            self.leave(turn.group);
            return step;
        }
        if turn.group.take_spare() {
            return self.slept(turn);
        }
        Step::Wait { until, again: true }
    }

    pub(super) fn slept(&mut self, turn: &mut Turn) -> Step {
        if self.queued.is_some() {
            self.fresh_only = false;
            self.leave(turn.group);
        }
        if self.question(turn).in_time(0) {
            return self.next_round(turn);
        }
        let status = self.last().status;
        self.fail(turn, status, Rule::Timeout)
    }

    fn next_round(&mut self, turn: &mut Turn) -> Step {
        // New connections are closed unheard; one of those that the peer has may be free by now.
        self.fresh_only &= !self.shut;
        self.tried.reset(turn.group.plan().peers.len() as u32);
        self.renew(turn);
        self.next_peer(turn)
    }

    /// As many tries as a round has.
    pub(super) fn renew(&mut self, turn: &Turn) {
        self.failure = None;
        self.tries = turn.group.up();
        if turn.policy.tries > 0 {
            self.tries = self.tries.min(turn.policy.tries);
        }
    }
}
