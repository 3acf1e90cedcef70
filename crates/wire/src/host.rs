//! Hosts, as nginx takes them in a Host line and an absolute target.

use memchr::memchr;

/// How many bytes of `host` are the name: without port, and without the dot a full name ends in.
/// None if nginx would refuse it.
pub fn name(host: &[u8]) -> Option<usize> {
    let (len, rest) = if host.first() == Some(&b'[') {
        let len = host.iter().position(|&b| b == b']')?;
        if !host[1..len]
            .iter()
            .all(|&b| (in_name(b) && b != b'%') || b == b':')
        {
            return None;
        }
        (len + 1, &host[len + 1..])
    } else {
        let len = host.iter().position(|&b| !in_name(b)).unwrap_or(host.len());
        if host[..len].windows(2).any(|pair| pair == b"..") {
            return None;
        }
        let undotted = if host[..len].ends_with(b".") {
            len - 1
        } else {
            len
        };
        (undotted, &host[len..])
    };
    if len == 0 || !is_port(rest) {
        return None;
    }
    Some(len)
}

/// Whether two hosts that [`name`] takes are one: the same name, and no two ports.
pub fn agree(one: &[u8], other: &[u8]) -> bool {
    let parts = |host| {
        let (name, port) = host_and_port(host);
        (name.strip_suffix(b".").unwrap_or(name), port)
    };
    let ((name, port), (other_name, other_port)) = (parts(one), parts(other));
    name.eq_ignore_ascii_case(other_name)
        && (port.is_empty() || other_port.is_empty() || port == other_port)
}

/// A host and the port after the colon that is not part of an address.
pub(crate) fn host_and_port(authority: &[u8]) -> (&[u8], &[u8]) {
    let bracket = memchr(b']', authority).unwrap_or_default();
    match memchr(b':', &authority[bracket..]) {
        Some(colon) => (
            &authority[..bracket + colon],
            &authority[bracket + colon + 1..],
        ),
        None => (authority, b""),
    }
}

/// Nothing, or a colon and a port, of which nginx asks only that it fits.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => {
            digits.is_empty() || crate::header::digits(digits).is_some_and(|port| port <= 65535)
        }
        _ => false,
    }
}

/// Unreserved characters, sub-delimiters and `%`.
const fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

#[cfg(test)]
mod tests {
    use super::{agree, name};

    #[test]
    fn one_host_or_two() {
        for (one, other) in [
            ("a", "A"),
            ("a", "a."),
            ("a:80", "a"),
            ("a:", "a:80"),
            ("a.:80", "A:80"),
            ("[::1]:8", "[::1]"),
        ] {
            assert!(agree(one.as_bytes(), other.as_bytes()), "{one} {other}");
        }
        for (one, other) in [
            ("a", "b"),
            ("a:80", "a:81"),
            ("[::1]", "[::2]"),
            ("a", "a.a"),
        ] {
            assert!(!agree(one.as_bytes(), other.as_bytes()), "{one} {other}");
        }
    }

    #[test]
    fn names() {
        let table = [
            ("a", Some("a")),
            ("A.B", Some("A.B")),
            ("a.", Some("a")),
            ("a.b.:80", Some("a.b")),
            ("a.b.:", Some("a.b")),
            ("a:80", Some("a")),
            ("a:0", Some("a")),
            ("a:65535", Some("a")),
            ("a:65536", None),
            ("a:99999999999999999999", None),
            ("a:x", None),
            ("a:-1", None),
            ("a:80:90", None),
            ("", None),
            (":80", None),
            (".", None),
            ("..", None),
            (".a", Some(".a")),
            ("a..", None),
            ("a..b", None),
            ("a_b", Some("a_b")),
            ("a,b;c", Some("a,b;c")),
            ("a%41", Some("a%41")),
            ("a b", None),
            ("a/b", None),
            ("a\\b", None),
            ("a@b", None),
            ("a\tb", None),
            ("a\x7f", None),
            ("[::1]", Some("[::1]")),
            ("[::1]:80", Some("[::1]")),
            ("[v1.a]", Some("[v1.a]")),
            ("[::1", None),
            ("[::1]x", None),
            ("[::1].", None),
            ("[a/b]", None),
            ("[fe80::1%eth0]", None),
            ("::1", None),
        ];
        for (host, expected) in table {
            assert_eq!(
                name(host.as_bytes()).map(|len| &host[..len]),
                expected,
                "{host:?}"
            );
        }
    }
}
