//! Who may enter a location: the phases between rewriting and content, in nginx's order. First whose request
//! it is and how many there are, then who it is.

use std::rc::Rc;
use std::task::Poll;

use serde::Deserialize;

use crate::ask::{self, Ask};
use crate::basic::Basic;
use crate::client::Client;
use crate::connection::After;
use crate::exchange::Exchange;
use crate::limits::{Counted, Said, Zone};
use crate::networks::Network;
use crate::phases::Outcome;
use crate::plan::{Level, Text};
use crate::real_ip::RealIp;
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// Longest keys that nginx takes.
const LONGEST_REQUEST_KEY: usize = 65_535;
const LONGEST_CONNECTION_KEY: usize = 255;

/// What a location asks of who comes in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Entry {
    pub rules: Vec<Rule>,
    pub satisfy_any: bool,
    pub basic: Option<Basic>,
    pub auth_delay_ms: u64,
    pub ask: Option<Ask>,
    pub requests: Option<RequestLimits>,
    pub connections: Option<ConnectionLimits>,
    pub real_ip: Option<RealIp>,
    pub log_subrequest: bool,
}

/// `allow` or `deny`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Rule {
    pub deny: bool,
    pub network: Network,
}

/// `limit_req` and what goes with it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RequestLimits {
    pub limits: Vec<RequestLimit>,
    pub status: u16,
    pub level: Level,
    pub delay_level: Level,
    pub dry_run: bool,
}

/// One `limit_req`, in thousandths of a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RequestLimit {
    pub zone: Text,
    /// Where the zone is; looked up when the plan is taken over.
    #[serde(skip)]
    pub index: usize,
    pub burst: i64,
    /// None is `nodelay`.
    pub delay: Option<i64>,
}

/// `limit_conn` and what goes with it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ConnectionLimits {
    pub limits: Vec<ConnectionLimit>,
    pub status: u16,
    pub level: Level,
    pub dry_run: bool,
}

/// One `limit_conn`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ConnectionLimit {
    pub zone: Text,
    /// As [`RequestLimit::index`].
    #[serde(skip)]
    pub index: usize,
    pub connections: u64,
}

impl Entry {
    /// Finds the zones that it names.
    pub fn find_zones(&mut self, zones: &[Zone]) -> Result<(), String> {
        let find = |name: &Text| {
            let at = zones.iter().position(|zone| zone.plan.name == *name);
            at.ok_or_else(|| format!("a limit names the zone `{}` that is not there", name.show()))
        };
        for limit in self.requests.iter_mut().flat_map(|r| &mut r.limits) {
            limit.index = find(&limit.zone)?;
        }
        for limit in self.connections.iter_mut().flat_map(|c| &mut c.limits) {
            limit.index = find(&limit.zone)?;
        }
        Ok(())
    }
}

/// What one who is asked says of a request.
#[derive(Debug)]
pub enum Verdict {
    /// Nothing.
    Declined,
    /// It may enter.
    Admitted,
    /// It may not; anything but 401 and 403 is final.
    Refused(u16),
    /// It is over altogether.
    Over(Outcome),
}

/// What became of a request at the entry; subrequests share it.
#[derive(Debug, Default)]
pub struct Admission {
    /// `$limit_req_status`.
    pub requests: Option<&'static str>,
    /// `$limit_conn_status`.
    pub connections: Option<&'static str>,
    /// The connections that it counts for.
    pub counted: Vec<Counted>,
}

impl Admission {
    /// Makes it ready for another request.
    pub fn reset(&mut self) {
        self.requests = None;
        self.connections = None;
        self.counted.clear();
    }
}

/// Takes a request through the phases of the entry; None lets it go on.
pub async fn admit(
    worker: &Rc<Worker>,
    client: &mut Client,
    ex: &mut Exchange,
    entry: &Entry,
) -> Option<Outcome> {
    if let Some(real_ip) = &entry.real_ip {
        real_ip.apply(client, ex);
    }
    if let Some(limits) = &entry.requests
        && ex.admission.requests.is_none()
        && let Some(outcome) = limits.check(worker, client, ex).await
    {
        return Some(outcome);
    }
    if let Some(limits) = &entry.connections
        && ex.admission.connections.is_none()
        && let Some(outcome) = limits.check(worker, client, ex)
    {
        return Some(outcome);
    }
    if ex.sub.is_some() {
        return None; // nobody asks who a subrequest is
    }
    authorize(worker, client, ex, entry).await
}

