//! What of the plan says whom a request goes to: groups, their peers, what binds a client to one.

use serde::Deserialize;

use super::{Part, Text};

/// Where requests wait for a peer that has as many as it may have.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Queue {
    pub length: u32,
    pub timeout_ms: u64,
}

/// An upstream group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Group {
    pub name: Text,
    pub implicit: bool,
    pub zone: Option<Text>,
    pub balance: Balance,
    pub hash_key: Vec<Part>,
    pub sticky: Option<Sticky>,
    pub peers: Vec<Peer>,
    pub keepalive: Keepalive,
    pub resilience: Resilience,
    pub queue: Option<Queue>,
}

/// How a group chooses.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Balance {
    RoundRobin,
    LeastConn,
    IpHash,
    Hash,
    Consistent,
    Random,
    RandomTwo,
    LeastTimeHeader,
    LeastTimeHeaderInflight,
    LeastTimeLastByte,
    LeastTimeLastByteInflight,
}

/// `sticky`: what binds a client to a peer.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum Sticky {
    /// A cookie that the client is given.
    Cookie {
        name: Text,
        /// -1 is for ever.
        expires_s: Option<i64>,
        domain: Vec<Part>,
        httponly: bool,
        secure: bool,
        samesite: Vec<Part>,
        path: Option<Text>,
    },
    /// The first of these that is not empty.
    Route { variables: Vec<Part> },
    /// What peers' answers said, looked up in what clients say.
    Learn {
        create: Vec<Part>,
        lookup: Vec<Part>,
        size: usize,
        timeout_ms: u64,
        header: bool,
    },
}

/// One address of a group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Peer {
    pub address: Text,
    pub name: Text,
    pub weight: u32,
    pub max_fails: u32,
    pub fail_timeout_ms: u64,
    pub max_conns: u32,
    pub down: bool,
    pub backup: bool,
    pub drain: bool,
    pub sid: Option<Text>,
    pub slow_start_ms: u64,
}

/// `keepalive` and its limits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Keepalive {
    pub connections: usize,
    pub scopes: u32,
    pub requests: u64,
    pub time_ms: u64,
    pub timeout_ms: u64,
}

/// The six points in which `resilience on` differs from nginx, each by itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Resilience {
    pub attribution: bool,
    pub replay_keyed: bool,
    pub probe: bool,
    pub last_peer: bool,
    pub idle: bool,
    pub sent: bool,
    pub budget: bool,
}
