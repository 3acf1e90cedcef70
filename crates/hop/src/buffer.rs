//! Buffers that belong to a connection only while it has bytes to hold.

use std::cell::RefCell;
use std::rc::Rc;

/// Size of a head buffer, and of a response that fits beside its head.
pub const SMALL: usize = 16 * 1024;
/// Size of a body buffer: one receive and one send move this much.
pub const LARGE: usize = 128 * 1024;
/// How many unused buffers of a size a worker keeps.
const KEPT_SMALL: usize = 256;
const KEPT_LARGE: usize = 32;

/// A block of bytes, filled at its end and consumed at its start.
#[derive(Debug)]
pub struct Buf {
    block: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Buf {
    /// A fresh block of `size` bytes.
    pub fn new(size: usize) -> Self {
        Self {
            block: vec![0; size].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    /// The bytes it holds.
    pub fn data(&self) -> &[u8] {
        &self.block[self.start..self.end]
    }

    /// The same, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.block[self.start..self.end]
    }

    /// The room behind the bytes it holds.
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.block[self.end..]
    }

    /// Says that `n` bytes of the room were filled.
    pub fn filled(&mut self, n: usize) {
        self.end += n;
        debug_assert!(self.end <= self.block.len());
    }

    /// Takes `n` bytes off the front.
    pub fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.start += n;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Keeps only the first `n` bytes.
    pub fn truncate(&mut self, n: usize) {
        self.end = self.end.min(self.start + n);
    }

    /// Moves the bytes to the front, so that all the room is behind them.
    pub fn compact(&mut self) {
        if self.start > 0 {
            self.block.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
    }

    /// Adds `bytes`; the caller has seen to it that they fit.
    pub fn push(&mut self, bytes: &[u8]) {
        self.block[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How many bytes it holds.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// How many bytes it could hold.
    pub fn capacity(&self) -> usize {
        self.block.len()
    }

    /// Forgets its bytes.
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }
}

/// A worker's store of unused buffers.
#[derive(Clone, Debug, Default)]
pub struct Buffers(Rc<RefCell<Stores>>);

#[derive(Debug, Default)]
struct Stores {
    small: Vec<Buf>,
    large: Vec<Buf>,
}

impl Buffers {
    /// A small buffer, empty.
    pub fn small(&self) -> Buf {
        self.0
            .borrow_mut()
            .small
            .pop()
            .unwrap_or_else(|| Buf::new(SMALL))
    }

    /// A large buffer, empty.
    pub fn large(&self) -> Buf {
        self.0
            .borrow_mut()
            .large
            .pop()
            .unwrap_or_else(|| Buf::new(LARGE))
    }

    /// Gives a buffer back; one of an unusual size is freed.
    pub fn give(&self, mut buf: Buf) {
        buf.clear();
        let mut stores = self.0.borrow_mut();
        match buf.capacity() {
            SMALL if stores.small.len() < KEPT_SMALL => stores.small.push(buf),
            LARGE if stores.large.len() < KEPT_LARGE => stores.large.push(buf),
            _ => {}
        }
    }
}
