//! `gzip`: which answers are packed, and the packing.

use flate2::{Compress, Compression, FlushCompress, Status};
use serde::{Deserialize, Deserializer};
use surehop_hop::buffer::Buf;
use surehop_wire::header::Known;
use surehop_wire::request::Version;
use surehop_wire::{date, status};

use crate::exchange::Exchange;
use crate::plan::Text;
use crate::reply::Ranges;
use crate::worker::Worker;

/// What a location says of packing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gzip {
    /// In lower case; `*` is any.
    types: Vec<Text>,
    min_length: u64,
    level: u32,
    /// Bits of the window's size.
    window: u8,
    #[serde(deserialize_with = "version")]
    http_version: Version,
    proxied: Vec<Proxied>,
    /// Whether caches are told that the answer depends on who asks.
    pub vary: bool,
    #[serde(deserialize_with = "regexes")]
    disable: Vec<pcre2::bytes::Regex>,
    disable_msie6: bool,
}

/// What of a proxied request or its answer allows it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Proxied {
    Off,
    Expired,
    #[serde(rename = "no-cache")]
    NoCache,
    #[serde(rename = "no-store")]
    NoStore,
    Private,
    #[serde(rename = "no_last_modified")]
    NoLastModified,
    #[serde(rename = "no_etag")]
    NoEtag,
    Auth,
    Any,
}

fn version<'de, D: Deserializer<'de>>(from: D) -> Result<Version, D::Error> {
    Ok(match &*String::deserialize(from)? {
        "1.0" => Version::Http10,
        _ => Version::Http11,
    })
}

fn regexes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<pcre2::bytes::Regex>, D::Error> {
    let patterns = Vec::<Text>::deserialize(from)?;
    let compiled = patterns
        .iter()
        .map(|pattern| crate::script::compile(&pattern.0, true));
    compiled
        .collect::<Result<_, _>>()
        .map_err(serde::de::Error::custom)
}

/// Looks whether an answer, of which all but the framing is known, is to be packed, and changes what is
/// said of it.
pub fn begin(worker: &Worker, ex: &mut Exchange, gzip: &Gzip) {
    let reply = &ex.reply;
    let raw = &ex.response_raw[..];
    let coded = reply.find(Known::ContentEncoding);
    if !matches!(ex.status, 200 | 403 | 404)
        || coded.is_some_and(|at| !reply.value_at(at, raw).is_empty())
        || reply.length.is_some_and(|length| length < gzip.min_length)
        || !gzip.packs(reply.bare_kind())
    {
        return;
    }
    ex.reply.varies = gzip.vary;
    // Asked once a request: its error page is dealt with alike.
    let wanted = match ex.packable {
        Some(wanted) => wanted,
        None => gzip.wanted(worker, ex),
    };
    ex.packable = Some(wanted);
    if !wanted {
        return;
    }
    let packer = Packer::new(worker, gzip.level, gzip.window_for(ex.reply.length));
    ex.packer = Some(Box::new(packer));
    let reply = &mut ex.reply;
    reply.line(b"Content-Encoding", b"gzip");
    reply.length = None;
    reply.ranges = Ranges::None;
    reply.take_back_all(Known::AcceptRanges);
    if let Some(at) = reply.find(Known::ETag) {
        let etag = reply.value_at(at, &ex.response_raw);
        if etag.starts_with(b"\"") {
            let weak = [b"W/", etag].concat();
            reply.change(at, &weak);
        } else if etag.len() <= 2 || !etag.starts_with(b"W/") {
            reply.take_back(at);
        }
    }
}

impl Gzip {
    fn packs(&self, kind: &[u8]) -> bool {
        match &self.types[..] {
            [Text(any)] if any == b"*" => true,
            types => types
                .iter()
                .any(|Text(each)| each.eq_ignore_ascii_case(kind)),
        }
    }

    /// No window is larger than the body.
    fn window_for(&self, length: Option<u64>) -> u8 {
        let mut bits = self.window;
        while let Some(length) = length.filter(|length| *length > 0)
            && bits > 9
            && length + 262 < 1 << (bits - 1)
        {
            bits -= 1;
        }
        bits
    }

