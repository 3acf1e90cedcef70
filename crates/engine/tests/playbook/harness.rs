//! A small script language over one group: what is fed, what must come of it.
//!
//! A script that goes wrong prints what it did so far and both steps. One that leaves a step unexpected, a
//! request unfinished or a peer occupied fails when it ends.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::thread::panicking;

use surehop_engine::{
    Balance, Cause, ConnId, Event, Facts, FailureSet, Group, GroupPlan, GroupState, Keep,
    KeepalivePlan, Millis, Notice, PeerPlan, PeerStatus, Phase, Policy, Rules, Session, Step,
};

/// When scripts begin: late enough for nginx's zeroes to be long ago.
pub(crate) const START: Millis = 1_000_000;
pub(crate) const GET: Facts = Facts::GET;
pub(crate) const POST: Facts = Facts::POST;
pub(crate) const KEYED: Facts = Facts {
    keyed: true,
    ..Facts::POST
};

pub(crate) fn plan(rules: Rules, peers: &[PeerPlan]) -> GroupPlan {
    GroupPlan {
        peers: peers.to_vec(),
        balance: Balance::RoundRobin,
        slow_start: false,
        keepalive: KeepalivePlan::default(),
        rules,
        queue: None,
    }
}

pub(crate) fn peer() -> PeerPlan {
    PeerPlan::default()
}

pub(crate) fn backup() -> PeerPlan {
    PeerPlan {
        backup: true,
        ..peer()
    }
}

pub(crate) fn next(words: &str) -> Policy {
    let set = words
        .split(' ')
        .map(|word| FailureSet::from_word(word).expect("a word of nginx's"));
    Policy {
        next_upstream: set.fold(FailureSet::NONE, FailureSet::with),
        ..Policy::default()
    }
}

fn died(phase: Phase, cause: Cause, errno: i32, sent: u64, received: u64) -> Event {
    Event::Died {
        phase,
        cause,
        errno,
        sent,
        received,
    }
}

pub(crate) fn refused() -> Event {
    Event::ConnectFailed {
        phase: Phase::Connect,
        cause: Cause::Refused,
        errno: 111,
    }
}

pub(crate) fn connect_timed_out() -> Event {
    Event::ConnectFailed {
        phase: Phase::Connect,
        cause: Cause::TimedOut,
        errno: 110,
    }
}

pub(crate) fn fin() -> Event {
    died(Phase::Head, Cause::Closed, 0, 40, 0)
}

pub(crate) fn rst() -> Event {
    died(Phase::Head, Cause::Reset, 104, 40, 0)
}

pub(crate) fn unsent() -> Event {
    died(Phase::Send, Cause::Reset, 32, 0, 0)
}

pub(crate) fn half_a_head() -> Event {
    died(Phase::Head, Cause::Closed, 0, 40, 7)
}

pub(crate) fn timed_out() -> Event {
    died(Phase::Head, Cause::TimedOut, 110, 40, 0)
}

pub(crate) fn invalid() -> Event {
    died(Phase::Head, Cause::Invalid, 0, 40, 12)
}

pub(crate) fn head(status: u16) -> Event {
    Event::Head {
        status,
        retry_after: None,
        sent: 40,
        received: 100,
    }
}

pub(crate) fn finished() -> Event {
    Event::Finished {
        sent: 40,
        received: 120,
        length: 20,
        died: None,
        keep: None,
    }
}

pub(crate) fn kept(conn: u64) -> Event {
    let keep = Some(Keep {
        conn: ConnId(conn),
        hint: None,
        rtt: 1,
    });
    Event::Finished {
        sent: 40,
        received: 120,
        length: 20,
        died: None,
        keep,
    }
}

pub(crate) fn fail(status: u16, reason: &str) -> Step {
    Step::Fail {
        status,
        reason: reason.parse().expect("a reason"),
    }
}

pub(crate) fn connect(peer: u32) -> Step {
    Step::Connect { peer }
}

pub(crate) fn checkout(peer: u32, conn: u64) -> Step {
    Step::Checkout {
        peer,
        conn: ConnId(conn),
    }
}

pub(crate) fn ejected(peer: u32, reason: &str) -> Notice {
    Notice::Ejected {
        peer,
        reason: reason.parse().expect("a reason"),
    }
}

#[derive(Default)]
struct Request {
    session: Session,
    step: Option<Step>,
    expected: bool,
    notices: Vec<Notice>,
}

