use super::*;

fn group(peers: Vec<PeerPlan>) -> GroupPlan {
    GroupPlan {
        peers,
        balance: Balance::RoundRobin,
        slow_start: false,
        keepalive: KeepalivePlan::default(),
        rules: Rules::ON,
        queue: None,
    }
}

#[test]
fn a_group_needs_a_primary() {
    let backup = PeerPlan {
        backup: true,
        ..PeerPlan::default()
    };
    assert_eq!(group(vec![]).check(), Err(PlanError::NoPrimary));
    assert_eq!(
        group(vec![backup.clone()]).check(),
        Err(PlanError::NoPrimary)
    );
    assert_eq!(group(vec![backup, PeerPlan::default()]).check(), Ok(()));
}

#[test]
fn weights_and_scopes_are_checked() {
    let plan = group(vec![
        PeerPlan::default(),
        PeerPlan {
            weight: 0,
            ..PeerPlan::default()
        },
    ]);
    assert_eq!(plan.check(), Err(PlanError::NoWeight { peer: 1 }));
    let mut plan = group(vec![PeerPlan::default()]);
    plan.keepalive.scopes = 0;
    assert_eq!(plan.check(), Err(PlanError::NoScope));
    plan.keepalive.scopes = u32::MAX;
    assert_eq!(plan.check(), Err(PlanError::TooMany));
    plan.keepalive.scopes = 1;
    plan.peers[0].weight = 1_000_000;
    assert_eq!(plan.check(), Ok(()));
    // A ring would need 160 places for each unit of weight.
    plan.balance = Balance::Consistent;
    assert_eq!(plan.check(), Err(PlanError::TooMany));
}

#[test]
fn only_the_health_rules_change_how_ejections_are_told() {
    assert!(Rules::ON.tells_changes());
    assert!(!Rules::OFF.tells_changes());
    assert!(
        !Rules {
            budget: true,
            sent: true,
            ..Rules::OFF
        }
        .tells_changes()
    );
}
