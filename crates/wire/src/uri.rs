//! Paths: as locations match them, and as `proxy_pass` with a URI writes them.

/// The path can't be normalised: it holds `%00`, a broken `%` sequence, or climbs above the root.
/// nginx refuses such a request as it refuses [`crate::RequestError::InvalidRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UriError;

/// What normalising a path did to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Normal {
    /// The normal form is what was sent.
    pub same: bool,
    /// A `%` was decoded. Only then does nginx [`escape`] what `proxy_pass` with a URI sends.
    pub quoted: bool,
}

/// Writes nginx's normal form of `path` (as sent, from its `/` on, without its query) into `out`,
/// which is cleared: `%XX` decoded, `.` and `..` resolved, slashes merged, all from `#` on cut.
///
/// Decoded slashes and dots count as such; a decoded `?`, `#` or `%` is a plain character.
pub fn normalize(path: &[u8], out: &mut Vec<u8>) -> Result<Normal, UriError> {
    normalize_as(path, true, out)
}

/// The same; slashes in a row stay unless `merge` is set.
pub fn normalize_as(path: &[u8], merge: bool, out: &mut Vec<u8>) -> Result<Normal, UriError> {
    out.clear();
    if is_normal(path, merge) {
        out.extend_from_slice(path);
        return Ok(Normal {
            same: true,
            quoted: false,
        });
    }
    let mut quoted = false;
    // Where in `out` the segment begins that is being written; a slash stands before it.
    let mut segment = 0;
    let mut pos = 0;
    while let Some(&byte) = path.get(pos) {
        let mut byte = byte;
        pos += 1;
        if byte == b'#' {
            break;
        }
        if byte == b'%' {
            byte = path.get(pos..pos + 2).and_then(decode).ok_or(UriError)?;
            pos += 2;
            quoted = true;
            if byte == 0 {
                return Err(UriError);
            }
        }
        if byte == b'/' {
            end_segment(out, &mut segment, merge)?;
        } else {
            out.push(byte);
        }
    }
    // A last `.` or `..` is resolved like one with a slash behind it, a plain segment stays.
    if matches!(&out[segment..], b"." | b"..") {
        end_segment(out, &mut segment, merge)?;
    }
    Ok(Normal {
        same: out == path,
        quoted,
    })
}

/// A slash has come: resolves the segment before it, and writes the slash unless there is one.
fn end_segment(out: &mut Vec<u8>, segment: &mut usize, merge: bool) -> Result<(), UriError> {
    match &out[*segment..] {
        b"" if merge && *segment > 0 => {}
        b"." => out.truncate(*segment),
        b".." => {
            // The slash before this segment, then the one before its parent.
            let parent = segment.checked_sub(1).ok_or(UriError)?;
            let before = memchr::memrchr(b'/', &out[..parent]).ok_or(UriError)?;
            out.truncate(before + 1);
            *segment = before + 1;
        }
        _ => {
            out.push(b'/');
            *segment = out.len();
        }
    }
    Ok(())
}

/// Whether there is nothing to do: no `%` and `#`, and no slash before a slash or a dot.
fn is_normal(path: &[u8], merge: bool) -> bool {
    let mut previous = 0;
    for &byte in path {
        match byte {
            b'%' | b'#' => return false,
            b'/' if merge && previous == b'/' => return false,
            b'.' if previous == b'/' => return false,
            _ => previous = byte,
        }
    }
    path.first() == Some(&b'/')
}

fn decode(digits: &[u8]) -> Option<u8> {
    let value = |b: u8| (b as char).to_digit(16);
    Some((value(digits[0])? << 4 | value(digits[1])?) as u8)
}

/// Appends `path` with `%XX` for whatever nginx escapes in a URI: blanks, controls, bytes from 127 on,
/// and `"` `#` `%` `<` `>` `?` `\` `^` `` ` `` `{` `|` `}`.
pub fn escape(path: &[u8], out: &mut Vec<u8>) {
    for &byte in path {
        if is_escaped(byte) {
            let hex = |n: u8| b"0123456789ABCDEF"[n as usize & 15];
            out.extend_from_slice(&[b'%', hex(byte >> 4), hex(byte)]);
        } else {
            out.push(byte);
        }
    }
}