/// Asks the rules, the password file and the location of `auth_request`.
async fn authorize(
    worker: &Rc<Worker>,
    client: &mut Client,
    ex: &mut Exchange,
    entry: &Entry,
) -> Option<Outcome> {
    let mut refused = None;
    for turn in 0..3 {
        let verdict = match turn {
            0 => judge(&entry.rules, client),
            1 => match &entry.basic {
                Some(basic) => basic.judge(worker, client, ex),
                None => Verdict::Declined,
            },
            _ => match &entry.ask {
                Some(ask) => ask::ask(worker, client, ex, ask).await,
                None => Verdict::Declined,
            },
        };
        match verdict {
            Verdict::Over(outcome) => return Some(outcome),
            Verdict::Admitted if entry.satisfy_any => {
                take_back_challenges(ex);
                return None;
            }
            Verdict::Declined | Verdict::Admitted => {}
            Verdict::Refused(code @ (401 | 403)) if entry.satisfy_any => {
                if refused != Some(401) {
                    refused = Some(code);
                }
            }
            Verdict::Refused(code) => {
                if turn == 0 {
                    forbidden(worker, client, ex);
                }
                return Some(refuse(worker, client, ex, entry, code).await);
            }
        }
    }
    let code = refused?;
    if code == 403 {
        forbidden(worker, client, ex);
    }
    Some(refuse(worker, client, ex, entry, code).await)
}

/// Who may enter is not asked who it is, whatever was said before.
fn take_back_challenges(ex: &mut Exchange) {
    let raw = &ex.response_raw;
    let challenge = |line| {
        let name = ex.reply.name(line, raw);
        name.eq_ignore_ascii_case(b"www-authenticate")
    };
    let lines = ex.reply.lines().filter(|(_, line)| challenge(line));
    for at in lines.map(|(at, _)| at).collect::<Vec<_>>() {
        ex.reply.take_back(at);
    }
}

fn judge(rules: &[Rule], client: &Client) -> Verdict {
    let remote = client.remote.as_ref();
    match rules.iter().find(|rule| rule.network.holds(remote)) {
        None => Verdict::Declined,
        Some(rule) if rule.deny => Verdict::Refused(403),
        Some(_) => Verdict::Admitted,
    }
}

fn forbidden(worker: &Worker, client: &Client, ex: &Exchange) {
    told::line(worker, client, ex, Level::Error, None, |out| {
        out.extend_from_slice(b"access forbidden by rule");
        out.extend_from_slice(ex.course.doing);
    });
}

/// Who is not known may have to wait for being told so, lest passwords are tried out.
async fn refuse(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    entry: &Entry,
    code: u16,
) -> Outcome {
    if code == 401 && entry.auth_delay_ms > 0 {
        told::line(worker, client, ex, Level::Info, None, |out| {
            out.extend_from_slice(b"delaying unauthorized request");
            out.extend_from_slice(ex.course.doing);
        });
        if let Some(gone) = pause(worker, client, ex, entry.auth_delay_ms).await {
            return gone;
        }
    }
    Outcome::Status(code)
}

/// Waits; the outcome if the client leaves meanwhile.
async fn pause(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    ms: u64,
) -> Option<Outcome> {
    let gone = || {
        if client.socket.peer_closed() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    };
    let deadline = worker.reactor.now() + ms;
    if worker.reactor.until(deadline, gone).await.is_err() {
        return None;
    }
    told::line(worker, client, ex, Level::Info, None, |out| {
        out.extend_from_slice(b"client prematurely closed connection");
        out.extend_from_slice(ex.course.doing);
    });
    ex.status = 499;
    ex.keep = false;
    Some(Outcome::Done(After::Close))
}

fn too_long(
    worker: &Worker,
    client: &Client,
    ex: &Exchange,
    (key, written, most): (&[u8], &Text, usize),
) -> bool {
    if key.len() <= most {
        return false;
    }
    told::line(worker, client, ex, Level::Error, None, |out| {
        out.extend_from_slice(b"the value of the \"");
        out.extend_from_slice(&written.0);
        out.extend_from_slice(format!("\" key is more than {most} bytes: \"").as_bytes());
        out.extend_from_slice(key);
        out.push(b'"');
        out.extend_from_slice(ex.course.doing);
    });
    true
}

fn thousandths(out: &mut Vec<u8>, excess: i64) {
    out.extend_from_slice(format!("{}.{:03}", excess / 1000, excess % 1000).as_bytes());
}

