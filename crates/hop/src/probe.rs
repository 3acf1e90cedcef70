//! Probes: an ejected peer comes back when a background connect succeeds.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use surehop_engine::{Group, GroupState, Parked, Probe, Recovery};

use crate::clock::{Millis, NEVER};
use crate::connections::{Connections, Groups, Upstream};
use crate::socket::{Address, Socket};

/// How long a probe waits for its connect.
const CONNECT_TIMEOUT: Millis = 5_000;
/// When the limit on probes under way is reached, how long to wait before asking again.
const CROWDED: Millis = 100;

/// A worker's groups, as a prober needs them.
pub trait Probed: 'static {
    /// The groups.
    fn groups(&self) -> &impl Groups;
    /// Connects to a peer in the background, within `deadline`; none if that can't be done.
    fn connect(
        self: Rc<Self>,
        group: usize,
        peer: u32,
        deadline: Millis,
    ) -> impl Future<Output = Option<Upstream>> + 'static;
    /// The worker's connections.
    fn connections(&self) -> &Connections;
    /// How many probes are under way in the whole process.
    fn under_way(&self) -> &AtomicU32;
    /// A peer came back. For the log.
    fn recovered(&self, group: usize, peer: u32, recovery: Recovery);
    /// Whether others probe these groups from now on.
    fn retired(&self) -> bool {
        false
    }
    /// Random bits, for jitter.
    fn random(&self) -> u64;
}

/// Probes ejected peers for ever.
pub async fn prober<W: Probed>(worker: Rc<W>) {
    let rx = worker.connections().reactor.clone();
    while !worker.retired() {
        let now = rx.now();
        let mut next = NEVER;
        for index in 0..worker.groups().bound() {
            let state = |group: &RefCell<Group>| group.borrow().state().clone();
            let Some(state) = worker.groups().visit(index, state) else {
                continue;
            };
            while let Some(probe) = state.claim_probe(now, worker.under_way()) {
                rx.spawn(one(worker.clone(), index, probe, state.clone()));
            }
            if let Some(due) = state.next_probe() {
                next = next.min(due.max(now + CROWDED));
            }
        }
        rx.rest_until(next).await;
    }
}

/// Connects to `to` by `deadline`.
pub async fn reach(
    hop: &Connections,
    group: usize,
    to: &Address,
    deadline: Millis,
) -> Option<Upstream> {
    let rx = &hop.reactor;
    let begun = rx.now();
    let place = hop.claim(group);
    let socket = Socket::connect(rx, to).ok()?;
    let connected = rx.until(deadline, || socket.poll_connected()).await;
    matches!(connected, Ok(Ok(()))).then(|| hop.adopt(socket, place, rx.now() - begun))
}

async fn one<W: Probed>(worker: Rc<W>, index: usize, probe: Probe, state: Arc<GroupState>) {
    let hop = worker.connections();
    let rx = &hop.reactor;
    let begun = rx.now();
    let connected = worker
        .clone()
        .connect(index, probe.peer, begun + CONNECT_TIMEOUT)
        .await;
    let now = rx.now();
    let Some(upstream) = connected else {
        state.probe_failed(probe, now, worker.random(), worker.under_way());
        hop.call_prober();
        return;
    };
    if let Some(recovery) = state.probe_succeeded(probe, now, worker.under_way()) {
        worker.recovered(index, probe.peer, recovery);
    }
    let parked = Parked {
        conn: upstream.conn,
        opened_at: begun,
        idle_since: now,
        requests: 0,
        hint: None,
        rtt: upstream.rtt,
    };
    worker.groups().visit(index, |group| {
        hop.rest(upstream);
        let mut group = group.borrow_mut();
        group.park(probe.peer, 0, parked, now);
        hop.sweep(&mut group);
    });
    hop.call_keeper();
}
