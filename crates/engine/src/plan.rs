//! What the engine is told: plain data, every default filled in by who makes it.

use std::fmt;

use crate::failures::FailureSet;
use crate::hash::POINTS;

/// Milliseconds; as a point in time, on a clock that runs on while the machine sleeps and whose whole seconds
/// are the wall clock's, since nginx judges health in whole seconds.
pub type Millis = u64;

/// One address of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerPlan {
    /// Share of the requests, 1 or more.
    pub weight: u32,
    /// Failures that take the peer out; 0 = never.
    pub max_fails: u32,
    /// How long it stays out, and how long it must be quiet for its failures to be forgotten.
    pub fail_timeout: Millis,
    /// Requests at a time; 0 = no limit.
    pub max_conns: u32,
    /// Never chosen.
    pub down: bool,
    /// Chosen when the primaries give none.
    pub backup: bool,
    /// Chosen for those alone who are bound to it.
    pub drain: bool,
    /// Who is bound to this number is bound to the peer; several peers may have the same.
    pub sid: Option<u32>,
    /// What the configuration calls it: its place on the ring of `Consistent`.
    pub name: Vec<u8>,
    /// How long its weight grows from nothing after it was out.
    pub slow_start: Millis,
}

impl PeerPlan {
    /// Whether a request that is bound to nothing may choose it.
    pub const fn is_open(&self) -> bool {
        !self.down && !self.drain
    }
}

impl Default for PeerPlan {
    fn default() -> Self {
        Self {
            weight: 1,
            max_fails: 1,
            fail_timeout: 10_000,
            max_conns: 0,
            down: false,
            backup: false,
            drain: false,
            sid: None,
            name: Vec::new(),
            slow_start: 0,
        }
    }
}

/// How a peer is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Smooth weighted round robin.
    RoundRobin,
    /// The fewest requests under way for its weight; round robin among equals.
    LeastConn,
    /// The least time to answer, counting the requests under way; round robin among equals.
    LeastTime {
        /// Until the last byte of the answer, not until its head.
        last_byte: bool,
        /// Answers that are still awaited count with the time they have taken so far.
        inflight: bool,
    },
    /// By the client's address.
    IpHash,
    /// By a key.
    Hash,
    /// By a key, on a ring of which a peer that comes or goes changes little.
    Consistent,
    /// By chance.
    Random,
    /// The one of two, drawn by chance, with the fewest requests under way for its weight.
    RandomTwo,
}

impl Balance {
    /// Whether it matters since when requests are under way.
    pub(crate) const fn counts_time(self) -> bool {
        matches!(self, Self::LeastTime { inflight: true, .. })
    }

    /// Whether a peer is looked for, and round robin comes second.
    pub(crate) const fn seeks(self) -> bool {
        matches!(
            self,
            Self::IpHash | Self::Hash | Self::Consistent | Self::Random | Self::RandomTwo
        )
    }
}

/// How many requests may wait, and how long, for a peer that has as many as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePlan {
    /// How many.
    pub length: u32,
    /// How long.
    pub timeout: Millis,
}

/// The limits on idle connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepalivePlan {
    /// Idle connections kept per worker; 0 keeps none.
    pub connections: u32,
    /// Pool scopes: connections are reused only within the scope that made them. 1 or more.
    pub scopes: u32,
    /// Requests one connection may carry.
    pub requests: u32,
    /// Age after which a connection is not kept any more.
    pub time: Millis,
    /// Idle time after which it is closed.
    pub timeout: Millis,
}

impl Default for KeepalivePlan {
    fn default() -> Self {
        Self {
            connections: 32,
            scopes: 1,
            requests: 1000,
            time: 3_600_000,
            timeout: 60_000,
        }
    }
}

/// The points in which Surehop differs from nginx, each on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The connection is not the peer.
    pub attribution: bool,
    /// An Idempotency-Key allows the replay that `attribution` gives.
    pub replay_keyed: bool,
    /// A live request is never the test.
    pub probe: bool,
    /// The last reachable peer is not taken out.
    pub last_peer: bool,
    /// Idle time-outs are learned.
    pub idle: bool,
    /// A request of which no byte was accepted has not been sent.
    pub sent: bool,
    /// Retries have a budget.
    pub budget: bool,
}

impl Rules {
    /// `resilience on`.
    pub const ON: Self = Self {
        attribution: true,
        replay_keyed: true,
        probe: true,
        last_peer: true,
        idle: true,
        sent: true,
        budget: true,
    };
    /// `resilience off`: nginx to the letter.
    pub const OFF: Self = Self {
        attribution: false,
        replay_keyed: false,
        probe: false,
        last_peer: false,
        idle: false,
        sent: false,
        budget: false,
    };

    /// Whether a peer's coming and going is told once each, instead of nginx's warning at every failure.
    pub const fn tells_changes(self) -> bool {
        self.probe || self.last_peer
    }
}