impl RequestLimits {
    async fn check(
        &self,
        worker: &Rc<Worker>,
        client: &mut Client,
        ex: &mut Exchange,
    ) -> Option<Outcome> {
        let zones = &worker.config.zones;
        let now = worker.reactor.now();
        let mut held: Vec<(&RequestLimit, usize)> = Vec::new();
        // The excess that counts, and whose it is.
        let mut counted: Option<(&RequestLimit, i64)> = None;
        let mut asked = false;
        for (at, limit) in self.limits.iter().enumerate() {
            let zone = &zones[limit.index];
            let mut key = Vec::new();
            vars::expand(worker, client, ex, &zone.plan.key, &mut key);
            let length = (&key[..], &zone.plan.written, LONGEST_REQUEST_KEY);
            if key.is_empty() || too_long(worker, client, ex, length) {
                continue;
            }
            asked = true;
            match zone.ask(&key, now, limit.burst, at + 1 == self.limits.len()) {
                Said::Counted(excess) => counted = Some((limit, excess)),
                Said::Held(id) => held.push((limit, id)),
                said @ (Said::Busy(_) | Said::Full) => {
                    for (limit, id) in held {
                        zones[limit.index].release(id);
                    }
                    return self.reject(worker, client, ex, limit, said);
                }
            }
        }
        if !asked {
            return None;
        }
        let late = |limit: &RequestLimit, excess: i64| match limit.delay {
            Some(delay) if excess > delay => zones[limit.index].delay(excess - delay),
            _ => 0,
        };
        let mut worst = counted.map(|(limit, excess)| (late(limit, excess), limit, excess));
        for (limit, id) in held.into_iter().rev() {
            let excess = zones[limit.index].settle(id, now);
            let delay = late(limit, excess);
            if delay > worst.map_or(0, |(worst, ..)| worst) {
                worst = Some((delay, limit, excess));
            }
        }
        let Some((delay, limit, excess)) = worst.filter(|(delay, ..)| *delay > 0) else {
            ex.admission.requests = Some("PASSED");
            return None;
        };
        told::line(worker, client, ex, self.delay_level, None, |out| {
            out.extend_from_slice(b"delaying request");
            self.tell(out, b", excess: ", excess, b", by zone \"", limit);
            out.extend_from_slice(ex.course.doing);
        });
        if self.dry_run {
            ex.admission.requests = Some("DELAYED_DRY_RUN");
            return None;
        }
        ex.admission.requests = Some("DELAYED");
        pause(worker, client, ex, delay).await
    }

    fn tell(&self, out: &mut Vec<u8>, of: &[u8], excess: i64, by: &[u8], limit: &RequestLimit) {
        if self.dry_run {
            out.extend_from_slice(b", dry run");
        }
        out.extend_from_slice(of);
        thousandths(out, excess);
        out.extend_from_slice(by);
        out.extend_from_slice(&limit.zone.0);
        out.push(b'"');
    }

    fn reject(
        &self,
        worker: &Worker,
        client: &Client,
        ex: &mut Exchange,
        limit: &RequestLimit,
        said: Said,
    ) -> Option<Outcome> {
        let (level, excess) = match said {
            Said::Busy(excess) => (self.level, Some(excess)),
            _ => (Level::Alert, None),
        };
        told::line(worker, client, ex, level, None, |out| {
            if let Some(excess) = excess {
                out.extend_from_slice(b"limiting requests");
                self.tell(out, b", excess: ", excess, b" by zone \"", limit);
                out.extend_from_slice(ex.course.doing);
            } else {
                out.extend_from_slice(b"could not allocate node in limit_req zone \"");
                out.extend_from_slice(&limit.zone.0);
                out.push(b'"');
            }
        });
        if self.dry_run {
            ex.admission.requests = Some("REJECTED_DRY_RUN");
            return None;
        }
        ex.admission.requests = Some("REJECTED");
        Some(Outcome::Status(self.status))
    }
}

impl ConnectionLimits {
    fn check(&self, worker: &Worker, client: &Client, ex: &mut Exchange) -> Option<Outcome> {
        for limit in &self.limits {
            let zone = &worker.config.zones[limit.index];
            let mut key = Vec::new();
            vars::expand(worker, client, ex, &zone.plan.key, &mut key);
            let length = (&key[..], &zone.plan.written, LONGEST_CONNECTION_KEY);
            if key.is_empty() || too_long(worker, client, ex, length) {
                continue;
            }
            ex.admission.connections = Some("PASSED");
            match zone.connect(&key, limit.connections) {
                Ok(counted) => ex.admission.counted.push(counted),
                Err(said) => return self.reject(worker, client, ex, limit, said),
            }
        }
        None
    }

    fn reject(
        &self,
        worker: &Worker,
        client: &Client,
        ex: &mut Exchange,
        limit: &ConnectionLimit,
        said: Said,
    ) -> Option<Outcome> {
        if matches!(said, Said::Busy(_)) {
            told::line(worker, client, ex, self.level, None, |out| {
                out.extend_from_slice(b"limiting connections");
                if self.dry_run {
                    out.extend_from_slice(b", dry run,");
                }
                out.extend_from_slice(b" by zone \"");
                out.extend_from_slice(&limit.zone.0);
                out.push(b'"');
                out.extend_from_slice(ex.course.doing);
            });
        }
        ex.admission.counted.clear();
        if self.dry_run {
            ex.admission.connections = Some("REJECTED_DRY_RUN");
            return None;
        }
        ex.admission.connections = Some("REJECTED");
        Some(Outcome::Status(self.status))
    }
}
