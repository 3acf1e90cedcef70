//! When places get few: the clients that have waited longest for nothing are let go first.
//!
//! As nginx's reusable connections, but with no list to keep in order: who waits notes since when, which is
//! one store, and the oldest are looked for when they are needed.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use slab::Slab;
use surehop_hop::clock::{Millis, NEVER};
use surehop_hop::reactor::TaskId;

use crate::plan::Level;
use crate::worker::Worker;

/// How many are let go at a time, of eight times as many that wait: nginx's figures.
const AT_ONCE: usize = 32;
const SHARE: usize = 8;
/// Descriptors that clients don't get: upstream connections, files and logs need some to the last.
const RESERVE: u64 = 64;
/// How many clients get descriptors whatever the limit is.
const FEW: i32 = 4;
/// How often it is told that places are few.
const TELL_EVERY: Millis = 1_000;

/// A client's place, as the others see it.
#[derive(Debug)]
pub struct Spot {
    /// Since when it waits for a request and may be let go; `NEVER` while it has one.
    since: Cell<Millis>,
    /// Its place in the order of those who wait: many begin in one millisecond.
    order: Cell<u64>,
    task: Cell<Option<TaskId>>,
    leaves: Cell<bool>,
}

impl Spot {
    /// It waits no more.
    pub fn busy(&self) {
        self.since.set(NEVER);
    }

    /// Whether it has been told to go.
    pub fn leaves(&self) -> bool {
        self.leaves.get()
    }
}

/// The clients of a worker.
#[derive(Debug, Default)]
pub struct Crowd {
    spots: RefCell<Slab<Rc<Spot>>>,
    last: Cell<u64>,
    told: Cell<Option<Millis>>,
}

impl Crowd {
    /// A place for one more, with its number.
    pub fn enter(&self) -> (usize, Rc<Spot>) {
        let spot = Rc::new(Spot {
            since: Cell::new(NEVER),
            order: Cell::new(0),
            task: Cell::new(None),
            leaves: Cell::new(false),
        });
        (self.spots.borrow_mut().insert(spot.clone()), spot)
    }

    /// Who is at this place waits; `task` is to be woken if it has to go.
    pub fn rest(&self, spot: &Spot, since: Millis, task: TaskId) {
        if spot.since.replace(since) == NEVER {
            self.last.set(self.last.get() + 1);
            spot.order.set(self.last.get());
            spot.task.set(Some(task));
        }
    }

    /// Gives a place up.
    pub fn leave(&self, number: usize) {
        let mut spots = self.spots.borrow_mut();
        spots.try_remove(number);
        // What a flood of clients took is given back.
        if spots.len() * 8 < spots.capacity() && spots.capacity() > 1024 {
            spots.shrink_to_fit();
        }
    }

    /// Tells those to go that have waited longest, and names their tasks.
    fn pick(&self, now: Millis) -> Vec<TaskId> {
        let spots = self.spots.borrow();
        let mut waiting: Vec<&Rc<Spot>> = spots
            .iter()
            .map(|(_, spot)| spot)
            .filter(|spot| spot.since.get() <= now && !spot.leaves())
            .collect();
        if waiting.is_empty() {
            return Vec::new();
        }
        let count = (waiting.len() / SHARE).clamp(1, AT_ONCE);
        waiting.select_nth_unstable_by_key(count - 1, |spot| spot.order.get());
        let mut tasks = Vec::with_capacity(count);
        for spot in &waiting[..count] {
            spot.leaves.set(true);
            tasks.extend(spot.task.get());
        }
        tasks
    }
}

/// The number from which on descriptors are kept back.
pub fn brink(any: impl AsFd) -> i32 {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(1 << 30);
    let brink = limit - RESERVE.min(limit / 4);
    // However small the limit is, there is room for some clients.
    let free = rustix::io::fcntl_dupfd_cloexec(any, 0).map_or(0, |free| free.as_raw_fd());
    i32::try_from(brink).unwrap_or(i32::MAX).max(free + FEW)
}

/// Whether only the reserve is left. The kernel gives the lowest free number, so one is asked for and given
/// back; looked at when a descriptor from the reserve has turned up.
pub fn only_reserve_left(any: impl AsFd, brink: i32) -> bool {
    rustix::io::fcntl_dupfd_cloexec(any, 0).map_or(true, |free| free.as_raw_fd() >= brink)
}

impl Worker {
    /// Connections of this worker, whoever they are with.
    pub fn places_taken(&self) -> usize {
        self.clients.get() + self.connections.len()
    }

    /// Whether there is a place for one more connection.
    pub fn has_room(&self) -> bool {
        self.places_taken() < self.config.plan.worker_connections
    }

    /// What is told if there is none.
    pub fn too_few(&self) -> String {
        let limit = self.config.plan.worker_connections;
        format!("{limit} worker_connections are not enough")
    }

    /// Lets clients go that wait for nothing, if the last sixteenth of the places has been reached.
    pub fn make_room(&self) -> bool {
        let limit = self.config.plan.worker_connections;
        let free = limit.saturating_sub(self.places_taken());
        free <= limit / 16 && self.let_go("worker_connections")
    }

    /// The same, if that errno says that descriptors have run out.
    pub fn make_room_for(&self, errno: i32) {
        if [Errno::MFILE, Errno::NFILE]
            .map(Errno::raw_os_error)
            .contains(&errno)
        {
            self.let_go("open files");
        }
    }

    /// Lets the clients go that have waited longest; false if nobody waits.
    pub fn let_go(&self, what: &str) -> bool {
        let now = self.reactor.now();
        let tasks = self.crowd.pick(now);
        if tasks.is_empty() {
            return false;
        }
        let told = self.crowd.told.get();
        if told.is_none_or(|told| now >= told + TELL_EVERY) {
            self.crowd.told.set(Some(now));
            let count = match what {
                "worker_connections" => format!("{} ", self.config.plan.worker_connections),
                _ => String::new(),
            };
            self.note(
                Level::Warn,
                &format!("{count}{what} are not enough, reusing connections"),
            );
        }
        for task in tasks {
            self.reactor.wake(task);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // in a test a panic is the report
    use super::Crowd;
    use surehop_hop::reactor::Reactor;

    #[test]
    fn who_has_waited_longest_goes_first() {
        let task = Reactor::new().unwrap().current();
        let crowd = Crowd::default();
        let spots: Vec<_> = (0..40_u64).map(|_| crowd.enter().1).collect();
        assert!(crowd.pick(40).is_empty(), "nobody waits");
        for at in 0..40_usize {
            // Two begin in each millisecond, and not in the order in which they came.
            crowd.rest(&spots[at * 7 % 40], (at / 2) as u64, task);
        }
        crowd.rest(&spots[7], 30, task);
        spots[0].busy();
        assert_eq!(crowd.pick(40).len(), 39 / 8);
        let gone: Vec<usize> = (0..40).filter(|at| spots[*at].leaves()).collect();
        assert_eq!(gone, [7, 14, 21, 28], "the order is that of their rest");
        while !crowd.pick(40).is_empty() {}
        assert!(!spots[0].leaves(), "who has a request stays");
        assert!(spots[1..].iter().all(|spot| spot.leaves()));
    }
}
