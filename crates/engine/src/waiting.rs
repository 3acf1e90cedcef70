//! The queue of a group: who waits in this worker, and whom to call when a peer may be free.

use std::sync::atomic::Ordering::Relaxed;

use crate::balance::{Group, Tried};
use crate::plan::Millis;

/// Whom to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The one who waited longest here.
    Here(u64),
    /// Nobody waits here; somebody waits at another worker.
    Elsewhere,
}

impl Group {
    /// Puts somebody into the queue, by a number of the driver's; `again`: in front.
    pub fn wait(&mut self, who: u64, again: bool) {
        if again {
            self.waiters.push_front(who);
        } else {
            self.waiters.push_back(who);
        }
    }

    /// Whether it has not been called yet.
    pub fn waits(&self, who: u64) -> bool {
        self.waiters.contains(&who)
    }

    /// Takes it out of the queue: it has gone, or has waited long enough.
    pub fn unwait(&mut self, who: u64) {
        self.waiters.retain(|other| *other != who);
    }

    /// A peer may be free now.
    pub(crate) fn freed(&mut self) {
        self.freed = true;
    }

    /// A request at `peer` is over, and somebody may wait for its connection: `kept`, or gone, so that the peer
    /// may take another; `shut`: the peer did not want it.
    pub(crate) fn vacated(&mut self, peer: u32, kept: bool, shut: bool) {
        if self.plan.queue.is_some() || self.state.waiting() == 0 {
            return;
        }
        // Once nothing of ours is under way there is nothing to wait for.
        if !kept && shut && self.under_way(peer) > 0 {
            return;
        }
        self.spare += u32::from(!kept);
        self.freed = true;
    }

    /// How many requests of ours are under way at a peer.
    pub(crate) fn under_way(&self, peer: u32) -> u32 {
        self.state.at(peer).conns.load(Relaxed)
    }

    /// Takes a place that may be free.
    pub(crate) fn take_spare(&mut self) -> bool {
        let some = self.spare > 0;
        self.spare = self.spare.saturating_sub(1);
        some
    }

    /// One who waited for a connection goes; what it was called for goes to the next.
    pub(crate) fn passed_on(&mut self) {
        self.state.leave();
        if self.state.waiting() == 0 {
            self.spare = 0;
        } else {
            self.freed |= self.spare > 0 || self.idle_connections() > 0;
        }
    }

    /// Whom to call since a peer may be free; to be asked after everything that may have freed one.
    pub fn take_call(&mut self) -> Option<Call> {
        if !std::mem::take(&mut self.freed) {
            return None;
        }
        match self.waiters.pop_front() {
            Some(who) => Some(Call::Here(who)),
            None => (self.state.waiting() > 0).then_some(Call::Elsewhere),
        }
    }

    /// Whom to call since a peer was freed at another worker.
    pub fn call(&mut self) -> Option<u64> {
        self.waiters.pop_front()
    }

    /// Whether there is a peer that would be chosen if it had fewer requests.
    pub(crate) fn is_full(&self, now: Millis, tried: &Tried) -> bool {
        (0..self.plan.peers.len() as u32).any(|peer| {
            let (plan, state) = (&self.plan.peers[peer as usize], self.state.at(peer));
            let full = plan.max_conns > 0 && state.conns.load(Relaxed) >= plan.max_conns;
            full && self.would_do(peer, now / 1000, tried)
        })
    }

    // Whether only its number of requests may keep it from being chosen.
    fn would_do(&self, peer: u32, now: u64, tried: &Tried) -> bool {
        let plan = &self.plan.peers[peer as usize];
        let bound = plan.sid.is_some() && plan.sid == tried.wish.sid;
        !tried.has(peer) && !plan.down && (!plan.drain || bound) && !self.is_out(peer, now)
    }
}

#[cfg(test)]
#[path = "waiting_tests.rs"]
mod tests;
