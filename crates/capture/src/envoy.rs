//! Envoy's access log: flags say how a request ended, and sometimes details say why.

use memchr::memmem;
use surehop_engine::{Cause, Phase, Reason};

use crate::envoy_line::Request;
use crate::event::{AT_WORK_MS, Event, Outcome};
use crate::format::{Format, Understood};
use crate::traffic::Counter;

const SWITCHED: u16 = 101;
const BAD: u16 = 400;
/// Who is refused is so at once; a time-out for connecting is seldom shorter.
const SLOW_MS: i64 = 200;
const SLOW: Outcome = (Phase::Connect, Cause::TimedOut, Reason::ConnectTimedOut);

/// Reads `[2026-01-05T10:00:00.310Z] "GET / HTTP/1.1" 503 UC … "192.0.2.1:80"`, and JSON that has flags.
pub(crate) struct Envoy;

impl Format for Envoy {
    fn count<'a>(
        &self,
        line: &'a [u8],
        counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood {
        let Some(request) = Request::of(line) else {
            return Understood::No;
        };
        counter.request(request.at_ms, request.status, request.peer);
        let event = |word| Event {
            at_ms: request.at_ms,
            peer: request.peer,
            method: request.method,
            status: request.status,
            ..Event::new("envoy", word)
        };
        if request.status > 0
            && let Some(word) = counter.returned(request.status, request.peer)
        {
            out(event(word));
        }
        let flags = request.flags.split(|byte| *byte == b',');
        for (word, outcome) in flags.filter_map(ending) {
            if let Some(outcome) = sharpened(outcome, &request) {
                out(Event {
                    outcome: Some(outcome),
                    ..event(word)
                });
                if matches!(outcome.2, Reason::Refused | Reason::ConnectFailed) {
                    counter.failed(request.peer);
                }
            }
        }
        Understood::Yes
    }
}

/// What a flag says by itself, short or long.
fn ending(flag: &[u8]) -> Option<(&'static str, Outcome)> {
    use Cause::{Closed, Invalid, NoRoom, NotFound, Other, Reset, TimedOut};
    use Phase::{Body, Connect, Head, Resolve};
    Some(match flag {
        b"UF" | b"UpstreamConnectionFailure" => {
            ("envoy UF", (Connect, Other, Reason::ConnectFailed))
        }
        b"UC" | b"UpstreamConnectionTermination" => ("envoy UC", (Head, Closed, Reason::Closed)),
        b"UR" | b"UpstreamRemoteReset" => ("envoy UR", (Head, Reset, Reason::Reset)),
        b"UPE" | b"UpstreamProtocolError" => ("envoy UPE", (Head, Invalid, Reason::Invalid)),
        b"UO" | b"UpstreamOverflow" => ("envoy UO", (Connect, NoRoom, Reason::NoRoom)),
        b"UH" | b"NoHealthyUpstream" => ("envoy UH", (Connect, Other, Reason::NoLive)),
        b"URX" | b"UpstreamRetryLimitExceeded" => ("envoy URX", (Head, Other, Reason::Reset)),
        b"UT" | b"UpstreamRequestTimeout" => ("envoy UT", (Head, TimedOut, Reason::TimedOut)),
        b"UMSDR" | b"UpstreamMaxStreamDurationReached" => {
            ("envoy UMSDR", (Body, TimedOut, Reason::BodyTimedOut))
        }
        b"DC" | b"DownstreamConnectionTermination" => {
            ("envoy DC", (Head, Closed, Reason::ClientGone))
        }
        b"DR" | b"DownstreamRemoteReset" => ("envoy DR", (Head, Reset, Reason::ClientGone)),
        b"DF" | b"DnsResolutionFailed" => ("envoy DF", (Resolve, NotFound, Reason::ResolveFailed)),
        b"NC" | b"NoClusterFound" => ("envoy NC", (Connect, Other, Reason::NoLive)),
        _ => return None,
    })
}

/// What the details and the status add to a flag; `None` where it stands for no failure.
fn sharpened(outcome: Outcome, request: &Request<'_>) -> Option<Outcome> {
    let (phase, cause, reason) = outcome;
    Some(match reason {
        Reason::ConnectFailed => match request.details.into_iter().find_map(why) {
            Some(outcome) => outcome,
            None if request.took_ms >= Some(SLOW_MS) => SLOW,
            None => outcome,
        },
        // A connection that became another protocol's ends some day.
        Reason::Closed | Reason::Reset if request.status == SWITCHED => return None,
        // The head had been passed on.
        Reason::Closed | Reason::Reset | Reason::Invalid if (1..BAD).contains(&request.status) => {
            (Phase::Body, cause, Reason::Truncated)
        }
        // A connection that had rested is found closed at once.
        Reason::Closed if request.took_ms >= Some(AT_WORK_MS) => (phase, cause, Reason::Broken),
        _ => outcome,
    })
}

/// Why connecting failed. What the system said is a number up to Envoy 1.33 or so, and words since.
fn why(details: &[u8]) -> Option<Outcome> {
    use Phase::{Connect, Tls};
    const WORDS: &[(&[&str], Outcome)] = &[
        (
            &[
                "onnection_refused",
                "onnection refused",
                "error:_111",
                "error: 111",
            ],
            (Connect, Cause::Refused, Reason::Refused),
        ),
        (
            &[
                "connection_timeout",
                "connect_timeout",
                "timed_out",
                "error:_110",
                "error: 110",
            ],
            SLOW,
        ),
        (
            &[
                "error:_113",
                "error: 113",
                "error:_101",
                "error: 101",
                "unreachable",
                "o_route_to",
            ],
            (Connect, Cause::Unreachable, Reason::Unreachable),
        ),
        (
            &["error:_99", "error: 99", "annot_assign", "annot assign"],
            (Connect, Cause::NoPorts, Reason::NoPorts),
        ),
        (
            &["CERTIFICATE_VERIFY_FAILED"],
            (Tls, Cause::Certificate, Reason::Untrusted),
        ),
        (
            &["TLS_error", "TLS error"],
            (Tls, Cause::Tls, Reason::TlsFailed),
        ),
    ];
    let has = |word: &&str| memmem::find(details, word.as_bytes()).is_some();
    WORDS
        .iter()
        .find(|(words, _)| words.iter().any(has))
        .map(|(_, outcome)| *outcome)
}

#[cfg(test)]
#[path = "envoy_tests.rs"]
mod tests;
