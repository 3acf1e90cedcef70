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
