//! `resilience on`: probes, the last peer, trials.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use surehop_engine::{
    Cause, Event, Notice, PeerPlan, PeerStatus, Phase, Policy, Reason, Rules, Step, Verdict,
};

use crate::harness::*;

const ON: Rules = Rules::ON;

fn recovered(peer: u32, out_for: u64, probes: u32) -> Notice {
    Notice::Recovered {
        peer,
        out_for,
        probes,
    }
}

// Peer 0 was refused, peer 1 answered.
fn one_refused(rules: Rules) -> Playbook {
    let play = Playbook::new(rules, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0));
    play.feed(refused())
        .expect(connect(1))
        .told(&[ejected(0, "refused")])
        .sends()
        .answered(200)
}

#[test]
fn probe_a_refused_peer_waits_for_a_background_connect() {
    let mut play = one_refused(ON);
    for _ in 0..30 {
        play = play.after(1_000).served(1, 1);
    }
    play.is(0, PeerStatus::Ejected);
}

#[test]
fn probe_off_a_live_request_is_the_test() {
    one_refused(Rules { probe: false, ..ON })
        .after(11_000)
        .served(1, 1)
        .served(1, 1)
        .begin(GET)
        .expect(connect(0))
        .with(|play| assert!(play.session().attempts()[0].trial))
        .feed(refused())
        .expect(checkout(1, 1))
        // It was out all the time; once is enough.
        .told(&[])
        .abandon();
}

#[test]
fn probe_is_for_whatever_kept_a_connection_from_being_made() {
    for (cause, reason) in [
        (Cause::Refused, "refused"),
        (Cause::Unreachable, "unreachable"),
        (Cause::TimedOut, "connect_timed_out"),
        (Cause::Other, "connect_failed"),
    ] {
        Playbook::new(ON, &[peer(), peer()])
            .begin(GET)
            .expect(connect(0))
            .feed(Event::ConnectFailed {
                phase: Phase::Connect,
                cause,
                errno: 1,
            })
            .expect(connect(1))
            .told(&[ejected(0, reason)])
            .with(|play| assert!(play.group.state().next_probe().is_some(), "{reason}"))
            .abandon();
    }
}

