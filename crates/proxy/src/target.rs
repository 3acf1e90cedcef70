//! `proxy_pass` with variables: where a request goes is known only once their values are.

use std::cell::RefCell;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use surehop_engine::Group;
use surehop_hop::socket::Address;

use crate::client::Client;
use crate::config::{Config, GroupConf, ProxyConf};
use crate::exchange::Exchange;
use crate::plan::{self, Balance, Level, Text};
use crate::told;
use crate::vars;
use crate::worker::Worker;

const PORT: u16 = 80;

/// A group of one address, made for one request.
pub struct Made {
    /// What is known of it.
    pub conf: GroupConf,
    /// The balancer's side of it.
    pub group: RefCell<Group>,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Made({})", self.conf.name)
    }
}

/// What variables said of where a request goes.
#[derive(Debug, Default)]
pub struct Said {
    /// `$proxy_host`
    pub host: Vec<u8>,
    /// `$proxy_port`; empty for a unix socket.
    pub port: Vec<u8>,
    /// The URI in place of the request's; empty for none.
    pub uri: Vec<u8>,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub enum Target {
    /// To a group of the configuration.
    Group(usize),
    /// To an address.
    Made(Rc<Made>),
    /// To a name that nobody knows.
    Unknown(Box<[u8]>),
}

impl Target {
    /// The group's number, and both sides of it; none, and that has been told of, if there is nobody to
    /// ask for the name.
    pub fn place<'a>(
        &'a self,
        worker: &'a Worker,
        client: &Client,
        ex: &mut Exchange,
    ) -> Option<(usize, &'a GroupConf, &'a RefCell<Group>)> {
        match self {
            Self::Group(index) => {
                let conf = &worker.config.groups[*index];
                Some((*index, conf, &worker.groups[*index]))
            }
            Self::Made(made) => {
                ex.made.push(made.clone());
                let index = worker.config.groups.len() + ex.made.len() - 1;
                Some((index, &made.conf, &made.group))
            }
            Self::Unknown(name) => {
                told::line(worker, client, ex, Level::Error, None, |out| {
                    out.extend_from_slice(b"no resolver defined to resolve ");
                    out.extend_from_slice(name);
                });
                ex.course.doing = b" while sending to client";
                None
            }
        }
    }
}

/// Evaluates what `proxy_pass` says. The error is a status; it has been told of.
pub fn of(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    proxy: &ProxyConf,
) -> Result<Target, u16> {
    if let Some(group) = proxy.plan.group {
        ex.said = None;
        return Ok(Target::Group(group));
    }
    let mut url = Vec::new();
    vars::expand(worker, client, ex, &proxy.asked, &mut url);
    let refuse = |sentence: &str, about: &[u8]| {
        told::line(worker, client, ex, Level::Error, None, |out| {
            out.extend_from_slice(sentence.as_bytes());
            out.extend_from_slice(b"\"");
            out.extend_from_slice(about);
            out.push(b'"');
        });
        Err(500)
    };
    let prefix = b"http://";
    let rest = match url.split_at_checked(prefix.len()) {
        Some((scheme, rest)) if !rest.is_empty() && scheme.eq_ignore_ascii_case(prefix) => rest,
        _ => return refuse("invalid URL prefix in ", &url),
    };
    let parsed = match parse(rest) {
        Ok(parsed) => parsed,
        Err(error) => return refuse(&format!("{error} in upstream "), rest),
    };
    let target = choose(&worker.config, &parsed).map_err(|error| {
        worker.logs.main(worker.reactor.now(), Level::Alert, &error);
        500_u16
    })?;
    ex.said = Some(Box::new(parsed.said()));
    Ok(target)
}

/// The parts of a URL behind `http://`.
#[derive(Debug, PartialEq, Eq)]
struct Parsed<'a> {
    host: &'a [u8],
    /// As written; none if it is not.
    port_text: Option<&'a [u8]>,
    port: u16,
    uri: &'a [u8],
    /// The address, if it is no name.
    address: Option<Address>,
}

