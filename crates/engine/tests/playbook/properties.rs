//! What must hold whatever happens: requests side by side, fed anything that their steps allow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use proptest::prelude::*;
use surehop_engine::{
    BUDGET_RESERVE, Backoff, Balance, Cause, ConnId, Event, Facts, FailureSet, Group, GroupPlan,
    GroupState, Keep, KeepalivePlan, Millis, NO_PEER, Notice, Outcome, PeerPlan, PeerStatus, Phase,
    Policy, REQUESTS_A_RETRY, RESERVE_REFILL, Rules, Session, Step, Tried, Verdict,
};

use crate::harness::{START, head, plan};

const SESSIONS: usize = 4;

// One request as its driver sees it.
struct Request {
    session: Session,
    step: Step,
    facts: Facts,
    began: Millis,
    conn: u64,
    // What the peers got of it.
    sends: u32,
    partly_sent: u32,
    killed: u32,
    lost: bool,
}

struct World {
    group: Group,
    policy: Policy,
    requests: Vec<Request>,
    now: Millis,
    next_conn: u64,
    // Connections that the model says are idle.
    idle: BTreeSet<u64>,
    known: BTreeMap<u32, bool>,
    connect_failed: bool,
    probes: AtomicU32,
}

impl World {
    fn new(plan: GroupPlan, policy: Policy) -> Self {
        let state = Arc::new(GroupState::new(&plan));
        let request = || Request {
            session: Session::new(),
            step: Step::Done,
            facts: Facts::GET,
            began: 0,
            conn: 0,
            sends: 0,
            partly_sent: 0,
            killed: 0,
            lost: false,
        };
        Self {
            group: Group::new(plan, state, 3).expect("a plan that can be run"),
            policy,
            requests: (0..SESSIONS).map(|_| request()).collect(),
            now: START,
            next_conn: 0,
            idle: BTreeSet::new(),
            known: BTreeMap::new(),
            connect_failed: false,
            probes: AtomicU32::new(0),
        }
    }

    // Statuses that charge nobody use the reserve up, so that the rest of the script meets the limit.
    fn exhaust_budget(&mut self) {
        let policy = Policy {
            next_upstream: FailureSet::HTTP_403,
            ..Policy::default()
        };
        let mut session = Session::new();
        for _ in 0..BUDGET_RESERVE * 5 {
            let mut step = session.begin(&mut self.group, &policy, Facts::GET, 0, self.now);
            while step != Step::Done {
                let event = match step {
                    Step::Connect { .. } => Event::Connected,
                    Step::Send => head(403),
                    _ => Event::Finished {
                        sent: 0,
                        received: 0,
                        length: 0,
                        died: None,
                        keep: None,
                    },
                };
                step = session.on(&mut self.group, &policy, self.now, event);
            }
        }
    }

    fn act(&mut self, who: usize, choice: u8) {
        let who = who % SESSIONS;
        if matches!(self.requests[who].step, Step::Done | Step::Fail { .. }) {
            self.begin(who, choice);
        } else if choice == 255 {
            self.requests[who]
                .session
                .abandon(&mut self.group, self.now);
            self.requests[who].step = Step::Done;
        } else {
            let event = self.event(who, choice);
            let request = &mut self.requests[who];
            request.step = request
                .session
                .on(&mut self.group, &self.policy, self.now, event);
        }
        self.look_at(who);
        self.close();
    }

    fn begin(&mut self, who: usize, choice: u8) {
        let facts = Facts {
            idempotent: choice & 1 == 0,
            keyed: choice & 6 == 6,
            replayable: choice & 8 == 0,
        };
        let request = &mut self.requests[who];
        request.step = request
            .session
            .begin(&mut self.group, &self.policy, facts, 0, self.now);
        (request.facts, request.began, request.lost) = (facts, self.now, !facts.replayable);
        (request.sends, request.partly_sent, request.killed) = (0, 0, 0);
    }

