use super::*;

const TAIL: &str = ", client: 192.0.2.1, server: a, request: \"POST /a HTTP/1.1\", upstream: ";

fn line(message: &str, upstream: &str) -> String {
    format!("2026/01/05 10:00:00 [error] 11#11: *7 {message}{TAIL}\"{upstream}\"")
}

fn events(line: &[u8]) -> (Vec<Event<'_>>, Understood) {
    let mut found = Vec::new();
    let understood = NginxError.parse(line, &mut |event| found.push(event));
    (found, understood)
}

#[test]
fn a_line_gives_all_that_it_has() {
    let text = line(
        "connect() failed (111: Connection refused) while connecting to upstream",
        "http://[::1]:3000/a",
    );
    let (found, understood) = events(text.as_bytes());

    let expected = Event {
        at_ms: 1_767_607_200_000,
        outcome: Some((Phase::Connect, Cause::Refused, Reason::Refused)),
        errno: Some(111),
        peer: b"[::1]:3000",
        upstream: b"http://[::1]:3000/a",
        method: b"POST",
        connection: 7,
        ..Event::new("nginx", "connect")
    };
    assert_eq!(
        (found.as_slice(), understood),
        (&[expected][..], Understood::Yes)
    );
}

#[test]
fn whom_a_url_names() {
    for (url, expected) in [
        ("http://127.0.0.1:80/a", "127.0.0.1:80"),
        ("http://unix:/run/s:/a", "unix:/run/s"),
        ("https://[::1]:3/a", "[::1]:3"),
        ("http://app/a", "app"),
        ("fastcgi://127.0.0.1:9000", "127.0.0.1:9000"),
        ("app", "app"),
        ("", ""),
    ] {
        assert_eq!(peer(url.as_bytes()), expected.as_bytes());
    }
}

#[test]
fn two_writers_in_one_line() {
    let whole = line(
        "upstream prematurely closed connection while reading upstream",
        "http://a/",
    );
    let both = format!("{}{whole}", &whole[..90]);
    let (found, understood) = events(both.as_bytes());
    assert_eq!((found.len(), understood), (2, Understood::Yes));
    assert_eq!(found[1].peer, b"a");

    let lost = format!("{}{whole}", &whole[30..]);
    let (found, understood) = events(lost.as_bytes());
    assert_eq!((found.len(), understood), (1, Understood::No));
}

#[test]
fn the_version_at_start() {
    let (found, _) = events(b"2026/01/05 10:00:00 [notice] 1#1: nginx/1.25.3");
    assert_eq!((found[0].word, found[0].peer), ("version", &b"1.25.3"[..]));
}

#[test]
fn what_others_put_before_a_line() {
    let whole = line(
        "no live upstreams while connecting to upstream",
        "http://app/",
    );
    for prefix in ["<187>Jan  5 10:00:00 web nginx: ", "web-1  | "] {
        let text = format!("{prefix}{whole}");
        let (found, understood) = events(text.as_bytes());
        assert_eq!((found[0].word, understood), ("no live", Understood::Yes));
        assert!(NginxError.looks_like(text.as_bytes()));
    }
}

#[test]
fn what_clients_do_and_upgraded_connections_are_no_failed_tries() {
    const RESET: &str = "recv() failed (104: Connection reset by peer) while ";
    let loud = line(&format!("{RESET}reading upstream"), "http://a/");
    let quiet = loud.replace("[error]", "[info]");
    let upgraded = line(&format!("{RESET}proxying upgraded connection"), "http://a/");

    let outcomes = [&loud, &quiet, &upgraded].map(|text| events(text.as_bytes()).0[0].outcome);

    assert!(outcomes[0].is_some());
    assert_eq!(outcomes[1..], [None, None]);
}

#[test]
fn what_has_nothing_to_do_with_hops_is_understood() {
    for message in [
        "SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share) while SSL handshaking",
        "SSL_read() failed (SSL: error:0A000126:SSL routines::unexpected eof while reading) while keepalive",
        "user \"admin\": password mismatch",
        "FastCGI sent in stderr: \"PHP message: x\" while reading response header from upstream",
        "\"ssl_stapling\" ignored, no OCSP responder URL in the certificate \"/a\"",
        "the \"listen ... http2\" directive is deprecated, use the \"http2\" directive instead in /a:1",
        "worker process 31 exited on signal 9",
    ] {
        let text = line(message, "http://a/");
        let (found, understood) = events(text.as_bytes());
        assert_eq!((found.len(), understood), (1, Understood::Yes), "{message}");
    }
}

#[test]
fn a_broken_time_leaves_the_rest_readable() {
    let text = line(
        "no live upstreams while connecting to upstream",
        "http://app/",
    );
    let text = text.replace("10:00:00", "1x:00:00");
    let (found, understood) = events(text.as_bytes());
    assert_eq!(
        (found[0].word, found[0].at_ms, understood),
        ("no live", 0, Understood::No)
    );
}
