//! What the driver asks of its caller, and what the two say to each other.

use std::cell::RefCell;
use std::future::Future;
use std::task::Poll;

use rustix::io::Errno;
use surehop_engine::{Attempt, Cause, Group, Notice, Phase, Policy, Reason, Session};

use crate::clock::Millis;
use crate::connecting::{Lost, connect};
use crate::connections::{Connections, Upstream};
use crate::socket::{Address, Manner, Socket};

/// Where an exchange may go and on what terms.
#[derive(Debug)]
pub struct Route<'a> {
    /// The group.
    pub group: &'a RefCell<Group>,
    /// Its place among the worker's groups.
    pub index: usize,
    /// The peers' addresses, in the plan's order.
    pub addresses: &'a [Address],
    /// What is said about trying again.
    pub policy: &'a Policy,
    /// The pool scope.
    pub scope: u32,
    /// Time to connect.
    pub connect_timeout: Millis,
    /// Time between two successful sends.
    pub send_timeout: Millis,
    /// Time between two successful receives.
    pub read_timeout: Millis,
    /// Bytes that a response head may have.
    pub head_limit: usize,
    /// How connections are made.
    pub manner: Manner,
}

/// What the bytes of a response make so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// No whole head yet.
    More,
    /// An interim head of that many bytes: another follows.
    Interim(usize),
    /// The head, of that many bytes, with that status.
    Head(usize, u16),
}

/// Why sending stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The upstream's socket failed.
    Upstream(Errno),
    /// Who sends the request failed; the exchange knows how.
    Sender,
}

/// What the kernel or the parser said of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How far it had come.
    pub phase: Phase,
    /// What happened.
    pub cause: Cause,
    /// The error number; 0 where there is none.
    pub errno: i32,
    /// `connect()` failed at once, before any waiting.
    pub at_once: bool,
}

/// One side's view of a request: the driver's caller.
pub trait Exchange {
    /// The policy's view.
    fn session(&mut self) -> &mut Session;
    /// A new attempt begins: what is sent is sent from its beginning.
    fn rewind(&mut self, now: Millis);
    /// Sends all that the socket takes; ready when the request is sent whole.
    fn poll_send(&mut self, to: &Socket) -> Poll<Result<(), Stopped>>;
    /// Whether sending waits for who sends, and not for the upstream to take more.
    fn waiting(&self) -> bool {
        false
    }
    /// Bytes that the kernel accepted in this attempt.
    fn sent(&self) -> u64;
    /// Whether the one who asked is gone; arranges to be polled when it goes.
    fn gone(&mut self) -> bool;
    /// Looks for the response head at the start of `bytes`.
    fn hear(&mut self, bytes: &[u8], limit: usize) -> Result<Heard, Cause>;
    /// An attempt failed; `attempt` says what became of it. For the log.
    fn failed(&mut self, attempt: &Attempt, fault: Fault, notices: &[Notice], known_out: bool);
    /// A connection is about to be made: whoever can go is asked to.
    fn make_room(&mut self) {}
    /// Whether there is room for one more connection.
    fn has_room(&self) -> bool {
        true
    }
    /// There was none. For the log.
    fn crowded(&mut self, _attempt: &Attempt) {}
    /// The local address could not be had. For the log.
    fn unbound(&mut self, _attempt: &Attempt, _errno: Errno) {}
    /// No peer could be chosen. For the log.
    fn no_live(&mut self, attempt: &Attempt);
    /// A peer's state changed without a failure. For the log.
    fn noticed(&mut self, notice: Notice);
    /// The connection that the request goes out on now.
    fn begun(&mut self, _upstream: &Upstream) {}
    /// Whether the time for this try is over; arranges to be polled when it is.
    fn late(&mut self) -> bool {
        false
    }
    /// Makes a connection to a peer.
    fn connect(
        &mut self,
        hop: &Connections,
        route: &Route<'_>,
        peer: u32,
    ) -> impl Future<Output = Result<Upstream, Lost>>
    where
        Self: Sized,
    {
        connect(hop, route, self, peer)
    }
    /// Takes in what it wants of the body before the answer is judged; an answer that breaks off here is none.
    fn take_in(
        &mut self,
        _hop: &Connections,
        _upstream: &mut Upstream,
        _status: u16,
    ) -> impl Future<Output = Result<(), (Cause, i32)>> {
        std::future::ready(Ok(()))
    }
    /// Lets a connection rest whose answer was taken in whole; gives back one that can't.
    fn park(
        &mut self,
        _hop: &Connections,
        _route: &Route<'_>,
        upstream: Upstream,
    ) -> Option<Upstream> {
        Some(upstream)
    }
    /// It holds no connection and waits for a while.
    fn pause(&mut self) {}
    /// It goes on; false if it can't any more.
    fn resume(&mut self) -> impl Future<Output = bool> {
        std::future::ready(true)
    }
    /// The wait that the answer's head asks for.
    fn retry_after(&self) -> Option<Millis> {
        None
    }
    /// A caller's own condition: try again, and after how long. The engine would `wait` that long.
    fn poll_ask(&mut self, _wait: Millis) -> Poll<(bool, Option<Millis>)> {
        Poll::Ready((true, None))
    }
}

/// How driving ended.
#[derive(Debug)]
pub enum Driven {
    /// A response head was heard on this connection; the body is the caller's to relay.
    Response(Upstream),
    /// The answer was taken in whole before it was judged, and its connection rests.
    Held,
    /// The request failed, with the status to answer.
    Failed(u16, Reason),
    /// The one who asked went away.
    Gone,
    /// The one who asked failed to send the request's body.
    SenderFailed,
}
