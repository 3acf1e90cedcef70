//! `resilience off`: nginx to the letter.

use surehop_engine::{Attempt, Balance, Cause, Event, PeerPlan, PeerStatus, Policy, Rules, Step};

use crate::harness::*;

const OFF: Rules = Rules::OFF;

#[test]
fn a_request_is_answered_and_its_connection_used_again() {
    Playbook::new(OFF, &[peer()])
        .begin(GET)
        .expect(connect(0))
        .after(3)
        .feed(Event::Connected)
        .expect(Step::Send)
        .after(20)
        .feed(head(200))
        .expect(Step::Deliver)
        .after(5)
        .feed(kept(7))
        .expect(Step::Done)
        .history(&["0 ok delivered plain"])
        .with(|play| {
            let Attempt {
                connect_time,
                header_time,
                response_time,
                ..
            } = play.session().attempts()[0];
            assert_eq!(
                (connect_time, header_time, response_time),
                (Some(3), Some(23), Some(28))
            );
        })
        .after(500)
        .begin(GET)
        .expect(checkout(0, 7))
        .feed(Event::Connected)
        .expect(Step::Send)
        .feed(head(404))
        .expect(Step::Deliver)
        .feed(finished())
        .expect(Step::Done)
        .with(|play| {
            let Attempt {
                reused,
                age,
                idle,
                requests,
                status,
                ..
            } = play.session().attempts()[0];
            assert_eq!(
                (reused, age, idle, requests, status),
                (true, 528, 500, 1, 404)
            );
        });
}

