//! Answers that Surehop gives by itself: error pages, `return`, redirects.

use std::io::IoSlice;

use surehop_wire::request::Version;
use surehop_wire::{header::Known, request::Method, status, uri, write};

use crate::attempts;
use crate::client::Client;
use crate::exchange::Exchange;
use crate::vars;
use crate::worker::Worker;

/// Begins the head of an answer: status line, `Server` and `Date`.
pub fn begin(worker: &Worker, ex: &mut Exchange, line: &[u8]) {
    ex.out.clear();
    write::status_line(&mut ex.out, b"HTTP/1.1", line);
    write::header(
        &mut ex.out,
        b"Server",
        worker.config.plan.server_header.as_bytes(),
    );
    let date = worker.logs.times(worker.reactor.now()).http;
    write::header(&mut ex.out, b"Date", &date);
}

/// The same, for a status that may have no words.
fn begin_with(worker: &Worker, ex: &mut Exchange, code: u16) {
    match status::line(code) {
        Some(line) => begin(worker, ex, line.as_bytes()),
        None => begin(worker, ex, format!("{code} ").as_bytes()),
    }
}

/// Writes `Connection` (and `Keep-Alive`, where a time was given for it).
pub fn connection(worker: &Worker, ex: &mut Exchange) {
    keep_alive(worker, ex);
    if ex.proxied
        && let Some(group) = attempts::group_of(worker, ex)
        && let Some(binding) = &group.binding
    {
        binding.tell(ex);
    }
    for line in &ex.admission.challenges {
        write::header(&mut ex.out, b"WWW-Authenticate", line);
    }
}

fn keep_alive(worker: &Worker, ex: &mut Exchange) {
    ex.keep &= !worker.closing();
    if !ex.keep {
        write::header(&mut ex.out, b"Connection", b"close");
        return;
    }
    write::header(&mut ex.out, b"Connection", b"keep-alive");
    let seconds = match ex.location {
        Some(location) => worker.config.locations[location].plan.keepalive_header_s,
        None => worker.config.servers[ex.server].plan.keepalive_header_s,
    };
    if let Some(seconds) = seconds {
        ex.out.extend_from_slice(b"Keep-Alive: timeout=");
        ex.out
            .extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
        ex.out.extend_from_slice(b"\r\n");
    }
}

/// Ends a head for a body of `length` bytes and sends both.
pub async fn send(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    kind: &[u8],
    body: &[u8],
) {
    if ex.status != 204 {
        write::header(&mut ex.out, b"Content-Type", kind);
        write::number(&mut ex.out, b"Content-Length", body.len() as u64);
    }
    connection(worker, ex);
    finish(worker, client, ex, body).await;
}

async fn finish(worker: &Worker, client: &mut Client, ex: &mut Exchange, body: &[u8]) {
    ex.out.extend_from_slice(b"\r\n");
    if ex.sub.is_some() {
        ex.complete = true;
        return;
    }
    let body: &[u8] = if ex.head.method == Method::Head || matches!(ex.status, 204 | 304) {
        b""
    } else {
        body
    };
    let total = ex.out.len() + body.len();
    let mut sent = 0;
    while sent < total {
        let head = &ex.out[sent.min(ex.out.len())..];
        let rest = &body[sent.saturating_sub(ex.out.len())..];
        if let Ok(n) = client
            .send(
                worker,
                ex.location,
                &[IoSlice::new(head), IoSlice::new(rest)],
            )
            .await
        {
            sent += n;
        } else {
            ex.keep = false;
            break;
        }
    }
    ex.head_sent += sent.min(ex.out.len()) as u64;
    ex.body_sent = sent.saturating_sub(ex.out.len()) as u64;
    ex.complete = sent == total;
}

