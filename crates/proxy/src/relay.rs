//! `proxy_pass`: the request goes upstream, the answer comes back, both as they come, in bounded memory.

use std::io::IoSlice;
use std::rc::Rc;
use std::task::Poll;

use surehop_engine::{Facts, Rules};
use surehop_hop::buffer::Buf;
use surehop_hop::drive::{Driven, Route, drive};
use surehop_wire::header::Known;
use surehop_wire::request::{Framing, Method};
use surehop_wire::{uri, write};

use crate::answer;
use crate::client::{Body, BodyError, Client};
use crate::config::{LocationConf, ProxyConf};
use crate::connection::After;
use crate::deliver;
use crate::exchange::Exchange;
use crate::plan::{HttpVersion, Level};
use crate::send::Sender;
use crate::template::Template;
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// Receives that [`skip`] makes at most: a fast client must not hold the worker up.
const SKIPS: usize = 16;

/// Skips what has already come of a body that nobody wants.
pub fn skip(worker: &Worker, client: &mut Client, body: &mut Body) {
    let mut sink = worker.buffers.small();
    for _ in 0..SKIPS {
        if body.done() {
            break;
        }
        sink.clear();
        match client.poll_body(worker, body, &mut sink) {
            Poll::Ready(Ok(n)) if n > 0 || body.done() => {}
            _ => break,
        }
    }
    worker.buffers.give(sink);
    // As in nginx, what nobody wanted does not count.
    client.body_read = 0;
}

/// Tells the client that its body is wanted, if it waits for that; false if it went away.
pub async fn invite(worker: &Worker, client: &mut Client, ex: &mut Exchange) -> bool {
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    if !ex.head.expect_continue {
        return true;
    }
    let sent = client
        .send(worker, ex.location, &[IoSlice::new(CONTINUE)])
        .await;
    ex.head_sent += sent.unwrap_or(0) as u64;
    sent.is_ok()
}

/// Proxies a request.
pub async fn proxy(
    worker: &Rc<Worker>,
    client: &mut Client,
    ex: &mut Exchange,
    location: &LocationConf,
    proxy: &ProxyConf,
) -> After {
    let mut body = Body::of(&ex.head.framing);
    let mut held = None;
    ex.passed = true;
    if !invite(worker, client, ex).await {
        return body_failed(worker, client, ex, BodyError::Gone).await;
    }
    let replaced = proxy.body.is_some() || !proxy.plan.crossing.request_body;
    if !body.done() && replaced {
        if let Err(error) = read_away(worker, client, location, &mut body).await {
            return body_failed(worker, client, ex, error).await;
        }
    } else if !body.done() {
        let mut buf = worker.buffers.small();
        match read_ahead(worker, client, location, &mut body, &mut buf).await {
            Ok(()) => held = Some(buf),
            Err(error) => {
                worker.buffers.give(buf);
                return body_failed(worker, client, ex, error).await;
            }
        }
    }
    if let Some(template) = &proxy.body {
        held = Some(own_body(worker, client, ex, template));
    }
    let held_len = held.as_ref().map_or(0, Buf::len);
    let framing = match (&body, ex.head.framing) {
        _ if proxy.body.is_some() => Framing::Length(held_len as u64),
        // nginx would announce the length of a body that it does not send.
        _ if replaced => Framing::None,
        (_, Framing::Length(n)) => Framing::Length(n),
        (Body::Done, Framing::Chunked) => Framing::Length(held_len as u64),
        (_, framing) => framing,
    };
    if framing == Framing::Chunked && proxy.plan.http_version == HttpVersion::V10 {
        // HTTP/1.0 can't carry a body of unknown length, and this one is too long to be held.
        ex.keep = false;
        answer::page(worker, client, ex, 411).await;
        return After::Linger;
    }
    compose(worker, client, ex, proxy, framing);
    let facts = Facts {
        idempotent: ex.head.method.replayable_in_nginx() && ex.head.method != Method::Connect,
        keyed: ex.head.keyed,
        replayable: true,
    };
    let group = &worker.config.groups[proxy.plan.group];
    let route = Route {
        group: &worker.groups[proxy.plan.group],
        index: proxy.plan.group,
        addresses: &group.addresses,
        policy: &proxy.policy,
        scope: proxy.plan.scope,
        connect_timeout: proxy.plan.connect_timeout_ms,
        send_timeout: proxy.plan.send_timeout_ms,
        read_timeout: proxy.plan.read_timeout_ms,
        head_limit: proxy.plan.buffer_size,
        tcp_keepalive: proxy.plan.crossing.socket_keepalive,
    };
    if let Some(binding) = &group.binding {
        binding.ask(worker, client, ex);
    }
    ex.proxied = true;
    let loud = group.plan.rules == Rules::OFF;
    let mut sender = Sender::new(worker, client, ex, proxy, body, held, framing, loud);
    sender.body_timeout = location.plan.client_body_timeout_ms;
    let driven = drive(&worker.connections, &route, facts, &mut sender).await;
    match driven {
        Driven::Response(upstream) => {
            deliver::deliver(&mut sender, &route, location, upstream).await
        }
        Driven::Failed(status, _) => {
            let body_read = sender.body.done();
            sender.ex.keep &= body_read;
            answer::page(worker, sender.client, sender.ex, status).await;
            match (sender.ex.keep, body_read) {
                (true, _) => After::Keep,
                (false, true) => After::Close,
                (false, false) => After::Linger,
            }
        }
        Driven::Gone => {
            sender.ex.status = 499;
            After::Close
        }
        Driven::SenderFailed => {
            let error = sender.failure.unwrap_or(BodyError::Gone);
            drop(sender);
            body_failed(worker, client, ex, error).await
        }
    }
}

