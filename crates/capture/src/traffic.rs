//! How much was asked for, and how much of it failed, from logs that have a line for every request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::kept::name;
use crate::returns::Returns;

const SLOTS: usize = 512;
/// How many peers are counted on their own.
const PEERS: usize = 256;
/// Statuses below this have a place of their own.
const STATUSES: usize = 600;
/// The first status that says that the server's side failed.
const FAILED: u16 = 500;

/// Requests and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Share {
    requests: u64,
    failures: u64,
}

/// All requests of one kind of log. A failure is an answer of 500 or more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    requests: Histogram<SLOTS>,
    failures: Histogram<SLOTS>,
    statuses: BTreeMap<u16, u64>,
    /// By peer, where the log tells it: the last one that was tried.
    peers: BTreeMap<String, Share>,
    /// Requests to peers that are too many to be counted on their own.
    others: u64,
}

impl Traffic {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.requests.merge(&other.requests);
        self.failures.merge(&other.failures);
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (peer, share) in &other.peers {
            self.share(peer, *share);
        }
        self.others += other.others;
    }

    fn share(&mut self, peer: &str, share: Share) {
        let known = if let Some(known) = self.peers.get_mut(peer) {
            known
        } else if self.peers.len() < PEERS {
            self.peers.entry(peer.to_owned()).or_default()
        } else {
            self.others += share.requests;
            return;
        };
        known.requests += share.requests;
        known.failures += share.failures;
    }
}

/// Counts the requests of one block of lines: many in a row have the same second.
#[derive(Debug)]
pub struct Counter {
    traffic: Traffic,
    statuses: [u64; STATUSES],
    second: i64,
    here: Share,
    /// The time of the line before, as it was written, and what it stands for.
    written: Vec<u8>,
    at_ms: i64,
    returns: Returns,
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            traffic: Traffic::default(),
            statuses: [0; STATUSES],
            second: 0,
            here: Share::default(),
            written: Vec::new(),
            at_ms: 0,
            returns: Returns::default(),
        }
    }
}

impl Counter {
    /// What a time stands for: `read` is asked only where it is not that of the line before.
    pub(crate) fn moment(&mut self, written: &[u8], read: impl FnOnce() -> i64) -> i64 {
        if self.written != written {
            self.written.clear();
            self.written.extend_from_slice(written);
            self.at_ms = read();
        }
        self.at_ms
    }

    /// Counts a request. Without a time it is in no slot, without a peer in no share.
    pub fn request(&mut self, at_ms: i64, status: u16, peer: &[u8]) {
        let share = Share {
            requests: 1,
            failures: u64::from(status >= FAILED),
        };
        if let Some(count) = self.statuses.get_mut(usize::from(status)) {
            *count += 1;
        }
        let second = at_ms.div_euclid(1000);
        if second != self.second {
            self.flush();
            self.second = second;
        }
        self.here.requests += share.requests;
        self.here.failures += share.failures;
        if !peer.is_empty() {
            self.traffic.share(&name(peer), share);
        }
    }

    /// Notes that a try failed at a peer.
    pub(crate) fn failed(&mut self, peer: &[u8]) {
        self.returns.failed(peer);
    }

    /// The word for an answer that may be the first of a peer since a try failed there.
    pub(crate) fn returned(&mut self, status: u16, peer: &[u8]) -> Option<&'static str> {
        if status >= FAILED {
            return None;
        }
        self.returns.answered(peer)
    }

    /// Who failed and who answered; it is noted anew from now on.
    pub(crate) fn returns(&mut self) -> Returns {
        std::mem::take(&mut self.returns)
    }

    /// All that was counted; `None` where nothing was.
    pub fn finish(mut self) -> Option<Traffic> {
        self.flush();
        for (status, &count) in (0..).zip(&self.statuses) {
            if count > 0 {
                self.traffic.statuses.insert(status, count);
            }
        }
        (self.traffic != Traffic::default()).then_some(self.traffic)
    }

    fn flush(&mut self) {
        let here = std::mem::take(&mut self.here);
        if self.second == 0 {
            return;
        }
        let at_ms = self.second * 1000;
        if here.requests > 0 {
            self.traffic.requests.add(at_ms, here.requests);
        }
        if here.failures > 0 {
            self.traffic.failures.add(at_ms, here.failures);
        }
    }
}
