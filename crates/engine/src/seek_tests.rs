use std::sync::Arc;

use crate::balance::{Group, Outcome, Tried};
use crate::health::GroupState;
use crate::outcome::Reason;
use crate::plan::{Balance, GroupPlan, KeepalivePlan, PeerPlan, Rules};

fn named(weights: &[u32]) -> Vec<PeerPlan> {
    let peer = |(at, &weight): (usize, &u32)| PeerPlan {
        weight,
        name: format!("127.0.0.1:{}", 9000 + at).into_bytes(),
        sid: Some(at as u32),
        fail_timeout: 100_000,
        ..PeerPlan::default()
    };
    weights.iter().enumerate().map(peer).collect()
}

fn group(balance: Balance, peers: Vec<PeerPlan>) -> Group {
    let plan = GroupPlan {
        balance,
        slow_start: false,
        peers,
        keepalive: KeepalivePlan::default(),
        rules: Rules::OFF,
        queue: None,
    };
    let state = Arc::new(GroupState::new(&plan));
    Group::new(plan, state, 7).unwrap()
}

fn begin(group: &Group, key: &[u8], sid: Option<u32>) -> Tried {
    let mut tried = Tried::default();
    tried.wish().key.extend_from_slice(key);
    tried.wish.sid = sid;
    tried.reset(group.state().peers());
    tried
}

fn ask(group: &mut Group, key: &[u8]) -> Option<u32> {
    let mut tried = begin(group, key, None);
    one(group, &mut tried, Outcome::Success)
}

fn ask_bound(group: &mut Group, sid: u32) -> Option<u32> {
    let mut tried = begin(group, b"", Some(sid));
    one(group, &mut tried, Outcome::Success)
}

fn one(group: &mut Group, tried: &mut Tried, outcome: Outcome) -> Option<u32> {
    let pick = group.pick(0, tried)?;
    let peer = pick.peer;
    group.release(pick, outcome, 0);
    Some(peer)
}

const SEEKING: [Balance; 5] = [
    Balance::IpHash,
    Balance::Hash,
    Balance::Consistent,
    Balance::Random,
    Balance::RandomTwo,
];

#[test]
fn a_key_stays_with_its_peer() {
    for balance in &SEEKING[..3] {
        let mut group = group(*balance, named(&[1, 2, 3]));
        let mut seen = [0; 3];
        for key in 0..200_u32 {
            let key = key.wrapping_mul(0x9e37_79b9).to_be_bytes();
            let peer = ask(&mut group, &key[..3]).unwrap();
            assert_eq!(ask(&mut group, &key[..3]), Some(peer));
            seen[peer as usize] += 1;
        }
        assert!(
            seen[0] > 10 && seen[1] > 30 && seen[2] > 60,
            "{balance:?} {seen:?}"
        );
    }
}

#[test]
fn chance_keeps_to_the_weights() {
    let mut group = group(Balance::Random, named(&[1, 3]));
    let count = (0..4000)
        .filter(|_| ask(&mut group, b"") == Some(0))
        .count();
    assert!((850..1150).contains(&count), "{count}");
}

#[test]
fn of_two_the_quieter_is_chosen() {
    let mut group = group(Balance::RandomTwo, named(&[1, 1]));
    let mut tried = begin(&group, b"", None);
    let held = group.pick(0, &mut tried).unwrap();
    for _ in 0..50 {
        assert_eq!(ask(&mut group, b""), Some(1 - held.peer));
    }
    group.release(held, Outcome::Neutral, 0);
}

#[test]
fn a_request_meets_each_peer_once_whatever_the_method() {
    for balance in SEEKING {
        let mut group = group(balance, named(&[5, 1, 1, 3]));
        let mut tried = begin(&group, b"abc", None);
        let mut seen: Vec<_> =
            std::iter::from_fn(|| one(&mut group, &mut tried, Outcome::Neutral)).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3], "{balance:?}");
    }
}

