//! Non-blocking stream sockets, TCP and unix alike, and listeners.

use std::cell::RefCell;
use std::fmt;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::task::Poll;

use rustix::io::Errno;
use rustix::net::{
    self, AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};

use crate::plain::Plain;
use crate::reactor::{Reactor, Slot, TaskId};
use crate::tls::{Stream, TlsFault};

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

/// How a connection is made, where it is not made as the system does it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// The local address; port 0 leaves that to the system.
    pub from: Option<SocketAddr>,
    /// Bytes of the kernel's buffers; 0 leaves them to the system.
    pub receive_buffer: usize,
    #[allow(missing_docs)]
    pub send_buffer: usize,
    /// Whether the kernel probes the connection while it is idle.
    pub keepalive: bool,
}

impl Manner {
    fn apply(&self, fd: &OwnedFd) -> Result<(), NotBegun> {
        // As in nginx, a buffer that the kernel refuses is no reason not to connect.
        if self.receive_buffer > 0 {
            let _ = sockopt::set_socket_recv_buffer_size(fd, self.receive_buffer);
        }
        if self.send_buffer > 0 {
            let _ = sockopt::set_socket_send_buffer_size(fd, self.send_buffer);
        }
        if self.keepalive {
            let _ = sockopt::set_socket_keepalive(fd, true);
        }
        let Some(from) = &self.from else {
            return Ok(());
        };
        net::bind(fd, from).map_err(NotBegun::Bind)
    }
}

/// Why a connection could not even be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBegun {
    /// The kernel refused at once.
    Connect(Errno),
    /// The local address can't be had.
    Bind(Errno),
}

/// What the kernel knows of a TCP connection: times in microseconds, the send window in segments.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct TcpInfo {
    pub rtt: u32,
    pub rttvar: u32,
    pub send_window: u32,
    pub receive_space: u32,
    /// Milliseconds since the peer was last heard of; its FIN, if there was one.
    pub silence: u32,
}

/// A connected, or connecting, stream socket; over TLS once it was secured.
pub struct Socket {
    plain: Plain,
    tls: Option<Box<RefCell<Stream>>>,
}

impl Socket {
    fn new(reactor: &Reactor, fd: OwnedFd, writable: bool) -> Result<Self, Errno> {
        let plain = Plain::new(reactor, fd, writable)?;
        Ok(Self { plain, tls: None })
    }

    /// Takes over a connected socket that another reactor gave away.
    pub fn attach(reactor: &Reactor, fd: OwnedFd) -> Result<Self, Errno> {
        Self::new(reactor, fd, true)
    }

    /// Gives the socket away: this reactor hears no more of it. `EOPNOTSUPP` over TLS, whose state can't be
    /// given with a descriptor; the connection is closed then.
    pub fn detach(self) -> Result<OwnedFd, Errno> {
        if self.tls.is_some() {
            return Err(Errno::OPNOTSUPP);
        }
        // A duplicate stays in epoll when the original is closed, so this one is taken out by itself.
        self.plain.reactor.deregister(self.plain.fd.as_raw_fd());
        rustix::io::fcntl_dupfd_cloexec(&self.plain.fd, 3)
    }

    /// Begins to connect; an error that the kernel knows at once is returned at once.
    pub fn connect(reactor: &Reactor, to: &Address) -> Result<Self, Errno> {
        Self::connect_so(reactor, to, &Manner::default()).map_err(|why| match why {
            NotBegun::Connect(e) | NotBegun::Bind(e) => e,
        })
    }

    /// The same in a manner of its own.
    pub fn connect_so(reactor: &Reactor, to: &Address, manner: &Manner) -> Result<Self, NotBegun> {
        let (fd, begun) = Self::begin(to, manner)?;
        match begun {
            Ok(()) => Self::new(reactor, fd, true),
            Err(Errno::INPROGRESS) => Self::new(reactor, fd, false),
            Err(e) => Err(e),
        }
        .map_err(NotBegun::Connect)
    }

