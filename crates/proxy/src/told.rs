//! Error-log lines as nginx writes them: the sentence, then who, where and what.

use surehop_wire::header::Known;

use crate::attempts;
use crate::client::Client;
use crate::exchange::Exchange;
use crate::log::Logs;
use crate::plan::{ErrorLog, Level};
use crate::vars;
use crate::worker::Worker;

/// Where this request's errors are logged.
fn logs<'a>(worker: &'a Worker, ex: &Exchange) -> &'a [ErrorLog] {
    &vars::place(worker, ex).error_log
}

/// Writes a line about a request. `sentence` goes up to and with `while …`; `upstream` is the peer's
/// address (or the group's name); without it, that of the peer that was tried last.
pub fn line(
    worker: &Worker,
    client: &Client,
    ex: &Exchange,
    level: Level,
    upstream: Option<&str>,
    sentence: impl Fn(&mut Vec<u8>),
) {
    let logs = logs(worker, ex);
    if !Logs::wants(logs, level) {
        return;
    }
    let within = ex.sub.as_ref();
    let answered = within.is_some_and(|within| within.answered);
    let upstream = upstream.or_else(|| peer(worker, ex)).filter(|_| !answered);
    worker
        .logs
        .error(logs, worker.reactor.now(), level, client.number, |out| {
            let from = out.len();
            sentence(out);
            one_line(out, from);
            if ex.logging && within.is_none() {
                out.extend_from_slice(b" while logging request");
            }
            let bytes = ex.bytes();
            out.extend_from_slice(b", client: ");
            out.extend_from_slice(client.remote_text.as_bytes());
            out.extend_from_slice(b", server: ");
            out.extend_from_slice(&worker.config.servers[ex.server].plan.name.0);
            if !ex.head.line.is_empty() {
                quoted(out, b"request", ex.head.line.of(bytes));
            }
            if within.is_some() && !answered {
                quoted(out, b"subrequest", &ex.uri);
            }
            if let Some(upstream) = upstream {
                out.extend_from_slice(b", upstream: \"http://");
                out.extend_from_slice(upstream.as_bytes());
                if upstream.starts_with("unix:") {
                    out.push(b':');
                }
                plain(out, &ex.upstream_uri);
                out.push(b'"');
            }
            if let Some(host) = ex.head.host_header {
                quoted(out, b"host", host.of(bytes));
            }
            if let Some(referrer) = ex.head.find(Known::Referer) {
                quoted(out, b"referrer", referrer.value.of(bytes));
            }
        });
}

/// The upstream that the request came back from, if it was with one.
fn peer<'a>(worker: &'a Worker, ex: &'a Exchange) -> Option<&'a str> {
    let last = ex.attempts().last()?;
    Some(attempts::numbered(worker, ex, ex.group?)?.peer_name(last.peer))
}

/// The same for a sentence, which may quote what an upstream or a client sent.
fn one_line(out: &mut Vec<u8>, from: usize) {
    if out[from..].iter().any(u8::is_ascii_control) {
        let sentence = out.split_off(from);
        plain(out, &sentence);
    }
}

fn quoted(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(b", ");
    out.extend_from_slice(name);
    out.extend_from_slice(b": \"");
    plain(out, value);
    out.push(b'"');
}

/// What a client sent must not be able to write lines of its own: control characters are escaped.
fn plain(out: &mut Vec<u8>, value: &[u8]) {
    for &byte in value {
        if byte < 32 || byte == 127 {
            out.extend_from_slice(format!("\\x{byte:02X}").as_bytes());
        } else {
            out.push(byte);
        }
    }
}