impl Parsed<'_> {
    fn unix(&self) -> bool {
        matches!(self.address, Some(Address::Unix(_)))
    }

    fn said(&self) -> Said {
        let mut uri = Vec::new();
        if self.uri.first() == Some(&b'?') {
            uri.push(b'/');
        }
        uri.extend_from_slice(self.uri);
        if self.unix() {
            return Said {
                host: b"localhost".to_vec(),
                port: Vec::new(),
                uri,
            };
        }
        let mut host = self.host.to_vec();
        if let Some(port) = self.port_text.filter(|_| self.port != PORT) {
            host.push(b':');
            host.extend_from_slice(port);
        }
        Said {
            host,
            port: self.port_text.unwrap_or(b"80").to_vec(),
            uri,
        }
    }
}

/// Reads `host[:port][/uri]` as nginx does; the error is in its words.
fn parse(url: &[u8]) -> Result<Parsed<'_>, &'static str> {
    if url.len() >= 5 && url[..5].eq_ignore_ascii_case(b"unix:") {
        return unix(&url[5..]);
    }
    if url.first() == Some(&b'[') {
        return ipv6(url);
    }
    let (place, uri) = split_uri(url);
    let (host, port_text) = match memchr::memchr(b':', place) {
        Some(at) => (&place[..at], Some(&place[at + 1..])),
        None => (place, None),
    };
    let port = port_text.map_or(Ok(PORT), port)?;
    if host.is_empty() {
        return Err("no host");
    }
    let ip = std::str::from_utf8(host)
        .ok()
        .and_then(|host| host.parse::<Ipv4Addr>().ok());
    Ok(Parsed {
        host,
        port_text,
        port,
        uri,
        address: ip.map(|ip| Address::Ip(SocketAddr::new(IpAddr::V4(ip), port))),
    })
}

fn unix(rest: &[u8]) -> Result<Parsed<'_>, &'static str> {
    let (path, uri) = match memchr::memchr(b':', rest) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &b""[..]),
    };
    if path.is_empty() {
        return Err("no path in the unix domain socket");
    }
    // What the kernel's address holds, with its closing NUL.
    if path.len() > 107 {
        return Err("too long path in the unix domain socket");
    }
    let path = std::str::from_utf8(path).map_err(|_| "invalid host")?;
    Ok(Parsed {
        host: path.as_bytes(),
        port_text: None,
        port: 0,
        uri,
        address: Some(Address::Unix(path.into())),
    })
}

fn ipv6(url: &[u8]) -> Result<Parsed<'_>, &'static str> {
    let end = memchr::memchr(b']', url).ok_or("invalid host")?;
    let (host, rest) = url.split_at(end + 1);
    let (rest, uri) = split_uri(rest);
    let port_text = match rest {
        [] => None,
        [b':', port @ ..] => Some(port),
        _ => return Err("invalid host"),
    };
    let port = port_text.map_or(Ok(PORT), port)?;
    if host.len() == 2 {
        return Err("no host");
    }
    let ip = std::str::from_utf8(&host[1..end])
        .ok()
        .and_then(|host| host.parse::<Ipv6Addr>().ok());
    let ip = ip.ok_or("invalid IPv6 address")?;
    Ok(Parsed {
        host,
        port_text,
        port,
        uri,
        address: Some(Address::Ip(SocketAddr::new(IpAddr::V6(ip), port))),
    })
}

fn split_uri(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(memchr::memchr2(b'/', b'?', text).unwrap_or(text.len()))
}

fn port(text: &[u8]) -> Result<u16, &'static str> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok())
        .filter(|port| *port > 0)
        .ok_or("invalid port")
}

/// A group of that name (and port, where `proxy_pass` made it), or the address itself.
fn choose(config: &Config, parsed: &Parsed<'_>) -> Result<Target, String> {
    let named = config.groups.iter().position(|group| {
        group.name.as_bytes().eq_ignore_ascii_case(parsed.host)
            && match group.implicit {
                Some(port) => port == parsed.port,
                None => parsed.port_text.is_none(),
            }
    });
    match (&parsed.address, named) {
        (_, Some(index)) => Ok(Target::Group(index)),
        (Some(address), None) => made(parsed.host, address).map(Target::Made),
        (None, None) => Ok(Target::Unknown(parsed.host.into())),
    }
}

