//! Logs of Google Cloud's HTTP(S) load balancers: JSON, an object a line or an array.

use std::borrow::Cow;

use memchr::memmem;
use serde::Deserialize;
use surehop_engine::{Cause, Phase, Reason};

use crate::event::{AT_WORK_MS, Event, Outcome};
use crate::format::{Format, Understood};
use crate::moment;
use crate::traffic::Counter;

/// The event's word, and how the try failed, if it did.
type Told = (&'static str, Option<Outcome>);

/// Members that only a balancer's entries have; these tell the most of one.
const TELLING: [&str; 2] = ["\"statusDetails\":", "\"proxyStatus\":"];
/// How the type of their payload ends.
const ENTRY: &str = "LoadBalancerLogEntry";

/// The words of `statusDetails` that tell of a failure, with the event's word.
const DETAILS: &[(&str, &str, Option<Outcome>)] = &[
    (
        "backend_connection_closed_before_data_sent_to_client",
        "closed",
        Some((Phase::Head, Cause::Closed, Reason::Closed)),
    ),
    (
        "backend_connection_closed_after_partial_response_sent",
        "cut",
        Some((Phase::Body, Cause::Closed, Reason::Truncated)),
    ),
    (
        "backend_timeout",
        "time-out",
        Some((Phase::Head, Cause::TimedOut, Reason::TimedOut)),
    ),
    (
        "backend_interim_response_not_supported",
        "invalid",
        Some((Phase::Head, Cause::Invalid, Reason::Invalid)),
    ),
    (
        "backend_response_corrupted",
        "invalid",
        Some((Phase::Head, Cause::Invalid, Reason::Invalid)),
    ),
    (
        "failed_to_connect_to_backend",
        "connect",
        Some((Phase::Connect, Cause::Other, Reason::ConnectFailed)),
    ),
    (
        "failed_to_pick_backend",
        "no live",
        Some((Phase::Connect, Cause::Other, Reason::NoLive)),
    ),
    (
        "backend_response_headers_too_long",
        "too big",
        Some((Phase::Head, Cause::TooBig, Reason::TooBig)),
    ),
    (
        "byte_range_caching_retrieval_from_backend_failed_after_partial_response",
        "cut",
        Some((Phase::Body, Cause::Closed, Reason::Truncated)),
    ),
    (
        "response_overall_timeout",
        "time-out",
        Some((Phase::Head, Cause::TimedOut, Reason::TimedOut)),
    ),
    (
        "failed_to_negotiate_alpn",
        "certificate",
        Some((Phase::Tls, Cause::Tls, Reason::TlsFailed)),
    ),
    (
        "ssl_certificate_san_verification_failed",
        "certificate",
        Some((Phase::Tls, Cause::Certificate, Reason::Untrusted)),
    ),
    (
        "ssl_certificate_chain_verification_failed",
        "certificate",
        Some((Phase::Tls, Cause::Certificate, Reason::Untrusted)),
    ),
    (
        "client_disconnected_before_any_response",
        "client gone",
        None,
    ),
    (
        "client_disconnected_after_partial_response",
        "client gone",
        None,
    ),
    ("client_timed_out", "client gone", None),
];

/// The words of `proxyStatus`, which those have that are Envoy: RFC 9209 names them.
const ERRORS: &[(&str, &str, Option<Outcome>)] = &[
    (
        "connection_refused",
        "connect",
        Some((Phase::Connect, Cause::Refused, Reason::Refused)),
    ),
    (
        "connection_timeout",
        "connect",
        Some((Phase::Connect, Cause::TimedOut, Reason::ConnectTimedOut)),
    ),
    (
        "connection_terminated",
        "closed",
        Some((Phase::Head, Cause::Closed, Reason::Closed)),
    ),
    (
        "connection_write_timeout",
        "time-out",
        Some((Phase::Send, Cause::TimedOut, Reason::SendTimedOut)),
    ),
    (
        "connection_limit_reached",
        "full",
        Some((Phase::Connect, Cause::NoRoom, Reason::NoRoom)),
    ),
    (
        "destination_unavailable",
        "no live",
        Some((Phase::Connect, Cause::Other, Reason::NoLive)),
    ),
    (
        "destination_ip_unroutable",
        "connect",
        Some((Phase::Connect, Cause::Unreachable, Reason::Unreachable)),
    ),
    (
        "dns_error",
        "lookup",
        Some((Phase::Resolve, Cause::NotFound, Reason::ResolveFailed)),
    ),
    (
        "dns_timeout",
        "lookup",
        Some((Phase::Resolve, Cause::TryAgain, Reason::ResolveFailed)),
    ),
    (
        "http_response_timeout",
        "time-out",
        Some((Phase::Head, Cause::TimedOut, Reason::TimedOut)),
    ),
    (
        "http_response_incomplete",
        "cut",
        Some((Phase::Body, Cause::Closed, Reason::Truncated)),
    ),
    (
        "http_protocol_error",
        "invalid",
        Some((Phase::Head, Cause::Invalid, Reason::Invalid)),
    ),
    (
        "http_response_header_section_size",
        "too big",
        Some((Phase::Head, Cause::TooBig, Reason::TooBig)),
    ),
    (
        "tls_certificate_error",
        "certificate",
        Some((Phase::Tls, Cause::Certificate, Reason::Untrusted)),
    ),
    (
        "tls_protocol_error",
        "certificate",
        Some((Phase::Tls, Cause::Tls, Reason::TlsFailed)),
    ),
];

/// Reads entries that have `httpRequest` and `jsonPayload.statusDetails`, each a line, or as `gcloud` prints them:
/// an array over many lines.
pub(crate) struct Gcp;

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(rename = "jsonPayload", borrow)]
    payload: Payload<'a>,
    #[serde(rename = "httpRequest", borrow)]
    request: Request<'a>,
    #[serde(default)]
    timestamp: &'a str,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(rename = "statusDetails", default)]
    details: &'a str,
    #[serde(rename = "proxyStatus", default, borrow)]
    proxy: Cow<'a, str>,
    #[serde(rename = "@type", default)]
    kind: &'a str,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(rename = "requestMethod", default)]
    method: &'a str,
    #[serde(rename = "serverIp", default)]
    server: &'a str,
    #[serde(default)]
    latency: &'a str,
    #[serde(default)]
    status: u16,
}

