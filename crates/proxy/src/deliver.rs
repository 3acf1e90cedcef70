//! The answer's way back: head first, then the body as it comes, with back-pressure.

use std::future::poll_fn;
use std::io::IoSlice;
use std::task::Poll;

use rustix::io::Errno;
use surehop_engine::{Attempt, Cause, Event, Keep};
use surehop_hop::buffer::{Buf, SMALL};
use surehop_hop::clock::Millis;
use surehop_hop::connections::{Upstream, cause_of};
use surehop_hop::drive::{Exchange as _, Route, Stopped, advance};
use surehop_wire::chunked::Decoder;
use surehop_wire::header::Known;
use surehop_wire::request::Method;
use surehop_wire::response::BodyFraming;
use surehop_wire::{date, status};

use crate::carriage::{self, Pace};
use crate::coming::{Coming, decode};
use crate::config::LocationConf;
use crate::connection::After;
use crate::filters;
use crate::framer::Framer;
use crate::head;
use crate::incoming;
use crate::log;
use crate::plan::Level;
use crate::send::Sender;
use crate::vars;

/// How many receives one poll makes before the other connections have their turn.
const ROUNDS: usize = 16;
/// `101 Switching Protocols`
const SWITCHING: u16 = 101;

/// Why the relay ended before the body did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    Upstream(Cause, Errno),
    /// The upstream closed where more was due.
    Short,
    Invalid,
    UpstreamTimedOut,
    Client(Errno),
    ClientTimedOut,
    ClientGone,
    SenderFailed,
}

struct Delivery {
    upstream: Upstream,
    coming: Coming,
    framer: Framer,
    head_at: usize,
    received: u64,
    length: u64,
    surplus: bool,
    upstream_progress: Millis,
    client_progress: Millis,
    pace: Option<Box<Pace>>,
}

/// Relays the answer whose head has been heard.
pub async fn deliver(
    s: &mut Sender<'_>,
    route: &Route<'_>,
    location: &LocationConf,
    upstream: Upstream,
) -> After {
    let worker = s.worker;
    learn(s, true);
    let chunked = write_head(s);
    let now = worker.reactor.now();
    let received =
        s.ex.session
            .current_mut()
            .map_or(0, |attempt| attempt.received);
    // A HEAD that went upstream as another method, or a status that allows none: the body is for nobody.
    let unwanted = head::bodiless(s.ex) && s.ex.response.framing != BodyFraming::None;
    let pace = if s.proxy.plan.carriage.limit_rate.is_some() && s.proxy.plan.buffering {
        let rate = carriage::limit_rate(worker, s.client, s.ex, s.proxy);
        Pace::new(rate, now).map(Box::new)
    } else {
        None
    };
    let mut d = Delivery {
        upstream,
        coming: match s.ex.response.framing {
            _ if unwanted => Coming::Done,
            BodyFraming::None | BodyFraming::Length(0) => Coming::Done,
            BodyFraming::Length(n) => Coming::Length(n),
            BodyFraming::Chunked => Coming::Chunked(Decoder::new()),
            BodyFraming::UntilClose => Coming::UntilClose,
        },
        framer: Framer::new(chunked),
        head_at: 0,
        received,
        length: 0,
        surplus: unwanted,
        upstream_progress: now,
        client_progress: now,
        pace,
    };
    let early = d.take_in(s);
    let timeouts = (route.read_timeout, location.plan.send_timeout_ms);
    let broken = match early {
        Err(broken) => Some(broken),
        Ok(()) => poll_fn(|_| d.poll(s, timeouts)).await.err(),
    };
    finish(s, route, d, broken)
}

/// Settles an attempt whose answer is not the client's; as in nginx, the rest of it is nobody's.
pub fn discard(s: &mut Sender<'_>, route: &Route<'_>, upstream: Upstream) {
    learn(s, true);
    warn(s);
    let received =
        s.ex.session
            .current_mut()
            .map_or(0, |attempt| attempt.received);
    let empty = matches!(
        s.ex.response.framing,
        BodyFraming::None | BodyFraming::Length(0)
    );
    let reusable = empty
        && upstream.buf.as_ref().is_none_or(Buf::is_empty)
        && s.ex.response.status != SWITCHING
        && !s.ex.response.connection_close
        && s.whole()
        && !upstream.socket.seen_closed();
    settle(s, route, upstream, reusable, None, (received, 0));
}

