//! The answer's way back: head first, then the body as it comes, with back-pressure.

use std::future::poll_fn;
use std::io::IoSlice;
use std::task::Poll;

use surehop_hop::buffer::{Buf, SMALL};
use surehop_hop::clock::Millis;
use surehop_hop::connections::{Upstream, cause_of};
use surehop_hop::drive::{Exchange as _, Route, Stopped};
use surehop_wire::chunked::Decoder;
use surehop_wire::request::Method;
use surehop_wire::response::BodyFraming;

use crate::ahead::Ahead;
use crate::carriage::{self, Pace};
use crate::coming::{Coming, decode, grow};
use crate::config::LocationConf;
use crate::connection::After;
use crate::ending::{Broken, current, learn, leave, note, settle, tell, tell_refused};
use crate::filters;
use crate::framer::Framer;
use crate::gzip;
use crate::head;
use crate::incoming;
use crate::pace;
use crate::parts::{Narrow, Parts};
use crate::send::Sender;
use crate::spool::Refused;
use crate::upgrade;

mod early;

/// How many receives one poll makes before the other connections have their turn.
const ROUNDS: usize = 16;

/// The upstream's connection, as long as it is in use, and what it sent and the client has not taken.
struct Held {
    live: Option<Upstream>,
    buf: Option<Buf>,
}

struct Delivery {
    upstream: Held,
    coming: Coming,
    framer: Framer,
    narrow: Option<Box<Narrow>>,
    trailers: Vec<u8>,
    head_at: usize,
    received: u64,
    length: u64,
    surplus: bool,
    upstream_progress: Millis,
    client_progress: Millis,
    pace: Option<Box<Pace>>,
    /// Whether the client may be received ahead of, as far as memory and a file go.
    buffered: bool,
    ahead: Option<Box<Ahead>>,
    /// Why no more will come, while the client is still sent what has.
    cut: Option<Broken>,
}

/// Relays the answer whose head has been heard; an error is the status of another answer in its place.
pub async fn deliver(
    s: &mut Sender<'_>,
    route: &Route<'_>,
    location: &LocationConf,
    mut upstream: Upstream,
) -> Result<After, u16> {
    let worker = s.worker;
    if s.ex.mute() {
        note(s, route, upstream);
        return Ok(After::Keep);
    }
    learn(s, true);
    let buffered = carriage::buffered(s.ex, s.proxy);
    if let Err(code) = incoming::write_head(s) {
        leave(s, route, upstream);
        return Err(code);
    }
    if s.ex.reply.upgraded {
        return Ok(Box::pin(upgrade::tunnel(s, route, location, upstream)).await);
    }
    let now = worker.reactor.now();
    let received =
        s.ex.session
            .current_mut()
            .map_or(0, |attempt| attempt.received);
    // A HEAD that went upstream as another method, or a status that allows none: the body is for nobody.
    let unwanted = head::bodiless(s.ex) && s.ex.response.framing != BodyFraming::None;
    let pace = if s.proxy.plan.carriage.limit_rate.is_some() && buffered {
        let rate = carriage::limit_rate(worker, s.client, s.ex, s.proxy);
        Pace::new(rate, now).map(Box::new)
    } else {
        None
    };
    let mut d = Delivery {
        upstream: Held {
            buf: upstream.buf.take(),
            live: Some(upstream),
        },
        coming: match s.ex.response.framing {
            _ if unwanted => Coming::Done,
            BodyFraming::None | BodyFraming::Length(0) => Coming::Done,
            BodyFraming::Length(n) => Coming::Length(n),
            BodyFraming::Chunked if s.proxy.plan.reply.pass_trailers => {
                Coming::Chunked(Decoder::keeping())
            }
            BodyFraming::Chunked => Coming::Chunked(Decoder::new()),
            BodyFraming::UntilClose => Coming::UntilClose,
        },
        framer: Framer::new(s.ex.reply.chunked),
        narrow: match s.ex.reply.parts.take() {
            Some(Parts::One(range)) => Some(Box::new(Narrow::new(&range))),
            _ => None,
        },
        trailers: Vec::new(),
        head_at: 0,
        received,
        length: 0,
        surplus: unwanted,
        upstream_progress: now,
        client_progress: now,
        pace,
        buffered,
        ahead: None,
        cut: None,
    };
    let early = d.take_in(s);
    let timeouts = (route.read_timeout, location.plan.send_timeout_ms);
    let broken = match early {
        Err(broken) => Some(broken),
        Ok(()) => poll_fn(|_| d.poll(s, route, timeouts)).await.err(),
    };
    Ok(finish(s, route, d, broken))
}