#[test]
fn incident_one_a_refused_peer_is_passed_over_and_comes_back_for_a_live_request() {
    Playbook::new(OFF, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .told(&[ejected(0, "refused")])
        .feed(Event::Connected)
        .expect(Step::Send)
        .feed(head(200))
        .expect(Step::Deliver)
        .feed(finished())
        .expect(Step::Done)
        .history(&["0 refused next next_upstream", "1 ok delivered plain"])
        .served(1, 1)
        .after(10_000)
        .served(1, 1)
        .after(1_000)
        // More than fail_timeout in whole seconds. Its weight has to grow back from 0 first, two turns long;
        // then a live request is the test, and nginx warns again.
        .served(1, 1)
        .served(1, 1)
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(checkout(1, 1))
        .told(&[ejected(0, "refused")])
        .feed(Event::Connected)
        .expect(Step::Send)
        .feed(head(200))
        .expect(Step::Deliver)
        .feed(finished())
        .expect(Step::Done);
}

#[test]
fn success_of_the_test_brings_a_peer_back_and_success_before_does_not() {
    Playbook::new(OFF, &[peer(), peer()])
        .request("slow")
        .begin(GET)
        .expect(connect(0))
        .feed(Event::Connected)
        .expect(Step::Send)
        .request("")
        .served(1, 1)
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(checkout(1, 1))
        .abandon()
        .request("slow")
        .feed(head(200))
        .expect(Step::Deliver)
        .feed(finished())
        .expect(Step::Done)
        .fails(0, 1)
        .after(11_000)
        .served(1, 1)
        .served(1, 1)
        .served(0, 2)
        .fails(0, 0)
        .is(0, PeerStatus::Available)
        .told(&[]);
}

#[test]
fn fail_timeout_is_a_quiet_time() {
    let two = PeerPlan {
        max_fails: 2,
        ..peer()
    };
    let refuse_first = |play: Playbook| {
        let mut play = play
            .begin(GET)
            .expect(connect(0))
            .feed(refused())
            .expect(connect(1));
        play = play
            .feed(Event::Connected)
            .expect(Step::Send)
            .feed(head(200));
        play.expect(Step::Deliver)
            .feed(finished())
            .expect(Step::Done)
    };
    let play = refuse_first(Playbook::new(OFF, &[two.clone(), two]))
        .told(&[])
        .fails(0, 1);
    // 9 s later the first failure still counts.
    refuse_first(play.after(9_000).served(1, 1).with(|play| {
        play.group.unpark();
    }))
    .told(&[ejected(0, "refused")]);
}

#[test]
fn max_fails_zero_never_takes_a_peer_out() {
    let stubborn = PeerPlan {
        max_fails: 0,
        ..peer()
    };
    Playbook::new(OFF, &[stubborn.clone(), stubborn])
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .feed(refused())
        .expect(fail(502, "refused"))
        .told(&[])
        .is(0, PeerStatus::Available)
        .served(1, 1)
        .served(0, 2);
}

#[test]
fn all_out_fails_at_once_without_an_attempt() {
    Playbook::new(OFF, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .feed(refused())
        .expect(fail(502, "refused"))
        .history(&[
            "0 refused next next_upstream",
            "1 refused failed next_upstream_tries",
        ])
        .told(&[ejected(0, "refused"), ejected(1, "refused")])
        .begin(GET)
        .expect(fail(502, "no_live"))
        .history(&["- no_live failed plain"])
        .with(|play| {
            let Attempt {
                status,
                connect_time,
                response_time,
                ..
            } = play.session().attempts()[0];
            assert_eq!((status, connect_time, response_time), (502, None, Some(0)));
        });
}

#[test]
fn a_failed_attempt_may_be_followed_by_no_live_upstreams() {
    Playbook::new(OFF, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .abandon()
        .begin(GET)
        .expect(connect(1))
        .feed(connect_timed_out())
        .expect(fail(502, "no_live"))
        .history(&[
            "1 connect_timed_out next next_upstream",
            "- no_live failed plain",
        ]);
}

#[test]
fn the_only_peer_is_never_out_and_never_warned_of() {
    let mut play = Playbook::new(OFF, &[peer()]);
    for _ in 0..3 {
        play = play
            .begin(GET)
            .expect(connect(0))
            .feed(refused())
            .expect(fail(502, "refused"))
            .told(&[]);
    }
    play.is(0, PeerStatus::Available)
        .begin(GET)
        .expect(connect(0))
        .feed(Event::Connected)
        .expect(Step::Send)
        .feed(timed_out())
        .expect(fail(504, "timed_out"));
}

#[test]
fn the_only_peer_gives_a_reused_connections_try_back() {
    Playbook::new(OFF, &[peer()])
        .served(0, 1)
        .begin(GET)
        .expect(checkout(0, 1))
        .feed(Event::Connected)
        .expect(Step::Send)
        .feed(fin())
        .expect(connect(0))
        .feed(Event::Connected)
        .expect(Step::Send)
        .feed(fin())
        .expect(fail(502, "closed"))
        .history(&[
            "0 reused_closed next next_upstream",
            "0 closed failed next_upstream_tries",
        ]);
}

#[test]
fn a_stale_connection_is_charged_to_its_peer() {
    Playbook::new(OFF, &[peer(), peer()])
        .served(0, 1)
        .served(1, 2)
        .begin(GET)
        .expect(checkout(0, 1))
        .feed(Event::Connected)
        .expect(Step::Send)
        .feed(rst())
        .expect(checkout(1, 2))
        .told(&[ejected(0, "reused_reset")])
        .feed(Event::Connected)
        .expect(Step::Send)
        .feed(fin())
        // Both tries were given back, but nobody is left.
        .expect(fail(502, "no_live"))
        .told(&[ejected(1, "reused_closed")]);
}

#[test]
fn a_post_that_was_begun_goes_no_further() {
    for event in [fin(), unsent()] {
        Playbook::new(OFF, &[peer(), peer()])
            .begin(POST)
            .expect(connect(0))
            .feed(Event::Connected)
            .expect(Step::Send)
            .feed(event)
            .with(|play| assert_eq!(play.session().attempts().len(), 1))
            .expect(fail(502, if event == fin() { "closed" } else { "reset" }))
            .told(&[ejected(0, if event == fin() { "closed" } else { "reset" })]);
    }
}

#[test]
fn a_post_that_was_refused_goes_on() {
    Playbook::new(OFF, &[peer(), peer()])
        .begin(POST)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .abandon();
}

#[test]
fn non_idempotent_lets_a_post_go_on() {
    Playbook::new(OFF, &[peer(), peer()])
        .policy(next("error non_idempotent"))
        .begin(POST)
        .expect(connect(0))
        .feed(Event::Connected)
        .expect(Step::Send)
        .feed(fin())
        .expect(connect(1))
        .abandon();
}

#[test]
fn a_body_that_is_gone_is_not_sent_again() {
    Playbook::new(OFF, &[peer(), peer()])
        .policy(next("error non_idempotent"))
        .begin(GET)
        .expect(connect(0))
        .feed(Event::Connected)
        .expect(Step::Send)
        .body_lost()
        .feed(fin())
        .expect(fail(502, "closed"))
        .history(&["0 closed failed request_buffering"]);
}

#[test]
fn each_failure_is_passed_on_by_its_own_word() {
    let cases = [
        ("error", refused(), true),
        ("timeout", refused(), false),
        ("timeout", connect_timed_out(), true),
        ("error", connect_timed_out(), false),
        ("off", refused(), false),
    ];
    for (words, event, goes_on) in cases {
        let play = Playbook::new(OFF, &[peer(), peer()]).policy(next(words));
        let play = play.begin(GET).expect(connect(0)).feed(event);
        if goes_on {
            play.expect(connect(1)).abandon();
        } else {
            let status = if event == refused() { 502 } else { 504 };
            let reason = if event == refused() {
                "refused"
            } else {
                "connect_timed_out"
            };
            play.expect(fail(status, reason))
                .told(&[ejected(0, reason)]);
        }
    }
}

#[test]
fn each_failure_after_connecting_too() {
    let cases = [
        ("error", half_a_head(), true),
        ("invalid_header", invalid(), true),
        ("error timeout", invalid(), false),
        ("timeout", timed_out(), true),
        ("error", timed_out(), false),
    ];
    for (words, event, goes_on) in cases {
        let play = Playbook::new(OFF, &[peer(), peer()]).policy(next(words));
        let play = play
            .begin(GET)
            .expect(connect(0))
            .feed(Event::Connected)
            .expect(Step::Send);
        let play = play.feed(event);
        if goes_on {
            play.expect(connect(1)).abandon();
        } else if event == invalid() {
            play.expect(fail(502, "invalid"));
        } else {
            play.expect(fail(504, "timed_out"));
        }
    }
}

#[test]
fn tries_are_the_peers_that_are_up_backups_included_and_capped() {
    let down = PeerPlan {
        down: true,
        ..peer()
    };
    let peers = [peer(), down, peer(), backup()];
    let play = Playbook::new(OFF, &peers)
        .begin(GET)
        .expect(connect(0))
        .feed(refused());
    let play = play
        .expect(connect(2))
        .feed(refused())
        .expect(connect(3))
        .feed(refused());
    drop(play.expect(fail(502, "refused")));
    Playbook::new(OFF, &peers)
        .policy(Policy {
            tries: 2,
            ..Policy::default()
        })
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(2))
        .feed(refused())
        .expect(fail(502, "refused"));
}

#[test]
fn the_time_for_all_tries_counts_from_the_first() {
    Playbook::new(OFF, &[peer(), peer()])
        .policy(Policy {
            timeout: 100,
            ..Policy::default()
        })
        .begin(GET)
        .expect(connect(0))
        .after(100)
        .feed(refused())
        .expect(fail(502, "refused"))
        .history(&["0 refused failed next_upstream_timeout"])
        .begin(GET)
        .expect(connect(1))
        .after(99)
        .feed(connect_timed_out())
        .expect(fail(502, "no_live"));
}

#[test]
fn a_listed_status_goes_on_while_a_try_is_left_and_then_passes_through() {
    let answer = |play: Playbook, status| {
        play.feed(Event::Connected)
            .expect(Step::Send)
            .feed(head(status))
    };
    let play = Playbook::new(OFF, &[peer(), peer()])
        .policy(next("http_503"))
        .begin(GET);
    let play = answer(play.expect(connect(0)), 503)
        .expect(connect(1))
        .told(&[ejected(0, "status")]);
    answer(play, 503)
        .expect(Step::Deliver)
        .feed(finished())
        .expect(Step::Done)
        .told(&[])
        .fails(1, 0)
        .history(&[
            "0 status next next_upstream",
            "1 ok delivered next_upstream_tries",
        ])
        .with(|play| {
            assert!(
                play.session()
                    .attempts()
                    .iter()
                    .all(|attempt| attempt.status == 503)
            );
        });
    let play = Playbook::new(OFF, &[peer(), peer()])
        .policy(next("http_404"))
        .begin(GET);
    answer(play.expect(connect(0)), 404)
        .expect(connect(1))
        .told(&[])
        .fails(0, 0)
        .abandon();
    let play = Playbook::new(OFF, &[peer(), peer()]).begin(GET);
    let play = answer(play.expect(connect(0)), 503)
        .expect(Step::Deliver)
        .feed(finished());
    play.expect(Step::Done).history(&["0 ok delivered plain"]);
    let play = Playbook::new(OFF, &[peer(), peer()])
        .policy(next("http_503"))
        .begin(POST);
    let play = answer(play.expect(connect(0)), 503)
        .expect(Step::Deliver)
        .feed(finished());
    play.expect(Step::Done)
        .history(&["0 ok delivered non_idempotent"])
        .fails(0, 0);
}

#[test]
fn backups_are_used_when_the_primaries_give_none_and_there_is_no_way_back() {
    Playbook::new(OFF, &[peer(), backup(), backup()])
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .feed(refused())
        .expect(connect(2))
        .abandon()
        .served(2, 1)
        .served(2, 1)
        .after(11_000)
        .served(0, 2);
}

#[test]
fn a_full_peer_is_passed_over() {
    let narrow = PeerPlan {
        max_conns: 1,
        ..peer()
    };
    Playbook::new(OFF, &[narrow.clone(), narrow])
        .request("a")
        .begin(GET)
        .expect(connect(0))
        .request("b")
        .begin(GET)
        .expect(connect(1))
        .request("c")
        .begin(GET)
        .expect(fail(502, "no_live"))
        .request("b")
        .abandon()
        .request("c")
        .begin(GET)
        .expect(connect(1))
        .abandon()
        .request("a")
        .abandon();
}

#[test]
fn a_body_that_breaks_off_is_no_failure() {
    let broken = Event::Finished {
        sent: 40,
        received: 120,
        length: 20,
        died: Some((Cause::Closed, 0)),
        keep: None,
    };
    let mut play = Playbook::new(OFF, &[peer(), peer()]);
    for turn in 0..4 {
        play = play
            .begin(GET)
            .expect(connect(turn % 2))
            .feed(Event::Connected)
            .expect(Step::Send);
        play = play
            .feed(head(200))
            .expect(Step::Deliver)
            .feed(broken)
            .expect(Step::Done);
        play = play
            .history(&[&format!("{} truncated delivered plain", turn % 2)])
            .told(&[]);
    }
    play.fails(0, 0).fails(1, 0);
}

#[test]
fn a_client_that_leaves_charges_nobody() {
    Playbook::new(OFF, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .feed(Event::Connected)
        .expect(Step::Send)
        .after(30)
        .abandon()
        .history(&["0 client_gone abandoned plain"])
        .fails(0, 0)
        .with(|play| assert_eq!(play.session().attempts()[0].response_time, Some(30)));
}

#[test]
fn a_stale_checkout_is_no_attempt() {
    Playbook::new(OFF, &[peer()])
        .served(0, 1)
        .request("beside")
        .begin(GET)
        .expect(checkout(0, 1))
        .feed(Event::Stale { fin: true })
        .expect(connect(0))
        .feed(Event::Connected)
        .expect(Step::Send)
        .feed(head(200))
        .expect(Step::Deliver)
        .feed(finished())
        .expect(Step::Done)
        .history(&["0 ok delivered plain"])
        .with(|play| assert!(!play.session().attempts()[0].reused));
}

#[test]
fn least_conn_prefers_the_idle_and_turns_among_equals() {
    let mut busy = plan(
        OFF,
        &[
            peer(),
            PeerPlan {
                weight: 2,
                ..peer()
            },
            peer(),
        ],
    );
    busy.balance = Balance::LeastConn;
    Playbook::of(busy)
        .request("a")
        .begin(GET)
        .expect(connect(1))
        .request("b")
        .begin(GET)
        .expect(connect(0))
        .request("c")
        .begin(GET)
        .expect(connect(2))
        // 1/1, 1/2, 1/1: the heavy one has room.
        .request("d")
        .begin(GET)
        .expect(connect(1))
        .abandon()
        .request("a")
        .abandon()
        .request("b")
        .abandon()
        .request("c")
        .abandon();
}
