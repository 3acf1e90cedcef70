use std::sync::Arc;

use super::*;
use crate::health::GroupState;
use crate::plan::{Balance, GroupPlan, KeepalivePlan, PeerPlan, Rules};

const NOW: Millis = 1_000_000;

/// Two peers and three scopes.
fn group(rules: Rules) -> Group {
    let plan = GroupPlan {
        peers: vec![PeerPlan::default(); 2],
        balance: Balance::RoundRobin,
        slow_start: false,
        keepalive: KeepalivePlan {
            scopes: 3,
            ..KeepalivePlan::default()
        },
        rules: Rules {
            idle: false,
            ..rules
        },
        queue: None,
    };
    let state = Arc::new(GroupState::new(&plan));
    Group::new(plan, state, 1).unwrap()
}

#[test]
fn unparking_gives_peer_and_scope_back_oldest_first() {
    let mut group = group(Rules::OFF);
    let parked = |conn| Parked {
        conn: ConnId(conn),
        opened_at: NOW,
        idle_since: NOW,
        requests: 1,
        hint: None,
        rtt: 0,
    };
    group.park(1, 2, parked(1), NOW);
    group.park(0, 0, parked(2), NOW);
    group.park(0, 3, parked(3), NOW);
    assert_eq!(group.take_closing(), Some(ConnId(3)), "there is no scope 3");
    assert!(
        group.take_idle(1, 0, NOW).is_none(),
        "another scope's connection"
    );
    let (peer, scope, first) = group.unpark().unwrap();
    assert_eq!((peer, scope, first.conn), (1, 2, ConnId(1)));
    assert_eq!(
        group.unpark().map(|(peer, scope, _)| (peer, scope)),
        Some((0, 0))
    );
    assert_eq!(group.idle_connections(), 0);
}

#[test]
fn a_connection_of_no_scope_serves_any_scope_and_no_other_does() {
    let mut group = group(Rules::ON);
    let parked = |conn| Parked {
        conn: ConnId(conn),
        opened_at: NOW,
        idle_since: NOW,
        requests: 0,
        hint: None,
        rtt: 0,
    };
    group.park(0, 0, parked(1), NOW);
    group.park(0, 1, parked(2), NOW);
    assert!(group.take_idle(1, 2, NOW).is_none(), "another peer's");
    let took = |group: &mut Group, scope| group.take_idle(0, scope, NOW).map(|idle| idle.conn);
    assert_eq!(took(&mut group, 2), Some(ConnId(1)), "the prober's");
    assert_eq!(took(&mut group, 2), None, "another location's");
    assert_eq!(took(&mut group, 1), Some(ConnId(2)));
}
