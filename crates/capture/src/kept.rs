//! Lines that are kept as evidence.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Outcome};
use crate::words;
use surehop_engine::{Cause, Phase, Reason};

/// Bytes of a line that are kept; nginx itself cuts at 2048.
const SHOWN: usize = 2000;
/// Bytes of a name, an address or a URL.
const NAME: usize = 512;

/// A line with what it told, as long as its block is there.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Where it stands; lines count from 1.
    pub file: &'a Arc<str>,
    /// Its number.
    pub number: u64,
    /// The line itself.
    pub text: &'a [u8],
    /// What it told.
    pub event: Event<'a>,
}

/// A line that is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) at_ms: i64,
    pub(crate) file: Arc<str>,
    pub(crate) line: u64,
    text: String,
    connection: u64,
    method: String,
    upstream: String,
    idle_ms: Option<u64>,
    age_ms: Option<u64>,
    pause_ms: Option<u64>,
    status: u16,
    tries: u8,
}

impl Kept {
    pub(crate) fn of(line: &Line<'_>) -> Self {
        let event = &line.event;
        Self {
            at_ms: event.at_ms,
            file: Arc::clone(line.file),
            line: line.number,
            text: shown(line.text, SHOWN).into_owned(),
            connection: event.connection,
            method: shown(event.method, NAME).into_owned(),
            upstream: shown(event.upstream, NAME).into_owned(),
            idle_ms: event.idle_ms,
            age_ms: event.age_ms,
            pause_ms: event.pause_ms,
            status: event.status,
            tries: event.tries,
        }
    }

    /// Whether it comes after a line, by time and then by place.
    pub(crate) fn is_after(&self, line: &Line<'_>) -> bool {
        (self.at_ms, &*self.file, self.line) > (line.event.at_ms, line.file, line.number)
    }
}

/// How a try failed, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Ending {
    #[serde(with = "words")]
    pub(crate) phase: Phase,
    #[serde(with = "words")]
    pub(crate) cause: Cause,
    #[serde(with = "words")]
    pub(crate) reason: Reason,
}

impl From<Outcome> for Ending {
    fn from((phase, cause, reason): Outcome) -> Self {
        Self {
            phase,
            cause,
            reason,
        }
    }
}

/// A name as text, cut where it is absurdly long.
pub(crate) fn name(bytes: &[u8]) -> Cow<'_, str> {
    shown(bytes, NAME)
}

/// Bytes as text, at most `limit` of them; what is no UTF-8 as `\xff`.
fn shown(bytes: &[u8], limit: usize) -> Cow<'_, str> {
    let bytes = &bytes[..bytes.len().min(limit)];
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // writing into a String can't fail
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    Cow::Owned(text)
}
