//! What is done to answers on their way out: `add_header`, `add_trailer`, `expires`.

use serde::{Deserialize, Deserializer};
use surehop_wire::date;
use surehop_wire::header::Known;
use surehop_wire::write;

use crate::client::Client;
use crate::exchange::Exchange;
use crate::gzip::Gzip;
use crate::pace::Size;
use crate::plan::Text;
use crate::relay;
use crate::template::{Piece, Template};
use crate::vars;
use crate::worker::Worker;

const DAY: i64 = 24 * 60 * 60;
const YEAR: i64 = 365 * DAY;

/// What a location says of outgoing answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Filters {
    pub tokens: Tokens,
    pub headers: Vec<Added>,
    pub trailers: Vec<Added>,
    pub expires: Option<Expires>,
    pub chunked: bool,
    pub msie_padding: bool,
    pub msie_refresh: bool,
    pub gzip: Option<Gzip>,
    pub limit_rate: Size,
    pub limit_rate_after: Size,
}

impl Filters {
    /// Whether lines are added to any answer.
    pub fn adds(&self) -> bool {
        !self.headers.is_empty() || !self.trailers.is_empty() || self.expires.is_some()
    }
}

/// How much of the product is told.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Tokens {
    On,
    Off,
    /// As `On`: there are no builds with names of their own.
    Build,
}

/// One `add_header` or `add_trailer`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Added {
    pub name: Text,
    pub value: Template,
    /// Whatever the status is.
    pub always: bool,
}

/// `expires`
#[derive(Debug)]
pub struct Expires {
    modified: bool,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Fixed(When),
    /// Known for each answer.
    Asked(Template),
}

/// When an answer expires; times are seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Off,
    Epoch,
    Max,
    /// From now on.
    Access(i64),
    /// From when it was last modified.
    Modified(i64),
    /// At that time of the day.
    Daily(i64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpiresPlan {
    modified: bool,
    value: Template,
}

impl<'de> Deserialize<'de> for Expires {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let ExpiresPlan { modified, value } = ExpiresPlan::deserialize(from)?;
        let value = match &value.0[..] {
            [Piece::Text(text)] => Value::Fixed(
                When::read(text, modified)
                    .ok_or_else(|| serde::de::Error::custom("`expires` is no time"))?,
            ),
            _ => Value::Asked(value),
        };
        Ok(Self { modified, value })
    }
}

impl When {
    fn read(word: &[u8], modified: bool) -> Option<Self> {
        match word {
            b"epoch" if !modified => return Some(Self::Epoch),
            b"max" if !modified => return Some(Self::Max),
            b"off" if !modified => return Some(Self::Off),
            _ => {}
        }
        Some(match word {
            [b'@', rest @ ..] => {
                Self::Daily(seconds(rest).filter(|&seconds| !modified && seconds <= DAY)?)
            }
            [b'-', rest @ ..] => Self::from(-seconds(rest)?, modified),
            [b'+', rest @ ..] | rest => Self::from(seconds(rest)?, modified),
        })
    }

    fn from(seconds: i64, modified: bool) -> Self {
        if modified {
            Self::Modified(seconds)
        } else {
            Self::Access(seconds)
        }
    }
}

/// nginx's time with units, in seconds.
fn seconds(text: &[u8]) -> Option<i64> {
    const UNITS: [(u8, i64); 7] = [
        (b'y', YEAR),
        (b'M', 30 * DAY),
        (b'w', 7 * DAY),
        (b'd', DAY),
        (b'h', 3600),
        (b'm', 60),
        (b's', 1),
    ];
    let (mut rest, mut total, mut next) = (text, 0_i64, 0);
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&rest[..digits]).ok()?;
        let number: i64 = number.parse().ok()?;
        rest = &rest[digits..];
        // A number without a unit, or with a blank for it, is seconds, and the last but for blanks.
        let (at, scale, taken) = match rest.first() {
            None | Some(b' ') => (UNITS.len(), 1, 0),
            Some(unit) => {
                let at = UNITS.iter().position(|(known, _)| known == unit)?;
                (at, UNITS[at].1, 1)
            }
        };
        if at < next {
            return None;
        }
        next = at + 1;
        total = total.checked_add(number.checked_mul(scale)?)?;
        rest = rest[taken..].trim_ascii_start();
    }
    (!text.is_empty()).then_some(total)
}

/// Whether nginx adds to answers of this status unless told `always`.
const fn safe(status: u16) -> bool {
    matches!(
        status,
        200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308
    )
}