    // Any event that answers the request's step.
    fn event(&mut self, who: usize, choice: u8) -> Event {
        let request = &mut self.requests[who];
        match request.step {
            Step::Checkout { conn, .. } if choice.is_multiple_of(5) => {
                request.conn = conn.0;
                Event::Stale {
                    fin: choice.is_multiple_of(2),
                }
            }
            Step::Checkout { conn, .. } => {
                request.conn = conn.0;
                Event::Connected
            }
            Step::Connect { .. } if choice.is_multiple_of(4) => {
                let causes = [
                    Cause::Refused,
                    Cause::TimedOut,
                    Cause::NoPorts,
                    Cause::Unreachable,
                ];
                self.connect_failed = true;
                Event::ConnectFailed {
                    phase: Phase::Connect,
                    cause: causes[usize::from(choice / 4) % 4],
                    errno: 1,
                }
            }
            Step::Connect { .. } => {
                self.next_conn += 1;
                request.conn = self.next_conn;
                Event::Connected
            }
            Step::Send => {
                if choice == 7 {
                    request.session.body_lost();
                    request.lost = true;
                }
                let sent = if choice & 16 == 0 { 40 } else { 0 };
                let received = if choice & 32 == 0 { 0 } else { 9 };
                let (phase, cause) = match choice % 8 {
                    0 => (Phase::Head, Cause::Closed),
                    1 => (Phase::Head, Cause::Reset),
                    2 => (Phase::Send, Cause::Reset),
                    3 => (Phase::Head, Cause::TimedOut),
                    4 => (Phase::Head, Cause::Invalid),
                    5 => return head([200, 503, 404, 500][usize::from(choice / 8) % 4]),
                    _ => return head(200),
                };
                request.partly_sent += u32::from(sent > 0);
                let silent = sent > 0 && received == 0;
                let death = matches!(cause, Cause::Closed | Cause::Reset);
                request.killed += u32::from(silent && death);
                Event::Died {
                    phase,
                    cause,
                    errno: 0,
                    sent,
                    received,
                }
            }
            Step::Deliver => {
                let died = choice.is_multiple_of(4).then_some((Cause::Closed, 0));
                let conn = ConnId(request.conn);
                let hint = (choice & 16 != 0).then_some(2_000);
                let keep = (choice % 4 > 1).then_some(Keep { conn, hint, rtt: 3 });
                if keep.is_some() {
                    assert!(self.idle.insert(conn.0), "{conn:?} is idle twice");
                }
                Event::Finished {
                    sent: 40,
                    received: 100,
                    length: 20,
                    died,
                    keep,
                }
            }
            Step::Sleep { until } => {
                self.now = self.now.max(until);
                Event::Slept
            }
            Step::Ask { .. } => Event::Answered {
                retry: !choice.is_multiple_of(3),
                delay: None,
            },
            Step::Wait { until, .. } if choice.is_multiple_of(3) => {
                self.now = self.now.max(until);
                Event::Slept
            }
            Step::Wait { .. } => Event::Called,
            Step::Done | Step::Fail { .. } => unreachable!("the request is over"),
        }
    }

    fn look_at(&mut self, who: usize) {
        let rules = self.group.plan().rules;
        let request = &mut self.requests[who];
        while let Some(notice) = request.session.take_notice() {
            let (peer, is_out) = match notice {
                Notice::Ejected { peer, .. } => (peer, true),
                Notice::Recovered { peer, .. } => (peer, false),
            };
            let before = self.known.insert(peer, is_out).unwrap_or(false);
            assert!(
                !rules.tells_changes() || before != is_out,
                "told twice: {notice:?}"
            );
        }
        if let Step::Checkout { conn, .. } = request.step {
            assert!(self.idle.remove(&conn.0), "{conn:?} was not idle");
        }
        if matches!(request.step, Step::Checkout { .. } | Step::Connect { .. }) {
            // A connection found stale is replaced within the same try, whenever the driver finds out.
            let deadline = request.began + self.policy.timeout;
            let attempts = request.session.attempts();
            let in_time = attempts
                .iter()
                .all(|attempt| attempt.started < deadline || attempt.started == request.began);
            let late = self.policy.timeout > 0 && !in_time;
            assert!(!late, "a try began after the deadline");
        }
        if request.step == Step::Send {
            let once = request.lost || !(request.facts.idempotent || request.facts.keyed);
            let before = if rules.sent {
                request.partly_sent
            } else {
                request.sends
            };
            let before = if request.lost || once { before } else { 0 };
            assert_eq!(before, 0, "sent again: {:?}", request.session.attempts());
            request.sends += 1;
        }
        let peers = self.group.plan().peers.len();
        let rounds = self.policy.rounds as usize;
        assert!(request.session.attempts().len() <= rounds * (2 * peers + 2));
        if rules.attribution && self.policy.rounds == 1 {
            assert!(
                request.killed <= 3,
                "poison: {:?}",
                request.session.attempts()
            );
        }
    }

