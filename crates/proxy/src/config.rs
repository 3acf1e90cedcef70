//! The plan made ready to run: names looked up, addresses read, templates compiled. Shared by the workers.

use std::sync::Arc;

use surehop_engine::{
    FailureSet, GroupPlan, GroupState, KeepalivePlan, NO_PEER, PeerPlan, Policy, QueuePlan, Rules,
};
use surehop_hop::socket::{Address, Socket};
use surehop_wire::header::Known;

use crate::binding::{self, Binding};
use crate::course::Course;
use crate::limits::Zone;
use crate::plan::{self, Action, Plan};
use crate::routes::{Locations, Names};
use crate::template::{LogFormat, Template};

/// As many as nginx starts.
const WORKERS: usize = 1024;

/// A plan that can be run.
#[derive(Debug)]
pub struct Config {
    /// As it came.
    pub plan: Plan,
    /// Log formats.
    pub formats: Vec<LogFormat>,
    /// Listeners, in the plan's order.
    pub listeners: Vec<ListenerConf>,
    /// Servers.
    pub servers: Vec<ServerConf>,
    /// Locations.
    pub locations: Vec<LocationConf>,
    /// Groups.
    pub groups: Vec<GroupConf>,
    /// What `limit_req` and `limit_conn` count in.
    pub zones: Vec<Zone>,
}

/// A listener and who answers which host.
#[derive(Debug)]
pub struct ListenerConf {
    /// Where it listens.
    pub address: Address,
    /// Who answers hosts that nobody claims.
    pub default: usize,
    /// The listener whose socket it shares.
    pub by: Option<usize>,
    /// The listeners that share its socket: which one is meant, the client's connection says.
    pub sharers: Vec<usize>,
    /// Whether what heads may be depends on the host.
    pub heads_differ: bool,
    names: Names,
}

/// A server and the way to its locations.
#[derive(Debug)]
pub struct ServerConf {
    /// As it came.
    pub plan: plan::Server,
    /// Its locations by their paths.
    pub locations: Locations,
}

/// A location.
#[derive(Debug)]
pub struct LocationConf {
    /// As it came.
    pub plan: LocationPlan,
    /// What it does.
    pub action: ActionConf,
    /// Locations within it.
    pub inner: Option<Box<Locations>>,
}

/// A location's settings.
pub type LocationPlan = plan::Location;

/// What a location does.
#[derive(Debug)]
pub enum ActionConf {
    /// A file.
    None,
    /// `stub_status`.
    Stub,
    /// `surehop_status`; true allows it from everywhere.
    Status(bool),
    /// `proxy_pass`.
    Proxy(ProxyConf),
}

/// `proxy_pass` made ready.
#[derive(Debug)]
pub struct ProxyConf {
    /// As it came.
    pub plan: Box<plan::Proxy>,
    /// Bytes of the location's path, which `uri` stands for.
    pub prefix: usize,
    /// Header lines to set.
    pub headers: Vec<HeaderConf>,
    /// A URL with variables.
    pub asked: Template,
    /// What is said about trying again.
    pub policy: Box<Policy>,
    /// What stands for the client's method.
    pub method: Option<Template>,
    /// What stands for the client's body.
    pub body: Option<Template>,
    /// Response lines that are kept from the client besides nginx's own.
    hidden: Vec<Box<[u8]>>,
}

impl ProxyConf {
    /// Whether a response line of this name is kept from the client.
    pub fn hides(&self, known: Known, name: &[u8]) -> bool {
        if known.hidden_by_proxy() {
            return !self.shows(name);
        }
        self.hidden
            .iter()
            .any(|hidden| hidden.eq_ignore_ascii_case(name))
    }

    /// Whether `proxy_pass_header` names it.
    pub fn shows(&self, name: &[u8]) -> bool {
        let shown = &self.plan.crossing.shown;
        shown.iter().any(|shown| shown.0.eq_ignore_ascii_case(name))
    }
}

/// A header line to set upstream.
#[derive(Debug)]
pub struct HeaderConf {
    /// Its name as written.
    pub name: Box<[u8]>,
    /// Which name that is.
    pub known: Known,
    /// Its value; nothing is sent if it is empty.
    pub value: Template,
}

