//! The record of one try at an upstream, and the steps and events between a session and its driver.

use crate::outcome::{Cause, Phase, Reason, Rule, Verdict};
use crate::plan::Millis;
use crate::pool::ConnId;

/// The peer of an attempt for which none could be chosen.
pub const NO_PEER: u32 = u32::MAX;

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Look whether this idle connection still lives; then `Connected`, or `Stale`.
    Checkout {
        /// Whom it leads to.
        peer: u32,
        /// Which.
        conn: ConnId,
    },
    /// Make a connection, TLS and all; then `Connected`, or `ConnectFailed`.
    Connect {
        /// To whom.
        peer: u32,
    },
    /// Send the request and read the response's header; then `Head`, or `Died`.
    Send,
    /// Wait in the group's queue, for a peer or for a connection that is free; then `Called`, or `Slept` once the time is over.
    Wait {
        /// Until when.
        until: Millis,
        /// It was called and came too late: it keeps its place in front.
        again: bool,
    },
    /// Wait; then `Slept`.
    Sleep {
        /// Until when.
        until: Millis,
    },
    /// Ask the caller whether to try again; then `Answered`.
    Ask {
        /// How long it would wait by itself; the longest where it waits for a connection.
        wait: Millis,
    },
    /// Hand the response on; then `Finished`.
    Deliver,
    /// Answer with this status; it is over.
    Fail {
        /// The status for the client.
        status: u16,
        /// The last attempt's reason.
        reason: Reason,
    },
    /// It is over.
    Done,
}

/// A connection that may carry another request: response complete, request sent, neither side closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Which.
    pub conn: ConnId,
    /// The response's `Keep-Alive: timeout=`.
    pub hint: Option<Millis>,
    /// The time to the peer and back, as far as known; 0 if not.
    pub rtt: Millis,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The connection checked out was found dead before anything was sent.
    Stale {
        /// By a clean end of file, with nothing before it.
        fin: bool,
    },
    /// The connection stands.
    Connected,
    /// It could not be made.
    ConnectFailed {
        /// `Resolve`, `Connect` or `Tls`.
        phase: Phase,
        /// Why.
        cause: Cause,
        /// The system's error number, or 0.
        errno: i32,
    },
    /// The attempt failed before the response's header was complete and valid.
    Died {
        /// `Send` while the request was being written, else `Head`.
        phase: Phase,
        /// Why.
        cause: Cause,
        /// The system's error number, or 0.
        errno: i32,
        /// Bytes of the request that the kernel accepted in this attempt.
        sent: u64,
        /// Bytes of a response that came in this attempt.
        received: u64,
    },
    /// The response's header is complete.
    Head {
        /// Its status.
        status: u16,
        /// Its `Retry-After`, as a wait from now.
        retry_after: Option<Millis>,
        /// Bytes of the request accepted so far.
        sent: u64,
        /// Bytes of the response so far.
        received: u64,
    },
    /// The response is over, whole or not.
    Finished {
        /// Bytes of the request accepted.
        sent: u64,
        /// Bytes of the response, header included.
        received: u64,
        /// Bytes of its body.
        length: u64,
        /// What broke it off, with the system's error number or 0.
        died: Option<(Cause, i32)>,
        /// The connection, if it may be used again.
        keep: Option<Keep>,
    },
    /// The wait is over.
    Slept,
    /// Its turn in the queue has come.
    Called,
    /// The caller's answer.
    Answered {
        /// Whether to try again.
        retry: bool,
        /// A wait of the caller's own choice; a `Retry-After` that is honoured may be longer.
        delay: Option<Millis>,
    },
}

/// One try at an upstream: what logs, variables, metrics and errors are views of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Whom, or [`NO_PEER`].
    pub peer: u32,
    /// On a connection that had been kept.
    pub reused: bool,
    /// The peer was out, and this request was the test.
    pub trial: bool,
    /// The reused connection's age when it was taken.
    pub age: Millis,
    /// How long it had been idle.
    pub idle: Millis,
    /// Requests that it had carried before.
    pub requests: u32,
    /// The `Keep-Alive: timeout=` that came with its last answer.
    pub hint: Option<Millis>,
    /// When the attempt began.
    pub started: Millis,
    /// Time until the connection stood.
    pub connect_time: Option<Millis>,
    /// Time until the response's header was complete.
    pub header_time: Option<Millis>,
    /// Time until the attempt was over.
    pub response_time: Option<Millis>,
    /// nginx's `$upstream_status`; 0 where it has none.
    pub status: u16,
    /// Bytes of the request that the kernel accepted.
    pub sent: u64,
    /// Bytes that came back, header included.
    pub received: u64,
    /// Bytes of the response's body.
    pub length: u64,
    /// The system's error number, or 0.
    pub errno: i32,
    /// How far it came.
    pub phase: Phase,
    /// What ended it early.
    pub cause: Option<Cause>,
    /// How it ended.
    pub reason: Reason,
    /// What followed.
    pub verdict: Verdict,
    /// The rule that said so.
    pub rule: Rule,
}

impl Attempt {
    pub(crate) fn new(peer: u32, now: Millis) -> Self {
        Self {
            peer,
            reused: false,
            trial: false,
            age: 0,
            idle: 0,
            requests: 0,
            hint: None,
            started: now,
            connect_time: None,
            header_time: None,
            response_time: None,
            status: 0,
            sent: 0,
            received: 0,
            length: 0,
            errno: 0,
            phase: Phase::Connect,
            cause: None,
            reason: Reason::Pending,
            verdict: Verdict::Pending,
            rule: Rule::Plain,
        }
    }

    pub(crate) fn end(&mut self, now: Millis, reason: Reason) {
        self.reason = reason;
        self.response_time = Some(now.saturating_sub(self.started));
    }

    pub(crate) fn decide(&mut self, verdict: Verdict, rule: Rule) {
        self.verdict = verdict;
        self.rule = rule;
    }
}
