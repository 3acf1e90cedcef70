//! A non-blocking descriptor as the reactor knows it: what a socket reads and writes by, secured or not.

use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::task::Poll;

use rustix::io::Errno;
use rustix::net::{self, SendAncillaryBuffer, SendFlags, Shutdown};

use crate::reactor::{Reactor, Slot};

/// A registered stream socket.
pub(crate) struct Plain {
    pub(crate) fd: OwnedFd,
    pub(crate) slot: Rc<Slot>,
    pub(crate) reactor: Reactor,
}

impl Plain {
    pub(crate) fn new(reactor: &Reactor, fd: OwnedFd, writable: bool) -> Result<Self, Errno> {
        let slot = reactor
            .register(fd.as_raw_fd(), writable)
            .map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::MFILE))?;
        Ok(Self {
            fd,
            slot,
            reactor: reactor.clone(),
        })
    }

    /// Receives into `buf`; 0 is the end of the stream.
    pub(crate) fn poll_read(&self, buf: &mut [u8]) -> Poll<Result<usize, Errno>> {
        if !self.slot.readable.get() {
            self.wait_read();
            return Poll::Pending;
        }
        loop {
            match rustix::io::read(&self.fd, &mut *buf) {
                Ok(n) => {
                    // A short read drained the socket: the kernel tells of the next byte. The end of
                    // the stream is told only once, so it stays readable until it was read.
                    if n < buf.len() && !self.slot.closed.get() {
                        self.slot.readable.set(false);
                    }
                    return Poll::Ready(Ok(n));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.slot.readable.set(false);
                    self.wait_read();
                    return Poll::Pending;
                }
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }

    /// Calls `send`, once the kernel is believed to take something.
    pub(crate) fn poll_out(
        &self,
        mut send: impl FnMut(&OwnedFd) -> Result<usize, Errno>,
    ) -> Poll<Result<usize, Errno>> {
        if !self.slot.writable.get() {
            self.wait_write();
            return Poll::Pending;
        }
        loop {
            match send(&self.fd) {
                Ok(n) => {
                    self.slot.wants_write.set(false);
                    return Poll::Ready(Ok(n));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.slot.writable.set(false);
                    self.wait_write();
                    return Poll::Pending;
                }
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }

    /// Sends what the kernel takes of `parts`, in one call; with `more`, more follows at once.
    pub(crate) fn poll_send(
        &self,
        parts: &[IoSlice<'_>],
        more: bool,
    ) -> Poll<Result<usize, Errno>> {
        let flags = if more {
            SendFlags::NOSIGNAL | SendFlags::MORE
        } else {
            SendFlags::NOSIGNAL
        };
        self.poll_out(|fd| match parts {
            [one] => net::send(fd, one, flags),
            _ => net::sendmsg(fd, parts, &mut SendAncillaryBuffer::default(), flags),
        })
    }

    /// Says that nothing more will be sent.
    pub(crate) fn shut(&self) {
        let _ = net::shutdown(&self.fd, Shutdown::Write);
    }

    pub(crate) fn wait_read(&self) {
        self.slot.wants_read.set(true);
        self.reactor.own(&self.slot);
    }

    pub(crate) fn wait_write(&self) {
        self.slot.wants_write.set(true);
        self.reactor.own(&self.slot);
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        // Closing the descriptor takes it out of epoll: no call of its own for that.
        self.reactor.forget(&self.slot);
    }
}
