//! One capture while it is read.

use super::Packets;
use crate::digest::{Digest, File};
use crate::event::Event;
use crate::kept::Line;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

/// Bytes that are read at once.
const READ: usize = 512 << 10;

/// One capture while it is read, in slices: bytes go in, and into the digest what they tell. Its packets are
/// what lines are elsewhere.
#[derive(Debug)]
pub struct CaptureReading {
    file: File,
    packets: Packets,
}

impl CaptureReading {
    /// What people are told that it is.
    pub const KIND: &str = "packet capture";

    /// Begins with a capture; `name` is what it is called in the digest.
    pub fn new(name: &str) -> Self {
        Self {
            file: File::new(name, Self::KIND),
            packets: Packets::new(),
        }
    }

    /// Reads on, about `limit` bytes; `false` says that there are no more.
    pub fn turn(
        &mut self,
        digest: &mut Digest,
        from: &mut dyn Read,
        limit: usize,
    ) -> io::Result<bool> {
        let (mut left, mut block) = (limit, vec![0; READ.min(limit)]);
        while left > 0 {
            let room = left.min(block.len());
            match from.read(&mut block[..room]) {
                Ok(0) => return Ok(false),
                Ok(got) => {
                    left -= got;
                    self.file.bytes += got as u64;
                    self.packets
                        .feed(&block[..got], &mut fold(digest, &self.file.name));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Tells what was waited for, and notes the capture as read.
    pub fn finish(mut self, digest: &mut Digest) {
        let counts = self.packets.end(&mut fold(digest, &self.file.name));
        self.file.lines = counts.packets;
        self.file.unknown = counts.unknown;
        self.file.understood = counts.packets - counts.unknown;
        self.file.broken = counts.broken;
        digest.file(self.file);
    }
}

fn fold(digest: &mut Digest, file: &Arc<str>) -> impl FnMut(u64, &str, Event<'_>) {
    move |number, text, event| {
        digest.take(&[Line {
            file,
            number,
            text: text.as_bytes(),
            event,
        }]);
    }
}
