//! Chunked bodies: a decoder that can be cut anywhere, and what an encoder writes around its data.
//!
//! Lines end in CRLF and nothing else, as in current nginx. What follows a chunk's size must be an
//! extension with its `;` and without control characters, and extensions and trailers have limits, which
//! nginx does not ask for.

use memchr::memchr2;
use std::ops::Range;

/// Bytes of one chunk's size and extensions.
pub const EXTENSION_LIMIT: u32 = 4096;
/// Bytes of all trailers together.
pub const TRAILER_LIMIT: u32 = 32 * 1024;
/// A chunk this large is refused, with room for a digit to be added without losing another.
const SIZE_LIMIT: u64 = 1 << 58;

/// What one call of [`Decoder::decode`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Bytes of `buf` that are dealt with: the data and the framing around it.
    pub consumed: usize,
    /// Where in `buf` body data stands, within what is consumed; perhaps empty.
    pub data: Range<usize>,
    /// The body is whole; what follows `consumed` is not part of it.
    pub done: bool,
}

/// Why a chunked body was refused. nginx's words are `client sent invalid chunked body` and
/// `upstream sent invalid chunked response` for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkError {
    /// Not the syntax of chunks, or a size beyond reason.
    Invalid,
    /// More than [`EXTENSION_LIMIT`].
    ExtensionTooLong,
    /// More than [`TRAILER_LIMIT`].
    TrailerTooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// The first digit of a size.
    #[default]
    Size,
    /// Further digits.
    Digits,
    /// Blanks after the digits.
    Blank,
    /// After `;`.
    Extension,
    /// After the CR of a size line.
    SizeLf,
    Data,
    /// After a chunk's data.
    DataCr,
    DataLf,
    /// The first byte of a trailer line, or the CR of the end.
    Trailer,
    TrailerLine,
    TrailerLf,
    EndLf,
    Done,
}

/// Takes the framing off a chunked body, over any cuts of its bytes. Trailers are dropped, unless they
/// are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoder {
    state: State,
    left: u64,
    /// Bytes of the current extension, later of all trailers.
    extra: u32,
    /// The trailers' lines as they came, if they are kept.
    trailers: Option<Vec<u8>>,
}

