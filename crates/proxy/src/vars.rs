//! What the variables are worth at a given moment.

use std::io::Write;
use std::net::IpAddr;

use surehop_engine::Attempt;
use surehop_hop::socket::Address;
use surehop_wire::header::{Header, Known};
use surehop_wire::request::Framing;

use crate::attempts;
use crate::basic::Credentials;
use crate::client::Client;
use crate::config::ActionConf;
use crate::exchange::Exchange;
use crate::gzip;
use crate::head;
use crate::intake;
use crate::plan::Escape;
use crate::stub::Connections;
use crate::template::{LogFormat, Piece, TcpFact, Template, Var};
use crate::worker::Worker;

/// Appends the value of `template`.
pub fn expand(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    template: &Template,
    out: &mut Vec<u8>,
) {
    for piece in &template.0 {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Var(var) => {
                value(worker, client, ex, var, out);
            }
        }
    }
}

/// Appends a log line without its end.
pub fn log(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    format: &LogFormat,
    out: &mut Vec<u8>,
) {
    let mut raw = std::mem::take(&mut ex.scratch);
    for piece in &format.template.0 {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Var(var) => {
                raw.clear();
                let found = value(worker, client, ex, var, &mut raw);
                match format.escape {
                    Escape::Json => escape_json(&raw, out),
                    Escape::None => out.extend_from_slice(&raw),
                    Escape::Default if !found => out.push(b'-'),
                    Escape::Default => escape(&raw, out),
                }
            }
        }
    }
    ex.scratch = raw;
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn escape(raw: &[u8], out: &mut Vec<u8>) {
    for &byte in raw {
        if byte == b'"' || byte == b'\\' || !(32..=126).contains(&byte) {
            out.extend_from_slice(&[
                b'\\',
                b'x',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]);
        } else {
            out.push(byte);
        }
    }
}

/// Appends `raw` as the inside of a JSON string; bytes above 126 are taken to be UTF-8, as nginx takes them.
pub fn escape_json(raw: &[u8], out: &mut Vec<u8>) {
    for &byte in raw {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            0..32 => out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
            _ => out.push(byte),
        }
    }
}

fn number(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

/// `1.234`, from milliseconds.
pub fn seconds(out: &mut Vec<u8>, ms: u64) {
    let _ = write!(out, "{}.{:03}", ms / 1000, ms % 1000);
}

/// Appends the values of all lines of that name, as nginx joins them.
pub fn all<'a>(
    out: &mut Vec<u8>,
    headers: impl Iterator<Item = &'a Header>,
    bytes: &[u8],
    name: &[u8],
) -> bool {
    let mut found = false;
    for line in headers {
        if same_name(line.name.of(bytes), name) {
            if found {
                let cookie = line.known == Known::Cookie;
                out.extend_from_slice(if cookie { b"; " } else { b", " });
            }
            out.extend_from_slice(line.value.of(bytes));
            found = true;
        }
    }
    found
}

/// The port that the client asked for, if it named one.
fn request_port(ex: &Exchange) -> Option<u64> {
    let rest = ex.bytes().get(ex.head.host.end()..)?;
    let rest = rest.strip_prefix(b".").unwrap_or(rest).strip_prefix(b":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
    let port = digits.fold(0, |port: u64, digit| {
        port.saturating_mul(10) + u64::from(digit - b'0')
    });
    (port > 0 && !ex.head.host.is_empty()).then_some(port)
}

/// Whether a line's name is that of a variable, which tells no underscore from a dash.
pub fn same_name(line: &[u8], variable: &[u8]) -> bool {
    let plain = |byte: &u8| match byte {
        b'_' => b'-',
        byte => byte.to_ascii_lowercase(),
    };
    line.len() == variable.len() && line.iter().map(plain).eq(variable.iter().copied())
}

/// Appends what is empty only as long as it is not known.
fn known(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    out.extend_from_slice(bytes);
    !bytes.is_empty()
}

fn put(out: &mut Vec<u8>, found: Option<&[u8]>) -> bool {
    if let Some(bytes) = found {
        out.extend_from_slice(bytes);
    }
    found.is_some()
}

/// The location's settings, the server's own as long as there is no location.
pub fn place<'a>(worker: &'a Worker, ex: &Exchange) -> &'a crate::plan::Location {
    &worker.config.locations[place_at(worker, ex)].plan
}

