//! What is known about the peers of a group: shared by whoever shares the `Arc`, without a lock.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::outcome::{PeerStatus, Reason};
use crate::plan::{GroupPlan, Millis};
use crate::retry::Budget;
use crate::time::Times;

/// Background connects under way at a time, over all groups.
pub const PROBES_UNDER_WAY: u32 = 16;
/// The wait before the first background connect; it doubles with each failure.
pub const PROBE_FIRST: Millis = 1_000;
/// The longest wait between two of them.
pub const PROBE_LONGEST: Millis = 15_000;
/// After this time without a new sign, a learned idle time-out is forgotten.
pub const LEARNED_FOR: Millis = 600_000;

// The low bits of a peer's word; the rest counts changes, so that a stale prober can't touch a newer state.
const AVAILABLE: u64 = 0;
const TIMED: u64 = 1;
const DARK: u64 = 2;
const PROBING: u64 = 3;
const STATES: u64 = 3;

/// A peer came or went; told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It was taken out (in nginx's mode: each time it fails while it is out).
    Ejected {
        /// Which.
        peer: u32,
        /// The failure that did it.
        reason: Reason,
    },
    /// It is back.
    Recovered {
        /// Which.
        peer: u32,
        /// How long it was out.
        out_for: Millis,
        /// Background connects made meanwhile.
        probes: u32,
    },
}

/// A peer is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How long it was out.
    pub out_for: Millis,
    /// Background connects made meanwhile, the successful one included.
    pub probes: u32,
}

/// The right to make one background connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whom to connect to.
    pub peer: u32,
    stamp: u64,
}

/// Numbers that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCounters {
    /// Requests that chose it.
    pub picks: u64,
    /// Failures charged to it.
    pub failures: u64,
    /// Requests sent once more to it after a stale connection.
    pub replays: u64,
    /// Requests that went on from it to another try.
    pub retries: u64,
    /// New connections.
    pub connects: u64,
    /// Requests on kept connections.
    pub reuses: u64,
    /// Times it was taken out.
    pub ejections: u64,
    /// Background connects.
    pub probes: u64,
    /// Background connects that failed.
    pub probe_failures: u64,
}

/// One peer, as the status page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerView {
    /// What it is to the balancer.
    pub status: PeerStatus,
    /// Failures counted now.
    pub fails: u32,
    /// Requests under way.
    pub conns: u32,
    /// Since when it is out.
    pub ejected_since: Option<Millis>,
    /// The failure that took it out.
    pub why: Option<Reason>,
    /// The idle time-out learned from it.
    pub learned_idle: Option<Millis>,
    /// Numbers that only grow.
    pub counters: PeerCounters,
}

/// The atomics behind [`PeerCounters`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) picks: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) replays: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) connects: AtomicU64,
    pub(crate) reuses: AtomicU64,
    pub(crate) ejections: AtomicU64,
    pub(crate) probes: AtomicU64,
    pub(crate) probe_failures: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counters {
    fn pairs(&self) -> [&AtomicU64; 9] {
        [
            &self.picks,
            &self.failures,
            &self.replays,
            &self.retries,
            &self.connects,
            &self.reuses,
            &self.ejections,
            &self.probes,
            &self.probe_failures,
        ]
    }

    fn view(&self) -> PeerCounters {
        let [
            picks,
            failures,
            replays,
            retries,
            connects,
            reuses,
            ejections,
            probes,
            probe_failures,
        ] = self.pairs().map(|counter| counter.load(Relaxed));
        PeerCounters {
            picks,
            failures,
            replays,
            retries,
            connects,
            reuses,
            ejections,
            probes,
            probe_failures,
        }
    }
}

