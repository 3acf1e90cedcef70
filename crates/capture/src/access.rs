//! Access logs: nginx's in any `log_format`, and what Apache and others write like it.

use surehop_engine::{Cause, Phase, Reason};

use crate::access_tries;
use crate::attempts;
use crate::event::{Event, Outcome, method_of};
use crate::format::{Format, Understood};
use crate::moment;
use crate::template::{Template, Values, Variable};
use crate::traffic::Counter;

/// nginx's own format.
const COMBINED: &[u8] =
    b"$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
/// What every server's format begins with.
const COMMON: &[u8] =
    b"$remote_addr $ident $remote_user [$time_local] \"$request\" $status $body_bytes_sent";

/// Reads lines of one format.
pub(crate) struct Access {
    template: Template,
    /// Whether more may stand behind what the format has.
    open: bool,
}

impl Access {
    /// `None` where a line of this format would not tell a status.
    pub(crate) fn new(format: &[u8]) -> Option<Self> {
        Template::new(format).map(|template| Self {
            template,
            open: false,
        })
    }

    /// The formats that need not be told.
    pub(crate) fn known() -> impl Iterator<Item = Self> {
        let combined = Self::new(COMBINED);
        let common = Template::new(COMMON).map(|template| Self {
            template,
            open: true,
        });
        combined.into_iter().chain(common)
    }
}

impl Format for Access {
    fn count<'a>(
        &self,
        line: &'a [u8],
        counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood {
        let mut values = Values::default();
        if !self.template.values(line, &mut values) {
            return Understood::No;
        }
        let get = |variable: Variable| values[variable as usize];
        let Some(status) = status(get(Variable::Status)) else {
            return Understood::No;
        };
        let at_ms = at(&values, counter);
        let addresses = get(Variable::UpstreamAddr);
        let peer = last(addresses);
        counter.request(at_ms, status, peer);
        let returned = counter.returned(status, peer);
        let tries = match addresses {
            b"" => tries(get(Variable::UpstreamStatus)),
            _ => tries(addresses),
        };
        let word = word(status);
        let attempts = attempts::failed(get(Variable::UpstreamAttempts)).unwrap_or_default();
        if word.is_none() && tries < 2 && attempts.is_empty() && returned.is_none() {
            return Understood::Yes;
        }
        let event = Event {
            at_ms,
            peer,
            upstream: target(&values),
            method: method(&values),
            connection: moment::number(get(Variable::Connection)).map_or(0, i64::unsigned_abs),
            status,
            tries,
            ..Event::new("nginx", word.unwrap_or("retried"))
        };
        if let Some(word) = returned {
            out(Event {
                word,
                tries: 1,
                ..event
            });
        }
        if word.is_none() && tries < 2 && attempts.is_empty() {
            return Understood::Yes;
        }
        if !attempts.is_empty() {
            out(event);
            for one in attempts {
                out(Event {
                    at_ms,
                    method: event.method,
                    connection: event.connection,
                    status,
                    ..one
                });
            }
            return Understood::Yes;
        }
        let reasons = get(Variable::UpstreamReason);
        let statuses = match reasons {
            b"" => get(Variable::UpstreamStatus),
            _ => b"", // they tell more
        };
        let mut failed = access_tries::failed(addresses, statuses).peekable();
        out(Event {
            outcome: outcome(status, peer).filter(|_| failed.peek().is_none()),
            ..event
        });
        for (peer, word, ended) in failed {
            counter.failed(peer);
            out(Event {
                word,
                outcome: Some(ended),
                peer,
                tries: 1,
                ..event
            });
        }
        for (at, reason) in items(reasons).enumerate() {
            if let Some((word, outcome)) = ended(reason) {
                out(Event {
                    software: "surehop",
                    word,
                    outcome: Some(outcome),
                    peer: items(addresses).nth(at).unwrap_or(peer),
                    tries: 1,
                    ..event
                });
            }
        }
        Understood::Yes
    }

    fn looks_like(&self, line: &[u8]) -> bool {
        let like = if self.open {
            self.template.is_beginning(line)
        } else {
            self.template.is_whole(line)
        };
        like && self.parse(line, &mut |_| ()) == Understood::Yes
    }
}

