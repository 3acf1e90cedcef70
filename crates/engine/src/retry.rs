//! When a request may go again: safe replay, the budget, the wait, the deadline.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::failures::FailureSet;
use crate::outcome::Rule;
use crate::plan::{Backoff, Facts, Millis, Policy, Rules};

/// Requests that earn one retry.
pub const REQUESTS_A_RETRY: u64 = 5;
/// Seconds of requests that count.
pub const BUDGET_SECONDS: u64 = 10;
/// Retries that may be made without any traffic.
pub const BUDGET_RESERVE: u64 = 100;
/// Time in which one retry of the reserve comes back.
pub const RESERVE_REFILL: Millis = 100;

const RESERVE_SPAN: Millis = BUDGET_RESERVE * RESERVE_REFILL;

/// Counts by second over the last ten, without a lock: each slot carries the second that it counts.
#[derive(Debug, Default)]
struct Window {
    slots: [AtomicU64; BUDGET_SECONDS as usize],
}

impl Window {
    fn slot(&self, second: u64) -> &AtomicU64 {
        &self.slots[(second % BUDGET_SECONDS) as usize]
    }

    fn add(&self, second: u64) {
        let tag = second << 32;
        let grow = |word: u64| {
            Some(if word & !u64::from(u32::MAX) == tag {
                word + 1
            } else {
                tag | 1
            })
        };
        // The closure never refuses.
        let _ = self.slot(second).fetch_update(Relaxed, Relaxed, grow);
    }

    fn sub(&self, second: u64) {
        let shrink = |word: u64| (word >> 32 == second & u64::from(u32::MAX)).then(|| word - 1);
        let _ = self.slot(second).fetch_update(Relaxed, Relaxed, shrink);
    }

    fn sum(&self, second: u64) -> u64 {
        let words = self.slots.iter().map(|slot| slot.load(Relaxed));
        let recent = words.filter(|word| second.wrapping_sub(word >> 32) < BUDGET_SECONDS);
        recent.map(|word| word & u64::from(u32::MAX)).sum()
    }
}

/// The retry budget of a group: a fifth of the last ten seconds' requests, and a reserve that refills.
#[derive(Debug, Default)]
pub struct Budget {
    requests: Window,
    spent: Window,
    // The reserve as a point in time: a retry takes it RESERVE_REFILL further, up to now.
    reserve: AtomicU64,
}

// The window's share is judged from the second before the clock's zero on, so that tags are never 0.
fn second_of(now: Millis) -> u64 {
    now / 1000 + BUDGET_SECONDS
}

impl Budget {
    /// A request began.
    pub fn earn(&self, now: Millis) {
        self.requests.add(second_of(now));
    }

    /// Takes one retry; false if there is none.
    pub fn take(&self, now: Millis) -> bool {
        let second = second_of(now);
        // Taken before it is judged, so that two workers can't both have the last one.
        self.spent.add(second);
        if self.spent.sum(second) * REQUESTS_A_RETRY <= self.requests.sum(second) {
            return true;
        }
        self.spent.sub(second);
        let due = now + RESERVE_SPAN;
        let draw = |at: u64| {
            let next = at.max(now) + RESERVE_REFILL;
            (next <= due).then_some(next)
        };
        self.reserve.fetch_update(Relaxed, Relaxed, draw).is_ok()
    }

    /// Retries that would be granted now.
    pub fn balance(&self, now: Millis) -> u64 {
        let second = second_of(now);
        let share =
            (self.requests.sum(second) / REQUESTS_A_RETRY).saturating_sub(self.spent.sum(second));
        let at = self.reserve.load(Relaxed).max(now);
        share + (now + RESERVE_SPAN).saturating_sub(at) / RESERVE_REFILL
    }

    pub(crate) fn adopt(&self, old: &Self) {
        let new = self
            .requests
            .slots
            .iter()
            .chain(&self.spent.slots)
            .chain([&self.reserve]);
        let old = old
            .requests
            .slots
            .iter()
            .chain(&old.spent.slots)
            .chain([&old.reserve]);
        for (new, old) in new.zip(old) {
            new.store(old.load(Relaxed), Relaxed);
        }
    }
}

impl Backoff {
    /// The wait before round number `nth` (from 0): anything up to the bound, by `rand`.
    pub fn delay(self, nth: u32, rand: u64) -> Millis {
        let bound = self.base.saturating_mul(1 << nth.min(32)).min(self.cap);
        if bound == u64::MAX {
            rand
        } else {
            rand % (bound + 1)
        }
    }
}

/// A failed attempt, as far as the question of another one needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureSet,
    pub(crate) status: u16,
    /// The request, or a part of it, may have reached the peer.
    pub(crate) sent: bool,
    /// The peer answered, so that its response can be handed on instead.
    pub(crate) answered: bool,
    /// That answer's `Retry-After`.
    pub(crate) retry_after: Option<Millis>,
    /// The peer takes no more connections, and has some of ours.
    pub(crate) full: bool,
    /// The budget has paid for the try that follows.
    pub(crate) paid: bool,
}

impl Failure {
    /// No peer could be chosen.
    pub(crate) const NO_PEER: Self = Self {
        kind: FailureSet::ERROR,
        status: 502,
        sent: false,
        answered: false,
        retry_after: None,
        full: false,
        paid: false,
    };
}

/// What may follow a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// At once, at a peer that was not tried in this round.
    Peer,
    /// Another round, after a wait.
    Round(Millis),
    /// Another round if the caller says so; the wait would be this.
    Ask(Millis),
}

