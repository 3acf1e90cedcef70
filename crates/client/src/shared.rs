//! A transport for any thread: whoever waits for an answer turns the reactor, for all who wait.

use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use surehop_hop::island::Island;
use surehop_hop::reactor::Alarm;

use crate::host::Host;
use crate::order::{Event, Op, Order};
use crate::plan;
use crate::target::{Made, Security};

/// Who waits looks up this often, for signals.
const NAP: Duration = Duration::from_millis(50);

/// Numbers for a status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Stats {
    pub requests: u64,
    pub connections: u64,
    pub idle: u64,
    pub waiting: u64,
}

type Home = Island<Rc<Host>>;

#[derive(Default)]
struct Board {
    ops: Vec<Op>,
    events: HashMap<u64, Event>,
    sleepers: Vec<(u64, Thread)>,
}

/// A transport. Its reactor is turned by one thread at a time.
pub struct Shared {
    // None while the process forks, and after `close`.
    home: Mutex<Option<Home>>,
    away: Mutex<Option<Home>>,
    // It comes back: changed only by who holds `home`, or before it is taken.
    forking: AtomicBool,
    // Whoever turns the reactor is to leave it to who takes it away.
    leave: AtomicBool,
    board: Mutex<Board>,
    alarm: Mutex<Option<Alarm>>,
    fd: AtomicI32,
    next: AtomicU64,
    // As they were when somebody last went to the reactor.
    counts: Mutex<[u64; 4]>,
    plan: plan::Client,
    seed: u64,
}

/// What waiting came to.
pub enum Waited {
    /// Something for this request.
    Event(Event),
    /// Nothing yet; signals may want to be looked at.
    Nothing,
    /// The transport is closed.
    Closed,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left behind is no worse than what an error leaves.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// A transport by a plan; a sentence says what is wrong.
    pub fn new(plan: &[u8], seed: u64) -> Result<Self, String> {
        let plan = plan::Client::read(plan)?;
        let mut made = None;
        let told = plan.clone();
        let keep = &mut made;
        let home = Island::new(move || {
            let (host, alarm) = Host::new(told, seed)?;
            *keep = Some((host.rx.fd(), alarm));
            Ok::<_, io::Error>(host)
        })
        .map_err(|e| format!("no reactor: {e}"))?;
        let (fd, alarm) = made.map_or((-1, None), |(fd, alarm)| (fd, Some(alarm)));
        Ok(Self {
            home: Mutex::new(Some(home)),
            away: Mutex::new(None),
            forking: AtomicBool::new(false),
            leave: AtomicBool::new(false),
            board: Mutex::default(),
            alarm: Mutex::new(alarm),
            fd: AtomicI32::new(fd),
            next: AtomicU64::new(1),
            counts: Mutex::default(),
            plan,
            seed,
        })
    }

