//! A client's connection: reading heads and bodies, sending answers, closing without a reset.

use std::cell::OnceCell;
use std::io::IoSlice;
use std::task::Poll;

use rustix::io::Errno;
use surehop_hop::buffer::{Buf, LARGE, SMALL};
use surehop_hop::clock::Millis;
use surehop_hop::socket::{Address, Socket};
use surehop_wire::request::{Framing, RequestError};
use surehop_wire::{chunked, scan::HeadScan};

use crate::crowd::Spot;
use crate::exchange::Exchange;
use crate::heading;
use crate::lingering::Linger;
use crate::post::IdleClient;
use crate::real_ip;
use crate::worker::Worker;

/// How long a client that has just been answered may still ask when the process goes down: its next request
/// may be on its way already, and a close would meet it with a reset.
const COURTESY: Millis = 1_000;
/// Requests that are taken up one after the other before the other connections have their turn.
const IN_A_ROW: u32 = 16;

/// A connection from a client.
#[derive(Debug)]
pub struct Client {
    /// Its socket.
    pub socket: Socket,
    /// Bytes read and not yet used; none while it is idle.
    pub buf: Option<Buf>,
    /// `$connection`.
    pub number: u64,
    /// The listener it came by.
    pub listener: usize,
    /// Where it comes from.
    pub remote: Option<Address>,
    /// The same as text, without the port.
    pub remote_text: Box<str>,
    /// Who it is itself, while a proxy's word for who it is is taken.
    pub before: Option<Box<real_ip::Before>>,
    /// When it was accepted.
    pub opened: Millis,
    /// `$connection_requests`.
    pub requests: u64,
    /// Bytes of the current request's body that were read, framing included.
    pub body_read: u64,
    /// Bytes of its data.
    pub body_data: u64,
    /// Whether all of it was read that ever will be.
    pub body_settled: bool,
    /// What its data may have; 0 is no limit. Asked where the length is not said beforehand.
    pub body_limit: u64,
    in_a_row: u32,
    /// How long it may be idle, by the location of its last request.
    pub idle_timeout: Millis,
    /// The location of its last request, whose error log speaks of the connection from then on.
    pub place: Option<usize>,
    /// `keepalive_min_timeout`, by the same.
    pub promised: Millis,
    /// How it is closed, by the same.
    pub linger: Linger,
    /// Whether it was too slow.
    pub timed_out: bool,
    local: OnceCell<Option<Address>>,
}

/// What came of waiting for a request.
#[derive(Debug)]
pub enum Arrival {
    /// A whole head, read into the exchange.
    Request,
    /// The connection is over and nothing was begun.
    Over(Over),
    /// The client left, or was too slow, in the middle of a head: logged with this status, not answered.
    Broken(u16),
    /// The head is refused.
    Refused(RequestError),
}

/// How a connection ended between two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The client closed it.
    Closed,
    /// It failed.
    Broken(Errno),
    /// Nothing came for too long.
    TimedOut,
    /// The worker goes down.
    Stopping,
    /// Its place is needed.
    Crowded,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// The client went away.
    Gone,
    /// Its chunks are malformed.
    Invalid,
    /// It is longer than `client_max_body_size`: bytes of the chunks before, and of the one too many.
    TooLarge(u64, u64),
    /// It stopped coming.
    TimedOut,
    /// It was put aside and is not there any more.
    Lost,
}

/// How much of a request's body is still to come from the client.
#[derive(Debug)]
pub enum Body {
    /// Nothing.
    Done,
    /// That many bytes.
    Length(u64),
    /// Chunks.
    Chunked(chunked::Decoder),
}

impl Body {
    /// The body that a head announces.
    pub fn of(framing: &Framing) -> Self {
        match framing {
            Framing::None | Framing::Length(0) => Self::Done,
            Framing::Length(n) => Self::Length(*n),
            Framing::Chunked => Self::Chunked(chunked::Decoder::new()),
        }
    }

