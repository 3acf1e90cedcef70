//! Logs of Google Cloud's HTTP(S) load balancers: a JSON object a line.

use serde::Deserialize;
use surehop_engine::{Cause, Phase, Reason};

use crate::event::{Event, Outcome};
use crate::format::{Format, Understood};
use crate::moment;

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

/// Reads entries that have `httpRequest` and `jsonPayload.statusDetails`.
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
    #[serde(rename = "statusDetails")]
    details: &'a str,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(rename = "requestMethod", default)]
    method: &'a str,
    #[serde(rename = "serverIp", default)]
    server: &'a str,
    #[serde(default)]
    status: u16,
}

impl Format for Gcp {
    fn parse<'a>(&self, line: &'a [u8], out: &mut dyn FnMut(Event<'a>)) -> Understood {
        let Ok(entry) = serde_json::from_slice::<Entry<'a>>(line) else {
            return Understood::No;
        };
        let details = entry.payload.details;
        if let Some((_, word, outcome)) = DETAILS.iter().find(|(name, ..)| *name == details) {
            out(Event {
                at_ms: moment::iso8601(entry.timestamp.as_bytes()).unwrap_or(0),
                outcome: *outcome,
                peer: entry.request.server.as_bytes(),
                method: entry.request.method.as_bytes(),
                status: entry.request.status,
                ..Event::new("gcp", word)
            });
        }
        Understood::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(details: &str, status: u16) -> String {
        format!(
            r#"{{"httpRequest":{{"latency":"0.003s","remoteIp":"192.0.2.9","requestMethod":"POST","requestUrl":"https://example.com/a?b=\"c\"","serverIp":"10.0.0.2","status":{status}}},"insertId":"1x","jsonPayload":{{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry","statusDetails":"{details}"}},"resource":{{"type":"http_load_balancer"}},"severity":"WARNING","timestamp":"2026-01-05T10:00:00.186641Z"}}"#
        )
    }

    #[test]
    fn every_word_of_it() {
        for &(details, word, outcome) in DETAILS {
            let text = line(details, 502);
            let mut found = Vec::new();
            Gcp.parse(text.as_bytes(), &mut |event| found.push(event));
            let expected = Event {
                at_ms: 1_767_607_200_186,
                outcome,
                peer: b"10.0.0.2",
                method: b"POST",
                status: 502,
                ..Event::new("gcp", word)
            };
            assert_eq!(found, [expected]);
        }
    }

    #[test]
    fn what_is_well_and_what_is_no_line_of_it() {
        let text = line("response_sent_by_backend", 200);
        let mut silent = |event| panic!("{event:?}");
        assert_eq!(Gcp.parse(text.as_bytes(), &mut silent), Understood::Yes);
        for text in ["", "{}", "[]", r#"{"httpRequest":{"status":502}}"#] {
            assert_eq!(Gcp.parse(text.as_bytes(), &mut silent), Understood::No);
        }
    }
}
