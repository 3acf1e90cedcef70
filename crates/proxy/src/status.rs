//! `surehop_status`: what the engine knows, as JSON or for Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use surehop_engine::{PeerCounters, PeerStatus, PeerView, Reason, Rules};
use surehop_hop::clock::Millis;
use surehop_hop::socket::Address;
use surehop_wire::header::Known;

use crate::answer;
use crate::client::Client;
use crate::config::GroupConf;
use crate::exchange::Exchange;
use crate::head;
use crate::vars::escape_json;
use crate::worker::Worker;

/// Answers with the status; to loopback alone unless `remote` allows more.
pub async fn give(worker: &Worker, client: &mut Client, ex: &mut Exchange, remote: bool) {
    let near = match &client.remote {
        Some(Address::Ip(address)) => address.ip().to_canonical().is_loopback(),
        Some(Address::Unix(_)) => true,
        None => worker.config.listeners[client.listener].port().is_none(),
    };
    if !near && !remote {
        return answer::page(worker, client, ex, 403).await;
    }
    let now = worker.reactor.now();
    ex.status = 200;
    head::begin(worker, ex);
    if for_prometheus(ex) {
        let body = prometheus(worker, now);
        answer::send(
            worker,
            client,
            ex,
            b"text/plain; version=0.0.4; charset=utf-8",
            body.as_bytes(),
        )
        .await;
    } else {
        let body = json(worker, now);
        answer::send(worker, client, ex, b"application/json", body.as_bytes()).await;
    }
}

/// `?format=` has the first word, then Accept.
fn for_prometheus(ex: &Exchange) -> bool {
    let bytes = ex.bytes();
    let query = ex.head.query.map_or(&[][..], |query| query.of(bytes));
    for pair in query.split(|&byte| byte == b'&') {
        match pair {
            b"format=prometheus" => return true,
            b"format=json" => return false,
            _ => {}
        }
    }
    let accept = ex
        .head
        .find(Known::Accept)
        .map_or(&[][..], |header| header.value.of(bytes));
    let has = |word: &[u8]| memchr::memmem::find(accept, word).is_some();
    !has(b"application/json") && (has(b"text/plain") || has(b"openmetrics"))
}

/// One peer over all workers: numbers are added, and it is out if it is out for any of them.
struct Peer {
    view: PeerView,
    /// Workers for which it is out.
    out: usize,
}

fn peer(group: &GroupConf, index: usize, now: Millis) -> Peer {
    let mut views = group
        .states
        .iter()
        .map(|state| state.peer(index as u32, now));
    let mut sum = views.next().unwrap_or(PeerView {
        status: PeerStatus::Available,
        fails: 0,
        conns: 0,
        ejected_since: None,
        why: None,
        learned_idle: None,
        counters: PeerCounters::default(),
    });
    let mut out = usize::from(sum.status != PeerStatus::Available);
    for view in views {
        if view.status != PeerStatus::Available {
            out += 1;
            sum.status = view.status;
            sum.ejected_since = sum
                .ejected_since
                .into_iter()
                .chain(view.ejected_since)
                .min();
            sum.why = sum.why.or(view.why);
        }
        sum.fails += view.fails;
        sum.conns += view.conns;
        sum.learned_idle = sum.learned_idle.into_iter().chain(view.learned_idle).min();
        let (a, b) = (&mut sum.counters, view.counters);
        a.picks += b.picks;
        a.failures += b.failures;
        a.replays += b.replays;
        a.retries += b.retries;
        a.connects += b.connects;
        a.reuses += b.reuses;
        a.ejections += b.ejections;
        a.probes += b.probes;
        a.probe_failures += b.probe_failures;
    }
    Peer { view: sum, out }
}