#[test]
fn a_peer_that_is_out_down_or_drains_is_passed_over() {
    for balance in SEEKING {
        let mut peers = named(&[5, 1, 1, 1]);
        peers[1].down = true;
        peers[2].drain = true;
        let mut group = group(balance, peers);
        loop {
            let mut tried = begin(&group, b"abc", None);
            match one(&mut group, &mut tried, Outcome::Failure(Reason::Refused)) {
                Some(0) => break,
                Some(3) => group
                    .state()
                    .adopt(group.plan(), 3, &GroupState::new(group.plan()), 3),
                other => panic!("{other:?}"),
            }
        }
        for key in 0..50_u32 {
            assert_eq!(
                ask(&mut group, &key.to_be_bytes()[1..]),
                Some(3),
                "{balance:?}"
            );
        }
    }
}

#[test]
fn without_a_key_it_goes_round() {
    for balance in [Balance::Hash, Balance::Consistent] {
        let mut group = group(balance, named(&[1, 1]));
        assert_eq!(
            [(); 4].map(|()| ask(&mut group, b"").unwrap()),
            [0, 1, 0, 1]
        );
    }
}

#[test]
fn peers_of_one_name_share_its_place() {
    let mut peers = named(&[1, 1]);
    peers[1].name = peers[0].name.clone();
    let mut group = group(Balance::Consistent, peers);
    assert_eq!(
        [(); 4].map(|()| ask(&mut group, b"k").unwrap()),
        [0, 1, 0, 1]
    );
}

#[test]
fn a_bound_request_goes_where_it_is_bound() {
    for balance in SEEKING
        .into_iter()
        .chain([Balance::RoundRobin, Balance::LeastConn])
    {
        let mut group = group(balance, named(&[1, 1, 1]));
        for sid in [2, 2, 0, 1, 1] {
            assert_eq!(ask_bound(&mut group, sid), Some(sid), "{balance:?}");
        }
        assert!(ask_bound(&mut group, 9).is_some(), "nobody has that number");
    }
}

#[test]
fn bound_ones_do_not_keep_new_ones_away_for_ever() {
    let mut group = group(Balance::RoundRobin, named(&[1, 1]));
    for _ in 0..100 {
        assert_eq!(ask_bound(&mut group, 0), Some(0));
    }
    // As nginx: the next goes to the other, and from there in turn.
    assert_eq!(
        [(); 5].map(|()| ask(&mut group, b"").unwrap()),
        [1, 0, 1, 0, 1]
    );
}

#[test]
fn a_draining_peer_serves_those_bound_to_it_and_nobody_else() {
    let mut peers = named(&[1, 1]);
    peers[0].drain = true;
    let mut two = group(Balance::RoundRobin, peers.clone());
    assert_eq!([(); 3].map(|()| ask(&mut two, b"").unwrap()), [1, 1, 1]);
    assert_eq!(ask_bound(&mut two, 0), Some(0));

    peers.pop();
    let mut alone = group(Balance::RoundRobin, peers);
    assert_eq!(ask(&mut alone, b""), None);
    assert_eq!(ask_bound(&mut alone, 0), Some(0));
}

#[test]
fn a_bound_peer_that_failed_gives_way() {
    let mut group = group(Balance::RoundRobin, named(&[1, 1]));
    let mut tried = begin(&group, b"", Some(1));
    assert_eq!(
        one(&mut group, &mut tried, Outcome::Failure(Reason::Refused)),
        Some(1)
    );
    assert_eq!(one(&mut group, &mut tried, Outcome::Success), Some(0));
    assert_eq!(ask_bound(&mut group, 1), Some(0));
}

#[test]
fn backups_are_bound_to_only_when_they_serve() {
    let mut peers = named(&[1, 1, 1]);
    (peers[1].backup, peers[2].backup) = (true, true);
    let mut group = group(Balance::RoundRobin, peers);
    assert_eq!(ask_bound(&mut group, 2), Some(0));
    let mut tried = begin(&group, b"", None);
    assert_eq!(
        one(&mut group, &mut tried, Outcome::Failure(Reason::Refused)),
        Some(0)
    );
    assert_eq!(ask_bound(&mut group, 2), Some(2));
}