    fn close(&mut self) {
        while let Some(conn) = self.group.take_closing() {
            assert!(self.idle.remove(&conn.0), "{conn:?} closed twice");
        }
        assert_eq!(self.idle.len(), self.group.idle_connections());
        let plan = self.group.plan();
        let many = self.idle.len() > plan.keepalive.connections as usize;
        assert!(
            !many || self.group.next_expiry() == Some(0),
            "nobody is called to close"
        );
        let (state, mut reachable) = (self.group.state(), false);
        for (peer, plan) in (0..).zip(&plan.peers) {
            let view = state.peer(peer, self.now);
            assert!(plan.max_conns == 0 || view.conns <= plan.max_conns);
            reachable |= !plan.down && view.status == PeerStatus::Available;
        }
        let kept =
            plan.rules.last_peer && !self.connect_failed && plan.peers.iter().any(|p| !p.down);
        assert!(reachable || !kept, "the last reachable peer was taken out");
    }

    fn pass(&mut self, time: Millis) {
        self.now += time;
        self.group.expire(self.now);
        self.close();
        assert!(self.idle.len() <= self.group.plan().keepalive.connections as usize);
        while let Some(probe) = self.group.state().claim_probe(self.now, &self.probes) {
            if time.is_multiple_of(3) {
                self.group
                    .state()
                    .probe_failed(probe, self.now, time, &self.probes);
            } else if self
                .group
                .state()
                .probe_succeeded(probe, self.now, &self.probes)
                .is_some()
            {
                assert_eq!(
                    self.known.insert(probe.peer, false),
                    Some(true),
                    "it was not known to be out"
                );
            }
        }
    }

    fn retries(&self) -> u64 {
        let state = self.group.state();
        (0..state.peers())
            .map(|peer| state.peer(peer, self.now).counters.retries)
            .sum()
    }

    fn end(mut self) {
        for request in &mut self.requests {
            request.session.abandon(&mut self.group, self.now);
        }
        for peer in 0..self.group.state().peers() {
            let view = self.group.state().peer(peer, self.now);
            assert_eq!(view.conns, 0, "peer {peer} is still occupied");
        }
    }
}

fn peers() -> impl Strategy<Value = Vec<PeerPlan>> {
    let one = (1_u32..4, 0_u32..3, 0_u32..3, any::<[bool; 4]>()).prop_map(
        |(weight, max_fails, max_conns, [a, b, c, d])| PeerPlan {
            weight,
            max_fails,
            fail_timeout: 3_000,
            max_conns,
            down: a && b,
            backup: c && d,
            drain: a && c,
            ..PeerPlan::default()
        },
    );
    prop::collection::vec(one, 1..5)
        .prop_filter("a primary", |peers| peers.iter().any(|peer| !peer.backup))
}

fn rules() -> impl Strategy<Value = Rules> {
    let mixed = any::<[bool; 7]>().prop_map(
        |[
            attribution,
            replay_keyed,
            probe,
            last_peer,
            idle,
            sent,
            budget,
        ]| Rules {
            attribution,
            replay_keyed,
            probe,
            last_peer,
            idle,
            sent,
            budget,
        },
    );
    prop_oneof![Just(Rules::ON), Just(Rules::OFF), mixed]
}

fn policies() -> impl Strategy<Value = Policy> {
    let words = prop_oneof![
        Just(FailureSet::DEFAULT),
        Just(FailureSet::NONE),
        Just(
            FailureSet::DEFAULT
                .with(FailureSet::HTTP_503)
                .with(FailureSet::INVALID_HEADER)
        ),
    ];
    let backoff = (0_u64..50, 0_u64..500).prop_map(|(base, cap)| Backoff { base, cap });
    (
        (words.clone(), words, 0_u32..4, 1_u32..4),
        prop_oneof![Just(0), 1_u64..3_000],
        prop_oneof![Just(None), backoff.prop_map(Some)],
        any::<[bool; 5]>(),
    )
        .prop_map(
            |(
                (next_upstream, again, tries, rounds),
                timeout,
                backoff,
                [ask, ask_always, wait_for_slot, refunds, budget],
            )| Policy {
                next_upstream,
                tries,
                timeout,
                rounds,
                again,
                backoff,
                retry_after: None,
                ask,
                ask_always,
                wait_for_slot,
                refunds,
                budget,
            },
        )
}

