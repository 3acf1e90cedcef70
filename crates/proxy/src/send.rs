//! The sending half of a proxied request, and what the driver asks of it.

use std::cell::RefCell;
use std::io::IoSlice;
use std::task::Poll;

use rustix::io::Errno;
use surehop_engine::{Attempt, Cause, Group, Notice, Phase, Reason, Session, Verdict};
use surehop_hop::buffer::Buf;
use surehop_hop::clock::Millis;
use surehop_hop::drive::{Exchange as Driven, Fault, Heard, Stopped};
use surehop_hop::socket::Socket;
use surehop_wire::request::Framing;
use surehop_wire::response::{ResponseError, ResponseHead};
use surehop_wire::scan::HeadScan;

use crate::client::{Body, BodyError, Client};
use crate::config::{GroupConf, ProxyConf};
use crate::exchange::Exchange;
use crate::framer::Framer;
use crate::hints;
use crate::log;
use crate::plan::Level;
use crate::told;
use crate::worker::{Worker, recovery_text};

/// `103 Early Hints`
const EARLY_HINTS: u16 = 103;
/// How many sends one poll makes before the other connections have their turn.
const ROUNDS: usize = 16;

/// A request on its way upstream.
pub struct Sender<'a> {
    /// The worker it runs on.
    pub worker: &'a Worker,
    /// Who asked.
    pub client: &'a mut Client,
    /// What is known about it.
    pub ex: &'a mut Exchange,
    /// The group it goes to.
    pub group: &'a GroupConf,
    cell: &'a RefCell<Group>,
    /// What its location says.
    pub proxy: &'a ProxyConf,
    /// What is still to come of its body.
    pub body: Body,
    /// Why the client could not send its body.
    pub failure: Option<BodyError>,
    /// What the client has not taken yet of early hints.
    pub hints: Vec<u8>,
    /// `proxy_bind`, as it is written.
    pub local: Vec<u8>,
    /// `client_body_timeout`.
    pub body_timeout: Millis,
    /// What goes in place of the client's body.
    own: Option<Buf>,
    /// Whether the client's body goes.
    pass: bool,
    held_at: usize,
    /// How far a body in a file has been read.
    file_at: u64,
    stream: Option<Buf>,
    framer: Framer,
    chunked: bool,
    head_at: usize,
    sent: u64,
    heard: bool,
    body_progress: Millis,
    waiting: bool,
    scan: HeadScan,
    fault: Option<ResponseError>,
    /// `resilience off`: every failure is told as nginx tells it.
    nginx: bool,
}

impl<'a> Sender<'a> {
    /// A request whose body is what was taken in if it is to `pass`, or else its location's `own`; `body` is
    /// what is still to come.
    #[allow(clippy::too_many_arguments)] // one place makes it
    pub fn new(
        worker: &'a Worker,
        client: &'a mut Client,
        ex: &'a mut Exchange,
        (group, cell): (&'a GroupConf, &'a RefCell<Group>),
        proxy: &'a ProxyConf,
        body: Body,
        (own, pass): (Option<Buf>, bool),
        framing: Framing,
        nginx: bool,
    ) -> Self {
        let chunked = framing == Framing::Chunked;
        Self {
            worker,
            client,
            ex,
            group,
            cell,
            proxy,
            body,
            failure: None,
            hints: Vec::new(),
            local: Vec::new(),
            body_timeout: 60_000,
            own,
            pass,
            held_at: 0,
            file_at: 0,
            stream: None,
            framer: Framer::new(chunked),
            chunked,
            head_at: 0,
            sent: 0,
            heard: false,
            body_progress: worker.reactor.now(),
            waiting: false,
            scan: HeadScan::response(),
            fault: None,
            nginx,
        }
    }

    /// Whether the request was sent whole.
    pub fn whole(&self) -> bool {
        self.head_at == self.ex.upstream_head.len() && self.framer.done()
    }

