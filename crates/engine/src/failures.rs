//! Which failures a policy lists: nginx's words for them, and the client's finer ones.

use crate::outcome::{Cause, Phase};

/// A set of failures, as `proxy_next_upstream` or a client's retry policy lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureSet(u32);

type Word = (&'static str, FailureSet);

impl FailureSet {
    /// Nothing is passed on (`off`).
    pub const NONE: Self = Self(0);
    /// No connection, or an error on it, of a kind that has no bit of its own.
    pub const ERROR: Self = Self(1);
    /// A time-out of sending or reading.
    pub const TIMEOUT: Self = Self(1 << 1);
    /// An answer that is not HTTP.
    pub const INVALID_HEADER: Self = Self(1 << 2);
    /// Status 500.
    pub const HTTP_500: Self = Self(1 << 3);
    /// Status 502.
    pub const HTTP_502: Self = Self(1 << 4);
    /// Status 503.
    pub const HTTP_503: Self = Self(1 << 5);
    /// Status 504.
    pub const HTTP_504: Self = Self(1 << 6);
    /// Status 403.
    pub const HTTP_403: Self = Self(1 << 7);
    /// Status 404.
    pub const HTTP_404: Self = Self(1 << 8);
    /// Status 429.
    pub const HTTP_429: Self = Self(1 << 9);
    /// Not a failure: a POST, LOCK or PATCH that was sent may go again.
    pub const NON_IDEMPOTENT: Self = Self(1 << 10);
    /// No connection in time.
    pub const CONNECT_TIMEOUT: Self = Self(1 << 11);
    /// The name gave no address.
    pub const RESOLVE: Self = Self(1 << 12);
    /// The address could not be reached.
    pub const UNREACHABLE: Self = Self(1 << 13);
    /// The certificate is not trusted, or TLS failed otherwise.
    pub const CERTIFICATE: Self = Self(1 << 14);
    /// A status from 500 to 599 that has no bit of its own.
    pub const HTTP_5XX: Self = Self(1 << 15);
    /// The time for one try ran out.
    pub const ATTEMPT_TIMEOUT: Self = Self(1 << 16);
    /// nginx's `error`.
    pub const ANY_ERROR: Self = Self::ERROR
        .with(Self::RESOLVE)
        .with(Self::UNREACHABLE)
        .with(Self::CERTIFICATE);
    /// nginx's `timeout`.
    pub const ANY_TIMEOUT: Self = Self::TIMEOUT
        .with(Self::CONNECT_TIMEOUT)
        .with(Self::ATTEMPT_TIMEOUT);
    /// Every status from 500 to 599.
    pub const ANY_5XX: Self = Self::HTTP_500
        .with(Self::HTTP_502)
        .with(Self::HTTP_503)
        .with(Self::HTTP_504)
        .with(Self::HTTP_5XX);
    /// nginx's default.
    pub const DEFAULT: Self = Self::ANY_ERROR.with(Self::ANY_TIMEOUT);

    // What both call by the same word.
    const SHARED: [Word; 9] = [
        ("invalid_header", Self::INVALID_HEADER),
        ("http_500", Self::HTTP_500),
        ("http_502", Self::HTTP_502),
        ("http_503", Self::HTTP_503),
        ("http_504", Self::HTTP_504),
        ("http_403", Self::HTTP_403),
        ("http_404", Self::HTTP_404),
        ("http_429", Self::HTTP_429),
        ("non_idempotent", Self::NON_IDEMPOTENT),
    ];
    const NGINX: [Word; 3] = [
        ("off", Self::NONE),
        ("error", Self::ANY_ERROR),
        ("timeout", Self::ANY_TIMEOUT),
    ];
    const CLIENT: [Word; 8] = [
        ("error", Self::ERROR),
        ("timeout", Self::TIMEOUT),
        ("connect_timeout", Self::CONNECT_TIMEOUT),
        ("attempt_timeout", Self::ATTEMPT_TIMEOUT),
        ("resolve", Self::RESOLVE),
        ("unreachable", Self::UNREACHABLE),
        ("certificate", Self::CERTIFICATE),
        ("http_5xx", Self::ANY_5XX),
    ];

    /// The set that one word of the directive names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::named(&Self::NGINX, word)
    }

    /// The set that one word of a client's plan names; here each word means one kind of failure alone, but
    /// `http_5xx` means them all.
    pub fn from_client_word(word: &str) -> Option<Self> {
        Self::named(&Self::CLIENT, word)
    }

    fn named(own: &[Word], word: &str) -> Option<Self> {
        let mut words = own.iter().chain(&Self::SHARED);
        words.find(|(name, _)| *name == word).map(|(_, set)| *set)
    }

    /// The failure that a status can be listed as.
    pub const fn of_status(status: u16) -> Option<Self> {
        match status {
            500 => Some(Self::HTTP_500),
            502 => Some(Self::HTTP_502),
            503 => Some(Self::HTTP_503),
            504 => Some(Self::HTTP_504),
            403 => Some(Self::HTTP_403),
            404 => Some(Self::HTTP_404),
            429 => Some(Self::HTTP_429),
            501..600 => Some(Self::HTTP_5XX),
            _ => None,
        }
    }

    /// The failure that ended an attempt before there was an answer.
    pub const fn of(phase: Phase, cause: Cause) -> Self {
        match cause {
            Cause::AttemptTimedOut => Self::ATTEMPT_TIMEOUT,
            Cause::TimedOut if phase.is_connected() => Self::TIMEOUT,
            Cause::TimedOut => Self::CONNECT_TIMEOUT,
            Cause::Invalid | Cause::TooBig => Self::INVALID_HEADER,
            Cause::Certificate | Cause::Tls => Self::CERTIFICATE,
            _ if matches!(phase, Phase::Resolve) => Self::RESOLVE,
            Cause::NotFound | Cause::TryAgain => Self::RESOLVE,
            Cause::Unreachable if !phase.is_connected() => Self::UNREACHABLE,
            _ => Self::ERROR,
        }
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether this failure is in it; what is none is not.
    pub(crate) const fn lists(self, failure: Self) -> bool {
        failure.0 != 0 && self.has(failure)
    }
}

#[cfg(test)]
#[path = "failures_tests.rs"]
mod tests;
