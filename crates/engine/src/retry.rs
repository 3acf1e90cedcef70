//! When a request may go again: safe replay, the budget, the wait, the deadline.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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

/// Whether a try that begins `after` from now is still within the time for all of them.
pub(crate) fn in_time(policy: &Policy, started: Millis, now: Millis, after: Millis) -> bool {
    policy.timeout == 0 || now.saturating_add(after).saturating_sub(started) < policy.timeout
}

/// Whether a request that met a stale connection may go once more to the same peer.
///
/// `untouched`: the kernel accepted no byte of it, and the rules let that count.
pub(crate) fn may_replay(policy: &Policy, facts: Facts, rules: Rules, untouched: bool) -> bool {
    let harmless = facts.idempotent
        || (facts.keyed && rules.replay_keyed)
        || policy.next_upstream.has(FailureSet::NON_IDEMPOTENT);
    untouched || (harmless && facts.replayable)
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
