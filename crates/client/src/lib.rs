//! The client's transport: requests out, answers in, on one reactor.
//!
//! A [`Shared`] transport takes orders from any thread. Whoever waits for an answer turns the reactor, for all
//! who wait. What only the caller can do (look a name up, decide about a retry, give more of a body) comes out
//! as an [`Event`], and the answer goes back in as an [`Op`].
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod body;
mod connecting;
mod delivery;
mod host;
mod job;
mod limits;
mod order;
pub mod plan;
mod report;
mod shared;
mod target;
mod upload;

pub use answer::Answer;
pub use order::{Event, Flags, Op, Order, Payload, Question, Terms};
pub use report::{Contact, Report};
pub use shared::{Shared, Stats, Waited};
pub use target::Security;
