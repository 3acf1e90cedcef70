//! How many may come, and how fast: the zones of `limit_req` and `limit_conn`, shared by all workers.
//!
//! Only requests that are limited come here, so a lock a zone is all right.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Deserialize;
use slab::Slab;
use surehop_hop::clock::Millis;

use crate::plan::Text;
use crate::template::Template;

/// A request, in the unit that is counted in.
const ONE: i64 = 1000;
/// The clock may go back that far before a jump is suspected.
const JUMP: i64 = 60_000;
/// Where a list ends.
const NONE: usize = usize::MAX;
/// What nginx's allocator keeps for itself, and what it has for each page besides the page.
const POOL: usize = 1024;
const PAGE: usize = 4096;
const PAGE_BOOK: usize = 24;

/// A zone as it crosses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ZonePlan {
    pub name: Text,
    pub size: usize,
    pub key: Template,
    /// The key as the configuration has it.
    pub written: Text,
    /// Thousandths of a request a second; none where connections are counted.
    pub rate: Option<i64>,
}

/// A zone, whose books outlive the configuration.
#[derive(Debug)]
pub struct Zone {
    /// As it came.
    pub plan: ZonePlan,
    books: OnceLock<Arc<Mutex<Books>>>,
}

/// What is known of the keys.
#[derive(Debug)]
struct Books {
    ids: HashMap<Box<[u8]>, usize>,
    entries: Slab<Entry>,
    newest: usize,
    oldest: usize,
    free: usize,
}

#[derive(Debug)]
struct Entry {
    key: Box<[u8]>,
    newer: usize,
    older: usize,
    /// When it was last counted; none if it was not yet.
    last: Option<Millis>,
    excess: i64,
    /// Who needs it to stay: requests between two zones, or connections.
    held: u64,
}

/// What a zone says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It was counted.
    Counted(i64),
    /// It may pass, and is to be counted once the other zones agree.
    Held(usize),
    /// It is too much.
    Busy(i64),
    /// There is no room for its key.
    Full,
}

