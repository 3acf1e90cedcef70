//! What logs and packets tell of failed tries, read fast and in bounded memory.
#![forbid(unsafe_code)]
// In a test a panic is the report.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod event;
mod packets;

pub use event::{Event, Outcome, is_write};
pub use packets::{Counts, Packets};