    /// Whether the client wants it, and nothing forbids it.
    fn wanted(&self, worker: &Worker, ex: &Exchange) -> bool {
        let bytes = ex.bytes();
        let sent = |known| ex.head.find(known).map(|line| line.value.of(bytes));
        let agent = sent(Known::UserAgent);
        sent(Known::AcceptEncoding).is_some_and(accepts)
            && !(self.disable_msie6 && agent.is_some_and(status::old_explorer))
            && (self.http_version == Version::Http10 || ex.head.version == Version::Http11)
            && (sent(Known::Via).is_none() || self.for_proxies(worker, ex))
            && !agent.is_some_and(|agent| {
                let mut disable = self.disable.iter();
                disable.any(|regex| regex.is_match(agent).unwrap_or(false))
            })
    }

    /// Whether an answer to a proxy's request may be packed.
    fn for_proxies(&self, worker: &Worker, ex: &Exchange) -> bool {
        let allows = |what| self.proxied.contains(&what);
        if allows(Proxied::Off) {
            return false;
        }
        let authorized = ex.head.find(Known::Authorization).is_some();
        if allows(Proxied::Any) || allows(Proxied::Auth) && authorized {
            return true;
        }
        let reply = &ex.reply;
        let raw = &ex.response_raw[..];
        let value = |known| reply.find(known).map(|at| reply.value_at(at, raw));
        if let Some(expires) = value(Known::Expires) {
            let wall = worker.logs.times(worker.reactor.now()).wall / 1000;
            let now = match value(Known::Date) {
                Some(date) => date::parse(date),
                None => Some(wall.cast_signed()),
            };
            let expires = date::parse(expires);
            return allows(Proxied::Expired) && now.is_some() && expires.is_some() && expires < now;
        }
        if reply.find(Known::CacheControl).is_some() {
            let says = |word: &[u8]| {
                reply.lines().any(|(_, line)| {
                    line.known == Known::CacheControl && names(reply.value(line, raw), word)
                })
            };
            return allows(Proxied::NoCache) && says(b"no-cache")
                || allows(Proxied::NoStore) && says(b"no-store")
                || allows(Proxied::Private) && says(b"private");
        }
        !(allows(Proxied::NoLastModified) && reply.find(Known::LastModified).is_some()
            || allows(Proxied::NoEtag) && reply.find(Known::ETag).is_some())
    }
}

/// Whether a list has this word, as nginx looks for it.
fn names(list: &[u8], word: &[u8]) -> bool {
    let mut rest = list;
    while !rest.is_empty() {
        if let Some(behind) = rest.get(word.len()..)
            && rest[..word.len()].eq_ignore_ascii_case(word)
        {
            let blanks = behind.iter().take_while(|byte| **byte == b' ').count();
            if matches!(behind.get(blanks), None | Some(b',')) {
                return true;
            }
        }
        let end = memchr::memchr2(b';', b',', rest).map_or(rest.len(), |at| at + 1);
        rest = rest[end..].trim_ascii_start();
    }
    false
}

