//! What logs and packets tell of failed tries, read fast and in bounded memory.
//!
//! A [`Format`] makes [`Event`]s of lines; a [`Digest`] folds them, in the order of lines, into what rules
//! ask: tallies, outages, traffic. [`Reader`] drives both over blocks of a file, on every core.
#![forbid(unsafe_code)]
// In a test a panic is the report.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod access_tries;
mod alb;
mod application;
mod asides;
mod attempts;
mod circumstances;
mod digest;
mod envoy;
mod envoy_line;
mod event;
mod format;
mod gcp;
mod haproxy;
mod haproxy_notices;
mod histogram;
mod kept;
mod kinds;
mod member;
pub mod moment;
mod nginx_error;
mod nginx_messages;
mod outages;
mod packets;
mod pauses;
mod read;
mod records;
mod returns;
mod sayings;
mod source;
mod stamp;
mod tally;
mod template;
mod traffic;
mod words;
mod written;

pub use digest::{Digest, File};
pub use event::{Event, Outcome, is_write};
pub use format::{Format, Understood};
pub use kept::Line;
pub use kinds::{Kind, kind_of, kinds};
pub use packets::{CaptureReading, Counts, Packets};
pub use read::Reading;
pub use source::{Source, name_of};
pub use traffic::{Counter, Traffic};
