//! What a group must know of a request before it chooses: the key of `hash`, the client's address for
//! `ip_hash`, and to which peer the client is bound (`sticky`).

use std::net::IpAddr;
use std::sync::Mutex;

use surehop_engine::{Balance, NO_ADDRESS, NO_PEER};
use surehop_hop::clock::Millis;
use surehop_hop::socket::Address;

use crate::client::Client;
use crate::exchange::Exchange;
use crate::plan::{self, Group};
use crate::sessions::Sessions;
use crate::template::{Piece, Template};
use crate::vars;
use crate::worker::Worker;

/// What is asked of a request, and how a client is told where it is bound.
#[derive(Debug)]
pub struct Binding {
    key: Key,
    sticky: Option<Sticky>,
    /// What stands for each id.
    sids: Vec<Box<[u8]>>,
    /// Each peer's id.
    of_peer: Vec<u32>,
}

#[derive(Debug)]
enum Key {
    None,
    Address,
    Text(Template),
}

#[derive(Debug)]
enum Sticky {
    Cookie(Box<Cookie>),
    Route(Template),
    Learn(Box<Learn>),
}

#[derive(Debug)]
struct Cookie {
    name: Box<[u8]>,
    expires: Option<i64>,
    domain: Template,
    flags: &'static [u8],
    samesite: Template,
    path: Box<[u8]>,
}

#[derive(Debug)]
struct Learn {
    create: Template,
    lookup: Template,
    at_header: bool,
    sessions: Mutex<Sessions>,
}

/// The engine's word for the plan's.
pub fn balance(said: plan::Balance) -> Balance {
    let quickest = |last_byte, inflight| Balance::LeastTime {
        last_byte,
        inflight,
    };
    match said {
        plan::Balance::RoundRobin => Balance::RoundRobin,
        plan::Balance::LeastConn => Balance::LeastConn,
        plan::Balance::IpHash => Balance::IpHash,
        plan::Balance::Hash => Balance::Hash,
        plan::Balance::Consistent => Balance::Consistent,
        plan::Balance::Random => Balance::Random,
        plan::Balance::RandomTwo => Balance::RandomTwo,
        plan::Balance::LeastTimeHeader => quickest(false, false),
        plan::Balance::LeastTimeHeaderInflight => quickest(false, true),
        plan::Balance::LeastTimeLastByte => quickest(true, false),
        plan::Balance::LeastTimeLastByteInflight => quickest(true, true),
    }
}

/// A number for each peer's id; peers of one id have the same.
pub fn sids(group: &Group) -> impl Iterator<Item = Option<u32>> + '_ {
    group.peers.iter().map(|peer| {
        let sid = peer.sid.as_ref()?;
        let mut same = group.peers.iter().map(|other| other.sid.as_ref());
        same.position(|other| other.is_some_and(|other| other.0 == sid.0))
            .map(|at| at as u32)
    })
}

impl Binding {
    /// None if the group chooses without knowing anything.
    pub fn new(group: &Group) -> Result<Option<Box<Self>>, String> {
        let key = match group.balance {
            plan::Balance::IpHash => Key::Address,
            plan::Balance::Hash | plan::Balance::Consistent => {
                Key::Text(Template::compile(&group.hash_key)?)
            }
            _ => Key::None,
        };
        let sticky = group.sticky.as_ref().map(Sticky::new).transpose()?;
        if sticky.is_none() && matches!(key, Key::None) {
            return Ok(None);
        }
        let text = |peer: &plan::Peer| peer.sid.as_ref().map_or(&b""[..], |sid| &sid.0).into();
        Ok(Some(Box::new(Self {
            key,
            sticky,
            sids: group.peers.iter().map(text).collect(),
            of_peer: sids(group).map(|sid| sid.unwrap_or(NO_PEER)).collect(),
        })))
    }

    /// Tells the session, which is about to begin, what the request wants.
    pub fn ask(&self, worker: &Worker, client: &Client, ex: &mut Exchange) {
        let mut text = std::mem::take(&mut ex.scratch);
        let sid = self
            .sticky
            .as_ref()
            .and_then(|sticky| self.bound(sticky, worker, client, ex, &mut text));
        text.clear();
        match &self.key {
            Key::None => {}
            Key::Address => address(client, &mut text),
            Key::Text(template) => vars::expand(worker, client, ex, template, &mut text),
        }
        let wish = ex.session.wish();
        wish.key.extend_from_slice(&text);
        wish.sid = sid;
        ex.scratch = text;
    }

    fn bound(
        &self,
        sticky: &Sticky,
        worker: &Worker,
        client: &Client,
        ex: &mut Exchange,
        text: &mut Vec<u8>,
    ) -> Option<u32> {
        text.clear();
        match sticky {
            Sticky::Cookie(cookie) => {
                cookie.tail(worker, client, ex, text);
                std::mem::swap(text, &mut ex.cookie_tail);
                text.clear();
                let bytes = ex.bytes();
                text.extend_from_slice(vars::cookie_of(ex, bytes, &cookie.name)?);
            }
            Sticky::Route(variables) => {
                first_of(variables, worker, client, ex, text);
            }
            Sticky::Learn(learn) => {
                if !first_of(&learn.lookup, worker, client, ex, text) {
                    return None;
                }
                return learn.with(|sessions| sessions.find(text, worker.reactor.now()));
            }
        }
        if text.is_empty() {
            return None;
        }
        let at = self.sids.iter().position(|sid| **sid == **text);
        Some(at.map_or(NO_PEER, |at| at as u32))
    }

