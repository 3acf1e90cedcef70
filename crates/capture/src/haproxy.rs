//! `HAProxy`'s logs, of HTTP and of TCP: a flag says how a session ended.

use memchr::{memchr, memchr_iter};
use surehop_engine::{Cause, Phase, Reason};

use crate::event::{Event, Outcome, method_of};
use crate::format::{Format, Understood};
use crate::haproxy_notices;
use crate::moment;
use crate::traffic::Counter;

const SWITCHED: u16 = 101;

/// Reads `… [05/Jan/2026:10:00:00.655] web app/a 10/0/30/69/109 503 2750 - - SH-- 1/1/1/1/0 0/0 "GET / HTTP/1.1"`.
pub(crate) struct Haproxy;

impl Format for Haproxy {
    fn count<'a>(
        &self,
        line: &'a [u8],
        counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood {
        let Some(session) = session(line) else {
            return haproxy_notices::tell(line, out);
        };
        counter.request(session.at_ms, session.status, session.peer);
        let (word, outcome) = match ending(session.state).filter(|_| !session.is_no_fault()) {
            Some((word, outcome)) => (word, Some(outcome)),
            None if session.tries > 1 => ("retried", None),
            None => return Understood::Yes,
        };
        out(Event {
            at_ms: session.at_ms,
            outcome,
            peer: session.peer,
            method: session.method,
            status: session.status,
            tries: session.tries,
            ..Event::new("haproxy", word)
        });
        Understood::Yes
    }
}

struct Session<'a> {
    at_ms: i64,
    frontend: &'a [u8],
    peer: &'a [u8],
    /// 0 of TCP.
    status: u16,
    /// Who ended it or which time-out, and where it was: the first two letters.
    state: [u8; 2],
    tries: u8,
    method: &'a [u8],
}

impl Session<'_> {
    /// Whether it ended as such do on a good day: a tunnel, after which nobody waits, or a request of which no
    /// rule says whose it is, so that the frontend stands for the backend, too.
    fn is_no_fault(&self) -> bool {
        let is_tunnel = match &self.state {
            b"sD" => matches!(self.status, 0 | SWITCHED),
            b"SD" => self.status == SWITCHED,
            _ => false,
        };
        let frontend = self.frontend.strip_suffix(b"~").unwrap_or(self.frontend);
        is_tunnel || self.peer.strip_suffix(b"/<NOSRV>") == Some(frontend)
    }
}

fn session(line: &[u8]) -> Option<Session<'_>> {
    memchr_iter(b'[', line).find_map(|open| {
        let inner = &line[open + 1..];
        let at_ms = moment::common(inner)?;
        let rest = &inner[memchr(b']', inner)? + 1..].strip_prefix(b" ")?;
        behind_time(at_ms, rest)
    })
}

fn behind_time(at_ms: i64, rest: &[u8]) -> Option<Session<'_>> {
    let mut words = rest.split(|byte| *byte == b' ');
    let (frontend, peer, timers) = (words.next()?, words.next()?, words.next()?);
    let is_timer = |byte: &u8| byte.is_ascii_digit() || b"+-/".contains(byte);
    if memchr(b'/', peer).is_none_or(|at| at == 0) || !timers.iter().all(is_timer) {
        return None;
    }
    // Of HTTP: status, bytes, two cookies, state. Of TCP: bytes, state.
    let first = words.next()?;
    let words: [&[u8]; 5] = std::array::from_fn(|_| words.next().unwrap_or_default());
    let at = (0..4).find(|&at| is_state(words[at]) && is_counts(words[at + 1]))?;
    let is_http = at == 1 || at == 3;
    let status = if is_http {
        moment::number(first).unwrap_or(0)
    } else {
        0
    };
    Some(Session {
        at_ms,
        frontend,
        peer,
        status: u16::try_from(status).unwrap_or(0),
        state: [words[at][0], words[at][1]],
        tries: 1 + retries(words[at + 1]),
        method: method(rest),
    })
}

fn is_state(word: &[u8]) -> bool {
    (2..=4).contains(&word.len())
        && word
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
        && word != b"-"
}

/// `1/1/1/1/0`: connections, and then how often connecting was tried again.
fn is_counts(word: &[u8]) -> bool {
    let digits = word
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'+');
    let digits = digits.count();
    digits > 0 && word.get(digits) == Some(&b'/')
}

fn retries(counts: &[u8]) -> u8 {
    let last = counts
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or_default();
    let number = moment::number(last.strip_prefix(b"+").unwrap_or(last));
    number
        .and_then(|count| u8::try_from(count).ok())
        .map_or(0, |count| count.min(254))
}

/// The word before the first blank in quotation marks.
fn method(rest: &[u8]) -> &[u8] {
    let request = memchr(b'"', rest).map_or(&b""[..], |at| &rest[at + 1..]);
    method_of(request)
}

