//! The incidents that Surehop exists for, at the level of policy.

use surehop_engine::{PeerStatus, Rules};

use crate::harness::*;

// ::1 (0) refuses, 127.0.0.1 (1) has kept connections, and one of them is stale.
fn two_stacks(rules: Rules) -> Playbook {
    Playbook::new(rules, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .told(&[ejected(0, "refused")])
        .sends()
        .feed(head(200))
        .expect(surehop_engine::Step::Deliver)
        .feed(kept(1))
        .expect(surehop_engine::Step::Done)
        .after(50)
}

#[test]
fn one_on_the_refused_family_is_told_once_and_no_live_request_tries_it_again() {
    let mut play = two_stacks(Rules::ON);
    for _ in 0..60 {
        play = play.after(1_000).served(1, 1).told(&[]);
    }
    play.is(0, PeerStatus::Ejected);
}

#[test]
fn three_off_one_race_is_an_outage() {
    let mut play = two_stacks(Rules::OFF)
        .begin(GET)
        .expect(checkout(1, 1))
        .sends()
        .feed(fin())
        .expect(fail(502, "no_live"))
        .told(&[ejected(1, "reused_closed")]);
    for _ in 0..10 {
        play = play.after(1_000).begin(GET).expect(fail(502, "no_live"));
    }
    play.after(1_000).begin(GET).expect(connect(1)).abandon();
}

#[test]
fn three_on_the_race_is_replayed_and_charges_nobody() {
    for death in [fin(), rst()] {
        two_stacks(Rules::ON)
            .begin(GET)
            .expect(checkout(1, 1))
            .sends()
            .feed(death)
            .expect(connect(1))
            .sends()
            .answered(200)
            .told(&[])
            .fails(1, 0)
            .served(1, 2);
    }
}

#[test]
fn three_on_a_raced_post_fails_alone() {
    for (death, reason) in [(fin(), "reused_closed"), (rst(), "reused_reset")] {
        two_stacks(Rules::ON)
            .begin(POST)
            .expect(checkout(1, 1))
            .sends()
            .feed(death)
            .expect(fail(502, reason))
            .told(&[])
            .fails(1, 0)
            .begin(POST)
            .expect(connect(1))
            .sends()
            .answered(201);
    }
}

#[test]
fn three_two_healthy_peers_each_with_a_stale_connection() {
    let stale = |rules| {
        let play = Playbook::new(rules, &[peer(), peer()])
            .served(0, 1)
            .served(1, 2);
        play.begin(GET).expect(checkout(0, 1)).sends().feed(fin())
    };
    stale(Rules::OFF)
        .expect(checkout(1, 2))
        .sends()
        .feed(fin())
        .expect(fail(502, "no_live"))
        .told(&[ejected(0, "reused_closed"), ejected(1, "reused_closed")]);
    stale(Rules::ON)
        .expect(connect(0))
        .sends()
        .answered(200)
        .begin(GET)
        .expect(checkout(1, 2))
        .sends()
        .feed(rst())
        .expect(connect(1))
        .sends()
        .answered(200)
        .told(&[])
        .fails(0, 0)
        .fails(1, 0);
}

#[test]
fn a_killed_backend_loses_no_get_and_comes_back_without_a_live_request_paying() {
    let play = Playbook::new(Rules::ON, &[peer(), peer()])
        .served(0, 1)
        .served(1, 2);
    let mut play = play
        .begin(GET)
        .expect(checkout(0, 1))
        .sends()
        .feed(rst())
        .expect(connect(0))
        .feed(refused())
        // No kept connection is risked for it any more, though peer 1 has one.
        .expect(connect(1))
        .told(&[ejected(0, "refused")])
        .sends()
        .answered(200);
    for _ in 0..30 {
        play = play.after(1_000).served(1, 2);
    }
    play.with(|play| {
        let under_way = std::sync::atomic::AtomicU32::new(0);
        let probe = play
            .group
            .state()
            .claim_probe(play.now, &under_way)
            .expect("it is due");
        let back = play
            .group
            .state()
            .probe_succeeded(probe, play.now, &under_way);
        assert_eq!(
            back.map(|back| (back.out_for, back.probes)),
            Some((30_000, 1))
        );
    })
    .served(1, 2)
    .served(1, 2)
    .served(0, 3)
    .told(&[]);
}
