//! Which idle connection to use again, and which to close, over ids: the sockets are the driver's.
//!
//! A key stands for one peer within one scope. The pool holds more than its size for the length of a
//! turn: what one answer leaves, the next request takes, and only what nobody took by then is closed.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::idle::safe_idle;
use crate::plan::{KeepalivePlan, Millis};

/// A connection, by the number that the driver gave it; unique among a group's live connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(pub u64);

/// A connection that goes into the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Which.
    pub conn: ConnId,
    /// When it was made.
    pub opened_at: Millis,
    /// When its last response ended.
    pub idle_since: Millis,
    /// Requests it has carried.
    pub requests: u32,
    /// What the peer says about its idle time-out (`Keep-Alive: timeout=`).
    pub hint: Option<Millis>,
    /// The time to the peer and back, as far as known.
    pub rtt: Millis,
}

/// A connection that is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    /// Which.
    pub conn: ConnId,
    /// When it was made.
    pub opened_at: Millis,
    /// How long it has been idle.
    pub idle_for: Millis,
    /// Requests it has carried.
    pub requests: u32,
    /// What the peer said last about its idle time-out.
    pub hint: Option<Millis>,
}

const NONE: u32 = u32::MAX;
/// Connections that a pool has room for from the beginning.
const ROOM: u32 = 256;
/// How many times its size a pool may hold within a turn.
const BRIMFUL: u32 = 4;

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    after: u32,
}

const UNLINKED: Link = Link {
    before: NONE,
    after: NONE,
};

#[derive(Clone, Debug)]
struct Slot {
    parked: Parked,
    key: u32,
    expires: Millis,
    // Among all connections, and among those of its key; newest first in both. Free slots chain by `all.after`.
    all: Link,
    same: Link,
}

// Connection numbers are the driver's own, so mixing is enough and no random seed is needed.
#[derive(Clone, Copy, Debug, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 29);
    }
}

/// The idle connections of one group in one worker.
#[derive(Debug)]
pub(crate) struct Pool {
    plan: KeepalivePlan,
    learns: bool,
    slots: Vec<Slot>,
    by_conn: HashMap<ConnId, u32, BuildHasherDefault<Mix>>,
    // The newest of each key.
    keys: Vec<u32>,
    newest: u32,
    oldest: u32,
    free: u32,
    // Not later than the first expiry.
    earliest: Millis,
    closing: Vec<ConnId>,
}