const fn is_escaped(byte: u8) -> bool {
    byte <= b' '
        || byte >= 0x7f
        || matches!(
            byte,
            b'"' | b'#' | b'%' | b'<' | b'>' | b'?' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(path: &[u8]) -> Result<(Vec<u8>, Normal), UriError> {
        let mut out = b"left over".to_vec();
        normalize(path, &mut out).map(|n| (out, n))
    }

    #[test]
    fn normal_forms() {
        let table: &[(&[u8], &[u8])] = &[
            (b"/", b"/"),
            (b"/a/b.html", b"/a/b.html"),
            (b"//a", b"/a"),
            (b"/a//b///c", b"/a/b/c"),
            (b"/a/./b//c/../d", b"/a/b/d"),
            (b"/.", b"/"),
            (b"/./", b"/"),
            (b"/./a", b"/a"),
            (b"/a/.", b"/a/"),
            (b"/a/..", b"/"),
            (b"/a/../", b"/"),
            (b"/a/b/..", b"/a/"),
            (b"/a/b/../../c", b"/c"),
            (b"/...", b"/..."),
            (b"/a/..b", b"/a/..b"),
            (b"/.a", b"/.a"),
            (b"/a./b", b"/a./b"),
            (b"/%61%2Fb", b"/a/b"),
            (b"/a/%2e%2e/b", b"/b"),
            (b"/a/%2E/b", b"/a/b"),
            (b"/a%2f%2fb", b"/a/b"),
            (b"/a%3Fb", b"/a?b"),
            (b"/a%23b", b"/a#b"),
            (b"/a%2561", b"/a%61"),
            (b"/a%20b+c", b"/a b+c"),
            (b"/a%ff", b"/a\xff"),
            (b"/a#b/../..", b"/a"),
            (b"/a/..#b", b"/"),
            (b"/\"<>\\^`{|}", b"/\"<>\\^`{|}"),
        ];
        for (path, expected) in table {
            let (out, n) = normal(path).unwrap();
            assert_eq!(out, *expected, "{:?}", path.escape_ascii().to_string());
            assert_eq!(
                n.same,
                path == expected,
                "{:?}",
                path.escape_ascii().to_string()
            );
            assert_eq!(
                n.quoted,
                path.split(|&b| b == b'#').next().unwrap().contains(&b'%')
            );
        }
    }

    #[test]
    fn slashes_that_stay() {
        let table: &[(&[u8], &[u8])] = &[
            (b"//a", b"//a"),
            (b"/a//b/../c", b"/a//c"),
            (b"/a//../c", b"/a/c"),
            (b"/a%2f%2fb", b"/a//b"),
        ];
        for (path, expected) in table {
            let mut out = Vec::new();
            normalize_as(path, false, &mut out).unwrap();
            assert_eq!(out, *expected, "{:?}", path.escape_ascii().to_string());
        }
    }

    #[test]
    fn paths_that_are_refused() {
        let table: &[&[u8]] = &[
            b"/..",
            b"/../",
            b"/../a",
            b"/a/../..",
            b"/a/../../b",
            b"/%2e%2e/a",
            b"/a/..%2f..%2f",
            b"/a/%2e%2e%2f%2e%2e/b",
            b"/%00",
            b"/%",
            b"/%2",
            b"/%zz",
            b"/%2z",
            b"/%u1",
            b"//..",
            b"/./..",
        ];
        for path in table {
            assert_eq!(
                normal(path),
                Err(UriError),
                "{:?}",
                path.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn escapes() {
        let mut out = Vec::new();
        escape(
            b"/a b\"#%<>?\\^`{|}~!$&'()*+,;=:@[]\x00\x1f\x7f\x80\xff",
            &mut out,
        );
        let expected = "/a%20b%22%23%25%3C%3E%3F%5C%5E%60%7B%7C%7D~!$&'()*+,;=:@[]%00%1F%7F%80%FF";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn a_normal_form_has_nothing_left_to_do(rest in prop::collection::vec(prop::sample::select(b"/.a%2eEf#".to_vec()), 0..24)) {
            let path = [b"/".as_slice(), &rest].concat();
            if let Ok((out, n)) = normal(&path) {
                prop_assert!(out.starts_with(b"/"));
                prop_assert!(!out.windows(2).any(|w| w == b"//"));
                prop_assert!(out.split(|&b| b == b'/').all(|s| s != b"." && s != b".."));
                prop_assert_eq!(n.same, out == path);
            }
        }

        #[test]
        fn escaping_is_undone_by_normalising(name in prop::collection::vec(1u8..=255, 1..16)) {
            prop_assume!(!name.contains(&b'/') && name != b"." && name != b"..");
            let mut path = b"/".to_vec();
            escape(&name, &mut path);
            let (out, _) = normal(&path).unwrap();
            prop_assert_eq!(&out[1..], &name[..]);
        }
    }
}
