//! Chunked bodies: a decoder that can be cut anywhere, and what an encoder writes around its data.

use std::ops::Range;

/// What one call of [`Decoder::decode`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Bytes of `buf` that are dealt with, data included.
    pub consumed: usize,
    /// Where in `buf` body data stands; it ends at `consumed` or is empty.
    pub data: Range<usize>,
    /// The body is whole; what follows `consumed` is not part of it.
    pub done: bool,
}

/// Why a chunked body was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkError {
    /// Not the syntax of chunks.
    Invalid,
    /// Extensions longer than the limit.
    ExtensionTooLong,
    /// Trailers longer than the limit.
    TrailerTooLong,
}

/// Takes the framing off a chunked body, over any cuts of its bytes. Trailers are dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoder {
    left: u64,
}

impl Decoder {
    /// A decoder at the beginning of a body.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes framing and at most one run of data off the front of `buf`. To be called again with what
    /// is left as long as it consumes something.
    pub fn decode(&mut self, _buf: &[u8]) -> Result<Step, ChunkError> {
        todo!()
    }

    /// Whether the last chunk and the trailers have been read.
    pub const fn done(&self) -> bool {
        false
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
    pub fn new(_len: usize) -> Self {
        todo!()
    }

    /// Its bytes, CRLF included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start as usize..]
    }
}
