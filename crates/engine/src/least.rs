//! The peer with the least of something: requests under way, or time.

use std::sync::atomic::Ordering::Relaxed;

use crate::balance::{Group, Tried, turn};

impl Group {
    // Requests under way for its weight, to be compared crosswise.
    pub(crate) fn load(&self, peer: u32, other: u32) -> u64 {
        let conns = self.state.at(peer).conns.load(Relaxed);
        u64::from(conns) * u64::from(self.plan.peers[other as usize].weight)
    }

    pub(crate) fn least_busy(&mut self, backups: bool, now: u64, tried: &Tried) -> Option<u32> {
        self.lightest(backups, now, tried, Self::load)
    }

    /// The one with the least load; round robin among equals. Loads are compared crosswise.
    pub(crate) fn lightest(
        &mut self,
        backups: bool,
        now: u64,
        tried: &Tried,
        load: impl Fn(&Self, u32, u32) -> u64,
    ) -> Option<u32> {
        let list = if backups {
            &self.backups
        } else {
            &self.primaries
        };
        let mut best: Option<(usize, u32)> = None;
        let mut many = false;
        for (at, &peer) in list.iter().enumerate() {
            if !self.usable(peer, now, tried) {
                continue;
            }
            match best {
                Some((_, best)) if load(self, peer, best) > load(self, best, peer) => {}
                Some((_, best)) if load(self, peer, best) == load(self, best, peer) => many = true,
                _ => (best, many) = (Some((at, peer)), false),
            }
        }
        let (from, first) = best?;
        let mut best = first;
        let mut total = 0;
        if many {
            for at in from..list.len() {
                let list = if backups {
                    &self.backups
                } else {
                    &self.primaries
                };
                let peer = list[at];
                if load(self, peer, best) != load(self, best, peer)
                    || !self.usable(peer, now, tried)
                {
                    continue;
                }
                total += turn(&mut self.weights, &self.plan, &self.state, (peer, now));
                if self.weights[peer as usize].current > self.weights[best as usize].current {
                    best = peer;
                }
            }
        }
        self.weights[best as usize].current -= total;
        Some(best)
    }
}
