//! The upstream connections of a worker: those at rest and the names by which the engine's pool knows them.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::io::Errno;
use slab::Slab;
use std::task::Poll;
use surehop_engine::{Call, Cause, ConnId, Group, Phase};

use crate::buffer::{Buf, Buffers};
use crate::clock::{Millis, NEVER};
use crate::drive::Fault;
use crate::reactor::{Reactor, TaskId};
use crate::socket::{Address, Socket};

/// A live connection to an upstream, in use by one exchange.
#[derive(Debug)]
pub struct Upstream {
    /// Its socket.
    pub socket: Socket,
    /// The engine's name for it.
    pub conn: ConnId,
    /// How long its connect took: the round trip, as far as anybody knows.
    pub rtt: Millis,
    /// What was received and not used yet.
    pub buf: Option<Buf>,
    place: Place,
}

#[derive(Debug)]
struct Entry {
    /// Here while it rests.
    socket: Option<Socket>,
    rtt: Millis,
    group: usize,
}

type Entries = Rc<RefCell<Slab<Entry>>>;

/// A place among a worker's connections, given up with whoever holds it, however that ends.
#[derive(Debug)]
pub struct Place {
    entries: Entries,
    key: usize,
    /// The entry stays: the connection rests there.
    stays: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.stays {
            self.entries.borrow_mut().try_remove(self.key);
        }
    }
}

/// A worker's upstream connections.
#[derive(Debug)]
pub struct Connections {
    /// The worker's reactor.
    pub reactor: Reactor,
    /// The worker's buffers.
    pub buffers: Buffers,
    entries: Entries,
    keeper: Cell<Option<TaskId>>,
    prober: Cell<Option<TaskId>>,
    /// When the keeper looks next.
    looks: Cell<Millis>,
    others: Others,
}

/// Tells other threads that a peer was freed for which somebody of theirs waits.
#[derive(Default)]
struct Others(RefCell<Option<Box<dyn Fn()>>>);

impl std::fmt::Debug for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Others")
    }
}

impl Connections {
    /// None yet.
    pub fn new(reactor: Reactor, buffers: Buffers) -> Self {
        Self {
            reactor,
            buffers,
            entries: Entries::default(),
            keeper: Cell::new(None),
            prober: Cell::new(None),
            looks: Cell::new(NEVER),
            others: Others::default(),
        }
    }

    /// Names the tasks that watch the resting connections and probe the ejected peers.
    pub fn watched_by(&self, keeper: TaskId, prober: TaskId) {
        self.keeper.set(Some(keeper));
        self.prober.set(Some(prober));
    }

    /// What to do when a peer is freed for which nobody waits here, but somebody elsewhere.
    pub fn call_others_by(&self, tell: impl Fn() + 'static) {
        *self.others.0.borrow_mut() = Some(Box::new(tell));
    }

    /// A place for a connection of a group that is to be made.
    pub fn claim(&self, group: usize) -> Place {
        let key = self.entries.borrow_mut().insert(Entry {
            socket: None,
            rtt: 0,
            group,
        });
        self.place(key)
    }

    /// A new connection, in the place that was claimed for it.
    pub fn adopt(&self, socket: Socket, place: Place, rtt: Millis) -> Upstream {
        if let Some(entry) = self.entries.borrow_mut().get_mut(place.key) {
            entry.rtt = rtt;
        }
        in_use(socket, place, rtt)
    }

    fn place(&self, key: usize) -> Place {
        Place {
            entries: self.entries.clone(),
            key,
            stays: false,
        }
    }

    /// Lets a connection rest: the engine's pool decides what becomes of it.
    pub fn rest(&self, upstream: Upstream) {
        let Upstream {
            socket,
            conn,
            buf,
            mut place,
            ..
        } = upstream;
        place.stays = true;
        if let Some(buf) = buf {
            self.buffers.give(buf);
        }
        if let Some(entry) = self.entries.borrow_mut().get_mut(conn.0 as usize) {
            if let Some(keeper) = self.keeper.get() {
                socket.rest(conn.0, keeper);
            }
            entry.socket = Some(socket);
        }
    }

    /// Takes a resting connection out.
    pub fn rouse(&self, conn: ConnId) -> Option<Upstream> {
        let mut entries = self.entries.borrow_mut();
        let entry = entries.get_mut(conn.0 as usize)?;
        let socket = entry.socket.take()?;
        socket.rouse();
        Some(in_use(socket, self.place(conn.0 as usize), entry.rtt))
    }

    /// Takes a resting connection out for another reactor, with its round trip.
    pub fn detach(&self, conn: ConnId) -> Option<(OwnedFd, Millis)> {
        let Upstream { socket, rtt, .. } = self.rouse(conn)?;
        Some((socket.detach().ok()?, rtt))
    }

