//! `resilience on`: attribution, sent, budget, and what they leave alone. Each beside its `off`.

use surehop_engine::{
    BUDGET_RESERVE, ConnId, Event, Facts, Keep, PeerPlan, PeerStatus, Policy, Rules, Step,
};

use crate::harness::*;

const ON: Rules = Rules::ON;

// A request of which a kept connection to peer 0 just died.
fn raced(rules: Rules, policy: Policy, facts: Facts, death: Event) -> Playbook {
    let play = Playbook::new(rules, &[peer(), peer()])
        .served(0, 1)
        .served(1, 2)
        .policy(policy);
    play.begin(facts).expect(checkout(0, 1)).sends().feed(death)
}

#[test]
fn attribution_a_replay_takes_no_try_and_asks_no_policy() {
    raced(
        ON,
        Policy {
            tries: 1,
            ..next("off")
        },
        GET,
        fin(),
    )
    .expect(connect(0))
    .sends()
    .answered(200)
    .history(&[
        "0 reused_closed replayed attribution",
        "0 ok delivered plain",
    ])
    .told(&[])
    .with(|play| {
        let counters = play.group.state().peer(0, play.now).counters;
        assert_eq!(
            (counters.replays, counters.retries, counters.failures),
            (1, 0, 0)
        );
        let [first, second] = play.session().attempts() else {
            panic!("two attempts")
        };
        assert!(first.reused && !second.reused);
    });
}

#[test]
fn attribution_off_the_same_race_is_a_failure_of_the_peer() {
    raced(
        Rules {
            attribution: false,
            ..ON
        },
        next("error"),
        GET,
        fin(),
    )
    .expect(checkout(1, 2))
    .told(&[ejected(0, "reused_closed")])
    .abandon();
}

#[test]
fn attribution_replays_only_what_is_safe() {
    let default = Policy::default;
    let keyless = Rules {
        replay_keyed: false,
        ..ON
    };
    let gone = Facts {
        replayable: false,
        ..GET
    };
    let refused = [
        (
            ON,
            default(),
            POST,
            fin(),
            "reused_closed",
            "non_idempotent",
        ),
        (
            keyless,
            default(),
            KEYED,
            rst(),
            "reused_reset",
            "non_idempotent",
        ),
        (
            ON,
            default(),
            gone,
            fin(),
            "reused_closed",
            "request_buffering",
        ),
        (
            Rules { sent: false, ..ON },
            default(),
            POST,
            unsent(),
            "reused_unsent",
            "non_idempotent",
        ),
    ];
    for (rules, policy, facts, death, reason, rule) in refused {
        raced(rules, policy, facts, death)
            .expect(fail(502, reason))
            .history(&[&format!("0 {reason} failed {rule}")])
            .told(&[])
            .fails(0, 0);
    }
    let replayed = [
        (default(), KEYED, fin(), "reused_closed", "attribution"),
        (
            next("non_idempotent"),
            POST,
            fin(),
            "reused_closed",
            "attribution",
        ),
        (default(), POST, unsent(), "reused_unsent", "sent"),
        (
            default(),
            Facts {
                replayable: false,
                ..POST
            },
            unsent(),
            "reused_unsent",
            "sent",
        ),
    ];
    for (policy, facts, death, reason, rule) in replayed {
        raced(ON, policy, facts, death)
            .expect(connect(0))
            .history(&[
                &format!("0 {reason} replayed {rule}"),
                "0 pending pending plain",
            ])
            .abandon();
    }
}

#[test]
fn attribution_replays_only_in_time() {
    let play = Playbook::new(ON, &[peer()]).served(0, 1);
    let play = play.policy(Policy {
        timeout: 100,
        ..Policy::default()
    });
    play.begin(GET)
        .expect(checkout(0, 1))
        .sends()
        .after(100)
        .feed(fin())
        .expect(fail(502, "reused_closed"))
        .history(&["0 reused_closed failed next_upstream_timeout"]);
}

#[test]
fn attribution_a_replay_that_is_refused_goes_on_to_a_fresh_connection() {
    raced(ON, Policy::default(), GET, fin())
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .told(&[ejected(0, "refused")])
        .sends()
        .answered(200);
}

#[test]
fn attribution_a_time_out_or_a_byte_is_the_peers_failure_on_a_kept_connection_too() {
    raced(ON, Policy::default(), GET, timed_out())
        .expect(checkout(1, 2))
        .told(&[ejected(0, "timed_out")])
        .abandon();
    raced(ON, Policy::default(), GET, half_a_head())
        .expect(checkout(1, 2))
        .told(&[ejected(0, "closed")])
        .abandon();
}

#[test]
fn poison_a_request_that_kills_two_peers_connections_charges_neither() {
    raced(ON, Policy::default(), GET, fin())
        .expect(connect(0))
        .sends()
        .feed(fin())
        .expect(connect(1))
        .sends()
        .feed(rst())
        .expect(fail(502, "poison"))
        .history(&[
            "0 reused_closed replayed attribution",
            "0 closed next next_upstream",
            "1 poison failed poison",
        ])
        .told(&[])
        .fails(0, 0)
        .fails(1, 0);
}

