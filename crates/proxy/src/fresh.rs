//! Conditional requests: `If-Modified-Since`, `If-None-Match` and their opposites.

use surehop_wire::date;
use surehop_wire::header::Known;

use crate::exchange::Exchange;

/// How `If-Modified-Since` is compared.
#[derive(Clone, Copy, Debug, serde::Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Since {
    Off,
    Exact,
    Before,
}

/// What the conditions of a request make of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Send,
    /// The client has it: 304.
    NotModified,
    /// It is not what the client wants to deal with: 412.
    Failed,
}

/// Weighs the conditions against an answer of status 200.
pub fn weigh(ex: &Exchange, since: Since, etag: Option<&[u8]>, modified: Option<i64>) -> Verdict {
    let conditional = |known| {
        matches!(
            known,
            Known::IfUnmodifiedSince | Known::IfMatch | Known::IfModifiedSince | Known::IfNoneMatch
        )
    };
    let headers = &ex.head.headers;
    if !headers.iter().any(|line| conditional(line.known)) {
        return Verdict::Send;
    }
    let bytes = ex.bytes();
    let value = |known| ex.head.find(known).map(|line| line.value.of(bytes));
    let told = |value: &[u8]| date::parse(value).unwrap_or(-1);
    if let Some(until) = value(Known::IfUnmodifiedSince)
        && modified.is_none_or(|modified| told(until) < modified)
    {
        return Verdict::Failed;
    }
    if let Some(list) = value(Known::IfMatch)
        && !matches(list, etag, false)
    {
        return Verdict::Failed;
    }
    let (known_since, known_tags) = (value(Known::IfModifiedSince), value(Known::IfNoneMatch));
    if known_since.is_none() && known_tags.is_none() {
        return Verdict::Send;
    }
    let unchanged = |known: &[u8]| match (modified, since) {
        (None, _) | (_, Since::Off) => false,
        (Some(modified), Since::Exact) => told(known) == modified,
        (Some(modified), Since::Before) => told(known) >= modified,
    };
    let changed = known_since.is_some_and(|known| !unchanged(known))
        || known_tags.is_some_and(|list| !matches(list, etag, true));
    if changed {
        Verdict::Send
    } else {
        Verdict::NotModified
    }
}

/// Whether a list of entity tags names `etag`; `weak`: the weakness of either does not count.
fn matches(list: &[u8], etag: Option<&[u8]>, weak: bool) -> bool {
    if list == b"*" {
        return true;
    }
    let strip = |tag| if weak { strip_weak(tag) } else { tag };
    let Some(etag) = etag.map(strip) else {
        return false;
    };
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let mut rest = list;
    while !rest.is_empty() {
        rest = strip(rest);
        if let Some(behind) = rest.strip_prefix(etag) {
            let skipped = behind.iter().take_while(|byte| blank(byte)).count();
            if matches!(behind.get(skipped), None | Some(b',')) {
                return true;
            }
        } else if etag.len() > rest.len() {
            return false;
        }
        let comma = memchr::memchr(b',', rest).unwrap_or(rest.len());
        let between = |byte: &&u8| blank(byte) || **byte == b',';
        let skipped = rest[comma..].iter().take_while(between).count();
        rest = &rest[comma + skipped..];
    }
    false
}

fn strip_weak(tag: &[u8]) -> &[u8] {
    match tag.strip_prefix(b"W/") {
        Some(strong) if !strong.is_empty() => strong,
        _ => tag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        let table: &[(&str, bool, bool)] = &[
            ("*", true, true),
            ("\"a\"", true, true),
            ("\"b\"", false, false),
            ("\"b\", \"a\"", true, true),
            ("\"b\",,\t \"a\" , x", true, true),
            ("W/\"a\"", false, true),
            ("\"b\",W/\"a\"", false, true),
            ("\"a\"x", false, false),
            ("\"a", false, false),
            ("W/", false, false),
            ("", false, false),
            ("x\"a\"", false, false),
        ];
        for (list, strong, weak) in table {
            assert_eq!(
                matches(list.as_bytes(), Some(b"\"a\""), false),
                *strong,
                "{list}"
            );
            assert_eq!(
                matches(list.as_bytes(), Some(b"\"a\""), true),
                *weak,
                "{list}"
            );
            assert_eq!(
                matches(list.as_bytes(), Some(b"W/\"a\""), true),
                *weak,
                "{list}"
            );
        }
        assert!(!matches(b"\"a\"", None, true));
        assert!(matches(b"*", None, false));
    }
}