/// Answers with nginx's page for `code`.
pub async fn page(worker: &Worker, client: &mut Client, ex: &mut Exchange, code: u16) {
    ex.status = code;
    let mut body = std::mem::take(&mut ex.scratch);
    body.clear();
    let agent = ex
        .head
        .find(Known::UserAgent)
        .map(|header| header.value.of(ex.bytes()));
    let pad = agent.is_some_and(status::padded_for);
    status::page(code, &worker.config.plan.server_header, pad, &mut body);
    let wire = status::sent(code);
    begin_with(worker, ex, wire);
    if body.is_empty() && code != 204 {
        // A status that nginx has no page for.
        write::number(&mut ex.out, b"Content-Length", 0);
        connection(worker, ex);
        finish(worker, client, ex, b"").await;
    } else {
        send(worker, client, ex, b"text/html", &body).await;
    }
    ex.scratch = body;
}

/// Carries out a `return` that is no redirect.
pub async fn give(worker: &Worker, client: &mut Client, ex: &mut Exchange, code: u16, body: &[u8]) {
    ex.status = ex.status_or(code);
    begin_with(worker, ex, ex.status);
    send(worker, client, ex, b"text/plain", body).await;
}

/// Sends the client elsewhere.
pub async fn redirect(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    code: u16,
    target: &[u8],
) {
    ex.status = code;
    let full = one_line(absolute(worker, client, ex, target));
    let mut page = Vec::new();
    status::page(code, &worker.config.plan.server_header, false, &mut page);
    begin(
        worker,
        ex,
        status::line(code)
            .unwrap_or("302 Moved Temporarily")
            .as_bytes(),
    );
    write::header(&mut ex.out, b"Content-Type", b"text/html");
    write::number(&mut ex.out, b"Content-Length", page.len() as u64);
    // nginx writes one that it made itself earlier than one that was given.
    if target.starts_with(b"/") && vars::place(worker, ex).absolute_redirect {
        write::header(&mut ex.out, b"Location", &full);
        connection(worker, ex);
    } else {
        connection(worker, ex);
        write::header(&mut ex.out, b"Location", &full);
    }
    finish(worker, client, ex, &page).await;
}

/// A target may hold what was decoded (`return 302 $uri`): what would end the header line is coded again.
fn one_line(target: Vec<u8>) -> Vec<u8> {
    if !target.iter().any(u8::is_ascii_control) {
        return target;
    }
    let mut coded = Vec::with_capacity(target.len() + 8);
    for byte in target {
        if byte.is_ascii_control() {
            uri::escape(&[byte], &mut coded);
        } else {
            coded.push(byte);
        }
    }
    coded
}

/// nginx's `absolute_redirect`: a target that begins with `/` gets scheme, host and port.
fn absolute(worker: &Worker, client: &Client, ex: &Exchange, target: &[u8]) -> Vec<u8> {
    let place = vars::place(worker, ex);
    if target.first() != Some(&b'/') || !place.absolute_redirect {
        return target.to_vec();
    }
    let mut full = b"http://".to_vec();
    let name = &worker.config.servers[ex.server].plan.name.0;
    match (ex.host.is_empty(), client.local_address()) {
        _ if place.server_name_in_redirect => full.extend_from_slice(name),
        (true, Some(local)) => full.extend_from_slice(local.as_bytes()),
        _ => full.extend_from_slice(&ex.host),
    }
    if let Some(port) = worker.config.listeners[client.listener]
        .port()
        .filter(|port| *port != 80 && place.port_in_redirect)
    {
        full.push(b':');
        full.extend_from_slice(itoa::Buffer::new().format(port).as_bytes());
    }
    full.extend_from_slice(target);
    full
}

/// Whether this client's connection can outlive the request that has just been read.
pub fn keeps(worker: &Worker, client: &Client, ex: &Exchange) -> bool {
    let server = &worker.config.servers[ex.server].plan;
    let (timeout, requests) = match ex.location {
        Some(location) => {
            let location = &worker.config.locations[location].plan;
            (location.keepalive_timeout_ms, location.keepalive_requests)
        }
        None => (server.keepalive_timeout_ms, server.keepalive_requests),
    };
    let asked = match ex.head.version {
        Version::Http11 => !ex.head.connection_close,
        Version::Http10 => ex.head.connection_keep_alive && !ex.head.connection_close,
    };
    asked
        && timeout > 0
        && client.requests < requests
        && worker.reactor.now() - client.opened < server.keepalive_time_ms
        && !worker.closing()
}