/// Reads the body as far as a small buffer goes: what is wholly held can be sent again.
async fn read_ahead(
    worker: &Worker,
    client: &mut Client,
    location: &LocationConf,
    body: &mut Body,
    into: &mut Buf,
) -> Result<(), BodyError> {
    let timeout = location.plan.client_body_timeout_ms;
    while !body.done() && !into.space().is_empty() {
        let deadline = worker.reactor.now() + timeout;
        let read = worker
            .reactor
            .until(deadline, || client.poll_body(worker, body, into))
            .await;
        read.map_err(|_| BodyError::TimedOut)??;
    }
    Ok(())
}

/// Reads a body that does not go upstream.
async fn read_away(
    worker: &Worker,
    client: &mut Client,
    location: &LocationConf,
    body: &mut Body,
) -> Result<(), BodyError> {
    let mut sink = worker.buffers.small();
    let mut read = Ok(());
    while !body.done() && read.is_ok() {
        sink.clear();
        read = read_ahead(worker, client, location, body, &mut sink).await;
        worker.reactor.give_way().await;
    }
    worker.buffers.give(sink);
    read
}

/// The body of `proxy_set_body`.
fn own_body(worker: &Worker, client: &Client, ex: &mut Exchange, template: &Template) -> Buf {
    let mut bytes = Vec::new();
    vars::expand(worker, client, ex, template, &mut bytes);
    let mut held = Buf::new(bytes.len());
    held.push(&bytes);
    held
}

