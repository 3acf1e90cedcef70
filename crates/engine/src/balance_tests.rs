use super::*;
use crate::health::GroupState;
use crate::plan::{KeepalivePlan, Rules};

const NOW: Millis = 1_000_000;

fn group(rules: Rules, peers: Vec<PeerPlan>) -> Group {
    let plan = GroupPlan {
        peers,
        balance: Balance::RoundRobin,
        slow_start: false,
        keepalive: KeepalivePlan::default(),
        rules,
        queue: None,
    };
    let state = Arc::new(GroupState::new(&plan));
    Group::new(plan, state, 1).unwrap()
}

fn weighted(weights: &[u32]) -> Vec<PeerPlan> {
    let peer = |&weight| PeerPlan {
        weight,
        ..PeerPlan::default()
    };
    weights.iter().map(peer).collect()
}

fn pick(group: &mut Group) -> Option<Pick> {
    let mut tried = Tried::default();
    tried.reset(group.plan.peers.len() as u32);
    group.pick(NOW, &mut tried)
}

fn sequence(group: &mut Group, length: usize) -> String {
    (0..length)
        .map(|_| {
            let pick = pick(group).unwrap();
            let name = char::from(b'a' + pick.peer as u8);
            group.release(pick, Outcome::Success, NOW);
            name
        })
        .collect()
}

#[test]
fn the_smooth_sequences_are_the_known_ones() {
    for (weights, expected) in [
        (vec![5, 1, 1], "aabacaaaabacaa"),
        (vec![1, 1], "abababab"),
        (vec![1, 1, 1], "abcabc"),
        (vec![3, 2], "ababaababa"),
        (vec![4, 2, 1], "abacabaabacaba"),
    ] {
        let mut group = group(Rules::OFF, weighted(&weights));
        assert_eq!(
            sequence(&mut group, expected.len()),
            expected,
            "{weights:?}"
        );
    }
}

#[test]
fn a_failure_costs_effective_weight_that_comes_back_one_a_turn() {
    let mut peers = weighted(&[4, 4]);
    peers[0].max_fails = 2;
    let mut group = group(Rules::OFF, peers);
    let first = pick(&mut group).unwrap();
    assert_eq!(first.peer, 0);
    group.release(first, Outcome::Failure(Reason::Refused), NOW);
    assert_eq!(group.weights[0].effective, 2);
    let before = sequence(&mut group, 2);
    assert_eq!(group.weights[0].effective, 4);
    assert_eq!(before, "bb");
}

#[test]
fn a_peer_that_is_down_or_out_does_not_turn() {
    let mut peers = weighted(&[1, 1, 1]);
    peers[1].down = true;
    let mut group = group(Rules::OFF, peers);
    assert_eq!(sequence(&mut group, 4), "acac");
}

#[test]
fn a_request_takes_each_peer_once() {
    let mut group = group(Rules::OFF, weighted(&[1; 70]));
    let mut tried = Tried::default();
    tried.reset(70);
    let mut seen: Vec<u32> = (0..70)
        .map(|_| {
            let pick = group.pick(NOW, &mut tried).unwrap();
            let peer = pick.peer;
            group.release(pick, Outcome::Neutral, NOW);
            peer
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..70).collect::<Vec<_>>());
    assert!(group.pick(NOW, &mut tried).is_none());
}

#[test]
fn two_workers_share_places_and_the_one_test_of_a_peer() {
    let mut peers = weighted(&[1, 1]);
    peers[0].max_conns = 1;
    let mut one = group(Rules::OFF, peers.clone());
    let mut other = Group::new(one.plan.clone(), Arc::clone(&one.state), 2).unwrap();
    let held = pick(&mut one).unwrap();
    let elsewhere = pick(&mut other).unwrap();
    assert_eq!((held.peer, elsewhere.peer), (0, 1));
    one.release(held, Outcome::Failure(Reason::Refused), NOW);
    other.release(elsewhere, Outcome::Failure(Reason::Refused), NOW);
    let mut tried = Tried::default();
    tried.reset(2);
    let later = NOW + 11_000;
    let test = one.pick(later, &mut tried).unwrap();
    tried.reset(2);
    let next = other.pick(later, &mut tried).unwrap();
    assert!(test.trial && next.trial);
    assert_ne!(test.peer, next.peer);
    one.release(test, Outcome::Success, later);
    other.release(next, Outcome::Success, later);
    let fails = |peer| one.state.peer(peer, later).fails;
    assert_eq!((fails(0), fails(1)), (0, 0));
}

#[test]
fn threads_never_pass_max_conns_together() {
    let mut peers = weighted(&[1, 1]);
    for peer in &mut peers {
        peer.max_conns = 2;
    }
    let first = group(Rules::ON, peers);
    let (plan, state) = (&first.plan, &first.state);
    std::thread::scope(|scope| {
        for seed in 0..4 {
            scope.spawn(move || {
                let mut group = Group::new(plan.clone(), Arc::clone(state), seed).unwrap();
                for _ in 0..2_000 {
                    let Some(pick) = pick(&mut group) else {
                        continue;
                    };
                    assert!(state.peer(pick.peer, NOW).conns <= 2);
                    group.release(pick, Outcome::Success, NOW);
                }
            });
        }
    });
    assert_eq!((state.peer(0, NOW).conns, state.peer(1, NOW).conns), (0, 0));
}

#[test]
fn a_state_of_another_size_is_refused() {
    let one = group(Rules::OFF, weighted(&[1]));
    let mut plan = one.plan.clone();
    plan.peers.push(PeerPlan::default());
    assert_eq!(
        Group::new(plan, one.state, 1).err(),
        Some(PlanError::OtherState)
    );
}
