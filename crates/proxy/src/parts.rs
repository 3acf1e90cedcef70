//! Which parts of a body go out, by `Range` and `If-Range`.

use std::ops::Range;

use surehop_hop::buffer::Buf;
use surehop_wire::header::Known;

use crate::exchange::Exchange;
use crate::ranges::{self, Asked};
use crate::reply::Ranges;
use crate::vars;
use crate::worker::Worker;

/// The answer's entity tag.
pub fn etag(ex: &Exchange) -> Option<&[u8]> {
    let at = ex.reply.find(Known::ETag)?;
    Some(ex.reply.value_at(at, &ex.response_raw))
}

/// The bytes of a body that go out.
#[derive(Debug)]
pub enum Parts {
    /// One range, or all of it.
    One(Range<u64>),
    /// Several with what stands before each, and what stands behind the last.
    Several(Vec<(Vec<u8>, Range<u64>)>, Vec<u8>),
}

/// Follows `Range`, where there is one and the answer allows it; an error is the answer's status instead.
pub fn follow(worker: &Worker, ex: &mut Exchange) -> Result<Option<Parts>, u16> {
    let Some(size) = ex.reply.length.filter(|_| ex.status == 200) else {
        return Ok(None);
    };
    let most = match vars::place(worker, ex).files.max_ranges {
        0 => return Ok(None),
        _ if ex.reply.ranges == Ranges::One => 1,
        most => most,
    };
    let bytes = ex.bytes();
    let value = |known| ex.head.find(known).map(|line| line.value.of(bytes));
    let asked = value(Known::Range).map(|range| (range, value(Known::IfRange)));
    let asked = match asked {
        Some((_, Some(condition))) if !ranges::holds(condition, etag(ex), ex.reply.modified) => {
            Asked::Whole
        }
        Some((range, _)) => ranges::read(range, size, most),
        None => Asked::Whole,
    };
    match asked {
        Asked::Whole => {
            ex.reply.line(b"Accept-Ranges", b"bytes");
            Ok(None)
        }
        Asked::Unsatisfiable => {
            let range = format!("bytes */{size}");
            ex.reply.take_back_all(Known::ContentRange);
            ex.reply.line(b"Content-Range", range.as_bytes());
            Err(416)
        }
        Asked::Parts(parts) => {
            ex.status = 206;
            ex.reply.line_passed = false;
            Ok(Some(describe(ex, parts, size)))
        }
    }
}

/// Says in the head which parts follow.
fn describe(ex: &mut Exchange, mut parts: Vec<Range<u64>>, size: u64) -> Parts {
    if parts.len() == 1 {
        let part = parts.remove(0);
        ex.reply.length = Some(part.end - part.start);
        let range = ranges::content_range(&part, size);
        ex.reply.line(b"Content-Range", range.as_bytes());
        return Parts::One(part);
    }
    let boundary = ranges::boundary();
    let kind = std::mem::take(&mut ex.reply.kind);
    let headed = |part: Range<u64>| {
        let head = ranges::part_head(&boundary, &kind, &part, size);
        (head, part)
    };
    let parts: Vec<_> = parts.into_iter().map(headed).collect();
    let end = ranges::parts_end(&boundary);
    let lengths = parts
        .iter()
        .map(|(head, part)| head.len() as u64 + part.end - part.start);
    ex.reply.length = Some(lengths.sum::<u64>() + end.len() as u64);
    let kind = format!("multipart/byteranges; boundary={boundary}");
    ex.reply.set_kind(kind.as_bytes());
    Parts::Several(parts, end)
}

/// One range of a body that comes bit by bit.
#[derive(Debug)]
pub struct Narrow {
    skip: u64,
    left: u64,
}

impl Narrow {
    /// The bytes of `range`.
    pub fn new(range: &Range<u64>) -> Self {
        Self {
            skip: range.start,
            left: range.end - range.start,
        }
    }

    /// Keeps of what stands in `buf` from `from` on what belongs to the range.
    pub fn keep(&mut self, buf: &mut Buf, from: usize) {
        let came = buf.len() - from;
        let skipped = self.skip.min(came as u64) as usize;
        self.skip -= skipped as u64;
        let kept = self.left.min((came - skipped) as u64) as usize;
        self.left -= kept as u64;
        if skipped > 0 {
            let start = from + skipped;
            buf.data_mut().copy_within(start..start + kept, from);
        }
        buf.truncate(from + kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_kept_however_it_comes() {
        for step in 1..12 {
            for range in [0..10, 0..1, 3..7, 9..10, 4..5] {
                let mut narrow = Narrow::new(&range);
                let mut buf = Buf::new(16);
                for piece in b"0123456789".chunks(step) {
                    let from = buf.len();
                    buf.push(piece);
                    narrow.keep(&mut buf, from);
                }
                let expected = &b"0123456789"[range.start as usize..range.end as usize];
                assert_eq!(buf.data(), expected, "{range:?} in steps of {step}");
            }
        }
    }
}
