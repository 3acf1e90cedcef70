//! The upstream connections of a worker: those at rest and the names by which the engine's pool knows them.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use rustix::io::Errno;
use slab::Slab;
use std::task::Poll;
use surehop_engine::{Call, Cause, ConnId, Group, Phase};

use crate::buffer::{Buf, Buffers};
use crate::clock::{Millis, NEVER};
use crate::drive::Fault;
use crate::reactor::{Reactor, TaskId};
use crate::socket::{Address, Socket};

/// The two ends of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// This machine's.
    pub local: Option<Address>,
    /// The other's.
    pub remote: Address,
}

/// Groups by their numbers. Some may come and go.
pub trait Groups {
    /// All numbers are below this one.
    fn bound(&self) -> usize;
    /// Looks at one, if it is there.
    fn visit<R>(&self, index: usize, look: impl FnOnce(&RefCell<Group>) -> R) -> Option<R>;
}

impl Groups for Vec<RefCell<Group>> {
    fn bound(&self) -> usize {
        self.len()
    }

    fn visit<R>(&self, index: usize, look: impl FnOnce(&RefCell<Group>) -> R) -> Option<R> {
        self.get(index).map(look)
    }
}

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
    /// Its ends, if who made it wants to know.
    pub ends: Option<Arc<Ends>>,
    place: Place,
}

#[derive(Debug)]
struct Entry {
    /// Here while it rests.
    socket: Option<Socket>,
    ends: Option<Arc<Ends>>,
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
    resting: Cell<usize>,
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
            resting: Cell::new(0),
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
            ends: None,
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
            ends,
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
            entry.ends = ends;
            self.resting.set(self.resting.get() + 1);
        }
    }

    /// Takes a resting connection out.
    pub fn rouse(&self, conn: ConnId) -> Option<Upstream> {
        let mut entries = self.entries.borrow_mut();
        let entry = entries.get_mut(conn.0 as usize)?;
        let socket = entry.socket.take()?;
        self.resting.set(self.resting.get() - 1);
        socket.rouse();
        let mut upstream = in_use(socket, self.place(conn.0 as usize), entry.rtt);
        upstream.ends = entry.ends.take();
        Some(upstream)
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

    /// Closes a resting connection that the engine knows no more.
    pub fn drop_resting(&self, conn: ConnId) {
        let gone = self.entries.borrow_mut().try_remove(conn.0 as usize);
        if gone.is_some_and(|entry| entry.socket.is_some()) {
            self.resting.set(self.resting.get() - 1);
        }
    }

    /// How many rest.
    pub fn resting(&self) -> usize {
        self.resting.get()
    }

    /// Closes what the engine gave up, and calls who waits for a peer that it may have freed.
    pub fn sweep(&self, group: &mut Group) {
        while let Some(conn) = group.take_closing() {
            self.drop_resting(conn);
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
    pub async fn keep(&self, groups: &impl Groups) {
        let mut stirred = Vec::new();
        loop {
            self.reactor.take_stirred(&mut stirred);
            for conn in stirred.drain(..) {
                self.stirred(groups, ConnId(conn));
            }
            let now = self.reactor.now();
            let mut next = NEVER;
            for index in 0..groups.bound() {
                let expiry = groups.visit(index, |group| {
                    let mut group = group.borrow_mut();
                    if group.next_expiry().is_some_and(|at| at <= now) {
                        group.expire(now);
                        self.sweep(&mut group);
                    }
                    group.next_expiry()
                });
                next = next.min(expiry.flatten().unwrap_or(NEVER));
            }
            // One look a turn at most: a call or a stir ends the sleep early.
            self.looks.set(next);
            self.reactor.rest_until(next).await;
        }
    }

    fn stirred(&self, groups: &impl Groups, conn: ConnId) {
        let (fin, group, silence) = {
            let entries = self.entries.borrow();
            let Some(entry) = entries.get(conn.0 as usize) else {
                return;
            };
            let Some(socket) = &entry.socket else { return };
            match socket.poll_read(&mut [0]) {
                Poll::Pending => return,
                Poll::Ready(read) => {
                    // Who turns the reactor only now and then sees late what came long ago.
                    let info = socket.tcp_info();
                    let silence = info.map_or(0, |info| Millis::from(info.silence));
                    (matches!(read, Ok(0)), entry.group, silence)
                }
            }
        };
        groups.visit(group, |group| {
            let mut group = group.borrow_mut();
            group.idle_closed(conn, fin, self.reactor.now().saturating_sub(silence));
            self.sweep(&mut group);
        });
        self.drop_resting(conn);
    }
}

fn in_use(socket: Socket, place: Place, rtt: Millis) -> Upstream {
    Upstream {
        socket,
        conn: ConnId(place.key as u64),
        rtt,
        buf: None,
        ends: None,
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