/// A group of peers, in the order of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlan {
    /// Primaries and backups in one list.
    pub peers: Vec<PeerPlan>,
    /// How one is chosen.
    pub balance: Balance,
    /// Whether a peer has a `slow_start`.
    pub slow_start: bool,
    /// Idle connections.
    pub keepalive: KeepalivePlan,
    /// Differences from nginx.
    pub rules: Rules,
    /// Where requests wait for a peer.
    pub queue: Option<QueuePlan>,
}

/// Why a plan can't be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// No peer that is not a backup.
    NoPrimary,
    /// More peers or pool slots than can be numbered.
    TooMany,
    /// A peer's weight is 0.
    NoWeight {
        /// Its place in the list.
        peer: u32,
    },
    /// `keepalive.scopes` is 0.
    NoScope,
    /// The state was made for another number of peers.
    OtherState,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPrimary => f.write_str("the group has no primary peer"),
            Self::TooMany => f.write_str(
                "the group has too many peers, scopes, idle connections or points on its ring",
            ),
            Self::NoWeight { peer } => write!(f, "peer {peer} has no weight"),
            Self::NoScope => f.write_str("the pool has no scope"),
            Self::OtherState => f.write_str("the state belongs to a group of another size"),
        }
    }
}

impl std::error::Error for PlanError {}

impl GroupPlan {
    /// Checks what the types can't say.
    pub fn check(&self) -> Result<(), PlanError> {
        const LIMIT: u64 = 1 << 24;
        if self.peers.iter().all(|peer| peer.backup) {
            return Err(PlanError::NoPrimary);
        }
        if let Some(peer) = self.peers.iter().position(|peer| peer.weight == 0) {
            return Err(PlanError::NoWeight { peer: peer as u32 });
        }
        if self.keepalive.scopes == 0 {
            return Err(PlanError::NoScope);
        }
        let peers = self.peers.len() as u64;
        let lists = peers.saturating_mul(u64::from(self.keepalive.scopes));
        let weights = self.peers.iter().map(|peer| u64::from(peer.weight));
        let points = match self.balance {
            Balance::Consistent => weights.sum::<u64>().saturating_mul(POINTS as u64),
            _ => 0,
        };
        let connections = u64::from(self.keepalive.connections);
        if lists.max(connections).max(points) > LIMIT {
            return Err(PlanError::TooMany);
        }
        Ok(())
    }

    /// How many peers are not `down`.
    pub fn up(&self) -> u32 {
        self.peers.iter().filter(|peer| !peer.down).count() as u32
    }

    fn open(&self) -> usize {
        self.peers.iter().filter(|peer| peer.is_open()).count()
    }

    /// One primary and no backup, which nginx treats on its own.
    pub fn is_single(&self) -> bool {
        self.peers.len() == 1
    }

    /// Whether no failure takes a peer out: there is no other.
    pub fn never_ejects(&self) -> bool {
        self.is_single() || (self.rules.last_peer && self.open() <= 1)
    }
}

/// Waiting between rounds: a random time up to `base` doubled each round, at most `cap` ("full jitter").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The bound for the first wait.
    pub base: Millis,
    /// The bound for all.
    pub cap: Millis,
}

/// What a location or a client says about trying again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Failures after which another peer is tried.
    pub next_upstream: FailureSet,
    /// Tries at most; 0 = one for each peer that is not down.
    pub tries: u32,
    /// Time from the first attempt after which none is begun; 0 = no limit.
    pub timeout: Millis,
    /// Rounds at most, in each of which every peer may be tried; 1 = no retry.
    pub rounds: u32,
    /// Failures after which another round is begun.
    pub again: FailureSet,
    /// Waiting between rounds; the proxy never waits.
    pub backoff: Option<Backoff>,
    /// The longest `Retry-After` that is waited for; an answer that asks for more is the last. None: not
    /// honoured.
    pub retry_after: Option<Millis>,
    /// Whether the caller is asked before another round, whatever `again` lists.
    pub ask: bool,
    /// Whether it is asked about answers with a status below 400 as well.
    pub ask_always: bool,
    /// Where a peer takes no more connections, wait until one of ours is free instead of dialing again.
    pub wait_for_slot: bool,
    /// A try that failed on a kept connection is given back, as in nginx.
    pub refunds: bool,
    /// Whether tries take from the group's budget, where its rules keep one.
    pub budget: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            next_upstream: FailureSet::DEFAULT,
            tries: 0,
            timeout: 0,
            rounds: 1,
            again: FailureSet::NONE,
            backoff: None,
            retry_after: None,
            ask: false,
            ask_always: false,
            wait_for_slot: false,
            refunds: true,
            budget: true,
        }
    }
}

/// What must be known about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// It may be done twice: the method is not POST, LOCK, PATCH or CONNECT.
    pub idempotent: bool,
    /// It carries an Idempotency-Key.
    pub keyed: bool,
    /// Its body is empty, or wholly held.
    pub replayable: bool,
}

impl Facts {
    /// A GET.
    pub const GET: Self = Self {
        idempotent: true,
        keyed: false,
        replayable: true,
    };
    /// A POST whose body is held.
    pub const POST: Self = Self {
        idempotent: false,
        keyed: false,
        replayable: true,
    };
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
