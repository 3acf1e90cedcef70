//! The configuration's own variables: `set`, named groups, `map`, `geo`, `split_clients`.

use std::net::SocketAddr;

use surehop_hop::socket::Address;

use crate::client::Client;
use crate::exchange::Exchange;
use crate::networks;
use crate::plan::Level;
use crate::routes;
use crate::script::{Geo, Map, Source, fallback};
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// How deep nginx lets values be made of values.
const DEEPEST: u8 = 100;

/// Appends the value of a variable; false if it has none.
pub fn value(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    index: usize,
    out: &mut Vec<u8>,
) -> bool {
    if let Some(slot) = ex.course.slots.get(index).filter(|slot| slot.set) {
        out.extend_from_slice(&slot.value);
        return slot.found;
    }
    let Some(variable) = worker.config.plan.variables.get(index) else {
        return false;
    };
    if !descend(worker, client, ex, &variable.name.0) {
        return false;
    }
    let start = out.len();
    let (found, keep) = match &variable.source {
        Source::Capture => (false, false),
        Source::Set => {
            if let Some(var) = fallback(&variable.name) {
                ex.course.depth -= 1;
                return vars::value(worker, client, ex, &var, out);
            }
            if vars::place(worker, ex).uninitialized_variable_warn {
                told::line(worker, client, ex, Level::Warn, None, |out| {
                    out.extend_from_slice(b"using uninitialized \"");
                    out.extend_from_slice(&variable.name.0);
                    out.extend_from_slice(b"\" variable");
                    if !ex.logging || ex.sub.is_some() {
                        out.extend_from_slice(ex.course.doing);
                    }
                });
            }
            (true, true)
        }
        Source::Map(map) => {
            self::map(worker, client, ex, map, out);
            (true, !map.volatile)
        }
        Source::Geo(geo) => {
            self::geo(worker, client, ex, geo, out);
            (true, true)
        }
        Source::Split { value, parts } => {
            let mut key = Vec::new();
            vars::expand(worker, client, ex, value, &mut key);
            let hash = murmur(&key);
            let part = parts.iter().find(|(to, _)| *to == 0 || hash < *to);
            if let Some((_, value)) = part {
                out.extend_from_slice(&value.0);
            }
            (part.is_some(), true)
        }
    };
    ex.course.depth -= 1;
    if keep {
        ex.course.set(index, found, &out[start..]);
    }
    found
}

/// Goes one level deeper into values that are made of values; false, which is told, if they go round in a
/// circle.
pub fn descend(worker: &Worker, client: &Client, ex: &mut Exchange, name: &[u8]) -> bool {
    if ex.course.depth < DEEPEST {
        ex.course.depth += 1;
        return true;
    }
    told::line(worker, client, ex, Level::Error, None, |out| {
        out.extend_from_slice(b"cycle while evaluating variable \"");
        out.extend_from_slice(name);
        out.push(b'"');
    });
    false
}

fn map(worker: &Worker, client: &Client, ex: &mut Exchange, map: &Map, out: &mut Vec<u8>) {
    let mut value = Vec::new();
    vars::expand(worker, client, ex, &map.value, &mut value);
    if map.hostnames && value.last() == Some(&b'.') {
        value.pop();
    }
    let key = value.to_ascii_lowercase();
    let mut found = map.exact.get(&*key);
    if found.is_none() && map.hostnames {
        found = routes::wildcard(&key, &map.leading, &map.trailing);
    }
    if found.is_none() {
        let mut regexes = map.regexes.iter();
        found = regexes
            .find(|(regex, _)| ex.course.matches(regex, &value) == Some(true))
            .map(|(_, value)| value);
    }
    vars::expand(worker, client, ex, found.unwrap_or(&map.default), out);
}

fn geo(worker: &Worker, client: &Client, ex: &mut Exchange, geo: &Geo, out: &mut Vec<u8>) {
    let mut address = client.remote.clone();
    if !geo.value.is_empty() {
        let mut text = Vec::new();
        vars::expand(worker, client, ex, &geo.value, &mut text);
        let given = networks::ip(&text).map(|ip| Address::Ip(SocketAddr::new(ip, 0)));
        let Some(given) = given else {
            return out.extend_from_slice(geo.find(None));
        };
        address = Some(given);
    }
    if !geo.proxies.is_empty() {
        let lines = networks::values(&ex.head.headers, ex.bytes(), b"x-forwarded-for");
        let recursive = geo.proxy_recursive;
        if let Some(at) = networks::forwarded(address.as_ref(), &lines, &geo.proxies, recursive) {
            address = Some(Address::Ip(at));
        }
    }
    let ip = match address {
        Some(Address::Ip(address)) => Some(address.ip().to_canonical()),
        _ => None,
    };
    out.extend_from_slice(geo.find(ip));
}

/// `MurmurHash2` with seed 0, by which nginx splits clients.
fn murmur(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = data.len() as u32;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut k = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        k = k.wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (at, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * at);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_known() {
        assert_eq!(murmur(b""), 0);
        assert_ne!(murmur(b"a"), murmur(b"b"));
        assert_ne!(murmur(b"abcd"), murmur(b"abcde"));
    }
}
