//! nginx's buffers for request heads: where a head outgrows them.

use crate::header::Span;
use crate::scan::skip_empty_lines;
use memchr::{memchr, memrchr};

/// One buffer to begin with, and larger ones for what does not fit it. A line must fit one buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes of the first.
    pub first: usize,
    /// Bytes of each of the others.
    pub large: usize,
    /// How many others there may be.
    pub count: usize,
}

impl Room {
    /// Bytes that a head can have at most.
    pub fn most(&self) -> usize {
        self.first
            .saturating_add(self.large.saturating_mul(self.count))
    }
}

/// Where a head outgrew its buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outgrown {
    /// No line may end behind this.
    pub(crate) end: usize,
    /// What nginx quotes: the line from its beginning to the end of the buffer.
    pub(crate) line: Span,
}

/// Whether `head` outgrows its buffers; `then` is the room from an offset on. A head that is not `whole`
/// needs room for one more byte.
pub(crate) fn outgrown(
    head: &[u8],
    whole: bool,
    room: &Room,
    then: Option<(usize, Room)>,
) -> Option<Outgrown> {
    let (mut start, mut size, mut used) = (0, room.first.max(1), 0);
    let request = skip_empty_lines(head, 0);
    let line_end = memchr(b'\n', head.get(request..)?).map(|at| request + at + 1);
    loop {
        let end = start + size;
        if head.len() < end || whole && head.len() == end {
            return None;
        }
        // Empty lines in front cost nothing: the buffer is filled anew.
        if end <= request {
            start = end;
            continue;
        }
        let room = match then {
            Some((from, room)) if end >= from => room,
            _ => *room,
        };
        let line = match line_end {
            Some(first) if first <= end => {
                memrchr(b'\n', &head[request..end]).map_or(request, |at| request + at + 1)
            }
            _ => request,
        };
        let between = line == end;
        let quoted = match memrchr(b'\n', &head[request..end - 1]) {
            Some(at) if between => request + at + 1,
            _ => line,
        };
        if used == room.count || !between && end - line >= room.large {
            return Some(Outgrown {
                end,
                line: Span::new(quoted, end),
            });
        }
        used += 1;
        start = line;
        size = room.large;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room {
        first: 20,
        large: 30,
        count: 2,
    };

    fn head(lines: &[usize]) -> Vec<u8> {
        let mut head = Vec::new();
        for (at, length) in lines.iter().enumerate() {
            head.extend(std::iter::repeat_n(b'a' + at as u8, length - 1));
            head.push(b'\n');
        }
        head
    }

    #[test]
    fn lines_are_moved_where_they_fit() {
        let fits: &[&[usize]] = &[
            &[10, 10],
            // The second line moves to a buffer of its own, and so does the fourth.
            &[10, 15, 15, 25],
            &[30],
            &[10, 30],
            // A line that ends with its buffer is not moved.
            &[20, 30, 30],
        ];
        for lines in fits {
            assert_eq!(outgrown(&head(lines), true, &ROOM, None), None, "{lines:?}");
        }
        let too_large: &[(&[usize], u32)] = &[
            (&[10, 15, 16, 15], 41),
            (&[31], 0),
            (&[10, 31], 10),
            (&[20, 30, 30, 1], 50),
        ];
        for (lines, quoted) in too_large {
            let found = outgrown(&head(lines), true, &ROOM, None);
            let found = found.map(|outgrown| outgrown.line.start);
            assert_eq!(found, Some(*quoted), "{lines:?}");
        }
    }

    #[test]
    fn more_room_from_an_offset_on() {
        let head = head(&[10, 31]);
        let more = Room { large: 50, ..ROOM };
        assert!(outgrown(&head, true, &ROOM, None).is_some());
        assert_eq!(outgrown(&head, true, &ROOM, Some((10, more))), None);
    }

    #[test]
    fn an_unfinished_line_that_fills_its_buffer_is_too_long() {
        let line = vec![b'a'; 30];
        assert!(outgrown(&line, false, &ROOM, None).is_some());
        assert_eq!(outgrown(&line[..29], false, &ROOM, None), None);
    }

    #[test]
    fn empty_lines_in_front_take_no_room() {
        let mut bytes = vec![b'\n'; 200];
        bytes.extend(head(&[15]));
        assert_eq!(outgrown(&bytes, true, &ROOM, None), None);
        assert_eq!(outgrown(&bytes[..200], false, &ROOM, None), None);
    }
}
