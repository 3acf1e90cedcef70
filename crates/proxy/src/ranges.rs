//! `Range` and `If-Range`: which bytes of a body go out, and what is written around them.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use surehop_wire::date;

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it: the header is not followed.
    Whole,
    /// These parts.
    Parts(Vec<Range<u64>>),
    /// Nothing that is there.
    Unsatisfiable,
}

/// Reads a header's value for a body of `length` bytes, as nginx does: at most `most` ranges are followed.
pub fn read(value: &[u8], length: u64, mut most: u64) -> Asked {
    const UNIT: &[u8] = b"bytes=";
    if value.len() < UNIT.len() + 1 || !value[..UNIT.len()].eq_ignore_ascii_case(UNIT) || most == 0
    {
        return Asked::Whole;
    }
    let mut text = Text(&value[UNIT.len()..]);
    let mut parts = Vec::new();
    let mut size = 0_u64;
    loop {
        let Some((start, end)) = text.range(length) else {
            return Asked::Unsatisfiable;
        };
        if start < end {
            if most == 0 {
                return Asked::Whole;
            }
            most -= 1;
            size = size.saturating_add(end - start);
            parts.push(start..end);
        } else if start == 0 {
            return Asked::Whole;
        }
        if text.0.first() != Some(&b',') {
            break;
        }
        text.0 = &text.0[1..];
    }
    if parts.is_empty() {
        Asked::Unsatisfiable
    } else if size > length {
        // Overlapping ranges would make more work than the whole.
        Asked::Whole
    } else {
        Asked::Parts(parts)
    }
}

/// What is left to read of the header.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn blanks(&mut self) {
        while self.0.first() == Some(&b' ') {
            self.0 = &self.0[1..];
        }
    }

    fn ended(&self) -> bool {
        matches!(self.0.first(), None | Some(b','))
    }

    /// One number of at least one digit that fits a file's offset.
    fn number(&mut self) -> Option<u64> {
        let digits = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        let number: i64 = std::str::from_utf8(number).ok()?.parse().ok()?;
        u64::try_from(number).ok()
    }

    /// One range up to its comma, cut to the body's length; the end is the byte behind it.
    fn range(&mut self, length: u64) -> Option<(u64, u64)> {
        self.blanks();
        let mut start = None;
        if self.0.first() != Some(&b'-') {
            start = Some(self.number()?);
            self.blanks();
        }
        if self.0.first() != Some(&b'-') {
            return None;
        }
        self.0 = &self.0[1..];
        if let Some(start) = start {
            self.blanks();
            if self.ended() {
                return Some((start, length));
            }
        }
        let end = self.number()?;
        self.blanks();
        if !self.ended() {
            return None;
        }
        match start {
            // The last bytes, however many there are.
            None => Some((length.saturating_sub(end), length)),
            Some(start) if end >= length => Some((start, length)),
            Some(start) => Some((start, end + 1)),
        }
    }
}

/// Whether an `If-Range` lets the ranges be followed.
pub fn holds(if_range: &[u8], etag: Option<&[u8]>, modified: Option<i64>) -> bool {
    if if_range.len() >= 2 && if_range.ends_with(b"\"") {
        return etag == Some(if_range);
    }
    modified.is_some() && date::parse(if_range) == modified
}

/// What separates the parts of a `multipart/byteranges`: one number for each answer.
pub fn boundary() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:020}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// `bytes 0-4/10`
pub fn content_range(part: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", part.start, part.end - 1)
}

/// What stands before a part of several.
pub fn part_head(boundary: &str, kind: &[u8], part: &Range<u64>, length: u64) -> Vec<u8> {
    let mut out = format!("\r\n--{boundary}\r\n").into_bytes();
    if !kind.is_empty() {
        out.extend_from_slice(b"Content-Type: ");
        out.extend_from_slice(kind);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"Content-Range: ");
    out.extend_from_slice(content_range(part, length).as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    out
}

/// What stands behind the last of several parts.
pub fn parts_end(boundary: &str) -> Vec<u8> {
    format!("\r\n--{boundary}--\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_kinds() {
        let parts = |list: &[(u64, u64)]| {
            Asked::Parts(list.iter().map(|(start, end)| *start..*end).collect())
        };
        let table: &[(&str, Asked)] = &[
            ("bytes=0-4", parts(&[(0, 5)])),
            ("BYTES=0-4", parts(&[(0, 5)])),
            ("bytes=5-", parts(&[(5, 10)])),
            ("bytes=-3", parts(&[(7, 10)])),
            ("bytes=-30", parts(&[(0, 10)])),
            ("bytes=0-99", parts(&[(0, 10)])),
            ("bytes= 1 - 2 , 4 - 5 ", parts(&[(1, 3), (4, 6)])),
            ("bytes=0-0,-1", parts(&[(0, 1), (9, 10)])),
            ("bytes=20-30,1-2", parts(&[(1, 3)])),
            ("bytes=9-9", parts(&[(9, 10)])),
            ("bytes=10-", Asked::Unsatisfiable),
            ("bytes=5-4", Asked::Unsatisfiable),
            ("bytes=-0", Asked::Unsatisfiable),
            ("bytes=a", Asked::Unsatisfiable),
            ("bytes=1", Asked::Unsatisfiable),
            ("bytes=1-2x", Asked::Unsatisfiable),
            ("bytes=1-2,", Asked::Unsatisfiable),
            ("bytes=-", Asked::Unsatisfiable),
            ("bytes=99999999999999999999-", Asked::Unsatisfiable),
            ("bytes=0-8,1-9", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("items=0-4", Asked::Whole),
            ("bytes=0-1,2-3,4-5,6-7", Asked::Whole),
        ];
        for (value, expected) in table {
            assert_eq!(read(value.as_bytes(), 10, 3), *expected, "{value}");
        }
        assert_eq!(read(b"bytes=0-4", 0, 3), Asked::Whole);
        assert_eq!(read(b"bytes=0-4", 10, 0), Asked::Whole);
    }

    #[test]
    fn if_range() {
        let date = b"Sun, 06 Nov 1994 08:49:37 GMT";
        assert!(holds(b"\"a\"", Some(b"\"a\""), None));
        assert!(!holds(b"\"a\"", Some(b"\"b\""), None));
        assert!(!holds(b"\"a\"", None, Some(0)));
        assert!(!holds(b"W/\"a\"", Some(b"\"a\""), Some(0)));
        assert!(holds(date, None, Some(784_111_777)));
        assert!(!holds(date, None, Some(784_111_778)));
        assert!(!holds(b"foo", None, None));
    }
}