/// Writes the head for the client; true if the body goes out in chunks.
fn write_head(s: &mut Sender<'_>) -> bool {
    let worker = s.worker;
    warn(s);
    let done = s.body.done();
    let ex = &mut *s.ex;
    let rewrites = incoming::rewrites(worker, s.client, ex, &s.proxy.plan.reply);
    ex.status = ex.status_or(ex.response.status);
    head::begin(worker, ex);
    let dated = vars::place(worker, ex).filters.expires.is_some();
    let raw = &ex.response_raw[..];
    let reply = &mut ex.reply;
    reply.line_passed = ex.course.status == 0 || status::line(ex.status).is_none();
    // Who lets the upstream's own through gets that, or none.
    reply.server_passed = s.proxy.shows(b"server");
    reply.date_passed = s.proxy.shows(b"date");
    reply.length = ex.response.content_length;
    if !ex.kept_type.is_empty() {
        reply.pass_kind(&ex.kept_type);
    }
    for (index, line) in ex.response.headers.iter().enumerate() {
        if !line.forward {
            continue;
        }
        if line.known == Known::LastModified && dated {
            reply.modified = date::parse(line.value.of(raw));
        }
        match line.known {
            Known::ContentType => reply.pass_kind(line.value.of(raw)),
            Known::ContentLength => {}
            known if s.proxy.hides(known, line.name.of(raw)) => {}
            known => match rewrites.iter().find(|(at, _)| *at == index) {
                None => reply.pass(line),
                Some((_, value)) => {
                    reply.pass_with(line, value);
                    if known == Known::Location {
                        reply.last_is_location();
                    }
                }
            },
        }
    }
    // What follows a 101 is no HTTP, and upgraded connections are not relayed.
    ex.keep &= done && ex.status != SWITCHING;
    head::write(worker, s.client, ex);
    ex.reply.chunked
}

fn current(s: &Sender<'_>) -> Option<Attempt> {
    s.ex.session.attempts().last().copied()
}

/// `sticky learn`: the answer may bind a session to its peer.
fn learn(s: &mut Sender<'_>, header: bool) {
    if let Some(binding) = &s.group.binding {
        binding.learn(s.worker, s.client, s.ex, header);
    }
}

/// What nginx warns of in a response head.
fn warn(s: &Sender<'_>) {
    let Some(attempt) = current(s) else { return };
    for warning in &s.ex.response.warnings {
        s.tell(Level::Warn, &attempt, |out| {
            warning.message(&s.ex.response, &s.ex.response_raw, out);
            out.extend_from_slice(b" while reading response header from upstream");
        });
    }
}

impl Delivery {
    /// Takes in what was received together with the head.
    fn take_in(&mut self, s: &Sender<'_>) -> Result<(), Broken> {
        let Some(buf) = self.upstream.buf.as_mut() else {
            return Ok(());
        };
        let n = buf.len();
        if let Some(pace) = &mut self.pace {
            pace.took(n, s.worker.reactor.now());
        }
        // nginx counts what came behind the head, framing included.
        if s.ex.head.method != Method::Head {
            self.length += n as u64;
        }
        decode(&mut self.coming, &mut self.surplus, buf, 0).map_err(|_| Broken::Invalid)?;
        let more = !matches!(self.coming, Coming::Done);
        let big = match self.coming {
            Coming::Length(left) => left > SMALL as u64,
            _ => n > SMALL / 2,
        };
        if more && big {
            grow(s, buf);
        }
        Ok(())
    }