/// A group.
#[derive(Debug)]
pub struct GroupConf {
    /// Its name.
    pub name: String,
    /// The port of a group that a `proxy_pass` made.
    pub implicit: Option<u16>,
    /// Whether `proxy_pass` names a unix socket: there is no port then.
    pub portless: bool,
    /// For the engine.
    pub plan: GroupPlan,
    /// The peers' addresses.
    pub addresses: Vec<Address>,
    /// The same as text.
    pub shown: Vec<Box<str>>,
    /// The peers' names as the configuration writes them.
    pub names: Vec<String>,
    /// The states: one for all workers, or one for each.
    pub states: Vec<Arc<GroupState>>,
    /// What it must know of a request before it chooses.
    pub binding: Option<Box<Binding>>,
}

impl Config {
    /// Makes a plan ready; the error says what in it can't be run.
    pub fn new(mut plan: Plan) -> Result<Self, String> {
        if plan.version != 1 {
            return Err(format!(
                "the plan has version {}, this is for version 1",
                plan.version
            ));
        }
        if !(1..=WORKERS).contains(&plan.workers) {
            return Err(format!(
                "{} workers: there are one to {WORKERS}",
                plan.workers
            ));
        }
        let formats = plan
            .formats
            .iter()
            .map(LogFormat::compile)
            .collect::<Result<_, _>>()?;
        let groups = std::mem::take(&mut plan.groups);
        let groups: Vec<_> = groups
            .iter()
            .map(|group| GroupConf::new(group, plan.workers))
            .collect::<Result<_, _>>()?;
        let mut listeners: Vec<ListenerConf> = plan
            .listeners
            .iter()
            .map(|l| ListenerConf::new(l, &plan.servers))
            .collect::<Result<_, _>>()?;
        for index in 0..listeners.len() {
            if let Some(by) = listeners[index].by {
                let of = listeners
                    .get_mut(by)
                    .ok_or("a listener shares a socket that is not there")?;
                of.sharers.push(index);
            }
        }
        let zones: Vec<_> = std::mem::take(&mut plan.zones)
            .into_iter()
            .map(Zone::new)
            .collect();
        let mut locations: Vec<_> = std::mem::take(&mut plan.locations)
            .into_iter()
            .map(|mut location| {
                if let Some(entry) = &mut location.entry {
                    entry.find_zones(&zones)?;
                }
                LocationConf::new(location, groups.len())
            })
            .collect::<Result<_, _>>()?;
        for index in 0..locations.len() {
            let ids = std::mem::take(&mut locations[index].plan.inner);
            if !ids.is_empty() {
                locations[index].inner = Some(Box::new(Locations::new(&ids, &locations)?));
            }
        }
        let servers = std::mem::take(&mut plan.servers)
            .into_iter()
            .map(|server| {
                let locations = Locations::new(&server.locations, &locations)?;
                Ok(ServerConf {
                    plan: server,
                    locations,
                })
            })
            .collect::<Result<Vec<_>, String>>()?;
        let config = Self {
            plan,
            formats,
            listeners,
            servers,
            locations,
            groups,
            zones,
        };
        config.check()?;
        Ok(config)
    }

    /// Takes over what is known of the peers of groups of the same names, by their addresses, and the books
    /// of zones of the same names. The error is nginx's sentence.
    pub fn adopt(&self, old: &Self) -> Result<(), String> {
        for zone in &self.zones {
            let same = |other: &&Zone| other.plan.name == zone.plan.name;
            if let Some(old) = old.zones.iter().find(same) {
                zone.adopt(old)?;
            }
        }
        for group in &self.groups {
            if let Some(old) = old.groups.iter().find(|old| old.name == group.name) {
                group.adopt(old);
            }
        }
        Ok(())
    }

    /// The listener that is meant by who came in by the socket of `index`.
    pub fn meant(&self, index: usize, socket: &Socket) -> usize {
        let sharers = &self.listeners[index].sharers;
        if sharers.is_empty() {
            return index;
        }
        let local = socket.local();
        let meant = |sharer: &&usize| {
            local
                .as_ref()
                .is_some_and(|a| self.listeners[**sharer].is_at(a))
        };
        sharers.iter().find(meant).copied().unwrap_or(index)
    }