// A cache line pair a peer, so that two workers on two peers don't contend.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct PeerState {
    word: AtomicU64,
    pub(crate) fails: AtomicU32,
    pub(crate) conns: AtomicU32,
    // nginx's whole seconds: of the last failure, and of the last failure or trial.
    pub(crate) accessed: AtomicU64,
    pub(crate) checked: AtomicU64,
    ejected_since: AtomicU64,
    why: AtomicU8,
    pub(crate) trial: AtomicBool,
    probe_at: AtomicU64,
    probes: AtomicU32,
    // Seconds in the high half, the learned milliseconds in the low; 0 = nothing.
    learned: AtomicU64,
    pub(crate) forgotten_at: AtomicU64,
    pub(crate) counters: Counters,
    pub(crate) times: Times,
    back_at: AtomicU64,
}

impl PeerState {
    fn state(&self) -> u64 {
        self.word.load(Relaxed) & STATES
    }

    // Moves from a state that `allowed` accepts; the one mover gets the word that was replaced.
    fn shift(&self, to: u64, allowed: impl Fn(u64) -> bool) -> Option<u64> {
        self.word
            .fetch_update(Relaxed, Relaxed, |word| {
                allowed(word & STATES).then(|| ((word & !STATES) + STATES + 1) | to)
            })
            .ok()
    }

    pub(crate) fn is_ejected(&self) -> bool {
        self.state() != AVAILABLE
    }

    pub(crate) fn is_dark(&self) -> bool {
        matches!(self.state(), DARK | PROBING)
    }

    /// Takes it out, or changes why it is out; true for the one caller that took it out.
    pub(crate) fn eject(&self, reason: Reason, dark: bool, trial: bool, now: Millis) -> bool {
        let fresh = self
            .shift(if dark { DARK } else { TIMED }, |state| state == AVAILABLE)
            .is_some();
        // A failed connect outweighs a time; only a trial that did connect shows the contrary.
        let moved = fresh
            || (dark && self.shift(DARK, |state| state == TIMED).is_some())
            || (!dark
                && trial
                && self
                    .shift(TIMED, |state| state == DARK || state == PROBING)
                    .is_some());
        if fresh {
            self.ejected_since.store(now, Relaxed);
            self.probes.store(0, Relaxed);
            count(&self.counters.ejections);
        }
        if moved {
            self.why.store(reason.index(), Relaxed);
            self.probe_at.store(now + PROBE_FIRST, Relaxed);
        }
        fresh
    }

    /// Brings it back; `Some` for the one caller that did.
    pub(crate) fn recover(&self, now: Millis) -> Option<Recovery> {
        self.fails.store(0, Relaxed);
        self.shift(AVAILABLE, |state| state != AVAILABLE)?;
        self.back_at.store(now, Relaxed);
        Some(Recovery {
            out_for: now.saturating_sub(self.ejected_since.load(Relaxed)),
            probes: self.probes.load(Relaxed),
        })
    }

    /// What a weight is worth in thousandths, less while the peer warms up after it was out.
    pub(crate) fn warmed(&self, weight: i64, slow_start: Millis, now: Millis) -> i64 {
        let full = weight * 1000;
        let back = self.back_at.load(Relaxed);
        let since = now.saturating_sub(back);
        if back == 0 || since >= slow_start || weight == 0 {
            return full;
        }
        let part = i128::from(full) * i128::from(since) / i128::from(slow_start);
        (part as i64).max(1)
    }

    pub(crate) fn learn(&self, idle: Millis, now: Millis) {
        let idle = idle.min(u64::from(u32::MAX));
        self.learned.store(((now / 1000) << 32) | idle, Relaxed);
    }

    pub(crate) fn forget(&self, now: Millis) {
        self.learned.store(0, Relaxed);
        self.forgotten_at.store(now, Relaxed);
    }

    /// What was learned, a tenth longer for each minute since, as far as it is still believed.
    pub(crate) fn learned(&self, now: Millis) -> Option<Millis> {
        let word = self.learned.load(Relaxed);
        let (idle, at) = (word & u64::from(u32::MAX), (word >> 32) * 1000);
        let since = now.saturating_sub(at);
        (idle > 0 && since < LEARNED_FOR).then(|| idle + idle * since / LEARNED_FOR)
    }

