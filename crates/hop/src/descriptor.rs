//! Descriptors that come as plain numbers from outside Rust.

use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use rustix::io::Errno;

/// Makes a descriptor of our own for one that somebody else owns; `EBADF` if there is none of that number.
pub fn duplicate(fd: RawFd) -> Result<OwnedFd, Errno> {
    if fd < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: the borrow ends with this call, which does nothing with it but ask the kernel for a
    // duplicate; a number that is no descriptor gives EBADF and -1, the one forbidden value, is refused above.
    #[allow(unsafe_code)]
    let theirs = unsafe { BorrowedFd::borrow_raw(fd) };
    rustix::io::fcntl_dupfd_cloexec(theirs, 3)
}