    /// Counts bytes that went to the upstream behind the request.
    pub fn count(&mut self, n: usize) {
        self.sent += n as u64;
    }

    /// Gives back what a request that was sent is not needed for any more: what follows may take days. Its
    /// head is still asked for by the logs.
    pub fn lighten(&mut self) {
        for buf in [self.own.take(), self.stream.take()].into_iter().flatten() {
            self.worker.buffers.give(buf);
        }
        if let Some(raw) = self.ex.raw.take() {
            let mut small = Buf::new(raw.len());
            small.push(raw.data());
            self.worker.buffers.give(raw);
            self.ex.raw = Some(small);
        }
    }

    /// Takes more of the body from the client.
    fn poll_take(&mut self) -> Poll<Result<(), Stopped>> {
        let stream = self
            .stream
            .get_or_insert_with(|| self.worker.buffers.large());
        stream.compact();
        if let Some(spool) = self.ex.spool.as_ref().filter(|_| self.pass) {
            return match spool.read(self.file_at, stream.space()) {
                Ok(n) if n > 0 => {
                    stream.filled(n);
                    self.file_at += n as u64;
                    Poll::Ready(Ok(()))
                }
                // Somebody has cut the file off.
                _ => {
                    self.failure = Some(BodyError::Lost);
                    Poll::Ready(Err(Stopped::Sender))
                }
            };
        }
        self.ex.session.body_lost();
        let fail = |failure: &mut Option<BodyError>, error| {
            *failure = Some(error);
            Poll::Ready(Err(Stopped::Sender))
        };
        let now = self.worker.reactor.now();
        match self.client.poll_body(self.worker, &mut self.body, stream) {
            Poll::Ready(Ok(_)) => {
                self.body_progress = now;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => fail(&mut self.failure, error),
            Poll::Pending if now >= self.body_progress + self.body_timeout => {
                fail(&mut self.failure, BodyError::TimedOut)
            }
            Poll::Pending => {
                self.worker
                    .reactor
                    .arm(self.body_progress + self.body_timeout);
                Poll::Pending
            }
        }
    }

    /// nginx passes an answer without a head on as it is.
    fn headless(&mut self, error: ResponseError) -> Heard {
        if let Some(attempt) = self.ex.session.attempts().last().copied() {
            self.tell(Level::Error, &attempt, |out| {
                error.message(&self.ex.response_raw, out);
                out.extend_from_slice(b" while reading response header from upstream");
            });
        }
        self.ex.response.headless();
        self.ex.response_raw.clear();
        Heard::Head(0, self.ex.response.status)
    }

    /// The upstream's name in the error log.
    fn peer(&self, attempt: &Attempt) -> &'a str {
        self.group.peer_name(attempt.peer)
    }

    /// Writes a line about an attempt.
    pub fn tell(&self, level: Level, attempt: &Attempt, sentence: impl Fn(&mut Vec<u8>)) {
        told::line(
            self.worker,
            self.client,
            self.ex,
            level,
            Some(self.peer(attempt)),
            sentence,
        );
    }

    fn tell_fault(&self, level: Level, attempt: &Attempt, fault: Fault) {
        self.tell(level, attempt, |out| {
            sentence(
                out,
                fault,
                self.peer(attempt),
                self.fault.as_ref(),
                &self.ex.response_raw,
            );
            out.extend_from_slice(match fault.phase {
                Phase::Send => b" while sending request to upstream",
                Phase::Head => b" while reading response header from upstream",
                _ => b" while connecting to upstream",
            });
        });
    }

