//! `proxy_pass`: the request goes upstream, the answer comes back, both as they come, in bounded memory.

use std::cell::RefCell;
use std::io::IoSlice;
use std::rc::Rc;
use std::task::Poll;

use surehop_engine::{Facts, Group, Rules};
use surehop_hop::buffer::Buf;
use surehop_hop::drive::{Driven, Route, drive};
use surehop_hop::socket::Manner;
use surehop_wire::header::Known;
use surehop_wire::request::{Framing, Method};
use surehop_wire::{uri, write};

use crate::answer;
use crate::carriage;
use crate::client::{Body, BodyError, Client};
use crate::config::{GroupConf, LocationConf, ProxyConf};
use crate::connection::After;
use crate::deliver;
use crate::ending;
use crate::exchange::Exchange;
use crate::hints;
use crate::incoming;
use crate::intake::{self, Failed};
use crate::phases::Outcome;
use crate::plan::{HttpVersion, Level};
use crate::send::Sender;
use crate::target;
use crate::template::Template;
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// Receives that [`skip`] makes at most: a fast client must not hold the worker up.
const SKIPS: usize = 16;

/// Skips what has already come of a body that nobody wants.
pub fn skip(worker: &Worker, client: &mut Client, body: &mut Body) -> Result<(), BodyError> {
    let mut sink = worker.buffers.small();
    let mut skipped = Ok(());
    for _ in 0..SKIPS {
        if body.done() {
            break;
        }
        sink.clear();
        match client.poll_body(worker, body, &mut sink) {
            Poll::Ready(Ok(n)) if n > 0 || body.done() => {}
            Poll::Ready(Err(BodyError::Invalid)) => {
                skipped = Err(BodyError::Invalid);
                break;
            }
            _ => break,
        }
    }
    worker.buffers.give(sink);
    // As in nginx, what nobody wanted does not count.
    client.body_read = 0;
    skipped
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
#[allow(clippy::too_many_lines)] // one thing after another, each a few lines
pub async fn proxy(
    worker: &Rc<Worker>,
    client: &mut Client,
    ex: &mut Exchange,
    location: &LocationConf,
    proxy: &ProxyConf,
) -> Outcome {
    let framing = ex.head.framing;
    let mut body = ex.body.take().unwrap_or_else(|| Body::of(&framing));
    ex.passed = true;
    let target = match target::of(worker, client, ex, proxy) {
        Ok(target) => target,
        Err(status) => {
            ex.body = Some(body);
            return Outcome::Status(status);
        }
    };
    if !ex.course.settled && !invite(worker, client, ex).await {
        return body_failed(client, ex, BodyError::Gone, worker);
    }
    // A body that nobody wanted, or that is gone in part, is nobody's any more.
    let lost = ex.course.settled && ex.has_body() && !ex.taken;
    ex.course.settled = true;
    let dropped = lost && !body.done();
    if lost {
        // What is still to come of it is taken in behind the answer.
        ex.body = Some(std::mem::replace(&mut body, Body::Done));
    }
    let replaced = proxy.body.is_some() || !proxy.plan.crossing.request_body;
    let old = proxy.plan.http_version == HttpVersion::V10;
    let buffered = proxy.plan.request_buffering || replaced || old && framing == Framing::Chunked;
    if framing == Framing::None {
        ex.taken = true;
    } else if !ex.taken && !lost {
        let read = if buffered {
            intake::take(worker, client, ex, location, &mut body).await
        } else {
            intake::begin(worker, client, ex, &mut body).map_err(Failed::Client)
        };
        if let Err(failed) = read {
            ex.body = Some(Body::Done);
            return match failed {
                Failed::Client(error) => body_failed(client, ex, error, worker),
                Failed::File => Outcome::Status(500),
            };
        }
    }
    let own = proxy
        .body
        .as_ref()
        .map(|template| own_body(worker, client, ex, template));
    let framing = match (&own, framing) {
        (Some(own), _) => Framing::Length(own.len() as u64),
        // nginx has counted down how much of it is left.
        _ if lost && !dropped && !replaced => Framing::Length(0),
        // nginx would announce the length of a body that it does not send.
        _ if replaced || lost => Framing::None,
        (None, Framing::Chunked) if body.done() => Framing::Length(ex.taken_len()),
        (None, framing) => framing,
    };
    let Some((index, group, cell)) = target.place(worker, client, ex) else {
        ex.keep &= body.done();
        ex.body = Some(body);
        return Outcome::Status(502);
    };
    compose(worker, client, ex, proxy, framing);
    let loud = group.plan.rules == Rules::OFF;
    let facts = Facts {
        idempotent: ex.head.method.replayable_in_nginx() && ex.head.method != Method::Connect,
        keyed: ex.head.keyed,
        // nginx does not send again what it streams, even if it has all that it has sent.
        replayable: body.done() || !loud,
    };
    let mut local = Vec::new();
    let manner = carriage::manner(worker, client, ex, proxy, &mut local);
    let route = route(index, group, cell, proxy, manner);
    if let Some(binding) = &group.binding {
        binding.ask(worker, client, ex);
    }
    ex.begin_attempts(index);
    let given = (own, !replaced && !lost);
    let mut sender = Sender::new(
        worker,
        client,
        ex,
        (group, cell),
        proxy,
        body,
        given,
        framing,
        loud,
    );
    sender.local = local;
    sender.body_timeout = location.plan.client_body_timeout_ms;
    let driven = drive(&worker.connections, &route, facts, &mut sender).await;
    if !sender.hints.is_empty() {
        hints::send_hints(&mut sender).await;
    }
    match driven {
        Driven::Response(upstream) => {
            let elsewhere = incoming::elsewhere(worker, sender.client, sender.ex, proxy);
            if let Some(outcome) = elsewhere {
                ending::discard(&mut sender, &route, upstream);
                give_back(&mut sender);
                return outcome;
            }
            match deliver::deliver(&mut sender, &route, location, upstream).await {
                Ok(After::Close | After::Keep) if dropped && sender.ex.complete => {
                    Outcome::Done(After::Drain)
                }
                Ok(after) => Outcome::Done(after),
                Err(code) => {
                    give_back(&mut sender);
                    sender.ex.course.doing = b" while sending to client";
                    Outcome::Status(code)
                }
            }
        }
        Driven::Failed(status, _) => {
            give_back(&mut sender);
            sender.ex.course.doing = b" while sending to client";
            Outcome::Status(status)
        }
        // Nothing of ours is taken in before it is judged.
        Driven::Gone | Driven::Held => {
            sender.ex.status = 499;
            Outcome::Done(After::Close)
        }
        Driven::SenderFailed => {
            let error = sender.failure.unwrap_or(BodyError::Gone);
            sender.ex.body = Some(Body::Done);
            drop(sender);
            body_failed(client, ex, error, worker)
        }
    }
}

/// Gives the exchange back what is left of the body, for where the request goes on.
fn give_back(sender: &mut Sender<'_>) {
    sender.ex.keep &= sender.body.done();
    let body = std::mem::replace(&mut sender.body, Body::Done);
    sender.ex.body.get_or_insert(body);
}

/// Where a location's requests may go, and on what terms.
fn route<'a>(
    index: usize,
    group: &'a GroupConf,
    cell: &'a RefCell<Group>,
    proxy: &'a ProxyConf,
    manner: Manner,
) -> Route<'a> {
    Route {
        group: cell,
        index,
        addresses: &group.addresses,
        policy: &proxy.policy,
        scope: proxy.plan.scope,
        connect_timeout: proxy.plan.connect_timeout_ms,
        send_timeout: proxy.plan.send_timeout_ms,
        read_timeout: proxy.plan.read_timeout_ms,
        head_limit: proxy.plan.buffer_size,
        manner,
    }
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
fn body_failed(
    client: &mut Client,
    ex: &mut Exchange,
    error: BodyError,
    worker: &Worker,
) -> Outcome {
    let (status, level, text): (u16, Level, &[u8]) = match error {
        BodyError::Gone => (400, Level::Info, b"client prematurely closed connection"),
        BodyError::Invalid => (400, Level::Error, b"client sent invalid chunked body"),
        BodyError::TooLarge(..) => (
            413,
            Level::Error,
            b"client intended to send too large chunked body: ",
        ),
        BodyError::TimedOut => (408, Level::Info, b""),
        BodyError::Lost => (
            500,
            Level::Alert,
            b"a temporary file is shorter than what was written",
        ),
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
    client.timed_out |= error == BodyError::TimedOut;
    if matches!(error, BodyError::Gone | BodyError::TimedOut) {
        ex.status = status;
        return Outcome::Done(After::Close);
    }
    ex.course.expect_tested = true;
    ex.course.settled = true;
    Outcome::Status(status)
}

/// Makes blanks of what would end a header line: `$uri` and `$remote_user` are decoded, and a client must
/// not be able to write lines, or whole requests, of its own.
pub fn one_line(value: &mut [u8]) {
    for byte in value {
        if matches!(byte, b'\r' | b'\n' | 0) {
            *byte = b' ';
        }
    }
}

/// nginx takes what variables say as it is; what would end the line is coded here, and with `strict` what
/// would end the target: it may hold what was decoded.
fn one_target(target: Vec<u8>, strict: bool) -> Vec<u8> {
    if !strict || !target.contains(&b' ') {
        return answer::one_line(target);
    }
    let mut coded = Vec::with_capacity(target.len() + 8);
    for byte in target {
        if byte.is_ascii_control() || byte == b' ' {
            uri::escape(&[byte], &mut coded);
        } else {
            coded.push(byte);
        }
    }
    coded
}

/// nginx writes as it came what it did not decode.
fn add_path(ex: &Exchange, path: &[u8], target: &mut Vec<u8>) {
    if ex.quoted || ex.course.internal {
        uri::escape(path, target);
    } else {
        target.extend_from_slice(path);
    }
}

fn add_args(ex: &Exchange, target: &mut Vec<u8>) {
    if ex.course.args.is_none() && ex.head.query.is_none() {
        return;
    }
    let args = ex.args();
    if ex.course.args.is_none() || !args.is_empty() {
        target.push(b'?');
        target.extend_from_slice(args);
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
    let said = ex.said.as_ref().map(|said| &said.uri);
    match (&proxy.plan.uri, said.filter(|uri| !uri.is_empty())) {
        (None, Some(uri)) => target.extend_from_slice(uri),
        (None, None) if ex.course.raw => ex.head.write_target(ex.bytes(), &mut target),
        (None, None) => {
            add_path(ex, &ex.uri, &mut target);
            add_args(ex, &mut target);
        }
        (Some(uri), _) => {
            // A `rewrite … break` has said what the URI is.
            let placed = ex.course.placed;
            if placed {
                target.extend_from_slice(&uri.0);
            }
            let prefix = if placed { proxy.prefix } else { 0 };
            let rest = ex.uri.get(prefix..).unwrap_or_default();
            add_path(ex, rest, &mut target);
            add_args(ex, &mut target);
        }
    }
    if !ex.course.raw || said.is_some() {
        target = one_target(target, worker.config.plan.strict);
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
        _ => ex.method(),
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
