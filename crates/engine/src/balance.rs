//! One worker's view of a group: whom to send the next request to, and what a release means.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::attempt::NO_PEER;
use crate::health::{GroupState, Notice, PeerState, count};
use crate::idle::Ring;
use crate::outcome::Reason;
use crate::plan::{Balance, GroupPlan, Millis, PeerPlan, PlanError};
use crate::pool::Pool;
use crate::seek::{Map, Search, Wish};

/// The peers that one request has tried.
#[derive(Debug, Default)]
pub struct Tried {
    bits: Vec<u64>,
    // nginx does not return to the primaries once it has turned to the backups.
    backups: bool,
    pub(crate) wish: Wish,
    pub(crate) search: Search,
}

impl Tried {
    /// Forgets all, for a group of `peers`.
    pub fn reset(&mut self, peers: u32) {
        self.bits.clear();
        self.bits.resize(peers.div_ceil(64) as usize, 0);
        self.backups = false;
        self.search = Search::default();
    }

    /// What the next request wants besides a peer; the one before wanted something else.
    pub fn wish(&mut self) -> &mut Wish {
        self.wish.key.clear();
        self.wish.sid = None;
        &mut self.wish
    }

    // It looks for a peer once more, as if for the first time.
    pub(crate) fn again(&mut self) {
        self.backups = false;
        self.search = Search::default();
    }

    pub(crate) fn has(&self, peer: u32) -> bool {
        self.bits[peer as usize / 64] & (1 << (peer % 64)) != 0
    }

    fn add(&mut self, peer: u32) {
        self.bits[peer as usize / 64] |= 1 << (peer % 64);
    }
}

/// A peer that was chosen. Each must come back by [`Group::release`], exactly once.
#[derive(Debug)]
#[must_use = "a pick that is not released holds a place at its peer for ever"]
pub struct Pick {
    /// Which.
    pub peer: u32,
    /// It was out: this request is the test.
    pub trial: bool,
    // The peer's one trial under way is this one.
    holds: bool,
    began: Millis,
}

impl Pick {
    pub(crate) fn is_sole_trial(&self) -> bool {
        self.holds
    }
}

/// How a pick ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The peer answered.
    Success,
    /// The peer failed.
    Failure(Reason),
    /// Nothing was learned about the peer.
    Neutral,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight {
    pub(crate) current: i64,
    effective: i64,
}

/// A group of peers in one worker: weights, idle connections, and the shared state.
#[derive(Debug)]
pub struct Group {
    pub(crate) plan: GroupPlan,
    pub(crate) state: Arc<GroupState>,
    pub(crate) weights: Vec<Weight>,
    pub(crate) primaries: Vec<u32>,
    pub(crate) backups: Vec<u32>,
    pub(crate) map: Map,
    pub(crate) last_bound: Option<u32>,
    // nginx's word for one primary address and no backup.
    single: bool,
    never_ejects: bool,
    up: u32,
    pub(crate) pool: Pool,
    pub(crate) rings: Vec<Ring>,
    random: u64,
    // Who waits for a peer, by the driver's number; and whether one may be free.
    pub(crate) waiters: VecDeque<u64>,
    pub(crate) freed: bool,
    // Places at peers that may be free without a kept connection, for those who wait for one.
    pub(crate) spare: u32,
}

impl Group {
    /// A worker's group over a state that others may share. `seed` is all the randomness there is.
    pub fn new(plan: GroupPlan, state: Arc<GroupState>, seed: u64) -> Result<Self, PlanError> {
        plan.check()?;
        let peers = plan.peers.len() as u32;
        if state.peers() != peers {
            return Err(PlanError::OtherState);
        }
        let list = |backup| {
            (0..peers)
                .filter(|&peer| plan.peers[peer as usize].backup == backup)
                .collect()
        };
        let weight = |peer: &PeerPlan| Weight {
            current: 0,
            effective: i64::from(peer.weight),
        };
        Ok(Self {
            weights: plan.peers.iter().map(weight).collect(),
            map: Map::new(&plan),
            last_bound: None,
            primaries: list(false),
            backups: list(true),
            single: plan.is_single(),
            never_ejects: plan.never_ejects(),
            up: plan.up(),
            pool: Pool::new(&plan.keepalive, peers, plan.rules.idle),
            rings: vec![Ring::default(); plan.peers.len()],
            random: seed,
            waiters: VecDeque::new(),
            freed: false,
            spare: 0,
            plan,
            state,
        })
    }

