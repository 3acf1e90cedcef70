use std::sync::Arc;

use crate::attempt::{Event, Step};
use crate::balance::Group;
use crate::failures::FailureSet;
use crate::health::GroupState;
use crate::outcome::{Cause, Phase};
use crate::plan::{Balance, Facts, GroupPlan, KeepalivePlan, PeerPlan, Policy, QueuePlan, Rules};
use crate::session::Session;
use crate::waiting::Call;

/// Two peers for one request each, the second a backup; two may wait, for a second.
fn group() -> Group {
    let peer = |backup| PeerPlan {
        max_conns: 1,
        backup,
        ..PeerPlan::default()
    };
    let plan = GroupPlan {
        balance: Balance::RoundRobin,
        slow_start: false,
        peers: vec![peer(false), peer(true)],
        keepalive: KeepalivePlan::default(),
        rules: Rules::OFF,
        queue: Some(QueuePlan {
            length: 2,
            timeout: 1000,
        }),
    };
    let state = Arc::new(GroupState::new(&plan));
    Group::new(plan, state, 7).unwrap()
}

fn begin(group: &mut Group, now: u64) -> (Session, Step) {
    let mut session = Session::new();
    let step = session.begin(group, &Policy::default(), Facts::GET, 0, now);
    (session, step)
}

fn serve(group: &mut Group, session: &mut Session, now: u64) {
    let policy = Policy::default();
    for event in [
        Event::Connected,
        Event::Head {
            status: 200,
            retry_after: None,
            sent: 1,
            received: 1,
        },
        Event::Finished {
            sent: 1,
            received: 1,
            length: 1,
            died: None,
            keep: None,
        },
    ] {
        session.on(group, &policy, now, event);
    }
}

const WAIT: Step = Step::Wait {
    until: 11_000,
    again: false,
};

#[test]
fn who_waits_is_called_in_turn_and_the_queue_has_an_end() {
    let mut group = group();
    let (mut first, step) = begin(&mut group, 10_000);
    assert_eq!(step, Step::Connect { peer: 0 });
    let (_second, step) = begin(&mut group, 10_000);
    assert_eq!(step, Step::Connect { peer: 1 });
    let (mut third, step) = begin(&mut group, 10_000);
    assert_eq!(step, WAIT);
    group.wait(3, false);
    let (mut fourth, step) = begin(&mut group, 10_000);
    assert_eq!(step, WAIT);
    group.wait(4, false);
    let (_, step) = begin(&mut group, 10_000);
    assert!(matches!(step, Step::Fail { status: 502, .. }), "{step:?}");
    assert_eq!(group.take_call(), None);

    serve(&mut group, &mut first, 10_100);
    assert_eq!(group.take_call(), Some(Call::Here(3)));
    assert!(!group.waits(3) && group.waits(4));
    // Nobody overtakes who waits, even where there is a peer.
    let (mut fifth, step) = begin(&mut group, 10_100);
    assert!(
        matches!(step, Step::Connect { .. }),
        "the queue is full: {step:?}"
    );
    let called = third.on(&mut group, &Policy::default(), 10_100, Event::Called);
    assert_eq!(
        called,
        Step::Wait {
            until: 11_000,
            again: true
        }
    );
    group.wait(3, true);

    serve(&mut group, &mut fifth, 10_200);
    assert_eq!(group.take_call(), Some(Call::Here(3)));
    let called = third.on(&mut group, &Policy::default(), 10_200, Event::Called);
    assert_eq!(called, Step::Connect { peer: 0 });
    assert_eq!(third.attempts().len(), 1, "waiting is no attempt");
    assert_eq!(group.take_call(), Some(Call::Here(4)), "there may be two");
    let called = fourth.on(&mut group, &Policy::default(), 10_200, Event::Called);
    assert!(matches!(called, Step::Wait { again: true, .. }));
    group.wait(4, true);

    group.unwait(4);
    let over = fourth.on(&mut group, &Policy::default(), 11_000, Event::Slept);
    assert!(matches!(over, Step::Fail { status: 502, .. }));
    assert_eq!(group.state().waiting(), 0);
}

#[test]
fn who_leaves_gives_up_the_place() {
    let mut group = group();
    let (_first, _) = begin(&mut group, 10_000);
    let (_second, _) = begin(&mut group, 10_000);
    let (mut third, _) = begin(&mut group, 10_000);
    assert_eq!(group.state().waiting(), 1);

    third.abandon(&mut group, 10_100);

    assert_eq!(group.state().waiting(), 0);
    assert!(third.attempts().is_empty());
}

#[test]
fn nobody_waits_for_peers_that_are_out() {
    let mut group = group();
    let policy = Policy {
        next_upstream: FailureSet::NONE,
        ..Policy::default()
    };
    for peer in 0..2 {
        let (mut session, step) = begin(&mut group, 10_000);
        assert_eq!(step, Step::Connect { peer });
        let died = Event::Died {
            phase: Phase::Head,
            cause: Cause::Reset,
            errno: 104,
            sent: 1,
            received: 0,
        };
        session.on(&mut group, &policy, 10_000, Event::Connected);
        session.on(&mut group, &policy, 10_000, died);
    }
    let (_, step) = begin(&mut group, 10_000);

    assert!(matches!(step, Step::Fail { status: 502, .. }), "{step:?}");
}

#[test]
fn another_worker_is_called_if_nobody_waits_here() {
    let mut here = group();
    let mut there = Group::new(here.plan().clone(), here.state().clone(), 8).unwrap();
    let (mut first, _) = begin(&mut here, 10_000);
    let (_second, _) = begin(&mut here, 10_000);
    let (mut waiting, step) = begin(&mut there, 10_000);
    assert_eq!(step, WAIT);
    there.wait(9, false);

    serve(&mut here, &mut first, 10_100);

    assert_eq!(here.take_call(), Some(Call::Elsewhere));
    assert_eq!(there.call(), Some(9));
    let called = waiting.on(&mut there, &Policy::default(), 10_100, Event::Called);
    assert_eq!(called, Step::Connect { peer: 0 });
}
