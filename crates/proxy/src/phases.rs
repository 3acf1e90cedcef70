//! The phases of a request, as nginx has them: server rewrite, location, location rewrite, content; and
//! from any of them to an error page, another URI or a named location.

use std::rc::Rc;

use surehop_wire::request::{Framing, Method};
use surehop_wire::uri;

use crate::answer;
use crate::client::{Body, Client};
use crate::config::ActionConf;
use crate::connection::After;
use crate::entry;
use crate::exchange::Exchange;
use crate::files;
use crate::lingering::{self, settle};
use crate::plan::Level;
use crate::relay;
use crate::rewrite::{End, Run};
use crate::routes::Found;
use crate::script::{ErrorPage, Op};
use crate::serving;
use crate::status;
use crate::stub;
use crate::template::Template;
use crate::told;
use crate::types;
use crate::vars;
use crate::worker::Worker;

/// What came of a phase that did not simply let the request go on.
#[derive(Debug)]
pub enum Outcome {
    /// The request is answered, or will never be.
    Done(After),
    /// It is to be answered with this status: by an error page, or nginx's own.
    Status(u16),
    /// The same with a target for the client.
    Location(u16, Vec<u8>),
    /// It goes on with this path and these arguments.
    Redirect(Vec<u8>, Vec<u8>),
    /// It goes on in the location of that name (with its `@`).
    Named(Vec<u8>),
}

/// Where a request goes on.
enum From {
    Server,
    Named(usize),
}

/// Takes a request whose head was read through all phases.
pub async fn run(worker: &Rc<Worker>, client: &mut Client, ex: &mut Exchange) -> After {
    ex.keep = true;
    let own = &worker.config.locations[worker.config.servers[ex.server].plan.own].plan;
    if let Some(real_ip) = own.entry.as_ref().and_then(|entry| entry.real_ip.as_ref()) {
        real_ip.apply(client, ex);
    }
    let outcome = pass(worker, client, ex, From::Server).await;
    let after = conclude(worker, client, ex, outcome).await;
    let after = if ex.course.cut {
        ex.complete = false;
        After::Close
    } else {
        after
    };
    if vars::place(worker, ex).post_action.is_some() {
        Box::pin(afterwards(worker, client, ex)).await;
    }
    after
}

/// `post_action`: a request goes on elsewhere once it is answered; what comes of that goes nowhere.
async fn afterwards(worker: &Rc<Worker>, client: &mut Client, ex: &mut Exchange) {
    while let Some(target) = &vars::place(worker, ex).post_action {
        if ex.status == 444 || ex.course.posted && ex.course.changes == 0 {
            return;
        }
        ex.course.posted = true;
        let target = target.0.clone();
        let outcome = if target.first() == Some(&b'/') {
            Outcome::Redirect(target, Vec::new())
        } else {
            Outcome::Named(target)
        };
        conclude(worker, client, ex, outcome).await;
    }
}

/// Takes a request within a request through the phases; its answer goes nowhere.
pub async fn within(worker: &Rc<Worker>, client: &mut Client, ex: &mut Exchange) -> After {
    let outcome = pass(worker, client, ex, From::Server).await;
    conclude(worker, client, ex, outcome).await
}

/// Answers a request that was refused before there was a location for it.
pub async fn refuse(
    worker: &Rc<Worker>,
    client: &mut Client,
    ex: &mut Exchange,
    code: u16,
) -> After {
    ex.location = Some(worker.config.servers[ex.server].plan.own);
    ex.course.expect_tested = true;
    ex.course.settled = true;
    ex.keep = false;
    conclude(worker, client, ex, Outcome::Status(code)).await;
    After::Linger
}