    fn tell_notice(&self, notice: Notice, attempt: Option<(&Attempt, Phase)>) {
        match (notice, attempt) {
            (Notice::Ejected { .. }, Some((attempt, phase))) => {
                self.tell(Level::Warn, attempt, |out| {
                    out.extend_from_slice(b"upstream server temporarily disabled while ");
                    out.extend_from_slice(match phase {
                        Phase::Send => b"sending request to upstream",
                        Phase::Head => b"reading response header from upstream",
                        Phase::Body => b"reading upstream",
                        _ => b"connecting to upstream",
                    });
                });
            }
            (Notice::Ejected { peer, reason }, None) => {
                let text = format!(
                    "upstream server temporarily disabled: {reason}, upstream: \"{}\", peer: \"{}\"",
                    self.group.name,
                    self.group.peer_name(peer)
                );
                self.worker
                    .logs
                    .main(self.worker.reactor.now(), Level::Warn, &text);
            }
            (
                Notice::Recovered {
                    peer,
                    out_for,
                    probes,
                },
                _,
            ) if !self.nginx => {
                let text = recovery_text(self.group, peer, out_for, probes);
                self.worker
                    .logs
                    .main(self.worker.reactor.now(), Level::Notice, &text);
            }
            (Notice::Recovered { .. }, _) => {}
        }
    }
}

/// How loudly nginx tells of a failure: what the kernel refuses at once for reasons of its own is `crit`.
fn graded(fault: Fault) -> Level {
    let usual = [
        Errno::CONNREFUSED,
        Errno::AGAIN,
        Errno::CONNRESET,
        Errno::NETDOWN,
        Errno::NETUNREACH,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
    ];
    let known = usual.iter().any(|e| e.raw_os_error() == fault.errno);
    if fault.at_once && !known {
        Level::Crit
    } else {
        Level::Error
    }
}

/// nginx's words for a failure, up to `while`.
fn sentence(
    out: &mut Vec<u8>,
    fault: Fault,
    peer: &str,
    invalid: Option<&ResponseError>,
    raw: &[u8],
) {
    match (fault.phase, fault.cause) {
        (_, Cause::TimedOut) if !fault.at_once => {
            out.extend_from_slice(b"upstream timed out");
            log::errno(out, Errno::TIMEDOUT.raw_os_error());
        }
        (Phase::Send, _) => {
            out.extend_from_slice(b"writev() failed");
            log::errno(out, fault.errno);
        }
        (Phase::Head, Cause::Closed) => {
            out.extend_from_slice(b"upstream prematurely closed connection");
        }
        (Phase::Head, Cause::TooBig) => out.extend_from_slice(b"upstream sent too big header"),
        (Phase::Head, Cause::Invalid) => match invalid {
            Some(error) => error.message(raw, out),
            None => out.extend_from_slice(b"upstream sent no valid HTTP/1.0 header"),
        },
        (Phase::Head, _) => {
            out.extend_from_slice(b"recv() failed");
            log::errno(out, fault.errno);
        }
        _ => {
            out.extend_from_slice(b"connect()");
            if fault.at_once {
                out.extend_from_slice(b" to ");
                out.extend_from_slice(peer.as_bytes());
            }
            out.extend_from_slice(b" failed");
            log::errno(out, fault.errno);
        }
    }
}

impl Drop for Sender<'_> {
    fn drop(&mut self) {
        for buf in [self.own.take(), self.stream.take()].into_iter().flatten() {
            self.worker.buffers.give(buf);
        }
        // Only a panic leaves the session in the middle; its peer must not count this request for ever.
        if let Ok(mut group) = self.cell.try_borrow_mut() {
            let now = self.worker.reactor.now();
            self.ex.session.abandon(&mut group, now);
            self.worker.connections.sweep(&mut group);
        }
    }
}