    fn begin(to: &Address, manner: &Manner) -> Result<(OwnedFd, Result<(), Errno>), NotBegun> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (fd, begun) = match to {
            Address::Ip(address) => {
                let family = if address.is_ipv4() {
                    AddressFamily::INET
                } else {
                    AddressFamily::INET6
                };
                let fd = net::socket_with(family, SocketType::STREAM, flags, None)
                    .map_err(NotBegun::Connect)?;
                // Small requests must not wait for the acknowledgement of the one before.
                sockopt::set_tcp_nodelay(&fd, true).map_err(NotBegun::Connect)?;
                manner.apply(&fd)?;
                let begun = net::connect(&fd, address);
                (fd, begun)
            }
            Address::Unix(path) => {
                let fd = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
                    .map_err(NotBegun::Connect)?;
                let begun = SocketAddrUnix::new(Path::new(&**path))
                    .and_then(|address| net::connect(&fd, &address));
                (fd, begun)
            }
        };
        Ok((fd, begun))
    }

    /// Whether the connection stands; ready with the error if it could not be made.
    pub fn poll_connected(&self) -> Poll<Result<(), Errno>> {
        if !self.plain.slot.writable.get() {
            self.wait_write();
            return Poll::Pending;
        }
        match sockopt::socket_error(&self.plain.fd) {
            Ok(Err(e)) | Err(e) => Poll::Ready(Err(e)),
            Ok(Ok(())) => Poll::Ready(Ok(())),
        }
    }

    /// Has TLS spoken from now on: the handshake comes next. What was secured before carries it.
    pub(crate) fn speak(mut self, session: rustls::ClientConnection, name: &str) -> Self {
        let under = self.tls.take().map(|tls| Box::new(tls.into_inner()));
        let stream = Stream::new(session, name, under);
        self.tls = Some(Box::new(RefCell::new(stream)));
        self
    }

    /// Ready when the handshake is done.
    pub(crate) fn poll_secured(&self) -> Poll<Result<(), TlsFault>> {
        match &self.tls {
            Some(tls) => tls.borrow_mut().poll_handshake(&self.plain),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Whether it speaks TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// What TLS had to say of the connection that failed with `EPROTO`.
    pub fn tls_fault(&self) -> Option<TlsFault> {
        self.tls.as_ref()?.borrow().fault().cloned()
    }

    /// Whether the stream ended over TLS without saying so (`close_notify`): who reads up to the end can't
    /// know that nobody cut it.
    pub fn truncated(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.borrow().cut())
    }

    /// Receives into `buf`; 0 is the end of the stream.
    pub fn poll_read(&self, buf: &mut [u8]) -> Poll<Result<usize, Errno>> {
        match &self.tls {
            None => self.plain.poll_read(buf),
            Some(tls) => tls.borrow_mut().poll_read(&self.plain, buf),
        }
    }

    /// Sends what the kernel takes of `parts`, in one call.
    ///
    /// Over TLS the bytes count as sent when the kernel took the first of their ciphertext; the rest goes with
    /// the next call that writes, reads or waits. After `Pending` the next call must begin with the same bytes.
    pub fn poll_write(&self, parts: &[IoSlice<'_>]) -> Poll<Result<usize, Errno>> {
        match &self.tls {
            None => self.plain.poll_send(parts, false),
            Some(tls) => tls.borrow_mut().poll_write(&self.plain, parts, false),
        }
    }

    /// The same; more follows at once, so that the kernel may put both into one packet.
    pub fn poll_write_more(&self, parts: &[IoSlice<'_>]) -> Poll<Result<usize, Errno>> {
        match &self.tls {
            None => self.plain.poll_send(parts, true),
            Some(tls) => tls.borrow_mut().poll_write(&self.plain, parts, true),
        }
    }

    /// Sends bytes of a file from `offset` on, at most `count`, and moves it; 0 is the file's end. Over TLS
    /// that is `EOPNOTSUPP`.
    pub fn poll_send_file(
        &self,
        file: BorrowedFd<'_>,
        offset: &mut u64,
        count: usize,
    ) -> Poll<Result<usize, Errno>> {
        if self.tls.is_some() {
            return Poll::Ready(Err(Errno::OPNOTSUPP));
        }
        self.plain
            .poll_out(|fd| rustix::fs::sendfile(fd, file, Some(offset), count))
    }

    /// Has the running task polled when something arrives, without reading it.
    pub fn wait_read(&self) {
        if let Some(tls) = &self.tls {
            // What the kernel did not take yet would wait for ever behind what we wait for.
            tls.borrow_mut().push(&self.plain);
        }
        self.plain.wait_read();
    }

    fn wait_write(&self) {
        self.plain.wait_write();
    }

    /// Whether the peer was seen to close its side (or the connection broke); asks to be polled when it does.
    pub fn peer_closed(&self) -> bool {
        self.wait_read();
        self.seen_closed()
    }

    /// Whether the reactor has seen something to read, be it bytes, the end or an error.
    pub fn seen_readable(&self) -> bool {
        self.plain.slot.readable.get() || self.tls.as_ref().is_some_and(|tls| tls.borrow().holds())
    }

    /// Has the next read ask the kernel, whatever the reactor has seen.
    pub fn suspect(&self) {
        self.plain.slot.readable.set(true);
    }

    /// Whether the peer was seen to close its side.
    pub fn seen_closed(&self) -> bool {
        self.plain.slot.closed.get() || self.tls.as_ref().is_some_and(|tls| tls.borrow().ended())
    }

    /// Lets the socket rest: whatever arrives is told to `owner` by `label`.
    pub fn rest(&self, label: u64, owner: TaskId) {
        if self.tls.as_ref().is_some_and(|tls| tls.borrow().holds()) {
            // No event tells of what was decrypted already.
            self.plain.slot.readable.set(true);
        }
        self.plain.reactor.rest(&self.plain.slot, label, owner);
    }

    /// Ends its rest; it belongs to the running task.
    pub fn rouse(&self) {
        self.plain.reactor.rouse(&self.plain.slot);
    }

    /// The descriptor's number.
    pub fn number(&self) -> i32 {
        self.plain.fd.as_raw_fd()
    }

    /// Says that nothing more will be sent. Over TLS this alone says `close_notify`: a socket that is dropped
    /// (it may be in a forked child) sends nothing.
    pub fn finish(&self) {
        match &self.tls {
            None => self.plain.shut(),
            Some(tls) => tls.borrow_mut().finish(&self.plain),
        }
    }

    /// Has the close be a reset.
    pub fn set_reset(&self) {
        let _ = sockopt::set_socket_linger(&self.plain.fd, Some(std::time::Duration::ZERO));
    }

    /// What the kernel knows of a TCP connection.
    pub fn tcp_info(&self) -> Option<TcpInfo> {
        let mut info = std::mem::MaybeUninit::<libc::tcp_info>::zeroed();
        let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
        // rustix has no call for this one.
        #[allow(unsafe_code)]
        // SAFETY: the kernel writes at most `length` bytes, and a `tcp_info` may be all zeros.
        let info = unsafe {
            let got = libc::getsockopt(
                self.plain.fd.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                info.as_mut_ptr().cast(),
                &raw mut length,
            );
            (got == 0).then(|| info.assume_init())
        }?;
        Some(TcpInfo {
            rtt: info.tcpi_rtt,
            rttvar: info.tcpi_rttvar,
            send_window: info.tcpi_snd_cwnd,
            receive_space: info.tcpi_rcv_space,
            silence: info.tcpi_last_ack_recv,
        })
    }

    /// Turns Nagle's algorithm off; not an error on a unix socket.
    pub fn set_nodelay(&self) {
        let _ = sockopt::set_tcp_nodelay(&self.plain.fd, true);
    }

    /// The address this end has.
    pub fn local(&self) -> Option<Address> {
        net::getsockname(&self.plain.fd).ok().and_then(address_of)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({})", self.plain.fd.as_raw_fd())
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
