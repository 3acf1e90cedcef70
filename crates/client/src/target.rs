//! A target: a group of peers, and what is known of their addresses.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use surehop_engine::{Group, GroupState};
use surehop_hop::socket::{Address, Manner};
use surehop_hop::tls::Config;

use crate::plan;
use crate::report::Names;

/// How TLS is spoken, if it is.
pub type Security = Option<Arc<Config>>;

/// A target as it was planned, checked.
#[derive(Debug)]
pub struct Made {
    /// The plan.
    pub plan: plan::Target,
    group: Group,
    manner: Manner,
    tls: Security,
    proxy_tls: Security,
}

impl Made {
    /// Checks a plan; a sentence says what is wrong with it. `seed` is all its randomness.
    pub fn new(
        plan: plan::Target,
        client: &plan::Client,
        seed: u64,
        tls: Security,
        proxy_tls: Security,
    ) -> Result<Self, String> {
        let group = plan.group(client)?;
        let state = Arc::new(GroupState::new(&group));
        let group = Group::new(group, state, seed).map_err(|e| e.to_string())?;
        let mut manner = Manner::default();
        if let Some(from) = &plan.local_address {
            let from = from
                .parse()
                .map_err(|_| format!("`{from}` is no address with a port"))?;
            manner.from = Some(from);
        }
        Ok(Self {
            plan,
            group,
            manner,
            tls,
            proxy_tls,
        })
    }
}

/// A target in use.
#[derive(Debug)]
pub(crate) struct Target {
    /// The plan.
    pub plan: plan::Target,
    /// Balance, health and idle connections.
    pub group: RefCell<Group>,
    /// What reports call it and its peers.
    pub names: Arc<Names>,
    /// How TLS is spoken to its peers.
    pub tls: Security,
    /// How TLS is spoken to its proxy.
    pub proxy_tls: Security,
    /// How its connections are made.
    pub manner: Manner,
    /// What each peer's name gave last, the one that worked first.
    pub addresses: RefCell<Vec<Vec<Address>>>,
    /// Requests under way.
    pub busy: Cell<usize>,
    /// It gets no more requests.
    pub forgotten: Cell<bool>,
}

impl Target {
    /// A target that nothing is known of yet.
    pub(crate) fn new(made: Made) -> Self {
        let Made {
            plan,
            group,
            manner,
            tls,
            proxy_tls,
        } = made;
        let names = Names {
            target: plan.name.clone(),
            peers: plan.peers.iter().map(|peer| peer.url.clone()).collect(),
        };
        Self {
            names: Arc::new(names),
            tls,
            proxy_tls,
            group: RefCell::new(group),
            manner,
            addresses: RefCell::new(vec![Vec::new(); plan.peers.len()]),
            busy: Cell::new(0),
            forgotten: Cell::new(false),
            plan,
        }
    }

    /// Whom a connection to `peer` is made to: a name that must be looked up, or the address itself.
    pub(crate) fn place(&self, peer: u32) -> Place<'_> {
        let peer = &self.plan.peers[peer as usize];
        if let Some(path) = &peer.unix {
            return Place::At(Address::Unix(path.as_str().into()));
        }
        let (host, port) = match &self.plan.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (peer.host.as_deref().unwrap_or_default(), peer.port),
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(ip) => Place::At(Address::Ip(SocketAddr::new(ip, port))),
            Err(_) => Place::Named(host, port),
        }
    }

    /// Remembers what a name gave; what worked before stays in front.
    pub(crate) fn resolved(&self, peer: u32, mut found: Vec<Address>) -> Vec<Address> {
        let mut known = self.addresses.borrow_mut();
        let known = &mut known[peer as usize];
        if let Some(first) = known.first()
            && let Some(at) = found.iter().position(|address| address == first)
        {
            found[..=at].rotate_right(1);
        }
        known.clone_from(&found);
        found
    }

    /// This address worked.
    pub(crate) fn worked(&self, peer: u32, address: &Address) {
        let mut known = self.addresses.borrow_mut();
        let known = &mut known[peer as usize];
        match known.iter().position(|other| other == address) {
            Some(0) => {}
            Some(at) => known[..=at].rotate_right(1),
            None => known.insert(0, address.clone()),
        }
    }
}

/// Whom a connection is made to.
#[derive(Debug)]
pub(crate) enum Place<'a> {
    /// The address is known.
    At(Address),
    /// A name and a port.
    Named(&'a str, u16),
}
