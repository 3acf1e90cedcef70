//! The adapter between rustls and a socket: records in, records out, nothing but polling.

use std::cell::RefCell;
use std::io::{self, IoSlice, Read, Write};
use std::task::Poll;

use rustix::io::Errno;
use rustls::ClientConnection;

use super::fault::TlsFault;
use crate::buffer::Buf;
use crate::plain::Plain;

/// Ciphertext that one receive may bring.
const BLOCK: usize = 64 * 1024;
/// Unused blocks that a thread keeps.
const KEPT: usize = 8;

thread_local! {
    /// A block belongs to a connection only while it has bytes to hold.
    static BLOCKS: RefCell<Vec<Buf>> = const { RefCell::new(Vec::new()) };
}

fn block() -> Buf {
    BLOCKS
        .with_borrow_mut(Vec::pop)
        .unwrap_or_else(|| Buf::new(BLOCK))
}

fn give_back(mut block: Buf) {
    block.clear();
    // A thread that ends has no store any more.
    let _ = BLOCKS.try_with(|blocks| {
        let mut blocks = blocks.borrow_mut();
        if blocks.len() < KEPT {
            blocks.push(block);
        }
    });
}

/// How the peer's side of the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// The peer said `close_notify`.
    Notified,
    /// The connection ended without that.
    Cut,
}

/// One TLS connection over a socket, or over another TLS connection.
pub(crate) struct Stream {
    session: ClientConnection,
    name: Box<str>,
    under: Option<Box<Stream>>,
    /// Ciphertext that came while there was no room for its plaintext.
    incoming: Option<Buf>,
    /// Decrypted bytes that rustls holds.
    decrypted: usize,
    end: End,
    /// Bytes that were encrypted, but not reported as sent since the kernel had taken nothing of them.
    owed: usize,
    /// The kernel has taken some since.
    taken: bool,
    /// Writing failed.
    broken: Option<Errno>,
    fault: Option<TlsFault>,
    /// The sending side is to be shut once everything is sent.
    finishing: bool,
    /// It was.
    shut: bool,
}

/// Where records go.
struct Out<'a> {
    plain: &'a Plain,
    under: Option<&'a mut Stream>,
    more: bool,
}

