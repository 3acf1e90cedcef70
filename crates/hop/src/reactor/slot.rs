//! The sockets that the reactor hears of.

use std::cell::Cell;
use std::io;
use std::os::fd::RawFd;
use std::rc::Rc;

use mio::unix::SourceFd;
use mio::{Interest, Token};

use super::{Reactor, TaskId};

/// What the reactor knows of a registered descriptor.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(super) token: usize,
    pub(super) owner: Cell<TaskId>,
    pub(crate) readable: Cell<bool>,
    pub(crate) writable: Cell<bool>,
    /// The peer will send no more (FIN, RST or an error was seen).
    pub(crate) closed: Cell<bool>,
    pub(crate) wants_read: Cell<bool>,
    pub(crate) wants_write: Cell<bool>,
    /// Set while nobody should hear from this socket: any event is told to its owner by this label.
    pub(super) label: Cell<Option<u64>>,
}

impl Reactor {
    pub(crate) fn register(&self, fd: RawFd, writable: bool) -> io::Result<Rc<Slot>> {
        let mut slots = self.0.slots.borrow_mut();
        let entry = slots.vacant_entry();
        let generation = self.0.generation.get().wrapping_add(1);
        self.0.generation.set(generation);
        // 31 bits of generation above 32 bits of index: a late event never meets a newer socket.
        let token = entry.key() | ((generation as usize & 0x7fff_ffff) << 32);
        self.0.poll.borrow().registry().register(
            &mut SourceFd(&fd),
            Token(token),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        let slot = Rc::new(Slot {
            token,
            owner: Cell::new(self.current()),
            readable: Cell::new(false),
            writable: Cell::new(writable),
            closed: Cell::new(false),
            wants_read: Cell::new(false),
            wants_write: Cell::new(false),
            label: Cell::new(None),
        });
        entry.insert(slot.clone());
        Ok(slot)
    }

    pub(crate) fn deregister(&self, fd: RawFd) {
        let _ = self
            .0
            .poll
            .borrow()
            .registry()
            .deregister(&mut SourceFd(&fd));
    }

    pub(crate) fn own(&self, slot: &Slot) {
        slot.owner.set(self.0.current.get());
    }

    pub(crate) fn rest(&self, slot: &Slot, label: u64, owner: TaskId) {
        slot.owner.set(owner);
        slot.label.set(Some(label));
        if slot.readable.get() {
            // Its event has been; the watcher finds out whether there is something.
            self.0.stirred.borrow_mut().push(label);
            self.wake(owner);
        }
    }

    pub(crate) fn rouse(&self, slot: &Slot) {
        slot.label.set(None);
        self.own(slot);
    }

    pub(crate) fn forget(&self, slot: &Slot) {
        self.0
            .slots
            .borrow_mut()
            .try_remove(slot.token & 0xffff_ffff);
    }
}