fn balance() -> impl Strategy<Value = Balance> {
    let quickest = any::<[bool; 2]>().prop_map(|[last_byte, inflight]| Balance::LeastTime {
        last_byte,
        inflight,
    });
    prop_oneof![
        Just(Balance::RoundRobin),
        Just(Balance::LeastConn),
        Just(Balance::IpHash),
        Just(Balance::Hash),
        Just(Balance::Consistent),
        Just(Balance::Random),
        Just(Balance::RandomTwo),
        quickest,
    ]
}

fn group_plan() -> impl Strategy<Value = GroupPlan> {
    (rules(), peers(), balance(), 0_u32..4).prop_map(|(rules, peers, balance, connections)| {
        GroupPlan {
            balance,
            keepalive: KeepalivePlan {
                connections,
                ..KeepalivePlan::default()
            },
            ..plan(rules, &peers)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_no_limit_is_passed_whatever_happens(
        plan in group_plan(),
        policy in policies(),
        script in prop::collection::vec((0_usize..SESSIONS, any::<u8>(), 0_u64..600), 0..200),
    ) {
        let mut world = World::new(plan, policy);
        for (who, choice, time) in script {
            world.act(who, choice);
            world.pass(time.saturating_sub(300));
        }
        world.end();
    }

    #[test]
    fn retries_of_what_was_sent_never_pass_the_budget(
        peers in 2_usize..4,
        script in prop::collection::vec((0_usize..SESSIONS, 0_u64..20), 100..400),
    ) {
        let stubborn = PeerPlan { max_fails: 0, ..PeerPlan::default() };
        let mut world = World::new(plan(Rules::ON, &vec![stubborn; peers]), Policy::default());
        world.exhaust_budget();
        let (before, requests) = (world.retries(), world.group.state().requests());
        for (who, time) in script {
            // Every request is sent and times out, which is passed on while the budget lasts.
            world.act(who, if world.requests[who].step == Step::Send { 3 } else { 2 });
            world.pass(time);
        }
        let begun = world.group.state().requests() - requests;
        let earned = (begun + requests) / REQUESTS_A_RETRY;
        let refilled = (world.now - START) / RESERVE_REFILL;
        let spent = requests / REQUESTS_A_RETRY;
        prop_assert!(world.retries() - before <= earned - spent + refilled + 1);
        world.end();
    }

    #[test]
    fn weights_converge(weights in prop::collection::vec(1_u32..20, 1..8), rounds in 1_u32..4) {
        let peer = |&weight: &u32| PeerPlan { weight, ..PeerPlan::default() };
        let peers: Vec<_> = weights.iter().map(peer).collect();
        let mut world = World::new(plan(Rules::OFF, &peers), Policy::default());
        let mut served = vec![0; weights.len()];
        // Any number of turns may have gone before; from then on every full round is exact.
        for _ in 0..weights.iter().sum::<u32>() * rounds {
            let mut tried = Tried::default();
            tried.reset(weights.len() as u32);
            let pick = world.group.pick(START, &mut tried).expect("all are available");
            served[pick.peer as usize] += 1;
            world.group.release(pick, Outcome::Success, START);
        }
        let expected: Vec<_> = weights.iter().map(|weight| weight * rounds).collect();
        prop_assert_eq!(served, expected);
    }

    #[test]
    fn a_poison_request_reaches_backends_three_times_at_most_and_ejects_nobody(
        peers in 2_usize..6,
        warm in 0_usize..12,
        tries in 0_u32..6,
        deaths in prop::collection::vec(any::<bool>(), 12),
    ) {
        let policy = Policy { tries, ..Policy::default() };
        let mut world = World::new(plan(Rules::ON, &vec![PeerPlan::default(); peers]), policy);
        for at in 0..warm * 4 {
            // begin, connect, send, keep: two at a time, so that there are connections to be stale.
            world.act(at % 2, [0, 1, 6, 2][at / 2 % 4]);
        }
        world.requests[2].step = Step::Done;
        world.act(2, 0);
        for closed in deaths {
            match world.requests[2].step {
                Step::Fail { .. } => break,
                Step::Send => world.act(2, u8::from(closed)),
                _ => world.act(2, 1),
            }
        }
        let request = &world.requests[2];
        prop_assert!(request.sends <= 3);
        let last = request.session.attempts().last().copied().expect("an attempt");
        prop_assert_eq!(last.verdict, Verdict::Failed);
        prop_assert!(last.peer != NO_PEER);
        if last.reason == "poison".parse().expect("a reason") {
            prop_assert!(world.known.values().all(|out| !out));
        } else {
            prop_assert_eq!(tries, 1, "one try is not enough to know");
        }
        world.end();
    }
}
