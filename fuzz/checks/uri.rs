//! Paths: a plain reading by segments agrees, and a normal form has nothing left to do.

use surehop_wire::uri::{escape, normalize_as};

/// Panics if something does not hold. What a request line can't hold is left out.
pub(crate) fn check(bytes: &[u8]) {
    let sent = |b: &&u8| **b > b' ' && **b != 0x7f && **b != b'?';
    let path: Vec<u8> = [b'/']
        .iter()
        .chain(bytes.iter().filter(sent))
        .copied()
        .collect();
    let mut out = Vec::new();
    for merge in [true, false] {
        let found = normalize_as(&path, merge, &mut out);
        let Some(plain) = plain(&path, merge) else {
            assert!(found.is_err(), "{:?}", out.escape_ascii().to_string());
            continue;
        };
        let Ok(normal) = found else {
            panic!("refused, but it is {:?}", plain.escape_ascii().to_string());
        };
        assert_eq!(out, plain);
        assert_eq!(normal.same, out == path);
        assert!(out.starts_with(b"/") && !out.contains(&0));
        assert!(out.split(|&b| b == b'/').all(|s| s != b"." && s != b".."));
        assert!(!merge || !out.windows(2).any(|pair| pair == b"//"));

        let (mut escaped, mut again) = (Vec::new(), Vec::new());
        escape(&out, &mut escaped);
        assert!(escaped.iter().all(u8::is_ascii_graphic));
        assert!(normalize_as(&escaped, merge, &mut again).is_ok());
        assert_eq!(again, out);
    }
}

/// All of it decoded first, then cut into segments.
fn plain(path: &[u8], merge: bool) -> Option<Vec<u8>> {
    let path = path.split(|&b| b == b'#').next()?;
    let mut decoded = Vec::new();
    let mut rest = path;
    while let [first, more @ ..] = rest {
        rest = more;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let (digits, more) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        decoded.push(u8::from_str_radix(digits, 16).ok().filter(|b| *b != 0)?);
        rest = more;
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let segments: Vec<&[u8]> = decoded[1..].split(|&b| b == b'/').collect();
    let last = segments.len() - 1;
    for (i, segment) in segments.into_iter().enumerate() {
        match segment {
            b"." => {}
            b".." => {
                kept.pop()?;
            }
            b"" if merge && i < last => continue,
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if i == last {
            kept.push(b"");
        }
    }
    Some([b"/".as_slice(), &kept.join(&b'/')].concat())
}