#[test]
fn poison_off_both_peers_are_charged() {
    Playbook::new(
        Rules {
            attribution: false,
            last_peer: false,
            ..ON
        },
        &[peer(), peer()],
    )
    .begin(GET)
    .expect(connect(0))
    .sends()
    .feed(fin())
    .expect(connect(1))
    .sends()
    .feed(fin())
    .expect(fail(502, "closed"))
    .told(&[ejected(0, "closed"), ejected(1, "closed")]);
}

#[test]
fn poison_is_known_beyond_a_peer_that_was_refused() {
    Playbook::new(ON, &[peer(), peer(), peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(rst())
        .expect(connect(1))
        .feed(refused())
        .expect(connect(2))
        .sends()
        .feed(rst())
        .expect(fail(502, "poison"))
        .told(&[ejected(1, "refused")])
        .fails(0, 0)
        .fails(2, 0);
}

// Peer 0's fresh connection has died; peer 1 is trying.
fn suspect() -> Playbook {
    let play = Playbook::new(ON, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .sends();
    play.feed(rst())
        .expect(connect(1))
        .told(&[])
        .fails(0, 0)
        .is(0, PeerStatus::Available)
}

#[test]
fn held_a_charge_waits_as_long_as_the_other_peer_does() {
    suspect()
        .sends()
        .after(59_000)
        .fails(0, 0)
        .feed(head(200))
        .expect(Step::Deliver)
        .with(|play| {
            let peer = play.group.state().peer(0, play.now);
            assert_eq!(
                (peer.status, peer.ejected_since),
                (PeerStatus::Ejected, Some(START + 59_000))
            );
        })
        .told(&[ejected(0, "reset")])
        .feed(finished())
        .expect(Step::Done);
}

#[test]
fn held_a_charge_is_made_when_the_request_ends_in_any_other_way() {
    suspect().abandon().told(&[ejected(0, "reset")]);
    suspect()
        .feed(refused())
        .expect(fail(502, "refused"))
        // Peer 1 went out first, so that peer 0 is the last reachable one.
        .told(&[ejected(1, "refused")])
        .is(0, PeerStatus::Available);
    suspect()
        .sends()
        .feed(timed_out())
        .expect(fail(504, "timed_out"))
        .told(&[ejected(1, "timed_out")]);
    Playbook::new(ON, &[peer(), peer()])
        .policy(next("timeout"))
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(fin())
        .expect(fail(502, "closed"))
        .told(&[ejected(0, "closed")]);
}

#[test]
fn held_nothing_is_where_the_request_never_left() {
    Playbook::new(ON, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(unsent())
        .expect(connect(1))
        .told(&[ejected(0, "reset")])
        .sends()
        .feed(fin())
        .expect(fail(502, "closed"));
}

#[test]
fn a_keyed_post_that_kills_a_fresh_connection_goes_no_further() {
    Playbook::new(ON, &[peer(), peer()])
        .begin(KEYED)
        .expect(connect(0))
        .sends()
        .feed(fin())
        .expect(fail(502, "closed"))
        .history(&["0 closed failed non_idempotent"])
        .told(&[ejected(0, "closed")]);
}

#[test]
fn sent_a_post_of_which_nothing_left_goes_on() {
    let unsent_post = |rules| {
        let play = Playbook::new(rules, &[peer(), peer()])
            .begin(POST)
            .expect(connect(0));
        play.sends().feed(unsent())
    };
    unsent_post(ON)
        .expect(connect(1))
        .history(&["0 reset next sent", "1 pending pending plain"])
        .abandon();
    unsent_post(Rules { sent: false, ..ON })
        .expect(fail(502, "reset"))
        .history(&["0 reset failed non_idempotent"]);
}

// Requests that each need a retry, until the budget has none left: each answers the first try with 503.
fn exhausted(rules: Rules) -> Playbook {
    let stubborn = PeerPlan {
        max_fails: 0,
        ..peer()
    };
    let play = Playbook::new(rules, &[stubborn.clone(), stubborn]);
    let mut play = play.policy(next("error http_503 non_idempotent"));
    // Of n requests, a fifth of n and the reserve may be retried: 125.
    for turn in 0..BUDGET_RESERVE * 5 / 4 {
        let first = (turn % 2) as u32;
        play = play
            .begin(GET)
            .expect(connect(first))
            .sends()
            .feed(head(503));
        play = play.expect(connect(1 - first)).sends().answered(200);
    }
    play
}

#[test]
fn budget_a_retry_beyond_it_is_refused_and_counted() {
    exhausted(ON)
        .begin(GET)
        .expect(connect(1))
        .sends()
        .feed(rst())
        .expect(fail(502, "reset"))
        .history(&["1 reset failed budget"])
        .with(|play| assert_eq!(play.group.state().retries_denied(), 1));
}

#[test]
fn budget_a_status_beyond_it_is_handed_on_as_it_is() {
    exhausted(ON)
        .begin(GET)
        .expect(connect(1))
        .sends()
        .answered(503)
        .history(&["1 ok delivered budget"])
        .with(|play| assert_eq!(play.group.state().retries_denied(), 1));
}

#[test]
fn budget_what_was_never_sent_is_free() {
    for never_sent in [refused(), connect_timed_out()] {
        let play = exhausted(ON)
            .policy(Policy::default())
            .begin(GET)
            .expect(connect(1));
        play.feed(never_sent).expect(connect(0)).abandon();
    }
    exhausted(ON)
        .begin(POST)
        .expect(connect(1))
        .sends()
        .feed(unsent())
        .expect(connect(0))
        .abandon();
}

#[test]
fn budget_a_replay_is_free() {
    exhausted(ON)
        .served(1, 1)
        .served(0, 2)
        .begin(GET)
        .expect(checkout(1, 1))
        .sends()
        .feed(fin())
        .expect(connect(1))
        .abandon();
}

#[test]
fn budget_comes_back_with_time_and_off_there_is_none() {
    exhausted(ON)
        .after(100)
        .begin(GET)
        .expect(connect(1))
        .sends()
        .feed(rst())
        .expect(connect(0))
        .abandon();
    let play = exhausted(Rules {
        budget: false,
        ..ON
    })
    .begin(GET)
    .expect(connect(1))
    .sends();
    play.feed(rst()).expect(connect(0)).abandon();
}

#[test]
fn idle_a_hint_is_honoured_less_a_margin() {
    let hinted = |rules| {
        let keep = Some(Keep {
            conn: ConnId(1),
            hint: Some(5_000),
            rtt: 1,
        });
        let play = Playbook::new(rules, &[peer()])
            .begin(GET)
            .expect(connect(0))
            .sends();
        play.feed(head(200))
            .expect(Step::Deliver)
            .feed(Event::Finished {
                sent: 40,
                received: 120,
                length: 20,
                died: None,
                keep,
            })
            .expect(Step::Done)
    };
    hinted(ON)
        .after(4_899)
        .begin(GET)
        .expect(checkout(0, 1))
        .abandon();
    hinted(ON)
        .after(4_900)
        .begin(GET)
        .expect(connect(0))
        .with(|play| assert_eq!(play.group.take_closing(), Some(ConnId(1))))
        .abandon();
    hinted(Rules { idle: false, ..ON })
        .after(4_900)
        .begin(GET)
        .expect(checkout(0, 1))
        .abandon();
}

// Three connections that the peer closed after 2 s of idling.
fn taught(rules: Rules) -> Playbook {
    let mut play = Playbook::new(rules, &[peer()]);
    for conn in 1..=3 {
        play = play.served(0, conn).after(2_000 + conn).with(|play| {
            assert!(play.group.idle_closed(ConnId(conn), true, play.now));
        });
    }
    play
}

#[test]
fn idle_a_time_out_is_learned_from_closes_and_then_kept_clear_of() {
    taught(ON)
        .with(|play| {
            assert_eq!(
                play.group.state().peer(0, play.now).learned_idle,
                Some(2_001)
            );
        })
        .served(0, 9)
        .after(1_800)
        .begin(GET)
        .expect(checkout(0, 9))
        .sends()
        .feed(head(200))
        .expect(Step::Deliver)
        .feed(kept(9))
        .expect(Step::Done)
        .after(1_920)
        .begin(GET)
        .expect(connect(0))
        .abandon();
    taught(Rules { idle: false, ..ON })
        .served(0, 9)
        .after(1_920)
        .begin(GET)
        .expect(checkout(0, 9))
        .abandon();
}

#[test]
fn idle_what_was_learned_is_forgotten_after_a_refused_connect() {
    taught(ON)
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(fail(502, "refused"))
        .with(|play| assert_eq!(play.group.state().peer(0, play.now).learned_idle, None))
        // Nor do the old closes count again.
        .served(0, 4)
        .after(2_000)
        .with(|play| {
            assert!(play.group.idle_closed(ConnId(4), true, play.now));
            assert_eq!(play.group.state().peer(0, play.now).learned_idle, None);
        });
}

#[test]
fn idle_a_stale_checkout_teaches_as_well_and_a_reset_does_not() {
    for (fin, learned) in [(true, Some(3_000)), (false, None)] {
        let mut play = Playbook::new(ON, &[peer()]);
        for conn in 1..=3 {
            play = play
                .served(0, conn)
                .after(3_000)
                .begin(GET)
                .expect(checkout(0, conn));
            play = play.feed(Event::Stale { fin }).expect(connect(0)).abandon();
        }
        play.with(|play| assert_eq!(play.group.state().peer(0, play.now).learned_idle, learned));
    }
}
