//! Content codings (RFC 9110, 8.4.1) unpacked as their bytes come: gzip, deflate, br, zstd.
//!
//! A few bytes can unpack to gigabytes, so a caller says how much it will take at a time; what is not
//! taken waits packed.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod brotli;
mod gzip;
mod inflate;
mod zstd;

use std::fmt;

/// The least and the most room that is made for output at once, in bytes.
const ROOM: (usize, usize) = (4 << 10, 256 << 10);

/// Why data can't be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is not what it is said to be, or was damaged.
    Broken,
    /// It ends before its end.
    Truncated,
    /// Its window is larger than a content coding may ask for.
    Window,
}

/// Data of a coding that can't be unpacked; shown as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The coding's name.
    pub coding: &'static str,
    /// What is wrong with the data.
    pub wrong: Wrong,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coding = self.coding;
        match self.wrong {
            Wrong::Broken => write!(f, "the {coding} data is broken"),
            Wrong::Truncated => write!(f, "the {coding} data ends before its end"),
            Wrong::Window => write!(
                f,
                "the {coding} data wants a window of more than 8 MiB, which a content coding may not"
            ),
        }
    }
}

impl std::error::Error for Fault {}

/// What one step has taken from the input and put into the output, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    read: usize,
    written: usize,
}

/// One coding. What stands behind the end of the data is taken and thrown away, as browsers do; zstd alone
/// takes it for a further frame.
trait Stream: Send {
    /// Goes on until the input is used up or the output is full.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Wrong>;

    /// Whether the data may end here.
    fn complete(&self) -> bool;
}

/// Unpacks one body.
pub struct Decoder {
    stream: Box<dyn Stream>,
    coding: &'static str,
    /// What came and was not taken in yet, from `at` on.
    rest: Vec<u8>,
    at: usize,
    /// Whether the stream may hold output for which there was no room.
    held: bool,
    begun: bool,
    fault: Option<Fault>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("coding", &self.coding)
            .field("pending", &self.pending())
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder for a coding by its name, in any case; none for an unknown one.
    pub fn new(name: &str) -> Option<Self> {
        let (coding, stream): (_, Box<dyn Stream>) = match &*name.to_ascii_lowercase() {
            "gzip" | "x-gzip" => ("gzip", Box::new(gzip::Gzip::new())),
            "deflate" => ("deflate", Box::<inflate::Inflate>::default()),
            "br" => ("br", Box::new(brotli::Brotli::new())),
            "zstd" => ("zstd", Box::new(zstd::Zstd::new()?)),
            _ => return None,
        };
        Some(Self {
            stream,
            coding,
            rest: Vec::new(),
            at: 0,
            held: false,
            begun: false,
            fault: None,
        })
    }

