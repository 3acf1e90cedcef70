//! A request that remembers what the driver did with it.

use std::cell::{Cell, RefCell};
use std::io::IoSlice;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use surehop_engine::{
    Attempt, Cause, Facts, Group, GroupPlan, GroupState, KeepalivePlan, Notice, PeerPlan, Policy,
    Reason, Rules, Session, Verdict,
};
use surehop_hop::buffer::Buffers;
use surehop_hop::clock::Millis;
use surehop_hop::connections::Connections;
use surehop_hop::drive::{Driven, Exchange, Fault, Heard, Route, Stopped, drive};
use surehop_hop::reactor::Reactor;
use surehop_hop::socket::Manner;
use surehop_hop::socket::{Address, Socket};

const TIMEOUT: Millis = 5_000;

/// What the driver did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) faults: Vec<Fault>,
    pub(crate) attempts: Vec<(Reason, Verdict)>,
    pub(crate) no_live: usize,
}

/// A request without a body.
pub(crate) struct Asked {
    session: Session,
    request: Vec<u8>,
    sent: usize,
    pub(crate) gone: Rc<Cell<bool>>,
    panics: bool,
    crowded: bool,
    told: Told,
}

impl Exchange for Asked {
    fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    fn rewind(&mut self, _now: Millis) {
        self.sent = 0;
    }

    fn poll_send(&mut self, to: &Socket) -> Poll<Result<(), Stopped>> {
        while self.sent < self.request.len() {
            match to.poll_write(&[IoSlice::new(&self.request[self.sent..])]) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(n)) => self.sent += n,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(Stopped::Upstream(e))),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn sent(&self) -> u64 {
        self.sent as u64
    }

    fn gone(&mut self) -> bool {
        self.gone.get()
    }

    fn hear(&mut self, bytes: &[u8], _limit: usize) -> Result<Heard, Cause> {
        assert!(!self.panics, "by hand");
        if !b"HTTP/".starts_with(&bytes[..bytes.len().min(5)]) {
            return Err(Cause::Invalid);
        }
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(Heard::More);
        };
        let status = std::str::from_utf8(&bytes[9..12]).unwrap().parse().unwrap();
        Ok(if status < 200 {
            Heard::Interim(end + 4)
        } else {
            Heard::Head(end + 4, status)
        })
    }

    fn has_room(&self) -> bool {
        !self.crowded
    }

    fn crowded(&mut self, attempt: &Attempt) {
        self.told.attempts.push((attempt.reason, attempt.verdict));
    }

    fn failed(&mut self, attempt: &Attempt, fault: Fault, _notices: &[Notice], _known_out: bool) {
        self.told.faults.push(fault);
        self.told.attempts.push((attempt.reason, attempt.verdict));
    }

    fn no_live(&mut self, _attempt: &Attempt) {
        self.told.no_live += 1;
    }

    fn noticed(&mut self, _notice: Notice) {}
}

/// A worker's upstream side, with one group.
#[derive(Clone)]
pub(crate) struct Hop {
    pub(crate) rx: Reactor,
    pub(crate) connections: Rc<Connections>,
    pub(crate) groups: Rc<Vec<RefCell<Group>>>,
    addresses: Rc<Vec<Address>>,
    pub(crate) policy: Policy,
    pub(crate) facts: Facts,
    pub(crate) head_limit: usize,
    pub(crate) read_timeout: Millis,
    pub(crate) panics: bool,
    pub(crate) crowded: bool,
    pub(crate) gone: Rc<Cell<bool>>,
}

/// What came of a request: how it ended, and what the driver told meanwhile.
pub(crate) struct Came {
    pub(crate) end: Driven,
    pub(crate) told: Told,
}

impl Hop {
    pub(crate) fn new(addresses: Vec<Address>, rules: Rules) -> Self {
        let rx = Reactor::new().unwrap();
        let plan = GroupPlan {
            peers: vec![PeerPlan::default(); addresses.len()],
            slow_start: false,
            balance: surehop_engine::Balance::RoundRobin,
            keepalive: KeepalivePlan {
                connections: 8,
                ..KeepalivePlan::default()
            },
            rules,
            queue: None,
        };
        let state = Arc::new(GroupState::new(&plan));
        let group = Group::new(plan, state, 1).unwrap();
        let connections = Rc::new(Connections::new(rx.clone(), Buffers::default()));
        let groups = Rc::new(vec![RefCell::new(group)]);
        let (watched, watching) = (connections.clone(), groups.clone());
        let keeper = rx.spawn(async move { watched.keep(&*watching).await });
        connections.watched_by(keeper, keeper);
        Self {
            rx,
            connections,
            groups,
            addresses: Rc::new(addresses),
            policy: Policy::default(),
            facts: Facts::GET,
            head_limit: 4096,
            read_timeout: TIMEOUT,
            panics: false,
            crowded: false,
            gone: Rc::default(),
        }
    }

    /// Requests under way at a peer.
    pub(crate) fn active(&self, peer: u32) -> u32 {
        let group = self.groups[0].borrow();
        group.state().peer(peer, self.rx.now()).conns
    }

    /// Closes the resting connections.
    pub(crate) fn close_idle(&self) {
        let mut group = self.groups[0].borrow_mut();
        group.expire(Millis::MAX);
        self.connections.sweep(&mut group);
    }

    /// Drives a request up to its end; a response is finished (its connection kept) by the caller.
    pub(crate) async fn ask(self, request: Vec<u8>) -> Came {
        let mut asked = Asked {
            session: Session::new(),
            request,
            sent: 0,
            gone: self.gone.clone(),
            panics: self.panics,
            crowded: self.crowded,
            told: Told::default(),
        };
        let route = Route {
            group: &self.groups[0],
            index: 0,
            addresses: &self.addresses,
            policy: &self.policy,
            scope: 0,
            connect_timeout: TIMEOUT,
            send_timeout: TIMEOUT,
            read_timeout: self.read_timeout,
            head_limit: self.head_limit,
            manner: Manner::default(),
        };
        let end = drive(&self.connections, &route, self.facts, &mut asked).await;
        if let Driven::Response(upstream) = &end {
            let keep = surehop_engine::Keep {
                conn: upstream.conn,
                hint: None,
                rtt: upstream.rtt,
            };
            let sent = asked.sent();
            let event = surehop_engine::Event::Finished {
                sent,
                received: 0,
                length: 0,
                died: None,
                keep: Some(keep),
            };
            let mut group = self.groups[0].borrow_mut();
            let now = self.rx.now();
            asked.session.on(&mut group, &self.policy, now, event);
        } else {
            let mut group = self.groups[0].borrow_mut();
            asked.session.abandon(&mut group, self.rx.now());
        }
        Came {
            end,
            told: asked.told,
        }
    }

    /// A request that is answered, and whose connection rests afterwards.
    pub(crate) fn ask_and_rest(&self, request: &[u8]) -> Told {
        let hop = self.clone();
        let request = request.to_vec();
        crate::stage::run(&self.rx, async move {
            let came = hop.clone().ask(request).await;
            let Driven::Response(upstream) = came.end else {
                panic!("no response: {:?}", came.end)
            };
            hop.connections.rest(upstream);
            came.told
        })
    }
}
