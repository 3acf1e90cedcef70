//! How a relay can end before its time, and what is said of it.

use rustix::io::Errno;
use surehop_engine::{Attempt, Cause};

use crate::log;
use crate::plan::Level;
use crate::send::Sender;

/// Why the relay ended before the body did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The upstream's connection failed.
    Upstream(Cause, Errno),
    /// The upstream closed where more was due.
    Short,
    /// What was to be a chunk is none.
    Invalid,
    /// Nothing came for too long.
    UpstreamTimedOut,
    /// The client's connection failed.
    Client(Errno),
    /// The client took nothing for too long.
    ClientTimedOut,
    /// The client closed its side.
    ClientGone,
    /// The client's body, which was still on its way, ended.
    SenderFailed,
}

/// Writes the line for the error log.
pub fn tell(s: &Sender<'_>, attempt: &Attempt, broken: Broken) {
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
