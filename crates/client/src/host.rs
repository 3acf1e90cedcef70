//! What lives on the reactor of a transport.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use surehop_engine::{Group, Recovery, Session};
use surehop_hop::buffer::Buffers;
use surehop_hop::clock::{self, Millis};
use surehop_hop::connections::{Connections, Groups, Upstream};
use surehop_hop::probe::{Probed, prober, reach};
use surehop_hop::reactor::{Alarm, Reactor, TaskId};
use surehop_hop::socket::Address;

use crate::job;
use crate::limits::Places;
use crate::order::{Event, Flags, Op, Order, Payload};
use crate::plan;
use crate::target::Target;

/// How many unused sessions are kept.
const SESSIONS: usize = 256;

/// A request's post box, between its task and who ordered it.
#[derive(Default)]
pub(crate) struct Ticket {
    /// Its number.
    pub(crate) number: u64,
    /// The task that works on it.
    pub(crate) task: Cell<Option<TaskId>>,
    /// Nobody wants it any more.
    pub(crate) cancelled: Cell<bool>,
    /// The answer to a question.
    pub(crate) reply: RefCell<Option<Reply>>,
}

/// What comes back for a question.
pub(crate) enum Reply {
    /// The addresses of a name, or a Node-like code.
    Resolved(Result<Vec<Address>, String>),
    /// More of the body; none is its end.
    Fed(Option<Payload>),
    /// Whether to try again, and after how long.
    Answered(bool, Option<u64>),
    /// The next part of the answer is wanted.
    Read,
}

/// Targets by their numbers.
#[derive(Default)]
pub(crate) struct Targets {
    /// By their place; none where one was forgotten.
    list: RefCell<Vec<Option<Rc<Target>>>>,
    places: RefCell<HashMap<u64, usize>>,
}

impl Groups for Targets {
    fn bound(&self) -> usize {
        self.list.borrow().len()
    }

    fn visit<R>(&self, index: usize, look: impl FnOnce(&RefCell<Group>) -> R) -> Option<R> {
        let target = self.list.borrow().get(index).cloned().flatten()?;
        Some(look(&target.group))
    }
}

impl Targets {
    fn add(&self, number: u64, target: Target) {
        let mut list = self.list.borrow_mut();
        let free = list.iter().position(Option::is_none);
        let index = free.unwrap_or(list.len());
        if index == list.len() {
            list.push(None);
        }
        list[index] = Some(Rc::new(target));
        self.places.borrow_mut().insert(number, index);
    }

    /// A target and its place.
    pub(crate) fn get(&self, number: u64) -> Option<(usize, Rc<Target>)> {
        let index = *self.places.borrow().get(&number)?;
        Some((index, self.list.borrow()[index].clone()?))
    }

    /// The target at a place.
    pub(crate) fn at(&self, index: usize) -> Option<Rc<Target>> {
        self.list.borrow().get(index).cloned().flatten()
    }

    fn all(&self) -> Vec<Rc<Target>> {
        self.list.borrow().iter().flatten().cloned().collect()
    }
}

/// A reactor and all that lives on it.
pub(crate) struct Host {
    /// The reactor.
    pub(crate) rx: Reactor,
    /// All connections.
    pub(crate) connections: Connections,
    /// Where requests go.
    pub(crate) targets: Targets,
    /// Who may have a connection.
    pub(crate) places: Places,
    /// What was told.
    pub(crate) plan: plan::Client,
    tickets: RefCell<HashMap<u64, Rc<Ticket>>>,
    /// What waits to be taken.
    pub(crate) events: RefCell<Vec<(u64, Event)>>,
    sessions: RefCell<Vec<Session>>,
    probes: AtomicU32,
    seed: Cell<u64>,
}

impl Host {
    /// One without any connection.
    pub(crate) fn new(plan: plan::Client, seed: u64) -> io::Result<(Rc<Self>, Alarm)> {
        let rx = Reactor::new()?;
        let alarm = rx.alarm()?;
        let host = Rc::new(Self {
            connections: Connections::new(rx.clone(), Buffers::default()),
            targets: Targets::default(),
            places: Places::new(plan.connections),
            plan,
            tickets: RefCell::default(),
            events: RefCell::default(),
            sessions: RefCell::default(),
            probes: AtomicU32::new(0),
            seed: Cell::new(seed | 1),
            rx,
        });
        let keeping = host.clone();
        let keeper = host
            .rx
            .spawn(async move { keeping.connections.keep(&keeping.targets).await });
        let probing = host.clone();
        let prober = host.rx.spawn(async move { prober(probing).await });
        host.connections.watched_by(keeper, prober);
        host.rx.run_ready();
        Ok((host, alarm))
    }

    /// Carries an order out, as far as that goes without waiting.
    pub(crate) fn apply(self: &Rc<Self>, op: Op) {
        match op {
            Op::Target(number, made) => self.targets.add(number, Target::new(*made)),
            Op::Forget(number) => self.forget(number),
            Op::Send(number, order) => self.send(number, *order),
            Op::Resolved(number, found) => self.reply(number, Reply::Resolved(found)),
            Op::Feed(number, chunk) => self.reply(number, Reply::Fed(chunk)),
            Op::Answered(number, again, delay) => {
                self.reply(number, Reply::Answered(again, delay));
            }
            Op::Read(number) => self.reply(number, Reply::Read),
            Op::Cancel(number) => {
                if let Some(ticket) = self.tickets.borrow().get(&number) {
                    ticket.cancelled.set(true);
                    self.call(ticket);
                }
            }
            Op::Close => self.close(),
        }
    }

