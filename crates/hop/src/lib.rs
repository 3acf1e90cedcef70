//! The reactor, sockets and timers, and the one driver of an attempt.

pub mod buffer;
pub mod clock;
mod connecting;
pub mod connections;
pub mod descriptor;
pub mod drive;
pub mod island;
pub mod probe;
pub mod reactor;
pub mod socket;
