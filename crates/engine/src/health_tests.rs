use std::sync::atomic::AtomicU32;

use super::*;
use crate::plan::{Balance, KeepalivePlan, PeerPlan, Rules};

fn plan(peers: usize) -> GroupPlan {
    GroupPlan {
        peers: vec![PeerPlan::default(); peers],
        balance: Balance::RoundRobin,
        slow_start: false,
        keepalive: KeepalivePlan::default(),
        rules: Rules::ON,
        queue: None,
    }
}

fn dark(peers: usize) -> GroupState {
    let state = GroupState::new(&plan(peers));
    for peer in &state.peers {
        peer.fails.store(1, Relaxed);
        assert!(peer.eject(Reason::Refused, true, false, 5_000));
    }
    state
}

#[test]
fn an_ejection_is_told_to_one_caller() {
    let state = GroupState::new(&plan(1));
    assert!(state.at(0).eject(Reason::Reset, false, false, 1_000));
    assert!(!state.at(0).eject(Reason::Reset, false, false, 2_000));
    let view = state.peer(0, 2_000);
    assert_eq!(view.status, PeerStatus::Ejected);
    assert_eq!(
        (view.ejected_since, view.why),
        (Some(1_000), Some(Reason::Reset))
    );
    assert_eq!(view.counters.ejections, 1);
    assert_eq!(
        state.at(0).recover(4_000),
        Some(Recovery {
            out_for: 3_000,
            probes: 0
        })
    );
    assert_eq!(state.at(0).recover(4_000), None);
    let view = state.peer(0, 4_000);
    assert_eq!(
        (view.status, view.ejected_since, view.why),
        (PeerStatus::Available, None, None)
    );
}

#[test]
fn a_failed_connect_outweighs_a_time_and_only_a_trial_shows_the_contrary() {
    let state = GroupState::new(&plan(1));
    let peer = state.at(0);
    peer.eject(Reason::Reset, false, false, 1_000);
    assert!(!peer.is_dark());
    peer.eject(Reason::Refused, true, false, 2_000);
    assert!(peer.is_dark());
    assert_eq!(state.peer(0, 2_000).why, Some(Reason::Refused));
    assert_eq!(state.next_probe(), Some(3_000));
    peer.eject(Reason::Reset, false, false, 2_000);
    assert!(peer.is_dark());
    peer.eject(Reason::TimedOut, false, true, 2_000);
    assert!(!peer.is_dark());
    assert_eq!(
        (state.next_probe(), state.peer(0, 0).ejected_since),
        (None, Some(1_000))
    );
}

#[test]
fn at_most_sixteen_probes_are_under_way_over_all_groups() {
    let (one, other, under_way) = (dark(10), dark(10), AtomicU32::new(0));
    let mut probes: Vec<_> = std::iter::from_fn(|| one.claim_probe(6_000, &under_way)).collect();
    assert_eq!(probes.len(), 10);
    assert_eq!(
        std::iter::from_fn(|| other.claim_probe(6_000, &under_way)).count(),
        6
    );
    let first = probes.remove(0);
    one.probe_failed(first, 6_000, 0, &under_way);
    assert!(other.claim_probe(6_000, &under_way).is_some());
    assert_eq!(under_way.load(Relaxed), PROBES_UNDER_WAY);
}

#[test]
fn one_of_many_threads_gets_the_probe() {
    for _ in 0..50 {
        let (state, under_way) = (dark(1), AtomicU32::new(0));
        let claimed: usize = std::thread::scope(|scope| {
            let claim =
                || scope.spawn(|| usize::from(state.claim_probe(9_000, &under_way).is_some()));
            let workers: Vec<_> = (0..4).map(|_| claim()).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap())
                .sum()
        });
        assert_eq!((claimed, under_way.load(Relaxed)), (1, 1));
    }
}

#[test]
fn jitter_shortens_a_wait_by_a_quarter_at_most() {
    for rand in [0, 1, 499, 500, 501, u64::MAX] {
        let (state, under_way) = (dark(1), AtomicU32::new(0));
        let probe = state.claim_probe(6_000, &under_way).unwrap();
        state.probe_failed(probe, 6_000, rand, &under_way);
        let wait = state.next_probe().unwrap() - 6_000;
        assert!((1_500..=2_000).contains(&wait), "{rand}: {wait}");
    }
}