impl Driven for Sender<'_> {
    fn session(&mut self) -> &mut Session {
        &mut self.ex.session
    }

    fn rewind(&mut self, now: Millis) {
        self.head_at = 0;
        self.held_at = 0;
        if self.file_at > 0 {
            self.file_at = 0;
            if let Some(stream) = &mut self.stream {
                stream.clear();
            }
        }
        self.sent = 0;
        self.heard = false;
        self.framer = Framer::new(self.chunked);
        self.scan = HeadScan::response();
        self.body_progress = now;
        self.ex.response_raw.clear();
    }

    fn poll_send(&mut self, to: &Socket) -> Poll<Result<(), Stopped>> {
        self.waiting = false;
        for round in 0.. {
            if round == ROUNDS {
                self.worker.reactor.again();
                break;
            }
            let held = match &self.own {
                None if self.pass => self.ex.held.as_ref(),
                own => own.as_ref(),
            };
            let held = held.map_or(&[][..], |held| &held.data()[self.held_at..]);
            let streaming = held.is_empty();
            let data = match &self.stream {
                Some(stream) if streaming => stream.data(),
                _ => held,
            };
            let filed = self.ex.spool.as_ref().filter(|_| self.pass);
            let last = self.body.done() && filed.is_none_or(|spool| spool.len == self.file_at);
            self.framer.open(data.len(), last);
            let head = &self.ex.upstream_head[self.head_at..];
            if head.is_empty() && self.framer.idle() {
                if self.framer.done() {
                    return Poll::Ready(Ok(()));
                }
                match self.poll_take() {
                    Poll::Ready(Ok(())) => continue,
                    Poll::Ready(Err(stopped)) => return Poll::Ready(Err(stopped)),
                    Poll::Pending => {
                        self.waiting = true;
                        return Poll::Pending;
                    }
                }
            }
            let wrote = if self.framer.idle() {
                to.poll_write(&[IoSlice::new(head)])
            } else {
                let [pre, data, post, _] = self.framer.parts(data);
                to.poll_write(&[IoSlice::new(head), pre, data, post])
            };
            match wrote {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(Stopped::Upstream(e))),
                Poll::Ready(Ok(n)) => {
                    // Nobody listened to the client meanwhile, so it owed nothing.
                    self.body_progress = self.worker.reactor.now();
                    self.sent += n as u64;
                    let of_head = n.min(head.len());
                    self.head_at += of_head;
                    let of_data = self.framer.sent(n - of_head);
                    match &mut self.stream {
                        Some(stream) if streaming => stream.consume(of_data),
                        _ => self.held_at += of_data,
                    }
                }
            }
        }
        Poll::Pending
    }

    fn sent(&self) -> u64 {
        self.sent
    }

    fn waiting(&self) -> bool {
        self.waiting
    }

    fn gone(&mut self) -> bool {
        // As long as the client sends its body, reading that tells.
        if self.proxy.plan.crossing.ignore_client_abort
            || !self.body.done()
            || !self.client.socket.peer_closed()
        {
            return false;
        }
        let attempt = self.ex.session.attempts().last().copied();
        let phase: &[u8] = match attempt {
            Some(attempt) if attempt.phase == Phase::Connect => b"connecting to upstream",
            // nginx reads from the first byte of the answer on.
            Some(_) if !self.heard => b"sending request to upstream",
            _ => b"reading response header from upstream",
        };
        let line = |out: &mut Vec<u8>| {
            out.extend_from_slice(
                b"epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too while ",
            );
            out.extend_from_slice(phase);
        };
        match attempt {
            Some(attempt) => self.tell(Level::Info, &attempt, line),
            None => told::line(self.worker, self.client, self.ex, Level::Info, None, line),
        }
        true
    }

    fn hear(&mut self, bytes: &[u8], limit: usize) -> Result<Heard, Cause> {
        let fail = |s: &mut Self, error: ResponseError, bytes: &[u8]| {
            s.ex.response_raw.clear();
            s.ex.response_raw.extend_from_slice(bytes);
            if s.nginx && matches!(error, ResponseError::StatusLine) {
                return Ok(s.headless(error));
            }
            s.fault = Some(error);
            Err(Cause::Invalid)
        };
        self.heard = true;
        #[cfg(test)]
        crate::panic_tests::provoke(self.ex, "X-Panic-Late");
        let Some(end) = self.scan.advance(bytes) else {
            return match ResponseHead::refuse_early(bytes) {
                Ok(()) => Ok(Heard::More),
                Err(error) => fail(self, error, bytes),
            };
        };
        self.scan = HeadScan::response();
        if end > limit {
            return Err(Cause::TooBig);
        }
        let raw = &bytes[..end];
        let to_head = self.ex.upstream_head.starts_with(b"HEAD ");
        let mut read = self.ex.response.parse(raw, to_head);
        if self.worker.config.plan.strict {
            read = read.and_then(|()| self.ex.response.refuse_controls(raw));
        }
        if let Err(error) = read {
            return fail(self, error, raw);
        }
        if self.ex.response.interim() {
            if self.ex.response.status == EARLY_HINTS {
                hints::hint(self, raw);
            }
            return Ok(Heard::Interim(end));
        }
        self.ex.response_raw.clear();
        self.ex.response_raw.extend_from_slice(raw);
        Ok(Heard::Head(end, self.ex.response.status))
    }

    fn failed(&mut self, attempt: &Attempt, fault: Fault, notices: &[Notice], known_out: bool) {
        if fault.cause == Cause::NoPorts {
            self.worker.make_room_for(fault.errno);
        }
        if fault.cause == Cause::Status {
            // nginx says nothing of a status that goes to the next peer, except that a peer went out.
            for notice in notices {
                self.tell_notice(*notice, Some((attempt, fault.phase)));
            }
            return;
        }
        let ejected_now = notices
            .iter()
            .any(|notice| matches!(notice, Notice::Ejected { .. }));
        let quiet =
            !self.nginx && (attempt.verdict == Verdict::Replayed || known_out && !ejected_now);
        let level = if quiet { Level::Info } else { graded(fault) };
        // nginx tells of a time-out after what it led to, of everything else before.
        if fault.cause != Cause::TimedOut {
            self.tell_fault(level, attempt, fault);
        }
        for notice in notices {
            let about = match notice {
                Notice::Ejected { peer, .. } if *peer == attempt.peer => {
                    Some((attempt, fault.phase))
                }
                _ => None,
            };
            self.tell_notice(*notice, about);
        }
        if fault.cause == Cause::TimedOut {
            self.tell_fault(level, attempt, fault);
        }
        if attempt.verdict == Verdict::Replayed {
            self.tell(Level::Info, attempt, |out| {
                out.extend_from_slice(
                    b"reused connection was dead, replaying on a fresh one while connecting to upstream",
                );
            });
        }
        if attempt.reason == Reason::Poison {
            self.tell(Level::Error, attempt, |out| {
                out.extend_from_slice(
                    b"the request killed fresh connections of two upstream servers and goes no further (poison) while reading response header from upstream",
                );
            });
        }
    }

    fn make_room(&mut self) {
        self.worker.make_room();
    }

    fn has_room(&self) -> bool {
        self.worker.has_room()
    }

    fn crowded(&mut self, attempt: &Attempt) {
        self.tell(Level::Alert, attempt, |out| {
            out.extend_from_slice(self.worker.too_few().as_bytes());
            out.extend_from_slice(b" while connecting to upstream");
        });
    }

    fn unbound(&mut self, attempt: &Attempt, errno: Errno) {
        self.tell(Level::Crit, attempt, |out| {
            out.extend_from_slice(b"bind(");
            out.extend_from_slice(&self.local);
            out.extend_from_slice(b") failed");
            log::errno(out, errno.raw_os_error());
            out.extend_from_slice(b" while connecting to upstream");
        });
    }

    fn no_live(&mut self, attempt: &Attempt) {
        let first = self.nginx || self.worker.first_no_live(self.group);
        let level = if first { Level::Error } else { Level::Info };
        self.tell(level, attempt, |out| {
            out.extend_from_slice(b"no live upstreams while connecting to upstream");
        });
    }

    fn noticed(&mut self, notice: Notice) {
        self.tell_notice(notice, None);
    }
}