    fn poll(
        &mut self,
        s: &mut Sender<'_>,
        (read_timeout, send_timeout): (Millis, Millis),
    ) -> Poll<Result<(), Broken>> {
        let rx = &s.worker.reactor;
        for round in 0.. {
            if round == ROUNDS {
                rx.again();
                return Poll::Pending;
            }
            // An answer may come while the request is still being sent.
            if !s.whole() {
                match s.poll_send(&self.upstream.socket) {
                    Poll::Ready(Err(Stopped::Sender)) => {
                        return Poll::Ready(Err(Broken::SenderFailed));
                    }
                    Poll::Ready(Err(Stopped::Upstream(_)) | Ok(())) | Poll::Pending => {}
                }
            }
            let wrote = match self.poll_write(s) {
                Poll::Ready(Ok(wrote)) => wrote,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(Broken::Client(e))),
                Poll::Pending => false,
            };
            if self.head_at == s.ex.out.len() && self.framer.done() {
                return Poll::Ready(Ok(()));
            }
            let read = match self.poll_read(s) {
                Poll::Ready(Ok(read)) => read,
                Poll::Ready(Err(broken)) => return Poll::Ready(Err(broken)),
                Poll::Pending => false,
            };
            if !wrote && !read {
                break;
            }
        }
        let patient = s.proxy.plan.crossing.ignore_client_abort;
        if !patient && s.body.done() && s.client.socket.peer_closed() {
            return Poll::Ready(Err(Broken::ClientGone));
        }
        // A stream that pauses holds no buffer meanwhile.
        if let Some(empty) = self.upstream.buf.take_if(|buf| buf.is_empty()) {
            s.worker.buffers.give(empty);
        }
        // Whoever is waited for has a deadline: the client while it is to take bytes, else the upstream.
        let to_client = self.head_at < s.ex.out.len() || !self.framer.idle();
        let (deadline, late) = if to_client {
            (self.client_progress + send_timeout, Broken::ClientTimedOut)
        } else {
            (
                self.upstream_progress + read_timeout,
                Broken::UpstreamTimedOut,
            )
        };
        if rx.now() >= deadline {
            return Poll::Ready(Err(late));
        }
        rx.arm(deadline);
        Poll::Pending
    }

    /// Sends what there is; true if something was sent.
    fn poll_write(&mut self, s: &mut Sender<'_>) -> Poll<Result<bool, Errno>> {
        let data = self.upstream.buf.as_ref().map_or(&[][..], Buf::data);
        let last = matches!(self.coming, Coming::Done);
        if last && s.ex.reply.trailed {
            s.ex.reply.trailed = false;
            filters::trailers(s.worker, s.client, s.ex);
            self.framer.trail(&s.ex.reply.trailers);
        }
        self.framer.open(data.len(), last);
        let head = &s.ex.out[self.head_at..];
        if head.is_empty() && self.framer.idle() {
            return Poll::Ready(Ok(false));
        }
        let [pre, data, post, tail] = self.framer.parts(data);
        let wrote = if head.is_empty() && pre.is_empty() && post.is_empty() && tail.is_empty() {
            s.client.socket.poll_write(&[data])
        } else {
            s.client
                .socket
                .poll_write(&[IoSlice::new(head), pre, data, post, tail])
        };
        let n = match wrote {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
            Poll::Ready(Ok(n)) => n,
        };
        let of_head = n.min(head.len());
        self.head_at += of_head;
        s.ex.head_sent += of_head as u64;
        s.ex.body_sent += (n - of_head) as u64;
        let of_data = self.framer.sent(n - of_head);
        if let Some(buf) = self.upstream.buf.as_mut() {
            buf.consume(of_data);
        }
        self.client_progress = s.worker.reactor.now();
        Poll::Ready(Ok(true))
    }

    /// Receives as much as there is room for; true if something came.
    fn poll_read(&mut self, s: &Sender<'_>) -> Poll<Result<bool, Broken>> {
        if matches!(self.coming, Coming::Done) {
            return Poll::Ready(Ok(false));
        }
        let buf = self
            .upstream
            .buf
            .get_or_insert_with(|| s.worker.buffers.small());
        if buf.space().len() < buf.capacity() / 4 {
            buf.compact();
        }
        if buf.space().is_empty() {
            // Nobody listens to the upstream meanwhile, so it owes nothing.
            self.upstream_progress = s.worker.reactor.now();
            return Poll::Ready(Ok(false));
        }
        let mut space = buf.space();
        if let Some(pace) = &mut self.pace {
            let now = s.worker.reactor.now();
            match pace.allows(now) {
                Ok(most) => {
                    let most = most.min(space.len());
                    space = &mut space[..most];
                }
                Err(resumes) => {
                    // It is we who wait.
                    self.upstream_progress = now;
                    s.worker.reactor.arm(resumes);
                    return Poll::Ready(Ok(false));
                }
            }
        }
        let offered = space.len();
        let n = match self.upstream.socket.poll_read(space) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(e)) => return Poll::Ready(Err(Broken::Upstream(cause_of(e), e))),
            Poll::Ready(Ok(0)) => {
                return Poll::Ready(if matches!(self.coming, Coming::UntilClose) {
                    self.coming = Coming::Done;
                    Ok(true)
                } else {
                    Err(Broken::Short)
                });
            }
            Poll::Ready(Ok(n)) => n,
        };
        // A long body fills what it is given: from now on it gets more at a time.
        let fills = n == offered && self.pace.is_none();
        if let Some(pace) = &mut self.pace {
            pace.took(n, s.worker.reactor.now());
        }
        let before = buf.len();
        buf.filled(n);
        self.received += n as u64;
        self.upstream_progress = s.worker.reactor.now();
        self.length += n as u64;
        decode(&mut self.coming, &mut self.surplus, buf, before).map_err(|_| Broken::Invalid)?;
        if fills {
            grow(s, buf);
        }
        Poll::Ready(Ok(true))
    }
}

/// Moves the bytes of a small buffer into a large one.
fn grow(s: &Sender<'_>, buf: &mut Buf) {
    if buf.capacity() == SMALL {
        let mut large = s.worker.buffers.large();
        large.push(buf.data());
        s.worker.buffers.give(std::mem::replace(buf, large));
    }
}

