//! A client connection from its first request to its last.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use surehop_wire::request::{Limits, RequestError};
use surehop_wire::uri;

use crate::answer;
use crate::client::{Arrival, Body, Client};
use crate::config::ActionConf;
use crate::exchange::Exchange;
use crate::log;
use crate::plan::Level;
use crate::relay;
use crate::status;
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// Counts a client as long as it is here.
struct Present(Rc<Worker>);

impl Present {
    fn new(worker: Rc<Worker>) -> Self {
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
    /// It is closed once what the client still sends has been taken in, lest a reset overtakes the answer.
    Linger,
}

/// Serves a connection. What it holds while it is idle is little: see [`crate::place`].
pub async fn serve(worker: Rc<Worker>, mut client: Client) {
    let _present = Present::new(worker.clone());
    while client.arrive(&worker).await {
        let mut place = worker.place();
        place.begin(worker.clone(), client);
        let (back, after) = poll_fn(|cx| place.poll(cx)).await;
        worker.vacate(place);
        client = back;
        match after {
            After::Keep => {}
            After::Close => return,
            After::Linger => return client.linger(&worker).await,
        }
    }
}

/// Reads a request, answers it and logs it.
pub async fn one(worker: Rc<Worker>, mut client: Client) -> (Client, After) {
    let limits = Limits::default();
    let mut ex = worker.exchange();
    ex.server = worker.config.listeners[client.listener].default;
    let after = match client.request(&worker, &mut ex, &limits).await {
        Arrival::Over => {
            worker.recycle(ex);
            return (client, After::Close);
        }
        Arrival::Broken(status) => {
            broken(&worker, &client, &mut ex, status);
            After::Close
        }
        Arrival::Refused(error) => {
            client.requests += 1;
            refuse(&worker, &mut client, &mut ex, error).await;
            After::Linger
        }
        Arrival::Request => {
            client.requests += 1;
            answer(&worker, &mut client, &mut ex).await
        }
    };
    worker.shared.requests.fetch_add(1, Ordering::Relaxed);
    record(&worker, &client, &mut ex);
    client.idle_timeout = match ex.location {
        Some(location) => worker.config.locations[location].plan.keepalive_timeout_ms,
        None => worker.config.servers[ex.server].plan.keepalive_timeout_ms,
    };
    worker.recycle(ex);
    (client, after)
}

/// A head that never became whole: nobody is answered, but it is logged.
fn broken(worker: &Worker, client: &Client, ex: &mut Exchange, status: u16) {
    ex.status = status;
    told::line(worker, client, ex, Level::Info, None, |out| {
        if status == 408 {
            out.extend_from_slice(b"client timed out");
            log::errno(out, rustix::io::Errno::TIMEDOUT.raw_os_error());
        } else {
            out.extend_from_slice(b"client prematurely closed connection");
        }
        out.extend_from_slice(b" while reading client request headers");
    });
}

async fn refuse(worker: &Worker, client: &mut Client, ex: &mut Exchange, error: RequestError) {
    told::line(worker, client, ex, Level::Info, None, |out| {
        error.message(ex.bytes(), out);
        out.extend_from_slice(b" while ");
        out.extend_from_slice(error.action().as_bytes());
    });
    ex.keep = false;
    answer::page(worker, client, ex, error.status()).await;
}

/// Chooses server and location and has the request answered.
async fn answer(worker: &Rc<Worker>, client: &mut Client, ex: &mut Exchange) -> After {
    let listener = &worker.config.listeners[client.listener];
    let mut host = std::mem::take(&mut ex.host);
    host.extend_from_slice(ex.head.host.of(ex.bytes()));
    host.make_ascii_lowercase();
    ex.host = host;
    ex.server = listener.server(&ex.host);
    let mut path = std::mem::take(&mut ex.uri);
    let normal = uri::normalize(ex.head.path.of(ex.bytes()), &mut path);
    if path.is_empty() {
        path.push(b'/');
    }
    ex.uri = path;
    match normal {
        Ok(normal) => ex.quoted = normal.quoted,
        Err(uri::UriError) => {
            refuse(worker, client, ex, RequestError::InvalidRequest).await;
            return After::Linger;
        }
    }
    let Some(location) = worker.config.servers[ex.server].location(&ex.uri) else {
        ex.keep = answer::keeps(worker, client, ex);
        return without_body(worker, client, ex, &ActionConf::None).await;
    };
    ex.location = Some(location);
    ex.keep = answer::keeps(worker, client, ex);
    let location = &worker.config.locations[location];
    if let surehop_wire::request::Framing::Length(length) = ex.head.framing
        && location.plan.client_max_body_size > 0
        && length > location.plan.client_max_body_size
    {
        told::line(worker, client, ex, Level::Error, None, |out| {
            out.extend_from_slice(b"client intended to send too large body: ");
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.extend_from_slice(b" bytes");
        });
        ex.keep = false;
        answer::page(worker, client, ex, 413).await;
        return After::Linger;
    }
    match &location.action {
        ActionConf::Proxy(proxy) => relay::proxy(worker, client, ex, location, proxy).await,
        other => without_body(worker, client, ex, other).await,
    }
}

/// Answers by ourselves. The request's body, if there is one, is nobody's: a small one that has come
/// already is skipped, for any other the connection ends with this answer.
async fn without_body(
    worker: &Rc<Worker>,
    client: &mut Client,
    ex: &mut Exchange,
    action: &ActionConf,
) -> After {
    let mut body = Body::of(&ex.head.framing);
    if !body.done() {
        relay::skip(worker, client, ex, &mut body);
        ex.keep &= body.done();
    }
    match action {
        ActionConf::Return(code, text) => {
            answer::give(worker, client, ex, *code, text.as_ref()).await
        }
        ActionConf::Status(remote) => status::give(worker, client, ex, *remote).await,
        ActionConf::None | ActionConf::Proxy(_) => answer::page(worker, client, ex, 404).await,
    }
    match (ex.keep, body.done()) {
        (true, _) => After::Keep,
        (false, true) => After::Close,
        (false, false) => After::Linger,
    }
}

/// Writes the access log.
fn record(worker: &Worker, client: &Client, ex: &mut Exchange) {
    let logs = match ex.location {
        Some(location) => &worker.config.locations[location].plan.access_log,
        None => &worker.config.servers[ex.server].plan.access_log,
    };
    for log in logs {
        let format = &worker.config.formats[log.format];
        worker
            .logs
            .line(log.file, |out| vars::log(worker, client, ex, format, out));
    }
}