impl Request {
    fn is_over(&self) -> bool {
        matches!(self.step, None | Some(Step::Done | Step::Fail { .. }))
    }
}

pub(crate) struct Playbook {
    pub(crate) group: Group,
    pub(crate) policy: Policy,
    pub(crate) now: Millis,
    requests: BTreeMap<&'static str, Request>,
    current: &'static str,
    script: String,
}

impl Playbook {
    pub(crate) fn of(plan: GroupPlan) -> Self {
        let state = Arc::new(GroupState::new(&plan));
        Self {
            group: Group::new(plan, state, 7).expect("a plan that can be run"),
            policy: Policy::default(),
            now: START,
            requests: BTreeMap::from([("", Request::default())]),
            current: "",
            script: String::new(),
        }
    }

    pub(crate) fn new(rules: Rules, peers: &[PeerPlan]) -> Self {
        Self::of(plan(rules, peers))
    }

    pub(crate) fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// `Connected`, then the request goes out.
    #[track_caller]
    pub(crate) fn sends(self) -> Self {
        self.feed(Event::Connected).expect(Step::Send)
    }

    /// The response comes and is handed on whole.
    #[track_caller]
    pub(crate) fn answered(self, status: u16) -> Self {
        self.feed(head(status))
            .expect(Step::Deliver)
            .feed(finished())
            .expect(Step::Done)
    }

    /// Lets time pass.
    pub(crate) fn after(mut self, time: Millis) -> Self {
        self.now += time;
        self.note(&format!("  after {time} ms"));
        self
    }

    /// Goes on with another request beside this one.
    #[track_caller]
    pub(crate) fn request(mut self, name: &'static str) -> Self {
        self.must_be_expected();
        self.requests.entry(name).or_default();
        self.current = name;
        self
    }

    #[track_caller]
    pub(crate) fn begin(mut self, facts: Facts) -> Self {
        self.must_be_expected();
        let (group, policy, now) = (&mut self.group, &self.policy, self.now);
        let request = self
            .requests
            .get_mut(self.current)
            .expect("the current request");
        assert!(
            request.is_over(),
            "{}\nthe request before is not over",
            self.script
        );
        request.notices.clear();
        let step = request.session.begin(group, policy, facts, 0, now);
        self.took(&format!("begin {facts:?}"), step)
    }

    #[track_caller]
    pub(crate) fn feed(mut self, event: Event) -> Self {
        self.must_be_expected();
        let (group, policy, now) = (&mut self.group, &self.policy, self.now);
        let request = self
            .requests
            .get_mut(self.current)
            .expect("the current request");
        assert!(
            !request.is_over(),
            "{}\n{event:?} after the end",
            self.script
        );
        let step = request.session.on(group, policy, now, event);
        self.took(&format!("{event:?}"), step)
    }

    #[track_caller]
    pub(crate) fn abandon(mut self) -> Self {
        self.must_be_expected();
        let request = self
            .requests
            .get_mut(self.current)
            .expect("the current request");
        request.session.abandon(&mut self.group, self.now);
        self.took("abandon", Step::Done).expect(Step::Done)
    }

    pub(crate) fn give_up(mut self, cause: Cause) -> Self {
        self.must_be_expected();
        let request = self
            .requests
            .get_mut(self.current)
            .expect("the current request");
        request.session.give_up(&mut self.group, self.now, cause, 0);
        self.took("give up", Step::Done).expect(Step::Done)
    }

    pub(crate) fn body_lost(mut self) -> Self {
        self.this().session.body_lost();
        self
    }

    #[track_caller]
    pub(crate) fn expect(mut self, step: Step) -> Self {
        let actual = self.this().step;
        let script = &self.script;
        assert!(
            Some(step) == actual,
            "{script}- expected {step:?}\n+ actual   {actual:?}"
        );
        self.this().expected = true;
        self
    }

    /// A whole GET that must be answered by this peer, on a new connection or a kept one; kept as `conn`.
    #[track_caller]
    pub(crate) fn served(self, peer: u32, conn: u64) -> Self {
        let mut play = self.begin(GET);
        let step = play.this().step;
        let to = match step {
            Some(Step::Connect { peer } | Step::Checkout { peer, .. }) => peer,
            _ => u32::MAX,
        };
        let script = &play.script;
        assert!(
            to == peer,
            "{script}- expected peer {peer}\n+ actual   {step:?}"
        );
        play.this().expected = true;
        play.feed(Event::Connected)
            .expect(Step::Send)
            .feed(head(200))
            .expect(Step::Deliver)
            .feed(kept(conn))
            .expect(Step::Done)
    }

