//! What `$upstream_addr` and `$upstream_status` tell of each try of a request.

use surehop_engine::{Cause, Phase, Reason};

use crate::event::Outcome;

/// A try that failed: where, in a word, and how.
pub(crate) type Failed<'a> = (&'a [u8], &'static str, Outcome);

/// The tries that failed, in their order; none where the lists do not tell of the same tries.
pub(crate) fn failed<'a>(
    addresses: &'a [u8],
    statuses: &'a [u8],
) -> impl Iterator<Item = Failed<'a>> {
    let alike = items(addresses).count() == items(statuses).count();
    items(addresses)
        .zip(items(statuses))
        .filter(move |_| alike)
        .filter_map(|(address, status)| {
            let (word, outcome) = ending(address, status)?;
            Some((address, word, outcome))
        })
}

/// One value a try: `192.0.2.1:80, 192.0.2.2:80 : app`.
pub(crate) fn items(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b' ')
        .map(|item| item.strip_suffix(b",").unwrap_or(item))
        .filter(|item| !item.is_empty() && *item != b":")
}

/// How a try ended by its status: 502 and 504 are mostly nginx's own words for what it met.
fn ending(address: &[u8], status: &[u8]) -> Option<(&'static str, Outcome)> {
    Some(match status {
        b"502" if !is_address(address) => (
            "try no live",
            (Phase::Connect, Cause::Other, Reason::NoLive),
        ),
        b"502" => ("try 502", (Phase::Head, Cause::Other, Reason::Broken)),
        b"504" => ("try 504", (Phase::Head, Cause::TimedOut, Reason::TimedOut)),
        [b'5', _, _] => ("try 5xx", (Phase::Head, Cause::Status, Reason::Status)),
        _ => return None,
    })
}

/// Where nobody is left, the group's name stands in the place of an address.
fn is_address(text: &[u8]) -> bool {
    text.starts_with(b"[")
        || text.starts_with(b"unix:")
        || text
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(addresses: &str, statuses: &str) -> Vec<(String, &'static str)> {
        failed(addresses.as_bytes(), statuses.as_bytes())
            .map(|(address, word, _)| (String::from_utf8_lossy(address).into_owned(), word))
            .collect()
    }

    #[test]
    fn each_try_by_its_address() {
        let found = told(
            "192.0.2.1:80, [::1]:80 : unix:/s, app",
            "502, 504 : 200, 502",
        );
        let expected = [
            ("192.0.2.1:80", "try 502"),
            ("[::1]:80", "try 504"),
            ("app", "try no live"),
        ];
        assert_eq!(
            found,
            expected.map(|(address, word)| (address.to_owned(), word))
        );
        assert!(told("192.0.2.1:80", "200").is_empty());
        assert!(told("-", "-").is_empty());
    }

    #[test]
    fn lists_that_differ_tell_nothing() {
        assert!(told("192.0.2.1:80", "502, 502").is_empty());
        assert!(told("192.0.2.1:80", "").is_empty());
    }
}
