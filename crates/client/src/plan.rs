//! What the transport is told, as JSON: plain data, every default filled in. Times are milliseconds, `null` is
//! no limit. Unknown fields are refused.

use serde::Deserialize;
use surehop_engine::{
    Backoff, Balance, FailureSet, GroupPlan, KeepalivePlan, Millis, PeerPlan, Policy, Rules,
};

/// The version this code reads.
const VERSION: u32 = 1;

/// A client's limits, and what it does of what could be turned off.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    version: u32,
    /// Connections in use at a time.
    pub connections: Option<u32>,
    /// Connections kept at rest.
    pub idle_connections: Option<u32>,
    /// How long one may rest.
    pub idle_expiry: Option<Millis>,
    attribution: bool,
    replay_keyed: bool,
    probe: bool,
    last_peer: bool,
    idle: bool,
    sent: bool,
    budget: bool,
}

/// No answer or question is worth more slots than this.
const MANY: u32 = 1 << 20;

impl Client {
    /// Reads one; a sentence says what is wrong with it.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let plan: Self = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        if plan.version != VERSION {
            return Err(format!("version {} is not {VERSION}", plan.version));
        }
        Ok(plan)
    }

    /// The engine's switches.
    pub fn rules(&self) -> Rules {
        Rules {
            attribution: self.attribution,
            replay_keyed: self.replay_keyed,
            probe: self.probe,
            last_peer: self.last_peer,
            idle: self.idle,
            sent: self.sent,
            budget: self.budget,
        }
    }

    /// The engine's limits on idle connections.
    pub fn keepalive(&self) -> KeepalivePlan {
        KeepalivePlan {
            connections: self.idle_connections.unwrap_or(MANY).min(MANY),
            scopes: 1,
            requests: u32::MAX,
            time: Millis::MAX,
            timeout: self.idle_expiry.unwrap_or(Millis::MAX),
        }
    }
}

/// The terms of a request: times, and when it goes again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Time to look a name up, to connect, to agree on TLS: together.
    pub connect: Option<Millis>,
    /// Time between two successful receives.
    pub read: Option<Millis>,
    /// Time between two successful sends.
    pub write: Option<Millis>,
    /// Time to wait for one of `connections`.
    pub pool: Option<Millis>,
    /// Time for everything.
    pub total: Option<Millis>,
    /// Time for one try up to the head of its answer.
    pub per_try: Option<Millis>,
    /// Rounds of tries: 1 is no retry.
    pub rounds: u32,
    /// Failures after which another round is thought of.
    pub again: Vec<String>,
    /// Whether the caller is asked after a failure.
    pub ask: bool,
    /// Whether the caller is asked after every answer.
    pub ask_always: bool,
    /// The bound of the first wait, doubled each round; 0: no wait.
    pub base: Millis,
    /// The bound of all waits.
    pub cap: Millis,
    /// The longest Retry-After that is honoured.
    pub retry_after: Option<Millis>,
    /// Whether retries take from the target's budget.
    pub budget: bool,
}

/// Where requests go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What reports call it.
    pub name: String,
    balance: String,
    /// Whom it consists of.
    pub peers: Vec<Peer>,
    /// By way of whom.
    pub proxy: Option<Proxy>,
    /// The local address of its connections.
    pub local_address: Option<String>,
}

/// One URL that requests go to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// What reports call it.
    pub url: String,
    /// The name or address to connect to.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// The socket in the file system, in place of both.
    pub unix: Option<String>,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Whom the certificate must be for.
    pub sni: String,
    /// The Host header.
    pub authority: String,
    weight: u32,
    max_fails: u32,
    fail_timeout: Millis,
    max_conns: u32,
    down: bool,
    backup: bool,
    slow_start: Millis,
}

/// An HTTP proxy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether TLS is spoken to it.
    pub tls: bool,
    /// Whom its certificate must be for.
    pub sni: String,
    /// Whether it is asked for a tunnel.
    pub tunnel: bool,
    /// Header lines for that, each with its CRLF.
    pub headers: String,
}

impl Target {
    /// Reads one; a sentence says what is wrong with it.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let target: Self = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        balance(&target.balance)?;
        if target.peers.is_empty() {
            return Err("a target has peers".to_owned());
        }
        Ok(target)
    }

    /// The engine's view of it.
    pub fn group(&self, client: &Client) -> Result<GroupPlan, String> {
        let peers: Vec<_> = self.peers.iter().map(Peer::plan).collect();
        let plan = GroupPlan {
            slow_start: peers.iter().any(|peer| peer.slow_start > 0),
            peers,
            balance: balance(&self.balance)?,
            keepalive: client.keepalive(),
            rules: client.rules(),
            queue: None,
        };
        plan.check().map_err(|e| e.to_string())?;
        Ok(plan)
    }
}

impl Peer {
    fn plan(&self) -> PeerPlan {
        PeerPlan {
            weight: self.weight,
            max_fails: self.max_fails,
            fail_timeout: self.fail_timeout,
            max_conns: self.max_conns,
            down: self.down,
            backup: self.backup,
            drain: false,
            sid: None,
            name: self.url.clone().into_bytes(),
            slow_start: self.slow_start,
        }
    }
}

fn balance(word: &str) -> Result<Balance, String> {
    Ok(match word {
        "round_robin" => Balance::RoundRobin,
        "least_conn" => Balance::LeastConn,
        "least_time" => Balance::LeastTime {
            last_byte: false,
            inflight: true,
        },
        "random" => Balance::Random,
        "random_two" => Balance::RandomTwo,
        _ => return Err(format!("no way to balance is called `{word}`")),
    })
}

impl Terms {
    /// Reads some; a sentence says what is wrong with them.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(json).map_err(|e| e.to_string())
    }

    /// The engine's view of them.
    pub fn policy(&self) -> Result<Policy, String> {
        if self.rounds == 0 {
            return Err("a request has one round at least".to_owned());
        }
        let mut again = FailureSet::NONE;
        for word in &self.again {
            let set = FailureSet::from_client_word(word);
            again = again.with(set.ok_or_else(|| format!("no failure is called `{word}`"))?);
        }
        let failover = FailureSet::ANY_ERROR.with(FailureSet::CONNECT_TIMEOUT);
        Ok(Policy {
            next_upstream: failover,
            tries: 0,
            timeout: self.total.unwrap_or(0),
            rounds: self.rounds,
            again,
            backoff: Some(Backoff {
                base: self.base,
                cap: self.cap,
            }),
            retry_after: self.retry_after,
            ask: self.ask,
            ask_always: self.ask_always,
            wait_for_slot: true,
            refunds: false,
            budget: self.budget,
        })
    }
}