    /// The request's attempts, each as `peer reason verdict rule`.
    #[track_caller]
    pub(crate) fn history(mut self, lines: &[&str]) -> Self {
        let attempts = self.this().session.attempts();
        let actual: Vec<String> = attempts
            .iter()
            .map(|attempt| {
                let peer = if attempt.peer == u32::MAX {
                    "-".to_owned()
                } else {
                    attempt.peer.to_string()
                };
                format!(
                    "{peer} {} {} {}",
                    attempt.reason, attempt.verdict, attempt.rule
                )
            })
            .collect();
        assert!(
            actual == lines,
            "{}- expected {lines:#?}\n+ actual   {actual:#?}",
            self.script
        );
        self
    }

    /// What was told about peers since the request began, all of it.
    #[track_caller]
    pub(crate) fn told(mut self, notices: &[Notice]) -> Self {
        let actual = std::mem::take(&mut self.this().notices);
        assert!(
            actual == notices,
            "{}- expected {notices:?}\n+ actual   {actual:?}",
            self.script
        );
        self
    }

    #[track_caller]
    pub(crate) fn is(self, peer: u32, status: PeerStatus) -> Self {
        let actual = self.group.state().peer(peer, self.now).status;
        assert!(
            actual == status,
            "{}peer {peer}\n- expected {status}\n+ actual   {actual}",
            self.script
        );
        self
    }

    #[track_caller]
    pub(crate) fn fails(self, peer: u32, fails: u32) -> Self {
        let actual = self.group.state().peer(peer, self.now).fails;
        assert!(
            actual == fails,
            "{}fails of {peer}\n- expected {fails}\n+ actual   {actual}",
            self.script
        );
        self
    }

    /// Anything the script language has no word for.
    pub(crate) fn with(mut self, act: impl FnOnce(&mut Self)) -> Self {
        act(&mut self);
        self
    }

    pub(crate) fn step(&self) -> Option<Step> {
        self.requests[self.current].step
    }

    pub(crate) fn session(&self) -> &Session {
        &self.requests[self.current].session
    }

    fn this(&mut self) -> &mut Request {
        self.requests
            .get_mut(self.current)
            .expect("the current request")
    }

    fn note(&mut self, line: &str) {
        let _ = writeln!(self.script, "{line}");
    }

    fn took(mut self, what: &str, step: Step) -> Self {
        let line = format!("{} > {what}\n{} < {step:?}", self.current, self.current);
        self.note(&line);
        let request = self.this();
        while let Some(notice) = request.session.take_notice() {
            request.notices.push(notice);
        }
        (request.step, request.expected) = (Some(step), false);
        self
    }

    #[track_caller]
    fn must_be_expected(&mut self) {
        let request = &self.requests[self.current];
        let done = request.step.is_none() || request.expected;
        assert!(done, "{}nobody expected that step", self.script);
    }
}

impl Drop for Playbook {
    fn drop(&mut self) {
        if panicking() {
            return;
        }
        for (name, request) in &self.requests {
            let done = request.step.is_none() || request.expected;
            assert!(
                done,
                "{}request `{name}`: nobody expected its last step",
                self.script
            );
            assert!(
                request.is_over(),
                "{}request `{name}` is not finished",
                self.script
            );
        }
        for peer in 0..self.group.state().peers() {
            let conns = self.group.state().peer(peer, self.now).conns;
            assert!(
                conns == 0,
                "{}peer {peer} is still occupied {conns} times",
                self.script
            );
        }
    }
}

#[test]
#[should_panic(expected = "is not finished")]
fn an_unfinished_script_is_refused() {
    let _script = Playbook::new(Rules::OFF, &[peer()])
        .begin(GET)
        .expect(connect(0));
}

#[test]
#[should_panic(expected = "nobody expected")]
fn a_step_that_nobody_expected_is_refused() {
    let _script = Playbook::new(Rules::OFF, &[peer()])
        .begin(GET)
        .feed(refused());
}

#[test]
#[should_panic(expected = "+ actual   Some(Connect { peer: 0 })")]
fn a_wrong_step_is_shown_beside_the_right_one() {
    let _script = Playbook::new(Rules::OFF, &[peer()])
        .begin(GET)
        .expect(Step::Send);
}
