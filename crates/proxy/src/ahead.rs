//! What is received ahead of a client that is slower than its upstream: kept in a temporary file, so that
//! the upstream is done with early.

use rustix::io::Errno;
use surehop_hop::buffer::Buf;

use crate::plan::TempPath;
use crate::spool::{Name, Refused, Spool};

/// The part of an answer's body that is in the file.
#[derive(Debug)]
pub struct Ahead {
    file: Spool,
    /// How far it has been taken out.
    at: u64,
    /// Bytes that were ever put in.
    total: u64,
}

impl Ahead {
    /// Nothing yet.
    pub fn new(folder: &TempPath) -> Result<Self, Refused> {
        Ok(Self {
            file: Spool::create(folder, Name::None)?,
            at: 0,
            total: 0,
        })
    }

    /// The file.
    pub fn path(&self) -> &[u8] {
        &self.file.path
    }

    /// Whether everything was taken out.
    pub fn is_empty(&self) -> bool {
        self.at == self.file.len
    }

    /// Bytes that were ever put in.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Puts bytes behind the others.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if self.is_empty() {
            // What was taken out is written over.
            (self.at, self.file.len) = (0, 0);
        }
        self.file.write(bytes)?;
        self.total += bytes.len() as u64;
        Ok(())
    }

    /// Takes out as much as there is room for.
    pub fn take(&mut self, into: &mut Buf) -> Result<(), Errno> {
        let space = into.space();
        let left = usize::try_from(self.file.len - self.at).unwrap_or(usize::MAX);
        let most = left.min(space.len());
        let n = self.file.read(self.at, &mut space[..most])?;
        if n == 0 && most > 0 {
            // Somebody has cut the file short.
            return Err(Errno::IO);
        }
        into.filled(n);
        self.at += n as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Text;

    #[test]
    fn what_is_put_in_is_taken_out_in_order() {
        let path = std::env::temp_dir();
        let folder = TempPath {
            path: Text(path.to_string_lossy().as_bytes().to_vec()),
            levels: Vec::new(),
        };
        let Ok(mut ahead) = Ahead::new(&folder) else {
            unreachable!("the folder for temporary files can't be written")
        };
        let mut out = Vec::new();
        let mut buf = Buf::new(4);
        for round in 0..3_u64 {
            assert!(ahead.put(b"abc").is_ok() && ahead.put(b"def").is_ok());
            assert_eq!(ahead.total(), 6 * (round + 1));
            while !ahead.is_empty() {
                assert_eq!(ahead.take(&mut buf), Ok(()));
                out.extend_from_slice(buf.data());
                buf.clear();
            }
        }
        assert_eq!(out, b"abcdef".repeat(3));
        assert_eq!(ahead.file.len, 6);
    }
}