impl Payload<'_> {
    /// Whether a balancer wrote it.
    fn is_its(&self) -> bool {
        !self.details.is_empty() || !self.proxy.is_empty() || self.kind.ends_with(ENTRY)
    }

    /// The event's word.
    fn ending(&self, status: u16) -> Option<Told> {
        let error = self.proxy.split("error=").nth(1).unwrap_or_default();
        let error = error.trim_start_matches('"').split(['"', ';']).next();
        let find = |table: &[(&str, &'static str, Option<Outcome>)], told: &str| {
            let found = table.iter().find(|(name, ..)| *name == told);
            found.map(|&(_, word, outcome)| (word, outcome))
        };
        find(DETAILS, self.details)
            .or_else(|| find(ERRORS, error.unwrap_or_default()))
            .or(match status {
                502 => Some(("502", None)),
                504 => Some(("504", None)),
                _ => None,
            })
    }
}

impl Format for Gcp {
    fn count<'a>(
        &self,
        record: &'a [u8],
        counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood {
        let entry = without_brackets(record);
        if entry.is_empty() && !record.is_empty() {
            return Understood::Yes;
        }
        let entry = match serde_json::from_slice::<Entry<'a>>(entry) {
            Ok(entry) if entry.payload.is_its() => entry,
            _ => return Understood::No,
        };
        let at_ms = moment::iso8601(entry.timestamp.as_bytes()).unwrap_or(0);
        let peer = entry.request.server.as_bytes();
        let status = entry.request.status;
        counter.request(at_ms, status, peer);
        let event = |word| Event {
            at_ms,
            peer,
            method: entry.request.method.as_bytes(),
            status,
            ..Event::new("gcp", word)
        };
        if status > 0
            && let Some(word) = counter.returned(status, peer)
        {
            out(event(word));
        }
        let told = entry.payload.ending(status);
        let is_late = moment::unix(entry.request.latency.as_bytes()) >= Some(AT_WORK_MS);
        if let Some((word, outcome)) = told.map(|told| if is_late { at_work(told) } else { told }) {
            if outcome.is_some_and(|(phase, ..)| phase == Phase::Connect) {
                counter.failed(peer);
            }
            out(Event {
                outcome,
                at: TELLING
                    .iter()
                    .find_map(|name| memmem::find(record, name.as_bytes()))
                    .unwrap_or(0),
                ..event(word)
            });
        }
        Understood::Yes
    }

    fn spans_lines(&self) -> bool {
        true
    }

    /// An entry of its own, or of an array.
    fn begins(&self, line: &[u8]) -> bool {
        matches!(line, [b'{' | b'[', ..]) || line.trim_ascii_end() == b"  {"
    }

    fn looks_like(&self, line: &[u8]) -> bool {
        let is_telling = |name: &&str| line.trim_ascii_start().starts_with(name.as_bytes());
        TELLING.iter().any(is_telling)
            || line.first() == Some(&b'{') && self.parse(line, &mut |_| ()) == Understood::Yes
    }
}

/// What was closed so late was no connection that had rested.
fn at_work(told: Told) -> Told {
    match told {
        ("closed", Some((phase, cause, _))) => ("at work", Some((phase, cause, Reason::Broken))),
        _ => told,
    }
}

/// An entry without what makes it one of an array.
fn without_brackets(record: &[u8]) -> &[u8] {
    let record = record.trim_ascii();
    let record = record.strip_prefix(b"[").unwrap_or(record);
    let record = record.strip_suffix(b"]").unwrap_or(record).trim_ascii_end();
    record.strip_suffix(b",").unwrap_or(record).trim_ascii()
}

#[cfg(test)]
#[path = "gcp_tests.rs"]
mod tests;