    /// Every index that requests follow must lead somewhere: looked at once, here.
    fn check(&self) -> Result<(), String> {
        let files = self.plan.files.len();
        let errors = self
            .servers
            .iter()
            .map(|s| &s.plan.error_log)
            .chain(self.locations.iter().map(|l| &l.plan.error_log));
        let errors = errors.chain([&self.plan.error_log]);
        let access = self
            .servers
            .iter()
            .map(|s| &s.plan.access_log)
            .chain(self.locations.iter().map(|l| &l.plan.access_log));
        let fits = errors.flatten().all(|log| log.file < files)
            && access.flatten().all(|log| {
                log.file.is_none_or(|file| file < files)
                    && log.format < self.formats.len()
                    && (log.path.iter().filter_map(|path| path.cache))
                        .all(|cache| cache < self.plan.log_caches.len())
            })
            && self
                .listeners
                .iter()
                .all(|l| l.default < self.servers.len())
            && self.servers.iter().all(|s| {
                let named = s.plan.named.iter().map(|(_, location)| *location);
                named.chain([s.plan.own]).all(|l| l < self.locations.len())
            })
            && self
                .locations
                .iter()
                .all(|l| l.plan.intake.temp < self.plan.temp_paths.len())
            && self.locations.iter().all(|l| {
                let limited = l.plan.limit_except.iter().map(|limit| limit.location);
                l.plan.files.types < self.plan.types.len()
                    && limited.into_iter().all(|l| l < self.locations.len())
            });
        if fits {
            Ok(())
        } else {
            Err("an index in the plan leads nowhere".into())
        }
    }
}

impl ListenerConf {
    fn new(listener: &plan::Listener, servers: &[plan::Server]) -> Result<Self, String> {
        let shown = listener.address.show();
        let address = Address::parse(&shown)
            .ok_or_else(|| format!("`{shown}` is no address to listen on"))?;
        let names = Names::new(&listener.servers, servers)?;
        let heads = |server: &usize| servers.get(*server).map(|server| server.heads);
        let mut all = listener.servers.iter().map(heads);
        let first = all.next();
        Ok(Self {
            by: listener.by,
            sharers: Vec::new(),
            heads_differ: !all.all(|heads| Some(heads) == first),
            address,
            default: listener.default,
            names,
        })
    }

    /// Whether `address` is this one's.
    pub fn is_at(&self, address: &Address) -> bool {
        self.address == *address
    }

    /// Its port.
    pub fn port(&self) -> Option<u16> {
        match &self.address {
            Address::Ip(address) => Some(address.port()),
            Address::Unix(_) => None,
        }
    }

    /// Who answers for this host (in lower case, without port).
    pub fn server(&self, host: &[u8], servers: &[ServerConf], course: &mut Course) -> usize {
        self.names
            .find(host, servers, course)
            .unwrap_or(self.default)
    }
}

impl LocationConf {
    fn new(mut location: plan::Location, groups: usize) -> Result<Self, String> {
        let action = match std::mem::replace(&mut location.action, Action::None) {
            Action::None => ActionConf::None,
            Action::Stub => ActionConf::Stub,
            Action::Status { allow_remote } => ActionConf::Status(allow_remote),
            Action::Proxy(proxy) if proxy.group.is_none_or(|group| group < groups) => {
                ActionConf::Proxy(ProxyConf::new(proxy, location.path.0.len())?)
            }
            Action::Proxy(_) => return Err("a location names a group that is not there".into()),
        };
        Ok(Self {
            plan: location,
            action,
            inner: None,
        })
    }
}

impl ProxyConf {
    fn new(proxy: Box<plan::Proxy>, prefix: usize) -> Result<Self, String> {
        let mut next_upstream = FailureSet::NONE;
        for word in &proxy.next_upstream {
            let set =
                FailureSet::from_word(word).ok_or_else(|| format!("unknown failure `{word}`"))?;
            next_upstream = next_upstream.with(set);
        }
        let headers = proxy
            .headers
            .iter()
            .map(|(name, value)| {
                Ok(HeaderConf {
                    name: name.0.as_slice().into(),
                    known: Known::of(&name.0),
                    value: Template::compile(value)?,
                })
            })
            .collect::<Result<_, String>>()?;
        let policy = Box::new(Policy {
            next_upstream,
            tries: proxy.next_upstream_tries,
            timeout: proxy.next_upstream_timeout_ms,
            ..Policy::default()
        });
        let crossing = &proxy.crossing;
        let template =
            |parts: &Option<Vec<plan::Part>>| parts.as_deref().map(Template::compile).transpose();
        let hides = |name: &&plan::Text| !crossing.shown.contains(name);
        Ok(Self {
            prefix,
            headers,
            asked: Template::compile(&proxy.asked)?,
            policy,
            method: template(&crossing.method)?,
            body: template(&crossing.body)?,
            hidden: crossing
                .hidden
                .iter()
                .filter(hides)
                .map(|name| name.0.as_slice().into())
                .collect(),
            plan: proxy,
        })
    }
}

