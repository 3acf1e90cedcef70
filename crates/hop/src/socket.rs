//! Non-blocking stream sockets, TCP and unix alike, and listeners.

use std::fmt;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::task::Poll;

use rustix::io::Errno;
use rustix::net::{
    self, AddressFamily, SendAncillaryBuffer, SendFlags, Shutdown, SocketAddrAny, SocketAddrUnix,
    SocketFlags, SocketType, sockopt,
};

use crate::reactor::{Reactor, Slot, TaskId};

/// Where a socket connects to or listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IPv4 or IPv6 address with a port.
    Ip(SocketAddr),
    /// A path in the file system.
    Unix(Box<str>),
}

impl Address {
    /// Reads `127.0.0.1:80`, `[::1]:80` or `unix:/path`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some(path) => Some(Self::Unix(path.into())),
            None => text.parse().ok().map(Self::Ip),
        }
    }

    /// Whether this machine has an address from which this one can be reached: a datagram socket says so
    /// without sending anything, and without needing a port that streams have used up.
    pub fn has_source(&self) -> bool {
        let Self::Ip(to) = self else { return true };
        let family = if to.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        net::socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
            .and_then(|fd| net::connect(&fd, to))
            != Err(Errno::ADDRNOTAVAIL)
    }

    /// The family's word: `ipv4`, `ipv6` or `unix`.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Ip(SocketAddr::V4(_)) => "ipv4",
            Self::Ip(SocketAddr::V6(_)) => "ipv6",
            Self::Unix(_) => "unix",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

/// A connected, or connecting, stream socket.
pub struct Socket {
    fd: OwnedFd,
    slot: Rc<Slot>,
    reactor: Reactor,
}

