//! Answers that Surehop gives by itself: error pages, `return`, redirects.

use std::io::Write as _;

use surehop_wire::request::Version;
use surehop_wire::{header::Known, status, uri};

use crate::client::Client;
use crate::exchange::Exchange;
use crate::head;
use crate::lingering;
use crate::outgoing::Outgoing;
use crate::phases::{self, Outcome};
use crate::serving;
use crate::vars;
use crate::worker::Worker;

/// Answers with `body`; the status, and what else is known of the answer, is in place.
pub async fn send(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    kind: &[u8],
    body: &[u8],
) {
    ex.reply.set_kind(kind);
    ex.reply.length = Some(body.len() as u64);
    head::write(worker, client, ex);
    finish(worker, client, ex, body).await;
}

async fn finish(worker: &Worker, client: &mut Client, ex: &mut Exchange, mut body: &[u8]) {
    if ex.mute() {
        ex.complete = true;
        return;
    }
    if head::bodiless(ex) {
        body = b"";
    }
    let mut outgoing = Outgoing::new(worker, client, ex);
    let sent = outgoing.send(body, true).await;
    outgoing.end();
    ex.complete = sent.is_ok();
    ex.keep &= ex.complete;
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
    let place = vars::place(worker, ex);
    let pad = pad && place.filters.msie_padding;
    status::page(code, head::product(worker, place), pad, &mut body);
    ex.status = status::sent(code);
    head::begin(worker, ex);
    // What was said of a file is not true of the page.
    ex.reply.take_back_last(Known::ETag);
    ex.reply.take_back_last(Known::LastModified);
    ex.reply.take_back_last(Known::AcceptRanges);
    // There are statuses that nginx has no page for.
    let kind: &[u8] = if body.is_empty() { b"" } else { b"text/html" };
    send(worker, client, ex, kind, &body).await;
    ex.scratch = body;
}

/// Carries out a `return` that is no redirect; `body` comes with its type.
pub async fn give(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    code: u16,
    (kind, body): (&[u8], &[u8]),
) -> Outcome {
    ex.status = ex.status_or(code);
    head::begin(worker, ex);
    let kept = std::mem::take(&mut ex.kept_type);
    ex.reply
        .set_kind(if kept.is_empty() { kind } else { &kept });
    ex.reply.length = Some(body.len() as u64);
    if let Err(code) = serving::conditions(worker, ex) {
        return Outcome::Status(code);
    }
    head::write(worker, client, ex);
    finish(worker, client, ex, body).await;
    Outcome::Done(phases::after(ex))
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
    if refreshes(worker, ex) && matches!(code, 301 | 302) {
        return refresh(worker, client, ex, target).await;
    }
    let mut page = Vec::new();
    let product = head::product(worker, vars::place(worker, ex));
    status::page(code, product, false, &mut page);
    head::begin(worker, ex);
    ex.reply.set_location(&one_line(target.to_vec()));
    send(worker, client, ex, b"text/html", &page).await;
}

/// Whether the client is one for which a page takes the place of a redirect (`msie_refresh`).
fn refreshes(worker: &Worker, ex: &Exchange) -> bool {
    vars::place(worker, ex).filters.msie_refresh
        && ex
            .head
            .find(Known::UserAgent)
            .is_some_and(|agent| status::explorer(agent.value.of(ex.bytes())))
}

async fn refresh(worker: &Worker, client: &mut Client, ex: &mut Exchange, target: &[u8]) {
    let mut page = b"<html><head><meta http-equiv=\"Refresh\" content=\"0; URL=".to_vec();
    for &byte in target {
        // Which ones, is nginx's own choice.
        let plain = byte.is_ascii_graphic() && !b"\"'<>\\^`{|~".contains(&byte);
        if plain {
            page.push(byte);
        } else {
            let _ = write!(page, "%{byte:02X}");
        }
    }
    page.extend_from_slice(b"\"></head><body></body></html>\r\n");
    ex.status = 200;
    head::begin(worker, ex);
    send(worker, client, ex, b"text/html", &page).await;
}

/// A target may hold what was decoded (`return 302 $uri`): what would end the header line is coded again.
pub fn one_line(target: Vec<u8>) -> Vec<u8> {
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
        Version::Http09 => false,
    };
    asked
        && !lingering::disabled(&vars::place(worker, ex).patience, ex)
        && timeout > 0
        && client.requests < requests
        && worker.reactor.now() - client.opened < server.keepalive_time_ms
        && !worker.closing()
}