async fn conclude(
    worker: &Rc<Worker>,
    client: &mut Client,
    ex: &mut Exchange,
    mut outcome: Outcome,
) -> After {
    loop {
        outcome = match outcome {
            Outcome::Done(after) => return after,
            // None of these has an answer, nor a page that somebody could say.
            Outcome::Status(code @ (408 | 444 | 499)) => {
                ex.status = code;
                ex.keep = false;
                return After::Close;
            }
            Outcome::Status(code) => match error_page(worker, client, ex, code) {
                Some(next) => next,
                None => return page(worker, client, ex, code).await,
            },
            Outcome::Location(code, target) => {
                if let Some(next) = error_page(worker, client, ex, code) {
                    next
                } else {
                    ex.course.expect_tested = true;
                    if let Err(code) = settle(worker, client, ex).await {
                        outcome = Outcome::Status(code);
                        continue;
                    }
                    answer::redirect(worker, client, ex, code, &target).await;
                    return after(ex);
                }
            }
            Outcome::Redirect(path, args) => {
                if change(ex) {
                    ex.uri = path;
                    ex.course.args = Some(args);
                    ex.course.args_given = false;
                    ex.course.internal = true;
                    ex.course.raw = false;
                    pass(worker, client, ex, From::Server).await
                } else {
                    cycle(worker, client, ex, b"internally redirecting to", &path);
                    Outcome::Status(500)
                }
            }
            Outcome::Named(name) => match named(worker, client, ex, &name) {
                Ok(location) => pass(worker, client, ex, From::Named(location)).await,
                Err(code) => Outcome::Status(code),
            },
        };
    }
}

/// Counts a change of the URI; false if there were too many.
fn change(ex: &mut Exchange) -> bool {
    ex.course.changes = ex.course.changes.saturating_sub(1);
    ex.course.changes > 0
}

fn cycle(worker: &Worker, client: &Client, ex: &Exchange, what: &[u8], uri: &[u8]) {
    told::line(worker, client, ex, Level::Error, None, |out| {
        out.extend_from_slice(b"rewrite or internal redirection cycle while ");
        out.extend_from_slice(what);
        out.extend_from_slice(b" \"");
        out.extend_from_slice(uri);
        out.push(b'"');
        out.extend_from_slice(ex.course.doing);
    });
}

fn named(worker: &Worker, client: &Client, ex: &mut Exchange, name: &[u8]) -> Result<usize, u16> {
    if !change(ex) {
        cycle(worker, client, ex, b"redirect to named location", name);
        return Err(500);
    }
    let server = &worker.config.servers[ex.server].plan;
    if let Some((_, location)) = server.named.iter().find(|(known, _)| known.0 == name) {
        ex.course.internal = true;
        return Ok(*location);
    }
    told::line(worker, client, ex, Level::Error, None, |out| {
        out.extend_from_slice(b"could not find named location \"");
        out.extend_from_slice(name);
        out.push(b'"');
        out.extend_from_slice(ex.course.doing);
    });
    Err(500)
}

/// Makes `location` the one that counts.
pub fn enter(worker: &Worker, client: &Client, ex: &mut Exchange, location: usize) {
    let limit = worker.config.locations[location].plan.limit_except.as_ref();
    let limited = limit.filter(|limit| limit.limits(ex.method()));
    ex.location = Some(limited.map_or(location, |limit| limit.location));
    ex.keep &= answer::keeps(worker, client, ex);
}