impl Socket {
    fn new(reactor: &Reactor, fd: OwnedFd, writable: bool) -> Result<Self, Errno> {
        let slot = reactor
            .register(fd.as_raw_fd(), writable)
            .map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::MFILE))?;
        Ok(Self {
            fd,
            slot,
            reactor: reactor.clone(),
        })
    }

    /// Takes over a connected socket that another reactor gave away.
    pub fn attach(reactor: &Reactor, fd: OwnedFd) -> Result<Self, Errno> {
        Self::new(reactor, fd, true)
    }

    /// Gives the socket away: this reactor hears no more of it.
    pub fn detach(self) -> Result<OwnedFd, Errno> {
        // A duplicate stays in epoll when the original is closed, so this one is taken out by itself.
        self.reactor.deregister(self.fd.as_raw_fd());
        rustix::io::fcntl_dupfd_cloexec(&self.fd, 3)
    }

    /// Begins to connect; an error that the kernel knows at once is returned at once.
    pub fn connect(reactor: &Reactor, to: &Address) -> Result<Self, Errno> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (fd, begun) = match to {
            Address::Ip(address) => {
                let family = if address.is_ipv4() {
                    AddressFamily::INET
                } else {
                    AddressFamily::INET6
                };
                let fd = net::socket_with(family, SocketType::STREAM, flags, None)?;
                // Small requests must not wait for the acknowledgement of the one before.
                sockopt::set_tcp_nodelay(&fd, true)?;
                let begun = net::connect(&fd, address);
                (fd, begun)
            }
            Address::Unix(path) => {
                let fd = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
                let begun = SocketAddrUnix::new(Path::new(&**path))
                    .and_then(|address| net::connect(&fd, &address));
                (fd, begun)
            }
        };
        match begun {
            Ok(()) => Self::new(reactor, fd, true),
            Err(Errno::INPROGRESS) => Self::new(reactor, fd, false),
            Err(e) => Err(e),
        }
    }

    /// Whether the connection stands; ready with the error if it could not be made.
    pub fn poll_connected(&self) -> Poll<Result<(), Errno>> {
        if !self.slot.writable.get() {
            self.wait_write();
            return Poll::Pending;
        }
        match sockopt::socket_error(&self.fd) {
            Ok(Err(e)) | Err(e) => Poll::Ready(Err(e)),
            Ok(Ok(())) => Poll::Ready(Ok(())),
        }
    }

    /// Receives into `buf`; 0 is the end of the stream.
    pub fn poll_read(&self, buf: &mut [u8]) -> Poll<Result<usize, Errno>> {
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

    /// Sends what the kernel takes of `parts`, in one call.
    pub fn poll_write(&self, parts: &[IoSlice<'_>]) -> Poll<Result<usize, Errno>> {
        if !self.slot.writable.get() {
            self.wait_write();
            return Poll::Pending;
        }
        loop {
            let sent = match parts {
                [one] => net::send(&self.fd, one, SendFlags::NOSIGNAL),
                _ => net::sendmsg(
                    &self.fd,
                    parts,
                    &mut SendAncillaryBuffer::default(),
                    SendFlags::NOSIGNAL,
                ),
            };
            match sent {
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

    /// Has the running task polled when something arrives, without reading it.
    pub fn wait_read(&self) {
        self.slot.wants_read.set(true);
        self.reactor.own(&self.slot);
    }

    fn wait_write(&self) {
        self.slot.wants_write.set(true);
        self.reactor.own(&self.slot);
    }

    /// Whether the peer was seen to close its side (or the connection broke); asks to be polled when it does.
    pub fn peer_closed(&self) -> bool {
        self.wait_read();
        self.slot.closed.get()
    }

    /// Whether the reactor has seen something to read, be it bytes, the end or an error.
    pub fn seen_readable(&self) -> bool {
        self.slot.readable.get()
    }

    /// Has the next read ask the kernel, whatever the reactor has seen.
    pub fn suspect(&self) {
        self.slot.readable.set(true);
    }

    /// Whether the peer was seen to close its side.
    pub fn seen_closed(&self) -> bool {
        self.slot.closed.get()
    }

    /// Lets the socket rest: whatever arrives is told to `owner` by `label`.
    pub fn rest(&self, label: u64, owner: TaskId) {
        self.reactor.rest(&self.slot, label, owner);
    }

    /// Ends its rest; it belongs to the running task.
    pub fn rouse(&self) {
        self.reactor.rouse(&self.slot);
    }

    /// The descriptor's number.
    pub fn number(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    /// Says that nothing more will be sent.
    pub fn finish(&self) {
        let _ = net::shutdown(&self.fd, Shutdown::Write);
    }

    /// Turns Nagle's algorithm off; not an error on a unix socket.
    pub fn set_nodelay(&self) {
        let _ = sockopt::set_tcp_nodelay(&self.fd, true);
    }

    /// Has the kernel probe the connection while it is idle.
    pub fn set_keepalive(&self) {
        let _ = sockopt::set_socket_keepalive(&self.fd, true);
    }

    /// The address this end has.
    pub fn local(&self) -> Option<Address> {
        net::getsockname(&self.fd).ok().and_then(address_of)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Closing the descriptor takes it out of epoll: no call of its own for that.
        self.reactor.forget(&self.slot);
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({})", self.fd.as_raw_fd())
    }
}

fn address_of(any: SocketAddrAny) -> Option<Address> {
    if let Ok(ip) = SocketAddr::try_from(any.clone()) {
        return Some(Address::Ip(ip));
    }
    let unix = SocketAddrUnix::try_from(any).ok()?;
    let path = unix
        .path_bytes()
        .map(|path| String::from_utf8_lossy(path).into_owned());
    Some(Address::Unix(path.unwrap_or_default().into()))
}

/// A listening socket that several reactors may share.
pub struct Listener {
    fd: OwnedFd,
    slot: Rc<Slot>,
    reactor: Reactor,
}

impl Listener {
    /// Takes part in accepting from a socket that listens already.
    pub fn new(reactor: &Reactor, listening: BorrowedFd<'_>) -> std::io::Result<Self> {
        // A descriptor of its own: closing ours must not close the other workers'.
        let fd = rustix::io::fcntl_dupfd_cloexec(listening, 3)?;
        rustix::io::ioctl_fionbio(&fd, true)?;
        let slot = reactor.register(fd.as_raw_fd(), false)?;
        Ok(Self {
            fd,
            slot,
            reactor: reactor.clone(),
        })
    }

    /// The next connection and where it comes from.
    pub fn poll_accept(&self) -> Poll<Result<(Socket, Option<Address>), Errno>> {
        loop {
            if !self.slot.readable.get() {
                self.slot.wants_read.set(true);
                self.reactor.own(&self.slot);
                return Poll::Pending;
            }
            match net::acceptfrom_with(&self.fd, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok((fd, from)) => {
                    return Poll::Ready(
                        Socket::new(&self.reactor, fd, true)
                            .map(|socket| (socket, from.and_then(address_of))),
                    );
                }
                Err(Errno::AGAIN) => self.slot.readable.set(false),
                // The client went before it was accepted: not our failure.
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Other descriptors keep the listening socket open, so closing ours leaves it in epoll.
        self.reactor.deregister(self.fd.as_raw_fd());
        self.reactor.forget(&self.slot);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({})", self.fd.as_raw_fd())
    }
}
