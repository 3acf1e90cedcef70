//! What the engine is told: plain data, every default filled in by who makes it.

use std::fmt;

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

/// A set of failures, as `proxy_next_upstream` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureSet(u16);

impl FailureSet {
    /// Nothing is passed on (`off`).
    pub const NONE: Self = Self(0);
    /// No connection, or an error on it.
    pub const ERROR: Self = Self(1);
    /// A time-out of connecting, sending or reading.
    pub const TIMEOUT: Self = Self(1 << 1);
    /// An answer that is not HTTP.
    pub const INVALID_HEADER: Self = Self(1 << 2);
    /// Status 500.
    pub const HTTP_500: Self = Self(1 << 3);
    /// Status 502.
    pub const HTTP_502: Self = Self(1 << 4);
    /// Status 503.
    pub const HTTP_503: Self = Self(1 << 5);
    /// Status 504.
    pub const HTTP_504: Self = Self(1 << 6);
    /// Status 403.
    pub const HTTP_403: Self = Self(1 << 7);
    /// Status 404.
    pub const HTTP_404: Self = Self(1 << 8);
    /// Status 429.
    pub const HTTP_429: Self = Self(1 << 9);
    /// Not a failure: a POST, LOCK or PATCH that was sent may go again.
    pub const NON_IDEMPOTENT: Self = Self(1 << 10);
    /// nginx's default.
    pub const DEFAULT: Self = Self(Self::ERROR.0 | Self::TIMEOUT.0);

    const WORDS: [(&'static str, Self); 12] = [
        ("off", Self::NONE),
        ("error", Self::ERROR),
        ("timeout", Self::TIMEOUT),
        ("invalid_header", Self::INVALID_HEADER),
        ("http_500", Self::HTTP_500),
        ("http_502", Self::HTTP_502),
        ("http_503", Self::HTTP_503),
        ("http_504", Self::HTTP_504),
        ("http_403", Self::HTTP_403),
        ("http_404", Self::HTTP_404),
        ("http_429", Self::HTTP_429),
        ("non_idempotent", Self::NON_IDEMPOTENT),
    ];

    /// The set that one word of the directive names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, set)| *set)
    }

    /// The failure that a status can be listed as.
    pub const fn of_status(status: u16) -> Option<Self> {
        match status {
            500 => Some(Self::HTTP_500),
            502 => Some(Self::HTTP_502),
            503 => Some(Self::HTTP_503),
            504 => Some(Self::HTTP_504),
            403 => Some(Self::HTTP_403),
            404 => Some(Self::HTTP_404),
            429 => Some(Self::HTTP_429),
            _ => None,
        }
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Waiting between tries: a random time up to `base` doubled each try, at most `cap` ("full jitter").
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
    /// Waiting between tries; the proxy never waits.
    pub backoff: Option<Backoff>,
    /// Whether the caller is asked before a try.
    pub ask: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            next_upstream: FailureSet::DEFAULT,
            tries: 0,
            timeout: 0,
            backoff: None,
            ask: false,
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
