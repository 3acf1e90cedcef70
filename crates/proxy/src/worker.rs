//! A worker: one thread, one reactor, its clients, its share of the groups.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use std::task::Poll;

use rustix::io::Errno;
use surehop_engine::{Group, Recovery};
use surehop_hop::buffer::Buffers;
use surehop_hop::connections::Connections;
use surehop_hop::probe::{Probed, prober};
use surehop_hop::reactor::{Alarm, Reactor};
use surehop_hop::socket::{Address, Listener};

use crate::client::Client;
use crate::config::Config;
use crate::connection;
use crate::exchange::Exchange;
use crate::log::Logs;
use crate::place::{Place, place};
use crate::plan::Level;

/// How many unused exchanges a worker keeps.
const KEPT_EXCHANGES: usize = 256;
/// How long accepting pauses when there are no descriptors left.
const ACCEPT_PAUSE: u64 = 500;

/// The phases of a process: it serves; it answers what is under way and takes nothing new; it ends.
pub const RUNNING: u8 = 0;
/// See [`RUNNING`].
pub const DRAINING: u8 = 1;
/// See [`RUNNING`].
pub const STOPPING: u8 = 2;

/// What the workers of a process share.
#[derive(Debug)]
pub struct Shared {
    /// The configuration.
    pub config: Arc<Config>,
    /// [`RUNNING`], [`DRAINING`] or [`STOPPING`].
    pub phase: AtomicU8,
    /// Probes under way in all workers.
    pub probes: AtomicU32,
    /// `$connection` of the last connection.
    pub connections: AtomicU64,
    /// Requests answered.
    pub requests: AtomicU64,
    /// Client connections open.
    pub clients: AtomicU64,
    /// The log files.
    pub files: Vec<(String, Arc<OwnedFd>)>,
    /// The listening sockets, in the plan's order.
    pub listeners: Vec<OwnedFd>,
}

/// One worker.
#[derive(Debug)]
pub struct Worker {
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    /// The configuration.
    pub config: Arc<Config>,
    /// Its reactor.
    pub reactor: Reactor,
    /// Its buffers.
    pub buffers: Buffers,
    /// Its view of the log files.
    pub logs: Logs,
    /// Its upstream connections.
    pub connections: Connections,
    /// Its view of the groups.
    pub groups: Vec<RefCell<Group>>,
    /// `$hostname`.
    pub hostname: String,
    /// Its own client connections.
    pub clients: Cell<usize>,
    // Boxed: what is handed about is a pointer, not a kilobyte.
    #[allow(clippy::vec_box)]
    exchanges: RefCell<Vec<Box<Exchange>>>,
    places: Places,
    seed: Cell<u64>,
    stopping: Cell<bool>,
    /// For each group, how often peers had gone out when it was last found without a live one.
    silent: RefCell<Vec<Option<u64>>>,
}

/// Unused places.
#[derive(Default)]
struct Places(RefCell<Vec<Box<dyn Place>>>);

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} places", self.0.borrow().len())
    }
}

/// A worker's thread, as the one who started it sees it.
#[derive(Debug)]
pub struct Handle {
    /// Wakes it.
    pub alarm: Alarm,
    /// Ends with it.
    pub thread: std::thread::JoinHandle<()>,
}

