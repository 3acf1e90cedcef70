//! Writes the head of an answer, whoever made it: the one place where nginx's order of lines is kept.
//!
//! [`begin`], then fill in `ex.reply`, then [`write`].

use surehop_wire::header::Known;
use surehop_wire::request::{Method, Version};
use surehop_wire::{date, status, write};

use crate::attempts;
use crate::client::Client;
use crate::exchange::Exchange;
use crate::filters::{self, Tokens};
use crate::gzip;
use crate::pace;
use crate::parts;
use crate::plan::Location;
use crate::reply::{Ranges, Reply};
use crate::vars;
use crate::worker::Worker;

/// Begins an answer. Lines that were added before, `WWW-Authenticate` say, stay.
pub fn begin(worker: &Worker, ex: &mut Exchange) {
    ex.reply.facts();
    ex.packer = None;
    if ex.proxied
        && let Some(group) = attempts::group_of(worker, ex)
        && let Some(binding) = &group.binding
    {
        binding.tell(ex);
    }
}

/// Changes an answer as the location, and the request, want it; an error is its status instead. To be
/// called by itself by those whose answers may be asked for in parts.
pub fn filter(worker: &Worker, client: &Client, ex: &mut Exchange) -> Result<(), u16> {
    ex.reply.filtered = true;
    if ex.mute() {
        return Ok(());
    }
    let filters = &vars::place(worker, ex).filters;
    if filters.adds() {
        filters::headers(worker, client, ex);
    }
    if let Some(gzip) = &filters.gzip {
        gzip::begin(worker, ex, gzip);
    }
    if ex.reply.ranges != Ranges::None {
        ex.reply.parts = parts::follow(worker, ex)?;
    }
    Ok(())
}

/// Writes the head into `ex.out`. Decides how the body is framed, and whether the connection can be kept.
pub fn write(worker: &Worker, client: &Client, ex: &mut Exchange) {
    // Nothing that is not asked for in parts fails in this.
    if !ex.reply.filtered && filter(worker, client, ex).is_err() {
        ex.reply.parts = None;
    }
    pace::begin(worker, client, ex);
    let place = vars::place(worker, ex);
    let filters = &place.filters;
    settle_facts(ex);
    frame(ex, filters.chunked);
    ex.keep &= !worker.closing();
    let mut out = std::mem::take(&mut ex.out);
    out.clear();
    status_line(ex, &mut out);
    if !ex.reply.server_passed {
        write::header(&mut out, b"Server", product(worker, place).as_bytes());
    }
    if !ex.reply.date_passed {
        let date = worker.logs.times(worker.reactor.now()).http;
        write::header(&mut out, b"Date", &date);
    }
    if !ex.reply.kind.is_empty() {
        out.extend_from_slice(b"Content-Type: ");
        kind(ex, &mut out);
        out.extend_from_slice(b"\r\n");
    }
    if let Some(length) = ex.reply.length {
        write::number(&mut out, b"Content-Length", length);
    }
    if let Some(modified) = ex.reply.modified
        && ex.reply.find(Known::LastModified).is_none()
    {
        let modified = date::imf_fixdate(modified);
        write::header(&mut out, b"Last-Modified", &modified);
    }
    if place.absolute_redirect
        && let Some(at) = ex.reply.location()
        && let target = ex.reply.value_at(at, &ex.response_raw)
        && target.starts_with(b"/")
    {
        let full = absolute(worker, client, ex, place, target);
        write::header(&mut out, b"Location", &full);
        ex.reply.change(at, &full);
        ex.reply.written(at);
    }
    if ex.reply.chunked {
        write::header(&mut out, b"Transfer-Encoding", b"chunked");
    }
    connection(ex, place, &mut out);
    if ex.reply.varies {
        write::header(&mut out, b"Vary", b"Accept-Encoding");
    }
    let raw = &ex.response_raw[..];
    for line in ex.reply.due() {
        let (name, value) = (ex.reply.name(line, raw), ex.reply.value(line, raw));
        write::header(&mut out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    if ex.head.version == Version::Http09 {
        out.clear();
    }
    ex.out = out;
}

/// What some statuses have none of.
fn settle_facts(ex: &mut Exchange) {
    if !matches!(ex.status, 200 | 206 | 304) {
        ex.reply.modified = None;
        ex.reply.undated = true;
    }
    if ex.status == 204 && !ex.reply.line_passed {
        ex.reply.kind.clear();
        ex.reply.length = None;
    }
}

/// Whether no body follows, whatever the head says of one.
pub fn bodiless(ex: &Exchange) -> bool {
    ex.head.method == Method::Head
        || ex.status < 200 && !ex.response.headless
        || matches!(ex.status, 204 | 304)
}

/// Says where a body of unknown length ends: by its last chunk, or with the connection.
fn frame(ex: &mut Exchange, chunks: bool) {
    ex.reply.trailed &= !bodiless(ex);
    if ex.reply.length.is_some() && !ex.reply.trailed || bodiless(ex) {
        return;
    }
    if ex.head.version == Version::Http11 && chunks {
        ex.reply.length = None;
        ex.reply.chunked = true;
    } else if ex.reply.length.is_none() {
        ex.keep = false;
    }
}

/// How this product is called, as `server_tokens` has it.
pub fn product<'a>(worker: &'a Worker, place: &Location) -> &'a str {
    let full = &worker.config.plan.server_header[..];
    match place.filters.tokens {
        Tokens::Off => full.split_once('/').map_or(full, |(name, _)| name),
        Tokens::On | Tokens::Build => full,
    }
}