/// The location's number, or that of the server's own settings.
pub fn place_at(worker: &Worker, ex: &Exchange) -> usize {
    let own = || worker.config.servers[ex.server].plan.own;
    ex.location.unwrap_or_else(own)
}

/// Appends the value of `var`; false if it has none.
#[allow(clippy::too_many_lines)] // one arm a variable: a table could not be shorter
pub fn value(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    var: &Var,
    out: &mut Vec<u8>,
) -> bool {
    if let Var::Slot(index) = var {
        return crate::variables::value(worker, client, ex, *index, out);
    }
    if matches!(
        var,
        Var::DocumentRoot | Var::RealpathRoot | Var::RequestFilename
    ) {
        return crate::files::value(worker, client, ex, var, out);
    }
    let now = worker.reactor.now();
    let bytes = ex.raw.as_ref().map_or(&[][..], |raw| raw.data());
    let head = &ex.head;
    let server = &worker.config.servers[ex.server].plan;
    match var {
        Var::Slot(_) | Var::DocumentRoot | Var::RealpathRoot | Var::RequestFilename => {
            return false;
        }
        Var::Capture(number) => return put(out, ex.course.captures.get(*number)),
        Var::Host => {
            let host: &[u8] = if ex.host.is_empty() {
                &server.name.0
            } else {
                &ex.host
            };
            out.extend_from_slice(host);
        }
        Var::Http(name) => {
            return all(
                out,
                head.headers.iter().filter(|line| line.valid),
                bytes,
                name,
            );
        }
        Var::Arg(name) => {
            return put(out, argument(ex.args(), name));
        }
        Var::Cookie(name) => {
            return put(out, cookie_of(ex, bytes, name));
        }
        Var::SentHttp(name) => return head::sent(worker, ex, name, out),
        Var::GzipRatio => return gzip::ratio(ex, out),
        Var::LimitRate => number(out, ex.pace.rate()),
        Var::UpstreamTrailer(name) => return lines_of(out, &ex.upstream_trailers, name),
        Var::SentTrailer(name) => return lines_of(out, &ex.reply.trailers, name),
        Var::UpstreamHttp(name) => {
            let ignored = |index| ex.response.warnings.iter().any(|w| w.line == index);
            let lines = ex.response.headers.iter().enumerate();
            let counted = lines.filter(|(index, _)| !ignored(*index));
            // nginx takes a Date and a Server that are missing for empty ones.
            return all(out, counted.map(|(_, line)| line), &ex.response_raw, name)
                || ex.response.whole && matches!(&**name, b"date" | b"server");
        }
        Var::UpstreamCookie(name) => {
            let raw = &ex.response_raw[..];
            let lines = ex.response.headers.iter();
            let mut set =
                lines.filter(|line| line.name.of(raw).eq_ignore_ascii_case(b"Set-Cookie"));
            // The first pair of the line is the cookie; the others say how to keep it.
            let found = set.find_map(|line| {
                let pair = line.value.of(raw).split(|&byte| byte == b';').next()?;
                cookie(pair, name)
            });
            return put(out, found);
        }
        Var::Request => return known(out, head.line.of(bytes)),
        Var::RequestUri => return known(out, head.uri.of(bytes)),
        Var::Uri => return known(out, &ex.uri) || !head.path.is_empty(),
        Var::Args => return known(out, ex.args()) || ex.course.args_given,
        Var::IsArgs => {
            if !ex.args().is_empty() {
                out.push(b'?');
            }
        }
        Var::RequestMethod => return known(out, ex.client_method()),
        Var::RequestPort => {
            if let Some(port) = request_port(ex) {
                number(out, port);
            }
        }
        Var::IsRequestPort => {
            if request_port(ex).is_some() {
                out.push(b':');
            }
        }
        // Nothing is cached.
        Var::ProxyProtocol | Var::UpstreamCacheStatus => return false,
        Var::TcpInfo(fact) => {
            let Some(info) = client.socket.tcp_info() else {
                return false;
            };
            number(
                out,
                u64::from(match fact {
                    TcpFact::Rtt => info.rtt,
                    TcpFact::RttVar => info.rttvar,
                    TcpFact::SendWindow => info.send_window,
                    TcpFact::ReceiveSpace => info.receive_space,
                }),
            );
        }
        Var::RequestBody => return put(out, intake::shown(ex)),
        Var::RequestBodyFile => return put(out, ex.spool.as_ref().map(|spool| &*spool.path)),
        Var::Scheme => out.extend_from_slice(b"http"),
        Var::Https => {}
        Var::Pipe => out.push(if ex.pipelined { b'p' } else { b'.' }),
        Var::ServerProtocol => return known(out, head.protocol.of(bytes)),
        Var::ServerName => out.extend_from_slice(&server.name.0),
        Var::ServerAddr => {
            if let Some(local) = client.local_address() {
                out.extend_from_slice(local.as_bytes());
            }
        }
        Var::ServerPort => match worker.config.listeners[client.listener].port() {
            Some(port) => number(out, u64::from(port)),
            None => return false,
        },
        Var::RemoteAddr => out.extend_from_slice(client.remote_text.as_bytes()),
        Var::BinaryRemoteAddr => binary(client, out),
        Var::RealipRemoteAddr => {
            let before = client.before.as_ref().map(|before| &before.text);
            out.extend_from_slice(before.unwrap_or(&client.remote_text).as_bytes());
        }
        Var::RealipRemotePort => {
            let before = client.before.as_ref().map(|before| &before.remote);
            port(before.unwrap_or(&client.remote).as_ref(), out);
        }
        Var::LimitReqStatus => return put(out, ex.admission.requests.map(str::as_bytes)),
        Var::LimitConnStatus => return put(out, ex.admission.connections.map(str::as_bytes)),
        Var::RemotePort => port(client.remote.as_ref(), out),
        Var::RemoteUser => {
            let credentials = Credentials::of(ex);
            return put(out, credentials.as_ref().map(Credentials::user));
        }
        Var::TimeLocal => out.extend_from_slice(&worker.logs.times(now).local),
        Var::TimeIso8601 => out.extend_from_slice(&worker.logs.times(now).iso),
        Var::Msec => seconds(out, worker.logs.times(now).wall),
        Var::Status => {
            // An error's counts before the answer that stands for it, whatever became of that.
            let status = match ex.course.status {
                0 => ex.status,
                error => surehop_wire::status::sent(error),
            };
            let _ = write!(out, "{status:03}");
        }
        Var::BodyBytesSent => number(out, ex.body_sent),
        Var::BytesSent => number(out, ex.head_sent + ex.body_sent),
        Var::RequestLength if ex.sub.is_some() => out.push(b'0'),
        Var::RequestLength => number(out, ex.request_length + client.body_read),
        Var::RequestTime => seconds(out, now.saturating_sub(ex.started)),
        Var::RequestId => {
            let id = ex.id.get_or_insert_with(random_id);
            out.extend_from_slice(&id[..]);
        }
        Var::RequestCompletion => {
            if ex.complete {
                out.extend_from_slice(b"OK");
            }
        }
        Var::ContentType => {
            return put(
                out,
                head.find(Known::ContentType)
                    .map(|header| header.value.of(bytes)),
            );
        }
        Var::ContentLength if head.framing == Framing::Chunked && client.body_settled => {
            number(out, client.body_data);
        }
        Var::ContentLength => {
            return put(
                out,
                head.find(Known::ContentLength)
                    .map(|header| header.value.of(bytes)),
            );
        }
        Var::Connection => number(out, client.number),
        Var::Connections(which) => {
            let now = Connections::of(&worker.shared);
            number(
                out,
                match *which {
                    "active" => now.active,
                    "reading" => now.reading,
                    "writing" => now.writing,
                    _ => now.waiting,
                },
            );
        }
        Var::ConnectionRequests => number(out, client.requests),
        Var::ConnectionTime => seconds(out, now - client.opened),
        Var::Pid => number(out, u64::from(std::process::id())),
        Var::Hostname => out.extend_from_slice(worker.hostname.as_bytes()),
        Var::NginxVersion => out.extend_from_slice(worker.config.plan.nginx_version.as_bytes()),
        Var::ProxyHost | Var::ProxyPort => {
            let Some(ActionConf::Proxy(proxy)) =
                ex.location.map(|l| &worker.config.locations[l].action)
            else {
                return false;
            };
            if !ex.passed {
                return false; // it was answered before anybody thought of an upstream
            }
            if let Some(said) = &ex.said {
                let which = if *var == Var::ProxyHost {
                    &said.host
                } else {
                    &said.port
                };
                out.extend_from_slice(which);
                return true;
            }
            let host = &proxy.plan.proxy_host.0;
            let group = proxy.plan.group.map(|group| &worker.config.groups[group]);
            if *var == Var::ProxyHost {
                out.extend_from_slice(host);
            } else if group.is_some_and(|group| !group.portless) {
                let port = host
                    .rsplit(|&b| b == b':')
                    .next()
                    .filter(|p| p.iter().all(u8::is_ascii_digit));
                out.extend_from_slice(port.unwrap_or(b"80"));
            }
        }
        Var::ProxyAddXForwardedFor => {
            for line in head
                .headers
                .iter()
                .filter(|header| header.known == Known::XForwardedFor)
            {
                out.extend_from_slice(line.value.of(bytes));
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(client.remote_text.as_bytes());
        }
        Var::UpstreamAddr => return attempts::addresses(worker, ex, out),
        Var::UpstreamStatus => {
            return attempts::list(ex, out, |attempt, out| match attempt.status {
                0 => out.push(b'-'),
                status => number(out, u64::from(status)),
            });
        }
        Var::UpstreamConnectTime => return times(ex, out, |attempt| attempt.connect_time),
        Var::UpstreamHeaderTime => return times(ex, out, |attempt| attempt.header_time),
        Var::UpstreamResponseTime => return times(ex, out, |attempt| attempt.response_time),
        Var::UpstreamResponseLength => return counts(ex, out, |attempt| attempt.length),
        Var::UpstreamBytesReceived => return counts(ex, out, |attempt| attempt.received),
        Var::UpstreamBytesSent => return counts(ex, out, |attempt| attempt.sent),
        Var::UpstreamReason => {
            return attempts::list(ex, out, |attempt, out| {
                out.extend_from_slice(attempt.reason.word().as_bytes());
            });
        }
        Var::UpstreamReused => {
            return attempts::list(ex, out, |attempt, out| {
                out.push(b'0' + u8::from(attempt.reused));
            });
        }
        Var::UpstreamAttempts => return attempts::json(worker, ex, out),
    }
    true
}

fn times(ex: &Exchange, out: &mut Vec<u8>, of: impl Fn(&Attempt) -> Option<u64>) -> bool {
    attempts::list(ex, out, |attempt, out| match of(attempt) {
        Some(ms) => seconds(out, ms),
        None => out.push(b'-'),
    })
}

fn counts(ex: &Exchange, out: &mut Vec<u8>, of: impl Fn(&Attempt) -> u64) -> bool {
    attempts::list(ex, out, |attempt, out| number(out, of(attempt)))
}

fn argument<'a>(query: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    query.split(|&byte| byte == b'&').find_map(|pair| {
        let (key, value) = match memchr::memchr(b'=', pair) {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => return None,
        };
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// A cookie that the client sent.
pub fn cookie_of<'a>(ex: &Exchange, bytes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let lines = ex.head.headers.iter();
    lines
        .filter(|line| line.known == Known::Cookie)
        .find_map(|line| cookie(line.value.of(bytes), name))
}

