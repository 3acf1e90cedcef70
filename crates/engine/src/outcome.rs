//! What can happen to one attempt, in words that never change.
//!
//! Log reasons, metrics labels, documentation tables and the Python enums are all read from here, through
//! [`vocabulary`]; nothing else may spell these words.

use std::fmt;
use std::str::FromStr;

/// A word that belongs to none of an enum's variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord(pub String);

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown word `{}`", self.0)
    }
}

impl std::error::Error for UnknownWord {}

/// One enum of the vocabulary: its name, and (word, meaning) for each variant in order.
pub type Words = (&'static str, &'static [(&'static str, &'static str)]);

// One definition gives the variant, its word and its meaning, so that none of the three can be forgotten.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal, $meaning:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $(#[doc = $meaning] $variant,)+ }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every word with its meaning, in the same order.
            pub const TABLE: &'static [(&'static str, &'static str)] = &[$(($word, $meaning)),+];

            /// The word that stands for this variant everywhere.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The place in [`Self::ALL`].
            pub const fn index(self) -> u8 {
                self as u8
            }

            /// The variant at a place of [`Self::ALL`].
            pub fn from_index(index: u8) -> Option<Self> {
                Self::ALL.get(usize::from(index)).copied()
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord(word.to_owned())),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// How far an attempt had come.
    Phase {
        Resolve = "resolve", "a name is being looked up";
        Connect = "connect", "a connection is being made";
        Tls = "tls", "the TLS handshake is under way";
        Send = "send", "the request is being sent";
        Head = "head", "the response header is awaited";
        Body = "body", "the response header is here, the body is coming";
    }
}

words! {
    /// What the socket or the parser said.
    Cause {
        NotFound = "not_found", "the name does not exist, or has no address";
        TryAgain = "try_again", "the resolver could not answer";
        Refused = "refused", "the connection was refused";
        Unreachable = "unreachable", "no route, or no such socket";
        TimedOut = "timed_out", "a time-out ran out";
        AttemptTimedOut = "attempt_timed_out", "the time for one try ran out";
        NoPorts = "no_ports", "this machine has no local port left";
        NoRoom = "no_room", "no room is left for one more connection";
        Certificate = "certificate", "the certificate is not trusted";
        Tls = "tls", "another failure of TLS";
        Reset = "reset", "RST, or a write into a closed connection";
        Closed = "closed", "FIN where more was due";
        Invalid = "invalid", "the answer is not valid HTTP";
        TooBig = "too_big", "the response header does not fit its buffer";
        Status = "status", "an answer with a status that counts as a failure";
        Other = "other", "another error, see errno";
    }
}

words! {
    /// Whose fault a failed attempt is.
    Party {
        Peer = "peer", "the upstream server";
        Connection = "connection", "one connection that had grown stale, not the server behind it";
        Client = "client", "who sent the request";
        Policy = "policy", "the configuration, or this machine's limits";
        Request = "request", "the request itself: servers die of it";
    }
}

words! {
    /// How an attempt ended: the word of `$upstream_reason`.
    Reason {
        Pending = "pending", "the attempt is still under way";
        Ok = "ok", "a response came, whatever its status";
        ResolveFailed = "resolve_failed", "the peer's name gave no address";
        Refused = "refused", "the connection was refused";
        Unreachable = "unreachable", "the peer's address could not be reached";
        ConnectTimedOut = "connect_timed_out", "no connection within the connect time-out";
        NoPorts = "no_ports", "this machine had no local port left for a connection";
        NoRoom = "no_room", "`worker_connections` left no room for one more connection";
        ConnectFailed = "connect_failed", "no connection, for another reason";
        Untrusted = "untrusted", "the peer's certificate is not trusted";
        TlsFailed = "tls_failed", "the TLS handshake failed, for another reason";
        ReusedClosed = "reused_closed", "a reused connection was closed (FIN) before the first response byte";
        ReusedReset = "reused_reset", "a reused connection was reset before the first response byte";
        ReusedUnsent = "reused_unsent", "a reused connection was dead before it took a byte of the request";
        Closed = "closed", "the connection was closed (FIN) before the response header was complete";
        Reset = "reset", "the connection was reset before the response header was complete";
        Broken = "broken", "another error on the connection before the response header was complete";
        SendTimedOut = "send_timed_out", "the peer took no more of the request within the send time-out";
        TimedOut = "timed_out", "no response header within the read time-out";
        AttemptTimedOut = "attempt_timed_out", "no whole response within the time for one try";
        Invalid = "invalid", "the response header is not valid HTTP";
        TooBig = "too_big", "the response header does not fit its buffer";
        Status = "status", "the response's status is one to go to the next peer for";
        Poison = "poison", "the request killed fresh connections of two peers: it is the request";
        NoLive = "no_live", "no peer could be chosen";
        Truncated = "truncated", "the response body broke off or broke its framing";
        BodyTimedOut = "body_timed_out", "the response body stopped coming for the read time-out";
        ClientGone = "client_gone", "the client went away before the response was complete";
    }
}