impl Delivery {
    /// Takes in what was received together with the head.
    fn take_in(&mut self, s: &Sender<'_>) -> Result<(), Broken> {
        let Some(mut buf) = self.upstream.buf.take() else {
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
        let decoded = self.decode(&mut buf, 0);
        let more = !matches!(self.coming, Coming::Done);
        let big = match self.coming {
            Coming::Length(left) => left > SMALL as u64,
            _ => n > SMALL / 2,
        };
        if more && big {
            grow(s.worker, &mut buf);
        }
        self.upstream.buf = Some(buf);
        decoded
    }

    /// Takes the framing off what stands in `buf` from `from` on, and what is not asked for.
    fn decode(&mut self, buf: &mut Buf, from: usize) -> Result<(), Broken> {
        let trailers = decode(&mut self.coming, &mut self.surplus, buf, from);
        self.trailers = trailers.map_err(|_| Broken::Invalid)?;
        if let Some(narrow) = &mut self.narrow {
            narrow.keep(buf, from);
        }
        Ok(())
    }

    fn poll(
        &mut self,
        s: &mut Sender<'_>,
        route: &Route<'_>,
        (read_timeout, send_timeout): (Millis, Millis),
    ) -> Poll<Result<(), Broken>> {
        let rx = &s.worker.reactor;
        for round in 0.. {
            if round == ROUNDS {
                rx.again();
                return Poll::Pending;
            }
            // An answer may come while the request is still being sent.
            if let Some(live) = &self.upstream.live
                && !s.whole()
            {
                match s.poll_send(&live.socket) {
                    Poll::Ready(Err(Stopped::Sender)) => {
                        return Poll::Ready(Err(Broken::SenderFailed));
                    }
                    Poll::Ready(Err(Stopped::Upstream(_)) | Ok(())) | Poll::Pending => {}
                }
            }
            let wrote = match self.poll_write(s) {
                Poll::Ready(Ok(wrote)) => wrote,
                Poll::Ready(Err(broken)) => return Poll::Ready(Err(broken)),
                Poll::Pending => false,
            };
            if self.head_at == s.ex.out.len() && self.framer.done() {
                return Poll::Ready(Ok(()));
            }
            if let Some(broken) = self.cut
                && self.drained(s)
            {
                return Poll::Ready(Err(broken));
            }
            let read = match self.poll_read(s) {
                Poll::Ready(Ok(read)) => read,
                Poll::Ready(Err(broken)) => {
                    if self.drained(s) || !self.cut_off(s, route, broken) {
                        return Poll::Ready(Err(broken));
                    }
                    true
                }
                Poll::Pending => false,
            };
            // What a stream that pauses has sent so far is the client's.
            let flushed = !wrote
                && !read
                && self.framer.idle()
                && s.ex.packer.as_mut().is_some_and(|packer| packer.flush());
            if !wrote && !read && !flushed {
                break;
            }
        }
        if matches!(self.coming, Coming::Done) && self.buffered && s.whole() {
            self.release(s, route);
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
            // Who is sent to slowly on purpose is not late.
            let from = self.client_progress.max(s.ex.pace.until());
            (from + send_timeout, Broken::ClientTimedOut)
        } else {
            (
                self.upstream_progress + read_timeout,
                Broken::UpstreamTimedOut,
            )
        };
        if rx.now() >= deadline {
            return Poll::Ready(Err(late));
        }
        rx.arm(match s.ex.pace.until() {
            until if to_client && until > rx.now() => until,
            _ => deadline,
        });
        Poll::Pending
    }

    /// Sends what there is; true if something was sent.
    fn poll_write(&mut self, s: &mut Sender<'_>) -> Poll<Result<bool, Broken>> {
        if let Some(ahead) = &mut self.ahead
            && !ahead.is_empty()
            && self.upstream.buf.as_ref().is_none_or(Buf::is_empty)
        {
            let buf = self
                .upstream
                .buf
                .get_or_insert_with(|| s.worker.buffers.large());
            if let Err(errno) = ahead.take(buf) {
                let path = ahead.path().into();
                let call = "pread()";
                tell_refused(s, &Refused { call, path, errno });
                return Poll::Ready(Err(Broken::Told));
            }
        }
        let ahead = self.ahead.as_ref().is_some_and(|ahead| !ahead.is_empty());
        let mut last = matches!(self.coming, Coming::Done) && !ahead && self.cut.is_none();
        if let Some(packer) = &mut s.ex.packer {
            last &= packer.fill(self.upstream.buf.as_mut(), last);
        }
        if last && s.ex.reply.trailed {
            s.ex.reply.trailed = false;
            s.ex.upstream_trailers = std::mem::take(&mut self.trailers);
            if !incoming::pass_trailers(s) {
                return Poll::Ready(Err(Broken::Invalid));
            }
            filters::trailers(s.worker, s.client, s.ex);
            self.framer.trail(&s.ex.reply.trailers);
        }
        let room = if s.ex.pace.limited() {
            Some(pace::room(s.worker, s.ex).unwrap_or(0))
        } else {
            None
        };
        let from = match &s.ex.packer {
            Some(packer) => Some(&packer.out),
            None => self.upstream.buf.as_ref(),
        };
        let data = from.map_or(&[][..], Buf::data);
        self.framer.open(data.len(), last);
        let head = &s.ex.out[self.head_at..];
        if head.is_empty() && self.framer.idle() {
            return Poll::Ready(Ok(false));
        }
        let [pre, data, post, tail] = self.framer.parts(data);
        let socket = &s.client.socket;
        let wrote = if let Some(room) = room {
            match room {
                0 => Poll::Pending,
                room => socket.poll_write(&pace::cut([head, &pre, &data, &post, &tail], room)),
            }
        } else if head.is_empty() && pre.is_empty() && post.is_empty() && tail.is_empty() {
            socket.poll_write(&[data])
        } else {
            socket.poll_write(&[IoSlice::new(head), pre, data, post, tail])
        };
        let n = match wrote {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(e)) => return Poll::Ready(Err(Broken::Client(e))),
            Poll::Ready(Ok(n)) => n,
        };
        let of_head = n.min(head.len());
        self.head_at += of_head;
        s.ex.head_sent += of_head as u64;
        s.ex.body_sent += (n - of_head) as u64;
        let of_data = self.framer.sent(n - of_head);
        let from = match &mut s.ex.packer {
            Some(packer) => Some(&mut packer.out),
            None => self.upstream.buf.as_mut(),
        };
        if let Some(buf) = from {
            buf.consume(of_data);
        }
        pace::sent(s.worker, s.ex, n);
        self.client_progress = s.worker.reactor.now();
        Poll::Ready(Ok(true))
    }