#[test]
fn attribution_what_this_machine_lacks_is_no_failure_of_the_peers() {
    let no_ports = Event::ConnectFailed {
        phase: Phase::Connect,
        cause: Cause::NoPorts,
        errno: 99,
    };
    Playbook::new(ON, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .feed(no_ports)
        .expect(connect(1))
        .told(&[])
        .is(0, PeerStatus::Available)
        .abandon();
    // nginx makes no difference. A connect from here proves nothing meanwhile, so nobody probes.
    Playbook::new(
        Rules {
            attribution: false,
            ..ON
        },
        &[peer(), peer()],
    )
    .begin(GET)
    .expect(connect(0))
    .feed(no_ports)
    .expect(connect(1))
    .told(&[ejected(0, "no_ports")])
    .with(|play| assert!(play.group.state().next_probe().is_none()))
    .abandon();
}

#[test]
fn what_can_not_be_begun_ends_the_request_and_charges_nobody() {
    for rules in [ON, Rules::OFF] {
        Playbook::new(rules, &[peer(), peer()])
            .begin(GET)
            .expect(connect(0))
            .give_up(Cause::NoRoom)
            .with(|play| {
                let attempt = play.session().attempts()[0];
                assert_eq!(attempt.reason, Reason::NoRoom);
                assert_eq!(attempt.verdict, Verdict::Failed);
                assert_eq!(play.group.state().peer(0, play.now).conns, 0);
            })
            .told(&[])
            .is(0, PeerStatus::Available);
    }
}

#[test]
fn probe_waits_double_up_to_fifteen_seconds_and_success_ends_them() {
    one_refused(ON)
        .with(|play| {
            let under_way = AtomicU32::new(0);
            let state = play.group.state();
            let mut now = play.now;
            let mut waits = Vec::new();
            for _ in 0..6 {
                let due = state.next_probe().expect("it waits");
                waits.push(due - now);
                assert_eq!(state.claim_probe(due - 1, &under_way), None, "too early");
                let probe = state.claim_probe(due, &under_way).expect("it is due");
                assert_eq!(state.peer(0, due).status, PeerStatus::Probing);
                assert_eq!(
                    state.claim_probe(due, &under_way),
                    None,
                    "one prober a peer"
                );
                state.probe_failed(probe, due, 0, &under_way);
                now = due;
            }
            assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
            let probe = state
                .claim_probe(now + 15_000, &under_way)
                .expect("it is due");
            let back = state
                .probe_succeeded(probe, now + 15_000, &under_way)
                .expect("it is back");
            assert_eq!((back.out_for, back.probes), (60_000, 7));
            assert_eq!((under_way.load(Relaxed), state.next_probe()), (0, None));
            play.now = now + 15_000;
        })
        .is(0, PeerStatus::Available)
        .fails(0, 0)
        .served(1, 1)
        .served(1, 1)
        .served(0, 2);
}

#[test]
fn probe_other_failures_follow_fail_timeout_and_tell_when_they_end() {
    Playbook::new(ON, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(timed_out())
        .expect(connect(1))
        .told(&[ejected(0, "timed_out")])
        .sends()
        .answered(200)
        .with(|play| assert_eq!(play.group.state().next_probe(), None))
        .after(10_000)
        .served(1, 1)
        .after(1_000)
        .served(1, 1)
        .served(1, 1)
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(head(200))
        .expect(Step::Deliver)
        .told(&[recovered(0, 11_000, 0)])
        .feed(finished())
        .expect(Step::Done);
}

#[test]
fn last_peer_is_not_taken_out_by_what_came_after_connecting() {
    for event in [timed_out(), rst(), invalid(), half_a_head()] {
        let mut play = one_refused(ON);
        for _ in 0..3 {
            play = play.begin(GET).expect(connect(1)).sends().feed(event);
            let Some(step @ Step::Fail { .. }) = play.step() else {
                panic!("{:?}", play.step())
            };
            play = play.expect(step).told(&[]).is(1, PeerStatus::Available);
        }
    }
}

#[test]
fn last_peer_is_one_failure_from_going_once_another_is_back() {
    let twice = PeerPlan {
        max_fails: 2,
        ..peer()
    };
    let fail_once = |play: Playbook| {
        let play = play.begin(GET).expect(connect(1)).sends();
        play.feed(timed_out())
    };
    let mut play = Playbook::new(ON, &[peer(), twice])
        .begin(GET)
        .expect(connect(0));
    play = play.feed(refused()).expect(connect(1)).abandon();
    for _ in 0..3 {
        play = fail_once(play).expect(fail(502, "no_live")).fails(1, 1);
    }
    play = play.with(|play| {
        let under_way = AtomicU32::new(0);
        play.now += 1_000;
        let probe = play
            .group
            .state()
            .claim_probe(play.now, &under_way)
            .expect("it is due");
        assert!(
            play.group
                .state()
                .probe_succeeded(probe, play.now, &under_way)
                .is_some()
        );
    });
    fail_once(play)
        .expect(connect(0))
        .told(&[ejected(1, "timed_out")])
        .abandon();
}

#[test]
fn last_peer_off_the_last_one_goes_out_as_well() {
    one_refused(Rules {
        last_peer: false,
        ..ON
    })
    .begin(GET)
    .expect(connect(1))
    .sends()
    .feed(timed_out())
    .expect(fail(502, "no_live"))
    .told(&[ejected(1, "timed_out")])
    .begin(GET)
    .expect(fail(502, "no_live"))
    .history(&["- no_live failed plain"]);
}

#[test]
fn last_peer_is_judged_over_primaries_and_backups() {
    Playbook::new(ON, &[peer(), backup()])
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(timed_out())
        .expect(connect(1))
        .told(&[ejected(0, "timed_out")])
        .sends()
        .feed(timed_out())
        .expect(fail(504, "timed_out"))
        .told(&[])
        .is(1, PeerStatus::Available);
}

#[test]
fn last_peer_a_group_of_one_is_never_out() {
    let down = PeerPlan {
        down: true,
        ..peer()
    };
    let mut play = Playbook::new(ON, &[down.clone(), peer()]);
    for _ in 0..3 {
        play = play
            .begin(GET)
            .expect(connect(1))
            .feed(refused())
            .expect(fail(502, "refused"));
        play = play.told(&[]).is(1, PeerStatus::Available);
    }
    let play = Playbook::new(Rules::OFF, &[down, peer()])
        .begin(GET)
        .expect(connect(1));
    play.feed(refused())
        .expect(fail(502, "refused"))
        .told(&[ejected(1, "refused")]);
}

// Both peers refused: nobody is left.
fn all_out() -> Playbook {
    Playbook::new(ON, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .feed(refused())
        .expect(fail(502, "refused"))
        .told(&[ejected(0, "refused"), ejected(1, "refused")])
}

#[test]
fn trial_one_a_peer_at_a_time_and_the_rest_fail_fast() {
    all_out()
        .request("a")
        .begin(GET)
        .expect(connect(0))
        .request("b")
        .begin(GET)
        .expect(connect(1))
        .request("c")
        .begin(GET)
        .expect(fail(502, "no_live"))
        .history(&["- no_live failed last_peer"])
        .request("a")
        .sends()
        .feed(head(200))
        .expect(Step::Deliver)
        // Its body may take long; the peer is back all the same.
        .told(&[recovered(0, 0, 0)])
        .request("c")
        .begin(GET)
        .expect(connect(0))
        .abandon()
        .request("b")
        .abandon()
        .request("a")
        .feed(finished())
        .expect(Step::Done);
}

#[test]
fn trial_that_fails_or_is_abandoned_leaves_the_peer_out_and_free_for_the_next() {
    all_out()
        .begin(GET)
        .expect(connect(0))
        .abandon()
        .is(0, PeerStatus::Ejected)
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .feed(refused())
        .expect(fail(502, "refused"))
        .told(&[])
        .begin(GET)
        .expect(connect(0))
        .sends()
        .answered(200)
        .told(&[recovered(0, 0, 0)]);
}

#[test]
fn trial_that_connects_and_then_fails_shows_that_a_probe_would_prove_nothing() {
    all_out()
        .policy(Policy {
            tries: 1,
            ..Policy::default()
        })
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(timed_out())
        .expect(fail(504, "timed_out"))
        .with(|play| {
            let under_way = AtomicU32::new(0);
            let probe = play.group.state().claim_probe(play.now + 1_000, &under_way);
            assert_eq!(probe.map(|probe| probe.peer), Some(1));
        })
        // Where a connect did not just fail comes first.
        .begin(GET)
        .expect(connect(0))
        .abandon();
}

#[test]
fn trial_off_there_is_none() {
    let off = Rules {
        last_peer: false,
        ..ON
    };
    let play = Playbook::new(off, &[peer(), peer()])
        .begin(GET)
        .expect(connect(0))
        .feed(refused());
    let play = play
        .expect(connect(1))
        .feed(refused())
        .expect(fail(502, "refused"));
    play.after(60_000).begin(GET).expect(fail(502, "no_live"));
}

#[test]
fn trial_half_open_is_one_request_at_a_time() {
    Playbook::new(ON, &[peer(), backup()])
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(timed_out())
        .expect(connect(1))
        .sends()
        .answered(200)
        .after(11_000)
        .request("test")
        .begin(GET)
        .expect(connect(0))
        .after(11_000)
        .request("")
        .begin(GET)
        .expect(connect(1))
        .abandon()
        .request("test")
        .feed(Event::Connected)
        .expect(Step::Send)
        .abandon();
}

#[test]
fn trial_stands_beside_a_prober_and_the_later_of_the_two_changes_nothing() {
    all_out()
        .after(1_000)
        .begin(GET)
        .expect(connect(0))
        .with(|play| {
            let under_way = AtomicU32::new(0);
            let probe = play
                .group
                .state()
                .claim_probe(play.now, &under_way)
                .expect("it is due");
            let peer = play.group.state().peer(probe.peer, play.now);
            assert_eq!((probe.peer, peer.status), (0, PeerStatus::Probing));
            let back = play
                .group
                .state()
                .probe_succeeded(probe, play.now, &under_way);
            assert_eq!(back.map(|back| back.probes), Some(1));
        })
        .sends()
        .answered(200)
        .told(&[])
        .is(0, PeerStatus::Available);
}
