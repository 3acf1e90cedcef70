//! A server that takes only so many connections and closes what is more: who waits for one of ours, and how long.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use surehop_engine::{
    Backoff, Call, Cause, ConnId, Event, Facts, FailureSet, Group, GroupState, Keep, Millis,
    PeerPlan, Phase, Policy, Rules, Session, Step,
};

use crate::harness::{GET, KEYED, POST, START, plan};

const CAP: Millis = 10_000;
const HOLD: Millis = 300;

fn policy() -> Policy {
    Policy {
        rounds: 4,
        again: FailureSet::ERROR,
        backoff: Some(Backoff {
            base: 100,
            cap: CAP,
        }),
        wait_for_slot: true,
        refunds: false,
        ..Policy::default()
    }
}

/// What a server is like.
#[derive(Clone, Copy)]
struct Server {
    /// Connections that it takes.
    most: u32,
    /// It leaves them open after an answer.
    keeps: bool,
    /// What who comes beyond that meets.
    death: Event,
}

const FULL: Event = Event::Died {
    phase: Phase::Head,
    cause: Cause::Closed,
    errno: 0,
    sent: 40,
    received: 0,
};

const NODE: Server = Server {
    most: 2,
    keeps: true,
    death: FULL,
};

/// Requests side by side at servers that count, each request held for a while.
struct Rush {
    group: Group,
    policy: Policy,
    servers: Vec<Server>,
    sessions: Vec<Session>,
    conns: Vec<Option<u64>>,
    open: HashMap<u64, usize>,
    last_conn: u64,
    // Whoever waits for something else by now takes no notice of an older event.
    stamps: Vec<u64>,
    queue: BinaryHeap<Reverse<(Millis, u64, usize, u64)>>,
    events: Vec<Event>,
    now: Millis,
    waits: HashSet<usize>,
    done: Vec<bool>,
    failed: Vec<bool>,
}

impl Rush {
    fn new(servers: &[Server], policy: Policy, requests: usize) -> Self {
        let stubborn = PeerPlan {
            max_fails: 0,
            ..PeerPlan::default()
        };
        let plan = plan(Rules::ON, &vec![stubborn; servers.len()]);
        let state = Arc::new(GroupState::new(&plan));
        Self {
            group: Group::new(plan, state, 11).expect("a plan that can be run"),
            policy,
            servers: servers.to_vec(),
            sessions: (0..requests).map(|_| Session::new()).collect(),
            conns: vec![None; requests],
            open: HashMap::new(),
            last_conn: 0,
            stamps: vec![0; requests],
            queue: BinaryHeap::new(),
            events: Vec::new(),
            now: START,
            waits: HashSet::new(),
            done: vec![false; requests],
            failed: vec![false; requests],
        }
    }

    fn begin(&mut self, facts: Facts) {
        for who in 0..self.sessions.len() {
            let (group, policy, now) = (&mut self.group, &self.policy, self.now);
            let step = self.sessions[who].begin(group, policy, facts, 0, now);
            self.take(who, step);
        }
    }

    fn later(&mut self, who: usize, at: Millis, event: Event) {
        self.events.push(event);
        let order = self.events.len() as u64;
        self.queue.push(Reverse((at, order, who, self.stamps[who])));
    }

    fn taken(&self, peer: usize) -> u32 {
        self.open.values().filter(|at| **at == peer).count() as u32
    }

    fn take(&mut self, who: usize, step: Step) {
        self.stamps[who] += 1;
        self.waits.remove(&who);
        let now = self.now;
        match step {
            Step::Connect { peer } => {
                self.conns[who] = None;
                let server = self.servers[peer as usize];
                let shut = matches!(server.death, Event::ConnectFailed { .. });
                let event = if shut && self.taken(peer as usize) >= server.most {
                    server.death
                } else {
                    self.accept(who, peer as usize);
                    Event::Connected
                };
                self.later(who, now, event);
            }
            Step::Checkout { conn, .. } => {
                self.conns[who] = Some(conn.0);
                let event = if self.open.contains_key(&conn.0) {
                    Event::Connected
                } else {
                    Event::Stale { fin: true }
                };
                self.later(who, now, event);
            }
            Step::Send => self.send(who),
            Step::Deliver => {
                let conn = self.conns[who].expect("a connection");
                let keeps = self.servers[self.open[&conn]].keeps;
                if !keeps {
                    self.open.remove(&conn);
                }
                let keep = keeps.then_some(Keep {
                    conn: ConnId(conn),
                    hint: None,
                    rtt: 0,
                });
                let finished = Event::Finished {
                    sent: 40,
                    received: 120,
                    length: 20,
                    died: None,
                    keep,
                };
                self.later(who, now, finished);
            }
            Step::Wait { until, again } => {
                self.group.wait(who as u64, again);
                self.waits.insert(who);
                self.later(who, until, Event::Slept);
            }
            Step::Sleep { until } => self.later(who, until, Event::Slept),
            Step::Ask { .. } => unreachable!("nobody is asked"),
            Step::Done => self.done[who] = true,
            Step::Fail { .. } => self.failed[who] = true,
        }
    }

