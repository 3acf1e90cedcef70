//! When a request may go again: safe replay, the budget, the wait, the deadline.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::outcome::Rule;
use crate::plan::{Backoff, Facts, FailureSet, Millis, Policy, Rules};

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
    /// The wait before retry number `nth` (from 0): anything up to the bound, by `rand`.
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
}

/// What is known when the question of another try comes up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) facts: Facts,
    pub(crate) rules: Rules,
    pub(crate) started: Millis,
    pub(crate) now: Millis,
}

impl Question<'_> {
    /// The rule that forbids a try after this failure, in nginx's order. The budget is taken last, and only
    /// when nobody else is asked.
    pub(crate) fn denied(self, tries: u32, failure: Failure, budget: &Budget) -> Option<Rule> {
        if tries == 0 {
            Some(Rule::Tries)
        } else if self.policy.ask {
            self.forbidden(failure)
        } else if !self.policy.next_upstream.has(failure.kind) {
            Some(Rule::NextUpstream)
        } else {
            self.forbidden(failure)
                .or_else(|| self.refused(failure, budget))
        }
    }

    /// What is judged after the caller has answered.
    pub(crate) fn denied_again(self, failure: Failure, budget: &Budget) -> Option<Rule> {
        self.forbidden(failure)
            .or_else(|| self.refused(failure, budget))
    }

    // What no answer of the caller can overrule.
    fn forbidden(self, failure: Failure) -> Option<Rule> {
        let again =
            self.facts.idempotent || self.policy.next_upstream.has(FailureSet::NON_IDEMPOTENT);
        if failure.sent && !again {
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
        let free = !self.rules.budget || !failure.sent;
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
        let harmless = self.facts.idempotent
            || (self.facts.keyed && self.rules.replay_keyed)
            || self.policy.next_upstream.has(FailureSet::NON_IDEMPOTENT);
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