fn text(raw: &str) -> String {
    let mut out = Vec::new();
    escape_json(raw.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn or_null(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

/// A point in time of the engine's clock as seconds since 1970, as long as nobody sets the date.
fn unix(ms: Millis) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn json(worker: &Worker, now: Millis) -> String {
    let shared = &worker.shared;
    let mut out = String::new();
    let _ = write!(
        out,
        r#"{{"server":"{}","pid":{},"workers":{},"requests":{},"clients":{},"probes_under_way":{},"upstreams":["#,
        text(&worker.config.plan.server_header),
        std::process::id(),
        worker.config.plan.workers,
        shared.requests.load(Ordering::Relaxed),
        shared.clients.load(Ordering::Relaxed),
        shared.probes.load(Ordering::Relaxed),
    );
    for (i, group) in worker.config.groups.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let states = &group.states;
        let requests: u64 = states.iter().map(|state| state.requests()).sum();
        let denied: u64 = states.iter().map(|state| state.retries_denied()).sum();
        let budget: u64 = states.iter().map(|state| state.budget(now)).sum();
        let _ = write!(
            out,
            r#"{comma}{{"name":"{}","resilience":{},"requests":{requests},"retries_denied":{denied},"retry_budget":{},"peers":["#,
            text(&group.name),
            rules(group.plan.rules),
            if group.plan.rules.budget {
                budget.to_string()
            } else {
                "null".into()
            },
        );
        for index in 0..group.shown.len() {
            let comma = if index > 0 { "," } else { "" };
            out.push_str(comma);
            json_peer(&mut out, group, index, now);
        }
        out.push_str("]}");
    }
    out.push_str("]}\n");
    out
}

fn rules(rules: Rules) -> String {
    format!(
        r#"{{"attribution":{},"replay_keyed":{},"probe":{},"last_peer":{},"idle":{},"sent":{},"budget":{}}}"#,
        rules.attribution,
        rules.replay_keyed,
        rules.probe,
        rules.last_peer,
        rules.idle,
        rules.sent,
        rules.budget
    )
}

fn json_peer(out: &mut String, group: &GroupConf, index: usize, now: Millis) {
    let plan = &group.plan.peers[index];
    let Peer {
        view,
        out: workers_out,
    } = peer(group, index, now);
    let c = view.counters;
    let _ = write!(
        out,
        concat!(
            r#"{{"address":"{}","name":"{}","family":"{}","weight":{},"backup":{},"down":{},"state":"{}","#,
            r#""workers_out":{},"why":{},"ejected_since":{},"ejected_for_ms":{},"fails":{},"active":{},"#,
            r#""learned_idle_ms":{},"picks":{},"connects":{},"reuses":{},"failures":{},"replays":{},"retries":{},"#,
            r#""ejections":{},"probes":{},"probe_failures":{}}}"#
        ),
        text(&group.shown[index]),
        text(&group.names[index]),
        group.family(index as u32),
        plan.weight,
        plan.backup,
        plan.down,
        view.status,
        workers_out,
        or_null(view.why.map(|why| format!("\"{why}\""))),
        or_null(view.ejected_since.map(unix)),
        or_null(view.ejected_since.map(|since| now.saturating_sub(since))),
        view.fails,
        view.conns,
        or_null(view.learned_idle),
        c.picks,
        c.connects,
        c.reuses,
        c.failures,
        c.replays,
        c.retries,
        c.ejections,
        c.probes,
        c.probe_failures,
    );
}

/// A metric of a peer: its name, type, help, and value.
type Metric = (
    &'static str,
    &'static str,
    &'static str,
    fn(&PeerView) -> Option<f64>,
);

const METRICS: [Metric; 14] = [
    ("up", "gauge", "1 while requests go to the peer", |v| {
        Some(f64::from(v.status == PeerStatus::Available))
    }),
    (
        "probing",
        "gauge",
        "1 while a background connect is under way",
        |v| Some(f64::from(v.status == PeerStatus::Probing)),
    ),
    ("fails", "gauge", "failures counted now", |v| {
        Some(f64::from(v.fails))
    }),
    ("active_requests", "gauge", "requests under way", |v| {
        Some(f64::from(v.conns))
    }),
    (
        "learned_idle_seconds",
        "gauge",
        "idle time-out learned from the peer",
        |v| v.learned_idle.map(|ms| ms as f64 / 1000.0),
    ),
    (
        "picks_total",
        "counter",
        "attempts that chose the peer",
        |v| Some(v.counters.picks as f64),
    ),
    ("connects_total", "counter", "new connections", |v| {
        Some(v.counters.connects as f64)
    }),
    (
        "reuses_total",
        "counter",
        "attempts on kept connections",
        |v| Some(v.counters.reuses as f64),
    ),
    (
        "failures_total",
        "counter",
        "failures charged to the peer",
        |v| Some(v.counters.failures as f64),
    ),
    (
        "replays_total",
        "counter",
        "requests sent once more after a stale connection",
        |v| Some(v.counters.replays as f64),
    ),
    (
        "retries_total",
        "counter",
        "requests that went on to another try",
        |v| Some(v.counters.retries as f64),
    ),
    (
        "ejections_total",
        "counter",
        "times the peer was taken out",
        |v| Some(v.counters.ejections as f64),
    ),
    ("probes_total", "counter", "background connects", |v| {
        Some(v.counters.probes as f64)
    }),
    (
        "probe_failures_total",
        "counter",
        "background connects that failed",
        |v| Some(v.counters.probe_failures as f64),
    ),
];

fn prometheus(worker: &Worker, now: Millis) -> String {
    let shared = &worker.shared;
    let mut out = String::new();
    let requests = shared.requests.load(Ordering::Relaxed);
    let clients = shared.clients.load(Ordering::Relaxed);
    let _ = writeln!(out, "# HELP surehop_requests_total requests answered");
    let _ = writeln!(
        out,
        "# TYPE surehop_requests_total counter\nsurehop_requests_total {requests}"
    );
    let _ = writeln!(out, "# HELP surehop_clients client connections open");
    let _ = writeln!(
        out,
        "# TYPE surehop_clients gauge\nsurehop_clients {clients}"
    );
    let groups = &worker.config.groups;
    for (name, kind, help, value) in METRICS {
        let _ = writeln!(
            out,
            "# HELP surehop_peer_{name} {help}\n# TYPE surehop_peer_{name} {kind}"
        );
        for group in groups {
            for index in 0..group.shown.len() {
                if let Some(value) = value(&peer(group, index, now).view) {
                    let labels = labels(group, index);
                    let _ = writeln!(out, "surehop_peer_{name}{{{labels}}} {value}");
                }
            }
        }
    }
    let _ = writeln!(
        out,
        "# HELP surehop_peer_ejected why the peer is out\n# TYPE surehop_peer_ejected gauge"
    );
    for group in groups {
        for index in 0..group.shown.len() {
            if let Some(why) = peer(group, index, now).view.why {
                let labels = labels(group, index);
                let _ = writeln!(
                    out,
                    "surehop_peer_ejected{{{labels},reason=\"{}\"}} 1",
                    Reason::word(why)
                );
            }
        }
    }
    for (name, kind, help) in [
        ("requests_total", "counter", "requests begun"),
        (
            "retries_denied_total",
            "counter",
            "retries that the budget refused",
        ),
        (
            "retry_budget",
            "gauge",
            "retries that the budget would grant now",
        ),
    ] {
        let _ = writeln!(
            out,
            "# HELP surehop_upstream_{name} {help}\n# TYPE surehop_upstream_{name} {kind}"
        );
        for group in groups {
            let value: u64 = group
                .states
                .iter()
                .map(|state| match name {
                    "requests_total" => state.requests(),
                    "retries_denied_total" => state.retries_denied(),
                    _ => state.budget(now),
                })
                .sum();
            let _ = writeln!(
                out,
                "surehop_upstream_{name}{{upstream=\"{}\"}} {value}",
                label(&group.name)
            );
        }
    }
    out
}

fn labels(group: &GroupConf, index: usize) -> String {
    format!(
        "upstream=\"{}\",peer=\"{}\",name=\"{}\"",
        label(&group.name),
        label(&group.shown[index]),
        label(&group.names[index])
    )
}

fn label(raw: &str) -> String {
    raw.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
