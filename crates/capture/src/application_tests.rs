use surehop_engine::{Cause, Phase, Reason};

use super::*;

/// The records of a text, as the driver cuts them.
fn records(text: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if starts.is_empty() || Application.begins(line.trim_ascii_end()) {
            starts.push(at);
        }
        at += line.len();
    }
    starts.push(text.len());
    starts
        .windows(2)
        .map(|pair| &text[pair[0]..pair[1]])
        .collect()
}

fn events(text: &[u8]) -> Vec<Event<'_>> {
    let mut found = Vec::new();
    for record in records(text) {
        Application.parse(record, &mut |event| found.push(event));
    }
    found
}

fn told(event: &Event) -> String {
    let reason = event.outcome.map_or("-", |(_, _, reason)| reason.word());
    let peer = String::from_utf8_lossy(event.peer);
    let reused = match event.reused {
        None => "",
        Some(true) => " reused",
        Some(false) => " fresh",
    };
    let method = String::from_utf8_lossy(event.method);
    format!(
        "{} {} {reason} {peer}{reused} {method}",
        event.software, event.word
    )
    .trim_end()
    .to_owned()
}

/// What a file of real programs' words tells, each kind of news once, with how often it came.
fn file(name: &str) -> Vec<String> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/doctor/data/applications/"
    );
    let text = std::fs::read(folder.to_owned() + name).unwrap();
    let mut found: Vec<(String, usize)> = Vec::new();
    for event in events(&text) {
        let news = told(&event);
        match found.iter_mut().find(|(known, _)| *known == news) {
            Some((_, count)) => *count += 1,
            None => found.push((news, 1)),
        }
    }
    found
        .into_iter()
        .map(|(news, count)| format!("{count} {news}"))
        .collect()
}

