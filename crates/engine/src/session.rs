//! One request's way through its attempts: steps out, events in.
//!
//! The driver does what a [`Step`] says and reports what came of it as an [`Event`]. A session is used again
//! for request after request and allocates nothing once it has seen the largest group and the most attempts.

use std::collections::VecDeque;

use crate::attempt::{Attempt, Event, Step};
use crate::balance::{Group, Outcome, Pick, Tried};
use crate::health::{Notice, count};
use crate::outcome::{Phase, Reason, Rule, Verdict};
use crate::plan::{Facts, Millis, Policy};
use crate::retry::Failure;
use crate::seek::Wish;

mod answering;
mod failing;
mod parting;
mod queue;
mod rounds;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Slot,
    Checkout,
    Connecting,
    Sending,
    Delivering,
    Sleeping,
    Asking(Failure, Millis),
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
    // Left in this round.
    tries: u32,
    // Over.
    rounds: u32,
    // The last one of this round, where another peer was to be tried.
    failure: Option<Failure>,
    replayed: bool,
    // How the attempt left its place at the peer: with its connection kept, or not even taken.
    kept: bool,
    shut: bool,
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
            rounds: 0,
            failure: None,
            replayed: false,
            kept: false,
            shut: false,
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
        self.rounds = 0;
        (self.fresh_only, self.replayed) = (false, false);
        self.held = None;
        count(&group.state().requests);
        if group.plan().rules.budget {
            group.state().budget.earn(now);
        }
        let turn = &mut Turn { group, policy, now };
        self.renew(turn);
        self.next_peer(turn)
    }

    /// The attempts so far, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Rounds that are over.
    pub fn rounds(&self) -> u32 {
        self.rounds
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
            (
                Stage::Connecting,
                Event::ConnectFailed {
                    phase,
                    cause,
                    errno,
                },
            ) => self.died(turn, phase, cause, errno),
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
                    retry_after,
                    sent,
                    received,
                },
            ) => {
                let attempt = self.last();
                (attempt.sent, attempt.received) = (sent, received);
                self.head(turn, status, retry_after)
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
            (Stage::Slot, Event::Called) => self.vacancy(turn, self.queued.unwrap_or(turn.now)),
            (Stage::Slot | Stage::Sleeping, Event::Slept) => self.slept(turn),
            (Stage::Asking(failure, wait), Event::Answered { retry, delay }) => {
                self.answered(turn, (failure, wait), retry, delay)
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

    // A kept connection if there is one and it may be risked, else a new one.
    fn connection(&mut self, turn: &mut Turn, peer: u32) -> Step {
        let now = turn.now;
        let (fresh_only, scope) = (self.fresh_only, self.scope);
        let idle = if fresh_only {
            None
        } else {
            turn.group.take_idle(peer, scope, now)
        };
        (self.kept, self.shut) = (false, false);
        let attempt = self.last();
        attempt.reused = idle.is_some();
        attempt.hint = idle.and_then(|idle| idle.hint);
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
        let peer = pick.peer;
        self.notices.extend(group.release(pick, outcome, now));
        group.vacated(peer, self.kept, self.shut);
    }

    // The request ended otherwise than by killing a second peer's connection: the first death was the peer's.
    fn commit(&mut self, group: &mut Group, now: Millis) {
        if let Some((peer, reason)) = self.held.take() {
            self.notices.extend(group.charge(peer, reason, now));
        }
    }
}