impl Worker {
    fn new(index: usize, shared: Arc<Shared>) -> Result<Self, String> {
        let reactor = Reactor::new().map_err(|e| format!("no reactor: {e}"))?;
        let config = shared.config.clone();
        let mut groups = Vec::new();
        let mut seed = [0_u8; 8];
        let _ = rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty());
        let seed = u64::from_ne_bytes(seed) | 1;
        for group in &config.groups {
            let made = Group::new(group.plan.clone(), group.state(index).clone(), seed);
            groups.push(RefCell::new(
                made.map_err(|e| format!("upstream `{}`: {e}", group.name))?,
            ));
        }
        let buffers = Buffers::default();
        Ok(Self {
            logs: Logs::new(&shared.files, config.plan.error_log.clone()),
            connections: Connections::new(reactor.clone(), buffers.clone()),
            hostname: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            clients: Cell::new(0),
            exchanges: RefCell::default(),
            places: Places::default(),
            seed: Cell::new(seed),
            stopping: Cell::new(false),
            silent: RefCell::new(vec![None; config.groups.len()]),
            shared,
            config,
            reactor,
            buffers,
            groups,
        })
    }

    /// Whether the process is going down: no connection is kept.
    pub fn stopping(&self) -> bool {
        self.stopping.get()
    }

    /// An exchange from the store.
    pub fn exchange(&self) -> Box<Exchange> {
        self.exchanges.borrow_mut().pop().unwrap_or_default()
    }

    /// A place for a request from the store.
    pub fn place(&self) -> Box<dyn Place> {
        self.places.0.borrow_mut().pop().unwrap_or_else(place)
    }

    /// Gives a place back.
    pub fn vacate(&self, place: Box<dyn Place>) {
        let mut store = self.places.0.borrow_mut();
        if store.len() < KEPT_EXCHANGES {
            store.push(place);
        }
    }

    /// Gives an exchange back.
    pub fn recycle(&self, mut exchange: Box<Exchange>) {
        if let Some(raw) = exchange.raw.take() {
            self.buffers.give(raw);
        }
        if let Some(held) = exchange.held.take() {
            self.buffers.give(held);
        }
        exchange.reset();
        let mut store = self.exchanges.borrow_mut();
        if store.len() < KEPT_EXCHANGES {
            store.push(exchange);
        }
    }

    /// Whether a group is found without a live peer for the first time since a peer went out: that is told
    /// once, whatever the number of requests that find it so.
    pub fn first_no_live(&self, group: &crate::config::GroupConf) -> bool {
        let now = self.reactor.now();
        let peers = 0..group.shown.len() as u32;
        let count = |state: &std::sync::Arc<surehop_engine::GroupState>| -> u64 {
            peers
                .clone()
                .map(|peer| state.peer(peer, now).counters.ejections)
                .sum()
        };
        let ejections = group.states.iter().map(count).sum();
        let index = self
            .config
            .groups
            .iter()
            .position(|other| std::ptr::eq(other, group))
            .unwrap_or(0);
        self.silent.borrow_mut()[index].replace(ejections) != Some(ejections)
    }

    fn note(&self, level: Level, text: &str) {
        self.logs.main(self.reactor.now(), level, text);
    }
}

impl Probed for Worker {
    fn groups(&self) -> &[RefCell<Group>] {
        &self.groups
    }

    fn addresses(&self, group: usize) -> &[Address] {
        &self.config.groups[group].addresses
    }

    fn connections(&self) -> &Connections {
        &self.connections
    }

    fn under_way(&self) -> &AtomicU32 {
        &self.shared.probes
    }

    fn recovered(&self, group: usize, peer: u32, recovery: Recovery) {
        let text = recovery_text(
            &self.config.groups[group],
            peer,
            recovery.out_for,
            recovery.probes,
        );
        self.note(Level::Notice, &text);
    }

    fn random(&self) -> u64 {
        // xorshift64: jitter needs to differ, not to be secret.
        let mut x = self.seed.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.seed.set(x);
        x
    }
}

/// The line that tells of a peer's return.
pub fn recovery_text(
    group: &crate::config::GroupConf,
    peer: u32,
    out_for: u64,
    probes: u32,
) -> String {
    format!(
        "upstream server is back after {}.{:03} s and {probes} probe{}, upstream: \"{}\", peer: \"{}\"",
        out_for / 1000,
        out_for % 1000,
        if probes == 1 { "" } else { "s" },
        group.name,
        group.peer_name(peer),
    )
}

/// Starts a worker's thread.
pub fn start(index: usize, shared: Arc<Shared>) -> Result<Handle, String> {
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .name(format!("worker {index}"))
        .spawn(move || match prepare(index, shared) {
            Ok((worker, alarm)) => {
                let _ = tell.send(Ok(alarm));
                let ended = catch_unwind(AssertUnwindSafe(|| run(&worker)));
                if ended.is_err() || worker.shared.phase.load(Ordering::Relaxed) == RUNNING {
                    // Listeners without their worker would keep clients waiting for ever; a process
                    // that dies is started again.
                    std::process::abort();
                }
            }
            Err(e) => {
                let _ = tell.send(Err(e));
            }
        })
        .map_err(|e| format!("no thread for worker {index}: {e}"))?;
    match told.recv() {
        Ok(Ok(alarm)) => Ok(Handle { alarm, thread }),
        Ok(Err(e)) => Err(e),
        Err(_) => Err(format!("worker {index} ended before it began")),
    }
}

