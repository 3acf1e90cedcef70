//! Probes: an ejected peer comes back when a background connect succeeds.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::AtomicU32;

use surehop_engine::{Group, Parked, Probe, Recovery};

use crate::clock::{Millis, NEVER};
use crate::connections::Connections;
use crate::socket::{Address, Socket};

/// How long a probe waits for its connect.
const CONNECT_TIMEOUT: Millis = 5_000;
/// When the limit on probes under way is reached, how long to wait before asking again.
const CROWDED: Millis = 100;

/// A worker's groups, as a prober needs them.
pub trait Probed: 'static {
    /// The groups.
    fn groups(&self) -> &[RefCell<Group>];
    /// The addresses of a group's peers.
    fn addresses(&self, group: usize) -> &[Address];
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
        for (index, group) in worker.groups().iter().enumerate() {
            let state = group.borrow().state().clone();
            while let Some(probe) = state.claim_probe(now, worker.under_way()) {
                rx.spawn(one(worker.clone(), index, probe));
            }
            if let Some(due) = state.next_probe() {
                next = next.min(due.max(now + CROWDED));
            }
        }
        rx.rest_until(next).await;
    }
}

async fn one<W: Probed>(worker: Rc<W>, index: usize, probe: Probe) {
    let hop = worker.connections();
    let rx = &hop.reactor;
    let state = worker.groups()[index].borrow().state().clone();
    let begun = rx.now();
    let place = hop.claim(index);
    let socket = match Socket::connect(rx, &worker.addresses(index)[probe.peer as usize]) {
        Ok(socket) => match rx
            .until(begun + CONNECT_TIMEOUT, || socket.poll_connected())
            .await
        {
            Ok(Ok(())) => Some(socket),
            _ => None,
        },
        Err(_) => None,
    };
    let now = rx.now();
    let Some(socket) = socket else {
        state.probe_failed(probe, now, worker.random(), worker.under_way());
        hop.call_prober();
        return;
    };
    if let Some(recovery) = state.probe_succeeded(probe, now, worker.under_way()) {
        worker.recovered(index, probe.peer, recovery);
    }
    let upstream = hop.adopt(socket, place, now - begun);
    let mut group = worker.groups()[index].borrow_mut();
    let parked = Parked {
        conn: upstream.conn,
        opened_at: begun,
        idle_since: now,
        requests: 0,
        hint: None,
        rtt: upstream.rtt,
    };
    hop.rest(upstream);
    group.park(probe.peer, 0, parked, now);
    hop.sweep(&mut group);
    hop.call_keeper();
}