    fn adopt(&self, old: &Self) {
        // Conns stay behind: the requests under way release the peer that they picked.
        for (new, old) in [
            (&self.accessed, &old.accessed),
            (&self.checked, &old.checked),
            (&self.ejected_since, &old.ejected_since),
            (&self.probe_at, &old.probe_at),
            (&self.back_at, &old.back_at),
            (&self.learned, &old.learned),
            (&self.forgotten_at, &old.forgotten_at),
        ] {
            new.store(old.load(Relaxed), Relaxed);
        }
        for (new, old) in self.counters.pairs().into_iter().zip(old.counters.pairs()) {
            new.store(old.load(Relaxed), Relaxed);
        }
        self.times.adopt(&old.times);
        self.fails.store(old.fails.load(Relaxed), Relaxed);
        self.probes.store(old.probes.load(Relaxed), Relaxed);
        self.why.store(old.why.load(Relaxed), Relaxed);
        // A probe that is under way reports to the old state; this one probes anew.
        let state = old.state();
        self.word
            .store(if state == PROBING { DARK } else { state }, Relaxed);
    }
}

/// The health of a group's peers, and its retry budget.
#[derive(Debug)]
pub struct GroupState {
    peers: Box<[PeerState]>,
    pub(crate) budget: Budget,
    pub(crate) requests: AtomicU64,
    pub(crate) denied: AtomicU64,
    waiting: AtomicU32,
}

impl GroupState {
    /// Everything available, nothing learned.
    pub fn new(plan: &GroupPlan) -> Self {
        Self {
            peers: plan.peers.iter().map(|_| PeerState::default()).collect(),
            budget: Budget::default(),
            requests: AtomicU64::new(0),
            denied: AtomicU64::new(0),
            waiting: AtomicU32::new(0),
        }
    }

    /// How many requests wait for a peer.
    pub fn waiting(&self) -> u32 {
        self.waiting.load(Relaxed)
    }

    /// Takes a place in the queue; false if there is none left.
    pub(crate) fn enter(&self, length: u32) -> bool {
        self.waiting
            .fetch_update(Relaxed, Relaxed, |n| (n < length).then_some(n + 1))
            .is_ok()
    }

    pub(crate) fn leave(&self) {
        self.waiting.fetch_sub(1, Relaxed);
    }

    /// How many peers it knows.
    pub fn peers(&self) -> u32 {
        self.peers.len() as u32
    }

    pub(crate) fn at(&self, peer: u32) -> &PeerState {
        &self.peers[peer as usize]
    }

    /// Takes over what an older state knows about the same address, before this one is used.
    ///
    /// An ejection that the new `plan` would not make is not carried over.
    pub fn adopt(&self, plan: &GroupPlan, peer: u32, old: &Self, old_peer: u32) {
        let max_fails = plan.peers[peer as usize].max_fails;
        let (new, old) = (self.at(peer), old.at(old_peer));
        new.adopt(old);
        if max_fails == 0 || plan.never_ejects() {
            new.recover(0);
        } else if new.is_ejected() {
            new.fails.fetch_max(max_fails, Relaxed);
        } else {
            new.fails.fetch_min(max_fails - 1, Relaxed);
        }
        if !plan.rules.probe && new.is_dark() {
            new.shift(TIMED, |_| true);
        }
    }

    /// Takes over the numbers of the group itself.
    pub fn adopt_budget(&self, old: &Self) {
        self.budget.adopt(&old.budget);
        self.requests.store(old.requests.load(Relaxed), Relaxed);
        self.denied.store(old.denied.load(Relaxed), Relaxed);
    }

