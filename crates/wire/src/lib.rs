//! HTTP/1 messages from and to bytes. Pure, and knows no other crate.
//!
//! Heads are parsed into structs that are reused: they hold [`Span`]s into the bytes they were
//! parsed from, so a head is only meaningful beside its buffer. Nothing here does I/O, reads a clock
//! or, once its vectors have grown, allocates.
#![forbid(unsafe_code)]
// A test says by unwrapping what it takes for granted.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod chunked;
pub mod date;
pub mod header;
pub mod host;
pub mod request;
mod request_error;
mod request_line;
pub mod response;
mod room;
pub mod scan;
pub mod status;
pub mod uri;
pub mod write;

pub use chunked::{ChunkError, Decoder, Step};
pub use header::{Header, Known, Span};
pub use request::{Framing, Limits, Method, RequestError, RequestHead, Version};
pub use response::{BodyFraming, ResponseError, ResponseHead, ResponseWarning};
pub use room::Room;
pub use scan::HeadScan;
