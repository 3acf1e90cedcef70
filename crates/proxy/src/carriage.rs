//! How a location's requests and answers are carried: from which address, through which buffers, how fast.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;
use surehop_hop::clock::Millis;
use surehop_hop::socket::Manner;
use surehop_wire::header::Known;

use crate::client::Client;
use crate::config::ProxyConf;
use crate::exchange::Exchange;
use crate::plan::Level;
use crate::template::Template;
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// What a location says about it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Carriage {
    /// `proxy_bind`
    pub bind: Option<Template>,
    pub receive_buffer: usize,
    pub send_buffer: usize,
    /// Bytes a second that are received; nothing for as fast as they come.
    pub limit_rate: Option<Template>,
    /// Bytes that may be received ahead of the client, into a file.
    pub max_temp_file_size: u64,
    /// `early_hints`: the client gets them if one of these is not empty, and not 0.
    pub early_hints: Vec<Template>,
    /// Which of the plan's folders.
    pub temp: usize,
}

/// How this request's connections are made; `local` gets what `proxy_bind` says.
pub fn manner(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    proxy: &ProxyConf,
    local: &mut Vec<u8>,
) -> Manner {
    let carriage = &proxy.plan.carriage;
    let bind = carriage.bind.as_ref();
    Manner {
        from: bind.and_then(|bind| from(worker, client, ex, bind, local)),
        receive_buffer: carriage.receive_buffer,
        send_buffer: carriage.send_buffer,
        keepalive: proxy.plan.crossing.socket_keepalive,
    }
}

fn from(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    bind: &Template,
    text: &mut Vec<u8>,
) -> Option<SocketAddr> {
    vars::expand(worker, client, ex, bind, text);
    if text.is_empty() {
        return None;
    }
    let address = parse(text);
    if address.is_none() {
        told::line(worker, client, ex, Level::Error, None, |out| {
            out.extend_from_slice(b"invalid local address \"");
            out.extend_from_slice(text);
            out.push(b'"');
        });
    }
    address
}

/// Reads an address, with or without a port, an IPv6 one with or without brackets.
fn parse(text: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, 0)),
        Err(_) => text.parse().ok().filter(|a: &SocketAddr| a.port() > 0),
    }
}

/// `proxy_limit_rate`, in bytes a second; 0 for as fast as they come.
pub fn limit_rate(worker: &Worker, client: &Client, ex: &mut Exchange, proxy: &ProxyConf) -> u64 {
    let Some(template) = &proxy.plan.carriage.limit_rate else {
        return 0;
    };
    let mut text = Vec::new();
    vars::expand(worker, client, ex, template, &mut text);
    let size = size(&text);
    if size.is_none() && !text.is_empty() {
        told::line(worker, client, ex, Level::Error, None, |out| {
            out.extend_from_slice(b"invalid size \"");
            out.extend_from_slice(&text);
            out.push(b'"');
        });
    }
    size.unwrap_or(0)
}

/// Whether an answer is received ahead of the client: the upstream itself may say.
pub fn buffered(ex: &Exchange, proxy: &ProxyConf) -> bool {
    let line = ex.response.has(&[Known::XAccelBuffering]);
    if line && !proxy.plan.reply.ignores(b"x-accel-buffering") {
        let said = ex.response.find(Known::XAccelBuffering);
        let said = said.map_or(&b""[..], |line| line.value.of(&ex.response_raw));
        if said.eq_ignore_ascii_case(b"no") {
            return false;
        }
        if said.eq_ignore_ascii_case(b"yes") {
            return true;
        }
    }
    proxy.plan.buffering
}

/// How fast an answer may be received, and how much of it has been.
#[derive(Debug)]
pub struct Pace {
    /// Bytes a second, not 0.
    rate: u64,
    began: Millis,
    received: u64,
    /// Nothing is received before that.
    resumes: Millis,
}

impl Pace {
    /// From now on; none if there is no limit.
    pub fn new(rate: u64, now: Millis) -> Option<Self> {
        (rate > 0).then_some(Self {
            rate,
            began: now,
            received: 0,
            resumes: now,
        })
    }

    /// How many bytes may be received now; the error is until when nothing may.
    pub fn allows(&mut self, now: Millis) -> Result<usize, Millis> {
        if now < self.resumes {
            return Err(self.resumes);
        }
        let due = self.rate.saturating_mul((now - self.began) / 1000 + 1);
        if due > self.received {
            return Ok(usize::try_from(due - self.received).unwrap_or(usize::MAX));
        }
        let over = self.received - due;
        self.resumes = now + over.saturating_mul(1000) / self.rate + 1;
        Err(self.resumes)
    }

    /// Says that so many bytes were received.
    pub fn took(&mut self, bytes: usize, now: Millis) {
        let bytes = bytes as u64;
        self.received += bytes;
        self.resumes = now + bytes.saturating_mul(1000) / self.rate;
    }
}

/// Reads bytes, with k or m.
fn size(text: &[u8]) -> Option<u64> {
    let (digits, shift) = match text {
        [digits @ .., b'k' | b'K'] => (digits, 10),
        [digits @ .., b'm' | b'M'] => (digits, 20),
        _ => (text, 0),
    };
    let digits = std::str::from_utf8(digits).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_read_as_nginx_reads_them() {
        for (text, expected) in [
            ("127.0.0.1", Some("127.0.0.1:0")),
            ("127.0.0.1:80", Some("127.0.0.1:80")),
            ("::1", Some("[::1]:0")),
            ("[::1]", Some("[::1]:0")),
            ("[::1]:80", Some("[::1]:80")),
            ("127.0.0.1:0", None),
            ("localhost", None),
            ("unix:/a", None),
        ] {
            let address = parse(text.as_bytes()).map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_pace_is_kept() {
        assert!(Pace::new(0, 5).is_none());
        let Some(mut pace) = Pace::new(1000, 500) else {
            unreachable!()
        };
        assert_eq!(pace.allows(500), Ok(1000));
        pace.took(200, 500);
        assert_eq!(pace.allows(600), Err(700));
        assert_eq!(pace.allows(700), Ok(800));
        pace.took(800, 700);
        assert_eq!(pace.allows(1499), Err(1500));
        assert_eq!(pace.allows(1500), Ok(1000));
        pace.took(3000, 1500);
        assert_eq!(pace.allows(4500), Ok(1000));
    }

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("12", Some(12)),
            ("2k", Some(2048)),
            ("1M", Some(1 << 20)),
            ("", None),
            ("k", None),
            ("1g", None),
            ("-1", None),
        ] {
            assert_eq!(size(text.as_bytes()), expected, "{text}");
        }
    }
}
