//! Access logs of AWS's Application Load Balancer, and of the classic one, which has the same fields but the first.

use memchr::memchr;
use surehop_engine::{Cause, Phase, Reason};

use crate::event::{AT_WORK_MS, Event, Outcome};
use crate::format::{Format, Understood};
use crate::moment;
use crate::traffic::Counter;

const KINDS: [&[u8]; 6] = [b"http", b"https", b"h2", b"grpcs", b"ws", b"wss"];
/// What stands for a value that there is not.
const NONE: &[u8] = b"-";
/// How long the balancer tries to connect, in milliseconds, as far as its clocks tell.
const CONNECTING: std::ops::Range<i64> = 9_500..11_000;

/// Reads `http TIME ELB CLIENT TARGET REQUEST_S TARGET_S RESPONSE_S ELB_STATUS TARGET_STATUS … "METHOD URL …" …`,
/// of the classic one without the first word.
pub(crate) struct Alb {
    pub(crate) classic: bool,
}

impl Format for Alb {
    fn count<'a>(
        &self,
        line: &'a [u8],
        counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood {
        let Some(request) = Request::of(line, self.classic) else {
            return Understood::No;
        };
        let peer = request.target.unwrap_or_default();
        counter.request(request.at_ms, request.status, peer);
        let event = |word| Event {
            at_ms: request.at_ms,
            peer,
            upstream: request.url,
            method: request.method,
            status: request.status,
            ..Event::new("alb", word)
        };
        if request.target_status.is_some()
            && let Some(word) = counter.returned(request.status, peer)
        {
            out(event(word));
        }
        if let Some((word, outcome)) = request.ending() {
            out(Event {
                outcome,
                ..event(word)
            });
            if outcome.is_some_and(|(_, _, reason)| reason == Reason::ConnectFailed) {
                counter.failed(peer);
            }
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
    /// How long the target took until something came of it, or until the balancer gave it up.
    waited_ms: Option<i64>,
    /// From the request to the answer, where that is told.
    took_ms: Option<i64>,
    status: u16,
    target_status: Option<&'a [u8]>,
    method: &'a [u8],
    url: &'a [u8],
}

impl<'a> Request<'a> {
    fn of(line: &'a [u8], classic: bool) -> Option<Self> {
        let mut fields = Fields(line);
        if !classic {
            KINDS.contains(&fields.next()?).then_some(())?;
        }
        let at_ms = moment::iso8601(fields.next()?)?;
        let (_elb, _client) = (fields.next()?, fields.next()?);
        let told = |field: &'a [u8]| Some(field).filter(|field| *field != NONE);
        let target = told(fields.next()?);
        let (request_s, target_s, response_s) = (fields.next()?, fields.next()?, fields.next()?);
        let is_time = |field: &[u8]| field == b"-1" || moment::unix(field).is_some();
        [request_s, target_s, response_s]
            .iter()
            .all(|field| is_time(field))
            .then_some(())?;
        let status = told(fields.next()?).map_or(Some(0), moment::number)?;
        // The classic one writes 0 where there is none.
        let target_status = told(fields.next()?).filter(|status| *status != b"0");
        let (_received, _sent) = (fields.next()?, fields.next()?);
        let mut words = fields.next()?.split(|&byte| byte == b' ');
        // Behind it: agent, cipher, protocol, group, trace, domain, certificate, rule; then when it came.
        let came = fields.nth(8).and_then(moment::iso8601);
        Some(Self {
            at_ms,
            target,
            dispatched: !request_s.starts_with(NONE),
            waited_ms: moment::unix(target_s),
            took_ms: came.map(|came| at_ms - came),
            status: u16::try_from(status).ok()?,
            target_status,
            method: words.next().unwrap_or_default(),
            url: words.next().unwrap_or_default(),
        })
    }

    /// What the balancer itself answered, and why; or that it passed on what others say of who is behind them.
    fn ending(&self) -> Option<(&'static str, Option<Outcome>)> {
        use Cause::{Closed, Invalid, Other, TimedOut};
        use Phase::{Connect, Head};
        Some(match (self.status, self.target, self.target_status) {
            (502, Some(_), None) if self.waited_ms >= Some(AT_WORK_MS) => {
                ("at work", Some((Head, Closed, Reason::Broken)))
            }
            (502, Some(_), None) if self.dispatched => {
                ("closed", Some((Head, Closed, Reason::Closed)))
            }
            // Refused, reset while connecting, or a kept connection that was closed: it does not tell them apart.
            (502, Some(_), None) => ("not sent", Some((Connect, Other, Reason::ConnectFailed))),
            (502, Some(_), Some(status)) if status != b"502" => {
                ("invalid", Some((Head, Invalid, Reason::Invalid)))
            }
            (503, None, None) => ("no live", Some((Connect, Other, Reason::NoLive))),
            (504, Some(_), None) if self.connecting() => (
                "connect",
                Some((Connect, TimedOut, Reason::ConnectTimedOut)),
            ),
            (504, Some(_), None) => ("time-out", Some((Head, TimedOut, Reason::TimedOut))),
            (502, ..) => ("502", None),
            (504, ..) => ("504", None),
            (460, ..) => ("client gone", None),
            _ => return None,
        })
    }

    fn connecting(&self) -> bool {
        !self.dispatched
            || self.waited_ms.is_none()
                && self.took_ms.is_some_and(|took| CONNECTING.contains(&took))
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

    const PEER: &str = "10.0.0.1:80";

    // The fields and their order are those of AWS's own pages, as of 2016 and as of today.
    fn line(target: &str, times: &str, status: &str) -> String {
        format!(
            "https 2026-01-05T10:00:00.186641Z app/web/50dc6c495c0c9188 192.0.2.9:2817 {target} {times} {status} \
             34 366 \"POST https://example.com:443/a HTTP/1.1\" \"curl/8.0\" - - \
             arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/73e2d6bc24d8a067 \"Root=1-58\""
        )
    }

    fn today(line: &str, took: &str) -> String {
        format!(
            "{line} \"-\" \"-\" 0 2026-01-05T{took}Z \"forward\" \"-\" \"-\" \"{PEER}\" \"-\" \"-\" \"-\" \
             TID_1 \"-\" \"-\" \"-\""
        )
    }

    fn told(line: &str, classic: bool) -> Option<(&'static str, Option<Reason>, String)> {
        let mut found = None;
        let understood = Alb { classic }.parse(line.as_bytes(), &mut |event| {
            assert_eq!(event.at_ms, 1_767_607_200_186);
            assert_eq!(event.method, b"POST");
            let peer = String::from_utf8_lossy(event.peer).into_owned();
            found = Some((event.word, event.outcome.map(|told| told.2), peer));
        });
        assert_eq!(understood, Understood::Yes, "{line}");
        found
    }

    #[test]
    fn what_the_balancer_answered_itself() {
        for (target, times, status, word, reason) in [
            (PEER, "0.000 -1 -1", "502 -", "closed", Some(Reason::Closed)),
            (
                PEER,
                "0.000 0.001 -1",
                "502 -",
                "closed",
                Some(Reason::Closed),
            ),
            (
                PEER,
                "0.000 30.001 -1",
                "502 -",
                "at work",
                Some(Reason::Broken),
            ),
            (
                PEER,
                "-1 -1 -1",
                "502 -",
                "not sent",
                Some(Reason::ConnectFailed),
            ),
            (
                PEER,
                "0.000 0.001 0.000",
                "502 200",
                "invalid",
                Some(Reason::Invalid),
            ),
            (PEER, "0.000 0.001 0.000", "502 502", "502", None),
            ("-", "-1 -1 -1", "502 -", "502", None),
            (
                PEER,
                "0.000 60.001 -1",
                "504 -",
                "time-out",
                Some(Reason::TimedOut),
            ),
            (
                PEER,
                "0.000 -1 -1",
                "504 -",
                "time-out",
                Some(Reason::TimedOut),
            ),
            (
                PEER,
                "-1 -1 -1",
                "504 -",
                "connect",
                Some(Reason::ConnectTimedOut),
            ),
            (PEER, "0.000 0.001 0.000", "504 504", "504", None),
            ("-", "-1 -1 -1", "503 -", "no live", Some(Reason::NoLive)),
            (PEER, "0.000 -1 -1", "460 -", "client gone", None),
        ] {
            let peer = if target == "-" { "" } else { target };
            let line = line(target, times, status);
            for line in [today(&line, "10:00:00.100000"), line] {
                let expected = Some((word, reason, peer.to_owned()));
                assert_eq!(told(&line, false), expected, "{times} {status}");
                let classic = line.strip_prefix("https ").unwrap();
                assert_eq!(told(classic, true), expected, "{times} {status}");
            }
        }
    }

    #[test]
    fn what_is_not_its_own_failure() {
        for (target, status) in [
            (PEER, "200 200"),
            (PEER, "404 404"),
            (PEER, "503 503"),
            (PEER, "500 500"),
            ("-", "403 -"), // its firewall
            ("-", "561 -"), // who logs its users in
            ("-", "301 -"),
            ("-", "400 -"),
            ("-", "- -"),
        ] {
            let line = line(target, "-1 -1 -1", status);
            assert_eq!(told(&line, false), None, "{status}");
        }
    }

    #[test]
    fn ten_seconds_are_for_connecting() {
        let line = line(PEER, "0.000 -1 -1", "504 -");
        let reason = |took| told(&today(&line, took), false).map(|found| found.1);
        assert_eq!(
            reason("09:59:50.186000"),
            Some(Some(Reason::ConnectTimedOut))
        );
        assert_eq!(reason("09:59:00.186000"), Some(Some(Reason::TimedOut)));
    }

    #[test]
    fn what_is_no_line_of_it() {
        for text in [
            "",
            "http ",
            "http 2026-01-05T10:00:00Z a b c",
            "GET / HTTP/1.1",
            "2026-01-05T10:00:00Z a b c d e f g 1 2 3 4 \"x\"",
        ] {
            for classic in [false, true] {
                let understood = Alb { classic }.parse(text.as_bytes(), &mut |_| ());
                assert_eq!(understood, Understood::No);
            }
        }
    }
}
