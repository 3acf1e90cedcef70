//! Members of JSON objects that are looked at as text: logs have millions of them, and few are of interest.

use memchr::{memchr2, memmem};

/// The value of the first of `names` that `object` has, however deep: what is between its quotation marks, or a
/// number. Each name stands in quotation marks, as none does that is part of a string.
pub(crate) fn member<'a>(object: &'a [u8], names: &[&str]) -> Option<&'a [u8]> {
    names.iter().find_map(|name| value(object, name.as_bytes()))
}

fn value<'a>(object: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    memmem::find_iter(object, name).find_map(|at| {
        let behind = object[at + name.len()..].trim_ascii_start();
        let value = behind.strip_prefix(b":")?.trim_ascii_start();
        match value.strip_prefix(b"\"") {
            Some(text) => quoted(text),
            None => value
                .iter()
                .position(|byte| !byte.is_ascii_alphanumeric() && !b"+-.".contains(byte))
                .map(|end| &value[..end]),
        }
    })
}

/// Up to the quotation mark that ends a string; what is escaped in it stays so.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let mut end = 0;
    loop {
        end += memchr2(b'"', b'\\', &text[end..])?;
        if text[end] == b'"' {
            return Some(&text[..end]);
        }
        end += 2;
        if end > text.len() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_however_they_stand_there() {
        let object = br#"{"a":"\"b\":\"no\"","b" : "x\"y","c":{"d":502,"e":null},"f":-1.5}"#;
        for (name, value) in [
            ("\"b\"", &b"x\\\"y"[..]),
            ("\"d\"", b"502"),
            ("\"e\"", b"null"),
            ("\"f\"", b"-1.5"),
        ] {
            assert_eq!(member(object, &["\"none\"", name]), Some(value), "{name}");
        }
        assert_eq!(member(object, &["\"c\""]), Some(&b""[..]));
    }

    #[test]
    fn what_is_cut_off() {
        for object in [
            &b"{\"a\":\"b"[..],
            b"{\"a\":\"b\\",
            b"{\"a\":5",
            b"{\"a\"",
            b"{\"a\":",
        ] {
            assert_eq!(member(object, &["\"a\""]), None);
        }
    }
}