impl GroupConf {
    /// `workers`: how many there are to have a state each.
    pub fn new(group: &plan::Group, workers: usize) -> Result<Self, String> {
        let name = group.name.show();
        let mut addresses = Vec::new();
        for peer in &group.peers {
            let shown = peer.address.show();
            addresses.push(
                Address::parse(&shown)
                    .ok_or_else(|| format!("`{shown}` is no address of a peer"))?,
            );
        }
        let r = &group.resilience;
        let plan = GroupPlan {
            peers: group
                .peers
                .iter()
                .zip(binding::sids(group))
                .map(|(peer, sid)| PeerPlan {
                    weight: peer.weight,
                    max_fails: peer.max_fails,
                    fail_timeout: peer.fail_timeout_ms,
                    max_conns: peer.max_conns,
                    down: peer.down,
                    backup: peer.backup,
                    drain: peer.drain,
                    sid,
                    name: peer.name.0.clone(),
                    slow_start: peer.slow_start_ms,
                })
                .collect(),
            balance: binding::balance(group.balance),
            slow_start: group.peers.iter().any(|peer| peer.slow_start_ms > 0),
            keepalive: KeepalivePlan {
                connections: u32::try_from(group.keepalive.connections).unwrap_or(u32::MAX),
                scopes: group.keepalive.scopes,
                requests: u32::try_from(group.keepalive.requests).unwrap_or(u32::MAX),
                time: group.keepalive.time_ms,
                timeout: group.keepalive.timeout_ms,
            },
            rules: Rules {
                attribution: r.attribution,
                replay_keyed: r.replay_keyed,
                probe: r.probe,
                last_peer: r.last_peer,
                idle: r.idle,
                sent: r.sent,
                budget: r.budget,
            },
            queue: group.queue.map(|queue| QueuePlan {
                length: queue.length,
                timeout: queue.timeout_ms,
            }),
        };
        plan.check()
            .map_err(|e| format!("upstream `{name}`: {e}"))?;
        // nginx keeps a worker's own count unless a zone is given; so does `resilience off`.
        let shared = group.zone.is_some() || plan.rules != Rules::OFF;
        let states = (0..if shared { 1 } else { workers })
            .map(|_| Arc::new(GroupState::new(&plan)))
            .collect();
        Ok(Self {
            name,
            implicit: group.implicit.then(|| match addresses.first() {
                Some(Address::Ip(address)) => address.port(),
                _ => 0,
            }),
            portless: group.implicit && matches!(addresses.first(), Some(Address::Unix(_))),
            shown: addresses
                .iter()
                .map(|address| address.to_string().into())
                .collect(),
            names: group.peers.iter().map(|peer| peer.name.show()).collect(),
            addresses,
            binding: Binding::new(group)?,
            plan,
            states,
        })
    }

    fn adopt(&self, old: &Self) {
        for (worker, state) in self.states.iter().enumerate() {
            let before = old.state(worker);
            state.adopt_budget(before);
            let mut left: Vec<_> = old.addresses.iter().map(Some).collect();
            for (peer, address) in self.addresses.iter().enumerate() {
                // An address that stands twice has two peers: each is taken over once.
                if let Some(at) = left.iter().position(|old| *old == Some(address)) {
                    left[at] = None;
                    state.adopt(&self.plan, peer as u32, before, at as u32);
                }
            }
        }
    }

    /// The state that a worker uses.
    pub fn state(&self, worker: usize) -> &Arc<GroupState> {
        &self.states[worker % self.states.len()]
    }

    /// A peer's address; the group's name where no peer was chosen.
    pub fn peer_name(&self, peer: u32) -> &str {
        match self.shown.get(peer as usize) {
            Some(shown) if peer != NO_PEER => shown,
            _ => &self.name,
        }
    }

    /// A peer's family; empty where no peer was chosen.
    pub fn family(&self, peer: u32) -> &'static str {
        self.addresses
            .get(peer as usize)
            .map_or("", Address::family)
    }
}