    /// One peer, for the status page.
    pub fn peer(&self, peer: u32, now: Millis) -> PeerView {
        let state = self.at(peer);
        let status = match state.state() {
            AVAILABLE => PeerStatus::Available,
            PROBING => PeerStatus::Probing,
            _ => PeerStatus::Ejected,
        };
        let out = status != PeerStatus::Available;
        PeerView {
            status,
            fails: state.fails.load(Relaxed),
            conns: state.conns.load(Relaxed),
            ejected_since: out.then(|| state.ejected_since.load(Relaxed)),
            why: out
                .then(|| Reason::from_index(state.why.load(Relaxed)))
                .flatten(),
            learned_idle: state.learned(now),
            counters: state.counters.view(),
        }
    }

    /// Requests begun.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Retries that the budget refused.
    pub fn retries_denied(&self) -> u64 {
        self.denied.load(Relaxed)
    }

    /// Retries that the budget would grant now.
    pub fn budget(&self, now: Millis) -> u64 {
        self.budget.balance(now)
    }

    /// When the earliest background connect is due; none while no peer waits for one.
    pub fn next_probe(&self) -> Option<Millis> {
        let waiting = self.peers.iter().filter(|peer| peer.state() == DARK);
        waiting.map(|peer| peer.probe_at.load(Relaxed)).min()
    }

    /// Claims a background connect that is due, for one prober of all workers.
    ///
    /// `under_way` counts them over all groups; at [`PROBES_UNDER_WAY`] none is given.
    pub fn claim_probe(&self, now: Millis, under_way: &AtomicU32) -> Option<Probe> {
        for (peer, state) in (0..).zip(&*self.peers) {
            let before = state.word.load(Relaxed);
            if before & STATES != DARK || state.probe_at.load(Relaxed) > now {
                continue;
            }
            let slot = |n: u32| (n < PROBES_UNDER_WAY).then_some(n + 1);
            if under_way.fetch_update(Relaxed, Relaxed, slot).is_err() {
                return None;
            }
            let stamp = ((before & !STATES) + STATES + 1) | PROBING;
            if state
                .word
                .compare_exchange(before, stamp, Relaxed, Relaxed)
                .is_ok()
            {
                state.probes.fetch_add(1, Relaxed);
                count(&state.counters.probes);
                return Some(Probe { peer, stamp });
            }
            under_way.fetch_sub(1, Relaxed);
        }
        None
    }

    /// The background connect failed; the next waits twice as long, less up to a quarter by `rand`.
    pub fn probe_failed(&self, probe: Probe, now: Millis, rand: u64, under_way: &AtomicU32) {
        let state = self.at(probe.peer);
        count(&state.counters.probe_failures);
        let doublings = state.probes.load(Relaxed).min(10);
        let nominal = (PROBE_FIRST << doublings).min(PROBE_LONGEST);
        self.end_probe(probe, now + nominal - rand % (nominal / 4 + 1), under_way);
    }

    /// The background connect succeeded; `None` if the peer had come back without it.
    pub fn probe_succeeded(
        &self,
        probe: Probe,
        now: Millis,
        under_way: &AtomicU32,
    ) -> Option<Recovery> {
        under_way.fetch_sub(1, Relaxed);
        let state = self.at(probe.peer);
        (state.word.load(Relaxed) == probe.stamp)
            .then(|| state.recover(now))
            .flatten()
    }

    /// The prober goes away without a result; another may probe at once.
    pub fn probe_dropped(&self, probe: Probe, under_way: &AtomicU32) {
        self.end_probe(probe, 0, under_way);
    }

    fn end_probe(&self, probe: Probe, next: Millis, under_way: &AtomicU32) {
        under_way.fetch_sub(1, Relaxed);
        let state = self.at(probe.peer);
        if state.word.load(Relaxed) == probe.stamp {
            state.probe_at.store(next, Relaxed);
            let after = (probe.stamp & !STATES) + STATES + 1;
            // If it has changed meanwhile, someone else decided; nothing is left to do.
            let _ = state
                .word
                .compare_exchange(probe.stamp, after | DARK, Relaxed, Relaxed);
        }
    }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