impl Write for Out<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let sent = match &mut self.under {
            None => self.plain.poll_send(parts, self.more),
            Some(under) => under.poll_write(self.plain, parts, self.more),
        };
        match sent {
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
            Poll::Ready(sent) => sent.map_err(io::Error::from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    pub(crate) fn new(session: ClientConnection, name: &str, under: Option<Box<Self>>) -> Self {
        Self {
            session,
            name: name.into(),
            under,
            incoming: None,
            decrypted: 0,
            end: End::Open,
            owed: 0,
            taken: false,
            broken: None,
            fault: None,
            finishing: false,
            shut: false,
        }
    }

    /// Ready when the handshake is done and the kernel has all that belongs to it.
    pub(crate) fn poll_handshake(&mut self, plain: &Plain) -> Poll<Result<(), TlsFault>> {
        loop {
            let flushed = self.poll_flush(plain, false);
            if !self.session.is_handshaking() {
                let failed = |e| TlsFault::of_socket(e, &self.name);
                return flushed.map(|flushed| flushed.map_err(failed));
            }
            // Where writing failed, the peer may have said why before it closed.
            match self.poll_receive(plain) {
                Poll::Pending => match flushed {
                    Poll::Ready(Err(e)) => {
                        return Poll::Ready(Err(TlsFault::of_socket(e, &self.name)));
                    }
                    _ => return Poll::Pending,
                },
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(TlsFault::closed(&self.name))),
                Poll::Ready(Err(e)) => {
                    return Poll::Ready(Err(TlsFault::of_socket(e, &self.name)));
                }
                Poll::Ready(Ok(_)) => {}
            }
            while self.incoming.is_some() && self.session.is_handshaking() {
                self.feed(plain);
                if let Some(fault) = &self.fault {
                    return Poll::Ready(Err(fault.clone()));
                }
            }
        }
    }

    pub(crate) fn poll_read(
        &mut self,
        plain: &Plain,
        buf: &mut [u8],
    ) -> Poll<Result<usize, Errno>> {
        self.push(plain);
        let mut got = 0;
        while got < buf.len() {
            if self.decrypted > 0 {
                match self.session.reader().read(&mut buf[got..]) {
                    Ok(n) if n > 0 => {
                        self.decrypted = self.decrypted.saturating_sub(n);
                        got += n;
                        continue;
                    }
                    _ => self.decrypted = 0,
                }
            }
            if self.incoming.is_some() {
                self.feed(plain);
                continue;
            }
            // One receive is enough for a caller who has something to do.
            if got > 0 || self.end != End::Open {
                break;
            }
            if self.fault.is_some() {
                return Poll::Ready(Err(Errno::PROTO));
            }
            match self.poll_receive(plain) {
                Poll::Pending => {
                    return self.broken.map_or(Poll::Pending, |e| Poll::Ready(Err(e)));
                }
                Poll::Ready(Ok(0)) => self.end = End::Cut,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
            }
        }
        Poll::Ready(Ok(got))
    }

    /// Receives ciphertext, unless some is there.
    fn poll_receive(&mut self, plain: &Plain) -> Poll<Result<usize, Errno>> {
        if let Some(block) = &self.incoming {
            return Poll::Ready(Ok(block.len()));
        }
        let mut block = block();
        let received = match &mut self.under {
            None => plain.poll_read(block.space()),
            Some(under) => under.poll_read(plain, block.space()),
        };
        match received {
            Poll::Ready(Ok(n)) if n > 0 => {
                block.filled(n);
                self.incoming = Some(block);
            }
            _ => give_back(block),
        }
        received
    }

    /// Has rustls look at what came: at some of it, as it takes it.
    fn feed(&mut self, plain: &Plain) {
        let Some(mut block) = self.incoming.take() else {
            return;
        };
        // Nothing taken: it came behind the end, or is no record.
        let taken = self.session.read_tls(&mut block.data()).unwrap_or(0);
        match self.session.process_new_packets() {
            Ok(state) => {
                self.decrypted = state.plaintext_bytes_to_read();
                if state.peer_has_closed() && self.end == End::Open {
                    self.end = End::Notified;
                }
            }
            Err(e) => {
                // Records before the broken one may have been decrypted; rustls does not say how many bytes.
                self.decrypted = usize::MAX;
                self.fault
                    .get_or_insert_with(|| TlsFault::of(&e, &self.name));
                // The peer is told why, if it still listens.
                self.push(plain);
            }
        }
        block.consume(taken);
        if taken == 0 || block.is_empty() || self.fault.is_some() {
            give_back(block);
        } else {
            self.incoming = Some(block);
        }
    }

    pub(crate) fn poll_write(
        &mut self,
        plain: &Plain,
        parts: &[IoSlice<'_>],
        more: bool,
    ) -> Poll<Result<usize, Errno>> {
        let flushed = self.poll_flush(plain, more);
        if let Some(sent) = self.settle() {
            return Poll::Ready(Ok(sent));
        }
        match flushed {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
            Poll::Pending => return Poll::Pending,
        }
        if self.fault.is_some() || self.shut {
            return Poll::Ready(Err(Errno::PIPE));
        }
        // What is encrypted can't be taken back.
        if !plain.slot.writable.get() {
            plain.wait_write();
            return Poll::Pending;
        }
        // rustls takes 64 KiB at most while nothing is pending.
        let n = match self.session.writer().write_vectored(parts) {
            Ok(0) => return Poll::Ready(Ok(0)),
            Ok(n) => n,
            Err(_) => return Poll::Ready(Err(Errno::PROTO)),
        };
        self.owed = n;
        self.taken = false;
        let flushed = self.poll_flush(plain, more);
        match self.settle() {
            Some(sent) => Poll::Ready(Ok(sent)),
            None => flushed.map(|flushed| flushed.map(|()| n)),
        }
    }

    /// The bytes that may be reported as sent, if the kernel took some of their ciphertext.
    fn settle(&mut self) -> Option<usize> {
        let sent = std::mem::take(&mut self.taken).then(|| std::mem::take(&mut self.owed));
        sent.filter(|sent| *sent > 0)
    }

    /// Sends what is pending as far as the kernel takes it; who reads next hears if that fails.
    pub(crate) fn push(&mut self, plain: &Plain) {
        let _ = self.poll_flush(plain, false);
    }

    fn poll_flush(&mut self, plain: &Plain, more: bool) -> Poll<Result<(), Errno>> {
        if let Some(e) = self.broken {
            return Poll::Ready(Err(e));
        }
        while self.session.wants_write() {
            let mut out = Out {
                plain,
                under: self.under.as_deref_mut(),
                more,
            };
            match self.session.write_tls(&mut out) {
                Ok(_) => self.taken |= self.owed > 0,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(e) => {
                    let e = Errno::from_io_error(&e).unwrap_or(Errno::IO);
                    self.broken = Some(e);
                    return Poll::Ready(Err(e));
                }
            }
        }
        if let Some(under) = &mut self.under {
            match under.poll_flush(plain, more) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
        }
        if std::mem::take(&mut self.finishing) {
            self.shut = true;
            match &mut self.under {
                None => plain.shut(),
                Some(under) => under.finish(plain),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Says `close_notify` and, once everything is sent, that nothing more will come.
    pub(crate) fn finish(&mut self, plain: &Plain) {
        self.session.send_close_notify();
        self.finishing = !self.shut;
        self.push(plain);
    }

    /// Whether a read would find something without asking the kernel.
    pub(crate) fn holds(&self) -> bool {
        self.decrypted > 0 || self.incoming.is_some() || self.ended() || self.fault.is_some()
    }

    pub(crate) fn ended(&self) -> bool {
        self.end != End::Open
    }

    pub(crate) fn cut(&self) -> bool {
        self.end == End::Cut
    }

    pub(crate) fn fault(&self) -> Option<&TlsFault> {
        self.fault.as_ref()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(block) = self.incoming.take() {
            give_back(block);
        }
    }
}
