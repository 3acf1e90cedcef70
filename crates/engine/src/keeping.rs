//! A group's idle connections: which of them a request gets, and what their ends teach.

use std::sync::atomic::Ordering::Relaxed;

use crate::balance::Group;
use crate::health::LEARNED_FOR;
use crate::plan::Millis;
use crate::pool::{ConnId, Idle, Parked};

impl Group {
    fn key(&self, peer: u32, scope: u32) -> u32 {
        let peers = self.plan.peers.len() as u32;
        if scope < self.plan.keepalive.scopes {
            scope * peers + peer
        } else {
            u32::MAX
        }
    }

    pub(crate) fn take_idle(&mut self, peer: u32, scope: u32, now: Millis) -> Option<Idle> {
        let learned = self.state.at(peer).learned(now);
        // What belongs to no location yet, a prober's connection, may serve any: the peer is the same.
        let unclaimed = (scope != 0).then(|| self.key(peer, 0));
        self.pool
            .take(self.key(peer, scope), learned, now)
            .or_else(|| self.pool.take(unclaimed?, learned, now))
    }

    pub(crate) fn keeps(&self, peer: u32, scope: u32) -> bool {
        self.pool.has(self.key(peer, scope)) || self.pool.has(self.key(peer, 0))
    }

    /// Puts an idle connection into the pool, or on the closing list if it can't be kept.
    pub fn park(&mut self, peer: u32, scope: u32, parked: Parked, now: Millis) {
        let learned = self.state.at(peer).learned(now);
        self.pool.put(self.key(peer, scope), parked, learned, now);
    }

    /// Takes the least recently used idle connection out, with its peer and scope: for another group's pool.
    pub fn unpark(&mut self) -> Option<(u32, u32, Parked)> {
        let (key, parked) = self.pool.pop_oldest()?;
        let peers = self.plan.peers.len() as u32;
        Some((key % peers, key / peers, parked))
    }

    /// An idle connection was seen readable, and is the driver's to close; `false` if the pool did not have it.
    ///
    /// `fin`: it was an end of file with nothing before it, which is what an idle time-out looks like.
    pub fn idle_closed(&mut self, conn: ConnId, fin: bool, now: Millis) -> bool {
        let Some((key, parked)) = self.pool.remove(conn) else {
            return false;
        };
        let peer = key % self.plan.peers.len() as u32;
        self.vacated(peer, false, false);
        if fin {
            self.learn(peer, now.saturating_sub(parked.idle_since), now);
        }
        true
    }

    pub(crate) fn learn(&mut self, peer: u32, idle: Millis, now: Millis) {
        if !self.plan.rules.idle {
            return;
        }
        let state = self.state.at(peer);
        let since = now
            .saturating_sub(LEARNED_FOR)
            .max(state.forgotten_at.load(Relaxed));
        if let Some(limit) = self.rings[peer as usize].close(idle, now, since) {
            state.learn(limit, now);
        }
    }

    /// Since when the least recently used idle connection has been idle.
    pub fn oldest_idle(&self) -> Option<Millis> {
        self.pool.oldest()
    }

    /// A time before which no idle connection expires.
    pub fn next_expiry(&self) -> Option<Millis> {
        self.pool.next_expiry()
    }

    /// Puts the idle connections that are past their time on the closing list.
    pub fn expire(&mut self, now: Millis) {
        self.pool.expire(now);
    }

    /// The next connection that the driver must close: evicted, expired, or not to be kept.
    pub fn take_closing(&mut self) -> Option<ConnId> {
        self.pool.take_closing()
    }

    /// How many idle connections it has.
    pub fn idle_connections(&self) -> usize {
        self.pool.len()
    }
}

#[cfg(test)]
#[path = "keeping_tests.rs"]
mod tests;