async fn pass(worker: &Rc<Worker>, client: &mut Client, ex: &mut Exchange, from: From) -> Outcome {
    let server = &worker.config.servers[ex.server];
    ex.course.placed = true;
    let mut look = match from {
        From::Server => {
            ex.course.doing = b"";
            ex.location = Some(server.plan.own);
            if !server.plan.script.is_empty()
                && let Some(outcome) = rewrite(worker, client, ex, &server.plan.script).await
            {
                return outcome;
            }
            true
        }
        From::Named(location) => {
            enter(worker, client, ex, location);
            false
        }
    };
    loop {
        if look && let Err(outcome) = find(worker, client, ex) {
            return outcome;
        }
        let script = &vars::place(worker, ex).script;
        if script.is_empty() {
            break;
        }
        ex.course.changed = false;
        if let Some(outcome) = rewrite(worker, client, ex, script).await {
            return outcome;
        }
        if !ex.course.changed {
            break;
        }
        if !change(ex) {
            cycle(worker, client, ex, b"processing", &ex.uri);
            return Outcome::Status(500);
        }
        ex.location = Some(server.plan.own);
        look = true;
    }
    // Boxed: who asks nothing at the entry does not pay for what could be asked there.
    if let Some(entry) = &vars::place(worker, ex).entry
        && let Some(outcome) = Box::pin(entry::admit(worker, client, ex, entry)).await
    {
        return outcome;
    }
    if let Some(outcome) = files::tries(worker, client, ex) {
        return outcome;
    }
    content(worker, client, ex).await
}

/// Looks the location up.
fn find(worker: &Worker, client: &mut Client, ex: &mut Exchange) -> Result<(), Outcome> {
    let server = &worker.config.servers[ex.server];
    ex.course.changed = false;
    let locations = &worker.config.locations;
    let (location, slash) = match server.locations.find(&ex.uri, locations, &mut ex.course) {
        Some(Found::Nothing) => (server.plan.own, false),
        Some(Found::Prefix(location) | Found::Location(location)) => (location, false),
        Some(Found::Slash(location)) => (location, true),
        None => return Err(Outcome::Status(500)),
    };
    let plan = &locations[location].plan;
    if plan.internal && !ex.course.internal {
        ex.location = Some(location);
        ex.keep &= answer::keeps(worker, client, ex);
        return Err(Outcome::Status(404));
    }
    enter(worker, client, ex, location);
    let (framing, settled) = match &ex.sub {
        Some(sub) => (sub.framing, sub.settled),
        None => (ex.head.framing, ex.course.settled),
    };
    if let Framing::Length(length) = framing
        && !settled
        && plan.client_max_body_size > 0
        && length > plan.client_max_body_size
    {
        told::line(worker, client, ex, Level::Error, None, |out| {
            out.extend_from_slice(b"client intended to send too large body: ");
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.extend_from_slice(b" bytes");
        });
        ex.course.expect_tested = true;
        lingering::discard(worker, client, ex);
        return Err(Outcome::Status(413));
    }
    client.body_limit = plan.client_max_body_size;
    if slash {
        let mut target = Vec::new();
        uri::escape(&plan.path.0, &mut target);
        if !ex.args().is_empty() {
            target.push(b'?');
            target.extend_from_slice(ex.args());
        }
        return Err(Outcome::Location(301, target));
    }
    Ok(())
}

async fn rewrite(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    script: &[Op],
) -> Option<Outcome> {
    let log = vars::place(worker, ex).rewrite_log;
    match Run::new(worker, client, ex, log).run(script)? {
        End::Stopped => None,
        End::Failed => Some(Outcome::Status(500)),
        End::Redirect(code, target) => Some(Outcome::Location(code, target)),
        End::Return(code, text) => Some(returned(worker, client, ex, code, text).await),
    }
}

async fn returned(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    code: u16,
    text: Option<&Template>,
) -> Outcome {
    if Some(worker.config.servers[ex.server].plan.own) == ex.location {
        ex.keep &= answer::keeps(worker, client, ex);
    }
    if code == 444 {
        ex.status = code;
        ex.keep = false;
        client.timed_out = true;
        return Outcome::Done(After::Close);
    }
    let redirects = matches!(code, 301 | 302 | 303 | 307 | 308);
    let text = text.filter(|text| code < 400 || !text.is_empty());
    // The body is nobody's before the text is put together.
    if text.is_some()
        && !redirects
        && let Err(code) = settle(worker, client, ex).await
    {
        return Outcome::Status(code);
    }
    let mut body = Vec::new();
    match text {
        Some(text) => vars::expand(worker, client, ex, text, &mut body),
        // nginx has pages for errors and redirects alone.
        None if code < 400 => {}
        None => return Outcome::Status(code),
    }
    if redirects {
        return Outcome::Location(code, body);
    }
    if let Err(code) = settle(worker, client, ex).await {
        return Outcome::Status(code);
    }
    let kind = types::kind(worker, ex);
    answer::give(worker, client, ex, code, (kind, &body)).await
}

