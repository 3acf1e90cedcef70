//! The policy of a hop: balance, health, pool, retry, attempt. Pure: no I/O, no clock, no randomness.
//!
//! [`Session`] composes the rest: it says what to do as a [`Step`] and is told what came of it as an
//! [`Event`]. Time and a seed are arguments, so that a test, the lab and a live proxy run the same code.
#![forbid(unsafe_code)]
// In a test a panic is the report.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod attempt;
mod balance;
mod failures;
mod hash;
mod health;
mod idle;
mod keeping;
mod least;
mod outcome;
mod plan;
mod pool;
mod retry;
mod seek;
mod session;
mod time;
mod waiting;

pub use attempt::{Attempt, Event, Keep, NO_PEER, Step};
pub use balance::{Group, Outcome, Pick, Tried};
pub use failures::FailureSet;
pub use hash::NO_ADDRESS;
pub use health::{
    GroupState, LEARNED_FOR, Notice, PROBE_FIRST, PROBE_LONGEST, PROBES_UNDER_WAY, PeerCounters,
    PeerView, Probe, Recovery,
};
pub use outcome::{
    Cause, Party, PeerStatus, Phase, Reason, Rule, UnknownWord, Verdict, Words, vocabulary,
};
pub use plan::{
    Backoff, Balance, Facts, GroupPlan, KeepalivePlan, Millis, PeerPlan, PlanError, Policy,
    QueuePlan, Rules,
};
pub use pool::{ConnId, Idle, Parked};
pub use retry::{BUDGET_RESERVE, BUDGET_SECONDS, Budget, REQUESTS_A_RETRY, RESERVE_REFILL};
pub use seek::Wish;
pub use session::Session;
pub use waiting::Call;