/// What is known when the question of another try comes up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) facts: Facts,
    pub(crate) rules: Rules,
    pub(crate) started: Millis,
    pub(crate) now: Millis,
    /// Retries so far: rounds that are over.
    pub(crate) rounds: u32,
    /// The wait before the next round, as far as the backoff says.
    pub(crate) backoff: Millis,
}

impl Question<'_> {
    /// What follows this failure, or the rule that forbids everything: within the round in nginx's order. The
    /// budget is taken last, and only when nobody else is asked.
    pub(crate) fn way(self, tries: u32, failure: Failure, budget: &Budget) -> Result<Way, Rule> {
        let listed = self.policy.next_upstream.lists(failure.kind);
        if tries == 0 {
            self.round(failure, Rule::Tries, budget)
        } else if !listed {
            self.round(failure, Rule::NextUpstream, budget)
        } else if let Some(rule) = self.forbidden(failure) {
            Err(rule)
        } else if let Some(rule) = self.refused(failure, budget) {
            Err(rule)
        } else {
            Ok(Way::Peer)
        }
    }

    /// What follows the end of a round; `over` is the rule that ended it.
    pub(crate) fn round(self, failure: Failure, over: Rule, budget: &Budget) -> Result<Way, Rule> {
        let policy = self.policy;
        if policy.rounds <= 1 {
            return Err(over);
        }
        if !policy.ask && !policy.again.lists(failure.kind) {
            return Err(Rule::Retry);
        }
        if self.rounds + 1 >= policy.rounds {
            return Err(Rule::Rounds);
        }
        if let Some(rule) = self.forbidden(failure) {
            return Err(rule);
        }
        let asked = self.asked(failure)?;
        let wait = match (failure.full, policy.backoff) {
            (true, Some(backoff)) => backoff.cap,
            _ => self.backoff.max(asked),
        };
        if policy.ask {
            return Ok(Way::Ask(wait));
        }
        self.granted(failure, wait, budget)?;
        Ok(Way::Round(wait))
    }

    /// The wait before the round that the caller wants, or the rule that forbids it.
    pub(crate) fn told(
        self,
        failure: Failure,
        wait: Millis,
        delay: Option<Millis>,
        budget: &Budget,
    ) -> Result<Millis, Rule> {
        if let Some(rule) = self.forbidden(failure) {
            return Err(rule);
        }
        let wait = match delay {
            Some(delay) => delay.max(self.asked(failure)?),
            None => wait,
        };
        self.granted(failure, wait, budget)?;
        Ok(wait)
    }

    // The peer's own wish, as far as it is honoured; one that can't be granted ends the request.
    fn asked(self, failure: Failure) -> Result<Millis, Rule> {
        let (Some(wish), Some(longest)) = (failure.retry_after, self.policy.retry_after) else {
            return Ok(0);
        };
        if wish > longest {
            Err(Rule::RetryAfter)
        } else if self.in_time(wish) {
            Ok(wish)
        } else {
            Err(Rule::Timeout)
        }
    }

    fn granted(self, failure: Failure, wait: Millis, budget: &Budget) -> Result<(), Rule> {
        // Who waits for a connection may be called at any time before.
        if !failure.full && !self.in_time(wait) {
            return Err(Rule::Timeout);
        }
        self.refused(failure, budget).map_or(Ok(()), Err)
    }

    // With a retry policy, the key that it holds over all attempts makes them one.
    fn harmless(self) -> bool {
        let listed = FailureSet::NON_IDEMPOTENT;
        self.facts.idempotent
            || self.policy.next_upstream.has(listed)
            || self.policy.again.has(listed)
            || (self.policy.rounds > 1 && self.keyed())
    }

    fn keyed(self) -> bool {
        self.facts.keyed && self.rules.replay_keyed
    }

    // What no answer of the caller can overrule.
    fn forbidden(self, failure: Failure) -> Option<Rule> {
        if failure.sent && !self.harmless() {
            Some(Rule::NonIdempotent)
        } else if failure.sent && !self.facts.replayable {
            Some(Rule::Buffering)
        } else if !self.in_time(0) {
            Some(Rule::Timeout)
        } else {
            None
        }
    }

    // A try that was never sent costs nothing.
    fn refused(self, failure: Failure, budget: &Budget) -> Option<Rule> {
        let kept = self.rules.budget && self.policy.budget;
        let free = !kept || !failure.sent || failure.paid;
        (!free && !budget.take(self.now)).then_some(Rule::Budget)
    }

    /// Whether a try that begins `after` from now is still within the time for all of them.
    pub(crate) fn in_time(self, after: Millis) -> bool {
        let at = self.now.saturating_add(after);
        self.policy.timeout == 0 || at.saturating_sub(self.started) < self.policy.timeout
    }

    /// What becomes of a request that met a stale connection: the rule that lets it go once more to the same
    /// peer, or the one that forbids it.
    ///
    /// `untouched`: the kernel accepted no byte of it, and the rules let that count.
    pub(crate) fn replay(self, untouched: bool) -> Result<Rule, Rule> {
        let harmless = self.harmless() || self.keyed();
        let safe = if harmless && self.facts.replayable {
            Rule::Attribution
        } else if untouched {
            Rule::Sent
        } else {
            return Err(if harmless {
                Rule::Buffering
            } else {
                Rule::NonIdempotent
            });
        };
        if self.in_time(0) {
            Ok(safe)
        } else {
            Err(Rule::Timeout)
        }
    }
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