#[test]
fn a_stale_prober_touches_nothing() {
    let (state, under_way) = (dark(1), AtomicU32::new(0));
    let stale = state.claim_probe(6_000, &under_way).unwrap();
    // A trial brings the peer back, and it is refused again, before the prober reports.
    assert!(state.at(0).recover(6_500).is_some());
    assert!(state.at(0).eject(Reason::Refused, true, false, 7_000));
    let fresh = state.claim_probe(8_000, &under_way).unwrap();
    assert_eq!(state.probe_succeeded(stale, 8_000, &under_way), None);
    assert_eq!(state.peer(0, 8_000).status, PeerStatus::Probing);
    state.probe_failed(stale, 8_000, 0, &AtomicU32::new(1));
    assert_eq!(state.peer(0, 8_000).status, PeerStatus::Probing);
    assert!(state.probe_succeeded(fresh, 9_000, &under_way).is_some());
    assert_eq!(under_way.load(Relaxed), 0);
}

#[test]
fn a_dropped_probe_can_be_claimed_at_once() {
    let (state, under_way) = (dark(1), AtomicU32::new(0));
    let probe = state.claim_probe(6_000, &under_way).unwrap();
    state.probe_dropped(probe, &under_way);
    assert!(state.claim_probe(6_000, &under_way).is_some());
    assert_eq!(state.peer(0, 6_000).counters.probe_failures, 0);
}

#[test]
fn what_was_learned_grows_by_a_tenth_a_minute_and_is_forgotten_after_ten() {
    let state = GroupState::new(&plan(1));
    let learned = |now| state.peer(0, now).learned_idle;
    assert_eq!(learned(50_000), None);
    state.at(0).learn(5_000, 100_000);
    assert_eq!(learned(100_000), Some(5_000));
    assert_eq!(learned(160_000), Some(5_500));
    assert_eq!(learned(699_999), Some(9_999));
    assert_eq!(learned(700_000), None);
    state.at(0).learn(5_000, 700_000);
    state.at(0).forget(700_000);
    assert_eq!(learned(700_000), None);
}

#[test]
fn a_reload_carries_health_over_but_not_the_requests_under_way() {
    let old = dark(2);
    old.at(1).conns.store(3, Relaxed);
    old.at(1).learn(5_000, 9_000);
    count(&old.at(1).counters.picks);
    let plan = plan(3);
    let new = GroupState::new(&plan);
    new.adopt(&plan, 2, &old, 1);
    let view = new.peer(2, 9_000);
    assert_eq!(
        (view.status, view.fails, view.conns),
        (PeerStatus::Ejected, 1, 0)
    );
    assert_eq!(
        (view.why, view.ejected_since),
        (Some(Reason::Refused), Some(5_000))
    );
    assert_eq!((view.learned_idle, view.counters.picks), (Some(5_000), 1));
    assert_eq!(new.peer(0, 9_000).status, PeerStatus::Available);
    assert!(
        new.claim_probe(9_000, &AtomicU32::new(0))
            .is_some_and(|probe| probe.peer == 2)
    );
}

#[test]
fn a_reload_drops_an_ejection_that_the_new_plan_would_not_make() {
    let old = dark(1);
    let adopted = |plan: &GroupPlan| {
        let new = GroupState::new(plan);
        new.adopt(plan, 0, &old, 0);
        (
            new.peer(0, 9_000).status,
            new.peer(0, 9_000).fails,
            new.next_probe(),
        )
    };
    assert_eq!(adopted(&plan(1)), (PeerStatus::Available, 0, None));
    let mut stubborn = plan(2);
    stubborn.peers[0].max_fails = 0;
    assert_eq!(adopted(&stubborn), (PeerStatus::Available, 0, None));
    let mut patient = plan(2);
    patient.peers[0].max_fails = 3;
    assert_eq!(adopted(&patient), (PeerStatus::Ejected, 3, Some(6_000)));
    let mut unprobed = plan(2);
    unprobed.rules.probe = false;
    assert_eq!(adopted(&unprobed), (PeerStatus::Ejected, 1, None));
}