    /// The coding's name.
    pub fn coding(&self) -> &'static str {
        self.coding
    }

    /// Whether there may be more to take without further input.
    pub fn pending(&self) -> bool {
        self.held || self.at < self.rest.len()
    }

    /// Takes `data` in and gives what it unpacks to, at most `limit` bytes of it. What is left waits, and
    /// `pending` tells of it. A fault comes again at every later call.
    pub fn decode(&mut self, data: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.begun |= !data.is_empty();
        let mut out = Vec::new();
        let done = if self.at < self.rest.len() {
            self.rest.extend_from_slice(data);
            let rest = std::mem::take(&mut self.rest);
            let done = self.unpack(&rest[self.at..], &mut out, limit);
            self.rest = rest;
            done.map(|read| self.at += read)
        } else {
            self.rest.clear();
            self.at = 0;
            let done = self.unpack(data, &mut out, limit);
            done.map(|read| self.rest.extend_from_slice(&data[read..]))
        };
        if self.at == self.rest.len() {
            self.rest = Vec::new();
            self.at = 0;
        } else if self.at > self.rest.len() / 2 {
            self.rest.drain(..self.at);
            self.at = 0;
        }
        match done {
            Ok(()) => Ok(out),
            Err(wrong) => Err(self.failed(wrong)),
        }
    }

    /// Gives all that is left, and says whether the data is whole. A body without a byte is: so is the
    /// answer to a HEAD request.
    pub fn finish(&mut self) -> Result<Vec<u8>, Fault> {
        let out = self.decode(b"", usize::MAX)?;
        if self.begun && !self.stream.complete() {
            return Err(self.failed(Wrong::Truncated));
        }
        Ok(out)
    }

    fn failed(&mut self, wrong: Wrong) -> Fault {
        let coding = self.coding;
        *self.fault.insert(Fault { coding, wrong })
    }

    /// Gives how much of `data` was taken in.
    fn unpack(&mut self, data: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<usize, Wrong> {
        let mut taken = 0;
        while self.held || taken < data.len() {
            let likely = (data.len() - taken).saturating_mul(4).max(out.len());
            let room = likely.clamp(ROOM.0, ROOM.1).min(limit - out.len());
            if room == 0 {
                break;
            }
            let start = out.len();
            out.resize(start + room, 0);
            let step = self.stream.step(&data[taken..], &mut out[start..])?;
            out.truncate(start + step.written);
            taken += step.read;
            self.held = step.written == room;
            if step.read == 0 && step.written == 0 {
                break;
            }
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    fn packed(mut state: Compress, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(data.len() + 1024);
        state
            .compress_vec(data, &mut out, FlushCompress::Finish)
            .unwrap();
        out
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        packed(Compress::new_gzip(Compression::fast(), 15), data)
    }

    fn whole(name: &str, data: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut decoder = Decoder::new(name).unwrap();
        let mut out = decoder.decode(data, usize::MAX)?;
        out.extend(decoder.finish()?);
        Ok(out)
    }

    #[test]
    fn members_cut_anywhere() {
        let data = [gzip(b"one, "), gzip(b""), gzip(b"two")].concat();
        for cut in 0..=data.len() {
            let mut decoder = Decoder::new("GZip").unwrap();
            let mut out = decoder.decode(&data[..cut], usize::MAX).unwrap();
            out.extend(decoder.decode(&data[cut..], usize::MAX).unwrap());
            out.extend(decoder.finish().unwrap());
            assert_eq!(out, b"one, two", "cut at {cut}");
        }
    }

    #[test]
    fn what_is_behind_the_end() {
        for rest in [&b"\0\0"[..], b"\x1f", b"\x1f\x1f\x8b", b"x"] {
            assert_eq!(whole("gzip", &[&gzip(b"a"), rest].concat()).unwrap(), b"a");
        }
        let broken = [&gzip(b"a")[..], b"\x1f\x8b\xff and more"].concat();
        assert_eq!(whole("gzip", &broken).unwrap_err().wrong, Wrong::Broken);
    }

    #[test]
    fn deflate_with_and_without_its_wrapping() {
        for wrapped in [true, false] {
            let data = packed(Compress::new(Compression::best(), wrapped), b"a body");
            assert_eq!(whole("deflate", &data).unwrap(), b"a body");
            let cut = whole("deflate", &data[..data.len() - 1]).unwrap_err();
            assert_eq!(cut.to_string(), "the deflate data ends before its end");
        }
    }

    #[test]
    fn a_bomb_comes_in_pieces() {
        let data = gzip(&vec![0; 10 << 20]);
        let mut decoder = Decoder::new("gzip").unwrap();
        let (mut sum, mut next) = (0, &data[..]);
        loop {
            let out = decoder.decode(std::mem::take(&mut next), 1000).unwrap();
            assert!(out.len() <= 1000);
            sum += out.len();
            if !decoder.pending() {
                break;
            }
        }
        assert_eq!(sum, 10 << 20);
        assert!(decoder.finish().unwrap().is_empty());
    }

    #[test]
    fn a_fault_stays() {
        let mut decoder = Decoder::new("br").unwrap();
        let fault = decoder.decode(&[0xff; 64], usize::MAX).unwrap_err();
        assert_eq!(fault.to_string(), "the br data is broken");
        assert_eq!(decoder.decode(b"", 1).unwrap_err(), fault);
        assert_eq!(decoder.finish().unwrap_err(), fault);
    }
}