/// Files of what real programs wrote, and what they tell.
const TOLD: &str = "
node-hang-up.log: 2 node closed closed
node-reset.log: 2 node reset reset
node-fresh-reset.log: 4 node reset reset
node-aborted.log: 2 node cut truncated
node-refused.log: 2 node connect refused 127.0.0.1:35171
node-refused-ipv6.log: 1 node connect refused ::1:9
node-refused-ipv6-pino.log: 1 node connect refused ::1:9
node-both-refused.log: 1 node aggregate -; 1 node connect refused 127.0.0.1:9; 1 node connect refused ::1:9
node-happy-eyeballs.log: 1 node aggregate -; 1 node connect connect_timed_out 127.0.0.1:39871; 1 node connect unreachable 2001:db8::1:39871
node-happy-eyeballs-pino.log: 1 node aggregate -; 1 node connect connect_timed_out 127.0.0.1:39871; 1 node connect unreachable 2001:db8::1:39871
node-no-name.log: 1 node lookup resolve_failed no-such-name.invalid
axios-hang-up.log: 1 axios closed reused_closed 127.0.0.1:45827 reused GET
axios-pino.log: 1 axios closed reused_closed 127.0.0.1:45827 reused GET
axios-winston.log: 1 axios reset reused_reset 127.0.0.1:46339 reused GET
axios-stack.log: 2 axios closed closed
axios-message.log: 2 node closed closed
axios-retry.log: 4 axios-retry closed closed 127.0.0.1:43219 fresh GET
fetch-closed.log: 1 undici closed reused_closed  reused
fetch-reset.log: 1 undici reset reset
fetch-pino.log: 1 undici closed closed
fetch-terminated.log: 1 undici cut truncated
undici-closed.log: 1 undici closed closed
undici-pino.log: 1 undici closed closed
undici-headers-timeout.log: 2 undici time-out timed_out
undici-connect-timeout.log: 1 undici connect connect_timed_out 127.0.0.1:39871
httpx-trace.log: 2 httpx closed closed
httpx-message.log: 2 httpx closed closed
httpx-structlog.log: 2 httpx closed closed
httpx-reset.log: 1 httpx reset reset
httpx-repr.log: 2 httpx reset reset
httpx-async-refused.log: 1 httpx connect connect_failed
requests-trace.log: 2 requests closed closed
requests-message.log: 2 urllib3 closed closed
requests-reset.log: 1 requests reset reset
requests-refused.log: 2 urllib3 connect refused 127.0.0.1
urllib3-retrying.log: 2 urllib3 closed closed; 1 urllib3 closed closed 127.0.0.1
aiohttp-trace.log: 2 aiohttp closed closed
aiohttp-message.log: 2 aiohttp closed closed
aiohttp-payload.log: 1 aiohttp cut truncated
aiohttp-refused.log: 2 aiohttp connect connect_failed 127.0.0.1:35171
reqwest-reused-fin.log: 3 hyper closed closed 127.0.0.1:45827
reqwest-reused-rst.log: 3 hyper reset reset 127.0.0.1:46339
reqwest-refused.log: 3 hyper connect refused 127.0.0.1:35171
go-eof.log: 3 go closed closed 127.0.0.1:37601 POST; 2 go closed closed
go-reset.log: 1 go reset reset 127.0.0.1:34731 POST; 1 go reset reset 127.0.0.1:34731
go-refused.log: 3 go connect refused 127.0.0.1:39429 GET
caddy-reused-fin.log: 1 caddy closed closed  POST
caddy-reused-rst.log: 1 caddy reset reset 127.0.0.1:44811 POST
caddy-refused.log: 2 caddy connect refused 127.0.0.1:34235 GET; 2 caddy connect refused 127.0.0.1:34235 POST
caddy-hang.log: 2 caddy time-out timed_out  GET; 2 caddy time-out timed_out  POST
caddy-console-fin.log: 1 caddy closed closed  POST
caddy-console-refused.log: 1 caddy connect refused 127.0.0.1:44875 GET; 2 caddy connect refused 127.0.0.1:44875 POST
caddy-console-cut.log: 1 caddy cut truncated 127.0.0.1:46083 POST; 2 caddy cut truncated 127.0.0.1:46083 GET
caddy-console-garbage.log: 1 caddy invalid invalid  POST; 2 caddy invalid invalid  GET
caddy-cut.log: 2 caddy cut truncated 127.0.0.1:45041 POST
caddy-max-connections.log: 11 caddy reset reset 127.0.0.1:42327 GET; 1 caddy closed closed  GET
surehop-typed.log: 2 surehop closed closed 127.0.0.1:43219 fresh GET
surehop-trace.log: 1 surehop closed closed 127.0.0.1:43219 fresh GET
java-closed.log: 1 java closed closed
java-refused.log: 1 java connect connect_failed; 1 java connect refused
java-slow.log: 3 java time-out timed_out
java-garbage.log: 3 java invalid invalid
java-cut.log: 1 java cut truncated
java-reset.log: 1 java reset reset
ruby-closed.log: 2 ruby closed closed
ruby-reset.log: 2 ruby reset reset
ruby-refused.log: 4 ruby connect refused 127.0.0.1:34243
ruby-slow.log: 3 ruby time-out timed_out
ruby-garbage.log: 2 ruby invalid invalid
curl-empty.log: 3 curl closed closed
curl-cut.log: 1 curl cut truncated
curl-refused.log: 3 curl connect connect_failed 127.0.0.1
curl-slow.log: 2 curl time-out timed_out
curl-garbage.log: 2 curl invalid invalid
go-proxy-cut.log: 3 go cut truncated 127.0.0.1:45997
go-garbage.log: 1 go invalid invalid; 3 go invalid invalid 127.0.0.1:40585 GET
go-proxy-reset.log: 1 go reset reset 127.0.0.1:36259
go-slow.log: 1 go time-out timed_out; 3 go time-out timed_out 127.0.0.1:38873 GET
";

#[test]
fn what_real_programs_say_is_told_once() {
    for line in TOLD.trim().lines() {
        let (name, expected) = line.split_once(": ").unwrap();
        assert_eq!(file(name).join("; "), expected, "{name}");
    }
}