    fn call(&self, ticket: &Ticket) {
        if let Some(task) = ticket.task.get() {
            self.rx.wake(task);
        }
    }

    fn reply(&self, number: u64, reply: Reply) {
        if let Some(ticket) = self.tickets.borrow().get(&number) {
            *ticket.reply.borrow_mut() = Some(reply);
            self.call(ticket);
        }
    }

    fn send(self: &Rc<Self>, number: u64, order: Order) {
        // What the reactor knows of the resting connections shall be of this millisecond, and of this moment
        // where a connection that died unseen would cost the request.
        let sure = order.flags.has(Flags::IDEMPOTENT);
        if !sure || clock::now() != self.rx.now() {
            let _ = self.rx.turn(Some(Duration::ZERO));
        }
        let ticket = Rc::new(Ticket {
            number,
            ..Ticket::default()
        });
        self.tickets.borrow_mut().insert(number, ticket.clone());
        let begun = Instant::now();
        let task = self
            .rx
            .spawn(job::run(self.clone(), ticket.clone(), order, begun));
        ticket.task.set(Some(task));
    }

    /// A request is over.
    pub(crate) fn done(&self, number: u64) {
        self.tickets.borrow_mut().remove(&number);
    }

    /// Has an event taken.
    pub(crate) fn tell(&self, number: u64, event: Event) {
        let tickets = self.tickets.borrow();
        if tickets
            .get(&number)
            .is_some_and(|ticket| ticket.cancelled.get())
        {
            return;
        }
        self.events.borrow_mut().push((number, event));
    }

    /// A session for a request.
    pub(crate) fn session(&self) -> Session {
        self.sessions.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes it back.
    pub(crate) fn give_back(&self, session: Session) {
        let mut sessions = self.sessions.borrow_mut();
        if sessions.len() < SESSIONS {
            sessions.push(session);
        }
    }

    /// Random bits.
    pub(crate) fn random(&self) -> u64 {
        // xorshift64: jitter needs to differ, not to be secret.
        let mut x = self.seed.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.seed.set(x);
        x
    }

    /// Closes the connections at rest that are one too many, of whatever target, the oldest first.
    pub(crate) fn make_room(&self, most: usize, at_rest: impl Fn(&Connections) -> usize) {
        while at_rest(&self.connections) > most {
            let targets = self.targets.all();
            let since = |target: &Rc<Target>| target.group.borrow().oldest_idle();
            let oldest = targets
                .iter()
                .filter_map(|target| Some((since(target)?, target)))
                .min_by_key(|(since, _)| *since);
            let Some((_, target)) = oldest else { return };
            let conn = target.group.borrow_mut().unpark();
            if let Some((_, _, parked)) = conn {
                self.connections.drop_resting(parked.conn);
            }
        }
    }

    /// A request at this target is over; a forgotten target goes with its last.
    pub(crate) fn leave(&self, index: usize, target: &Target) {
        target.busy.set(target.busy.get() - 1);
        if target.forgotten.get() && target.busy.get() == 0 {
            self.clear(index);
        }
    }

    fn forget(&self, number: u64) {
        let Some((index, target)) = self.targets.get(number) else {
            return;
        };
        self.targets.places.borrow_mut().remove(&number);
        target.forgotten.set(true);
        if target.busy.get() == 0 {
            self.clear(index);
        }
    }

    /// Closes a target's connections at rest.
    fn empty(&self, target: &Target) {
        while let Some((_, _, parked)) = target.group.borrow_mut().unpark() {
            self.connections.drop_resting(parked.conn);
        }
    }

    fn clear(&self, index: usize) {
        if let Some(target) = self.targets.at(index) {
            self.empty(&target);
        }
        if let Some(place) = self.targets.list.borrow_mut().get_mut(index) {
            *place = None;
        }
    }

    fn close(&self) {
        for ticket in self.tickets.borrow().values() {
            ticket.cancelled.set(true);
            self.call(ticket);
        }
        self.rx.run_ready();
        for target in self.targets.all() {
            self.empty(&target);
        }
    }

    /// Requests under way, connections, those at rest, requests in line.
    pub(crate) fn counts(&self) -> [u64; 4] {
        [
            self.tickets.borrow().len() as u64,
            self.connections.len() as u64,
            self.connections.resting() as u64,
            self.places.waiting() as u64,
        ]
    }
}

impl Probed for Host {
    fn groups(&self) -> &impl Groups {
        &self.targets
    }

    async fn connect(
        self: Rc<Self>,
        group: usize,
        peer: u32,
        deadline: Millis,
    ) -> Option<Upstream> {
        let target = self.targets.at(group)?;
        // Only a bare connection joins the pool: what is spoken on it first is for a request to wait for.
        let bare = target.plan.proxy.is_none() && !target.plan.peers[peer as usize].tls;
        let to = target.addresses.borrow()[peer as usize].first()?.clone();
        let upstream = reach(&self.connections, group, &to, deadline).await?;
        if !bare {
            self.connections.close(upstream);
            return None;
        }
        Some(upstream)
    }

    fn connections(&self) -> &Connections {
        &self.connections
    }

    fn under_way(&self) -> &AtomicU32 {
        &self.probes
    }

    fn recovered(&self, _group: usize, _peer: u32, _recovery: Recovery) {}

    fn random(&self) -> u64 {
        Host::random(self)
    }
}