fn made(host: &[u8], address: &Address) -> Result<Rc<Made>, String> {
    let text = address.to_string();
    let peer = plan::Peer {
        address: Text(text.clone().into_bytes()),
        name: Text(text.into_bytes()),
        weight: 1,
        max_fails: 0,
        fail_timeout_ms: 0,
        max_conns: 0,
        down: false,
        backup: false,
        drain: false,
        sid: None,
        slow_start_ms: 0,
    };
    let group = plan::Group {
        queue: None,
        name: Text(host.to_vec()),
        implicit: true,
        zone: None,
        balance: Balance::RoundRobin,
        hash_key: Vec::new(),
        sticky: None,
        peers: vec![peer],
        keepalive: plan::Keepalive {
            connections: 0,
            scopes: 1,
            requests: 0,
            time_ms: 0,
            timeout_ms: 0,
        },
        resilience: plan::Resilience {
            attribution: false,
            replay_keyed: false,
            probe: false,
            last_peer: false,
            idle: false,
            sent: false,
            budget: false,
        },
    };
    let conf = GroupConf::new(&group, 1)?;
    let state = conf.state(0).clone();
    let group = Group::new(conf.plan.clone(), state, 1).map_err(|e| format!("upstream: {e}"))?;
    Ok(Rc::new(Made {
        conf,
        group: RefCell::new(group),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_nginx_reads_them() {
        let good: &[(&str, &str, u16, &str, &str)] = &[
            ("127.0.0.1", "127.0.0.1", 80, "", "127.0.0.1:80"),
            ("127.0.0.1:81/x:y", "127.0.0.1", 81, "/x:y", "127.0.0.1:81"),
            ("[::1]:81?a/b", "[::1]", 81, "?a/b", "[::1]:81"),
            ("[::1]", "[::1]", 80, "", "[::1]:80"),
            ("unix:/a/b:/c", "/a/b", 0, "/c", "unix:/a/b"),
            ("unix:/a", "/a", 0, "", "unix:/a"),
            ("name:80?x", "name", 80, "?x", ""),
            ("1.2.3", "1.2.3", 80, "", ""),
        ];
        for (url, host, port, uri, address) in good {
            let parsed = parse(url.as_bytes()).map(|parsed| {
                let shown = parsed.address.map(|address| address.to_string());
                (
                    parsed.host,
                    parsed.port,
                    parsed.uri,
                    shown.unwrap_or_default(),
                )
            });
            let expected = (
                host.as_bytes(),
                *port,
                uri.as_bytes(),
                (*address).to_owned(),
            );
            assert_eq!(parsed, Ok(expected), "{url}");
        }
        let bad: &[(&str, &str)] = &[
            ("", "no host"),
            (":80", "no host"),
            ("/x", "no host"),
            ("a:", "invalid port"),
            ("a:0", "invalid port"),
            ("a:65536", "invalid port"),
            ("a:+1", "invalid port"),
            ("a:1:2", "invalid port"),
            ("[", "invalid host"),
            ("[]", "no host"),
            ("[x]", "invalid IPv6 address"),
            ("[::1]x", "invalid host"),
            ("unix:", "no path in the unix domain socket"),
        ];
        for (url, error) in bad {
            assert_eq!(parse(url.as_bytes()), Err(*error), "{url}");
        }
    }

    #[test]
    fn the_host_line_leaves_the_usual_port_out() {
        for (url, host, uri) in [
            ("a:81/x", "a:81", "/x"),
            ("a:80", "a", ""),
            ("a?x", "a", "/?x"),
            ("unix:/a", "localhost", ""),
        ] {
            let said = parse(url.as_bytes()).map(|parsed| {
                let said = parsed.said();
                (said.host, said.uri)
            });
            assert_eq!(said, Ok((host.into(), uri.into())), "{url}");
        }
    }
}
