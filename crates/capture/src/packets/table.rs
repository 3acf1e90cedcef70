//! All connections that are remembered, and what only several of them show.

use super::exchange::Moment;
use super::flow::{CLOSED, Flow, IDLE_CLOSE, IDLE_RESET};
use super::http::{is_request, is_response};
use super::segment::{ACK, SYN, Segment};
use super::told::Told;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

/// Connections of one generation; two are remembered.
const GENERATION: usize = 25_000;
/// Servers whose closes are watched.
const SERVERS: usize = 4096;
/// SYNs without an answer that are watched.
const PENDING: usize = 64;
/// ms after which clients that don't wait for one address try the next.
const NEXT_ADDRESS: std::ops::RangeInclusive<u64> = 150..=400;
/// Requests of which it is known that they were answered.
const ANSWERED: usize = 4096;
/// ms within which a server that ends closes its connections.
const TOGETHER: u64 = 200;
/// How many connections that are closed together tell something, and how many where some had hardly rested.
const MANY: u32 = 5;
const SOME: u32 = 3;
/// ms by which those differ at least.
const APART: u64 = 10;

type Key = (SocketAddr, SocketAddr);

/// A server's closes of connections at rest that came together.
#[derive(Debug)]
struct Burst {
    told: Told,
    count: u32,
    least: u64,
    most: u64,
}

/// Those that were heard of lately are `young`. When there are too many, the `old` ones that were not heard
/// of since are forgotten, and the young ones are old.
#[derive(Debug, Default)]
pub(super) struct Table {
    young: HashMap<Key, Flow>,
    old: HashMap<Key, Flow>,
    pending: VecDeque<(SocketAddr, SocketAddr, Moment)>,
    bursts: HashMap<SocketAddr, Burst>,
    /// By the marks of requests, what was answered.
    answered: HashMap<u64, u16>,
    connections: u64,
    now: Moment,
}

impl Table {
    /// How many connections there were.
    pub(super) fn connections(&self) -> u64 {
        self.connections
    }

    /// How many of them are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.young.len() + self.old.len()
    }

    pub(super) fn take(&mut self, segment: &Segment<'_>, now: Moment, tell: &mut dyn FnMut(Told)) {
        self.now = now;
        let key = key(segment.source, segment.target);
        if let Some(flow) = self.old.remove(&key) {
            self.keep(key, flow, tell);
        }
        if let Some(flow) = self.young.get_mut(&key)
            && flow.is_past(segment)
        {
            flow.end(now);
            std::mem::take(&mut flow.news)
                .into_iter()
                .for_each(&mut *tell);
            self.young.remove(&key);
        }
        if !self.young.contains_key(&key) {
            let Some((client, server)) = ends(segment) else {
                return;
            };
            self.open(key, client, server, now, tell);
        }
        let Some(flow) = self.young.get_mut(&key) else {
            return;
        };
        flow.take(segment, now);
        if let Some((asked, status)) = flow.answered()
            && self.answered.len() < ANSWERED
        {
            self.answered.insert(asked, status);
        }
        for mut told in std::mem::take(&mut flow.news) {
            if told.word == CLOSED {
                told.status = *self.answered.get(&told.asked.mark()).unwrap_or(&0);
            }
            together(&mut self.bursts, &told, tell);
            tell(told);
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self, tell: &mut dyn FnMut(Told)) {
        let (old, young) = (self.old.drain(), self.young.drain());
        forget(old.chain(young), self.now, tell);
        let mut bursts: Vec<Burst> = self.bursts.drain().map(|(_, burst)| burst).collect();
        bursts.sort_by_key(|burst| burst.told.from.packet);
        for burst in bursts {
            burst.tell(tell);
        }
    }

    fn open(
        &mut self,
        key: Key,
        client: SocketAddr,
        server: SocketAddr,
        now: Moment,
        tell: &mut dyn FnMut(Told),
    ) {
        self.connections += 1;
        self.elsewhere(client, server, now);
        self.pending.push_back((client, server, now));
        if self.pending.len() > PENDING {
            self.pending.pop_front();
        }
        let flow = Flow::new(self.connections, client, server, now);
        self.keep(key, flow, tell);
    }

    fn keep(&mut self, key: Key, flow: Flow, tell: &mut dyn FnMut(Told)) {
        if self.young.len() == GENERATION {
            let forgotten = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            forget(forgotten, self.now, tell);
        }
        self.young.insert(key, flow);
    }

    /// Marks a connection for which the same client seems to try another address by now.
    fn elsewhere(&mut self, client: SocketAddr, server: SocketAddr, now: Moment) {
        for &(client_then, server_then, at) in self.pending.iter().rev() {
            let after = now.since(at);
            if after > *NEXT_ADDRESS.end() {
                return;
            }
            let other = server_then.ip() != server.ip() && server_then.port() == server.port();
            // Of another family, the client's own address is another one too.
            let same = client_then.ip() == client.ip() || client_then.is_ipv4() != client.is_ipv4();
            if !other || !same || !NEXT_ADDRESS.contains(&after) {
                continue;
            }
            let key = key(client_then, server_then);
            let flow = self.young.get_mut(&key).or_else(|| self.old.get_mut(&key));
            if let Some(flow) = flow.filter(|flow| flow.is_opening()) {
                flow.went_elsewhere(after);
                return;
            }
        }
    }
}