    // Who is not taken learns it when it sends.
    fn accept(&mut self, who: usize, peer: usize) {
        if self.taken(peer) < self.servers[peer].most {
            self.last_conn += 1;
            self.conns[who] = Some(self.last_conn);
            self.open.insert(self.last_conn, peer);
        }
    }

    fn send(&mut self, who: usize) {
        let peer = self.sessions[who].attempts().last().expect("one").peer as usize;
        if self.conns[who].is_none() {
            self.later(who, self.now + 1, self.servers[peer].death);
            return;
        }
        let head = Event::Head {
            status: 200,
            retry_after: None,
            sent: 40,
            received: 100,
        };
        self.later(who, self.now + HOLD, head);
    }

    fn sweep(&mut self) {
        while let Some(conn) = self.group.take_closing() {
            self.open.remove(&conn.0);
        }
        if let Some(Call::Here(who)) = self.group.take_call() {
            let who = who as usize;
            assert!(self.waits.remove(&who), "{who} was called and did not wait");
            self.stamps[who] += 1;
            self.later(who, self.now, Event::Called);
        }
    }

    /// The one who asked goes away.
    fn abandon(&mut self, who: usize) {
        self.group.unwait(who as u64);
        self.waits.remove(&who);
        self.stamps[who] += 1;
        self.sessions[who].abandon(&mut self.group, self.now);
        if let Some(conn) = self.conns[who].take() {
            self.open.remove(&conn);
        }
        self.failed[who] = true;
        self.sweep();
    }

    fn step(&mut self) -> bool {
        let Some(Reverse((at, order, who, stamp))) = self.queue.pop() else {
            return false;
        };
        if stamp != self.stamps[who] {
            return true;
        }
        self.now = self.now.max(at);
        let event = self.events[order as usize - 1];
        if event == Event::Slept && self.waits.contains(&who) {
            self.group.unwait(who as u64);
        }
        let (group, policy, now) = (&mut self.group, &self.policy, self.now);
        let step = self.sessions[who].on(group, policy, now, event);
        // As the driver has it: what the event freed is told before the step is taken.
        self.sweep();
        self.take(who, step);
        true
    }

    fn run(mut self) -> Self {
        while self.step() {}
        let over = |who: usize| self.done[who] || self.failed[who];
        assert!(
            (0..self.sessions.len()).all(over),
            "somebody waits for ever"
        );
        assert_eq!(self.group.state().waiting(), 0);
        for peer in 0..self.group.state().peers() {
            assert_eq!(self.group.state().peer(peer, self.now).conns, 0);
        }
        self
    }

    fn served(&self) -> usize {
        self.done.iter().filter(|done| **done).count()
    }

    fn wasted(&self) -> usize {
        let attempts = self.sessions.iter().flat_map(Session::attempts);
        attempts
            .filter(|one| one.verdict.word() != "delivered")
            .count()
    }

    fn took(&self) -> Millis {
        self.now - START
    }
}

fn rush(servers: &[Server], policy: Policy, requests: usize) -> Rush {
    let mut rush = Rush::new(servers, policy, requests);
    rush.begin(GET);
    rush.run()
}

#[test]
fn ten_at_a_server_for_two_are_all_served_and_each_is_closed_on_once_at_most() {
    let rush = rush(&[NODE], policy(), 10);
    assert_eq!((rush.served(), rush.wasted()), (10, 8));
    assert!(rush.took() < 5 * HOLD + 20, "{}", rush.took());
    let last: Vec<_> = rush.sessions[9].attempts().iter().collect();
    assert!(last[1].reused && last[0].reason.word() == "closed");
    assert_eq!(
        (last[0].verdict.word(), last[0].rule.word()),
        ("next", "retry")
    );
}

#[test]
fn a_server_that_closes_after_each_answer_is_dialed_when_it_has_a_place() {
    let rush = rush(
        &[Server {
            keeps: false,
            ..NODE
        }],
        policy(),
        10,
    );
    assert_eq!((rush.served(), rush.wasted()), (10, 8));
}

#[test]
fn a_reset_or_a_close_in_the_tls_handshake_says_the_same() {
    let reset = Event::Died {
        phase: Phase::Send,
        cause: Cause::Reset,
        errno: 104,
        sent: 40,
        received: 0,
    };
    let unsecured = Event::ConnectFailed {
        phase: Phase::Tls,
        cause: Cause::Closed,
        errno: 0,
    };
    for (death, facts) in [(reset, GET), (unsecured, GET), (unsecured, POST)] {
        let server = Server { death, ..NODE };
        let mut rush = Rush::new(&[server], policy(), 10);
        rush.begin(facts);
        let rush = rush.run();
        assert_eq!((rush.served(), rush.wasted()), (10, 8), "{death:?}");
    }
}

