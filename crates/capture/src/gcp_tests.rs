//! Entries as Google's pages show them.

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
            at: found[0].at,
            ..Event::new("gcp", word)
        };
        assert_eq!(found, [expected]);
    }
}

#[test]
fn every_error_of_a_proxy() {
    for &(error, word, outcome) in ERRORS {
        let proxy =
            format!(r#"","proxyStatus":"error=\"{error}\"; details=\"server_to_loadbalancer: x\""#);
        let text = line(&proxy, 503);
        let mut found = Vec::new();
        Gcp.parse(text.as_bytes(), &mut |event| found.push(event));
        assert_eq!(
            (found[0].word, found[0].outcome),
            (word, outcome),
            "{error}"
        );
    }
}

#[test]
fn an_array_over_many_lines() {
    let entry = |details: &str, status: u16| {
        let value: serde_json::Value = serde_json::from_str(&line(details, status)).unwrap();
        value
    };
    let every = [
        entry("backend_timeout", 502),
        entry("response_sent_by_backend", 200),
        entry("failed_to_connect_to_backend", 502),
    ];
    let text = serde_json::to_string_pretty(&every).unwrap();
    let kind = crate::kind_of(text.as_bytes(), &[] as &[&[u8]]).unwrap();
    assert_eq!(kind.name, "gcp load balancer log");
    for text in [text.clone(), text.replace('\n', "\r\n") + "\r\n"] {
        let mut digest = crate::Digest::default();
        let mut reading = crate::Reading::new("a.json", kind.clone(), 1);
        let mut from = text.as_bytes();
        while reading.turn(&mut digest, &mut from, 100).unwrap() {}
        reading.finish(&mut digest);
        let told: serde_json::Value = serde_json::from_slice(&digest.to_json().unwrap()).unwrap();
        let lines = text.lines().count();
        assert_eq!(told["files"][0]["understood"], lines);
        let words: Vec<_> = told["tallies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|each| &each["word"])
            .collect();
        assert_eq!(words, ["connect", "time-out"]);
        let kept = told["tallies"][1]["kept"][0]["text"].as_str().unwrap();
        assert!(
            kept.trim()
                .starts_with("\"statusDetails\": \"backend_timeout\""),
            "{kept}"
        );
        let statuses = &told["traffic"]["gcp load balancer log"]["statuses"];
        assert_eq!((&statuses["200"], &statuses["502"]), (&1.into(), &2.into()));
    }
}

#[test]
fn who_closes_late_was_at_work() {
    let text = line(DETAILS[0].0, 502).replace("0.003s", "30.003s");
    let mut found = Vec::new();
    Gcp.parse(text.as_bytes(), &mut |event| found.push(event));
    assert_eq!(
        (found[0].word, found[0].outcome.unwrap().2),
        ("at work", Reason::Broken)
    );
}

#[test]
fn a_502_of_the_backend_itself() {
    let text = line("response_sent_by_backend", 502);
    let mut found = Vec::new();
    Gcp.parse(text.as_bytes(), &mut |event| found.push(event));
    assert_eq!((found[0].word, found[0].outcome), ("502", None));
}

#[test]
fn what_is_well_and_what_is_no_line_of_it() {
    let text = line("response_sent_by_backend", 200);
    let mut silent = |event| panic!("{event:?}");
    assert_eq!(Gcp.parse(text.as_bytes(), &mut silent), Understood::Yes);
    for text in ["", "{}", "[7]", r#"{"httpRequest":{"status":502}}"#] {
        assert_eq!(Gcp.parse(text.as_bytes(), &mut silent), Understood::No);
    }
}