impl Burst {
    fn tell(self, tell: &mut dyn FnMut(Told)) {
        let (count, least, most) = (self.count, self.least, self.most);
        // Those that rested equally long were closed by an idle time-out, however seldom it looks.
        let differ = most - least;
        let by_much = count >= SOME && most >= 2 * least && differ >= APART;
        if !by_much && (count < MANY || differ < 1000.max(most / 5)) {
            return;
        }
        tell(Told {
            word: "closed together",
            tries: count.min(255) as u8,
            idle_ms: Some(least),
            sentence: format!(
                "{count} connections closed within {} ms, after {least} to {most} ms of rest",
                self.told.to.since(self.told.from)
            ),
            ..self.told
        });
    }
}

/// Tells what was waited for, in the order in which the connections were opened.
fn forget(flows: impl IntoIterator<Item = (Key, Flow)>, now: Moment, tell: &mut dyn FnMut(Told)) {
    let mut flows: Vec<Flow> = flows.into_iter().map(|(_, flow)| flow).collect();
    flows.sort_by_key(|flow| flow.number);
    for mut flow in flows {
        flow.end(now);
        std::mem::take(&mut flow.news)
            .into_iter()
            .for_each(&mut *tell);
    }
}

/// Counts a close among those of its server.
fn together(bursts: &mut HashMap<SocketAddr, Burst>, told: &Told, tell: &mut dyn FnMut(Told)) {
    let (IDLE_CLOSE | IDLE_RESET, Some(idle)) = (told.word, told.idle_ms) else {
        return;
    };
    if let Some(burst) = bursts.get_mut(&told.server) {
        if told.to.since(burst.told.to) <= TOGETHER {
            burst.count += 1;
            burst.least = burst.least.min(idle);
            burst.most = burst.most.max(idle);
            burst.told.to = told.to;
            return;
        }
    } else if bursts.len() == SERVERS {
        return;
    }
    let begun = Burst {
        told: Told {
            from: told.to,
            ..told.clone()
        },
        count: 1,
        least: idle,
        most: idle,
    };
    if let Some(over) = bursts.insert(told.server, begun) {
        over.tell(tell);
    }
}

fn key(one: SocketAddr, other: SocketAddr) -> Key {
    (one.min(other), one.max(other))
}

/// Who is the client and who the server of a connection of which this is the first segment; `None` if it
/// tells nothing.
fn ends(segment: &Segment<'_>) -> Option<(SocketAddr, SocketAddr)> {
    let forth = (segment.source, segment.target);
    let back = (segment.target, segment.source);
    match (segment.has(SYN), segment.has(ACK)) {
        (true, false) => Some(forth),
        (true, true) => Some(back),
        _ if segment.size == 0 => None,
        _ if is_response(segment.data) => Some(back),
        _ if is_request(segment.data) => Some(forth),
        // Servers have the lower ports.
        _ if segment.source.port() < segment.target.port() => Some(back),
        _ => Some(forth),
    }
}
