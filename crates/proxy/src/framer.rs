//! Puts body bytes on the wire, as they are or in chunks, whatever the socket takes at a time.

use std::io::IoSlice;

use surehop_wire::chunked::{CHUNK_END, ChunkHead, LAST_CHUNK};

/// The end of a chunk that is the last with data.
const END_AND_LAST: &[u8] = b"\r\n0\r\n\r\n";

/// The framing of one outgoing body.
#[derive(Debug)]
pub struct Framer {
    chunked: bool,
    pre: ChunkHead,
    pre_left: usize,
    /// Data bytes of what is open that are still to be sent.
    left: usize,
    post: &'static [u8],
    ended: bool,
}

impl Framer {
    /// A body in chunks, or one whose length is said elsewhere.
    pub fn new(chunked: bool) -> Self {
        Self {
            chunked,
            pre: ChunkHead::new(1),
            pre_left: 0,
            left: 0,
            post: b"",
            ended: false,
        }
    }

    /// Nothing is being sent at this moment.
    fn between(&self) -> bool {
        self.pre_left == 0 && self.left == 0 && self.post.is_empty()
    }

    /// Takes up `available` bytes of data if it is between two pieces; `last` says that no more will come.
    pub fn open(&mut self, available: usize, last: bool) {
        if self.ended || !self.between() {
            return;
        }
        self.left = available;
        self.ended = last;
        if !self.chunked {
            return;
        }
        if available > 0 {
            self.pre = ChunkHead::new(available);
            self.pre_left = self.pre.as_bytes().len();
            self.post = if last { END_AND_LAST } else { CHUNK_END };
        } else if last {
            self.post = LAST_CHUNK;
        }
    }

    /// Whether there is nothing to send now.
    pub fn idle(&self) -> bool {
        self.between()
    }

    /// Whether the body's end has been sent.
    pub fn done(&self) -> bool {
        self.ended && self.between()
    }

    /// What to send, given the data from its front on; all of it fits one call.
    pub fn parts<'a>(&'a self, data: &'a [u8]) -> [IoSlice<'a>; 3] {
        let pre = self.pre.as_bytes();
        [
            IoSlice::new(&pre[pre.len() - self.pre_left..]),
            IoSlice::new(&data[..self.left.min(data.len())]),
            IoSlice::new(self.post),
        ]
    }

    /// Accounts for `n` bytes sent; returns how many of them were data.
    pub fn sent(&mut self, mut n: usize) -> usize {
        let pre = n.min(self.pre_left);
        self.pre_left -= pre;
        n -= pre;
        let data = n.min(self.left);
        self.left -= data;
        n -= data;
        self.post = &self.post[n.min(self.post.len())..];
        data
    }
}
