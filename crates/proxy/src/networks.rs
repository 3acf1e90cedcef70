//! Networks of addresses, and addresses as nginx reads them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Deserializer};
use surehop_hop::socket::Address;
use surehop_wire::header::Header;

use crate::plan::Text;

/// Addresses from one to another, or whoever comes by a unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// By a unix socket.
    Unix,
    /// From the first to the last, both within it.
    Ip(IpAddr, IpAddr),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    first: Text,
    last: Text,
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let plain = Plain::deserialize(from)?;
        if plain.first.0 == b"unix:" {
            return Ok(Self::Unix);
        }
        match (plain.first.show().parse(), plain.last.show().parse()) {
            (Ok(first), Ok(last)) => Ok(Self::Ip(first, last)),
            _ => Err(serde::de::Error::custom("a network that is none")),
        }
    }
}

impl Network {
    /// Whether an address is in it; IPv4 in IPv6's clothes is IPv4.
    pub fn holds(&self, address: Option<&Address>) -> bool {
        match (self, address) {
            (Self::Ip(first, last), Some(Address::Ip(address))) => {
                let ip = address.ip().to_canonical();
                ip.is_ipv4() == first.is_ipv4() && (*first..=*last).contains(&ip)
            }
            (Self::Unix, None | Some(Address::Unix(_))) => true,
            _ => false,
        }
    }
}

fn v4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut words = text.split(|&byte| byte == b'.');
    for octet in &mut octets {
        let word = words.next().filter(|word| !word.is_empty())?;
        let mut value = 0_u32;
        for &digit in word {
            value = value * 10 + char::from(digit).to_digit(10)?;
            if value > 255 {
                return None;
            }
        }
        *octet = value as u8;
    }
    words.next().is_none().then(|| octets.into())
}

fn v6(text: &[u8]) -> Option<Ipv6Addr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// An address as nginx takes it: leading zeros are decimal.
pub fn ip(text: &[u8]) -> Option<IpAddr> {
    v4(text)
        .map(IpAddr::V4)
        .or_else(|| v6(text).map(IpAddr::V6))
}

/// The same with a port, perhaps; 0 where there is none.
pub fn socket_address(text: &[u8]) -> Option<SocketAddr> {
    if let Some(ip) = ip(text) {
        return Some(SocketAddr::new(ip, 0));
    }
    let (host, port) = if let Some(rest) = text.strip_prefix(b"[") {
        let end = memchr::memchr(b']', rest)?;
        if rest.len() == end + 1 {
            return v6(&rest[..end]).map(|ip| SocketAddr::new(ip.into(), 0));
        }
        (&rest[..end], rest[end + 1..].strip_prefix(b":")?)
    } else {
        let colon = memchr::memchr(b':', text)?;
        (&text[..colon], &text[colon + 1..])
    };
    let digits = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    let port: u16 = digits.then(|| std::str::from_utf8(port).ok()?.parse().ok())??;
    let ip = ip(host).filter(|_| port > 0)?;
    Some(SocketAddr::new(ip, port))
}

/// Follows addresses that proxies in `trusted` have forwarded, from the last to the first. None if the
/// address itself is not trusted, or nothing was forwarded that is an address.
pub fn forwarded(
    from: Option<&Address>,
    lines: &[&[u8]],
    trusted: &[Network],
    recursive: bool,
) -> Option<SocketAddr> {
    let mut found: Option<SocketAddr> = None;
    for line in lines.iter().rev() {
        let mut rest = *line;
        loop {
            let at = found.map(Address::Ip);
            let known = at.as_ref().or(from);
            if !trusted.iter().any(|network| network.holds(known)) {
                return found;
            }
            let end = rest
                .iter()
                .rposition(|byte| !matches!(byte, b' ' | b','))
                .map_or(0, |at| at + 1);
            let start = rest[..end]
                .iter()
                .rposition(|byte| matches!(byte, b' ' | b','))
                .map_or(0, |at| at + 1);
            let Some(next) = socket_address(&rest[start..end]) else {
                return found;
            };
            found = Some(next);
            if !recursive {
                return found;
            }
            if start == 0 {
                break;
            }
            rest = &rest[..start - 1];
        }
    }
    found
}

/// The values of the lines of that name.
pub fn values<'a>(headers: &[Header], bytes: &'a [u8], name: &[u8]) -> Vec<&'a [u8]> {
    headers
        .iter()
        .filter(|line| line.name.of(bytes).eq_ignore_ascii_case(name))
        .map(|line| line.value.of(bytes))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(first: &str, last: &str) -> Network {
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) => Network::Ip(first, last),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn addresses_as_nginx_reads_them() {
        let read = |text: &str| socket_address(text.as_bytes()).map(|found| found.to_string());
        assert_eq!(read("1.2.3.4").as_deref(), Some("1.2.3.4:0"));
        assert_eq!(read("01.002.3.4:80").as_deref(), Some("1.2.3.4:80"));
        assert_eq!(read("2001:db8::1").as_deref(), Some("[2001:db8::1]:0"));
        assert_eq!(read("[::1]:8080").as_deref(), Some("[::1]:8080"));
        for none in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "[::1]x",
            "[1.2.3.4]",
            "1.2.3.4:0",
            "1.2.3.4:x",
            "unix:",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn the_last_that_is_not_trusted_counts() {
        let trusted = [network("10.0.0.0", "10.255.255.255")];
        let from = Address::parse("10.0.0.1:1");
        let seen = |lines: &[&str], recursive| {
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            forwarded(from.as_ref(), &lines, &trusted, recursive).map(|at| at.ip().to_string())
        };
        assert_eq!(
            seen(&["1.1.1.1, 10.0.0.2"], false).as_deref(),
            Some("10.0.0.2")
        );
        assert_eq!(
            seen(&["9.9.9.9, 1.1.1.1, 10.0.0.2"], true).as_deref(),
            Some("1.1.1.1")
        );
        assert_eq!(
            seen(&["1.1.1.1", "10.0.0.2"], true).as_deref(),
            Some("1.1.1.1")
        );
        assert_eq!(
            seen(&["1.1.1.1", "10.0.0.2"], false).as_deref(),
            Some("10.0.0.2")
        );
        assert_eq!(seen(&["none, 10.0.0.3"], true).as_deref(), Some("10.0.0.3"));
        assert_eq!(seen(&["none"], true), None);
        assert_eq!(
            forwarded(
                Address::parse("9.9.9.9:1").as_ref(),
                &[b"1.1.1.1"],
                &trusted,
                true
            ),
            None
        );
    }
}