fn status(text: &[u8]) -> Option<u16> {
    let number = moment::number(text)?;
    u16::try_from(number).ok().filter(|status| *status < 1000)
}

/// When it was: of lines that follow each other many have the same time.
fn at(values: &Values<'_>, counter: &mut Counter) -> i64 {
    let written = [Variable::TimeLocal, Variable::TimeIso, Variable::Msec]
        .map(|variable| values[variable as usize])
        .into_iter()
        .find(|time| !time.is_empty())
        .unwrap_or_default();
    counter.moment(written, || {
        moment::common(written)
            .or_else(|| moment::iso8601(written))
            .or_else(|| moment::unix(written))
            .unwrap_or(0)
    })
}

fn method<'a>(values: &Values<'a>) -> &'a [u8] {
    let said = values[Variable::Method as usize];
    if !said.is_empty() {
        return said;
    }
    method_of(values[Variable::Request as usize])
}

/// What was asked for.
fn target<'a>(values: &Values<'a>) -> &'a [u8] {
    let request = values[Variable::Request as usize];
    let mut words = request.split(|byte| *byte == b' ');
    words.nth(1).unwrap_or(values[Variable::Uri as usize])
}

/// The values of a list that tell something.
fn items(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    access_tries::items(list).filter(|item| *item != b"-")
}

fn last(list: &[u8]) -> &[u8] {
    items(list).last().unwrap_or_default()
}

fn tries(list: &[u8]) -> u8 {
    u8::try_from(items(list).count()).unwrap_or(u8::MAX).max(1)
}

/// The word for a status that says that something failed.
fn word(status: u16) -> Option<&'static str> {
    Some(match status {
        408 => "408",
        499 => "499",
        500 => "500",
        502 => "502",
        503 => "503",
        504 => "504",
        501..=599 => "5xx",
        _ => return None,
    })
}

/// An access log tells a status and whose it may have been, no more.
fn outcome(status: u16, peer: &[u8]) -> Option<Outcome> {
    match status {
        499 => Some((Phase::Head, Cause::Closed, Reason::ClientGone)),
        500.. if !peer.is_empty() => Some((Phase::Head, Cause::Status, Reason::Status)),
        _ => None,
    }
}

/// How a try ended by a word of `$upstream_reason`; `None` where it did not fail.
fn ended(word: &[u8]) -> Option<(&'static str, Outcome)> {
    let reason: Reason = std::str::from_utf8(word).ok()?.parse().ok()?;
    let (phase, cause) = match reason {
        Reason::Pending | Reason::Ok => return None,
        Reason::ResolveFailed => (Phase::Resolve, Cause::NotFound),
        Reason::Refused => (Phase::Connect, Cause::Refused),
        Reason::Unreachable => (Phase::Connect, Cause::Unreachable),
        Reason::ConnectTimedOut => (Phase::Connect, Cause::TimedOut),
        Reason::NoPorts => (Phase::Connect, Cause::NoPorts),
        Reason::NoRoom => (Phase::Connect, Cause::NoRoom),
        Reason::ConnectFailed | Reason::NoLive => (Phase::Connect, Cause::Other),
        Reason::Untrusted => (Phase::Tls, Cause::Certificate),
        Reason::TlsFailed => (Phase::Tls, Cause::Tls),
        Reason::SendTimedOut => (Phase::Send, Cause::TimedOut),
        Reason::ReusedUnsent => (Phase::Send, Cause::Closed),
        Reason::ReusedClosed | Reason::Closed | Reason::Poison | Reason::ClientGone => {
            (Phase::Head, Cause::Closed)
        }
        Reason::ReusedReset | Reason::Reset => (Phase::Head, Cause::Reset),
        Reason::Broken => (Phase::Head, Cause::Other),
        Reason::TimedOut => (Phase::Head, Cause::TimedOut),
        Reason::AttemptTimedOut => (Phase::Head, Cause::AttemptTimedOut),
        Reason::Invalid => (Phase::Head, Cause::Invalid),
        Reason::TooBig => (Phase::Head, Cause::TooBig),
        Reason::Status => (Phase::Head, Cause::Status),
        Reason::Truncated => (Phase::Body, Cause::Closed),
        Reason::BodyTimedOut => (Phase::Body, Cause::TimedOut),
    };
    Some((reason.word(), (phase, cause, reason)))
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
