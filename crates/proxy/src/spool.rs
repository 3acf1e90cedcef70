//! Temporary files for what does not fit the memory: named, or without a name from the beginning.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{Mode, OFlags, mkdir, open, unlink};
use rustix::io::{Errno, pread, pwrite};

use crate::plan::TempPath;

/// The number of the last file, over all configurations of the process: nginx's, which names files by it.
static LAST: AtomicU32 = AtomicU32::new(0);
/// How far it is advanced where a file of that number is there already.
const STRIDE: u32 = 123_456;

/// What becomes of a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// It is taken away as soon as the file is open: nothing is left behind, however this process ends.
    None,
    /// It stays as long as the request.
    Request,
    /// It stays for ever.
    Ever,
}

/// A temporary file, written from its beginning to its end and read anywhere.
#[derive(Debug)]
pub struct Spool {
    file: OwnedFd,
    /// Where it is, or was.
    pub path: Box<[u8]>,
    /// Bytes in it.
    pub len: u64,
    remove: bool,
}

/// Why there is no file: what was done to which path, and what the kernel said.
#[derive(Debug)]
pub struct Refused {
    /// `open()`, `mkdir()` or `pwrite()`.
    pub call: &'static str,
    /// The path.
    pub path: Box<[u8]>,
    /// The error.
    pub errno: Errno,
}

impl Spool {
    /// A new, empty file.
    pub fn create(folder: &TempPath, name: Name) -> Result<Self, Refused> {
        let mut number = next(1);
        loop {
            let path = path_of(folder, number);
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
            match open(path.as_slice(), flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => {
                    if name == Name::None {
                        let _ = unlink(path.as_slice());
                    }
                    return Ok(Self {
                        file,
                        path: path.into(),
                        len: 0,
                        remove: name == Name::Request,
                    });
                }
                Err(Errno::EXIST) => number = next(STRIDE),
                Err(Errno::NOENT) if !folder.levels.is_empty() => make_folders(folder, &path)?,
                Err(errno) => {
                    return Err(Refused {
                        call: "open()",
                        path: path.into(),
                        errno,
                    });
                }
            }
        }
    }

    /// Adds to its end.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), Refused> {
        while !bytes.is_empty() {
            match pwrite(&self.file, bytes, self.len) {
                Ok(n) => {
                    self.len += n as u64;
                    bytes = &bytes[n..];
                }
                Err(Errno::INTR) => {}
                Err(errno) => {
                    return Err(Refused {
                        call: "pwrite()",
                        path: self.path.clone(),
                        errno,
                    });
                }
            }
        }
        Ok(())
    }

    /// Reads from `at` on; 0 is the end.
    pub fn read(&self, at: u64, into: &mut [u8]) -> Result<usize, Errno> {
        loop {
            match pread(&self.file, &mut *into, at) {
                Err(Errno::INTR) => {}
                read => return read,
            }
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.remove {
            let _ = unlink(&*self.path);
        }
    }
}

fn next(step: u32) -> u32 {
    LAST.fetch_add(step, Ordering::Relaxed).wrapping_add(step)
}

/// `FOLDER/5/34/0000012345`: the names of the folders are taken from the number's end.
fn path_of(folder: &TempPath, number: u32) -> Vec<u8> {
    let name = format!("{number:010}");
    let mut path = folder.path.0.clone();
    let mut end = name.len();
    for level in &folder.levels {
        let start = end.saturating_sub(*level);
        path.push(b'/');
        path.extend_from_slice(&name.as_bytes()[start..end]);
        end = start;
    }
    path.push(b'/');
    path.extend_from_slice(name.as_bytes());
    path
}

/// Makes the folders within the folder that `path` needs.
fn make_folders(folder: &TempPath, path: &[u8]) -> Result<(), Refused> {
    for at in memchr::memchr_iter(b'/', path).filter(|at| *at > folder.path.0.len()) {
        match mkdir(&path[..at], Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => {
                return Err(Refused {
                    call: "mkdir()",
                    path: path[..at].into(),
                    errno,
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Name, Spool, path_of};
    use crate::plan::{TempPath, Text};

    fn folder(name: &str, levels: &[usize]) -> (std::path::PathBuf, TempPath) {
        let path =
            std::env::temp_dir().join(format!("surehop-spool-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let text = Text(path.to_str().unwrap().as_bytes().to_vec());
        let levels = levels.to_vec();
        (path, TempPath { path: text, levels })
    }

    #[test]
    fn folders_are_named_by_the_end_of_the_number() {
        let temp = TempPath {
            path: Text(b"/t".to_vec()),
            levels: vec![1, 2],
        };
        assert_eq!(path_of(&temp, 12345), b"/t/5/34/0000012345");
    }

    #[test]
    fn what_is_written_can_be_read_and_nothing_stays() {
        let (path, temp) = folder("none", &[]);
        let mut spool = Spool::create(&temp, Name::None).unwrap();
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
        spool.write(b"abc").unwrap();
        spool.write(b"def").unwrap();
        let mut into = [0; 4];
        assert_eq!((spool.len, spool.read(1, &mut into).unwrap()), (6, 4));
        assert_eq!((&into, spool.read(6, &mut [0; 4]).unwrap()), (b"bcde", 0));
        std::fs::remove_dir(path).unwrap();
    }

    #[test]
    fn a_name_lasts_as_long_as_it_was_said() {
        let (path, temp) = folder("named", &[1]);
        for (name, stays) in [(Name::Request, false), (Name::Ever, true)] {
            let spool = Spool::create(&temp, name).unwrap();
            let file = String::from_utf8(spool.path.to_vec()).unwrap();
            assert!(std::fs::exists(&file).unwrap());
            drop(spool);
            assert_eq!(std::fs::exists(&file).unwrap(), stays);
        }
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_with_the_path() {
        let (path, temp) = folder("gone", &[]);
        std::fs::remove_dir(path).unwrap();
        let refused = Spool::create(&temp, Name::None).unwrap_err();
        assert_eq!(
            (refused.call, refused.errno),
            ("open()", rustix::io::Errno::NOENT)
        );
    }
}