fn ending(state: [u8; 2]) -> Option<(&'static str, Outcome)> {
    use Cause::{Closed, Invalid, NoRoom, Refused, TimedOut};
    use Phase::{Body, Connect, Head};
    Some(match &state {
        b"SC" => ("haproxy SC", (Connect, Refused, Reason::Refused)),
        b"sC" => ("haproxy sC", (Connect, TimedOut, Reason::ConnectTimedOut)),
        b"SH" => ("haproxy SH", (Head, Closed, Reason::Closed)),
        b"sH" => ("haproxy sH", (Head, TimedOut, Reason::TimedOut)),
        b"SD" => ("haproxy SD", (Body, Closed, Reason::Truncated)),
        b"sD" => ("haproxy sD", (Body, TimedOut, Reason::BodyTimedOut)),
        b"CC" => ("haproxy CC", (Connect, Closed, Reason::ClientGone)),
        b"CD" => ("haproxy CD", (Body, Closed, Reason::ClientGone)),
        b"CH" => ("haproxy CH", (Head, Closed, Reason::ClientGone)),
        b"sQ" => ("haproxy sQ", (Connect, NoRoom, Reason::NoRoom)),
        b"PH" => ("haproxy PH", (Head, Invalid, Reason::Invalid)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(line: &[u8]) -> (Vec<Event<'_>>, Understood) {
        let mut found = Vec::new();
        let understood = Haproxy.parse(line, &mut |event| found.push(event));
        (found, understood)
    }

    #[test]
    fn a_line_of_http() {
        let (found, understood) = events(
            b"Jan  5 10:00:00 lb haproxy[7]: 192.0.2.1:3317 [05/Jan/2026:10:00:00.655] web~ app/a \
              10/0/30/69/109 503 2750 - - SHVN 1/1/1/1/+2 0/0 {} {} \"POST / HTTP/1.1\"",
        );
        let expected = Event {
            at_ms: 1_767_607_200_655,
            outcome: Some((Phase::Head, Cause::Closed, Reason::Closed)),
            peer: b"app/a",
            method: b"POST",
            status: 503,
            tries: 3,
            ..Event::new("haproxy", "haproxy SH")
        };
        assert_eq!(
            (found.as_slice(), understood),
            (&[expected][..], Understood::Yes)
        );
    }

    #[test]
    fn a_line_of_tcp_and_clean_ones() {
        let tcp =
            b"192.0.2.1:3317 [05/Jan/2026:10:00:00.655] db db/a 0/0/5007 212 sC 0/0/0/0/3 0/0";
        assert_eq!(events(tcp).0[0].word, "haproxy sC");
        let clean =
            b"192.0.2.1:3317 [05/Jan/2026:10:00:00.655] db db/a 0/0/5007 212 -- 0/0/0/0/0 0/0";
        assert_eq!(events(clean), (Vec::new(), Understood::Yes));
        let retried =
            b"192.0.2.1:3317 [05/Jan/2026:10:00:00.655] db db/a 0/0/5007 212 -- 0/0/0/0/1 0/0";
        assert_eq!(
            (events(retried).0[0].word, events(retried).0[0].tries),
            ("retried", 2)
        );
    }

    #[test]
    fn what_ends_so_on_a_good_day() {
        let ended = |peer: &str, rest: &str| {
            let line =
                format!("192.0.2.1:3317 [05/Jan/2026:10:00:00.655] web~ {peer} 0/0/1/2/9 {rest}");
            let mut words = Vec::new();
            let _ = Haproxy.parse(line.as_bytes(), &mut |event| words.push(event.word));
            words
        };
        for (peer, rest, word) in [
            ("app/a", "101 212 - - sD-- 0/0/0/0/0 0/0", None),
            ("app/a", "101 212 - - SD-- 0/0/0/0/0 0/0", None),
            (
                "app/a",
                "200 212 - - sD-- 0/0/0/0/0 0/0",
                Some("haproxy sD"),
            ),
            ("app/a", "212 sD 0/0/0/0/0 0/0", None),
            ("app/a", "212 SD 0/0/0/0/0 0/0", Some("haproxy SD")),
            ("web/<NOSRV>", "503 212 - - SC-- 0/0/0/0/0 0/0", None),
            (
                "app/<NOSRV>",
                "503 212 - - SC-- 0/0/0/0/0 0/0",
                Some("haproxy SC"),
            ),
        ] {
            assert_eq!(ended(peer, rest), Vec::from_iter(word), "{peer} {rest}");
        }
    }

    #[test]
    fn what_is_none_of_its_lines() {
        for line in [
            &b"haproxy[7]: Server app/a is DOWN"[..],
            b"[05/Jan/2026:10:00:00.655] a b/c",
            b"192.0.2.1 - - [05/Jan/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 12",
        ] {
            assert_eq!(events(line), (Vec::new(), Understood::No));
        }
    }
}
