use std::sync::Arc;

use crate::balance::{Group, Outcome, Tried};
use crate::health::GroupState;
use crate::outcome::Reason;
use crate::plan::{Balance, GroupPlan, KeepalivePlan, Millis, PeerPlan, Rules};

use super::Part;

fn group(balance: Balance, peers: Vec<PeerPlan>) -> Group {
    let plan = GroupPlan {
        balance,
        slow_start: peers.iter().any(|peer| peer.slow_start > 0),
        peers,
        keepalive: KeepalivePlan::default(),
        rules: Rules::OFF,
        queue: None,
    };
    let state = Arc::new(GroupState::new(&plan));
    Group::new(plan, state, 1).unwrap()
}

fn ask(group: &mut Group, now: Millis) -> u32 {
    let mut tried = Tried::default();
    tried.reset(group.state().peers());
    let pick = group.pick(now, &mut tried).unwrap();
    let peer = pick.peer;
    group.release(pick, Outcome::Success, now);
    peer
}

const HEAD: Balance = Balance::LeastTime {
    last_byte: false,
    inflight: false,
};

#[test]
fn the_quickest_for_its_weight_is_chosen() {
    let weighty = PeerPlan {
        weight: 3,
        ..PeerPlan::default()
    };
    let mut group = group(HEAD, vec![PeerPlan::default(), weighty]);
    group.timed(0, Part::Head, 50);
    group.timed(1, Part::Head, 100);
    assert_eq!(ask(&mut group, 0), 1);
    for _ in 0..40 {
        group.timed(1, Part::Head, 200);
    }
    assert_eq!(ask(&mut group, 0), 0);
}

#[test]
fn times_of_the_other_part_do_not_count() {
    let mut group = group(HEAD, vec![PeerPlan::default(); 2]);
    group.timed(0, Part::Whole, 500);
    assert_eq!([0; 4].map(|now| ask(&mut group, now)), [0, 1, 0, 1]);
}

#[test]
fn requests_under_way_make_a_peer_slower() {
    let mut group = group(HEAD, vec![PeerPlan::default(); 2]);
    group.timed(0, Part::Head, 50);
    group.timed(1, Part::Head, 60);
    let mut tried = Tried::default();
    tried.reset(2);
    let held = group.pick(0, &mut tried).unwrap();
    assert_eq!(held.peer, 0);
    assert_eq!(ask(&mut group, 0), 1);
    group.release(held, Outcome::Success, 0);
    assert_eq!(ask(&mut group, 0), 0);
}

#[test]
fn with_inflight_an_answer_that_is_awaited_counts() {
    for inflight in [false, true] {
        let balance = Balance::LeastTime {
            last_byte: false,
            inflight,
        };
        let mut group = group(balance, vec![PeerPlan::default(); 2]);
        group.timed(0, Part::Head, 10);
        group.timed(1, Part::Head, 100);
        let mut tried = Tried::default();
        tried.reset(2);
        let held = group.pick(1000, &mut tried).unwrap();
        assert_eq!(held.peer, 0);
        assert_eq!(ask(&mut group, 1400), u32::from(inflight));
        group.release(held, Outcome::Neutral, 1500);
        assert_eq!(ask(&mut group, 1600), 0, "what is over is forgotten");
    }
}

#[test]
fn a_peer_that_was_out_comes_back_slowly() {
    let slow = PeerPlan {
        slow_start: 100_000,
        fail_timeout: 1000,
        ..PeerPlan::default()
    };
    let mut group = group(Balance::RoundRobin, vec![slow, PeerPlan::default()]);
    let share = |group: &mut Group, now| (0..100).filter(|_| ask(group, now) == 0).count();
    assert_eq!(share(&mut group, 1000), 50, "a start is no return");

    let mut tried = Tried::default();
    tried.reset(2);
    let pick = group.pick(1000, &mut tried).unwrap();
    let peer = pick.peer;
    group.release(pick, Outcome::Failure(Reason::Refused), 1000);
    assert_eq!(peer, 0);
    assert_eq!(share(&mut group, 2000), 0);
    assert!(
        share(&mut group, 10_000) <= 2,
        "its trial is what brings it back"
    );
    assert!((6..20).contains(&share(&mut group, 20_000)));
    assert!((28..38).contains(&share(&mut group, 60_000)));
    assert_eq!(share(&mut group, 111_000), 50);
}
