//! What workers hand to those of the next configuration: idle clients, idle upstream connections, log files.

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use surehop_engine::Parked;
use surehop_hop::clock::Millis;
use surehop_hop::reactor::Alarm;
use surehop_hop::socket::{Address, Socket};

use crate::client::Client;
use crate::connection;
use crate::worker::Worker;

/// Log files by their paths.
pub type Files = Arc<Vec<(String, Arc<OwnedFd>)>>;

/// A client between two requests.
#[derive(Debug)]
pub struct IdleClient {
    /// Its socket.
    pub fd: OwnedFd,
    /// Where it comes from.
    pub remote: Option<Address>,
    /// Where it came in.
    pub listener: Address,
    /// `$connection`.
    pub number: u64,
    /// When it was accepted.
    pub opened: Millis,
    /// Requests it has sent.
    pub requests: u64,
    /// How long it may be idle.
    pub idle_timeout: Millis,
}

/// A connection to an upstream that rests. Groups and peers go by name and address: their numbers may differ.
#[derive(Debug)]
pub struct IdleUpstream {
    /// Its socket.
    pub fd: OwnedFd,
    /// The group's name.
    pub group: String,
    /// The peer's address.
    pub address: Address,
    /// Its scope in the pool.
    pub scope: u32,
    /// What the pool knows of it.
    pub parked: Parked,
    /// Its round trip.
    pub rtt: Millis,
}

/// Something for a worker.
#[derive(Debug)]
pub enum Handed {
    /// A client.
    Client(Box<IdleClient>),
    /// A connection to an upstream.
    Upstream(Box<IdleUpstream>),
    /// Log files, opened anew.
    Files(Files),
    /// A peer was freed: who waits for one may look.
    Freed,
}

/// Where a worker finds what is handed to it.
#[derive(Debug, Default)]
pub struct Inbox {
    full: AtomicBool,
    items: Mutex<Vec<Handed>>,
}

impl Inbox {
    /// Puts something in.
    pub fn put(&self, handed: Handed) {
        lock(&self.items).push(handed);
        self.full.store(true, Ordering::Release);
    }

    /// Takes everything out; looked at once a turn, so an empty one costs one load.
    pub fn take(&self) -> Vec<Handed> {
        if self.full.load(Ordering::Relaxed) && self.full.swap(false, Ordering::Acquire) {
            std::mem::take(&mut *lock(&self.items))
        } else {
            Vec::new()
        }
    }
}

/// Where the workers of the present configuration are reached.
#[derive(Debug, Default)]
pub struct Post(Mutex<Vec<(Arc<Inbox>, Alarm)>>);

impl Post {
    /// From now on everything goes to these. What came before is in the inboxes of the others already.
    pub fn readdress(&self, to: Vec<(Arc<Inbox>, Alarm)>) {
        *lock(&self.0) = to;
    }

    /// Hands something to the worker of this number, or to one that stands for it.
    pub fn send(&self, index: usize, handed: Handed) {
        // Under the lock: who is replaced finds everything that was ever meant for it.
        let heirs = lock(&self.0);
        if let Some((inbox, alarm)) = heirs.get(index % heirs.len().max(1)) {
            inbox.put(handed);
            alarm.ring();
        }
    }
}

impl Post {
    /// Has every worker look whether somebody waits for a peer that was freed.
    pub fn call(&self) {
        for (inbox, alarm) in lock(&self.0).iter() {
            inbox.put(Handed::Freed);
            alarm.ring();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// Hands a client over that has no request under way.
    pub fn hand_client(&self, client: Client) {
        if let Some(idle) = client.into_idle(self) {
            let handed = Handed::Client(Box::new(idle));
            self.shared.post.send(self.index, handed);
        }
    }

    /// Hands all resting connections over.
    pub fn hand_upstreams(&self) {
        for (index, group) in self.groups.iter().enumerate() {
            let conf = &self.config.groups[index];
            let mut group = group.borrow_mut();
            while let Some((peer, scope, parked)) = group.unpark() {
                let Some((fd, rtt)) = self.connections.detach(parked.conn) else {
                    continue;
                };
                let handed = IdleUpstream {
                    fd,
                    group: conf.name.clone(),
                    address: conf.addresses[peer as usize].clone(),
                    scope,
                    parked,
                    rtt,
                };
                let handed = Handed::Upstream(Box::new(handed));
                self.shared.post.send(self.index, handed);
            }
        }
    }

    /// Takes what was handed to this worker.
    pub fn receive(self: &Rc<Self>) {
        for handed in self.inbox.take() {
            match handed {
                Handed::Client(idle) => {
                    if let Some(client) = Client::from_idle(self, *idle) {
                        let present = connection::Present::new(self.clone());
                        self.reactor.spawn(connection::serve(
                            self.clone(),
                            Box::new(client),
                            present,
                        ));
                    }
                }
                Handed::Upstream(idle) => self.take_upstream(*idle),
                Handed::Files(files) => self.logs.reopen(&files),
                Handed::Freed => {
                    for group in &self.groups {
                        self.connections
                            .call_from_elsewhere(&mut group.borrow_mut());
                    }
                }
            }
        }
    }

    fn take_upstream(&self, idle: IdleUpstream) {
        let groups = &self.config.groups;
        let Some(index) = groups.iter().position(|g| g.name == idle.group) else {
            return;
        };
        let addresses = &groups[index].addresses;
        let Some(peer) = addresses.iter().position(|a| *a == idle.address) else {
            return;
        };
        let Ok(socket) = Socket::attach(&self.reactor, idle.fd) else {
            return;
        };
        let upstream = self
            .connections
            .adopt(socket, self.connections.claim(index), idle.rtt);
        let parked = Parked {
            conn: upstream.conn,
            ..idle.parked
        };
        let mut group = self.groups[index].borrow_mut();
        self.connections.rest(upstream);
        // A scope that is no more goes to nobody: the pool closes it.
        group.park(peer as u32, idle.scope, parked, self.reactor.now());
        self.connections.sweep(&mut group);
        drop(group);
        self.connections.call_keeper();
    }
}

#[cfg(test)]
mod tests {
    use super::{Handed, Inbox};
    use std::sync::Arc;

    #[test]
    fn an_inbox_gives_everything_once() {
        let inbox = Inbox::default();
        assert!(inbox.take().is_empty());
        inbox.put(Handed::Files(Arc::default()));
        inbox.put(Handed::Files(Arc::default()));
        assert_eq!(inbox.take().len(), 2);
        assert!(inbox.take().is_empty());
    }
}
