//! Once warm, a request allocates nothing, however it goes.
#![allow(clippy::expect_used)]

use std::sync::Arc;

use surehop_engine::{
    Backoff, Balance, Cause, ConnId, Event, Facts, FailureSet, Group, GroupPlan, GroupState, Keep,
    KeepalivePlan, Millis, PeerPlan, Phase, Policy, Rules, Session, Step,
};

// One GET: the first death on each kind of connection it meets, then an answer.
fn request(
    (group, policy): (&mut Group, &Policy),
    session: &mut Session,
    conn: &mut u64,
    now: Millis,
    unlucky: bool,
) {
    let mut step = session.begin(group, policy, Facts::GET, 0, now);
    let mut current = 0;
    let mut deaths = if unlucky { 2 } else { 0 };
    loop {
        let event = match step {
            Step::Checkout { conn: kept, .. } => {
                current = kept.0;
                Event::Connected
            }
            Step::Connect { .. } => {
                *conn += 1;
                current = *conn;
                Event::Connected
            }
            Step::Send if deaths > 0 => {
                deaths -= 1;
                let (phase, cause) = (Phase::Head, Cause::Closed);
                Event::Died {
                    phase,
                    cause,
                    errno: 0,
                    sent: 40,
                    received: 0,
                }
            }
            Step::Send => Event::Head {
                status: 200,
                retry_after: None,
                sent: 40,
                received: 90,
            },
            Step::Deliver => {
                let keep = Some(Keep {
                    conn: ConnId(current),
                    hint: Some(5_000),
                    rtt: 1,
                });
                Event::Finished {
                    sent: 40,
                    received: 110,
                    length: 20,
                    died: None,
                    keep,
                }
            }
            Step::Done | Step::Fail { .. } => break,
            Step::Sleep { .. } => Event::Slept,
            Step::Ask { .. } => Event::Answered {
                retry: true,
                delay: None,
            },
            Step::Wait { .. } => unreachable!("nobody else is there"),
        };
        step = session.on(group, policy, now, event);
    }
    while session.take_notice().is_some() {}
    while group.take_closing().is_some() {}
}

fn allocated(policy: &Policy, peers: usize) -> u64 {
    let plan = GroupPlan {
        peers: vec![PeerPlan::default(); peers],
        balance: Balance::RoundRobin,
        slow_start: false,
        keepalive: KeepalivePlan {
            connections: 2,
            ..KeepalivePlan::default()
        },
        rules: Rules::ON,
        queue: None,
    };
    let state = Arc::new(GroupState::new(&plan));
    let mut group = Group::new(plan, state, 1).expect("a plan that can be run");
    let mut session = Session::new();
    let (mut now, mut conn) = (1_000_000, 0);
    let mut run = |requests: u64| {
        for turn in 0..requests {
            now += 7;
            // Every now and then long enough for idle connections to expire.
            now += if turn % 50 == 0 { 20_000 } else { 0 };
            request(
                (&mut group, policy),
                &mut session,
                &mut conn,
                now,
                turn % 10 == 0,
            );
            group.expire(now);
            while group.take_closing().is_some() {}
        }
    };
    run(100);
    allocation_counter::measure(|| run(10_000)).count_total
}

#[test]
fn a_request_allocates_nothing_once_warm() {
    assert_eq!(allocated(&Policy::default(), 3), 0);
}

#[test]
fn a_clients_retries_allocate_nothing_once_warm() {
    for ask in [false, true] {
        let policy = Policy {
            rounds: 4,
            again: FailureSet::ERROR,
            backoff: Some(Backoff {
                base: 100,
                cap: 1_000,
            }),
            wait_for_slot: true,
            ask,
            ..Policy::default()
        };
        assert_eq!(allocated(&policy, 1), 0);
    }
}

#[test]
fn the_count_counts() {
    let counted = allocation_counter::measure(|| drop(Session::new()));
    assert!(counted.count_total > 0);
}
