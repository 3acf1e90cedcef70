//! Methods that look for a peer by a key or by chance: `ip_hash`, `hash`, `random`; and the peer that a
//! client is bound to (`sticky`). What they don't find, round robin does, as in nginx.

use crate::balance::{Group, Pick, Tried};
use crate::hash::{self, Ring};
use crate::plan::{Balance, GroupPlan};

// nginx's limit, for a request with all its tries.
const LOOKS: u32 = 20;

/// What a request wants of the balancer besides a peer. Given before the session begins.
#[derive(Debug, Default)]
pub struct Wish {
    /// The key of `hash`; the address of the client for `ip_hash`: three bytes of an IPv4 address.
    pub key: Vec<u8>,
    /// The session id that the request is bound to.
    pub sid: Option<u32>,
}

/// How far a request has looked.
#[derive(Debug, Default)]
pub(crate) struct Search {
    looks: u32,
    hash: u32,
    again: u32,
    begun: bool,
}

/// What the methods know about a group.
#[derive(Debug, Default)]
pub(crate) struct Map {
    total: u64,
    ring: Ring,
    // For each peer the first one with its name.
    places: Vec<u32>,
}

impl Map {
    pub(crate) fn new(plan: &GroupPlan) -> Self {
        let primaries = || plan.peers.iter().zip(0..).filter(|(peer, _)| !peer.backup);
        let total = primaries().map(|(peer, _)| u64::from(peer.weight)).sum();
        if plan.balance != Balance::Consistent {
            return Self {
                total,
                ..Self::default()
            };
        }
        let place = |name: &[u8]| {
            let mut same = primaries().filter(|(peer, _)| peer.name == name);
            same.next().map_or(0, |(_, at)| at)
        };
        Self {
            total,
            ring: Ring::new(
                primaries().map(|(peer, _)| (place(&peer.name), &peer.name[..], peer.weight)),
            ),
            places: plan.peers.iter().map(|peer| place(&peer.name)).collect(),
        }
    }
}

impl Group {
    /// Looks for a primary by the group's method; none if round robin must decide.
    pub(crate) fn seek(&mut self, now: u64, tried: &mut Tried) -> Option<Pick> {
        if self.primaries.len() < 2 {
            return None;
        }
        let keyed = matches!(self.plan().balance, Balance::Hash | Balance::Consistent);
        if keyed && tried.wish.key.is_empty() {
            return None;
        }
        let mut other = None;
        while tried.search.looks <= LOOKS {
            let found = match self.plan().balance {
                Balance::IpHash => self.by_address(tried),
                Balance::Hash => self.by_key(tried),
                Balance::Consistent => self.by_ring(now, tried),
                Balance::Random => self.by_chance(),
                Balance::RandomTwo => self.by_two_chances(now, tried, &mut other),
                Balance::RoundRobin | Balance::LeastConn | Balance::LeastTime { .. } => {
                    return None;
                }
            };
            if let Some(peer) = found.filter(|&peer| self.usable(peer, now, tried))
                && let Some((trial, holds)) = self.claim(peer, now)
            {
                return Some(self.picked(peer, tried, trial, holds));
            }
            tried.search.looks += 1;
        }
        None
    }

    fn by_address(&self, tried: &mut Tried) -> Option<u32> {
        let search = &mut tried.search;
        if !search.begun {
            (search.begun, search.hash) = (true, 89);
        }
        search.hash = hash::address(search.hash, &tried.wish.key);
        self.at_weight(u64::from(search.hash))
    }

    fn by_key(&self, tried: &mut Tried) -> Option<u32> {
        let search = &mut tried.search;
        let more = hash::key(&tried.wish.key, search.again);
        search.hash = search.hash.wrapping_add(more);
        search.again += 1;
        self.at_weight(u64::from(search.hash))
    }

    fn by_chance(&mut self) -> Option<u32> {
        let chance = self.random();
        self.at_weight(chance)
    }

    // The first that is drawn and usable waits for another to be compared with.
    fn by_two_chances(&mut self, now: u64, tried: &Tried, other: &mut Option<u32>) -> Option<u32> {
        let peer = self.by_chance()?;
        if *other == Some(peer) || !self.usable(peer, now, tried) {
            return None;
        }
        let Some(first) = *other else {
            *other = Some(peer);
            return None;
        };
        Some(self.quieter(first, peer))
    }

    // Whose share of all weights that is.
    fn at_weight(&self, chance: u64) -> Option<u32> {
        let mut rest = chance % self.map.total.max(1);
        for &peer in &self.primaries {
            let weight = u64::from(self.plan().peers[peer as usize].weight);
            if rest < weight {
                return Some(peer);
            }
            rest -= weight;
        }
        None
    }

    fn quieter(&self, first: u32, second: u32) -> u32 {
        if self.load(second, first) > self.load(first, second) {
            first
        } else {
            second
        }
    }

    // Among the peers of a name, round robin decides.
    fn by_ring(&mut self, now: u64, tried: &mut Tried) -> Option<u32> {
        let search = &mut tried.search;
        if !search.begun {
            (search.begun, search.hash) = (true, self.map.ring.find(&tried.wish.key));
        }
        let place = self.map.ring.place(search.hash)?;
        let places = std::mem::take(&mut self.map.places);
        let best = self.smoothest(false, now, tried, |peer| places[peer as usize] == place);
        self.map.places = places;
        if best.is_none() {
            tried.search.hash = tried.search.hash.wrapping_add(1);
        }
        best
    }

    /// The peer that the client is bound to, unless it is out; the first of several.
    pub(crate) fn bound(&mut self, backups: bool, now: u64, tried: &mut Tried) -> Option<Pick> {
        let sid = tried.wish.sid?;
        let list = if backups {
            &self.backups
        } else {
            &self.primaries
        };
        let peers = &self.plan().peers;
        let mut own = list
            .iter()
            .copied()
            .filter(|&peer| peers[peer as usize].sid == Some(sid));
        let peer = own.find(|&peer| self.fit(peer, now, tried))?;
        let (trial, holds) = self.claim(peer, now)?;
        // It is a turn of the round robin, so that the others get the new clients. A row of requests that
        // are bound to one peer is one turn: it must not keep new clients away for long.
        if self.last_bound != Some(peer) {
            self.take_turn(backups, peer, now, tried);
        }
        self.last_bound = Some(peer);
        Some(self.picked(peer, tried, trial, holds))
    }
}

#[cfg(test)]
#[path = "seek_tests.rs"]
mod tests;
