//! Hosts, as nginx takes them in a Host line and an absolute target.

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
    use super::name;

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