/// Answers, where there is somebody to answer, that a body could not be read.
async fn body_failed(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    error: BodyError,
) -> After {
    let (status, level, text): (u16, Level, &[u8]) = match error {
        BodyError::Gone => (400, Level::Info, b"client prematurely closed connection"),
        BodyError::Invalid => (400, Level::Error, b"client sent invalid chunked body"),
        BodyError::TooLarge(..) => (
            413,
            Level::Error,
            b"client intended to send too large chunked body: ",
        ),
        BodyError::TimedOut => (408, Level::Info, b""),
    };
    // Of a time-out nginx says nothing but the status in the access log.
    if error != BodyError::TimedOut {
        told::line(worker, client, ex, level, None, |out| {
            out.extend_from_slice(text);
            if let BodyError::TooLarge(before, chunk) = error {
                out.extend_from_slice(format!("{before}+{chunk} bytes").as_bytes());
            }
        });
    }
    ex.keep = false;
    client.body_settled = true;
    if matches!(error, BodyError::Gone | BodyError::TimedOut) {
        ex.status = status;
        return After::Close;
    }
    answer::page(worker, client, ex, status).await;
    After::Linger
}

/// Makes blanks of what would end a header line: `$uri` and `$remote_user` are decoded, and a client must
/// not be able to write lines, or whole requests, of its own.
fn one_line(value: &mut [u8]) {
    for byte in value {
        if matches!(byte, b'\r' | b'\n' | 0) {
            *byte = b' ';
        }
    }
}

/// Writes the request as it goes upstream: always anew, never the client's own lines.
fn compose(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    proxy: &ProxyConf,
    framing: Framing,
) {
    let mut target = std::mem::take(&mut ex.upstream_uri);
    target.clear();
    match &proxy.plan.uri {
        None => ex.head.write_target(ex.bytes(), &mut target),
        Some(uri) => {
            target.extend_from_slice(&uri.0);
            let rest = ex.uri.get(proxy.prefix..).unwrap_or_default();
            // nginx writes as it came what it did not decode.
            if ex.quoted {
                uri::escape(rest, &mut target);
            } else {
                target.extend_from_slice(rest);
            }
            if let Some(query) = ex.head.query {
                target.push(b'?');
                target.extend_from_slice(query.of(ex.bytes()));
            }
        }
    }
    ex.upstream_uri = target;
    let mut out = std::mem::take(&mut ex.upstream_head);
    out.clear();
    let version: &[u8] = match proxy.plan.http_version {
        HttpVersion::V10 => b"HTTP/1.0",
        HttpVersion::V11 => b"HTTP/1.1",
    };
    let mut given = Vec::new();
    if let Some(template) = &proxy.method {
        vars::expand(worker, client, ex, template, &mut given);
    }
    // What is no method would be another request line.
    let method = match given.as_slice() {
        given if !given.is_empty() && given.iter().all(u8::is_ascii_graphic) => given,
        _ => ex.head.method_span.of(ex.bytes()),
    };
    write::request_line(&mut out, method, &ex.upstream_uri, version);
    for header in &proxy.headers {
        // How the body is framed is not the configuration's to say: two framings are two requests.
        if matches!(header.known, Known::ContentLength | Known::TransferEncoding) {
            continue;
        }
        let start = out.len();
        out.extend_from_slice(&header.name);
        out.extend_from_slice(b": ");
        let empty = out.len();
        vars::expand(worker, client, ex, &header.value, &mut out);
        one_line(&mut out[empty..]);
        if out.len() == empty {
            out.truncate(start);
        } else {
            out.extend_from_slice(b"\r\n");
        }
    }
    match framing {
        Framing::None => {}
        Framing::Length(n) => write::number(&mut out, b"Content-Length", n),
        Framing::Chunked => write::header(&mut out, b"Transfer-Encoding", b"chunked"),
    }
    let bytes = ex.bytes();
    let all = proxy.plan.crossing.request_headers;
    for line in ex
        .head
        .headers
        .iter()
        .filter(|line| all && line.forward && line.known != Known::Host)
    {
        let name = line.name.of(bytes);
        let set = |header: &crate::config::HeaderConf| {
            header.known == line.known
                && (line.known != Known::Other || header.name.eq_ignore_ascii_case(name))
        };
        if !proxy.headers.iter().any(set) {
            write::header(&mut out, name, line.value.of(bytes));
        }
    }
    out.extend_from_slice(b"\r\n");
    ex.upstream_head = out;
}