#[test]
fn a_hundred_wait_longer_than_the_cap_and_are_served() {
    let rush = rush(&[NODE], policy(), 100);
    assert_eq!(rush.served(), 100);
    // All but two are closed on once, and who is left after the cap once more.
    assert!(rush.wasted() < 98 + 50, "{}", rush.wasted());
}

#[test]
fn two_full_servers_are_both_waited_for() {
    let rush = rush(&[NODE, NODE], policy(), 20);
    assert_eq!(rush.served(), 20);
    // Each of the sixteen may look at both.
    assert!(rush.wasted() <= 32, "{}", rush.wasted());
    assert!(rush.took() < 7 * HOLD, "{}", rush.took());
}

#[test]
fn without_the_flag_waits_go_by_the_clock() {
    let by_clock = Policy {
        wait_for_slot: false,
        ..policy()
    };
    let rush = rush(&[NODE], by_clock, 10);
    assert!(rush.served() < 10 || rush.wasted() > 8);
}

#[test]
fn who_goes_by_the_clock_takes_a_connection_that_is_free_by_then() {
    let by_clock = Policy {
        rounds: 6,
        backoff: Some(Backoff {
            base: HOLD,
            cap: CAP,
        }),
        wait_for_slot: false,
        ..policy()
    };
    let rush = rush(&[NODE], by_clock, 10);
    // The server keeps two, and closes every new one for good.
    assert!(rush.served() > 2, "{}", rush.served());
}

#[test]
fn a_server_that_takes_nobody_is_not_waited_for() {
    let rush = rush(&[Server { most: 0, ..NODE }], policy(), 10);
    assert_eq!((rush.served(), rush.wasted()), (0, 40));
    // Three waits of at most 100, 200 and 400 ms, and a little for each try.
    assert!(rush.took() < 1_000, "{}", rush.took());
}

#[test]
fn who_waits_longest_tries_anyway_after_the_backoffs_cap() {
    let short = Policy {
        backoff: Some(Backoff { base: 10, cap: 100 }),
        rounds: 2,
        ..policy()
    };
    let rush = rush(&[NODE], short, 3);
    assert_eq!((rush.served(), rush.wasted()), (2, 2));
    let last = rush.sessions[2].attempts().last().expect("one");
    assert_eq!(last.started, START + 1 + 100);
    assert_eq!(
        (last.verdict.word(), last.rule.word()),
        ("failed", "rounds")
    );
}

#[test]
fn nobody_waits_beyond_the_deadline() {
    let soon = Policy {
        timeout: 200,
        ..policy()
    };
    let rush = rush(&[NODE], soon, 3);
    assert_eq!(rush.served(), 2);
    let [only] = rush.sessions[2].attempts() else {
        panic!("one attempt")
    };
    assert_eq!(only.rule.word(), "next_upstream_timeout");
    assert!(rush.took() <= HOLD);
}

#[test]
fn a_post_that_was_sent_does_not_wait_but_with_a_key() {
    for (facts, served) in [(POST, 2), (KEYED, 10)] {
        let mut rush = Rush::new(&[NODE], policy(), 10);
        rush.begin(facts);
        assert_eq!(rush.run().served(), served, "{facts:?}");
    }
}

#[test]
fn whoever_goes_away_leaves_its_turn_to_the_next() {
    for gone in [0, 2, 9] {
        let mut rush = Rush::new(&[NODE], policy(), 10);
        rush.begin(GET);
        while rush.waits.len() < 8 {
            assert!(rush.step());
        }
        rush.abandon(gone);
        let rush = rush.run();
        assert_eq!(rush.served(), 9, "without {gone}");
        assert!(rush.took() < 6 * HOLD, "{}", rush.took());
    }
    // One that has been called goes before it comes.
    let mut rush = Rush::new(&[NODE], policy(), 10);
    rush.begin(GET);
    while rush.waits.len() < 8 {
        rush.step();
    }
    while rush.waits.len() == 8 {
        rush.step();
    }
    let called = (0..10).find(|who| {
        let waits = rush.waits.contains(who);
        let busy = rush.conns[*who].is_some();
        !waits && !busy && !rush.done[*who]
    });
    rush.abandon(called.expect("one that was called"));
    let rush = rush.run();
    assert_eq!(rush.served(), 9);
    assert!(rush.took() < 6 * HOLD, "{}", rush.took());
}

#[test]
fn a_free_connection_that_the_server_closes_leaves_a_place() {
    let mut rush = Rush::new(&[NODE], policy(), 4);
    rush.begin(GET);
    while rush.waits.len() < 2 {
        rush.step();
    }
    while rush.waits.len() == 2 {
        rush.step();
    }
    // The one who was called finds it closed.
    let conn = rush.conns[0].or(rush.conns[1]).expect("a connection");
    rush.open.remove(&conn);
    assert!(rush.group.idle_closed(ConnId(conn), true, rush.now));
    rush.sweep();
    let rush = rush.run();
    assert_eq!(rush.served(), 4);
    assert!(rush.took() < 3 * HOLD, "{}", rush.took());
}
