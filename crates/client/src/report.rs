//! What is known of a request's tries. Collected cheaply while they are made; put into words when asked.

use std::sync::Arc;

use surehop_engine::{Attempt, Cause, NO_PEER};
use surehop_hop::connections::Ends;
use surehop_hop::socket::Address;

/// What reports call a target and its peers.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The target.
    pub target: String,
    /// Its peers.
    pub peers: Vec<String>,
}

/// One address that was tried.
#[derive(Clone, Debug)]
pub struct Contact {
    /// The try it belongs to.
    pub at: usize,
    /// The address.
    pub address: Address,
    /// Why it could not be reached, if it could not.
    pub cause: Option<Cause>,
    /// The system's error number, or 0.
    pub errno: i32,
    /// Milliseconds.
    pub took: u64,
}

/// What a request met.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What things are called.
    pub names: Arc<Names>,
    /// A Node-like code or a sentence, where the last cause alone does not say it.
    pub error: String,
    /// Whose time ran out: `pool`, `total`, `per_try`, `connect`, `write` or `read`.
    pub timeout: Option<&'static str>,
    /// The engine's record of each try.
    pub attempts: Vec<Attempt>,
    /// The connection of each try, as far as there was one.
    pub ends: Vec<Option<Arc<Ends>>>,
    /// Every address that was tried.
    pub contacts: Vec<Contact>,
}

impl Report {
    /// The connection of try number `at`.
    pub fn note_ends(&mut self, at: usize, ends: Option<Arc<Ends>>) {
        if self.ends.len() <= at {
            self.ends.resize(at + 1, None);
        }
        self.ends[at] = ends;
    }

    /// The connection of try number `at`, if it had one.
    pub fn ends_of(&self, at: usize) -> Option<&Ends> {
        self.ends.get(at)?.as_deref()
    }

    /// What the peer of a try is called.
    pub fn peer_of(&self, attempt: &Attempt) -> &str {
        if attempt.peer == NO_PEER {
            return &self.names.target;
        }
        let name = self.names.peers.get(attempt.peer as usize);
        name.map_or("", String::as_str)
    }
}
