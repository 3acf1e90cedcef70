//! `auth_request`: another location is asked, by a request within the request.

use std::rc::Rc;

use serde::Deserialize;
use surehop_wire::request::{Framing, Method};

use crate::client::{Body, Client};
use crate::connection::After;
use crate::entry::Verdict;
use crate::exchange::Exchange;
use crate::phases::{self, Outcome};
use crate::plan::{Level, Part, Text};
use crate::record;
use crate::template::Template;
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// Whom to ask, and what to remember of the answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    uri: Text,
    sets: Vec<(Part, Template)>,
}

/// What a subrequest knows of the request that it belongs to.
#[derive(Debug)]
pub struct Sub {
    /// The request's method, if it is no longer the one that was sent.
    pub get: bool,
    /// How the request's body is delimited.
    pub framing: Framing,
    /// Whether it is settled what becomes of that body.
    pub settled: bool,
    /// Whether it is answered: what is said then is said of the request.
    pub answered: bool,
    method: Method,
    expect_continue: bool,
}

/// Asks, and says what the answer means.
pub async fn ask(
    worker: &Rc<Worker>,
    client: &mut Client,
    ex: &mut Exchange,
    ask: &Ask,
) -> Verdict {
    let mut sub = worker.exchange();
    let limit = client.body_limit;
    begin(worker, ex, &mut sub, &ask.uri.0);
    // Boxed: a request within a request would make the place of every request twice as large.
    let after = Box::pin(phases::within(worker, client, &mut sub)).await;
    let code = sub.status;
    let over = after == After::Close && matches!(code, 444 | 499);
    if !over && vars::place(worker, &sub).logs_subrequests() {
        record::record(worker, client, &mut sub);
    }
    if let Some(within) = &mut sub.sub {
        within.answered = true;
    }
    sub.logging = false;
    let mut args = None;
    for (target, template) in ask.sets.iter().filter(|_| !over) {
        let mut value = Vec::new();
        vars::expand(worker, client, &mut sub, template, &mut value);
        // The variables are shared; the arguments are each request's own.
        if let Part::Slot(slot) = target {
            sub.course.set(*slot, true, &value);
        } else {
            args = Some(value);
        }
    }
    let challenges = if code == 401 {
        challenges(&sub)
    } else {
        Vec::new()
    };
    end(ex, &mut sub);
    worker.recycle(sub);
    client.body_limit = limit;
    if let Some(args) = args {
        ex.course.give_args(args);
    }
    match code {
        _ if over => {
            ex.status = code;
            ex.keep = false;
            Verdict::Over(Outcome::Done(After::Close))
        }
        403 => Verdict::Refused(403),
        401 => {
            for challenge in challenges {
                ex.reply.line(b"WWW-Authenticate", &challenge);
            }
            Verdict::Refused(401)
        }
        200..300 => Verdict::Admitted,
        _ => {
            told::line(worker, client, ex, Level::Error, None, |out| {
                out.extend_from_slice(b"auth request unexpected status: ");
                out.extend_from_slice(itoa::Buffer::new().format(code).as_bytes());
                out.extend_from_slice(ex.course.doing);
            });
            Verdict::Refused(500)
        }
    }
}

/// Lends the request's head, and what both share, to a subrequest.
fn begin(worker: &Worker, ex: &mut Exchange, sub: &mut Exchange, uri: &[u8]) {
    sub.raw = ex.raw.take();
    sub.head = std::mem::take(&mut ex.head);
    sub.sub = Some(Box::new(Sub {
        get: ex.course.get,
        framing: sub.head.framing,
        settled: ex.course.settled,
        answered: false,
        method: sub.head.method,
        expect_continue: sub.head.expect_continue,
    }));
    sub.head.method = Method::Get;
    sub.head.framing = Framing::None;
    sub.head.expect_continue = false;
    sub.host.clone_from(&ex.host);
    sub.server = ex.server;
    sub.pipelined = ex.pipelined;
    sub.started = worker.reactor.now();
    sub.uri.extend_from_slice(uri);
    sub.body = Some(Body::Done);
    sub.course.within();
    share(ex, sub);
}

/// Gives everything back.
fn end(ex: &mut Exchange, sub: &mut Exchange) {
    ex.raw = sub.raw.take();
    ex.head = std::mem::take(&mut sub.head);
    if let Some(lent) = sub.sub.take() {
        ex.head.method = lent.method;
        ex.head.framing = lent.framing;
        ex.head.expect_continue = lent.expect_continue;
    }
    share(ex, sub);
    ex.course.doing = sub.course.doing;
}

/// Variables that were worked out, and what was said at the entry, are one request's however it is divided.
fn share(ex: &mut Exchange, sub: &mut Exchange) {
    ex.course.swap_slots(&mut sub.course);
    std::mem::swap(&mut ex.id, &mut sub.id);
    std::mem::swap(&mut ex.admission, &mut sub.admission);
}

/// What the one who was asked wants the client to be told.
fn challenges(sub: &Exchange) -> Vec<Vec<u8>> {
    if !sub.proxied {
        return Vec::new();
    }
    let raw = &sub.response_raw[..];
    let lines = sub.response.headers.iter();
    lines
        .filter(|line| line.name.of(raw).eq_ignore_ascii_case(b"www-authenticate"))
        .map(|line| line.value.of(raw).to_vec())
        .collect()
}
