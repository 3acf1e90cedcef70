//! What logs and packets tell of failed tries, read fast and in bounded memory.
//!
//! A [`Format`] makes [`Event`]s of lines; a [`Digest`] folds them, in the order of lines, into what rules
//! ask: tallies, outages, traffic. [`Reader`] drives both over blocks of a file, on every core.
#![forbid(unsafe_code)]
// In a test a panic is the report.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod alb;
mod application;
mod circumstances;
mod event;
mod format;
mod gcp;
mod kinds;
mod nginx_error;
mod nginx_messages;
mod sayings;
mod stamp;

pub use event::{Event, Outcome, is_write};
pub use format::{Format, Understood};
pub use kinds::{Kind, kind_named, kind_of};
/// Times as logs write them.
pub mod moment;
