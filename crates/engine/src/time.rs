//! How long peers take to answer (`least_time`), and how they come back slowly (`slow_start`).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::balance::{Group, Tried};
use crate::plan::{Balance, Millis};

// Averages are kept in 1/64 ms, so that short times don't round to the same.
const SCALE: u64 = 64;
// A new time counts an eighth.
const SHARE: u64 = 8;

/// The part of an answer that a time was taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Up to its head.
    Head,
    /// Up to its last byte.
    Whole,
}

/// A peer's average, and the sum of the starts of what is under way.
#[derive(Debug, Default)]
pub(crate) struct Times {
    // One more than the average: 0 = no answer yet.
    average: AtomicU64,
    starts: AtomicU64,
}

impl Times {
    fn add(&self, took: Millis) {
        let new = took.min(1 << 32) * SCALE;
        // Another worker's time may get lost between the two: an average can bear that.
        let old = self.average.load(Relaxed);
        let average = match old.checked_sub(1) {
            None => new,
            Some(old) => (old * (SHARE - 1) + new) / SHARE,
        };
        self.average.store(average + 1, Relaxed);
    }

    pub(crate) fn begin(&self, now: Millis) {
        self.starts.fetch_add(now, Relaxed);
    }

    pub(crate) fn end(&self, began: Millis) {
        self.starts.fetch_sub(began, Relaxed);
    }

    pub(crate) fn adopt(&self, old: &Self) {
        self.average.store(old.average.load(Relaxed), Relaxed);
    }

    // With `conns` requests under way, those that have taken longer than usual count with their own time.
    fn expected(&self, conns: u64, now: Option<Millis>) -> u64 {
        let average = self.average.load(Relaxed).saturating_sub(1);
        let Some(now) = now.filter(|_| conns > 0) else {
            return average;
        };
        let so_far = (now * conns).saturating_sub(self.starts.load(Relaxed)) / conns;
        average.max(so_far.min(1 << 32) * SCALE)
    }
}

impl Group {
    /// An answer has come so far.
    pub(crate) fn timed(&mut self, peer: u32, part: Part, took: Millis) {
        if let Balance::LeastTime { last_byte, .. } = self.plan().balance
            && last_byte == (part == Part::Whole)
        {
            self.peer_state(peer).times.add(took);
        }
    }

    /// The least time an answer takes, times the requests that would be under way, for its weight.
    pub(crate) fn quickest(&mut self, backups: bool, now: Millis, tried: &Tried) -> Option<u32> {
        let inflight = matches!(
            self.plan().balance,
            Balance::LeastTime { inflight: true, .. }
        );
        let at = inflight.then_some(now);
        self.lightest(backups, now / 1000, tried, |group, peer, other| {
            let state = group.peer_state(peer);
            let conns = u64::from(state.conns.load(Relaxed));
            let weight = u64::from(group.plan().peers[other as usize].weight);
            state
                .times
                .expected(conns, at)
                .saturating_mul((conns + 1) * weight)
        })
    }
}

#[cfg(test)]
#[path = "time_tests.rs"]
mod tests;
