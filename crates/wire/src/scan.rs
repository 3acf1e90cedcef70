//! Finding the end of a head, however it is cut.

use memchr::memchr;

/// Remembers how far a head has been looked at, so that no byte is looked at twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadScan {
    pos: usize,
    /// Still in front of the request line, where empty lines do not count.
    leading: bool,
}

impl HeadScan {
    /// A scan of a request head: empty lines before the request line are not its end.
    pub const fn request() -> Self {
        Self {
            pos: 0,
            leading: true,
        }
    }

    /// A scan of a response head: an empty line ends it wherever it stands.
    pub const fn response() -> Self {
        Self {
            pos: 0,
            leading: false,
        }
    }

    /// Looks at the bytes that are new in `buf`, which starts where the head starts.
    ///
    /// Returns the offset after the empty line that ends the head, once it is there. LF alone ends a
    /// line, as in nginx.
    pub fn advance(&mut self, buf: &[u8]) -> Option<usize> {
        if self.leading {
            self.pos = skip_empty_lines(buf, self.pos);
            match buf.get(self.pos..) {
                None | Some([] | [b'\r']) => return None,
                Some(_) => self.leading = false,
            }
        }
        // `pos` is where the search for a line end goes on: at a byte not yet seen, or at a line end
        // whose following bytes were not there yet.
        while let Some(offset) = memchr(b'\n', buf.get(self.pos..)?) {
            let line_end = self.pos + offset;
            match &buf[line_end + 1..] {
                [b'\n', ..] => return Some(line_end + 2),
                [b'\r', b'\n', ..] => return Some(line_end + 3),
                [] | [b'\r'] => {
                    self.pos = line_end;
                    return None;
                }
                _ => self.pos = line_end + 1,
            }
        }
        self.pos = buf.len();
        None
    }

    /// Whether any byte of the head, empty lines in front aside, is there.
    pub const fn started(&self) -> bool {
        !self.leading
    }
}

/// Where the first line that is not empty starts, from `pos` on. A CR counts only with its LF.
pub(crate) fn skip_empty_lines(buf: &[u8], mut pos: usize) -> usize {
    loop {
        match buf.get(pos..) {
            Some([b'\n', ..]) => pos += 1,
            Some([b'\r', b'\n', ..]) => pos += 2,
            _ => return pos,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends() {
        let table: &[(&[u8], Option<usize>)] = &[
            (b"", None),
            (b"GET / HTTP/1.1\r\n", None),
            (b"GET / HTTP/1.1\r\n\r", None),
            (b"GET / HTTP/1.1\r\n\r\n", Some(18)),
            (b"GET / HTTP/1.1\r\n\r\nbody\n\n", Some(18)),
            (b"a\n\nb", Some(3)),
            (b"a\n\r\nb", Some(4)),
            (b"a\r\n\nb", Some(4)),
            (b"a\r\n\r\r\n\r\n", Some(8)),
            (b"\r\n\r\n", None),
            (b"\r\n\n\r\na\r\n\r\n", Some(10)),
            (b"\r\ra\r\n\r\n", Some(7)),
        ];
        for (bytes, end) in table {
            assert_eq!(
                HeadScan::request().advance(bytes),
                *end,
                "{:?}",
                bytes.escape_ascii().to_string()
            );
        }
        assert_eq!(HeadScan::response().advance(b"\r\n\r\n"), Some(4));
    }

    #[test]
    fn empty_lines_do_not_start_a_head() {
        let mut scan = HeadScan::request();
        assert_eq!(scan.advance(b"\r\n\r"), None);
        assert!(!scan.started());
        assert_eq!(scan.advance(b"\r\n\r\nG"), None);
        assert!(scan.started());
    }

    proptest! {
        #[test]
        fn any_cuts_give_the_same_end(
            bytes in prop::collection::vec(prop::sample::select(b"a\r\n".to_vec()), 0..24),
            cuts in prop::collection::vec(0usize..24, 0..6),
            request: bool,
        ) {
            let new = if request { HeadScan::request } else { HeadScan::response };
            let whole = new().advance(&bytes);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let mut scan = new();
            let found = cuts.into_iter().find_map(|cut| scan.advance(&bytes[..cut]));
            prop_assert_eq!(found, whole);
        }

        #[test]
        fn the_end_is_after_an_empty_line(bytes in prop::collection::vec(prop::sample::select(b"a\r\n".to_vec()), 0..24)) {
            if let Some(end) = HeadScan::request().advance(&bytes) {
                let head = &bytes[..end];
                prop_assert!(head.ends_with(b"\n\n") || head.ends_with(b"\n\r\n"));
            }
        }
    }
}
