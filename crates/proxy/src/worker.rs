//! A worker: one thread, one reactor, its clients, its share of the groups.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use std::task::Poll;
use std::time::Duration;

use rustix::io::Errno;
use surehop_engine::{Group, Recovery};
use surehop_hop::buffer::Buffers;
use surehop_hop::clock::{self, Millis};
use surehop_hop::connections::{Connections, Groups, Upstream};
use surehop_hop::probe::{Probed, prober, reach};
use surehop_hop::reactor::{Alarm, Reactor};
use surehop_hop::socket::Listener;

use crate::client::Client;
use crate::config::Config;
use crate::connection;
use crate::crowd::{self, Crowd};
use crate::exchange::Exchange;
use crate::log::Logs;
use crate::place::{Place, place};
use crate::plan::Level;
use crate::post::{Files, Inbox, Post};
use crate::stub::{AllStages, Stages};

/// How many unused exchanges a worker keeps.
const KEPT_EXCHANGES: usize = 256;
/// How many connections are accepted before those that are here have their turn.
const ACCEPTS: usize = 32;
/// How long accepting pauses when there are no descriptors left.
const ACCEPT_PAUSE: u64 = 500;

/// The phases of a process: it serves; it answers what is under way and takes nothing new; it ends.
pub const RUNNING: u8 = 0;
/// See [`RUNNING`].
pub const DRAINING: u8 = 1;
/// Workers of a newer configuration go on: who is idle is handed to them, nothing new is taken.
pub const HANDING: u8 = 3;
/// See [`RUNNING`].
pub const STOPPING: u8 = 2;

/// What the workers of a process share.
#[derive(Debug)]
pub struct Shared {
    /// The configuration.
    pub config: Arc<Config>,
    /// [`RUNNING`], [`HANDING`], [`DRAINING`] or [`STOPPING`].
    pub phase: AtomicU8,
    /// Probes under way in all workers.
    pub probes: AtomicU32,
    /// `$connection` of the last connection, over all configurations as the next two.
    pub connections: Arc<AtomicU64>,
    /// Requests answered.
    pub requests: Arc<AtomicU64>,
    /// Client connections open.
    pub clients: Arc<AtomicU64>,
    /// What its workers, and those of earlier configurations, are at.
    pub stages: Arc<AllStages>,
    /// Where the workers of the present configuration are reached.
    pub post: Arc<Post>,
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
    /// The requests it is at.
    pub stages: Arc<Stages>,
    /// Its own client connections.
    pub clients: Cell<usize>,
    // Boxed: what is handed about is a pointer, not a kilobyte.
    #[allow(clippy::vec_box)]
    exchanges: RefCell<Vec<Box<Exchange>>>,
    places: Places,
    seed: Cell<u64>,
    /// Its number.
    pub index: usize,
    /// Where it finds what is handed to it.
    pub inbox: Arc<Inbox>,
    stopping: Cell<bool>,
    expired: Cell<bool>,
    /// Its clients, as far as one of them may have to go.
    pub crowd: Crowd,
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
    /// Where it is handed something.
    pub inbox: Arc<Inbox>,
}