impl Pool {
    pub(crate) fn new(plan: &KeepalivePlan, peers: u32, learns: bool) -> Self {
        // A client has many pools that stay small.
        let size = plan.connections.min(ROOM) as usize;
        Self {
            plan: plan.clone(),
            learns,
            slots: Vec::with_capacity(size),
            // Twice the room, so that the map tidies up in place instead of growing.
            by_conn: HashMap::with_capacity_and_hasher(2 * size + 2, BuildHasherDefault::default()),
            keys: vec![NONE; peers as usize * plan.scopes as usize],
            newest: NONE,
            oldest: NONE,
            free: NONE,
            earliest: Millis::MAX,
            closing: Vec::with_capacity(size + 1),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_conn.len()
    }

    fn slot(&mut self, index: u32) -> &mut Slot {
        &mut self.slots[index as usize]
    }

    /// Takes a connection in. If it may not be kept it goes to the closing list; if there are too many now,
    /// `expire` is due at once.
    pub(crate) fn put(&mut self, key: u32, parked: Parked, learned: Option<Millis>, now: Millis) {
        let lifetime = now.saturating_sub(parked.opened_at);
        let mut idle = self.plan.timeout;
        if self.learns {
            for limit in [parked.hint, learned].into_iter().flatten() {
                idle = idle.min(safe_idle(limit, parked.rtt));
            }
        }
        let expires = parked.idle_since.saturating_add(idle);
        let fits = (key as usize) < self.keys.len() && self.plan.connections > 0;
        let young = parked.requests < self.plan.requests && lifetime <= self.plan.time;
        if !fits || !young || expires <= now {
            self.closing.push(parked.conn);
            return;
        }
        debug_assert!(
            !self.by_conn.contains_key(&parked.conn),
            "{:?} is idle already",
            parked.conn
        );
        if self.len() as u32 >= self.plan.connections.saturating_mul(BRIMFUL) {
            self.close_oldest();
        }
        let slot = Slot {
            parked,
            key,
            expires,
            all: UNLINKED,
            same: UNLINKED,
        };
        let index = self.free;
        let index = if index == NONE {
            self.slots.push(slot);
            self.slots.len() as u32 - 1
        } else {
            self.free = self.slots[index as usize].all.after;
            *self.slot(index) = slot;
            index
        };
        self.link(index);
        self.by_conn.insert(parked.conn, index);
        self.earliest = if self.overfull() {
            0
        } else {
            self.earliest.min(expires)
        };
    }

    fn overfull(&self) -> bool {
        self.len() as u32 > self.plan.connections
    }

    fn close_oldest(&mut self) {
        let evicted = self.unlink(self.oldest).conn;
        self.closing.push(evicted);
    }

    /// Whether the key has a connection, good or not.
    pub(crate) fn has(&self, key: u32) -> bool {
        self.keys.get(key as usize).is_some_and(|&at| at != NONE)
    }

    /// The most recently used connection of the key that is still good; others go to the closing list.
    pub(crate) fn take(&mut self, key: u32, learned: Option<Millis>, now: Millis) -> Option<Idle> {
        loop {
            let index = *self.keys.get(key as usize)?;
            if index == NONE {
                return None;
            }
            let expires = self.slot(index).expires;
            let parked = self.unlink(index);
            let idle_for = now.saturating_sub(parked.idle_since);
            // What was learned since it was put in counts as well.
            let doubtful = self.learns
                && learned.is_some_and(|limit| idle_for >= safe_idle(limit, parked.rtt));
            if now >= expires || doubtful {
                self.closing.push(parked.conn);
                continue;
            }
            return Some(Idle {
                conn: parked.conn,
                opened_at: parked.opened_at,
                idle_for,
                requests: parked.requests,
                hint: parked.hint,
            });
        }
    }

    /// Forgets a connection that the driver closes; its key and what was known of it.
    pub(crate) fn remove(&mut self, conn: ConnId) -> Option<(u32, Parked)> {
        let index = *self.by_conn.get(&conn)?;
        let key = self.slot(index).key;
        Some((key, self.unlink(index)))
    }

    /// The least recently used connection, to be taken out.
    pub(crate) fn pop_oldest(&mut self) -> Option<(u32, Parked)> {
        let index = self.oldest;
        if index == NONE {
            return None;
        }
        let key = self.slot(index).key;
        Some((key, self.unlink(index)))
    }

    /// Since when the least recently used connection has been idle.
    pub(crate) fn oldest(&self) -> Option<Millis> {
        let slot = self.slots.get(self.oldest as usize)?;
        Some(slot.parked.idle_since)
    }

    /// A time before which nothing is to be closed.
    pub(crate) fn next_expiry(&self) -> Option<Millis> {
        (self.len() > 0).then_some(self.earliest)
    }

    /// Moves what is past its time, and the oldest of what is too many, to the closing list.
    pub(crate) fn expire(&mut self, now: Millis) {
        if now < self.earliest {
            return;
        }
        self.earliest = Millis::MAX;
        let mut index = self.newest;
        while index != NONE {
            let Slot { all, expires, .. } = *self.slot(index);
            if now >= expires {
                let expired = self.unlink(index).conn;
                self.closing.push(expired);
            } else {
                self.earliest = self.earliest.min(expires);
            }
            index = all.after;
        }
        while self.overfull() {
            self.close_oldest();
        }
    }

    /// The next connection that the driver must close.
    pub(crate) fn take_closing(&mut self) -> Option<ConnId> {
        self.closing.pop()
    }

    fn link(&mut self, index: u32) {
        let key = self.slot(index).key as usize;
        let (newest, same) = (self.newest, self.keys[key]);
        self.slot(index).all.after = newest;
        self.slot(index).same.after = same;
        if newest == NONE {
            self.oldest = index;
        } else {
            self.slot(newest).all.before = index;
        }
        if same != NONE {
            self.slot(same).same.before = index;
        }
        self.newest = index;
        self.keys[key] = index;
    }

    fn unlink(&mut self, index: u32) -> Parked {
        let Slot {
            parked,
            key,
            all,
            same,
            ..
        } = *self.slot(index);
        match all.before {
            NONE => self.newest = all.after,
            before => self.slot(before).all.after = all.after,
        }
        match all.after {
            NONE => self.oldest = all.before,
            after => self.slot(after).all.before = all.before,
        }
        match same.before {
            NONE => self.keys[key as usize] = same.after,
            before => self.slot(before).same.after = same.after,
        }
        if same.after != NONE {
            self.slot(same.after).same.before = same.before;
        }
        self.slot(index).all.after = self.free;
        self.free = index;
        self.by_conn.remove(&parked.conn);
        parked
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
