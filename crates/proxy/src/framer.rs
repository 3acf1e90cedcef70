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
    /// The last chunk with its trailers, where there are any, and how much of it was sent.
    tail: Option<(Box<[u8]>, usize)>,
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
            tail: None,
            ended: false,
        }
    }

    /// Nothing is being sent at this moment.
    fn between(&self) -> bool {
        let tail = self.tail.as_ref().filter(|_| self.ended);
        self.pre_left == 0
            && self.left == 0
            && self.post.is_empty()
            && tail.is_none_or(|(bytes, sent)| *sent == bytes.len())
    }

    /// Says what trailers the body has; to be said before its end is.
    pub fn trail(&mut self, lines: &[u8]) {
        if self.chunked && !lines.is_empty() && !self.ended {
            self.tail = Some(([b"0\r\n", lines, b"\r\n"].concat().into(), 0));
        }
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
            let whole = last && self.tail.is_none();
            self.post = if whole { END_AND_LAST } else { CHUNK_END };
        } else if last && self.tail.is_none() {
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
    pub fn parts<'a>(&'a self, data: &'a [u8]) -> [IoSlice<'a>; 4] {
        let pre = self.pre.as_bytes();
        let tail = self.tail.as_ref().filter(|_| self.ended);
        let tail = tail.map_or(&[][..], |(bytes, sent)| &bytes[*sent..]);
        [
            IoSlice::new(&pre[pre.len() - self.pre_left..]),
            IoSlice::new(&data[..self.left.min(data.len())]),
            IoSlice::new(self.post),
            IoSlice::new(tail),
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
        let post = n.min(self.post.len());
        self.post = &self.post[post..];
        if let Some((_, sent)) = &mut self.tail {
            *sent += n - post;
        }
        data
    }
}
