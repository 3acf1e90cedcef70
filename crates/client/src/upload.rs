//! A body that is fed piece by piece.

use std::collections::VecDeque;

use crate::order::Payload;

/// A body that is fed piece by piece.
#[derive(Default)]
pub(crate) struct Upload {
    pub(crate) pieces: VecDeque<Payload>,
    pub(crate) at: usize,
    /// More was asked for, and has not come.
    pub(crate) asked: bool,
    /// Some of it was fed in this try.
    pub(crate) begun: bool,
    /// What comes next must be its beginning, and is not what was asked for.
    pub(crate) restart: bool,
    pub(crate) over: bool,
}

impl Upload {
    pub(crate) fn idle(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn push(&mut self, chunk: Payload, framed: bool) {
        let length = (*chunk).as_ref().len();
        if length == 0 {
            return;
        }
        if framed {
            self.pieces
                .push_back(Box::new(format!("{length:x}\r\n").into_bytes()));
            self.pieces.push_back(chunk);
            self.pieces.push_back(Box::new(*b"\r\n"));
        } else {
            self.pieces.push_back(chunk);
        }
    }

    pub(crate) fn end(&mut self, framed: bool) {
        self.over = true;
        if framed {
            self.pieces.push_back(Box::new(*b"0\r\n\r\n"));
        }
    }

    pub(crate) fn wrote(&mut self, mut bytes: usize) {
        while let Some(piece) = self.pieces.front() {
            let left = (**piece).as_ref().len() - self.at;
            if bytes < left {
                self.at += bytes;
                return;
            }
            bytes -= left;
            self.at = 0;
            self.pieces.pop_front();
        }
    }
}