    /// Whether all of it has been read.
    pub fn done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl Client {
    /// A connection that has just been accepted.
    pub fn new(
        socket: Socket,
        remote: Option<Address>,
        number: u64,
        listener: usize,
        now: Millis,
    ) -> Self {
        let remote_text = match &remote {
            Some(Address::Ip(address)) => address.ip().to_string().into(),
            _ => "unix:".into(),
        };
        Self {
            socket,
            buf: None,
            number,
            listener,
            remote,
            remote_text,
            before: None,
            opened: now,
            requests: 0,
            body_read: 0,
            body_data: 0,
            body_settled: false,
            body_limit: 0,
            in_a_row: 0,
            idle_timeout: 0,
            place: None,
            promised: 0,
            linger: Linger::default(),
            timed_out: false,
            local: OnceCell::new(),
        }
    }

    /// A client that other workers knew before. None if it has no place here, or is gone.
    pub fn from_idle(worker: &Worker, idle: IdleClient) -> Option<Self> {
        let same = |l: &crate::config::ListenerConf| l.address == idle.listener;
        let listener = worker.config.listeners.iter().position(same)?;
        let socket = Socket::attach(&worker.reactor, idle.fd).ok()?;
        let mut client = Self::new(socket, idle.remote, idle.number, listener, idle.opened);
        client.requests = idle.requests;
        client.idle_timeout = idle.idle_timeout;
        Some(client)
    }

    /// What other workers need to go on with this client, which has no request under way.
    pub fn into_idle(self, worker: &Worker) -> Option<IdleClient> {
        Some(IdleClient {
            remote: self.remote,
            listener: worker.config.listeners[self.listener].address.clone(),
            number: self.number,
            opened: self.opened,
            requests: self.requests,
            idle_timeout: self.idle_timeout,
            fd: self.socket.detach().ok()?,
        })
    }

    /// The address the client connected to.
    pub fn local_address(&self) -> Option<String> {
        match self.local.get_or_init(|| self.socket.local()) {
            Some(Address::Ip(address)) => Some(address.ip().to_string()),
            Some(unix) => Some(unix.to_string()),
            None => None,
        }
    }

    /// Waits until something has come of a next request, be it the connection's end.
    pub async fn arrive(&mut self, worker: &Worker, spot: &Spot) -> Result<(), Over> {
        let server = &worker.config.servers[worker.config.listeners[self.listener].default].plan;
        let first = self.requests == 0;
        let timeout = if first {
            server.client_header_timeout_ms
        } else {
            self.idle_timeout
        };
        // Requests in a row that were waiting already: others must have their turn between them.
        self.in_a_row += 1;
        if self.in_a_row.is_multiple_of(IN_A_ROW) {
            worker.reactor.give_way().await;
        }
        if let Some(buf) = self.buf.take() {
            if !buf.is_empty() {
                self.buf = Some(buf);
                return Ok(());
            }
            worker.buffers.give(buf);
        }
        let mut in_a_row = self.in_a_row;
        let rx = &worker.reactor;
        let since = rx.now();
        let arrived = || {
            if self.socket.seen_readable() {
                return Poll::Ready(Ok(()));
            }
            self.socket.wait_read();
            rx.patiently();
            in_a_row = 0;
            if spot.leaves() {
                return Poll::Ready(Err(Over::Crowded));
            }
            worker.crowd.rest(spot, since + self.promised, rx.current());
            // As in nginx, who has just come may still ask.
            if !worker.stopping() || first {
                return Poll::Pending;
            }
            // Who was promised some time has it, also of a worker that goes down.
            let courtesy = since + self.promised.max(COURTESY);
            if worker.handing() || rx.now() >= courtesy {
                return Poll::Ready(Err(Over::Stopping));
            }
            rx.arm(courtesy);
            Poll::Pending
        };
        let over = rx
            .until(since + timeout, arrived)
            .await
            .unwrap_or(Err(Over::TimedOut));
        spot.busy();
        self.in_a_row = in_a_row;
        over
    }

    /// Whether something came that nobody read: a close would then be a reset.
    pub fn unread(&self) -> bool {
        let kept = self.buf.as_ref().is_some_and(|buf| !buf.is_empty());
        kept || self.socket.seen_readable() && !self.socket.seen_closed()
    }

    /// Reads the head of the next request.
    pub async fn request(&mut self, worker: &Worker, ex: &mut Exchange) -> Arrival {
        let listener = &worker.config.listeners[self.listener];
        let server = &worker.config.servers[listener.default].plan;
        let limits = server.heads.limits(worker.config.plan.strict);
        let mut then = None;
        let mut most = LARGE.max(limits.room.most() + SMALL);
        let mut scan = HeadScan::request();
        let mut deadline = worker.reactor.now() + server.client_header_timeout_ms;
        let mut begun = false;
        ex.pipelined = self.requests > 0 && self.buf.as_ref().is_some_and(|buf| !buf.is_empty());
        let end = loop {
            if let Some(buf) = self.buf.as_mut().filter(|buf| !buf.is_empty()) {
                if !begun {
                    begun = true;
                    ex.started = worker.reactor.now();
                    deadline = ex.started + server.client_header_timeout_ms;
                }
                let whole = scan.advance(buf.data());
                if then.is_none() {
                    then = heading::behind_host(worker, listener, &mut ex.course, buf.data());
                    if let Some((_, limits)) = &then {
                        most = most.max(limits.room.most() + SMALL);
                    }
                }
                if whole.is_some() {
                    break whole;
                }
                let then = then.as_ref().map(|(from, limits)| (*from, limits));
                match ex.head.refuse_early_for(buf.data(), &limits, then) {
                    Ok(()) => {}
                    // There is no more of it.
                    Err(RequestError::Http09) => break None,
                    Err(error) => return self.refuse(ex, error),
                }
            }
            let read = worker
                .reactor
                .until(deadline, || match self.poll_fill(worker, most) {
                    // What has come is answered, even now.
                    Poll::Pending if !begun && worker.stopping() => {
                        Poll::Ready(Err(Errno::SHUTDOWN))
                    }
                    other => other,
                })
                .await;
            match read {
                Ok(Ok(n)) if n > 0 => {}
                Ok(_) if begun => return self.broken(ex, 400),
                Err(_) if begun => {
                    self.timed_out = true;
                    return self.broken(ex, 408);
                }
                Ok(Err(Errno::SHUTDOWN)) => return Arrival::Over(Over::Stopping),
                Ok(Err(e)) => return Arrival::Over(Over::Broken(e)),
                Ok(Ok(_)) => return Arrival::Over(Over::Closed),
                Err(_) => return Arrival::Over(Over::TimedOut),
            }
        };
        let Some(buf) = self.buf.as_ref() else {
            return Arrival::Over(Over::Closed);
        };
        let then = then.as_ref().map(|(from, limits)| (*from, limits));
        let read = match end {
            Some(end) => ex.head.parse_for(&buf.data()[..end], &limits, then),
            None => Err(RequestError::Http09),
        };
        let end = match (read, end) {
            (Ok(()), Some(end)) => end,
            _ => ex.head.simple_end(buf.data()),
        };
        match read {
            Ok(()) | Err(RequestError::Http09) => {
                self.take_head(worker, ex, end);
                Arrival::Request
            }
            Err(error) => self.refuse(ex, error),
        }
    }

    fn broken(&mut self, ex: &mut Exchange, status: u16) -> Arrival {
        ex.raw = self.buf.take();
        Arrival::Broken(status)
    }

    fn refuse(&mut self, ex: &mut Exchange, error: RequestError) -> Arrival {
        ex.raw = self.buf.take();
        Arrival::Refused(error)
    }

    /// Moves the head into the exchange; what came behind it stays.
    fn take_head(&mut self, worker: &Worker, ex: &mut Exchange, end: usize) {
        let Some(mut buf) = self.buf.take() else {
            return;
        };
        if buf.len() > end {
            let rest = &buf.data()[end..];
            let mut kept = if rest.len() > surehop_hop::buffer::SMALL {
                worker.buffers.large()
            } else {
                worker.buffers.small()
            };
            kept.push(rest);
            self.buf = Some(kept);
            buf.truncate(end);
        }
        ex.request_length = end as u64 - u64::from(ex.head.line.start);
        (self.body_read, self.body_data) = (0, 0);
        self.body_settled = false;
        ex.raw = Some(buf);
    }

    /// Receives behind what is there, into a buffer that is taken from the store when there is
    /// something to receive, and grows up to `most`.
    fn poll_fill(&mut self, worker: &Worker, most: usize) -> Poll<Result<usize, Errno>> {
        if !self.socket.seen_readable() {
            if self.buf.as_ref().is_some_and(Buf::is_empty)
                && let Some(buf) = self.buf.take()
            {
                worker.buffers.give(buf);
            }
            self.socket.wait_read();
            return Poll::Pending;
        }
        let buf = self.buf.get_or_insert_with(|| worker.buffers.small());
        if buf.space().is_empty() {
            buf.compact();
            if buf.space().is_empty() && buf.capacity() < most {
                let mut large = match buf.capacity() {
                    size if size < LARGE => worker.buffers.large(),
                    size => Buf::new(most.min(size * 2)),
                };
                large.push(buf.data());
                worker.buffers.give(std::mem::replace(buf, large));
            }
        }
        let read = self.socket.poll_read(buf.space());
        if let Poll::Ready(Ok(n)) = read {
            buf.filled(n);
        }
        read
    }

    /// Reads body bytes into `into`; ready when some came or the body is whole.
    pub fn poll_body(
        &mut self,
        worker: &Worker,
        body: &mut Body,
        into: &mut Buf,
    ) -> Poll<Result<usize, BodyError>> {
        loop {
            let have = self.buf.as_ref().is_some_and(|buf| !buf.is_empty());
            match body {
                Body::Done => return Poll::Ready(Ok(0)),
                Body::Length(left) => {
                    let want = (*left).min(into.space().len() as u64) as usize;
                    if want == 0 {
                        return Poll::Ready(Ok(0));
                    }
                    let n = if let Some(buf) = self.buf.as_mut().filter(|_| have) {
                        let n = want.min(buf.len());
                        into.push(&buf.data()[..n]);
                        buf.consume(n);
                        n
                    } else {
                        match self.socket.poll_read(&mut into.space()[..want]) {
                            Poll::Pending => return Poll::Pending,
                            Poll::Ready(Ok(n)) if n > 0 => {
                                into.filled(n);
                                n
                            }
                            Poll::Ready(_) => return Poll::Ready(Err(BodyError::Gone)),
                        }
                    };
                    *left -= n as u64;
                    self.body_read += n as u64;
                    self.body_data += n as u64;
                    if *left == 0 {
                        *body = Body::Done;
                        self.body_settled = true;
                    }
                    return Poll::Ready(Ok(n));
                }
                Body::Chunked(decoder) => {
                    if let Some(buf) = self.buf.as_mut().filter(|_| have) {
                        let room = into.space().len();
                        if room == 0 {
                            return Poll::Ready(Ok(0));
                        }
                        // Offering no more than there is room for keeps data from being lost.
                        let offered = buf.len().min(room);
                        let Ok(step) = decoder.decode(&buf.data()[..offered]) else {
                            return Poll::Ready(Err(BodyError::Invalid));
                        };
                        let n = step.data.len();
                        into.push(&buf.data()[step.data.clone()]);
                        buf.consume(step.consumed);
                        // What is left belongs to the next chunk if its size came behind the data.
                        let (data, left) = (n as u64, decoder.left());
                        let (before, chunk) = if left > 0 && step.consumed > step.data.end {
                            (self.body_data + data, left)
                        } else {
                            (self.body_data, data + left)
                        };
                        if self.body_limit > 0 && before + chunk > self.body_limit {
                            return Poll::Ready(Err(BodyError::TooLarge(before, chunk)));
                        }
                        self.body_read += step.consumed as u64;
                        self.body_data += data;
                        if step.done {
                            *body = Body::Done;
                            self.body_settled = true;
                            return Poll::Ready(Ok(n));
                        }
                        if n > 0 {
                            return Poll::Ready(Ok(n));
                        }
                        if step.consumed > 0 {
                            continue;
                        }
                    }
                    match self.poll_fill(worker, LARGE) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Ok(n)) if n > 0 => {}
                        Poll::Ready(_) => return Poll::Ready(Err(BodyError::Gone)),
                    }
                }
            }
        }
    }

    /// Sends some of `parts`, waiting as long as `send_timeout` allows.
    pub async fn send(
        &mut self,
        worker: &Worker,
        location: Option<usize>,
        parts: &[IoSlice<'_>],
    ) -> Result<usize, Errno> {
        let timeout = match location {
            Some(location) => worker.config.locations[location].plan.send_timeout_ms,
            None => 60_000,
        };
        let deadline = worker.reactor.now() + timeout;
        let sent = worker
            .reactor
            .until(deadline, || self.socket.poll_write(parts))
            .await;
        self.timed_out |= sent.is_err();
        sent.unwrap_or(Err(Errno::TIMEDOUT))
    }
}