fn prepare(index: usize, shared: Arc<Shared>) -> Result<(Rc<Worker>, Alarm), String> {
    let worker = Rc::new(Worker::new(index, shared)?);
    let alarm = worker
        .reactor
        .alarm()
        .map_err(|e| format!("no alarm: {e}"))?;
    // A weak handle: the reactor belongs to the worker, which must not belong to the reactor.
    let weak = Rc::downgrade(&worker);
    worker.reactor.on_panic(move |message| {
        if let Some(worker) = weak.upgrade() {
            worker.note(
                Level::Alert,
                &format!("a connection was ended by a panic: {message}"),
            );
        }
    });
    let for_keeper = worker.clone();
    let keeper = worker
        .reactor
        .spawn(async move { for_keeper.connections.keep(&for_keeper.groups).await });
    let prober = worker.reactor.spawn(prober(worker.clone()));
    worker.connections.watched_by(keeper, prober);
    for (index, fd) in worker.shared.listeners.iter().enumerate() {
        let listener =
            Listener::new(&worker.reactor, fd.as_fd()).map_err(|e| format!("listener: {e}"))?;
        worker
            .reactor
            .spawn(accept(worker.clone(), index, listener));
    }
    Ok((worker, alarm))
}

fn run(worker: &Rc<Worker>) {
    loop {
        let phase = worker.shared.phase.load(Ordering::Relaxed);
        if phase == DRAINING && !worker.stopping.replace(true) {
            // Whoever waits for a request or a connection finds out that there will be none.
            worker.reactor.wake_all();
        }
        if phase == STOPPING || phase == DRAINING && worker.clients.get() == 0 {
            break;
        }
        if let Err(e) = worker.reactor.turn(None) {
            worker.note(Level::Alert, &format!("epoll_wait() failed: {e}"));
            worker.logs.flush();
            return;
        }
        worker.logs.flush();
    }
    worker.logs.flush();
}

async fn accept(worker: Rc<Worker>, index: usize, listener: Listener) {
    loop {
        let next = || match listener.poll_accept() {
            Poll::Pending if worker.stopping() => Poll::Ready(Err(Errno::SHUTDOWN)),
            other => other,
        };
        let accepted = worker.reactor.until(surehop_hop::clock::NEVER, next).await;
        match accepted {
            Ok(Ok((socket, from))) => {
                if worker.clients.get() + worker.connections.len()
                    >= worker.config.plan.worker_connections
                {
                    let limit = worker.config.plan.worker_connections;
                    worker.note(
                        Level::Alert,
                        &format!("{limit} worker_connections are not enough"),
                    );
                    continue;
                }
                socket.set_nodelay();
                let number = worker.shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
                let client = Client::new(socket, from, number, index, worker.reactor.now());
                worker
                    .reactor
                    .spawn(connection::serve(worker.clone(), client));
                // A burst of clients is shared among the workers, and those who are here go on.
                worker.reactor.give_way().await;
            }
            Ok(Err(Errno::SHUTDOWN)) | Err(_) => return,
            // The listener was shut down: the process takes no more clients.
            Ok(Err(Errno::INVAL)) if worker.shared.phase.load(Ordering::Relaxed) != RUNNING => {
                return;
            }
            Ok(Err(e)) => {
                let mut text = b"accept4() failed".to_vec();
                crate::log::errno(&mut text, e.raw_os_error());
                worker.note(Level::Crit, &String::from_utf8_lossy(&text));
                // What the network has said of one connection says nothing of the next.
                if !matches!(
                    e,
                    Errno::PROTO
                        | Errno::PERM
                        | Errno::NETDOWN
                        | Errno::NETUNREACH
                        | Errno::HOSTDOWN
                        | Errno::HOSTUNREACH
                ) {
                    worker
                        .reactor
                        .sleep(worker.reactor.now() + ACCEPT_PAUSE)
                        .await;
                }
            }
        }
    }
}
