//! Envoy's access log in its default format: flags say how a request ended.

use memchr::memchr_iter;
use surehop_engine::{Cause, Phase, Reason};

use crate::event::{Event, Outcome};
use crate::format::{Format, Understood};
use crate::moment;
use crate::traffic::Counter;

/// Reads `[2026-01-05T10:00:00.310Z] "GET / HTTP/1.1" 503 UC via_upstream … "192.0.2.1:80"`.
pub(crate) struct Envoy;

impl Format for Envoy {
    fn parse<'a>(&self, line: &'a [u8], out: &mut dyn FnMut(Event<'a>)) -> Understood {
        self.count(line, &mut Counter::default(), out)
    }

    fn count<'a>(
        &self,
        line: &'a [u8],
        counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood {
        let Some(request) = request(line) else {
            return Understood::No;
        };
        counter.request(request.at_ms, request.status, request.peer);
        let flags = request.flags.split(|byte| *byte == b',');
        for (word, outcome) in flags.filter_map(ending) {
            out(Event {
                at_ms: request.at_ms,
                outcome: Some(outcome),
                peer: request.peer,
                method: request.method,
                status: request.status,
                ..Event::new("envoy", word)
            });
        }
        Understood::Yes
    }
}

struct Request<'a> {
    at_ms: i64,
    method: &'a [u8],
    status: u16,
    flags: &'a [u8],
    peer: &'a [u8],
}

fn request(line: &[u8]) -> Option<Request<'_>> {
    let rest = line.strip_prefix(b"[")?;
    let at_ms = moment::iso8601(rest)?;
    let mut quotes = memchr_iter(b'"', rest);
    let (open, close) = (quotes.next()?, quotes.next()?);
    if !rest[..open].ends_with(b"Z] ") {
        return None;
    }
    let method = rest[open + 1..close].split(|byte| *byte == b' ').next()?;
    let mut words = rest[close + 1..]
        .strip_prefix(b" ")?
        .splitn(3, |byte| *byte == b' ');
    let (status, flags, _) = (words.next()?, words.next()?, words.next()?);
    if flags != b"-"
        && !flags
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || *byte == b',')
    {
        return None;
    }
    let mut peer = &b""[..];
    while let (Some(open), Some(close)) = (quotes.next(), quotes.next()) {
        if is_address(&rest[open + 1..close]) {
            peer = &rest[open + 1..close];
            break;
        }
    }
    Some(Request {
        at_ms,
        method: if method.iter().all(u8::is_ascii_uppercase) {
            method
        } else {
            b""
        },
        status: u16::try_from(moment::number(status)?).ok()?,
        flags,
        peer,
    })
}

/// `192.0.2.1:80` or `[2001:db8::1]:80`.
fn is_address(text: &[u8]) -> bool {
    let Some(colon) = text.iter().rposition(|byte| *byte == b':') else {
        return false;
    };
    let (host, port) = (&text[..colon], &text[colon + 1..]);
    let host = std::str::from_utf8(host).unwrap_or_default();
    let is_ip = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(six) => six.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.parse::<std::net::Ipv4Addr>().is_ok(),
    };
    is_ip && moment::number(port).is_some()
}

fn ending(flag: &[u8]) -> Option<(&'static str, Outcome)> {
    use Cause::{Closed, NoRoom, NotFound, Other, Refused, Reset, TimedOut};
    use Phase::{Connect, Head, Resolve};
    Some(match flag {
        b"UF" => ("envoy UF", (Connect, Refused, Reason::ConnectFailed)),
        b"UC" => ("envoy UC", (Head, Closed, Reason::Closed)),
        b"UR" => ("envoy UR", (Head, Reset, Reason::Reset)),
        b"UO" => ("envoy UO", (Connect, NoRoom, Reason::NoRoom)),
        b"UH" => ("envoy UH", (Connect, Other, Reason::NoLive)),
        b"URX" => ("envoy URX", (Head, Other, Reason::Reset)),
        b"UT" => ("envoy UT", (Head, TimedOut, Reason::TimedOut)),
        b"DC" => ("envoy DC", (Head, Closed, Reason::ClientGone)),
        b"DF" => ("envoy DF", (Resolve, NotFound, Reason::ResolveFailed)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(line: &[u8]) -> (Vec<Event<'_>>, Understood) {
        let mut found = Vec::new();
        let understood = Envoy.parse(line, &mut |event| found.push(event));
        (found, understood)
    }

    #[test]
    fn every_flag_is_an_event() {
        let (found, understood) = events(
            b"[2026-01-05T10:00:00.310Z] \"GET / HTTP/1.1\" 503 UC,XX,URX via_upstream 0 95 12 - \"-\" \"c\" \"i\" \
              \"app:80\" \"[2001:db8::1]:80\"",
        );
        let expected = Event {
            at_ms: 1_767_607_200_310,
            outcome: Some((Phase::Head, Cause::Closed, Reason::Closed)),
            peer: b"[2001:db8::1]:80",
            method: b"GET",
            status: 503,
            ..Event::new("envoy", "envoy UC")
        };
        assert_eq!(understood, Understood::Yes);
        assert_eq!(found[0], expected);
        assert_eq!(found[1].word, "envoy URX");
    }

    #[test]
    fn a_request_that_never_was_one_and_a_clean_one() {
        let (found, _) = events(b"[2026-01-05T10:00:00.310Z] \"- - -\" 0 DC - 0 0 0");
        assert_eq!((found[0].word, found[0].method), ("envoy DC", &b""[..]));
        let (found, understood) =
            events(b"[2026-01-05T10:00:00.310Z] \"GET / HTTP/2\" 200 - via 0 0 0");
        assert_eq!((found.len(), understood), (0, Understood::Yes));
    }
}
