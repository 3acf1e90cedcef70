//! One request's way through its attempts: steps out, events in.
//!
//! The driver does what a [`Step`] says and reports what came of it as an [`Event`]. A session is used again
//! for request after request and allocates nothing once it has seen the largest group and the most attempts.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use crate::attempt::{Attempt, Event, Keep, NO_PEER, Step};
use crate::balance::{Group, Outcome, Pick, Tried};
use crate::health::{Notice, count};
use crate::outcome::{Cause, Phase, Reason, Rule, Verdict};
use crate::plan::{Facts, FailureSet, Millis, Policy};
use crate::pool::Parked;
use crate::retry::{in_time, may_replay};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Checkout,
    Connecting,
    Sending,
    Delivering,
    Sleeping,
    Asking(Failure),
    Over,
}

// A failed attempt, as far as the question of another one needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failure {
    kind: FailureSet,
    status: u16,
    // The request, or a part of it, may have reached the peer.
    sent: bool,
    // The peer answered, so that its response can be handed on instead.
    answered: bool,
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
    // Once a connection has died of this request, or with it, no kept one is risked.
    fresh_only: bool,
    // A fresh connection's death that is charged only if it was not the request's doing.
    held: Option<(u32, Reason)>,
    opened_at: Millis,
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
        }
    }

    /// Begins a request; the session before it must be over.
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
        group.state().budget.earn(now);
        self.next_peer(group, now)
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
        match (self.stage, event) {
            (Stage::Checkout, Event::Stale { fin }) => self.stale(group, fin, now),
            (Stage::Checkout | Stage::Connecting, Event::Connected) => self.connected(group, now),
            (Stage::Connecting, Event::ConnectFailed { cause, errno }) => {
                self.died(group, policy, now, Phase::Connect, cause, errno)
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
                if let Some(attempt) = self.attempts.last_mut() {
                    (attempt.sent, attempt.received) = (sent, received);
                }
                self.died(group, policy, now, phase, cause, errno)
            }
            (
                Stage::Sending,
                Event::Head {
                    status,
                    sent,
                    received,
                },
            ) => {
                if let Some(attempt) = self.attempts.last_mut() {
                    (attempt.sent, attempt.received) = (sent, received);
                }
                self.head(group, policy, now, status)
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
                if let Some(attempt) = self.attempts.last_mut() {
                    (attempt.sent, attempt.received, attempt.length) = (sent, received, length);
                }
                self.finished(group, now, died, keep)
            }
            (Stage::Sleeping, Event::Slept) => self.slept(group, policy, now),
            (Stage::Asking(failure), Event::Answered { retry, delay }) => {
                self.answered(group, policy, now, failure, retry, delay)
            }
            (stage, event) => {
                debug_assert!(false, "{event:?} does not answer {stage:?}");
                self.release(group, Outcome::Neutral, now);
                self.fail(group, now, 502, Rule::Plain)
            }
        }
    }

    /// The client is gone: releases what is held and charges nobody for it. Does nothing once it is over.
    pub fn abandon(&mut self, group: &mut Group, now: Millis) {
        if self.stage == Stage::Over {
            return;
        }
        if let Some(pick) = &self.pick {
            // nginx takes a client's leaving for the peer's success; only a trial needs an answer.
            let outcome = if pick.is_sole_trial() {
                Outcome::Neutral
            } else {
                Outcome::Success
            };
            if let Some(attempt) = self.attempts.last_mut() {
                attempt.end(now);
                attempt.reason = Reason::ClientGone;
            }
            self.release(group, outcome, now);
        }
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.decide(Verdict::Abandoned, Rule::Plain);
        }
        self.commit(group, now);
        self.stage = Stage::Over;
    }

    fn next_peer(&mut self, group: &mut Group, now: Millis) -> Step {
        let Some(pick) = group.pick(now, &mut self.tried) else {
            let mut attempt = Attempt::new(NO_PEER, now);
            attempt.reason = Reason::NoLive;
            attempt.status = 502;
            attempt.end(now);
            self.attempts.push(attempt);
            let waits = group.plan().rules.last_peer && group.all_ejected();
            let rule = if waits { Rule::LastPeer } else { Rule::Plain };
            return self.fail(group, now, 502, rule);
        };
        let mut attempt = Attempt::new(pick.peer, now);
        attempt.trial = pick.trial;
        self.attempts.push(attempt);
        let peer = pick.peer;
        self.pick = Some(pick);
        self.connection(group, peer, now)
    }

    // A kept connection if there is one and it may be risked, else a new one.
    fn connection(&mut self, group: &mut Group, peer: u32, now: Millis) -> Step {
        let idle = if self.fresh_only {
            None
        } else {
            group.take_idle(peer, self.scope, now)
        };
        let Some(attempt) = self.attempts.last_mut() else {
            return Step::Done;
        };
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

    fn stale(&mut self, group: &mut Group, fin: bool, now: Millis) -> Step {
        let Some(&Attempt { peer, idle, .. }) = self.attempts.last() else {
            return Step::Done;
        };
        if fin {
            group.learn(peer, idle, now);
        }
        self.connection(group, peer, now)
    }

    fn connected(&mut self, group: &Group, now: Millis) -> Step {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.connect_time = Some(now.saturating_sub(attempt.started));
            attempt.phase = Phase::Send;
            let counters = &group.peer_state(attempt.peer).counters;
            count(if attempt.reused {
                &counters.reuses
            } else {
                &counters.connects
            });
        }
        self.stage = Stage::Sending;
        Step::Send
    }

    fn died(
        &mut self,
        group: &mut Group,
        policy: &Policy,
        now: Millis,
        phase: Phase,
        cause: Cause,
        errno: i32,
    ) -> Step {
        let rules = group.plan().rules;
        let Some(attempt) = self.attempts.last_mut() else {
            return Step::Done;
        };
        (attempt.phase, attempt.cause, attempt.errno) = (phase, Some(cause), errno);
        attempt.reason = Reason::of(phase, cause, attempt.reused, attempt.sent, attempt.received);
        attempt.end(now);
        let Attempt {
            peer,
            reused,
            reason,
            ..
        } = *attempt;
        let connected = phase != Phase::Connect;
        let untouched = !connected || (rules.sent && attempt.sent == 0);
        let (kind, status) = match cause {
            Cause::TimedOut => (FailureSet::TIMEOUT, 504),
            Cause::Invalid | Cause::TooBig => (FailureSet::INVALID_HEADER, 502),
            _ => (FailureSet::ERROR, 502),
        };
        let failure = Failure {
            kind,
            status,
            sent: !untouched,
            answered: false,
        };
        let silent = connected && kind == FailureSet::ERROR && attempt.received == 0;
        if silent {
            self.fresh_only |= rules.attribution;
            if reused && rules.attribution {
                return self.replay(group, policy, now, peer, untouched);
            }
        }
        if silent && rules.attribution && !untouched {
            if self.held.is_some_and(|(other, _)| other != peer) {
                return self.poison(group, now);
            }
            self.release(group, Outcome::Neutral, now);
            self.commit(group, now);
            self.held = Some((peer, reason));
        } else {
            self.release(group, Outcome::Failure(reason), now);
        }
        if reused && kind == FailureSet::ERROR {
            // nginx gives the try back, for a group of one as well.
            self.tries += 1;
        }
        self.go_on(group, policy, now, failure)
    }

    // The connection is not the peer: once more to the same, on a new connection, when that is safe.
    fn replay(
        &mut self,
        group: &mut Group,
        policy: &Policy,
        now: Millis,
        peer: u32,
        untouched: bool,
    ) -> Step {
        let rules = group.plan().rules;
        let safe = may_replay(policy, self.facts, rules, untouched);
        let rule = if safe && in_time(policy, self.started, now, 0) {
            Rule::Attribution
        } else if !safe && !self.facts.replayable {
            Rule::Buffering
        } else if !safe {
            Rule::NonIdempotent
        } else {
            Rule::Timeout
        };
        if rule != Rule::Attribution {
            self.release(group, Outcome::Neutral, now);
            return self.fail(group, now, 502, rule);
        }
        let harmless = may_replay(policy, self.facts, rules, false);
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.status = 502;
            attempt.decide(
                Verdict::Replayed,
                if harmless {
                    Rule::Attribution
                } else {
                    Rule::Sent
                },
            );
            let trial = attempt.trial;
            self.attempts.push(Attempt {
                trial,
                ..Attempt::new(peer, now)
            });
        }
        count(&group.peer_state(peer).counters.replays);
        self.connection(group, peer, now)
    }

    // A second peer's fresh connection died of it: it is the request, and neither peer is charged.
    fn poison(&mut self, group: &mut Group, now: Millis) -> Step {
        self.held = None;
        self.release(group, Outcome::Neutral, now);
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.reason = Reason::Poison;
        }
        self.fail(group, now, 502, Rule::Poison)
    }

    fn head(&mut self, group: &mut Group, policy: &Policy, now: Millis, status: u16) -> Step {
        let Some(attempt) = self.attempts.last_mut() else {
            return Step::Done;
        };
        attempt.phase = Phase::Body;
        attempt.status = status;
        attempt.header_time = Some(now.saturating_sub(attempt.started));
        attempt.rule = Rule::Plain;
        let kind = FailureSet::of_status(status);
        let failure = Failure {
            kind: kind.unwrap_or(FailureSet::NONE),
            status,
            sent: true,
            answered: true,
        };
        if kind.is_none() && !(policy.ask && status >= 400) {
            return self.deliver(group, now);
        }
        // The last try's response is handed on as it is, and not counted.
        let denied = if self.tries > 1 {
            self.denied(group, policy, now, failure)
        } else {
            Some(Rule::Tries)
        };
        if let Some(rule) = denied {
            if let Some(attempt) = self.attempts.last_mut() {
                attempt.rule = rule;
            }
            return self.deliver(group, now);
        }
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.cause = Some(Cause::Status);
            attempt.reason = Reason::Status;
            attempt.end(now);
        }
        let listed = kind.is_some_and(|kind| policy.next_upstream.has(kind));
        let outcome = if listed && !matches!(status, 403 | 404) {
            Outcome::Failure(Reason::Status)
        } else {
            Outcome::Success
        };
        self.release(group, outcome, now);
        self.proceed(group, policy, now, failure)
    }

    fn deliver(&mut self, group: &mut Group, now: Millis) -> Step {
        if let Some(pick) = &mut self.pick
            && let Some(notice) = group.prove(pick, now)
        {
            self.notices.push_back(notice);
        }
        self.commit(group, now);
        self.stage = Stage::Delivering;
        Step::Deliver
    }

    fn finished(
        &mut self,
        group: &mut Group,
        now: Millis,
        died: Option<(Cause, i32)>,
        keep: Option<Keep>,
    ) -> Step {
        let Some(attempt) = self.attempts.last_mut() else {
            return Step::Done;
        };
        attempt.end(now);
        attempt.reason = Reason::Ok;
        if let Some((cause, errno)) = died {
            (attempt.cause, attempt.errno) = (Some(cause), errno);
            attempt.reason = Reason::of(
                Phase::Body,
                cause,
                attempt.reused,
                attempt.sent,
                attempt.received,
            );
        }
        attempt.verdict = Verdict::Delivered;
        let Attempt { peer, requests, .. } = *attempt;
        if let Some(keep) = keep {
            let parked = Parked {
                conn: keep.conn,
                opened_at: self.opened_at,
                idle_since: now,
                requests: requests.saturating_add(1),
                hint: keep.hint,
                rtt: keep.rtt,
            };
            group.park(peer, self.scope, parked, now);
        }
        // A death in the body is no failure of the peer, as in nginx.
        self.release(group, Outcome::Success, now);
        self.stage = Stage::Over;
        Step::Done
    }

    fn go_on(&mut self, group: &mut Group, policy: &Policy, now: Millis, failure: Failure) -> Step {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.status = failure.status;
        }
        match self.denied(group, policy, now, failure) {
            Some(rule) => self.fail(group, now, failure.status, rule),
            None => self.proceed(group, policy, now, failure),
        }
    }

    // The rule that forbids another try after this failure, in nginx's order; the budget is taken last.
    fn denied(
        &self,
        group: &Group,
        policy: &Policy,
        now: Millis,
        failure: Failure,
    ) -> Option<Rule> {
        let again = policy.next_upstream.has(FailureSet::NON_IDEMPOTENT) || self.facts.idempotent;
        if self.tries == 0 {
            Some(Rule::Tries)
        } else if !policy.ask && !policy.next_upstream.has(failure.kind) {
            Some(Rule::NextUpstream)
        } else {
            let asked = policy.ask;
            self.unsafe_after(policy, now, failure, again)
                .or_else(|| (!asked && !afford(group, now, failure)).then_some(Rule::Budget))
        }
    }

    // What no answer of the caller can overrule.
    fn unsafe_after(
        &self,
        policy: &Policy,
        now: Millis,
        failure: Failure,
        again: bool,
    ) -> Option<Rule> {
        if failure.sent && !again {
            Some(Rule::NonIdempotent)
        } else if failure.sent && !self.facts.replayable {
            Some(Rule::Buffering)
        } else if !in_time(policy, self.started, now, 0) {
            Some(Rule::Timeout)
        } else {
            None
        }
    }

    fn proceed(
        &mut self,
        group: &mut Group,
        policy: &Policy,
        now: Millis,
        failure: Failure,
    ) -> Step {
        if policy.ask {
            self.stage = Stage::Asking(failure);
            return Step::Ask;
        }
        let rule = if group.plan().rules.sent && self.was_unsent() {
            Rule::Sent
        } else {
            Rule::NextUpstream
        };
        let delay = policy
            .backoff
            .map(|backoff| backoff.delay(self.retries, group.random()));
        self.retry(group, policy, now, failure, rule, delay)
    }

    // The rule `sent` let a request go on that nginx would have taken for sent.
    fn was_unsent(&self) -> bool {
        let last = self.attempts.last();
        !self.facts.idempotent
            && last.is_some_and(|last| last.phase == Phase::Send && last.sent == 0)
    }

    fn answered(
        &mut self,
        group: &mut Group,
        policy: &Policy,
        now: Millis,
        failure: Failure,
        retry: bool,
        delay: Option<Millis>,
    ) -> Step {
        let again = policy.next_upstream.has(FailureSet::NON_IDEMPOTENT) || self.facts.idempotent;
        let denied = if retry {
            self.unsafe_after(policy, now, failure, again)
                .or_else(|| (!afford(group, now, failure)).then_some(Rule::Budget))
        } else {
            Some(Rule::Ask)
        };
        let Some(rule) = denied else {
            let delay = delay.or_else(|| Some(policy.backoff?.delay(self.retries, group.random())));
            return self.retry(group, policy, now, failure, Rule::Ask, delay);
        };
        if failure.answered {
            if let Some(attempt) = self.attempts.last_mut() {
                attempt.rule = rule;
            }
            return self.deliver(group, now);
        }
        self.fail(group, now, failure.status, rule)
    }

    fn retry(
        &mut self,
        group: &mut Group,
        policy: &Policy,
        now: Millis,
        failure: Failure,
        rule: Rule,
        delay: Option<Millis>,
    ) -> Step {
        let delay = delay.unwrap_or(0);
        if delay > 0 && !in_time(policy, self.started, now, delay) {
            return self.fail(group, now, failure.status, Rule::Timeout);
        }
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.decide(Verdict::Next, rule);
            count(&group.peer_state(attempt.peer).counters.retries);
        }
        self.retries += 1;
        if delay > 0 {
            self.stage = Stage::Sleeping;
            return Step::Sleep {
                until: now.saturating_add(delay),
            };
        }
        self.next_peer(group, now)
    }

    fn slept(&mut self, group: &mut Group, policy: &Policy, now: Millis) -> Step {
        if in_time(policy, self.started, now, 0) {
            return self.next_peer(group, now);
        }
        let status = self.attempts.last().map_or(502, |last| last.status);
        self.fail(group, now, status, Rule::Timeout)
    }

    fn fail(&mut self, group: &mut Group, now: Millis, status: u16, rule: Rule) -> Step {
        self.commit(group, now);
        self.stage = Stage::Over;
        let mut reason = Reason::NoLive;
        if let Some(attempt) = self.attempts.last_mut() {
            if attempt.status == 0 {
                attempt.status = status;
            }
            attempt.decide(Verdict::Failed, rule);
            reason = attempt.reason;
        }
        if rule == Rule::Budget {
            group.state().denied.fetch_add(1, Relaxed);
        }
        Step::Fail { status, reason }
    }

    fn release(&mut self, group: &mut Group, outcome: Outcome, now: Millis) {
        let Some(pick) = self.pick.take() else { return };
        self.tries = if group.is_single() {
            0
        } else {
            self.tries.saturating_sub(1)
        };
        self.notices.extend(group.release(pick, outcome, now));
    }

    // The request ended otherwise than by killing a second peer's connection: the first death was the peer's.
    fn commit(&mut self, group: &mut Group, now: Millis) {
        if let Some((peer, reason)) = self.held.take() {
            self.notices.extend(group.charge(peer, reason, now));
        }
    }
}

// A try that was never sent costs nothing.
fn afford(group: &Group, now: Millis, failure: Failure) -> bool {
    !group.plan().rules.budget || !failure.sent || group.state().budget.take(now)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