    /// Closes a connection that an exchange held.
    pub fn close(&self, mut upstream: Upstream) {
        if let Some(buf) = upstream.buf.take() {
            self.buffers.give(buf);
        }
    }

    /// Closes what the engine gave up, and calls who waits for a peer that it may have freed.
    pub fn sweep(&self, group: &mut Group) {
        while let Some(conn) = group.take_closing() {
            self.entries.borrow_mut().try_remove(conn.0 as usize);
        }
        match group.take_call() {
            None => {}
            Some(Call::Here(who)) => self.reactor.wake(TaskId::of(who)),
            Some(Call::Elsewhere) => {
                if let Some(tell) = &*self.others.0.borrow() {
                    tell();
                }
            }
        }
    }

    /// A peer of some group was freed in another thread.
    pub fn call_from_elsewhere(&self, group: &mut Group) {
        if let Some(who) = group.call() {
            self.reactor.wake(TaskId::of(who));
        }
    }

    /// A peer went out: the prober has something to do.
    pub fn call_prober(&self) {
        if let Some(prober) = self.prober.get() {
            self.reactor.wake(prober);
        }
    }

    /// An idle connection's expiry may have moved, or there are too many: the keeper looks at the turn's end,
    /// when it is known which of them nobody took.
    pub fn call_keeper(&self) {
        if let Some(keeper) = self.keeper.get() {
            self.reactor.wake_last(keeper);
        }
    }

    /// An idle connection was parked: the keeper must look by then.
    pub fn expires(&self, at: Option<Millis>) {
        if at.is_some_and(|at| at < self.looks.get()) {
            self.call_keeper();
        }
    }

    /// How many there are, at rest, in use or about to be.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Watches the resting connections for ever: drops those that became readable, tells the engine
    /// how, and closes what is past its time.
    pub async fn keep(&self, groups: &[RefCell<Group>]) {
        let mut stirred = Vec::new();
        loop {
            self.reactor.take_stirred(&mut stirred);
            for conn in stirred.drain(..) {
                self.stirred(groups, ConnId(conn));
            }
            let now = self.reactor.now();
            let mut next = NEVER;
            for group in groups {
                let mut group = group.borrow_mut();
                if group.next_expiry().is_some_and(|at| at <= now) {
                    group.expire(now);
                    self.sweep(&mut group);
                }
                next = next.min(group.next_expiry().unwrap_or(NEVER));
            }
            // One look a turn at most: a call or a stir ends the sleep early.
            self.looks.set(next);
            self.reactor.rest_until(next).await;
        }
    }

    fn stirred(&self, groups: &[RefCell<Group>], conn: ConnId) {
        let (fin, group) = {
            let entries = self.entries.borrow();
            let Some(entry) = entries.get(conn.0 as usize) else {
                return;
            };
            let Some(socket) = &entry.socket else { return };
            match socket.poll_read(&mut [0]) {
                Poll::Pending => return,
                Poll::Ready(read) => (matches!(read, Ok(0)), entry.group),
            }
        };
        let mut group = groups[group].borrow_mut();
        group.idle_closed(conn, fin, self.reactor.now());
        self.sweep(&mut group);
        drop(group);
        self.entries.borrow_mut().try_remove(conn.0 as usize);
    }
}

fn in_use(socket: Socket, place: Place, rtt: Millis) -> Upstream {
    Upstream {
        socket,
        conn: ConnId(place.key as u64),
        rtt,
        buf: None,
        place,
    }
}

impl Fault {
    /// A connect that failed.
    pub fn of_connect(e: Errno, to: &Address, at_once: bool) -> Self {
        // The same errno where there is no port left, and where there is no address to connect from.
        let cause = match cause_of(e) {
            Cause::NoPorts if e == Errno::ADDRNOTAVAIL && !to.has_source() => Cause::Unreachable,
            cause => cause,
        };
        Self {
            phase: Phase::Connect,
            cause,
            errno: e.raw_os_error(),
            at_once,
        }
    }
}

/// Says what a socket error means to the engine.
pub fn cause_of(e: Errno) -> Cause {
    match e {
        Errno::CONNREFUSED => Cause::Refused,
        Errno::NETUNREACH
        | Errno::HOSTUNREACH
        | Errno::NETDOWN
        | Errno::HOSTDOWN
        | Errno::NOENT => Cause::Unreachable,
        Errno::TIMEDOUT => Cause::TimedOut,
        Errno::ADDRNOTAVAIL | Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM => {
            Cause::NoPorts
        }
        Errno::CONNRESET | Errno::PIPE => Cause::Reset,
        _ => Cause::Other,
    }
}