    /// Writes the cookie that binds a client to the peer that answered, or that was asked in vain.
    pub fn tell(&self, ex: &mut Exchange) {
        let Some(Sticky::Cookie(cookie)) = &self.sticky else {
            return;
        };
        let Some(peer) = last_peer(ex) else { return };
        let Some(sid) = self.sids.get(peer as usize) else {
            return;
        };
        let mut value = std::mem::take(&mut ex.scratch);
        value.clear();
        for part in [&*cookie.name, b"=", sid, &ex.cookie_tail] {
            value.extend_from_slice(part);
        }
        ex.reply.line(b"Set-Cookie", &value);
        ex.scratch = value;
    }

    /// Learns from an answer; `header`: its head has come, and not yet the rest.
    pub fn learn(&self, worker: &Worker, client: &Client, ex: &mut Exchange, header: bool) {
        let Some(Sticky::Learn(learn)) = &self.sticky else {
            return;
        };
        if learn.at_header != header {
            return;
        }
        let Some(sid) = last_peer(ex).and_then(|peer| self.of_peer.get(peer as usize).copied())
        else {
            return;
        };
        let mut text = std::mem::take(&mut ex.scratch);
        text.clear();
        if first_of(&learn.create, worker, client, ex, &mut text) {
            let now: Millis = worker.reactor.now();
            learn.with(|sessions| sessions.put(&text, sid, now));
        }
        ex.scratch = text;
    }
}

fn last_peer(ex: &Exchange) -> Option<u32> {
    let mut peers = ex.attempts().iter().rev().map(|attempt| attempt.peer);
    peers.find(|&peer| peer != NO_PEER)
}

fn address(client: &Client, out: &mut Vec<u8>) {
    match &client.remote {
        Some(Address::Ip(from)) => match from.ip() {
            // The last byte does not count, as in nginx: clients move within their network.
            IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()[..3]),
            IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
        },
        _ => out.extend_from_slice(&NO_ADDRESS),
    }
}

/// The first variable that is not empty.
fn first_of(
    variables: &Template,
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    out: &mut Vec<u8>,
) -> bool {
    for piece in &variables.0 {
        if let Piece::Var(var) = piece {
            vars::value(worker, client, ex, var, out);
        }
        if !out.is_empty() {
            return true;
        }
    }
    false
}

impl Sticky {
    fn new(said: &plan::Sticky) -> Result<Self, String> {
        Ok(match said {
            plan::Sticky::Cookie {
                name,
                expires_s,
                domain,
                httponly,
                secure,
                samesite,
                path,
            } => Self::Cookie(Box::new(Cookie {
                name: name.0.as_slice().into(),
                expires: *expires_s,
                domain: Template::compile(domain)?,
                flags: match (httponly, secure) {
                    (true, true) => b"; httponly; secure",
                    (true, false) => b"; httponly",
                    (false, true) => b"; secure",
                    (false, false) => b"",
                },
                samesite: Template::compile(samesite)?,
                path: path
                    .as_ref()
                    .map_or(&b""[..], |path| path.0.as_slice())
                    .into(),
            })),
            plan::Sticky::Route { variables } => Self::Route(Template::compile(variables)?),
            plan::Sticky::Learn {
                create,
                lookup,
                size,
                timeout_ms,
                header,
            } => Self::Learn(Box::new(Learn {
                create: Template::compile(create)?,
                lookup: Template::compile(lookup)?,
                at_header: *header,
                sessions: Mutex::new(Sessions::new(*size, *timeout_ms)),
            })),
        })
    }
}

impl Learn {
    fn with<T>(&self, act: impl FnOnce(&mut Sessions) -> T) -> T {
        // A panic leaves sessions behind that are merely old.
        let mut sessions = self
            .sessions
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        act(&mut sessions)
    }
}

impl Cookie {
    /// What is written behind the id.
    fn tail(&self, worker: &Worker, client: &Client, ex: &mut Exchange, out: &mut Vec<u8>) {
        match self.expires {
            None => {}
            Some(-1) => {
                out.extend_from_slice(b"; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000");
            }
            Some(seconds) => {
                out.extend_from_slice(b"; expires=");
                let now = (surehop_hop::clock::wall() / 1000).cast_signed();
                let date = surehop_wire::date::cookie(now.saturating_add(seconds));
                out.extend_from_slice(&date);
                out.extend_from_slice(b"; max-age=");
                out.extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
            }
        }
        Self::value(b"; domain=", &self.domain, (worker, client), ex, out);
        out.extend_from_slice(self.flags);
        let before = out.len();
        Self::value(b"; samesite=", &self.samesite, (worker, client), ex, out);
        if before < out.len() && !is_samesite(&out[before..]) {
            // nginx is strict with what it doesn't know.
            out.truncate(before);
            out.extend_from_slice(b"; samesite=strict");
        }
        if !self.path.is_empty() {
            out.extend_from_slice(b"; path=");
            out.extend_from_slice(&self.path);
        }
    }

    fn value(
        name: &[u8],
        of: &Template,
        (worker, client): (&Worker, &Client),
        ex: &mut Exchange,
        out: &mut Vec<u8>,
    ) {
        if of.is_empty() {
            return;
        }
        let start = out.len();
        out.extend_from_slice(name);
        let empty = out.len();
        vars::expand(worker, client, ex, of, out);
        // What the client says must not become lines of the head.
        let odd = out[empty..].iter().any(u8::is_ascii_control);
        if odd || out.len() == empty {
            out.truncate(start);
        }
    }
}

fn is_samesite(text: &[u8]) -> bool {
    let value = text.strip_prefix(b"; samesite=").unwrap_or_default();
    [&b"strict"[..], b"lax", b"none"]
        .iter()
        .any(|known| value.eq_ignore_ascii_case(known))
}