/// Settles the attempt and says what becomes of both connections.
fn finish(s: &mut Sender<'_>, route: &Route<'_>, d: Delivery, broken: Option<Broken>) -> After {
    let hop = &s.worker.connections;
    let attempt = current(s);
    if let (Some(attempt), Some(broken)) = (&attempt, broken) {
        tell(s, attempt, broken);
    }
    let unwanted = head::bodiless(s.ex) && s.ex.response.framing != BodyFraming::None;
    let head_alone = unwanted || s.ex.head.method == Method::Head;
    if let (Some(attempt), true) = (&attempt, d.surplus && !head_alone) {
        let text: &[u8] = if s.ex.response.framing == BodyFraming::Chunked {
            b"upstream sent data after final chunk while reading upstream"
        } else {
            b"upstream sent more data than specified in \"Content-Length\" header while reading upstream"
        };
        s.tell(Level::Warn, attempt, |out| out.extend_from_slice(text));
    }
    let sent = s.sent();
    let Delivery {
        upstream,
        received,
        length,
        surplus,
        ..
    } = d;
    let client_broke = matches!(
        broken,
        Some(
            Broken::Client(_) | Broken::ClientTimedOut | Broken::ClientGone | Broken::SenderFailed
        )
    );
    learn(s, false);
    if client_broke {
        if let Some(attempt) = s.ex.session.current_mut() {
            attempt.sent = sent;
            attempt.received = received;
            attempt.length = length;
        }
        let mut group = route.group.borrow_mut();
        s.ex.session.abandon(&mut group, hop.reactor.now());
        hop.sweep(&mut group);
        drop(group);
        hop.close(upstream);
        return After::Close;
    }
    let whole = broken.is_none();
    let reusable = whole
        && !surplus
        && s.ex.response.status != SWITCHING
        && !s.ex.response.connection_close
        && s.whole()
        && !upstream.socket.seen_closed();
    let died = match broken {
        Some(Broken::Upstream(cause, e)) => Some((cause, e.raw_os_error())),
        Some(Broken::UpstreamTimedOut) => Some((Cause::TimedOut, Errno::TIMEDOUT.raw_os_error())),
        Some(Broken::Invalid) => Some((Cause::Invalid, 0)),
        Some(_) => Some((Cause::Closed, 0)),
        None => None,
    };
    settle(s, route, upstream, reusable, died, (received, length));
    s.ex.complete = whole;
    match (whole && s.ex.keep, s.body.done()) {
        (true, _) => After::Keep,
        (false, false) if whole => After::Linger,
        _ => After::Close,
    }
}

/// Tells the engine how an attempt ended that the client did not break, and keeps a connection that can
/// be used again. The last two are the bytes received, and those of the body.
fn settle(
    s: &mut Sender<'_>,
    route: &Route<'_>,
    upstream: Upstream,
    reusable: bool,
    died: Option<(Cause, i32)>,
    (received, length): (u64, u64),
) {
    let hop = &s.worker.connections;
    let sent = s.sent();
    let keep = reusable.then(|| Keep {
        conn: upstream.conn,
        hint: s
            .ex
            .response
            .keep_alive_timeout
            .map(|seconds| seconds.saturating_mul(1000)),
        rtt: upstream.rtt,
    });
    if keep.is_some() {
        hop.rest(upstream);
    } else {
        hop.close(upstream);
    }
    advance(
        hop,
        route,
        s,
        Event::Finished {
            sent,
            received,
            length,
            died,
            keep,
        },
    );
    if keep.is_some() {
        hop.expires(route.group.borrow().next_expiry());
    }
}

fn tell(s: &Sender<'_>, attempt: &Attempt, broken: Broken) {
    let level = match broken {
        Broken::Client(_) | Broken::ClientTimedOut | Broken::ClientGone | Broken::SenderFailed => {
            Level::Info
        }
        _ => Level::Error,
    };
    s.tell(level, attempt, |out| {
        out.extend_from_slice(match broken {
            Broken::Upstream(..) => b"recv() failed",
            Broken::Short => b"upstream prematurely closed connection",
            Broken::Invalid => b"upstream sent invalid chunked response",
            Broken::UpstreamTimedOut => b"upstream timed out",
            Broken::Client(_) => b"send() failed",
            Broken::ClientTimedOut => b"client timed out",
            Broken::ClientGone => {
                b"epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too"
            }
            Broken::SenderFailed => b"client prematurely closed connection",
        });
        match broken {
            Broken::Upstream(_, e) | Broken::Client(e) => log::errno(out, e.raw_os_error()),
            Broken::UpstreamTimedOut | Broken::ClientTimedOut => {
                log::errno(out, Errno::TIMEDOUT.raw_os_error());
            }
            _ => {}
        }
        out.extend_from_slice(match broken {
            Broken::Client(_) | Broken::ClientTimedOut => b" while sending to client",
            _ => b" while reading upstream",
        });
    });
}
