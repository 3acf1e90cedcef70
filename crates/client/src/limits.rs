//! How many connections are in use at a time.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use surehop_hop::reactor::{Reactor, TaskId};

/// The places for requests with a connection; who finds none waits in line.
#[derive(Debug)]
pub(crate) struct Places {
    free: Cell<u32>,
    line: RefCell<VecDeque<(u64, TaskId)>>,
    granted: RefCell<Vec<u64>>,
}

impl Places {
    /// That many.
    pub(crate) fn new(places: Option<u32>) -> Self {
        Self {
            free: Cell::new(places.unwrap_or(u32::MAX)),
            line: RefCell::default(),
            granted: RefCell::default(),
        }
    }

    /// Takes a place, if one is free and nobody waits for it.
    pub(crate) fn take(&self) -> bool {
        let free = self.free.get();
        if free == 0 || !self.line.borrow().is_empty() {
            return false;
        }
        self.free.set(free - 1);
        true
    }

    /// Stands in line.
    pub(crate) fn wait(&self, who: u64, task: TaskId) {
        self.line.borrow_mut().push_back((who, task));
    }

    /// Whether a place came to `who`, who stood in line.
    pub(crate) fn came(&self, who: u64) -> bool {
        let mut granted = self.granted.borrow_mut();
        let at = granted.iter().position(|other| *other == who);
        if let Some(at) = at {
            granted.swap_remove(at);
        }
        at.is_some()
    }

    /// Leaves the line; a place that came meanwhile goes on to the next.
    pub(crate) fn leave(&self, who: u64, rx: &Reactor) {
        self.line.borrow_mut().retain(|(other, _)| *other != who);
        if self.came(who) {
            self.give(rx);
        }
    }

    /// Gives a place back.
    pub(crate) fn give(&self, rx: &Reactor) {
        match self.line.borrow_mut().pop_front() {
            Some((who, task)) => {
                self.granted.borrow_mut().push(who);
                rx.wake(task);
            }
            None => self.free.set(self.free.get().saturating_add(1)),
        }
    }

    /// How many stand in line.
    pub(crate) fn waiting(&self) -> usize {
        self.line.borrow().len()
    }
}
