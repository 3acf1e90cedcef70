//! The reactor, sockets and timers, and the one driver of an attempt.

pub mod buffer;
pub mod clock;
mod connecting;
pub mod connections;
pub mod descriptor;
pub mod dial;
pub mod drive;
mod exchange;
pub mod island;
mod plain;
pub mod probe;
pub mod reactor;
pub mod socket;
pub mod tls;
pub mod tunnel;
