//! Access logs of AWS's Application Load Balancer.

use memchr::memchr;
use surehop_engine::{Cause, Phase, Reason};

use crate::event::{Event, Outcome};
use crate::format::{Format, Understood};
use crate::moment;

const KINDS: [&[u8]; 6] = [b"http", b"https", b"h2", b"grpcs", b"ws", b"wss"];
/// What stands for a value that there is not.
const NONE: &[u8] = b"-";

/// Reads `http TIME ELB CLIENT TARGET REQUEST_S TARGET_S RESPONSE_S ELB_STATUS TARGET_STATUS … "METHOD URL …" …`.
pub(crate) struct Alb;

impl Format for Alb {
    fn parse<'a>(&self, line: &'a [u8], out: &mut dyn FnMut(Event<'a>)) -> Understood {
        let Some(request) = Request::of(line) else {
            return Understood::No;
        };
        if let Some((word, outcome)) = request.failure() {
            out(Event {
                at_ms: request.at_ms,
                outcome,
                peer: request.target.unwrap_or_default(),
                upstream: request.url,
                method: request.method,
                status: request.status,
                ..Event::new("alb", word)
            });
        }
        Understood::Yes
    }
}

/// A line. What is `-` in it is `None`.
struct Request<'a> {
    at_ms: i64,
    target: Option<&'a [u8]>,
    /// Whether the request found its way to the target.
    dispatched: bool,
    status: u16,
    target_status: Option<&'a [u8]>,
    method: &'a [u8],
    url: &'a [u8],
}

impl<'a> Request<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(line);
        KINDS.contains(&fields.next()?).then_some(())?;
        let at_ms = moment::iso8601(fields.next()?)?;
        let (_elb, _client) = (fields.next()?, fields.next()?);
        let target = Some(fields.next()?).filter(|target| *target != NONE);
        let (_request_s, target_s, _response_s) = (fields.next()?, fields.next()?, fields.next()?);
        let status = u16::try_from(moment::number(fields.next()?)?).ok()?;
        let target_status = Some(fields.next()?).filter(|status| *status != NONE);
        let (_received, _sent) = (fields.next()?, fields.next()?);
        let mut words = fields.next()?.split(|&byte| byte == b' ');
        Some(Self {
            at_ms,
            target,
            dispatched: !target_s.starts_with(NONE),
            status,
            target_status,
            method: words.next().unwrap_or_default(),
            url: words.next().unwrap_or_default(),
        })
    }

    /// What the balancer itself answered, and why.
    fn failure(&self) -> Option<(&'static str, Option<Outcome>)> {
        Some(match (self.status, self.target, self.target_status) {
            (502, Some(_), None) => ("closed", Some((Phase::Head, Cause::Closed, Reason::Closed))),
            (502, Some(_), Some(status)) if status != b"502" => (
                "invalid",
                Some((Phase::Head, Cause::Invalid, Reason::Invalid)),
            ),
            (503, None, None) => (
                "no live",
                Some((Phase::Connect, Cause::Other, Reason::NoLive)),
            ),
            (504, Some(_), None) if self.dispatched => (
                "time-out",
                Some((Phase::Head, Cause::TimedOut, Reason::TimedOut)),
            ),
            (504, Some(_), None) => (
                "connect",
                Some((Phase::Connect, Cause::TimedOut, Reason::ConnectTimedOut)),
            ),
            (460, ..) => ("client gone", None),
            _ => return None,
        })
    }
}

/// Words, or what is in quotation marks.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = std::mem::take(&mut self.0);
        let (field, rest) = if let Some(quoted) = text.strip_prefix(b"\"") {
            let end = memchr(b'"', quoted)?;
            (&quoted[..end], quoted[end + 1..].strip_prefix(b" "))
        } else {
            let end = memchr(b' ', text).unwrap_or(text.len());
            (&text[..end], text.get(end + 1..))
        };
        self.0 = rest.unwrap_or_default();
        (!field.is_empty()).then_some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The fields and their order are those of AWS's own pages.
    fn line(target: &str, target_s: &str, status: &str, request: &str) -> String {
        format!(
            "https 2026-01-05T10:00:00.186641Z app/web/50dc6c495c0c9188 192.0.2.9:2817 {target} 0.000 \
             {target_s} 0.000 {status} 34 366 \"{request}\" \"curl/8.0\" - - \
             arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/73e2d6bc24d8a067 \"Root=1-58\" \"-\" \"-\" 0 \
             2026-01-05T10:00:00.186000Z \"forward\" \"-\" \"-\" \"-\" \"-\" \"-\" \"-\" TID_1"
        )
    }

    fn told(line: &str) -> Option<(&'static str, Option<Reason>, String)> {
        let mut found = None;
        assert_eq!(
            Alb.parse(line.as_bytes(), &mut |event| {
                assert_eq!(event.at_ms, 1_767_607_200_186);
                assert_eq!(event.method, b"POST");
                let peer = String::from_utf8_lossy(event.peer).into_owned();
                found = Some((event.word, event.outcome.map(|told| told.2), peer));
            }),
            Understood::Yes
        );
        found
    }

    #[test]
    fn what_the_balancer_answered_itself() {
        let request = "POST https://example.com:443/a HTTP/1.1";
        let peer = "10.0.0.1:80";
        for (target, time, status, word, reason) in [
            (peer, "-1", "502 -", "closed", Some(Reason::Closed)),
            (peer, "0.001", "502 -", "closed", Some(Reason::Closed)),
            (peer, "0.001", "502 200", "invalid", Some(Reason::Invalid)),
            (peer, "60.00", "504 -", "time-out", Some(Reason::TimedOut)),
            (
                peer,
                "-1",
                "504 -",
                "connect",
                Some(Reason::ConnectTimedOut),
            ),
            ("-", "-1", "503 -", "no live", Some(Reason::NoLive)),
            (peer, "-1", "460 -", "client gone", None),
        ] {
            let peer = if target == "-" { "" } else { target };
            assert_eq!(
                told(&line(target, time, status, request)),
                Some((word, reason, peer.to_owned())),
                "{status}"
            );
        }
        for status in ["200 200", "404 404", "502 502", "503 503"] {
            assert_eq!(
                told(&line(peer, "0.001", status, request)),
                None,
                "{status}"
            );
        }
    }

    #[test]
    fn what_is_no_line_of_it() {
        for text in [
            "",
            "http ",
            "http 2026-01-05T10:00:00Z a b c",
            "GET / HTTP/1.1",
        ] {
            assert_eq!(Alb.parse(text.as_bytes(), &mut |_| ()), Understood::No);
        }
    }
}
