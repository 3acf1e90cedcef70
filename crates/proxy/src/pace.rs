//! `limit_rate`: how fast an answer may go out, reckoned as nginx reckons it.

use std::io::IoSlice;

use serde::{Deserialize, Deserializer};
use surehop_hop::clock::Millis;

use crate::client::Client;
use crate::exchange::Exchange;
use crate::plan::Level;
use crate::template::{Piece, Template};
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// A size that may hold variables.
#[derive(Debug)]
pub enum Size {
    /// Bytes.
    Fixed(u64),
    /// Known for each request.
    Asked(Template),
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let template = Template::deserialize(from)?;
        match &template.0[..] {
            [] => Ok(Self::Fixed(0)),
            [Piece::Text(text)] => size(text)
                .map(Self::Fixed)
                .ok_or_else(|| serde::de::Error::custom("a size is none")),
            _ => Ok(Self::Asked(template)),
        }
    }
}

impl Size {
    fn of(&self, worker: &Worker, client: &Client, ex: &mut Exchange) -> u64 {
        let template = match self {
            Self::Fixed(size) => return *size,
            Self::Asked(template) => template,
        };
        let mut text = Vec::new();
        vars::expand(worker, client, ex, template, &mut text);
        size(&text).unwrap_or_else(|| {
            told::line(worker, client, ex, Level::Error, None, |out| {
                out.extend_from_slice(b"invalid size \"");
                out.extend_from_slice(&text);
                out.push(b'"');
                if ex.reply.line_passed {
                    out.extend_from_slice(b" while sending to client");
                }
            });
            0
        })
    }
}

/// Bytes, with k or m.
pub fn size(text: &[u8]) -> Option<u64> {
    let (digits, scale) = match text {
        [digits @ .., b'k' | b'K'] => (digits, 1 << 10),
        [digits @ .., b'm' | b'M'] => (digits, 1 << 20),
        digits => (digits, 1),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let bytes = number.checked_mul(scale)?;
    i64::try_from(bytes).is_ok().then_some(bytes)
}

/// How fast one answer goes out.
#[derive(Debug, Default)]
pub struct Pace {
    /// Bytes a second; 0 is no limit.
    rate: u64,
    /// Bytes that go out before it counts.
    after: u64,
    /// Whether a rate was given by a header or a variable, which has the last word.
    given: bool,
    until: Millis,
}

impl Pace {
    /// Gives a rate that the location's does not change.
    pub fn give(&mut self, rate: u64) {
        self.rate = rate;
        self.given = true;
    }

    /// Whether there is a limit at all.
    pub fn limited(&self) -> bool {
        self.rate > 0
    }

    /// `$limit_rate`
    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// How long nothing may be sent.
    pub fn until(&self) -> Millis {
        self.until
    }
}

/// `set $limit_rate`
pub fn set(worker: &Worker, client: &Client, ex: &mut Exchange, value: &[u8]) {
    if let Some(rate) = size(value) {
        return ex.pace.give(rate);
    }
    told::line(worker, client, ex, Level::Error, None, |out| {
        out.extend_from_slice(b"invalid $limit_rate \"");
        out.extend_from_slice(value);
        out.push(b'"');
    });
}

/// Looks up what holds for an answer that begins.
pub fn begin(worker: &Worker, client: &Client, ex: &mut Exchange) {
    let filters = &vars::place(worker, ex).filters;
    if !ex.pace.given {
        ex.pace.rate = filters.limit_rate.of(worker, client, ex);
    }
    if ex.pace.rate > 0 {
        ex.pace.after = filters.limit_rate_after.of(worker, client, ex);
    }
}

/// How many bytes may be sent now; an error is when to ask again.
pub fn room(worker: &Worker, ex: &mut Exchange) -> Result<usize, Millis> {
    if ex.pace.rate == 0 {
        return Ok(usize::MAX);
    }
    let now = worker.reactor.now();
    if now < ex.pace.until {
        return Err(ex.pace.until);
    }
    let rate = i128::from(ex.pace.rate);
    let sent = i128::from(ex.head_sent + ex.body_sent) - i128::from(ex.pace.after);
    let seconds = i128::from(now / 1000) - i128::from(ex.started / 1000) + 1;
    let limit = rate * seconds - sent;
    if limit > 0 {
        return Ok(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    let delay = u64::try_from(-limit * 1000 / rate + 1).unwrap_or(u64::MAX);
    ex.pace.until = now.saturating_add(delay);
    Err(ex.pace.until)
}

/// Notes that `n` bytes were sent, which are counted already.
pub fn sent(worker: &Worker, ex: &mut Exchange, n: usize) {
    if ex.pace.rate == 0 {
        return;
    }
    let total = ex.head_sent + ex.body_sent;
    let counted = |bytes: u64| bytes.saturating_sub(ex.pace.after);
    let paced = counted(total) - counted(total - n as u64);
    let delay = u128::from(paced) * 1000 / u128::from(ex.pace.rate);
    let delay = u64::try_from(delay).unwrap_or(u64::MAX);
    ex.pace.until = worker.reactor.now().saturating_add(delay);
}

/// The beginning of `parts` that has `room` bytes.
pub fn cut<const N: usize>(parts: [&[u8]; N], mut room: usize) -> [IoSlice<'_>; N] {
    parts.map(|part| {
        let kept = part.len().min(room);
        room -= kept;
        IoSlice::new(&part[..kept])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("0", Some(0)),
            ("15", Some(15)),
            ("2k", Some(2048)),
            ("1M", Some(1 << 20)),
            ("k", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1g", None),
            ("99999999999999999999", None),
            ("9223372036854775807", Some(u64::MAX >> 1)),
            ("9223372036854775808", None),
        ] {
            assert_eq!(size(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn parts_are_cut() {
        let cut = |room| cut([b"ab", b"", b"cde"], room).map(|part| part.len());
        assert_eq!(cut(9), [2, 0, 3]);
        assert_eq!(cut(3), [2, 0, 1]);
        assert_eq!(cut(1), [1, 0, 0]);
        assert_eq!(cut(0), [0, 0, 0]);
    }
}
