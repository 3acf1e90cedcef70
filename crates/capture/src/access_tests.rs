use super::*;
use crate::returns::PERHAPS;

const AT: i64 = 1_767_607_200_000;

fn events<'a>(format: &Access, line: &'a [u8]) -> (Vec<Event<'a>>, Understood) {
    let mut found = Vec::new();
    let understood = format.parse(line, &mut |event| found.push(event));
    (found, understood)
}

fn combined() -> Access {
    Access::new(COMBINED).unwrap()
}

#[test]
fn nginx_s_own_format() {
    let line =
        b"192.0.2.1 - - [05/Jan/2026:10:00:00 +0000] \"POST /a HTTP/1.1\" 502 157 \"-\" \"curl/8\"";
    let (found, _) = events(&combined(), line);
    let expected = Event {
        at_ms: AT,
        method: b"POST",
        upstream: b"/a",
        status: 502,
        ..Event::new("nginx", "502")
    };
    assert_eq!(found, [expected]);
    assert!(combined().looks_like(line));

    let fine =
        b"192.0.2.1 - - [05/Jan/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 157 \"-\" \"curl/8\"";
    assert_eq!(events(&combined(), fine), (Vec::new(), Understood::Yes));
    assert!(!combined().looks_like(&[&fine[..], b" more"].concat()));
    assert!(Access::known().any(|format| format.looks_like(&[&fine[..], b" more"].concat())));
}

#[test]
fn a_client_that_went() {
    let line = b"192.0.2.1 - - [05/Jan/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 499 0 \"-\" \"-\"";
    let (found, _) = events(&combined(), line);
    assert_eq!(
        found[0].outcome,
        Some((Phase::Head, Cause::Closed, Reason::ClientGone))
    );
}

#[test]
fn lists_of_tries_are_told_from_what_follows() {
    let format = Access::new(b"$msec $upstream_addr $upstream_status $status").unwrap();
    let (found, _) = events(
        &format,
        b"1767607200.000 192.0.2.1:80, 192.0.2.2:80 : 192.0.2.3:80 502, 502 : 200 200",
    );
    assert_eq!(
        (found[0].word, found[0].tries, found[0].peer),
        ("retried", 3, &b"192.0.2.3:80"[..])
    );

    let (found, _) = events(&format, b"1767607200.000 app 502 502");
    assert_eq!(
        (found[0].word, found[0].tries, found[0].peer),
        ("502", 1, &b"app"[..])
    );
    assert_eq!(found[0].outcome, None);
    assert_eq!(
        (found[1].word, found[1].outcome),
        (
            "try no live",
            Some((Phase::Connect, Cause::Other, Reason::NoLive))
        )
    );
}

#[test]
fn json_is_a_format_like_others() {
    let format = br#"{"time":"$time_iso8601","request":"$request","status":$status,"upstream":"$upstream_addr","ua":"$http_user_agent"}"#;
    let line = br#"{"time":"2026-01-05T11:00:00+01:00","request":"GET /\" HTTP/1.1","status":504,"upstream":"192.0.2.1:80","ua":"-"}"#;
    let format = Access::new(format).unwrap();
    let (found, _) = events(&format, line);
    assert_eq!(
        (found[0].at_ms, found[0].word, found[0].peer),
        (AT, "504", &b"192.0.2.1:80"[..])
    );
    assert!(format.looks_like(line));
    assert!(!format.looks_like(&line[..line.len() - 1]));
}

#[test]
fn a_format_may_end_in_any_value() {
    let format =
        Access::new(b"$request_method $request_uri $status [$upstream_addr] $request_time")
            .unwrap();
    for end in ["0.001", "-", "0.001, 0.002 : 0.003"] {
        let line = format!("GET /a 502 [192.0.2.1:80] {end}");
        assert!(format.looks_like(line.as_bytes()), "{line}");
        assert_eq!(events(&format, line.as_bytes()).0[0].upstream, b"/a");
    }
    assert!(!format.looks_like(b"GET /a 502 [192.0.2.1:80] 0.001 \"curl/8\""));
}

#[test]
fn a_peer_that_answers_again() {
    let format = Access::new(b"$status $upstream_addr $upstream_status").unwrap();
    let mut counter = Counter::default();
    let mut words = |line: &'static [u8]| {
        let mut found = Vec::new();
        format.count(line, &mut counter, &mut |event| found.push(event.word));
        found.retain(|word| *word != PERHAPS); // no block went before
        found
    };
    assert_eq!(words(b"200 192.0.2.1:80 200"), [""; 0]);
    assert_eq!(
        words(b"200 192.0.2.1:80, 192.0.2.2:80 502, 200"),
        ["retried", "try 502"]
    );
    assert_eq!(words(b"200 192.0.2.2:80 200"), [""; 0]);
    assert_eq!(words(b"200 192.0.2.1:80 200"), ["answered again"]);
    assert_eq!(words(b"200 192.0.2.1:80 200"), [""; 0]);
}

#[test]
fn surehops_own_reasons() {
    let format = Access::new(b"$time_iso8601 $status ${upstream_addr} [$upstream_reason]").unwrap();
    let (found, _) = events(
        &format,
        b"2026-01-05T10:00:00+00:00 200 192.0.2.1:80, 192.0.2.2:80 [reused_closed, ok]",
    );
    let words: Vec<_> = found
        .iter()
        .map(|event| (event.software, event.word, event.peer))
        .collect();
    assert_eq!(
        words,
        [
            ("nginx", "retried", &b"192.0.2.2:80"[..]),
            ("surehop", "reused_closed", b"192.0.2.1:80"),
        ]
    );
    assert_eq!(
        found[1].outcome,
        Some((Phase::Head, Cause::Closed, Reason::ReusedClosed))
    );
}

#[test]
fn every_reason_has_an_ending() {
    for reason in Reason::ALL {
        let ended = ended(reason.word().as_bytes());
        assert_eq!(
            ended.is_none(),
            matches!(reason, Reason::Pending | Reason::Ok)
        );
        assert!(ended.is_none_or(|(word, (_, _, same))| word == reason.word() && same == *reason));
    }
}

#[test]
fn formats_without_a_status_are_none() {
    assert!(Access::new(b"$remote_addr $request").is_none());
    assert!(Access::new(b"").is_none());
}