/// The last phase: the location's action.
async fn content(worker: &Rc<Worker>, client: &mut Client, ex: &mut Exchange) -> Outcome {
    let location = &worker.config.locations[ex.location.unwrap_or_default()];
    match &location.action {
        ActionConf::Proxy(proxy) => relay::proxy(worker, client, ex, location, proxy).await,
        ActionConf::Status(remote) => {
            if let Err(code) = settle(worker, client, ex).await {
                return Outcome::Status(code);
            }
            status::give(worker, client, ex, *remote).await;
            Outcome::Done(after(ex))
        }
        ActionConf::Stub => {
            if Some(worker.config.servers[ex.server].plan.own) == ex.location {
                ex.keep &= answer::keeps(worker, client, ex);
            }
            stub::give(worker, client, ex).await
        }
        ActionConf::None => {
            if Some(worker.config.servers[ex.server].plan.own) == ex.location {
                ex.keep &= answer::keeps(worker, client, ex);
            }
            serving::serve(worker, client, ex).await
        }
    }
}

/// Where the configuration sends a request that is to be answered with `code`, if it says so.
fn error_page(worker: &Worker, client: &Client, ex: &mut Exchange, code: u16) -> Option<Outcome> {
    ex.course.status = code;
    // What is left of such a request can't be told from the next one.
    if matches!(code, 400 | 413 | 414 | 494..=497 | 500 | 501) {
        ex.keep = false;
    }
    let place = vars::place(worker, ex);
    if ex.course.error_page || place.error_pages.is_empty() || ex.course.changes == 0 {
        return None;
    }
    ex.course.error_page = !place.recursive_error_pages;
    let page = place.error_pages.iter().find(|page| page.status == code)?;
    Some(to_page(worker, client, ex, page))
}

fn to_page(worker: &Worker, client: &Client, ex: &mut Exchange, page: &ErrorPage) -> Outcome {
    if let Some(overwrite) = page.overwrite {
        ex.course.status = overwrite;
        if overwrite != 0 && overwrite != 200 {
            ex.course.expect_tested = true;
        }
    }
    let mut target = Vec::new();
    vars::expand(worker, client, ex, &page.target, &mut target);
    match target.first() {
        Some(b'/') => {
            let mut args = page.args.0.clone();
            if page.split
                && let Some(at) = memchr::memchr(b'?', &target)
            {
                args = target.split_off(at + 1);
                target.truncate(at);
            }
            if ex.head.method != Method::Head {
                ex.head.method = Method::Get;
                ex.course.get = true;
            }
            Outcome::Redirect(target, args)
        }
        Some(b'@') => Outcome::Named(target),
        _ => {
            ex.course.expect_tested = true;
            if !matches!(page.overwrite, Some(301 | 302 | 303 | 307 | 308)) {
                ex.course.status = 302;
            }
            ex.course.error_page = true;
            Outcome::Location(ex.course.status, target)
        }
    }
}

async fn page(worker: &Worker, client: &mut Client, ex: &mut Exchange, code: u16) -> After {
    ex.course.expect_tested = true;
    // There is a page for it already.
    let _ = settle(worker, client, ex).await;
    answer::page(worker, client, ex, code).await;
    after(ex)
}

/// What becomes of the connection behind an answer.
pub fn after(ex: &Exchange) -> After {
    match (ex.keep, ex.body.as_ref().is_none_or(Body::done)) {
        (_, false) => After::Drain,
        (true, true) => After::Keep,
        (false, true) => After::Close,
    }
}