    /// Receives as much as there is room for; true if something came.
    fn poll_read(&mut self, s: &Sender<'_>) -> Poll<Result<bool, Broken>> {
        if matches!(self.coming, Coming::Done) {
            return Poll::Ready(Ok(false));
        }
        if self.ahead.as_ref().is_some_and(|ahead| !ahead.is_empty()) {
            return self.poll_ahead(s);
        }
        let mut buf = self
            .upstream
            .buf
            .take()
            .unwrap_or_else(|| s.worker.buffers.small());
        if buf.space().len() < buf.capacity() / 4 {
            buf.compact();
        }
        if buf.space().is_empty() {
            self.upstream.buf = Some(buf);
            return self.poll_ahead(s);
        }
        let read = self.receive(s, &mut buf);
        // A long body fills what it is given: from now on it gets more at a time.
        if buf.space().is_empty() && self.pace.is_none() {
            grow(s.worker, &mut buf);
        }
        self.upstream.buf = Some(buf);
        read
    }

    /// Receives into the room behind what `buf` holds.
    fn receive(&mut self, s: &Sender<'_>, buf: &mut Buf) -> Poll<Result<bool, Broken>> {
        let Some(live) = &self.upstream.live else {
            return Poll::Ready(Ok(false));
        };
        let now = s.worker.reactor.now();
        let mut space = buf.space();
        if let Some(pace) = &mut self.pace {
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
        let n = match live.socket.poll_read(space) {
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
        if let Some(pace) = &mut self.pace {
            pace.took(n, now);
        }
        let before = buf.len();
        buf.filled(n);
        self.received += n as u64;
        self.upstream_progress = now;
        self.length += n as u64;
        self.decode(buf, before)?;
        Poll::Ready(Ok(true))
    }
}

/// Settles the attempt and says what becomes of both connections.
fn finish(s: &mut Sender<'_>, route: &Route<'_>, mut d: Delivery, broken: Option<Broken>) -> After {
    let hop = &s.worker.connections;
    if let Some(buf) = d.upstream.buf.take() {
        s.worker.buffers.give(buf);
    }
    gzip::end(s.worker, s.ex);
    let attempt = current(s);
    if let (Some(attempt), Some(broken)) = (&attempt, broken.filter(|_| d.cut.is_none())) {
        tell(s, attempt, broken);
    }
    let Some(upstream) = d.upstream.live.take() else {
        // It was let go already.
        s.ex.complete = broken.is_none();
        return after(s, broken.is_none());
    };
    d.surplus(s);
    let sent = s.sent();
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
            attempt.received = d.received;
            attempt.length = d.length;
        }
        let mut group = route.group.borrow_mut();
        s.ex.session.abandon(&mut group, hop.reactor.now());
        hop.sweep(&mut group);
        drop(group);
        hop.close(upstream);
        s.client.timed_out |= broken == Some(Broken::ClientTimedOut);
        return After::Close;
    }
    let whole = broken.is_none();
    let reusable = whole && d.reusable(s, &upstream);
    let died = broken.and_then(Broken::died);
    let counts = (d.received, d.length);
    settle(s, route, upstream, reusable, died, counts);
    s.ex.complete = whole;
    after(s, whole)
}

fn after(s: &Sender<'_>, whole: bool) -> After {
    match (whole && s.ex.keep, s.body.done()) {
        (true, _) => After::Keep,
        (false, false) if whole => After::Linger,
        _ => After::Close,
    }
}
