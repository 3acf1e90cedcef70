//! One request's way through its attempts: steps out, events in.
//!
//! The driver does what a [`Step`] says and reports what came of it as an [`Event`]. A session is used again
//! for request after request and allocates nothing once it has seen the largest group and the most attempts.

use std::collections::VecDeque;

use crate::attempt::{Attempt, Event, Keep, Step};
use crate::balance::{Group, Outcome, Pick, Tried};
use crate::health::{Notice, count};
use crate::outcome::{Cause, Phase, Reason, Rule, Verdict};
use crate::plan::{Facts, FailureSet, Millis, Policy};
use crate::pool::Parked;
use crate::retry::{Failure, Question};
use crate::seek::Wish;
use crate::time::Part;

mod parting;
mod queue;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Checkout,
    Connecting,
    Sending,
    Delivering,
    Sleeping,
    Asking(Failure),
    Over,
}

// What every event comes with.
struct Turn<'a> {
    group: &'a mut Group,
    policy: &'a Policy,
    now: Millis,
}

/// One request. Begin it, feed it events until `Done` or `Fail`; or `abandon` it.
#[derive(Debug)]
pub struct Session {
    attempts: Vec<Attempt>,
    notices: VecDeque<Notice>,
    tried: Tried,
    pick: Option<Pick>,
    stage: Stage,
    facts: Facts,
    scope: u32,
    started: Millis,
    tries: u32,
    retries: u32,
    // Once a connection has died under this request, no kept one is risked for it.
    fresh_only: bool,
    // A fresh connection's death that is charged only if it was not the request's doing.
    held: Option<(u32, Reason)>,
    opened_at: Millis,
    wished: bool,
    // It has a place in the queue until then.
    queued: Option<Millis>,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// A session that has not begun.
    pub fn new() -> Self {
        Self {
            attempts: Vec::with_capacity(8),
            notices: VecDeque::with_capacity(8),
            tried: Tried::default(),
            pick: None,
            stage: Stage::Over,
            facts: Facts::GET,
            scope: 0,
            started: 0,
            tries: 0,
            retries: 0,
            fresh_only: false,
            held: None,
            opened_at: 0,
            wished: false,
            queued: None,
        }
    }

    /// What the next request wants of the balancer; to be told before it begins, each time anew.
    pub fn wish(&mut self) -> &mut Wish {
        self.wished = true;
        self.tried.wish()
    }

    /// Begins a request; the one before it must be over.
    pub fn begin(
        &mut self,
        group: &mut Group,
        policy: &Policy,
        facts: Facts,
        scope: u32,
        now: Millis,
    ) -> Step {
        debug_assert!(
            self.pick.is_none(),
            "the request before was neither finished nor abandoned"
        );
        if !std::mem::take(&mut self.wished) {
            self.tried.wish();
        }
        self.attempts.clear();
        self.notices.clear();
        self.tried.reset(group.plan().peers.len() as u32);
        self.facts = facts;
        self.scope = scope;
        self.started = now;
        self.tries = group.up();
        if policy.tries > 0 {
            self.tries = self.tries.min(policy.tries);
        }
        self.retries = 0;
        self.fresh_only = false;
        self.held = None;
        count(&group.state().requests);
        if group.plan().rules.budget {
            group.state().budget.earn(now);
        }
        self.next_peer(&mut Turn { group, policy, now })
    }

    /// The attempts so far, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The attempt that is under way, for the bytes that the driver counts.
    pub fn current_mut(&mut self) -> Option<&mut Attempt> {
        self.attempts.last_mut()
    }

    /// The request's body can't be sent again from now on.
    pub fn body_lost(&mut self) {
        self.facts.replayable = false;
    }

    /// The next thing to tell about a peer.
    pub fn take_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Takes what came of the last step, and says the next.
    pub fn on(&mut self, group: &mut Group, policy: &Policy, now: Millis, event: Event) -> Step {
        let turn = &mut Turn { group, policy, now };
        match (self.stage, event) {
            (Stage::Checkout, Event::Stale { fin }) => self.stale(turn, fin),
            (Stage::Checkout | Stage::Connecting, Event::Connected) => self.connected(turn),
            (Stage::Connecting, Event::ConnectFailed { cause, errno }) => {
                self.died(turn, Phase::Connect, cause, errno)
            }
            (
                Stage::Checkout | Stage::Sending,
                Event::Died {
                    phase,
                    cause,
                    errno,
                    sent,
                    received,
                },
            ) => {
                let attempt = self.last();
                (attempt.sent, attempt.received) = (sent, received);
                self.died(turn, phase, cause, errno)
            }
            (
                Stage::Sending,
                Event::Head {
                    status,
                    sent,
                    received,
                },
            ) => {
                let attempt = self.last();
                (attempt.sent, attempt.received) = (sent, received);
                self.head(turn, status)
            }
            (
                Stage::Delivering,
                Event::Finished {
                    sent,
                    received,
                    length,
                    died,
                    keep,
                },
            ) => {
                let attempt = self.last();
                (attempt.sent, attempt.received, attempt.length) = (sent, received, length);
                self.finished(turn, died, keep)
            }
            (Stage::Waiting, Event::Called) => self.called(turn, self.queued.unwrap_or(turn.now)),
            (Stage::Waiting, Event::Slept) => self.waited(turn),
            (Stage::Sleeping, Event::Slept) => self.slept(turn),
            (Stage::Asking(failure), Event::Answered { retry, delay }) => {
                self.answered(turn, failure, retry, delay)
            }
            (stage, event) => {
                debug_assert!(false, "{event:?} does not answer {stage:?}");
                if self.attempts.is_empty() || stage == Stage::Over {
                    return Step::Done;
                }
                self.release(turn.group, turn.now, Outcome::Neutral);
                self.fail(turn, 502, Rule::Plain)
            }
        }
    }