    /// The reactor's descriptor: readable when [`Shared::turn`] has something to do.
    pub fn fd(&self) -> RawFd {
        self.fd.load(Ordering::Relaxed)
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a target; gives its number.
    pub fn target(&self, plan: &[u8], tls: Security, proxy_tls: Security) -> Result<u64, String> {
        let plan = plan::Target::read(plan)?;
        let number = self.number();
        let seed = self
            .seed
            .wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let made = Made::new(plan, &self.plan, seed, tls, proxy_tls)?;
        self.order(Op::Target(number, Box::new(made)));
        Ok(number)
    }

    /// Sends a request; gives its ticket.
    pub fn send(&self, order: Order) -> u64 {
        let number = self.number();
        self.order(Op::Send(number, Box::new(order)));
        number
    }

    /// Gives a request up, and what came for it.
    pub fn cancel(&self, ticket: u64) {
        lock(&self.board).events.remove(&ticket);
        self.order(Op::Cancel(ticket));
    }

    /// Has an order carried out, here and now if nobody else is at it.
    pub fn order(&self, op: Op) {
        match self.home.try_lock() {
            Ok(mut home) => {
                if let Some(home) = home.as_mut() {
                    self.go(home, Some(op), false);
                    return;
                }
            }
            Err(TryLockError::Poisoned(_)) => return,
            Err(TryLockError::WouldBlock) => {}
        }
        lock(&self.board).ops.push(op);
        if let Some(alarm) = &*lock(&self.alarm) {
            alarm.ring();
        }
    }

    // Carries orders out, turns the reactor if that is wanted, and pins what came of it to the board.
    // True if a signal cut the turn short.
    fn go(&self, home: &mut Home, op: Option<Op>, wait: bool) -> bool {
        let ops = std::mem::take(&mut lock(&self.board).ops);
        // What came for one before its order was seen here is nobody's.
        let cancelled: Vec<u64> = ops
            .iter()
            .chain(&op)
            .filter_map(|op| match op {
                Op::Cancel(number) => Some(*number),
                _ => None,
            })
            .collect();
        let counts = &self.counts;
        let (events, interrupted) = home.visit(move |host| {
            for op in ops.into_iter().chain(op) {
                host.apply(op);
            }
            host.rx.run_ready();
            let mut interrupted = false;
            if wait && host.events.borrow().is_empty() {
                // Whoever asks meanwhile can't come here.
                *lock(counts) = host.counts();
                let _ = host.rx.turn(Some(NAP));
                interrupted = host.rx.interrupted();
            }
            (std::mem::take(&mut *host.events.borrow_mut()), interrupted)
        });
        if !events.is_empty() || !cancelled.is_empty() {
            let mut board = lock(&self.board);
            for number in &cancelled {
                board.events.remove(number);
            }
            let events = events.into_iter();
            let events = events.filter(|(number, _)| !cancelled.contains(number));
            for (number, event) in events {
                board.events.insert(number, event);
                if let Some(at) = board.sleepers.iter().position(|(of, _)| *of == number) {
                    board.sleepers.swap_remove(at).1.unpark();
                }
            }
        }
        interrupted
    }

    /// Whether events wait to be taken.
    pub fn due(&self) -> bool {
        !lock(&self.board).events.is_empty()
    }

    /// What came for a request, if something did.
    pub fn take(&self, ticket: u64) -> Option<Event> {
        lock(&self.board).events.remove(&ticket)
    }

    /// Does what is ready, never waits, and gives all that came.
    pub fn turn(&self) -> Vec<(u64, Event)> {
        if let Ok(mut home) = self.home.try_lock()
            && let Some(home) = home.as_mut()
        {
            home.visit(|host| {
                let _ = host.rx.turn(Some(Duration::ZERO));
            });
            self.go(home, None, false);
        }
        lock(&self.board).events.drain().collect()
    }

    /// Time until `turn` has something to do by itself.
    pub fn due_in(&self) -> Option<Duration> {
        let mut home = self.home.try_lock().ok()?;
        home.as_mut()?.visit(|host| host.rx.due_in())
    }

    /// Waits for something to come for a request; to be called again if nothing did.
    pub fn wait(&self, ticket: u64) -> Waited {
        if self.leave.load(Ordering::Acquire) {
            return self.nap(ticket);
        }
        match self.home.try_lock() {
            Ok(mut guard) => match guard.as_mut() {
                Some(home) => {
                    let (since, mut looked) = (Instant::now(), false);
                    let waited = loop {
                        if let Some(event) = self.take(ticket) {
                            break Waited::Event(event);
                        }
                        if looked {
                            break Waited::Nothing;
                        }
                        // A signal that came just before the wait did not cut it short.
                        let interrupted = self.go(home, None, true);
                        let long = since.elapsed() >= NAP;
                        looked = interrupted || long || self.leave.load(Ordering::Acquire);
                    };
                    drop(guard);
                    self.hand_on();
                    return waited;
                }
                None if self.forking.load(Ordering::Acquire) => {}
                None => return Waited::Closed,
            },
            Err(TryLockError::Poisoned(_)) => return Waited::Closed,
            Err(TryLockError::WouldBlock) => {}
        }
        self.nap(ticket)
    }

    // Another thread turns the reactor, and wakes this one when something comes for it.
    fn nap(&self, ticket: u64) -> Waited {
        {
            let mut board = lock(&self.board);
            if let Some(event) = board.events.remove(&ticket) {
                return Waited::Event(event);
            }
            board.sleepers.push((ticket, thread::current()));
        }
        thread::park_timeout(NAP);
        let mut board = lock(&self.board);
        board.sleepers.retain(|(of, _)| *of != ticket);
        match board.events.remove(&ticket) {
            Some(event) => Waited::Event(event),
            None => Waited::Nothing,
        }
    }

    // Somebody else must turn the reactor now.
    fn hand_on(&self) {
        if let Some((_, thread)) = lock(&self.board).sleepers.pop() {
            thread.unpark();
        }
    }

    /// Before a fork: takes the reactor away from every other thread.
    pub fn suspend(&self) {
        self.forking.store(true, Ordering::Release);
        self.take_away();
    }

    fn take_away(&self) {
        self.leave.store(true, Ordering::Release);
        self.fetch();
        self.leave.store(false, Ordering::Release);
    }

    fn fetch(&self) {
        loop {
            if let Some(alarm) = &*lock(&self.alarm) {
                alarm.ring();
            }
            match self.home.try_lock() {
                Ok(mut home) => {
                    *lock(&self.away) = home.take();
                    return;
                }
                Err(TryLockError::Poisoned(_)) => return,
                Err(TryLockError::WouldBlock) => thread::yield_now(),
            }
        }
    }

    /// After it, in the parent.
    pub fn resume(&self) {
        {
            let mut home = lock(&self.home);
            *home = lock(&self.away).take();
            self.forking.store(false, Ordering::Release);
        }
        self.hand_on();
    }

    /// After it, in the child: closes what belongs to the parent, without a word to anybody.
    pub fn abandon(&self) {
        if let Some(home) = lock(&self.away).take() {
            end(home);
        }
    }

    /// Numbers for a status, as they are or were a moment ago; none if it is closed.
    pub fn stats(&self) -> Option<Stats> {
        let counts = match self.home.try_lock() {
            Ok(mut home) => home.as_mut()?.visit(|host| host.counts()),
            Err(TryLockError::Poisoned(_)) => return None,
            Err(TryLockError::WouldBlock) => *lock(&self.counts),
        };
        let [requests, connections, idle, waiting] = counts;
        Some(Stats {
            requests,
            connections,
            idle,
            waiting,
        })
    }

    /// Gives up what is under way and closes all connections.
    pub fn close(&self) {
        self.order(Op::Close);
        self.take_away();
        self.abandon();
        self.fd.store(-1, Ordering::Relaxed);
        *lock(&self.alarm) = None;
        // All who wait find out.
        for (_, thread) in lock(&self.board).sleepers.drain(..) {
            thread.unpark();
        }
    }
}

fn end(mut home: Home) {
    // The tasks hold who owns the reactor.
    home.visit(|host| host.rx.end());
}

impl Drop for Shared {
    fn drop(&mut self) {
        for home in [&mut self.home, &mut self.away] {
            // In a forked child the lock may be held for ever, by a thread that is not there.
            let home = home.get_mut().unwrap_or_else(PoisonError::into_inner);
            if let Some(home) = home.take() {
                end(home);
            }
        }
    }
}
