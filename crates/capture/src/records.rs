//! Where a log is cut: at the ends of lines, or where a record of several lines ends.

use memchr::{memchr, memchr_iter, memrchr};

use crate::format::Format;
use crate::read::LONGEST;

/// How long the first record of `text` is, with the end of its last line. What is longer than is looked at
/// ends with the line by which it is.
pub(crate) fn first(format: &dyn Format, text: &[u8]) -> usize {
    let mut end = 0;
    for newline in memchr_iter(b'\n', text) {
        if end > LONGEST || (end > 0 && format.begins(&text[end..newline])) {
            return end;
        }
        end = newline + 1;
    }
    let rest = &text[end..];
    if end > LONGEST || (end > 0 && !rest.is_empty() && format.begins(rest)) {
        return end;
    }
    text.len()
}

/// Where the last record of `lines`, all of them whole, begins: more lines may go on with it.
pub(crate) fn last(format: &dyn Format, lines: &[u8]) -> usize {
    let mut start = lines.len();
    while start > 0 {
        let line = memrchr(b'\n', &lines[..start - 1]).map_or(0, |at| at + 1);
        let begins = format.begins(&lines[line..start - 1]);
        start = line;
        if begins {
            break;
        }
    }
    loop {
        let length = first(format, &lines[start..]);
        if start + length == lines.len() && length <= LONGEST {
            return start;
        }
        start += length;
    }
}

/// The line of `record` in which `at` is, and how many are before it.
pub(crate) fn line(record: &[u8], at: usize) -> (&[u8], u64) {
    let (before, behind) = record.split_at(at.min(record.len()));
    let start = memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let end = memchr(b'\n', behind).map_or(record.len(), |newline| before.len() + newline);
    (&record[start..end], count(before))
}

/// How many lines end in `text`.
pub(crate) fn count(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}
