//! How the relay of an answer ends: what is told of it, and what the engine hears.

use rustix::io::Errno;
use surehop_engine::{Attempt, Cause, Event, Keep};
use surehop_hop::buffer::Buf;
use surehop_hop::connections::Upstream;
use surehop_hop::drive::{Exchange as _, Route, advance};
use surehop_wire::response::BodyFraming;

use crate::incoming;
use crate::log;
use crate::plan::Level;
use crate::send::Sender;
use crate::spool::Refused;

/// `101 Switching Protocols`
pub const SWITCHING: u16 = 101;

/// Why the relay ended before the body did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The upstream's socket failed.
    Upstream(Cause, Errno),
    /// The upstream closed where more was due.
    Short,
    /// Its chunks are none.
    Invalid,
    /// It sent nothing for too long.
    UpstreamTimedOut,
    /// The client's socket failed.
    Client(Errno),
    /// It took nothing for too long.
    ClientTimedOut,
    /// It went away.
    ClientGone,
    /// It did not send its body.
    SenderFailed,
    /// Something that has been told of already.
    Told,
}

impl Broken {
    /// What the engine is told of an upstream that broke.
    pub fn died(self) -> Option<(Cause, i32)> {
        match self {
            Self::Upstream(cause, e) => Some((cause, e.raw_os_error())),
            Self::UpstreamTimedOut => Some((Cause::TimedOut, Errno::TIMEDOUT.raw_os_error())),
            Self::Invalid => Some((Cause::Invalid, 0)),
            _ => Some((Cause::Closed, 0)),
        }
    }
}

/// The attempt that is under way.
pub fn current(s: &Sender<'_>) -> Option<Attempt> {
    s.ex.session.attempts().last().copied()
}

/// Tells why there is no temporary file.
pub fn tell_refused(s: &Sender<'_>, refused: &Refused) {
    let Some(attempt) = current(s) else { return };
    s.tell(Level::Crit, &attempt, |out| {
        out.extend_from_slice(refused.call.as_bytes());
        out.extend_from_slice(b" \"");
        out.extend_from_slice(&refused.path);
        out.extend_from_slice(b"\" failed");
        log::errno(out, refused.errno.raw_os_error());
        out.extend_from_slice(b" while reading upstream");
    });
}

/// Tells the engine how an attempt ended that the client did not break, and keeps a connection that can
/// be used again. The last two are the bytes received, and those of the body.
pub fn settle(
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

/// Tells why the relay ended.
pub fn tell(s: &Sender<'_>, attempt: &Attempt, broken: Broken) {
    if broken == Broken::Told {
        return;
    }
    let level = match broken {
        Broken::Client(_) | Broken::ClientTimedOut | Broken::ClientGone | Broken::SenderFailed => {
            Level::Info
        }
        _ => Level::Error,
    };
    s.tell(level, attempt, |out| {
        out.extend_from_slice(match broken {
            // nginx reads into several buffers at once, unless told not to.
            Broken::Upstream(..) if s.proxy.plan.buffering => b"readv() failed",
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
            Broken::Told => b"",
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

/// Settles an attempt whose answer is not the client's; as in nginx, the rest of it is nobody's.
pub fn discard(s: &mut Sender<'_>, route: &Route<'_>, upstream: Upstream) {
    learn(s, true);
    incoming::warn(s);
    leave(s, route, upstream);
}

/// Takes note of an answer to a request within a request: it is looked at, and goes nowhere.
pub fn note(s: &mut Sender<'_>, route: &Route<'_>, upstream: Upstream) {
    learn(s, true);
    // As it goes nowhere, nothing about it can fail.
    let _ = incoming::write_head(s);
    s.ex.complete = true;
    s.ex.course.doing = b" while sending to client";
    leave(s, route, upstream);
}

/// Goes no further than the head; the connection rests if that was all.
pub fn leave(s: &mut Sender<'_>, route: &Route<'_>, upstream: Upstream) {
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

/// `sticky learn`: the answer may bind a session to its peer.
pub fn learn(s: &mut Sender<'_>, header: bool) {
    if let Some(binding) = &s.group.binding {
        binding.learn(s.worker, s.client, s.ex, header);
    }
}