/// A connection that is counted as long as this is there.
#[derive(Debug)]
pub struct Counted {
    books: Arc<Mutex<Books>>,
    id: usize,
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Zone {
    /// A zone of a plan.
    pub fn new(plan: ZonePlan) -> Self {
        Self {
            plan,
            books: OnceLock::new(),
        }
    }

    fn books(&self) -> &Arc<Mutex<Books>> {
        self.books
            .get_or_init(|| Arc::new(Mutex::new(Books::new(self.plan.size))))
    }

    /// Goes on with the books of an old zone of the same name. The error is nginx's sentence.
    pub fn adopt(&self, old: &Self) -> Result<(), String> {
        if self.plan.rate.is_some() != old.plan.rate.is_some() || self.plan.size != old.plan.size {
            return Ok(());
        }
        if self.plan.written != old.plan.written {
            return Err(format!(
                "{} \"{}\" uses the \"{}\" key while previously it used the \"{}\" key",
                if self.plan.rate.is_some() {
                    "limit_req"
                } else {
                    "limit_conn_zone"
                },
                self.plan.name.show(),
                self.plan.written.show(),
                old.plan.written.show()
            ));
        }
        let _ = self.books.set(old.books().clone());
        Ok(())
    }

    fn rate(&self) -> i64 {
        self.plan.rate.unwrap_or(0)
    }

    /// Asks whether one more request of this key is within `burst`. `last`: no other zone is asked after it.
    pub fn ask(&self, key: &[u8], now: Millis, burst: i64, last: bool) -> Said {
        let mut books = lock(self.books());
        if let Some(&id) = books.ids.get(key) {
            books.rise(id);
            let entry = &mut books.entries[id];
            let excess = entry.excess_at(self.rate(), now);
            if excess > burst {
                return Said::Busy(excess);
            }
            if last {
                entry.count(excess, now);
                return Said::Counted(excess);
            }
            entry.held += 1;
            return Said::Held(id);
        }
        let need = room(80, key.len());
        books.expire(self.rate(), now, false);
        if books.free < need {
            books.expire(self.rate(), now, true);
        }
        if books.free < need {
            return Said::Full;
        }
        let id = books.insert(key, need);
        let entry = &mut books.entries[id];
        if last {
            entry.last = Some(now);
            return Said::Counted(0);
        }
        entry.held = 1;
        Said::Held(id)
    }

    /// Counts a request that was held, and gives its excess.
    pub fn settle(&self, id: usize, now: Millis) -> i64 {
        let mut books = lock(self.books());
        let rate = self.rate();
        let entry = &mut books.entries[id];
        let excess = entry.excess_at(rate, now);
        entry.count(excess, now);
        entry.held -= 1;
        excess
    }

    /// Lets go of a request that was held: another zone would not have it.
    pub fn release(&self, id: usize) {
        lock(self.books()).entries[id].held -= 1;
    }

    /// Milliseconds by which `excess` is too early.
    pub fn delay(&self, excess: i64) -> Millis {
        (excess.max(0) * 1000 / self.rate().max(1)).unsigned_abs()
    }

    /// Counts a connection unless there are `most` already; None if there is no room either.
    pub fn connect(&self, key: &[u8], most: u64) -> Result<Counted, Said> {
        let mut books = lock(self.books());
        let id = if let Some(&id) = books.ids.get(key) {
            if books.entries[id].held >= most {
                return Err(Said::Busy(0));
            }
            id
        } else {
            let need = room(36, key.len());
            if books.free < need {
                return Err(Said::Full);
            }
            books.insert(key, need)
        };
        books.entries[id].held += 1;
        drop(books);
        Ok(Counted {
            books: self.books().clone(),
            id,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut books = lock(&self.books);
        let entry = &mut books.entries[self.id];
        entry.held -= 1;
        if entry.held == 0 {
            let need = room(36, entry.key.len());
            books.remove(self.id, need);
        }
    }
}

/// What nginx's allocator takes for a key and what goes with it.
fn room(fixed: usize, key: usize) -> usize {
    (fixed + key).next_power_of_two()
}

impl Entry {
    fn passed(&self, now: Millis) -> i64 {
        let last = self.last.unwrap_or(0);
        now.cast_signed() - last.cast_signed()
    }

    fn excess_at(&self, rate: i64, now: Millis) -> i64 {
        if self.last.is_none() {
            return 0;
        }
        let ms = match self.passed(now) {
            ms if ms < -JUMP => 1,
            ms => ms.max(0),
        };
        (self.excess - rate.saturating_mul(ms) / 1000 + ONE).max(0)
    }

    fn count(&mut self, excess: i64, now: Millis) {
        let passed = self.passed(now);
        if self.last.is_none() || !(-JUMP..=0).contains(&passed) {
            self.last = Some(now);
        }
        self.excess = excess;
    }
}

impl Books {
    fn new(size: usize) -> Self {
        let pages = size.saturating_sub(POOL) / (PAGE + PAGE_BOOK);
        Self {
            ids: HashMap::new(),
            entries: Slab::new(),
            newest: NONE,
            oldest: NONE,
            // One page holds what nginx writes down of the zone itself.
            free: pages.saturating_sub(1) * PAGE,
        }
    }

    fn insert(&mut self, key: &[u8], need: usize) -> usize {
        let id = self.entries.insert(Entry {
            key: key.into(),
            newer: NONE,
            older: NONE,
            last: None,
            excess: 0,
            held: 0,
        });
        self.ids.insert(key.into(), id);
        self.free -= need;
        self.link(id);
        id
    }

    fn link(&mut self, id: usize) {
        let before = std::mem::replace(&mut self.newest, id);
        self.entries[id].newer = NONE;
        self.entries[id].older = before;
        match self.entries.get_mut(before) {
            Some(entry) => entry.newer = id,
            None => self.oldest = id,
        }
    }

    fn unlink(&mut self, id: usize) {
        let (newer, older) = (self.entries[id].newer, self.entries[id].older);
        match self.entries.get_mut(newer) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        match self.entries.get_mut(older) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn rise(&mut self, id: usize) {
        if self.newest != id {
            self.unlink(id);
            self.link(id);
        }
    }

    fn remove(&mut self, id: usize, need: usize) {
        self.unlink(id);
        let entry = self.entries.remove(id);
        self.ids.remove(&entry.key);
        self.free += need;
    }

    /// Forgets up to two keys that have nothing left, the oldest; by force the oldest of all besides.
    fn expire(&mut self, rate: i64, now: Millis, force: bool) {
        for turn in usize::from(!force)..3 {
            let id = self.oldest;
            let Some(entry) = self.entries.get(id).filter(|entry| entry.held == 0) else {
                return;
            };
            let ms = entry.passed(now).abs();
            let left = entry.excess - rate.saturating_mul(ms) / 1000;
            if turn != 0 && (ms < JUMP || left > 0) {
                return;
            }
            let need = room(80, entry.key.len());
            self.remove(id, need);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(rate: Option<i64>, size: usize) -> Zone {
        Zone::new(ZonePlan {
            name: Text(b"one".to_vec()),
            size,
            key: Template::default(),
            written: Text(b"$uri".to_vec()),
            rate,
        })
    }

    #[test]
    fn a_burst_and_what_flows_out() {
        let zone = zone(Some(2000), 1 << 20);
        let ask = |now| zone.ask(b"a", now, 1000, true);
        assert_eq!(ask(1000), Said::Counted(0));
        assert_eq!(ask(1000), Said::Counted(1000));
        assert_eq!(ask(1000), Said::Busy(2000));
        assert_eq!(ask(1500), Said::Counted(1000));
        assert_eq!(ask(9000), Said::Counted(0));
        assert_eq!(zone.ask(b"b", 9000, 0, true), Said::Counted(0));
        assert_eq!(zone.delay(1000), 500);
    }

    #[test]
    fn what_is_held_is_counted_later_or_not_at_all() {
        let zone = zone(Some(1000), 1 << 20);
        let Said::Held(id) = zone.ask(b"a", 5, 0, false) else {
            panic!("it is new");
        };
        assert_eq!(zone.settle(id, 5), 0);
        let Said::Held(id) = zone.ask(b"a", 5, 1000, false) else {
            panic!("it is within the burst");
        };
        zone.release(id);
        assert_eq!(zone.ask(b"a", 5, 1000, true), Said::Counted(1000));
    }

    #[test]
    fn a_full_zone_forgets_the_oldest_key() {
        let zone = zone(Some(1000), 8 * PAGE);
        let keys = (0..1000_u32).map(u32::to_be_bytes);
        for key in keys.clone() {
            assert_eq!(zone.ask(&key, 1, 0, true), Said::Counted(0));
        }
        let last = 999_u32.to_be_bytes();
        assert_eq!(zone.ask(&last, 1, 0, true), Said::Busy(1000));
        let first = 0_u32.to_be_bytes();
        assert_eq!(zone.ask(&first, 1, 0, true), Said::Counted(0));
    }

    #[test]
    fn connections_are_counted_as_long_as_they_are_there() {
        let zone = zone(None, 8 * PAGE);
        let first = zone.connect(b"a", 2);
        let second = zone.connect(b"a", 2);
        assert!(first.is_ok() && second.is_ok());
        assert!(zone.connect(b"a", 2).is_err());
        drop(first);
        assert!(zone.connect(b"a", 2).is_ok());
        drop(second);
        assert!(lock(zone.books()).ids.is_empty());
    }

    #[test]
    fn books_go_on_unless_the_key_is_another() {
        let old = zone(Some(1000), 8 * PAGE);
        assert_eq!(old.ask(b"a", 1, 0, true), Said::Counted(0));
        let new = zone(Some(2000), 8 * PAGE);
        assert_eq!(new.adopt(&old), Ok(()));
        assert_eq!(new.ask(b"a", 1, 0, true), Said::Busy(1000));
        let mut other = zone(Some(1000), 8 * PAGE);
        other.plan.written = Text(b"$args".to_vec());
        let said = other.adopt(&old);
        assert!(said.is_err_and(|e| e.contains("uses the \"$args\" key while previously")));
    }
}
