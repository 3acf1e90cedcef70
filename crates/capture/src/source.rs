//! One target while it is read, whatever it is.

use std::io::{self, Read};

use crate::digest::Digest;
use crate::kinds::kind_of;
use crate::packets::{CaptureReading, Packets};
use crate::read::Reading;

/// A log or a capture while it is read, in slices: bytes go in, and into the digest what they tell.
#[derive(Debug)]
pub enum Source {
    /// Lines, read on every core.
    Log(Box<Reading>),
    /// Packets.
    Capture(Box<CaptureReading>),
}

/// What people are told that a file is which begins so; `None` where nobody knows. `formats` are what a
/// configuration says of access logs.
pub fn name_of(head: &[u8], formats: &[impl AsRef<[u8]>]) -> Option<&'static str> {
    if Packets::knows(head) {
        return Some(CaptureReading::KIND);
    }
    kind_of(head, formats).map(|kind| kind.name)
}

impl Source {
    /// Begins with what [`name_of`] knows; `name` is what it is called in the digest.
    pub fn new(
        name: &str,
        head: &[u8],
        formats: &[impl AsRef<[u8]>],
        threads: usize,
    ) -> Option<Self> {
        if Packets::knows(head) {
            return Some(Self::Capture(Box::new(CaptureReading::new(name))));
        }
        let kind = kind_of(head, formats)?;
        let reading = Reading::new(name, kind, threads);
        Some(Self::Log(Box::new(reading)))
    }

    /// Reads on, about `limit` bytes; `false` says that there are no more.
    pub fn turn(
        &mut self,
        digest: &mut Digest,
        from: &mut (dyn Read + Send),
        limit: usize,
    ) -> io::Result<bool> {
        match self {
            Self::Log(reading) => reading.turn(digest, from, limit),
            Self::Capture(reading) => reading.turn(digest, from, limit),
        }
    }

    /// Ends it, and notes it as read.
    pub fn finish(self, digest: &mut Digest) {
        match self {
            Self::Log(reading) => reading.finish(digest),
            Self::Capture(reading) => reading.finish(digest),
        }
    }
}