/// Adds lines to an answer whose facts are known.
pub fn headers(worker: &Worker, client: &Client, ex: &mut Exchange) {
    let filters = &vars::place(worker, ex).filters;
    let safe = safe(ex.status);
    if let Some(expires) = filters.expires.as_ref().filter(|_| safe) {
        expire(worker, client, ex, expires);
    }
    for added in filters.headers.iter().filter(|added| safe || added.always) {
        let mut value = Vec::new();
        vars::expand(worker, client, ex, &added.value, &mut value);
        relay::one_line(&mut value);
        add(ex, &added.name.0, &value);
    }
    let mut trailers = filters.trailers.iter();
    ex.reply.trailed |= trailers.any(|added| safe || added.always);
}

fn add(ex: &mut Exchange, name: &[u8], value: &[u8]) {
    let reply = &mut ex.reply;
    match Known::of(name) {
        known @ (Known::LastModified | Known::ETag) => {
            if known == Known::LastModified {
                reply.modified = date::parse(value);
            }
            match reply.find(known) {
                Some(at) if value.is_empty() => reply.take_back(at),
                Some(at) => reply.replace(at, name, value),
                None if value.is_empty() => {}
                None => reply.line(name, value),
            }
        }
        _ if value.is_empty() => {}
        Known::CacheControl | Known::Link => reply.line(name, value),
        // Of others nginx does not take notice itself.
        _ => reply.extra(name, value),
    }
}

fn expire(worker: &Worker, client: &Client, ex: &mut Exchange, expires: &Expires) {
    let mut when = match &expires.value {
        Value::Fixed(when) => *when,
        Value::Asked(template) => {
            let mut word = Vec::new();
            vars::expand(worker, client, ex, template, &mut word);
            match When::read(&word, expires.modified) {
                Some(when) => when,
                None => return,
            }
        }
    };
    if when == When::Off {
        return;
    }
    let times = worker.logs.times(worker.reactor.now());
    let now = (times.wall / 1000).cast_signed();
    if let (When::Modified(seconds), None) = (when, ex.reply.modified) {
        when = When::Access(seconds);
    }
    let (at, age) = match when {
        When::Epoch => (1, -1),
        When::Max => (2_145_916_555, 10 * YEAR),
        When::Off | When::Access(0) | When::Modified(0) => (now, 0),
        When::Access(seconds) => (now + seconds, seconds),
        When::Modified(seconds) => {
            let at = ex.reply.modified.unwrap_or(now) + seconds;
            (at, if seconds < 0 { -1 } else { at - now })
        }
        When::Daily(seconds) => {
            let at = times.next_daily(seconds);
            (at, at - now)
        }
    };
    set_alone(ex, Known::Expires, b"Expires", &date::imf_fixdate(at));
    if age < 0 {
        set_alone(ex, Known::CacheControl, b"Cache-Control", b"no-cache");
    } else {
        let age = format!("max-age={age}");
        set_alone(ex, Known::CacheControl, b"Cache-Control", age.as_bytes());
    }
}

/// Has one line of that name, with this value, in the place of the first.
fn set_alone(ex: &mut Exchange, known: Known, name: &[u8], value: &[u8]) {
    let first = ex.reply.find(known);
    ex.reply.take_back_all(known);
    match first {
        Some(at) => ex.reply.restore(at, value),
        None => ex.reply.line(name, value),
    }
}

/// Works out the trailers of an answer that has come to its end.
pub fn trailers(worker: &Worker, client: &Client, ex: &mut Exchange) {
    let filters = &vars::place(worker, ex).filters;
    let safe = safe(ex.status);
    for added in filters.trailers.iter().filter(|added| safe || added.always) {
        let mut value = Vec::new();
        vars::expand(worker, client, ex, &added.value, &mut value);
        relay::one_line(&mut value);
        if !value.is_empty() {
            write::header(&mut ex.reply.trailers, &added.name.0, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("15", Some(15)),
            ("1h", Some(3600)),
            ("1h30m", Some(5400)),
            ("1h 30m", Some(5400)),
            ("1y", Some(YEAR)),
            ("1M", Some(30 * DAY)),
            ("1m1h", None),
            ("1x", None),
            ("h", None),
            ("", None),
            ("1s1", Some(2)),
            ("1 2", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn words_of_expires() {
        for (text, modified, expected) in [
            ("epoch", false, Some(When::Epoch)),
            ("max", false, Some(When::Max)),
            ("off", false, Some(When::Off)),
            ("off", true, None),
            ("+1h", false, Some(When::Access(3600))),
            ("-1", false, Some(When::Access(-1))),
            ("-1", true, Some(When::Modified(-1))),
            ("@2h", false, Some(When::Daily(7200))),
            ("@2h", true, None),
            ("@25h", false, None),
            ("@-1", false, None),
        ] {
            assert_eq!(When::read(text.as_bytes(), modified), expected, "{text}");
        }
    }
}
