//! What Envoy 1.40 wrote, and what its pages and those of older ones show.

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

/// The word, the reason and the peer of a line's only event.
fn told(line: &str) -> (&'static str, Reason, String) {
    let (found, understood) = events(line.as_bytes());
    assert_eq!((found.len(), understood), (1, Understood::Yes), "{line}");
    let reason = found[0].outcome.unwrap().2;
    (
        found[0].word,
        reason,
        String::from_utf8_lossy(found[0].peer).into_owned(),
    )
}

#[test]
fn the_upstream_is_the_last_of_the_row_and_no_other_address() {
    for (line, peer) in [
        (
            r#"503 UF 0 95 1 - "192.0.2.9:1" "c" "i" "127.0.0.1:80" "192.0.2.1:81""#,
            "192.0.2.1:81",
        ),
        (r#"503 UF 0 95 1 - "-" "c" "i" "127.0.0.1:80" "-""#, ""),
        (
            r#"503 UF upstream_x{y} - "why" 0 91 0 - "-" "c" "i" "127.0.0.1:80" "192.0.2.1:81" out 192.0.2.2:1 192.0.2.3:8 192.0.2.4:9 - default"#,
            "192.0.2.1:81",
        ),
        (r#"503 UF 0 95 "192.0.2.1:81""#, "192.0.2.1:81"),
        ("503 UF 0 95", ""),
    ] {
        let line = format!("[2026-01-05T10:00:00.310Z] \"GET / HTTP/1.1\" {line}");
        assert_eq!(told(&line).2, peer, "{line}");
    }
}

#[test]
fn details_tell_why_connecting_failed() {
    for (details, reason) in [
        (
            "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
            Reason::Refused,
        ),
        (
            "upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}",
            Reason::Refused,
        ),
        (
            "upstream_reset_before_response_started{connection_timeout}",
            Reason::ConnectTimedOut,
        ),
        (
            "upstream_reset_before_response_started{connection_failure,delayed_connect_error:_113}",
            Reason::Unreachable,
        ),
        (
            "upstream_reset_before_response_started{immediate_connect_error:_99}",
            Reason::NoPorts,
        ),
        (
            "upstream_reset_before_response_started{remote_connection_failure|TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end}",
            Reason::Untrusted,
        ),
        (
            "upstream_reset_before_response_started{connection_failure}",
            Reason::ConnectFailed,
        ),
    ] {
        let text = format!(
            "[2026-01-05T10:00:00.310Z] \"GET / HTTP/1.1\" 503 UF {details} - \"-\" 0 91 0 - \"-\" \"c\" \"i\" \"a\" \"192.0.2.1:80\" out - - - - -"
        );
        let json = format!(
            "{{\"duration\":1,\"method\":\"GET\",\"response_code\":503,\"response_code_details\":\"{details}\",\"response_flags\":\"UF\",\"start_time\":\"2026-01-05T10:00:00.310Z\",\"upstream_host\":\"192.0.2.1:80\"}}"
        );
        for line in [text, json] {
            assert_eq!(told(&line), ("envoy UF", reason, "192.0.2.1:80".to_owned()));
        }
    }
    let reason = r#"[2026-01-05T10:00:00.310Z] "GET / HTTP/1.1" 503 UF "-" "delayed connect error: 111" 0 91 0 - "-" "c" "i" "a" "192.0.2.1:80" - - - - -"#;
    assert_eq!(told(reason).1, Reason::Refused);
}

#[test]
fn without_details_the_time_tells() {
    for (took, reason) in [
        ("0", Reason::ConnectFailed),
        ("250", Reason::ConnectTimedOut),
        ("-", Reason::ConnectFailed),
    ] {
        let line = format!(
            r#"[2026-01-05T10:00:00.310Z] "GET / HTTP/1.1" 503 UF 0 95 {took} - "-" "c" "i" "a" "192.0.2.1:80""#
        );
        assert_eq!(told(&line).1, reason, "{took}");
    }
}

#[test]
fn who_closes_late_was_at_work() {
    for (took, reason) in [("7", Reason::Closed), ("30007", Reason::Broken)] {
        let line = format!(
            r#"{{"response_flags":"UC","response_code":503,"duration":{took},"upstream_host":"192.0.2.1:80"}}"#
        );
        assert_eq!(told(&line).1, reason, "{took}");
    }
}

#[test]
fn json_has_many_names_for_the_same() {
    for line in [
        r#"{"time":"2026-01-05T10:00:00Z","method":"GET","status":"503","flags":"UpstreamConnectionTermination","upstream":"192.0.2.1:80"}"#,
        r#"{"response_flags": "UC", "response_code": 503, "upstream_host": "192.0.2.1:80"}"#,
        r#"2026-01-05T10:00:00.310Z [2026-01-05T10:00:00.310Z] "GET / HTTP/1.1" 503 UC 0 0 "192.0.2.1:80""#,
        r#"web-7 istio-proxy {"response_flags":"UC","response_code":503,"upstream_host":"192.0.2.1:80"}"#,
        r#"2026-01-05T10:00:00.310Z stdout F {"response_code":503,"response_flags":"UC","user_agent":"\"response_flags\":\"UF\"","upstream_host":"192.0.2.1:80"}"#,
    ] {
        let expected = ("envoy UC", Reason::Closed, "192.0.2.1:80".to_owned());
        assert_eq!(told(line), expected);
    }
}

#[test]
fn a_status_tells_whether_the_head_was_passed_on() {
    let line = |status: u16, flag: &str| {
        format!("[2026-01-05T10:00:00.310Z] \"GET / HTTP/1.1\" {status} {flag} 0 0 0 -")
    };
    for flag in ["UC", "UR", "UPE"] {
        assert_eq!(told(&line(200, flag)).1, Reason::Truncated);
        assert_ne!(told(&line(502, flag)).1, Reason::Truncated);
    }
    assert_eq!(events(line(101, "UC").as_bytes()).0, []);
}

#[test]
fn what_is_none_of_its_lines() {
    for line in [
        &b""[..],
        b"{}",
        br#"{"level":"info","status":200,"msg":"x"}"#,
        br#"{"flags":["a"],"status":200}"#,
        b"[2026-01-05 10:00:00.310][7][warning][upstream] gone",
    ] {
        assert_eq!(events(line).1, Understood::No);
    }
}