/// Whether an `Accept-Encoding` takes gzip, as nginx reads it.
fn accepts(value: &[u8]) -> bool {
    let mut from = 0;
    let rest = loop {
        let Some(found) = value[from..]
            .windows(4)
            .position(|word| word.eq_ignore_ascii_case(b"gzip"))
        else {
            return false;
        };
        let at = from + found;
        if at == 0 || matches!(value[at - 1], b',' | b' ') {
            break value[at + 4..].trim_ascii_start();
        }
        from = at + 1;
    };
    match rest {
        [] | [b',', ..] => true,
        [b';', parameter @ ..] => match parameter.trim_ascii_start() {
            [] => true,
            [b'q' | b'Q', b'=', quality @ ..] => positive(quality),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a quality is one, and not 0.
fn positive(quality: &[u8]) -> bool {
    let end = memchr::memchr2(b',', b' ', quality).unwrap_or(quality.len());
    let (whole, rest) = match &quality[..end] {
        [whole @ (b'0' | b'1'), rest @ ..] => (*whole == b'1', rest),
        _ => return false,
    };
    match rest {
        [] => whole,
        [b'.', digits @ ..] if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => {
            // nginx adds the digits up, and nothing may be above 1.
            digits.iter().any(|digit| *digit != b'0') != whole
        }
        _ => false,
    }
}

/// Packs one body.
#[derive(Debug)]
pub struct Packer {
    state: Compress,
    /// What is packed and not sent.
    pub out: Buf,
    /// Whether what was taken in may not all have come out.
    pub held: bool,
    flushing: bool,
    /// Whether the end has come out.
    pub done: bool,
}

impl Packer {
    fn new(worker: &Worker, level: u32, window: u8) -> Self {
        Self {
            state: Compress::new_gzip(Compression::new(level), window),
            out: worker.buffers.small(),
            held: false,
            flushing: false,
            done: false,
        }
    }

    /// Takes in what there is room for of `input`, and gives how much that was; `last`: nothing follows.
    /// None if packing failed, which it never should.
    pub fn take(&mut self, input: &[u8], last: bool) -> Option<usize> {
        let mut taken = 0;
        while !self.done {
            self.out.compact();
            let rest = &input[taken..];
            let (before_in, before_out) = (self.state.total_in(), self.state.total_out());
            let how = match (last, self.flushing) {
                (true, _) => FlushCompress::Finish,
                (false, true) => FlushCompress::Sync,
                (false, false) => FlushCompress::None,
            };
            if self.out.space().is_empty() || rest.is_empty() && how == FlushCompress::None {
                break;
            }
            let status = self.state.compress(rest, self.out.space(), how).ok()?;
            let came = (self.state.total_out() - before_out) as usize;
            let went = (self.state.total_in() - before_in) as usize;
            self.out.filled(came);
            taken += went;
            self.held |= went > 0;
            if status == Status::StreamEnd {
                self.done = true;
                self.held = false;
            } else if self.flushing && !last && !self.out.space().is_empty() {
                // With room left, all of it has come out.
                self.flushing = false;
                self.held = false;
            } else if came == 0 && went == 0 {
                break;
            }
        }
        Some(taken)
    }

    /// Takes in what is in `from`; true if all has come out, and nothing follows (`last`).
    pub fn fill(&mut self, from: Option<&mut Buf>, last: bool) -> bool {
        let Some(buf) = from else {
            self.take(b"", last);
            return self.done;
        };
        let taken = self.take(buf.data(), last).unwrap_or(buf.len());
        buf.consume(taken);
        self.done
    }

    /// Has everything that was taken in come out; true if something is to come.
    pub fn flush(&mut self) -> bool {
        self.flushing |= self.held;
        self.flushing && self.take(b"", false).is_some() && !self.out.is_empty()
    }

    /// Bytes that went in and came out.
    pub fn counts(&self) -> (u64, u64) {
        (self.state.total_in(), self.state.total_out())
    }
}

/// Gives the packer back; what it counted is kept for the log.
pub fn end(worker: &Worker, ex: &mut Exchange) {
    if let Some(packer) = ex.packer.take() {
        if packer.done {
            ex.packed = Some(packer.counts());
        }
        worker.buffers.give(packer.out);
    }
}

/// `$gzip_ratio`, once the body was packed whole.
pub fn ratio(ex: &Exchange, out: &mut Vec<u8>) -> bool {
    let Some((plain, packed)) = ex.packed.filter(|(_, packed)| *packed > 0) else {
        return false;
    };
    // In hundredths, rounded by the next digit.
    let thousandths = plain * 1000 / packed;
    let hundredths = thousandths / 10 + u64::from(thousandths % 10 > 4);
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    out.extend_from_slice(text.as_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_that_are_accepted() {
        for (value, expected) in [
            ("gzip", true),
            ("gzip, deflate", true),
            ("deflate,gzip", true),
            ("deflate, GZIP", true),
            ("x-gzip", false),
            ("gzipped", false),
            ("xgzip gzip", true),
            ("deflate", false),
            ("gzip;q=0", false),
            ("gzip;q=0.0", false),
            ("gzip;q=0.001", true),
            ("gzip;q=0.0001", false),
            ("gzip;q=1", true),
            ("gzip;q=1.000", true),
            ("gzip;q=1.1", false),
            ("gzip; q=0.5, x", true),
            ("gzip ; Q=0.5", true),
            ("gzip;q=2", false),
            ("gzip;q=", false),
            ("gzip;", true),
            ("gzip;x=1", false),
            ("", false),
        ] {
            assert_eq!(accepts(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn words_in_lists() {
        for (list, expected) in [
            ("no-cache", true),
            ("private, No-Cache", true),
            ("private; no-cache", true),
            ("no-cache , private", true),
            ("no-cache=x", false),
            ("xno-cache", false),
            ("no-cache; x", false),
            ("", false),
        ] {
            assert_eq!(names(list.as_bytes(), b"no-cache"), expected, "{list}");
        }
    }
}
