//! A client connection from its first request to its last.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use surehop_wire::header::Span;
use surehop_wire::request::{self, Limits, RequestError, RequestHead};
use surehop_wire::uri;

use crate::client::{Arrival, Client, Over};
use crate::exchange::Exchange;
use crate::lingering;
use crate::log::{self, Logs};
use crate::phases;
use crate::plan::Level;
use crate::real_ip;
use crate::record;
use crate::stub::Stage;
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// Counts a client as long as it is here.
pub struct Present(Rc<Worker>);

impl Present {
    /// One more.
    pub fn new(worker: Rc<Worker>) -> Self {
        worker.clients.set(worker.clients.get() + 1);
        worker.shared.clients.fetch_add(1, Ordering::Relaxed);
        Self(worker)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.clients.set(self.0.clients.get() - 1);
        self.0.shared.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What becomes of the connection after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Another request may come.
    Keep,
    /// It is closed.
    Close,
    /// The rest of the request's body is taken in first.
    Drain,
    /// It is closed once what the client still sends has been taken in, lest a reset overtakes the answer.
    Linger,
}

/// Serves a connection. What it holds while it is idle is little: see [`crate::place`].
pub async fn serve(worker: Rc<Worker>, mut client: Client, _present: Present) {
    loop {
        if let Err(how) = client.arrive(&worker).await {
            if how == Over::Stopping && worker.handing() {
                return worker.hand_client(client);
            }
            return over(&worker, &client, how);
        }
        let mut place = worker.place();
        place.begin(worker.clone(), client);
        let (back, after) = poll_fn(|cx| place.poll(cx)).await;
        worker.vacate(place);
        client = back;
        match after {
            After::Keep => {}
            After::Close | After::Drain => return,
            After::Linger => return client.linger(&worker).await,
        }
    }
}

/// Reads a request, answers it and logs it.
pub async fn one(worker: Rc<Worker>, mut client: Client) -> (Client, After) {
    let mut stage = Stage::begin(&worker);
    let mut ex = worker.exchange();
    ex.server = worker.config.listeners[client.listener].default;
    let arrival = client.request(&worker, &mut ex).await;
    stage.read();
    let after = match arrival {
        // Nothing had come after all.
        Arrival::Over(Over::Stopping) if worker.handing() => {
            worker.recycle(ex);
            return (client, After::Keep);
        }
        Arrival::Over(how) => {
            over(&worker, &client, how);
            worker.recycle(ex);
            return (client, After::Close);
        }
        Arrival::Broken(status) => {
            client.requests += 1;
            broken(&worker, &client, &mut ex, status);
            After::Close
        }
        Arrival::Refused(error) => {
            client.requests += 1;
            refuse(&worker, &mut client, &mut ex, error).await
        }
        Arrival::Request => {
            client.requests += 1;
            answer(&worker, &mut client, &mut ex).await
        }
    };
    worker.shared.requests.fetch_add(1, Ordering::Relaxed);
    let after = match after {
        After::Drain => Box::pin(lingering::drain(&worker, &mut client, &mut ex)).await,
        after => after,
    };
    record::record(&worker, &client, &mut ex);
    real_ip::restore(&mut client);
    let place = vars::place(&worker, &ex);
    client.idle_timeout = place.keepalive_timeout_ms;
    client.promised = place.patience.keepalive_min_ms;
    client.place = Some(vars::place_at(&worker, &ex));
    let after = match after {
        After::Keep => after,
        after => lingering::close(&worker, &mut client, &ex, after),
    };
    worker.recycle(ex);
    (client, after)
}

/// The connection ended where a request might have begun. nginx names the client in words of their own
/// once it has kept the connection, and the listener before.
fn over(worker: &Worker, client: &Client, how: Over) {
    let config = &worker.config;
    let listener = &config.listeners[client.listener];
    let logs = match client.place {
        Some(place) => &config.locations[place].plan.error_log,
        None => &config.servers[listener.default].plan.error_log,
    };
    if how == Over::Stopping || !Logs::wants(logs, Level::Info) {
        return;
    }
    let kept = client.requests > 0;
    if kept && how == Over::TimedOut {
        return;
    }
    let now = worker.reactor.now();
    worker
        .logs
        .error(logs, now, Level::Info, client.number, |out| {
            let text = if kept {
                format!("client {} closed keepalive connection", client.remote_text)
            } else if how == Over::TimedOut {
                "client timed out".to_owned()
            } else {
                "client closed connection".to_owned()
            };
            out.extend_from_slice(text.as_bytes());
            match how {
                Over::Broken(e) => log::errno(out, e.raw_os_error()),
                Over::TimedOut => log::errno(out, rustix::io::Errno::TIMEDOUT.raw_os_error()),
                Over::Closed | Over::Stopping => {}
            }
            if !kept {
                // nginx names the socket.
                let socket = listener
                    .by
                    .map_or(listener, |by| &worker.config.listeners[by]);
                let text = format!(
                    " while waiting for request, client: {}, server: {}",
                    client.remote_text, socket.address
                );
                out.extend_from_slice(text.as_bytes());
            }
        });
}

/// Chooses the server by the host.
fn find_server(worker: &Worker, client: &Client, ex: &mut Exchange) {
    let listener = &worker.config.listeners[client.listener];
    let mut host = std::mem::take(&mut ex.host);
    host.clear();
    host.extend_from_slice(ex.head.host.of(ex.bytes()));
    host.make_ascii_lowercase();
    ex.server = listener.server(&host, &worker.config.servers, &mut ex.course);
    ex.host = host;
}

/// Fills in what nginx knows of a head that is no good: the path, and how much of it was taken in.
fn salvage(ex: &mut Exchange, end: usize) {
    let mut path = std::mem::take(&mut ex.uri);
    let sent = ex.head.path.of(ex.bytes());
    if sent.is_empty() || uri::normalize(sent, &mut path).is_err() {
        path.clear();
    }
    ex.uri = path;
    ex.request_length = (end as u64).saturating_sub(u64::from(ex.head.line.start));
}

/// Forgets all of a request but its first line as it came: the rest is not known, or another request's.
fn forget(ex: &mut Exchange) {
    let mut headers = std::mem::take(&mut ex.head.headers);
    headers.clear();
    ex.head = RequestHead {
        headers,
        line: ex.head.line,
        // An answer without a head is one to the end.
        version: ex.head.version,
        ..RequestHead::default()
    };
}

/// Reads the lines that came of a head that never became whole.
fn read_lines(ex: &mut Exchange) {
    let Some(raw) = ex.raw.as_mut() else { return };
    let whole = memchr::memrchr(b'\n', raw.data()).map_or(0, |at| at + 1);
    raw.truncate(whole);
    if raw.space().is_empty() {
        return;
    }
    raw.push(b"\n");
    // Whatever is missing in it is no news.
    let _ = ex.head.parse(raw.data(), &Limits::default());
    raw.truncate(whole);
}

/// Offset behind the last line that was taken in.
fn taken(ex: &Exchange) -> usize {
    let head = &ex.head;
    let last = head.headers.last().map_or(head.line, |line| {
        Span::new(
            line.name.start as usize,
            line.value.end().max(line.name.end()),
        )
    });
    let bytes = ex.bytes();
    let rest = bytes.get(last.end()..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(bytes.len(), |at| last.end() + at + 1)
}

/// A head that never became whole: nobody is answered, but it is logged.
fn broken(worker: &Worker, client: &Client, ex: &mut Exchange, status: u16) {
    ex.status = status;
    let first = ex.bytes().get(ex.head.line.start as usize..);
    let line_read = first.is_some_and(|bytes| bytes.contains(&b'\n'));
    if line_read {
        read_lines(ex);
        if !ex.head.host.is_empty() {
            find_server(worker, client, ex);
        }
        salvage(ex, taken(ex));
    } else {
        forget(ex);
    }
    told::line(worker, client, ex, Level::Info, None, |out| {
        if status == 408 {
            out.extend_from_slice(b"client timed out");
            log::errno(out, rustix::io::Errno::TIMEDOUT.raw_os_error());
        } else {
            out.extend_from_slice(b"client prematurely closed connection");
        }
        out.extend_from_slice(if line_read {
            b" while reading client request headers".as_slice()
        } else {
            b" while reading client request line"
        });
    });
}

async fn refuse(
    worker: &Rc<Worker>,
    client: &mut Client,
    ex: &mut Exchange,
    error: RequestError,
) -> After {
    if error.of_line() {
        forget(ex);
    } else {
        if !ex.head.host.is_empty() {
            find_server(worker, client, ex);
        }
        let mut end = taken(ex);
        if error.of_whole_head() {
            let blank = ex.bytes().get(end..).unwrap_or_default();
            end += if blank.starts_with(b"\r") { 2 } else { 1 };
        }
        salvage(ex, end);
    }
    refused(worker, client, ex, error).await
}

async fn refused(
    worker: &Rc<Worker>,
    client: &mut Client,
    ex: &mut Exchange,
    error: RequestError,
) -> After {
    told::line(worker, client, ex, Level::Info, None, |out| {
        error.message(ex.bytes(), out);
        out.extend_from_slice(b" while ");
        out.extend_from_slice(error.action().as_bytes());
    });
    phases::refuse(worker, client, ex, error.status()).await
}

/// Tells of header lines that go no further because nginx does not take their names.
fn tell_invalid_lines(worker: &Worker, client: &Client, ex: &mut Exchange) {
    let (server, named) = (ex.server, ex.head.host_header);
    for at in 0..ex.head.headers.len() {
        let line = ex.head.headers[at];
        if line.valid {
            continue;
        }
        // nginx tells at once: what stands behind is not known yet.
        let known = named.is_some_and(|host| host.start < line.name.start);
        if !known {
            ex.server = worker.config.listeners[client.listener].default;
            ex.head.host_header = None;
        }
        told::line(worker, client, ex, Level::Info, None, |out| {
            request::invalid_line(&line, ex.bytes(), out);
            out.extend_from_slice(b" while reading client request headers");
        });
        (ex.server, ex.head.host_header) = (server, named);
    }
}

/// Chooses the server and has the request answered.
async fn answer(worker: &Rc<Worker>, client: &mut Client, ex: &mut Exchange) -> After {
    let config = &worker.config;
    let listener = &config.listeners[client.listener];
    let merge = config.servers[listener.default].plan.merge_slashes;
    let mut path = std::mem::take(&mut ex.uri);
    let normal = uri::normalize_as(ex.head.path.of(ex.bytes()), merge, &mut path);
    if path.is_empty() {
        path.push(b'/');
    }
    ex.uri = path;
    if let Ok(normal) = normal {
        ex.quoted = normal.quoted;
        find_server(worker, client, ex);
        tell_invalid_lines(worker, client, ex);
        return phases::run(worker, client, ex).await;
    }
    // nginx finds out before it reads the header lines.
    let (method_span, protocol, path) = (ex.head.method_span, ex.head.protocol, ex.head.path);
    forget(ex);
    (ex.head.method_span, ex.head.protocol, ex.head.path) = (method_span, protocol, path);
    let end = taken(ex);
    salvage(ex, end);
    refused(worker, client, ex, RequestError::InvalidRequest).await
}