fn cookie<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    line.split(|&byte| byte == b';').find_map(|pair| {
        let pair = pair.trim_ascii();
        let at = memchr::memchr(b'=', pair)?;
        pair[..at]
            .eq_ignore_ascii_case(name)
            .then(|| pair[at + 1..].trim_ascii())
    })
}

/// Appends the values of a header among lines as they are written.
fn lines_of(out: &mut Vec<u8>, lines: &[u8], name: &[u8]) -> bool {
    let mut found = false;
    for line in lines.split(|&byte| byte == b'\n') {
        let Some(at) = memchr::memchr(b':', line) else {
            continue;
        };
        if line[..at].eq_ignore_ascii_case(name) {
            if found {
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(line[at + 1..].trim_ascii());
            found = true;
        }
    }
    found
}

fn binary(client: &Client, out: &mut Vec<u8>) {
    match &client.remote {
        Some(Address::Ip(address)) => match address.ip() {
            IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
        },
        _ => out.extend_from_slice(client.remote_text.as_bytes()),
    }
}

fn port(remote: Option<&Address>, out: &mut Vec<u8>) {
    if let Some(Address::Ip(address)) = remote
        && address.port() > 0
    {
        number(out, u64::from(address.port()));
    }
}

fn random_id() -> [u8; 32] {
    let mut random = [0_u8; 16];
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    let mut id = [0_u8; 32];
    for (i, byte) in random.iter().enumerate() {
        id[2 * i] = HEX[usize::from(byte >> 4)].to_ascii_lowercase();
        id[2 * i + 1] = HEX[usize::from(byte & 15)].to_ascii_lowercase();
    }
    id
}
