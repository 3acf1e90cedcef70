//! What `HAProxy` says of its servers and of itself, beside the lines of requests.

use memchr::memmem;
use surehop_engine::{Cause, Phase, Reason};

use crate::event::{Event, Outcome};
use crate::format::Understood;
use crate::stamp::stamp;

/// Who tells of them: not a request's line, which says the same of its own.
const NOTICES: &str = "haproxy notices";
/// How a line begins on stderr, of what also goes to the log.
const TWICE: [&[u8]; 3] = [b"[NOTICE]", b"[WARNING]", b"[ALERT]"];

/// Whom it is about stands between the first words and the second.
const SAYINGS: [(&[u8], &[u8], &str); 4] = [
    (b"Server ", b" is DOWN, reason: ", DOWN),
    (b"Server ", b" is UP, reason: ", "up"),
    (b"Proxy ", b" stopped (cumulated conns:", "stopped"),
    (
        b"Connect() failed for backend ",
        b": no free ports.",
        NO_PORTS,
    ),
];
const DOWN: &str = "down";
const NO_PORTS: &str = "no ports";

/// Reads `Server app/a is DOWN, reason: …` and what else it says.
pub(crate) fn tell<'a>(line: &'a [u8], out: &mut dyn FnMut(Event<'a>)) -> Understood {
    if TWICE.iter().any(|level| is_talk(line, level)) {
        return Understood::Yes;
    }
    let found = SAYINGS.iter().find_map(|&(before, behind, word)| {
        let end = memmem::find(line, behind)?;
        Some((
            word,
            name(&line[..end], before)?,
            &line[end + behind.len()..],
        ))
    });
    let Some((word, peer, rest)) = found else {
        return Understood::No;
    };
    let outcome = match word {
        DOWN => why(rest),
        NO_PORTS => Some((Phase::Connect, Cause::NoPorts, Reason::NoPorts)),
        _ => None,
    };
    out(Event {
        at_ms: stamp(line).unwrap_or(0),
        outcome,
        peer,
        ..Event::new(NOTICES, word)
    });
    Understood::Yes
}

/// Whether it is `[WARNING]  (7) : …`.
fn is_talk(line: &[u8], level: &[u8]) -> bool {
    line.strip_prefix(level)
        .map(<[u8]>::trim_ascii_start)
        .and_then(|rest| rest.strip_prefix(b"("))
        .is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
}

/// The last word, if `before` stands before it.
fn name<'a>(text: &'a [u8], before: &[u8]) -> Option<&'a [u8]> {
    let at = memmem::rfind(text, before)?;
    let name = &text[at + before.len()..];
    (!name.is_empty() && !name.contains(&b' ')).then_some(name)
}

/// What a check met: `Layer4 connection problem, info: "Connection refused"`.
fn why(reason: &[u8]) -> Option<Outcome> {
    let has = |words: &str| memmem::find(reason, words.as_bytes()).is_some();
    Some(match reason {
        [b'L', ..] if has("Connection refused") => {
            (Phase::Connect, Cause::Refused, Reason::Refused)
        }
        [b'L', ..] if has("No route to host") || has("unreachable") => {
            (Phase::Connect, Cause::Unreachable, Reason::Unreachable)
        }
        _ if reason.starts_with(b"Layer4 timeout") => {
            (Phase::Connect, Cause::TimedOut, Reason::ConnectTimedOut)
        }
        _ if reason.starts_with(b"Layer7 timeout") => {
            (Phase::Head, Cause::TimedOut, Reason::TimedOut)
        }
        _ if reason.starts_with(b"Layer7 wrong status") => {
            (Phase::Head, Cause::Status, Reason::Status)
        }
        _ if reason.starts_with(b"Layer7 invalid response") => {
            (Phase::Head, Cause::Invalid, Reason::Invalid)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line tells, in words; `None` where nobody knows it.
    fn told(line: &str) -> Option<String> {
        let mut found = String::new();
        let understood = tell(line.as_bytes(), &mut |event| {
            let reason = event.outcome.map_or("", |(_, _, reason)| reason.word());
            let peer = String::from_utf8_lossy(event.peer);
            found = format!("{} {peer} {reason}", event.word);
        });
        (understood == Understood::Yes).then(|| found.trim().to_owned())
    }

    #[test]
    fn what_checks_and_connects_met() {
        for (line, expected) in [
            (
                "Nov 21 21:54:12 lb haproxy[7]: Server app/a is DOWN, reason: Layer4 connection problem, info: \
                 \"Connection refused\", check duration: 0ms. 1 active and 0 backup servers left.",
                "down app/a refused",
            ),
            (
                "<1>Server app/a is DOWN, reason: Layer4 timeout, check duration: 2001ms.",
                "down app/a connect_timed_out",
            ),
            (
                "Backup Server app/a is DOWN, reason: Layer7 wrong status, code: 503, info: \"No\".",
                "down app/a status",
            ),
            (
                "Server app/a is DOWN, reason: Health analyze, info: \"Detected 2 consecutive errors\".",
                "down app/a",
            ),
            (
                "Server app/a is UP, reason: Layer4 check passed, check duration: 0ms.",
                "up app/a",
            ),
            (
                "Proxy web stopped (cumulated conns: FE: 3, BE: 0).",
                "stopped web",
            ),
            (
                "<3>Connect() failed for backend app: no free ports.",
                "no ports app no_ports",
            ),
            // it stands in the log, too
            (
                "[WARNING]  (7) : Server app/a is DOWN, reason: Layer4 timeout.",
                "",
            ),
        ] {
            assert_eq!(told(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_others_say() {
        for line in [
            "[WARNING] app: Server a is DOWN",
            "Server of ours is DOWN, reason: tired",
            "app: no free ports.",
        ] {
            assert_eq!(told(line), None, "{line}");
        }
    }
}