fn status_line(ex: &Exchange, out: &mut Vec<u8>) {
    if ex.reply.line_passed {
        let line = ex.response.status_line.of(&ex.response_raw);
        return write::status_line(out, b"HTTP/1.1", line);
    }
    if let Some(line) = status::line(ex.status) {
        return write::status_line(out, b"HTTP/1.1", line.as_bytes());
    }
    // Of other statuses nginx knows no words.
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(ex.status).as_bytes());
    out.extend_from_slice(b" \r\n");
}

fn kind(ex: &Exchange, out: &mut Vec<u8>) {
    out.extend_from_slice(&ex.reply.kind);
    // An upstream's own charset stands in the type already.
    if !ex.reply.charset.is_empty() && ex.reply.bare_kind().len() == ex.reply.kind.len() {
        out.extend_from_slice(b"; charset=");
        out.extend_from_slice(&ex.reply.charset);
    }
}

fn connection(ex: &Exchange, place: &Location, out: &mut Vec<u8>) {
    if !ex.keep {
        write::header(out, b"Connection", ending(ex));
        return;
    }
    write::header(out, b"Connection", b"keep-alive");
    if let Some(seconds) = place.keepalive_header_s {
        out.extend_from_slice(b"Keep-Alive: timeout=");
        out.extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// What is said of a connection that is not kept.
fn ending(ex: &Exchange) -> &'static [u8] {
    if ex.reply.upgraded {
        b"upgrade"
    } else {
        b"close"
    }
}

/// nginx's `absolute_redirect`: a target that begins with `/` gets scheme, host and port.
fn absolute(
    worker: &Worker,
    client: &Client,
    ex: &Exchange,
    place: &Location,
    target: &[u8],
) -> Vec<u8> {
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

/// Whether a failed answer hides from its log that it says when it was changed.
fn hides_date(reply: &Reply, raw: &[u8]) -> bool {
    let at = reply.find(Known::LastModified).filter(|_| reply.undated);
    at.is_some_and(|at| date::parse(reply.value_at(at, raw)).is_some())
}

/// Appends the value of `$sent_http_…`; `name` is in lower case with dashes. False if there is none.
pub fn sent(worker: &Worker, ex: &Exchange, name: &[u8], out: &mut Vec<u8>) -> bool {
    let reply = &ex.reply;
    let raw = &ex.response_raw[..];
    let kept = ex.keep && !ex.logging;
    match name {
        b"content-type" if !reply.kind.is_empty() => kind(ex, out),
        // An answer that led here has said it.
        b"content-type" if !ex.kept_type.is_empty() => out.extend_from_slice(&ex.kept_type),
        b"content-length" if reply.length.is_some() => {
            let length = reply.length.unwrap_or_default();
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
        }
        b"last-modified" if hides_date(reply, raw) => return false,
        b"last-modified" if reply.find(Known::LastModified).is_none() => {
            let Some(modified) = reply.modified else {
                return false;
            };
            out.extend_from_slice(&date::imf_fixdate(modified));
        }
        b"location" if reply.location().is_some() => {
            let at = reply.location().unwrap_or_default();
            out.extend_from_slice(reply.value_at(at, raw));
        }
        // nginx has given the connection up, or to the next request, by the time it logs.
        b"connection" => out.extend_from_slice(if kept { b"keep-alive" } else { ending(ex) }),
        b"keep-alive" => {
            let Some(seconds) = vars::place(worker, ex).keepalive_header_s.filter(|_| kept) else {
                return false;
            };
            out.extend_from_slice(b"timeout=");
            out.extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
        }
        b"transfer-encoding" => {
            if reply.chunked {
                out.extend_from_slice(b"chunked");
            }
            return reply.chunked;
        }
        _ => {
            let mut found = false;
            for (_, line) in reply.lines() {
                if vars::same_name(reply.name(line, raw), name) {
                    if found {
                        out.extend_from_slice(b", ");
                    }
                    out.extend_from_slice(reply.value(line, raw));
                    found = true;
                }
            }
            return found;
        }
    }
    true
}