impl Worker {
    fn new(
        index: usize,
        shared: Arc<Shared>,
        inbox: Arc<Inbox>,
        files: &Files,
    ) -> Result<Self, String> {
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
        let hostname = rustix::system::uname();
        let hostname = hostname.nodename().to_string_lossy().into_owned();
        Ok(Self {
            logs: Logs::new(files, &config.plan, &hostname),
            connections: Connections::new(reactor.clone(), buffers.clone()),
            hostname,
            stages: shared.stages.add(),
            clients: Cell::new(0),
            exchanges: RefCell::default(),
            places: Places::default(),
            seed: Cell::new(seed),
            index,
            inbox,
            stopping: Cell::new(false),
            expired: Cell::new(false),
            crowd: Crowd::default(),
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

    /// Whether `worker_shutdown_timeout` is over, and whoever is left says his last words.
    pub fn expired(&self) -> bool {
        self.expired.get()
    }

    /// Whether workers of a newer configuration take over who is idle.
    pub fn handing(&self) -> bool {
        self.stopping() && self.shared.phase.load(Ordering::Relaxed) == HANDING
    }

    /// Whether connections end with the request that is under way.
    pub fn closing(&self) -> bool {
        self.stopping() && !self.handing()
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

    /// Writes a line about the worker itself.
    pub fn note(&self, level: Level, text: &str) {
        self.logs.main(self.reactor.now(), level, text);
    }
}

impl Probed for Worker {
    fn groups(&self) -> &impl Groups {
        &self.groups
    }

    async fn connect(
        self: Rc<Self>,
        group: usize,
        peer: u32,
        deadline: Millis,
    ) -> Option<Upstream> {
        let to = &self.config.groups[group].addresses[peer as usize];
        reach(&self.connections, group, to, deadline).await
    }

    fn connections(&self) -> &Connections {
        &self.connections
    }

    fn under_way(&self) -> &AtomicU32 {
        &self.shared.probes
    }

    fn recovered(&self, group: usize, peer: u32, recovery: Recovery) {
        if self.stopping() {
            return;
        }
        let text = recovery_text(
            &self.config.groups[group],
            peer,
            recovery.out_for,
            recovery.probes,
        );
        self.note(Level::Notice, &text);
    }

    fn retired(&self) -> bool {
        self.stopping()
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
pub fn start(
    index: usize,
    shared: Arc<Shared>,
    listeners: &Arc<Vec<OwnedFd>>,
    files: &Files,
) -> Result<Handle, String> {
    let inbox = Arc::new(Inbox::default());
    let (for_worker, listeners, files) = (inbox.clone(), listeners.clone(), files.clone());
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .name(format!("worker {index}"))
        .spawn(move || {
            let prepared = prepare(index, shared, for_worker, &listeners, &files);
            // A worker has its own descriptors of both: those that are given up must be closed at last.
            drop((listeners, files));
            match prepared {
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
            }
        })
        .map_err(|e| format!("no thread for worker {index}: {e}"))?;
    match told.recv() {
        Ok(Ok(alarm)) => Ok(Handle {
            alarm,
            thread,
            inbox,
        }),
        Ok(Err(e)) => Err(e),
        Err(_) => Err(format!("worker {index} ended before it began")),
    }
}

/// Held by the tasks that a worker can't do without. One that panics takes the process along: the control
/// process starts another at once, where a worker that accepts or watches no more would go unnoticed.
struct Vital;

impl Drop for Vital {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

fn prepare(
    index: usize,
    shared: Arc<Shared>,
    inbox: Arc<Inbox>,
    listeners: &[OwnedFd],
    files: &Files,
) -> Result<(Rc<Worker>, Alarm), String> {
    let worker = Rc::new(Worker::new(index, shared, inbox, files)?);
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
    let keeper = worker.reactor.spawn(async move {
        let _vital = Vital;
        for_keeper.connections.keep(&for_keeper.groups).await;
    });
    let for_prober = worker.clone();
    let prober = worker.reactor.spawn(async move {
        let _vital = Vital;
        prober(for_prober).await;
    });
    worker.connections.watched_by(keeper, prober);
    let post = worker.shared.post.clone();
    worker.connections.call_others_by(move || post.call());
    for (index, fd) in listeners.iter().enumerate() {
        let listener =
            Listener::new(&worker.reactor, fd.as_fd()).map_err(|e| format!("listener: {e}"))?;
        worker
            .reactor
            .spawn(accept(worker.clone(), index, listener));
    }
    Ok((worker, alarm))
}

fn run(worker: &Rc<Worker>) {
    let mut end = clock::NEVER;
    loop {
        // Before the inbox: who is replaced finds all that was meant for it.
        let phase = worker.shared.phase.load(Ordering::Acquire);
        worker.receive();
        if phase != RUNNING && phase != STOPPING && !worker.stopping.replace(true) {
            worker.note(Level::Notice, "gracefully shutting down");
            let patience = worker.config.plan.shutdown_timeout_ms;
            if patience > 0 {
                end = clock::now() + patience;
            }
            // Whoever waits for a request or a connection finds out that there will be none.
            worker.reactor.wake_all();
        }
        if phase == HANDING {
            worker.hand_upstreams();
        }
        let idle = worker.clients.get() == 0;
        if phase == STOPPING || phase != RUNNING && idle {
            break;
        }
        if phase != RUNNING && clock::now() >= end {
            worker.expired.set(true);
            worker.reactor.wake_all();
            worker.reactor.run_ready();
            break;
        }
        let next = end.min(worker.logs.due());
        let limit = (next != clock::NEVER)
            .then(|| Duration::from_millis(next.saturating_sub(clock::now())));
        if let Err(e) = worker.reactor.turn(limit) {
            worker.note(Level::Alert, &format!("epoll_wait() failed: {e}"));
            worker.logs.flush_all();
            return;
        }
        worker.logs.flush();
    }
    worker.note(Level::Notice, "exiting");
    worker.reactor.end();
    worker.note(Level::Notice, "exit");
    worker.logs.flush_all();
}

async fn accept(worker: Rc<Worker>, index: usize, listener: Listener) {
    let _vital = Vital;
    let in_a_row = Cell::new(0);
    let brink = crowd::brink(&listener);
    let mut scarce = false;
    loop {
        if worker.handing() {
            return;
        }
        if scarce {
            // Whoever is in the queue waits until others have gone; if nobody can be sent away, for a while.
            if worker.let_go("open files") {
                worker.reactor.give_way().await;
            } else {
                let pause = worker.reactor.now() + ACCEPT_PAUSE;
                worker.reactor.sleep(pause).await;
            }
            scarce = crowd::only_reserve_left(&listener, brink);
            continue;
        }
        // Accepts in a row are bounded: a burst of clients is shared among the workers, and those who are
        // here go on meanwhile. Whoever is in the queue when the process drains is still let in.
        let next = || {
            if in_a_row.replace(in_a_row.get() + 1) == ACCEPTS {
                in_a_row.set(0);
                worker.reactor.again();
                return Poll::Pending;
            }
            match listener.poll_accept() {
                Poll::Pending => {
                    in_a_row.set(0);
                    if worker.stopping() {
                        Poll::Ready(Err(Errno::SHUTDOWN))
                    } else {
                        Poll::Pending
                    }
                }
                accepted @ Poll::Ready(_) => accepted,
            }
        };
        let accepted = worker.reactor.until(clock::NEVER, next).await;
        match accepted {
            Ok(Ok((socket, from))) => {
                scarce = socket.number() >= brink;
                if worker.make_room() && !worker.has_room() {
                    worker.reactor.give_way().await;
                }
                if !worker.has_room() {
                    worker.note(Level::Alert, &worker.too_few());
                    continue;
                }
                socket.set_nodelay();
                let number = worker.shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
                let present = connection::Present::new(worker.clone());
                let index = worker.config.meant(index, &socket);
                let now = worker.reactor.now();
                let client = Box::new(Client::new(socket, from, number, index, now));
                worker
                    .reactor
                    .spawn(connection::serve(worker.clone(), client, present));
            }
            Ok(Err(Errno::SHUTDOWN)) | Err(_) => return,
            Ok(Err(e)) => {
                scarce |= matches!(e, Errno::MFILE | Errno::NFILE);
                let mut text = b"accept4() failed".to_vec();
                crate::log::errno(&mut text, e.raw_os_error());
                worker.note(Level::Crit, &String::from_utf8_lossy(&text));
                // What the network has said of one connection says nothing of the next.
                if !scarce
                    && !matches!(
                        e,
                        Errno::PROTO
                            | Errno::PERM
                            | Errno::NETDOWN
                            | Errno::NETUNREACH
                            | Errno::HOSTDOWN
                            | Errno::HOSTUNREACH
                    )
                {
                    worker
                        .reactor
                        .sleep(worker.reactor.now() + ACCEPT_PAUSE)
                        .await;
                }
            }
        }
    }
}