words! {
    /// What followed an attempt.
    Verdict {
        Pending = "pending", "nothing yet";
        Delivered = "delivered", "its response went to the client";
        Next = "next", "the request went on to another attempt";
        Replayed = "replayed", "the request went once more, on a fresh connection to the same peer";
        Failed = "failed", "the request ended with an error";
        Abandoned = "abandoned", "the client was gone";
    }
}

words! {
    /// The rule that gave a verdict.
    Rule {
        Plain = "plain", "none was needed: the response came, or the client went";
        NextUpstream = "next_upstream", "the location's `proxy_next_upstream` lists the failure, or does not";
        NonIdempotent = "non_idempotent", "a POST, LOCK or PATCH that was sent is not sent again";
        Tries = "next_upstream_tries", "no try is left";
        Timeout = "next_upstream_timeout", "the time for all tries is over";
        Buffering = "request_buffering", "the request's body could not be sent again";
        Retry = "retry", "the caller's conditions for a retry list the failure, or do not";
        Rounds = "rounds", "no retry is left";
        RetryAfter = "retry_after", "`Retry-After` asks for a longer wait than is allowed";
        Ask = "ask", "the caller's own condition decided";
        Attribution = "attribution", "the connection is not the peer";
        Probe = "probe", "a live request is never the test";
        LastPeer = "last_peer", "the last reachable peer is not taken out";
        Idle = "idle", "idle time-outs are learned";
        Sent = "sent", "a request of which no byte was accepted has not been sent";
        Budget = "budget", "retries have a budget";
        Poison = "poison", "a request that kills two peers' connections goes no further";
    }
}

words! {
    /// What a peer is to the balancer.
    PeerStatus {
        Available = "available", "requests go to it";
        Ejected = "ejected", "it is out after failures";
        Probing = "probing", "it is out, and a background connect is under way";
    }
}

/// Every enum of the vocabulary, for tables, labels and tests in other languages.
pub fn vocabulary() -> [Words; 7] {
    [
        ("Phase", Phase::TABLE),
        ("Cause", Cause::TABLE),
        ("Party", Party::TABLE),
        ("Reason", Reason::TABLE),
        ("Verdict", Verdict::TABLE),
        ("Rule", Rule::TABLE),
        ("PeerStatus", PeerStatus::TABLE),
    ]
}

impl Phase {
    /// Whether the connection stood, so that the request may have been seen.
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Send | Self::Head | Self::Body)
    }
}

impl Reason {
    /// The reason for a failure before the response header was complete, or in the body.
    ///
    /// `reused` says whether the connection had carried a request before, `sent` and `received` count bytes.
    pub fn of(phase: Phase, cause: Cause, reused: bool, sent: u64, received: u64) -> Self {
        match phase {
            _ if cause == Cause::AttemptTimedOut => Self::AttemptTimedOut,
            Phase::Resolve | Phase::Connect | Phase::Tls => match cause {
                Cause::NotFound | Cause::TryAgain => Self::ResolveFailed,
                Cause::Refused => Self::Refused,
                Cause::Unreachable => Self::Unreachable,
                Cause::TimedOut => Self::ConnectTimedOut,
                Cause::NoPorts => Self::NoPorts,
                Cause::NoRoom => Self::NoRoom,
                Cause::Certificate => Self::Untrusted,
                Cause::Tls => Self::TlsFailed,
                _ if phase == Phase::Resolve => Self::ResolveFailed,
                _ if phase == Phase::Tls => Self::TlsFailed,
                _ => Self::ConnectFailed,
            },
            Phase::Send | Phase::Head => match cause {
                Cause::TimedOut if phase == Phase::Send => Self::SendTimedOut,
                Cause::TimedOut => Self::TimedOut,
                Cause::Invalid => Self::Invalid,
                Cause::TooBig => Self::TooBig,
                Cause::Status => Self::Status,
                // TLS 1.3 tells what it thinks of our certificate after the handshake.
                Cause::Certificate => Self::Untrusted,
                Cause::Tls => Self::TlsFailed,
                _ if reused && received == 0 && sent == 0 => Self::ReusedUnsent,
                Cause::Closed if reused && received == 0 => Self::ReusedClosed,
                _ if reused && received == 0 => Self::ReusedReset,
                Cause::Closed => Self::Closed,
                Cause::Reset => Self::Reset,
                _ => Self::Broken,
            },
            Phase::Body if cause == Cause::TimedOut => Self::BodyTimedOut,
            Phase::Body => Self::Truncated,
        }
    }

    /// Whether no connection could be made, which a background connect can test.
    pub const fn is_connecting(self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Unreachable | Self::ConnectTimedOut | Self::ConnectFailed
        )
    }

    /// Whose fault it is; `None` where nothing failed.
    pub const fn party(self) -> Option<Party> {
        match self {
            Self::Pending | Self::Ok => None,
            Self::ReusedClosed | Self::ReusedReset | Self::ReusedUnsent => Some(Party::Connection),
            Self::NoPorts | Self::NoRoom | Self::NoLive => Some(Party::Policy),
            Self::Poison => Some(Party::Request),
            Self::ClientGone => Some(Party::Client),
            _ => Some(Party::Peer),
        }
    }
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