    /// What it was made from.
    pub fn plan(&self) -> &GroupPlan {
        &self.plan
    }

    /// What is known about its peers.
    pub fn state(&self) -> &Arc<GroupState> {
        &self.state
    }

    pub(crate) fn up(&self) -> u32 {
        self.up
    }

    pub(crate) fn peer_state(&self, peer: u32) -> &PeerState {
        self.state.at(peer)
    }

    // splitmix64: spread is all that jitter wants.
    pub(crate) fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }

    /// Chooses a peer for a request, as nginx does; with `last_peer`, a trial when all are out.
    pub fn pick(&mut self, now: Millis, tried: &mut Tried) -> Option<Pick> {
        let pick = self.select(now, tried)?;
        Some(self.begun(pick, now, tried))
    }

    /// Chooses a peer to which a connection is kept, whoever's turn it is.
    pub(crate) fn pick_kept(&mut self, scope: u32, now: Millis, tried: &mut Tried) -> Option<Pick> {
        let peers = 0..self.plan.peers.len() as u32;
        let kept = |peer| self.keeps(peer, scope) && self.usable(peer, now / 1000, tried);
        let peer = peers.into_iter().find(|&peer| kept(peer))?;
        let (trial, holds) = self.claim(peer, now / 1000)?;
        let pick = self.picked(peer, tried, trial, holds);
        Some(self.begun(pick, now, tried))
    }

    fn begun(&mut self, mut pick: Pick, now: Millis, tried: &Tried) -> Pick {
        // One who is bound to nobody that is here counts as bound to whom it gets.
        self.last_bound = tried.wish.sid.map(|_| pick.peer);
        if self.plan.balance.counts_time() {
            pick.began = now;
            self.state.at(pick.peer).times.begin(now);
        }
        pick
    }

    fn select(&mut self, now: Millis, tried: &mut Tried) -> Option<Pick> {
        if self.single {
            let peer = self.primaries[0];
            let plan = &self.plan.peers[peer as usize];
            let bound = plan.sid.is_some() && plan.sid == tried.wish.sid;
            let up = !plan.down && (!plan.drain || bound);
            return (up && self.occupy(peer)).then(|| self.picked(peer, tried, false, false));
        }
        if !tried.backups {
            if let Some(pick) = self.choose(false, now, tried) {
                return Some(pick);
            }
            tried.backups = !self.backups.is_empty();
        }
        if tried.backups
            && let Some(pick) = self.choose(true, now, tried)
        {
            return Some(pick);
        }
        if self.plan.rules.last_peer {
            self.last_resort(now, tried)
        } else {
            None
        }
    }

    pub(crate) fn picked(
        &mut self,
        peer: u32,
        tried: &mut Tried,
        trial: bool,
        holds: bool,
    ) -> Pick {
        tried.add(peer);
        count(&self.state.at(peer).counters.picks);
        Pick {
            peer,
            trial,
            holds,
            began: 0,
        }
    }

    fn choose(&mut self, backups: bool, now: Millis, tried: &mut Tried) -> Option<Pick> {
        let ms = now;
        let now = now / 1000;
        if tried.wish.sid.is_some()
            && let Some(pick) = self.bound(backups, now, tried)
        {
            return Some(pick);
        }
        if !backups
            && self.plan.balance.seeks()
            && let Some(pick) = self.seek(now, tried)
        {
            return Some(pick);
        }
        // Another worker may take the last place or the trial meanwhile; then it is not usable any more.
        loop {
            let peer = match self.plan.balance {
                Balance::LeastConn => self.least_busy(backups, now, tried)?,
                Balance::LeastTime { .. } => self.quickest(backups, ms, tried)?,
                // What the others seek and don't find.
                _ => self.smoothest(backups, now, tried, |_| true)?,
            };
            if let Some((trial, holds)) = self.claim(peer, now) {
                return Some(self.picked(peer, tried, trial, holds));
            }
        }
    }

    pub(crate) fn usable(&self, peer: u32, now: u64, tried: &Tried) -> bool {
        !self.plan.peers[peer as usize].drain && self.fit(peer, now, tried)
    }

    // A peer that drains is still fit for those who are bound to it.
    pub(crate) fn fit(&self, peer: u32, now: u64, tried: &Tried) -> bool {
        let (plan, state) = (&self.plan.peers[peer as usize], self.state.at(peer));
        !tried.has(peer)
            && !plan.down
            && !self.is_out(peer, now)
            && (plan.max_conns == 0 || state.conns.load(Relaxed) < plan.max_conns)
    }

    // nginx's test, in whole seconds; then what the rules add to it.
    pub(crate) fn is_out(&self, peer: u32, now: u64) -> bool {
        let (plan, state) = (&self.plan.peers[peer as usize], self.state.at(peer));
        if !self.has_failed(peer) {
            return false;
        }
        now.saturating_sub(state.checked.load(Relaxed)) <= plan.fail_timeout / 1000
            || state.is_dark()
            || (self.plan.rules.last_peer && state.trial.load(Relaxed))
    }

    fn has_failed(&self, peer: u32) -> bool {
        let max = self.plan.peers[peer as usize].max_fails;
        max > 0 && !self.never_ejects && self.state.at(peer).fails.load(Relaxed) >= max
    }

    pub(crate) fn smoothest(
        &mut self,
        backups: bool,
        now: u64,
        tried: &Tried,
        among: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let mut best: Option<u32> = None;
        let mut total = 0;
        let list = if backups {
            &self.backups
        } else {
            &self.primaries
        };
        for &peer in list {
            if among(peer) && self.usable(peer, now, tried) {
                total += turn(&mut self.weights, &self.plan, &self.state, (peer, now));
                let current = self.weights[peer as usize].current;
                if best.is_none_or(|best| current > self.weights[best as usize].current) {
                    best = Some(peer);
                }
            }
        }
        let best = best?;
        self.weights[best as usize].current -= total;
        Some(best)
    }

    // A turn of the round robin that is decided already.
    pub(crate) fn take_turn(&mut self, backups: bool, winner: u32, now: u64, tried: &Tried) {
        let list = if backups {
            &self.backups
        } else {
            &self.primaries
        };
        let mut total = 0;
        for &peer in list {
            if peer == winner || self.usable(peer, now, tried) {
                total += turn(&mut self.weights, &self.plan, &self.state, (peer, now));
            }
        }
        self.weights[winner as usize].current -= total;
    }

    // Takes a place at the peer: (it is a trial, the trial is ours alone).
    pub(crate) fn claim(&self, peer: u32, now: u64) -> Option<(bool, bool)> {
        let (plan, state) = (&self.plan.peers[peer as usize], self.state.at(peer));
        let trial = self.has_failed(peer);
        let holds = trial && self.plan.rules.last_peer;
        if holds && state.trial.swap(true, Relaxed) {
            return None;
        }
        let checked = state.checked.load(Relaxed);
        let due = now.saturating_sub(checked) > plan.fail_timeout / 1000;
        let first = !due
            || state
                .checked
                .compare_exchange(checked, now, Relaxed, Relaxed)
                .is_ok();
        if (trial && !first) || !self.occupy(peer) {
            if holds {
                state.trial.store(false, Relaxed);
            }
            return None;
        }
        Some((trial, holds))
    }

    fn occupy(&self, peer: u32) -> bool {
        let (max, conns) = (
            self.plan.peers[peer as usize].max_conns,
            &self.state.at(peer).conns,
        );
        if max == 0 {
            conns.fetch_add(1, Relaxed);
            return true;
        }
        conns
            .fetch_update(Relaxed, Relaxed, |n| (n < max).then_some(n + 1))
            .is_ok()
    }

    // When every peer is out: one live trial a peer at a time, first where a connect has not just failed.
    fn last_resort(&mut self, now: Millis, tried: &mut Tried) -> Option<Pick> {
        let peers = 0..self.plan.peers.len() as u32;
        if !self.all_ejected() {
            return None;
        }
        for dark in [false, true] {
            for peer in peers.clone() {
                let state = self.state.at(peer);
                if !self.plan.peers[peer as usize].is_open()
                    || tried.has(peer)
                    || state.is_dark() != dark
                    || state.trial.swap(true, Relaxed)
                {
                    continue;
                }
                if self.occupy(peer) {
                    state.checked.store(now / 1000, Relaxed);
                    return Some(self.picked(peer, tried, true, true));
                }
                state.trial.store(false, Relaxed);
            }
        }
        None
    }

    #[expect(clippy::needless_pass_by_value, reason = "a released pick is gone")]
    /// Ends a pick: the only way by which health learns anything about a request.
    pub fn release(&mut self, pick: Pick, outcome: Outcome, now: Millis) -> Option<Notice> {
        let notice = match outcome {
            Outcome::Success => self.succeed(&pick, now),
            Outcome::Failure(reason) => self.fail(pick.peer, reason, pick.trial, now),
            Outcome::Neutral => None,
        };
        let state = self.state.at(pick.peer);
        state.conns.fetch_sub(1, Relaxed);
        self.freed |= self.plan.queue.is_some();
        if pick.began > 0 {
            state.times.end(pick.began);
        }
        if pick.holds {
            state.trial.store(false, Relaxed);
        }
        notice
    }

    /// The header of a trial's response is here: the peer is back, however long the body takes.
    pub(crate) fn prove(&mut self, pick: &mut Pick, now: Millis) -> Option<Notice> {
        if !pick.holds {
            return None;
        }
        let notice = self.succeed(pick, now);
        self.state.at(pick.peer).trial.store(false, Relaxed);
        pick.holds = false;
        notice
    }

    fn succeed(&self, pick: &Pick, now: Millis) -> Option<Notice> {
        let state = self.state.at(pick.peer);
        if self.single || (state.fails.load(Relaxed) == 0 && !state.is_ejected()) {
            return None;
        }
        let tested = state.accessed.load(Relaxed) < state.checked.load(Relaxed) && !state.is_dark();
        if !tested && !pick.holds {
            return None;
        }
        let back = state.recover(now)?;
        let notice = Notice::Recovered {
            peer: pick.peer,
            out_for: back.out_for,
            probes: back.probes,
        };
        self.plan.rules.tells_changes().then_some(notice)
    }

    /// Charges a failure to a peer that was released already.
    pub(crate) fn charge(&mut self, peer: u32, reason: Reason, now: Millis) -> Option<Notice> {
        self.fail(peer, reason, false, now)
    }

    fn fail(&mut self, peer: u32, reason: Reason, trial: bool, now: Millis) -> Option<Notice> {
        let (plan, rules) = (&self.plan.peers[peer as usize], self.plan.rules);
        let state = self.state.at(peer);
        count(&state.counters.failures);
        if reason == Reason::Refused {
            // Another server may come up in its place, with another time-out.
            state.forget(now);
        }
        if self.never_ejects {
            return None;
        }
        let fails = state.fails.fetch_add(1, Relaxed).saturating_add(1);
        state.accessed.store(now / 1000, Relaxed);
        state.checked.store(now / 1000, Relaxed);
        if plan.max_fails == 0 {
            return None;
        }
        let weight = &mut self.weights[peer as usize];
        weight.effective = (weight.effective - i64::from(plan.weight / plan.max_fails)).max(0);
        if fails < plan.max_fails {
            return None;
        }
        let reachable = !reason.is_connecting();
        if rules.last_peer && reachable && !state.is_ejected() && !self.others_available(peer) {
            state.fails.store(plan.max_fails - 1, Relaxed);
            return None;
        }
        let first = state.eject(reason, rules.probe && !reachable, trial, now);
        (first || !rules.tells_changes()).then_some(Notice::Ejected { peer, reason })
    }

    /// Whether every peer that is not `down` is out.
    pub(crate) fn all_ejected(&self) -> bool {
        !self.never_ejects && !self.others_available(NO_PEER)
    }

    fn others_available(&self, peer: u32) -> bool {
        (0..self.plan.peers.len() as u32).any(|other| {
            other != peer
                && self.plan.peers[other as usize].is_open()
                && !self.state.at(other).is_ejected()
        })
    }
}

// One peer's turn in the smooth round robin; gives what it adds to the total.
pub(crate) fn turn(
    weights: &mut [Weight],
    plan: &GroupPlan,
    state: &GroupState,
    (peer, now): (u32, u64),
) -> i64 {
    let weight = &mut weights[peer as usize];
    let of = &plan.peers[peer as usize];
    let mut added = weight.effective;
    if plan.slow_start {
        added = state.at(peer).warmed(added, of.slow_start, now * 1000);
    }
    weight.current += added;
    if weight.effective < i64::from(of.weight) {
        weight.effective += 1;
    }
    added
}

#[cfg(test)]
#[path = "balance_tests.rs"]
mod tests;