/// Words of programs that were not run here: as their authors' issues and pages quote them.
const QUOTED: &str = r#"
org.apache.http.NoHttpResponseException: a.example:80 failed to respond => java closed closed
java.io.IOException: unexpected end of stream on http://a.example/... => java closed closed a.example
reactor.netty.http.client.PrematureCloseException: Connection prematurely closed BEFORE response => java closed closed
reactor.netty.http.client.PrematureCloseException: Connection prematurely closed DURING response => java cut truncated
WebClientRequestException: recvAddress(..) failed: Connection reset by peer; nested exception is x => java reset reset
io.netty.channel.AbstractChannel$AnnotatedConnectException: Connection refused: /192.0.2.1:80 => java connect refused
HttpHostConnectException: Connect to http://a.example:80 [a.example/192.0.2.1] failed: Connection refused => java connect refused a.example:80
java.net.UnknownHostException: a.example: Name or service not known => java lookup resolve_failed a.example
org.apache.catalina.connector.ClientAbortException: java.net.SocketException: Connection reset => java client gone -
System.Net.Http.HttpIOException: The response ended prematurely. (ResponseEnded) => dotnet closed closed
HttpIOException: The response ended prematurely, with at least 9 additional bytes expected. (ResponseEnded) => dotnet cut truncated
HttpRequestException: Connection refused (192.0.2.1:80) => dotnet connect refused 192.0.2.1:80
No connection could be made because the target machine actively refused it. (192.0.2.1:80) => dotnet connect refused 192.0.2.1:80
IOException: Unable to read data from the transport connection: Connection reset by peer. => dotnet reset reset
The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing. => dotnet time-out timed_out
cURL error 52: Empty reply from server (see https://curl.haxx.se/libcurl/c/libcurl-errors.html) for http://192.0.2.1/a => curl closed closed 192.0.2.1
cURL error 56: Recv failure: Connection reset by peer (see https://curl.se/x.html) for http://192.0.2.1:80/a => curl reset reset 192.0.2.1:80
cURL error 7: Failed to connect to a.example port 80: Connection refused (see https://curl.haxx.se/x.html) => curl connect refused a.example
cURL error 28: Connection timed out after 5001 milliseconds => curl connect connect_timed_out
cURL error 6: Could not resolve host: a.example => curl lookup resolve_failed a.example
EOFError (end of file reached): => ruby closed closed
[HPM] Error occurred while proxying request a.example:3000/ to http://192.0.2.1:80/ [ECONNRESET] (https://nodejs.org/api/errors.html) => node reset reset 192.0.2.1:80
rpc error: code = Unavailable desc = error reading from server: EOF => go closed closed
DBG github.com/traefik/traefik/v3/pkg/proxy/httputil/proxy.go:121 > 502 Bad Gateway error=EOF => traefik closed closed
DBG proxy.go:121 > 504 Gateway Timeout error="net/http: timeout awaiting response headers" => traefik time-out timed_out
http2: server sent GOAWAY and closed the connection; LastStreamID=7, ErrCode=NO_ERROR, debug="" => go closed closed
"#;

#[test]
fn answers_of_caddy_and_traefik_are_counted() {
    let lines = [
        r#"{"level":"error","ts":1767607200.5,"logger":"http.log.access.log0","msg":"handled request","request":{"method":"GET","uri":"/"},"size":0,"status":502}"#,
        r#"{"level":"info","ts":1767607200.6,"logger":"http.log.access.log0","msg":"handled request","request":{"method":"GET","uri":"/"},"size":9,"status":200}"#,
        r#"{"ClientAddr":"192.0.2.9:1","DownstreamStatus":504,"OriginStatus":0,"ServiceAddr":"192.0.2.1:80","level":"info","msg":"","time":"2026-01-05T10:00:00Z"}"#,
    ];
    let (mut counter, mut found) = (Counter::default(), Vec::new());
    for line in lines {
        Application.count(line.as_bytes(), &mut counter, &mut |event| {
            found.push(told(&event));
        });
    }
    assert_eq!(found, ["caddy 502 -", "traefik 504 - 192.0.2.1:80"]);
    let counted = serde_json::to_value(counter.finish()).unwrap();
    assert_eq!(
        counted["statuses"],
        serde_json::json!({"200": 1, "502": 1, "504": 1})
    );
}

#[test]
fn what_others_quote_is_told_too() {
    for line in QUOTED.trim().lines() {
        let (text, expected) = line.split_once(" => ").unwrap();
        let found: Vec<String> = events(text.as_bytes()).iter().map(told).collect();
        assert_eq!(found, [expected], "{text}");
    }
}

#[test]
fn a_stale_connection_tells_how_long_it_rested() {
    let text = b"2026-01-05 10:00:00,250 ERROR app: GET http://a.example:80/x: the server closed first: idle 4.998 s, advertised 5 s";
    let expected = Event {
        at_ms: 1_767_607_200_250,
        outcome: Some((Phase::Head, Cause::Closed, Reason::ReusedClosed)),
        peer: b"a.example:80",
        upstream: b"http://a.example:80/x",
        method: b"GET",
        reused: Some(true),
        idle_ms: Some(4998),
        at: 92,
        ..Event::new("surehop", "closed")
    };
    assert_eq!(events(text), [expected]);
}

#[test]
fn what_the_proxies_of_go_say() {
    for line in [
        "time=\"2026-01-05T10:00:00Z\" level=debug msg=\"'502 Bad Gateway' caused by: EOF\"",
        "2026-01-05T10:00:00Z DBG proxy.go:100 > 502 Bad Gateway error=EOF",
        r#"{"level":"debug","error":"EOF","time":"2026-01-05T10:00:00Z","message":"502 Bad Gateway"}"#,
    ] {
        let [event] = events(line.as_bytes())[..] else {
            panic!("{line}")
        };
        assert_eq!(
            (told(&event).as_str(), event.at_ms),
            ("traefik closed closed", 1_767_607_200_000)
        );
    }
}

#[test]
fn what_runtimes_put_before_lines_hides_no_trace() {
    for before in [
        "2026-01-05T10:00:00.1Z stderr F ",
        "app-1  | ",
        "Jan  5 10:00:00 web app[12]: ",
    ] {
        let text = [
            "Error: socket hang up",
            "    at Socket (node:_http_client:528:25) {",
            "  code: 'ECONNRESET'",
            "}",
        ]
        .map(|line| format!("{before}{line}\n"))
        .concat();
        assert_eq!(events(text.as_bytes()).len(), 1, "{before}");
    }
}

#[test]
fn traces_that_nobody_heads_are_told_apart() {
    let trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nhttpcore.ReadError: [Errno 104] \
                 Connection reset by peer\n\nThe above exception was the direct cause of the following exception:\n\n\
                 Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\nhttpx.ReadError: [Errno 104] \
                 Connection reset by peer\n";
    assert_eq!(events(trace.repeat(3).as_bytes()).len(), 3);
    assert_eq!(
        events(format!("2026-01-05 10:00:00 failed\n{trace}").as_bytes()).len(),
        1
    );
}

#[test]
fn the_branches_of_a_group_are_one_failure() {
    let text = "2026-01-05 10:00:00 failed\n  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\"\n  | \
                ExceptionGroup: two (1 sub-exception)\n  +-+---------------- 1 ----------------\n    | Traceback (most recent \
                call last):\n    | httpx.ReadError: [Errno 104] Connection reset by peer\n    +------------------------------------\n";
    assert_eq!(events(text.as_bytes()).len(), 1);
}

#[test]
fn other_errors_are_none() {
    for line in [
        "2026-01-05 10:00:00 ERROR app: KeyError: 'name'",
        "TypeError: Cannot read properties of undefined (reading 'id')",
        r#"{"level":50,"time":1767607200000,"err":{"type":"Error","message":"no such user"},"msg":"failed"}"#,
        "2026-01-05 10:00:00 client disconnected",
        "reset the password of user 104",
    ] {
        assert_eq!(events(line.as_bytes()), [], "{line}");
    }
}

#[test]
fn what_is_said_quietly_or_of_others_is_none() {
    for line in [
        // at a level at which nobody complains
        r#"{"level":30,"time":1767607200000,"msg":"reconnected after ECONNRESET"}"#,
        r#"{"level":"debug","timestamp":"2026-01-05T10:00:00Z","message":"read ECONNRESET"}"#,
        r#"{"severity":"INFO","time":"2026-01-05T10:00:00Z","message":"file read","error":"EOF"}"#,
        "2026-01-05 10:00:00,250 INFO app: asked \"connect ECONNREFUSED 127.0.0.1:3000\"",
        "[2026-01-05 10:00:00 +0000] [12] [DEBUG] Ignoring EPIPE",
        "2026-01-05T10:00:00Z [info     ] retries        codes=ECONNRESET",
        "time=2026-01-05T10:00:00Z level=info msg=\"ECONNRESET is retried\"",
        "info: ECONNRESET is retried",
        "I0105 10:00:00.000000 1 main.go:7] dial tcp 192.0.2.1:80: connect: connection refused",
        "I, [2026-01-05T10:00:00.250 #7]  INFO -- : ECONNRESET",
        // of those who ask
        "2026-01-05T10:00:00Z Error: aborted\n    at abortIncoming (node:_http_server:781:17) {\n  code: 'ECONNRESET'\n}",
        "2026-01-05T10:00:00Z BadRequestError: request aborted\n    at IncomingMessage.onAborted (a.js:1:2) {\n  code: \
         'ECONNABORTED'",
        "2026-01-05T10:00:00Z Error: Request aborted { code: 'ECONNABORTED' }",
        "2026-01-05T10:00:00Z Error: write EPIPE\n    at ServerResponse.send (/app/response.js:232:10)",
        "2026/01/05 10:00:00 http: TLS handshake error from 192.0.2.7:50000: EOF",
        "2026/01/05 10:00:00 write tcp 10.0.0.1:8080->192.0.2.7:50000: write: broken pipe",
        "2026-01-05T10:00:00Z ERROR server connection error: hyper::Error(IncompleteMessage)",
        "2026-01-05 10:00:00 UTC [12] LOG:  unexpected EOF on client connection",
        r#"{"level":"warn","ts":"2026-01-05T10:00:00Z","msg":"rejected connection","error":"EOF"}"#,
        "2026-01-05T10:00:00Z write unix /run/docker.sock->@: write: broken pipe",
        "2026-01-05 10:00:00 WARN java.net.SocketException: Connection reset\n\tat \
         org.apache.coyote.http11.Http11InputBuffer.fill(Http11InputBuffer.java:800)",
        "2026-01-05 10:00:00 warn: Microsoft.AspNetCore.Server.Kestrel[0]\n ---> SocketException (104): Connection reset",
        "2026-01-05 10:00:00 ERROR Errno::EPIPE (Broken pipe): ActionController::Live",
        // of a text
        "2026/01/05 10:00:00 decode: unexpected EOF",
        "2026-01-05 10:00:00 finished in 512 milliseconds with 3 workers",
        "2026-01-05 10:00:00 WARN thumbnail: 3 bytes missing",
        "2026-01-05T10:00:00Z [Error: aborted] { code: 'EPERM' }",
        "2026-01-05T10:00:00Z GET /docs/ECONNREFUSED 200 3ms",
        "2026-01-05T10:00:00Z \"GET /search?q=EPIPE HTTP/1.1\" 200",
    ] {
        assert_eq!(events(line.as_bytes()), [], "{line}");
    }
}

#[test]
fn what_is_said_aloud_of_own_tries_is_told() {
    for line in [
        "2026-01-05 10:00:00,250 ERROR app: INFO is no level here: read ECONNRESET",
        "[2026-01-05 10:00:00] [warn] socket hang up",
        "error: read ECONNRESET",
        r#"{"level":50,"time":1767607200000,"msg":"failed","err":{"code":"ECONNRESET"}}"#,
        "2026-01-05T10:00:00Z failed code=ECONNRESET",
        "2026/01/05 10:00:00 get http://192.0.2.1/: read body: unexpected EOF",
        "2026/01/05 10:00:00 Post \"https://192.0.2.1/\": http2: client connection lost",
        "2026-01-05 10:00:00 ERROR java.net.SocketException: Connection reset\n\tat sun.net.www.http.HttpClient.parse\n\tat \
         org.apache.coyote.http11.Http11Processor.service",
        "2026/01/05 10:00:00 http: proxy error: read tcp 10.0.0.1:50000->192.0.2.7:80: read: connection reset by peer",
        "2026-01-05T10:00:00Z AxiosError: timeout of 5000ms exceeded { code: 'ECONNABORTED' }",
        "2026-01-05T10:00:00Z Error: socket hang up\n    at Socket.socketOnEnd (node:_http_client:528:25)\n    at \
         ServerResponse.on (a.js:1:2)",
    ] {
        assert_eq!(events(line.as_bytes()).len(), 1, "{line}");
    }
}