    // Begin pushes the first attempt, so that there is one at every event (but while it waits for a peer).
    fn last(&mut self) -> &mut Attempt {
        let at = self.attempts.len() - 1;
        &mut self.attempts[at]
    }

    fn question<'a>(&self, turn: &Turn<'a>) -> Question<'a> {
        let rules = turn.group.plan().rules;
        let (policy, now) = (turn.policy, turn.now);
        Question {
            policy,
            facts: self.facts,
            rules,
            started: self.started,
            now,
        }
    }

    // A kept connection if there is one and it may be risked, else a new one.
    fn connection(&mut self, turn: &mut Turn, peer: u32) -> Step {
        let now = turn.now;
        let (fresh_only, scope) = (self.fresh_only, self.scope);
        let idle = if fresh_only {
            None
        } else {
            turn.group.take_idle(peer, scope, now)
        };
        let attempt = self.last();
        attempt.reused = idle.is_some();
        let Some(idle) = idle else {
            (attempt.age, attempt.idle, attempt.requests) = (0, 0, 0);
            self.opened_at = now;
            self.stage = Stage::Connecting;
            return Step::Connect { peer };
        };
        attempt.age = now.saturating_sub(idle.opened_at);
        attempt.idle = idle.idle_for;
        attempt.requests = idle.requests;
        self.opened_at = idle.opened_at;
        self.stage = Stage::Checkout;
        Step::Checkout {
            peer,
            conn: idle.conn,
        }
    }

    fn stale(&mut self, turn: &mut Turn, fin: bool) -> Step {
        let Attempt { peer, idle, .. } = *self.last();
        if fin {
            turn.group.learn(peer, idle, turn.now);
        }
        self.connection(turn, peer)
    }

    fn connected(&mut self, turn: &Turn) -> Step {
        let attempt = self.last();
        attempt.connect_time = Some(turn.now.saturating_sub(attempt.started));
        attempt.phase = Phase::Send;
        let counters = &turn.group.peer_state(attempt.peer).counters;
        count(if attempt.reused {
            &counters.reuses
        } else {
            &counters.connects
        });
        self.stage = Stage::Sending;
        Step::Send
    }

    fn died(&mut self, turn: &mut Turn, phase: Phase, cause: Cause, errno: i32) -> Step {
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
        let (kind, status) = match cause {
            Cause::TimedOut => (FailureSet::TIMEOUT, 504),
            Cause::Invalid | Cause::TooBig => (FailureSet::INVALID_HEADER, 502),
            _ => (FailureSet::ERROR, 502),
        };
        attempt.status = status;
        attempt.end(turn.now, reason);
        let connected = phase != Phase::Connect;
        let untouched = !connected || (rules.sent && sent == 0);
        let silent = connected && kind == FailureSet::ERROR && received == 0;
        if silent && rules.attribution {
            self.fresh_only = true;
            if reused {
                return self.replay(turn, peer, untouched);
            }
        }
        if silent && rules.attribution && !untouched {
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
        if reused && kind == FailureSet::ERROR {
            // nginx gives the try back, for a group of one as well.
            self.tries += 1;
        }
        let failure = Failure {
            kind,
            status,
            sent: !untouched,
            answered: false,
        };
        let budget = &turn.group.state().budget;
        match self.question(turn).denied(self.tries, failure, budget) {
            Some(rule) => self.fail(turn, status, rule),
            None => self.proceed(turn, failure),
        }
    }

    // The connection is not the peer: once more to the same, on a new connection, when that is safe.
    fn replay(&mut self, turn: &mut Turn, peer: u32, untouched: bool) -> Step {
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
    fn poison(&mut self, turn: &mut Turn) -> Step {
        self.held = None;
        self.release(turn.group, turn.now, Outcome::Neutral);
        self.last().reason = Reason::Poison;
        self.fail(turn, 502, Rule::Poison)
    }

    fn head(&mut self, turn: &mut Turn, status: u16) -> Step {
        let attempt = self.last();
        attempt.phase = Phase::Body;
        attempt.status = status;
        let took = turn.now.saturating_sub(attempt.started);
        attempt.header_time = Some(took);
        let peer = attempt.peer;
        turn.group.timed(peer, Part::Head, took);
        let policy = turn.policy;
        let listed = FailureSet::of_status(status).filter(|&kind| policy.next_upstream.has(kind));
        if listed.is_none() && !(policy.ask && status >= 400) {
            return self.deliver(turn);
        }
        let kind = listed.unwrap_or(FailureSet::NONE);
        let failure = Failure {
            kind,
            status,
            sent: true,
            answered: true,
        };
        // The last try's response is handed on as it is, and not counted.
        let left = self.tries.saturating_sub(1);
        let budget = &turn.group.state().budget;
        if let Some(rule) = self.question(turn).denied(left, failure, budget) {
            return self.hand_on(turn, rule);
        }
        let attempt = self.last();
        attempt.cause = Some(Cause::Status);
        attempt.end(turn.now, Reason::Status);
        let failed = listed.is_some() && !matches!(status, 403 | 404);
        let outcome = if failed {
            Outcome::Failure(Reason::Status)
        } else {
            Outcome::Success
        };
        self.release(turn.group, turn.now, outcome);
        self.proceed(turn, failure)
    }

    // Another try was thinkable, but a rule says no: the client gets what there is.
    fn hand_on(&mut self, turn: &mut Turn, rule: Rule) -> Step {
        self.last().rule = rule;
        if rule == Rule::Budget {
            count(&turn.group.state().denied);
        }
        self.deliver(turn)
    }

    fn deliver(&mut self, turn: &mut Turn) -> Step {
        if let Some(pick) = &mut self.pick {
            self.notices.extend(turn.group.prove(pick, turn.now));
        }
        self.commit(turn.group, turn.now);
        self.stage = Stage::Delivering;
        Step::Deliver
    }

    fn finished(
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
        if let Some(Keep { conn, hint, rtt }) = keep {
            let (opened_at, requests) = (self.opened_at, requests.saturating_add(1));
            let parked = Parked {
                conn,
                opened_at,
                idle_since: now,
                requests,
                hint,
                rtt,
            };
            turn.group.park(peer, self.scope, parked, now);
        }
        // A death in the body is no failure of the peer, as in nginx.
        self.release(turn.group, turn.now, Outcome::Success);
        self.stage = Stage::Over;
        Step::Done
    }

    fn proceed(&mut self, turn: &mut Turn, failure: Failure) -> Step {
        if turn.policy.ask {
            self.stage = Stage::Asking(failure);
            return Step::Ask;
        }
        // Without that rule this request would have counted as sent, and gone no further.
        let &mut Attempt { phase, .. } = self.last();
        let spared = !failure.sent && phase != Phase::Connect && !self.facts.idempotent;
        let rule = if spared {
            Rule::Sent
        } else {
            Rule::NextUpstream
        };
        self.retry(turn, failure, rule, None)
    }

    fn answered(
        &mut self,
        turn: &mut Turn,
        failure: Failure,
        retry: bool,
        delay: Option<Millis>,
    ) -> Step {
        let budget = &turn.group.state().budget;
        let denied = if retry {
            self.question(turn).denied_again(failure, budget)
        } else {
            Some(Rule::Ask)
        };
        match denied {
            None => self.retry(turn, failure, Rule::Ask, delay),
            Some(rule) if failure.answered => self.hand_on(turn, rule),
            Some(rule) => self.fail(turn, failure.status, rule),
        }
    }

    fn retry(
        &mut self,
        turn: &mut Turn,
        failure: Failure,
        rule: Rule,
        delay: Option<Millis>,
    ) -> Step {
        let own = || {
            Some(
                turn.policy
                    .backoff?
                    .delay(self.retries, turn.group.random()),
            )
        };
        let delay = delay.or_else(own).unwrap_or(0);
        if delay > 0 && !self.question(turn).in_time(delay) {
            return self.fail(turn, failure.status, Rule::Timeout);
        }
        self.last().decide(Verdict::Next, rule);
        count(&turn.group.peer_state(self.last().peer).counters.retries);
        self.retries += 1;
        if delay > 0 {
            self.stage = Stage::Sleeping;
            return Step::Sleep {
                until: turn.now.saturating_add(delay),
            };
        }
        self.next_peer(turn)
    }

    fn slept(&mut self, turn: &mut Turn) -> Step {
        if self.question(turn).in_time(0) {
            return self.next_peer(turn);
        }
        let status = self.last().status;
        self.fail(turn, status, Rule::Timeout)
    }

    fn fail(&mut self, turn: &mut Turn, status: u16, rule: Rule) -> Step {
        self.commit(turn.group, turn.now);
        self.stage = Stage::Over;
        if rule == Rule::Budget {
            count(&turn.group.state().denied);
        }
        let attempt = self.last();
        attempt.status = status;
        attempt.decide(Verdict::Failed, rule);
        Step::Fail {
            status,
            reason: attempt.reason,
        }
    }

    fn release(&mut self, group: &mut Group, now: Millis, outcome: Outcome) {
        let Some(pick) = self.pick.take() else { return };
        self.tries = self.tries.saturating_sub(1);
        self.notices.extend(group.release(pick, outcome, now));
    }

    // The request ended otherwise than by killing a second peer's connection: the first death was the peer's.
    fn commit(&mut self, group: &mut Group, now: Millis) {
        if let Some((peer, reason)) = self.held.take() {
            self.notices.extend(group.charge(peer, reason, now));
        }
    }
}