impl Decoder {
    /// A decoder at the beginning of a body.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same; trailers are kept.
    pub fn keeping() -> Self {
        Self {
            trailers: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// The trailers that came, line by line, if they were kept.
    pub fn take_trailers(&mut self) -> Vec<u8> {
        self.trailers.take().unwrap_or_default()
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(trailers) = &mut self.trailers {
            trailers.extend_from_slice(bytes);
        }
    }

    /// Takes framing and at most one run of data off the front of `buf`. To be called again with
    /// what is left until `consumed` is all there was or the body is done.
    pub fn decode(&mut self, buf: &[u8]) -> Result<Step, ChunkError> {
        let mut data = 0..0;
        let mut pos = 0;
        while let Some(&byte) = buf.get(pos) {
            self.state = match self.state {
                State::Data => {
                    if !data.is_empty() {
                        break;
                    }
                    let run = self.left.min((buf.len() - pos) as u64) as usize;
                    data = pos..pos + run;
                    pos += run;
                    self.left -= run as u64;
                    if self.left == 0 {
                        self.state = State::DataCr;
                    }
                    continue;
                }
                State::Extension => {
                    let rest = &buf[pos..];
                    let plain = |&b: &u8| (b >= b' ' || b == b'\t') && b != 0x7f;
                    let run = rest.iter().take_while(|b| plain(b)).count();
                    self.count(run, EXTENSION_LIMIT, ChunkError::ExtensionTooLong)?;
                    pos += run;
                    match rest.get(run) {
                        Some(b'\r') => State::SizeLf,
                        Some(_) => return Err(ChunkError::Invalid),
                        None => break,
                    }
                }
                State::TrailerLine => {
                    let rest = &buf[pos..];
                    let run = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                    self.count(run, TRAILER_LIMIT, ChunkError::TrailerTooLong)?;
                    self.keep(&rest[..run]);
                    pos += run;
                    match rest.get(run) {
                        Some(b'\r') => State::TrailerLf,
                        Some(_) => return Err(ChunkError::Invalid),
                        None => break,
                    }
                }
                State::Done => break,
                _ => self.frame(byte)?,
            };
            pos += 1;
        }
        Ok(Step {
            consumed: pos,
            data,
            done: self.state == State::Done,
        })
    }

    /// The state after one byte of framing.
    fn frame(&mut self, byte: u8) -> Result<State, ChunkError> {
        Ok(match (self.state, byte) {
            (State::Size | State::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = if byte <= b'9' {
                    byte - b'0'
                } else {
                    (byte | 0x20) - b'a' + 10
                };
                self.left = (self.left << 4) | u64::from(digit);
                if self.left >= SIZE_LIMIT {
                    return Err(ChunkError::Invalid);
                }
                // Zeros in front could go on for ever.
                self.count(1, EXTENSION_LIMIT, ChunkError::ExtensionTooLong)?;
                State::Digits
            }
            (State::Digits | State::Blank, b'\r') => State::SizeLf,
            (State::Digits | State::Blank, b' ' | b'\t') => {
                self.count(1, EXTENSION_LIMIT, ChunkError::ExtensionTooLong)?;
                State::Blank
            }
            (State::Digits | State::Blank, b';') => State::Extension,
            (State::SizeLf, b'\n') => {
                self.extra = 0;
                if self.left == 0 {
                    State::Trailer
                } else {
                    State::Data
                }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size,
            (State::Trailer, b'\r') => State::EndLf,
            (State::Trailer, byte) if byte != b'\n' => {
                self.count(1, TRAILER_LIMIT, ChunkError::TrailerTooLong)?;
                self.keep(&[byte]);
                State::TrailerLine
            }
            (State::TrailerLf, b'\n') => {
                self.count(2, TRAILER_LIMIT, ChunkError::TrailerTooLong)?;
                self.keep(b"\r\n");
                State::Trailer
            }
            (State::EndLf, b'\n') => State::Done,
            _ => return Err(ChunkError::Invalid),
        })
    }

    fn count(&mut self, bytes: usize, limit: u32, error: ChunkError) -> Result<(), ChunkError> {
        self.extra = self
            .extra
            .saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        if self.extra > limit {
            Err(error)
        } else {
            Ok(())
        }
    }

    /// Whether the last chunk and the trailers have been read.
    pub fn done(&self) -> bool {
        self.state == State::Done
    }

    /// Data bytes of the current chunk that are still to come.
    pub const fn left(&self) -> u64 {
        self.left
    }
}

/// The last chunk, with no trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// What ends a chunk's data.
pub const CHUNK_END: &[u8] = b"\r\n";

/// The line before a chunk's data, on the stack.
#[derive(Debug, Clone, Copy)]
pub struct ChunkHead {
    bytes: [u8; 18],
    start: u8,
}

impl ChunkHead {
    /// The line for `len` bytes of data. A `len` of 0 would end the body: write [`LAST_CHUNK`] for that.
    pub fn new(len: usize) -> Self {
        let mut bytes = [0; 18];
        bytes[16..].copy_from_slice(CHUNK_END);
        let mut start = 16;
        let mut left = len;
        loop {
            start -= 1;
            bytes[start] = b"0123456789abcdef"[left & 15];
            left >>= 4;
            if left == 0 {
                break;
            }
        }
        Self {
            bytes,
            start: start as u8,
        }
    }

    /// Its bytes, CRLF included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start as usize..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes `pieces` one after the other; gives the data and how many bytes were left over.
    fn decode(pieces: &[&[u8]]) -> Result<(Vec<u8>, bool, usize), ChunkError> {
        let mut decoder = Decoder::new();
        let (mut data, mut left_over) = (Vec::new(), 0);
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() && !decoder.done() {
                let step = decoder.decode(rest)?;
                assert!(
                    step.consumed > 0,
                    "stands still at {:?}",
                    rest.escape_ascii().to_string()
                );
                assert!(step.data.end <= step.consumed);
                assert_eq!(step.done, decoder.done());
                data.extend_from_slice(&rest[step.data]);
                rest = &rest[step.consumed..];
            }
            left_over += rest.len();
        }
        Ok((data, decoder.done(), left_over))
    }

    #[test]
    fn bodies_that_are_whole() {
        let table: &[(&[u8], &[u8], usize)] = &[
            (b"0\r\n\r\n", b"", 0),
            (b"5\r\nhello\r\n0\r\n\r\n", b"hello", 0),
            (b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\nGET", b"hello!", 3),
            (b"05\r\nhello\r\n000\r\n\r\n", b"hello", 0),
            (b"0000000000000000000005\r\nhello\r\n0\r\n\r\n", b"hello", 0),
            (b"a\r\nhellohello\r\n0\r\n\r\n", b"hellohello", 0),
            (b"A\r\nhellohello\r\n0\r\n\r\n", b"hellohello", 0),
            (b"5;x=y\r\nhello\r\n0;z\r\n\r\n", b"hello", 0),
            (b"5;\r\nhello\r\n0\r\n\r\n", b"hello", 0),
            (b"5 \r\nhello\r\n0 \t\r\n\r\n", b"hello", 0),
            (b"5\t;x\r\nhello\r\n0\r\n\r\n", b"hello", 0),
            (b"0\r\nTrailer: x\r\nb: c\r\n\r\n", b"", 0),
            (b"0\r\n\r\n\r\n", b"", 2),
        ];
        for (bytes, data, left_over) in table {
            let found = decode(&[bytes]);
            assert_eq!(
                found,
                Ok((data.to_vec(), true, *left_over)),
                "{:?}",
                bytes.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn a_small_body_takes_one_step() {
        let step = Decoder::new().decode(b"2\r\nok\r\n0\r\n\r\nX");
        assert_eq!(
            step,
            Ok(Step {
                consumed: 12,
                data: 3..5,
                done: true
            })
        );
    }

    #[test]
    fn bodies_that_are_refused() {
        let table: &[&[u8]] = &[
            b"\r\n0\r\n\r\n",
            b" 5\r\nhello",
            b"+5\r\n",
            b"-5\r\n",
            b"0x5\r\n",
            b"5x\r\n",
            b"5 x\r\nhello",
            b"5_0\r\n",
            b"5\nhello",
            b"5\rhello",
            b"5\r\r\n",
            b"5;a\rb\r\n",
            b"5;a\nb\r\n",
            b"5;\"\n\"\r\n",
            b"5;a\0b\r\n",
            b"5;\x7f\r\n",
            b"5\r\nhelloX",
            b"5\r\nhello0\r\n",
            b"5\r\nhello\n0",
            b"5\r\nhello\rX",
            b"0\r\n\n",
            b"0\n\n",
            b"0\r\n\rX",
            b"0\r\nT: x\n",
            b"0\r\nT: x\rY",
            b"7fffffffffffffff\r\n",
            b"8000000000000000\r\n",
            b"10000000000000000\r\n",
            b"ffffffffffffffffff\r\n",
        ];
        for bytes in table {
            assert_eq!(
                decode(&[bytes]),
                Err(ChunkError::Invalid),
                "{:?}",
                bytes.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn limits() {
        let extended =
            |n: usize| [b"1;".as_slice(), &vec![b'x'; n], b"\r\na\r\n0\r\n\r\n"].concat();
        let limit = EXTENSION_LIMIT as usize;
        assert!(decode(&[&extended(limit - 1)]).is_ok());
        assert_eq!(
            decode(&[&extended(limit)]),
            Err(ChunkError::ExtensionTooLong)
        );
        let zeros = vec![b'0'; limit + 1];
        assert_eq!(decode(&[&zeros]), Err(ChunkError::ExtensionTooLong));
        let blanks = [b"1".as_slice(), &vec![b' '; limit + 1]].concat();
        assert_eq!(decode(&[&blanks]), Err(ChunkError::ExtensionTooLong));

        let trailers =
            |n: usize| [b"0\r\n".as_slice(), &b"T: xxxxxxx\r\n".repeat(n), b"\r\n"].concat();
        let most = TRAILER_LIMIT as usize / 12;
        assert!(decode(&[&trailers(most)]).is_ok());
        assert_eq!(
            decode(&[&trailers(most + 1)]),
            Err(ChunkError::TrailerTooLong)
        );
    }

    #[test]
    fn heads() {
        for (len, head) in [
            (1, "1\r\n"),
            (15, "f\r\n"),
            (16, "10\r\n"),
            (0x4000, "4000\r\n"),
            (usize::MAX, "ffffffffffffffff\r\n"),
        ] {
            assert_eq!(ChunkHead::new(len).as_bytes(), head.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn any_cuts_give_the_same_data(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5),
            cuts in prop::collection::vec(0usize..300, 0..8),
            follows in prop::collection::vec(any::<u8>(), 0..4),
        ) {
            let mut bytes = Vec::new();
            for chunk in &chunks {
                bytes.extend_from_slice(ChunkHead::new(chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(CHUNK_END);
            }
            bytes.extend_from_slice(LAST_CHUNK);
            bytes.extend_from_slice(&follows);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            prop_assert_eq!(decode(&pieces), Ok((chunks.concat(), true, follows.len())));
        }

        #[test]
        fn cuts_change_no_verdict(
            bytes in prop::collection::vec(prop::sample::select(b"0123af;\r\n x".to_vec()), 0..40),
            cut in 0usize..40,
        ) {
            let cut = cut.min(bytes.len());
            prop_assert_eq!(decode(&[&bytes[..cut], &bytes[cut..]]), decode(&[&bytes]));
        }
    }
}
