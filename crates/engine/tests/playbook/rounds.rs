//! A client's retries: rounds, what begins another, the wait before it.

use surehop_engine::{
    Backoff, Cause, ConnId, Event, Facts, FailureSet, Keep, PeerPlan, Phase, Policy, Rules, Step,
};

use crate::harness::*;

const ON: Rules = Rules::ON;
fn again(words: &str) -> FailureSet {
    let sets = words.split(' ').map(|word| {
        FailureSet::from_client_word(word).unwrap_or_else(|| panic!("`{word}` is no word"))
    });
    sets.fold(FailureSet::NONE, FailureSet::with)
}

/// A client's policy without a wait.
pub(crate) fn retrying(rounds: u32, words: &str) -> Policy {
    Policy {
        rounds,
        again: again(words),
        refunds: false,
        ..Policy::default()
    }
}

pub(crate) fn one(policy: Policy) -> Playbook {
    Playbook::new(ON, &[peer()]).policy(policy)
}

pub(crate) fn two(policy: Policy) -> Playbook {
    Playbook::new(ON, &[peer(), peer()]).policy(policy)
}

// No failure takes it out.
pub(crate) fn stubborn() -> PeerPlan {
    PeerPlan {
        max_fails: 0,
        ..peer()
    }
}

fn failed_at(phase: Phase, cause: Cause) -> Event {
    Event::ConnectFailed {
        phase,
        cause,
        errno: 0,
    }
}

pub(crate) fn later(status: u16, wait: u64) -> Event {
    Event::Head {
        status,
        retry_after: Some(wait),
        sent: 40,
        received: 100,
    }
}

#[test]
fn a_group_of_one_has_a_try_a_round_and_no_more_rounds_than_it_may() {
    one(retrying(3, "error"))
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(0))
        .feed(refused())
        .expect(connect(0))
        .feed(refused())
        .expect(fail(502, "refused"))
        .history(&[
            "0 refused next retry",
            "0 refused next retry",
            "0 refused failed rounds",
        ])
        .fails(0, 0);
}

#[test]
fn without_rounds_the_end_is_nginxs() {
    one(retrying(1, "error"))
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(fail(502, "refused"))
        .history(&["0 refused failed next_upstream_tries"]);
}

#[test]
fn what_is_not_listed_ends_the_request_and_says_so() {
    one(retrying(3, "timeout"))
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(fail(502, "refused"))
        .history(&["0 refused failed retry"]);
}

#[test]
fn a_round_tries_every_peer_at_once_and_the_next_begins_after_a_wait() {
    let policy = Policy {
        backoff: Some(Backoff {
            base: 100,
            cap: 100,
        }),
        ..retrying(2, "error")
    };
    let play = two(policy)
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .feed(refused());
    let play = match play.step() {
        Some(step @ Step::Sleep { .. }) => play.expect(step).after(100).feed(Event::Slept),
        other => panic!("{other:?}"),
    };
    play.expect(connect(0))
        .history(&[
            "0 refused next next_upstream",
            "1 refused next retry",
            "0 pending pending plain",
        ])
        .abandon();
}

#[test]
fn a_failure_that_no_peer_is_tried_for_ends_the_round_early() {
    let policy = Policy {
        next_upstream: FailureSet::NONE,
        ..retrying(2, "error")
    };
    two(policy)
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .feed(refused())
        .expect(fail(502, "refused"))
        .history(&["0 refused next retry", "1 refused failed rounds"]);
}

#[test]
fn a_round_without_another_live_peer_ends_with_the_failure_it_had() {
    let busy = PeerPlan {
        max_conns: 1,
        ..stubborn()
    };
    let play = Playbook::new(ON, &[stubborn(), busy]).policy(retrying(2, "error"));
    let play = play.begin(GET).expect(connect(0)).request("busy");
    let play = play.begin(GET).expect(connect(1)).request("");
    play.feed(refused())
        .expect(connect(0))
        .history(&["0 refused next retry", "0 pending pending plain"])
        .abandon()
        .request("busy")
        .abandon();
}

#[test]
fn nobody_to_choose_is_an_error_like_another() {
    let full = || PeerPlan {
        max_conns: 1,
        ..peer()
    };
    let play = Playbook::new(ON, &[full(), full()]).policy(retrying(2, "error"));
    let play = play.request("a").begin(GET).expect(connect(0));
    let play = play.request("b").begin(GET).expect(connect(1));
    play.request("c")
        .begin(GET)
        .expect(fail(502, "no_live"))
        .history(&["- no_live next retry", "- no_live failed rounds"])
        .request("a")
        .abandon()
        .request("b")
        .abandon();
}

#[test]
fn every_word_lists_its_own_failure_and_no_other() {
    let deaths = [
        ("resolve", failed_at(Phase::Resolve, Cause::NotFound)),
        ("resolve", failed_at(Phase::Resolve, Cause::TryAgain)),
        ("error", refused()),
        ("connect_timeout", connect_timed_out()),
        ("unreachable", failed_at(Phase::Connect, Cause::Unreachable)),
        ("certificate", failed_at(Phase::Tls, Cause::Certificate)),
        ("certificate", failed_at(Phase::Tls, Cause::Tls)),
        ("error", failed_at(Phase::Tls, Cause::Reset)),
        (
            "attempt_timeout",
            failed_at(Phase::Connect, Cause::AttemptTimedOut),
        ),
    ];
    let words = [
        "resolve",
        "error",
        "connect_timeout",
        "unreachable",
        "certificate",
        "attempt_timeout",
        "timeout",
    ];
    for (kind, death) in deaths {
        for word in words {
            let play = one(retrying(2, word)).begin(POST).expect(connect(0));
            let play = play.feed(death);
            if word == kind {
                play.expect(connect(0)).abandon();
            } else {
                let step = play.step().expect("a step");
                assert!(matches!(step, Step::Fail { .. }), "{word} {death:?}");
                play.expect(step);
            }
        }
    }
}

#[test]
fn an_attempt_says_where_it_failed_and_why() {
    let reasons = [
        (Phase::Resolve, Cause::NotFound, 502, "resolve_failed"),
        (Phase::Tls, Cause::Certificate, 502, "untrusted"),
        (Phase::Tls, Cause::Closed, 502, "tls_failed"),
        (Phase::Tls, Cause::TimedOut, 504, "connect_timed_out"),
        (Phase::Tls, Cause::AttemptTimedOut, 504, "attempt_timed_out"),
    ];
    for (phase, cause, status, reason) in reasons {
        one(Policy::default())
            .begin(GET)
            .expect(connect(0))
            .feed(failed_at(phase, cause))
            .expect(fail(status, reason))
            .with(|play| {
                let last = play.session().attempts().last().expect("an attempt");
                assert_eq!((last.phase, last.cause), (phase, Some(cause)));
            });
    }
}

#[test]
fn a_status_is_retried_where_it_is_listed_and_the_last_is_handed_on() {
    for status in [500, 501, 503, 599] {
        one(retrying(2, "http_5xx"))
            .begin(GET)
            .expect(connect(0))
            .sends()
            .feed(head(status))
            .expect(connect(0))
            .sends()
            .answered(status)
            .history(&["0 status next retry", "0 ok delivered rounds"]);
    }
    one(retrying(2, "http_5xx"))
        .begin(GET)
        .expect(connect(0))
        .sends()
        .answered(429)
        .history(&["0 ok delivered plain"]);
}

#[test]
fn a_status_that_is_only_retried_charges_nobody() {
    two(retrying(2, "http_5xx http_429"))
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(head(503))
        .expect(connect(1))
        .fails(0, 0)
        .sends()
        .answered(200);
}

#[test]
fn a_post_that_was_sent_is_retried_only_with_a_key_or_leave() {
    let posted = |policy, facts| {
        let play = one(policy).begin(facts).expect(connect(0)).sends();
        play.feed(fin())
    };
    posted(retrying(2, "error"), POST)
        .expect(fail(502, "closed"))
        .history(&["0 closed failed non_idempotent"]);
    posted(retrying(2, "error non_idempotent"), POST)
        .expect(connect(0))
        .abandon();
    posted(retrying(2, "error"), KEYED)
        .expect(connect(0))
        .abandon();
    let lost = Facts {
        replayable: false,
        ..GET
    };
    posted(retrying(2, "error"), lost)
        .expect(fail(502, "closed"))
        .history(&["0 closed failed request_buffering"]);
}

#[test]
fn a_replay_is_no_round_whoever_is_alone() {
    for death in [fin(), rst()] {
        for (facts, words, replayed) in [
            (GET, "error", true),
            (KEYED, "error", true),
            (POST, "error non_idempotent", true),
            (POST, "error", false),
        ] {
            let play = one(retrying(1, words)).served(0, 1);
            let play = play.begin(facts).expect(checkout(0, 1)).sends();
            let play = play.feed(death);
            if replayed {
                play.expect(connect(0)).sends().answered(200).fails(0, 0);
            } else {
                let step = play.step().expect("a step");
                play.expect(step)
                    .with(|play| {
                        let last = play.session().attempts().last().expect("an attempt");
                        assert_eq!(last.rule.word(), "non_idempotent");
                    })
                    .fails(0, 0);
            }
        }
    }
}

#[test]
fn a_kept_connection_that_dies_in_the_answer_is_a_failure_and_its_try_is_not_given_back() {
    let play = one(retrying(1, "error")).served(0, 1);
    play.begin(GET)
        .expect(checkout(0, 1))
        .sends()
        .feed(half_a_head())
        .expect(fail(502, "closed"))
        .history(&["0 closed failed next_upstream_tries"]);
}

#[test]
fn a_reused_connection_tells_its_last_hint() {
    let keep = Some(Keep {
        conn: ConnId(1),
        hint: Some(5_000),
        rtt: 1,
    });
    let play = one(Policy::default())
        .begin(GET)
        .expect(connect(0))
        .with(|play| assert_eq!(play.session().attempts()[0].hint, None))
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
        .after(20)
        .begin(GET)
        .expect(checkout(0, 1))
        .with(|play| assert_eq!(play.session().attempts()[0].hint, Some(5_000)))
        .feed(Event::Stale { fin: true })
        .expect(connect(0))
        .with(|play| assert_eq!(play.session().attempts()[0].hint, None))
        .abandon();
}

#[test]
fn retry_after_is_waited_for_where_it_is_longer() {
    let policy = Policy {
        retry_after: Some(30_000),
        ..retrying(2, "http_503")
    };
    one(policy.clone())
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(later(503, 2_000))
        .expect(Step::Sleep {
            until: START + 2_000,
        })
        .after(2_000)
        .feed(Event::Slept)
        .expect(connect(0))
        .abandon();
    // Nobody asked for it to be honoured.
    one(retrying(2, "http_503"))
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(later(503, 2_000))
        .expect(connect(0))
        .abandon();
    one(policy.clone())
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(later(503, 30_001))
        .expect(Step::Deliver)
        .feed(finished())
        .expect(Step::Done)
        .history(&["0 ok delivered retry_after"]);
    one(Policy {
        timeout: 1_500,
        ..policy
    })
    .begin(GET)
    .expect(connect(0))
    .sends()
    .feed(later(503, 1_500))
    .expect(Step::Deliver)
    .feed(finished())
    .expect(Step::Done)
    .history(&["0 ok delivered next_upstream_timeout"]);
}

#[test]
fn a_wait_that_passes_the_deadline_ends_the_request_at_once() {
    // The wait is drawn from 0 to 10^12 ms: to be within 100 ms would be a miracle.
    let policy = Policy {
        timeout: 100,
        backoff: Some(Backoff {
            base: 1_000_000_000_000,
            cap: 1_000_000_000_000,
        }),
        ..retrying(9, "error http_503")
    };
    one(policy.clone())
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(fail(502, "refused"))
        .history(&["0 refused failed next_upstream_timeout"]);
    one(policy)
        .begin(GET)
        .expect(connect(0))
        .sends()
        .answered(503)
        .history(&["0 ok delivered next_upstream_timeout"]);
}

#[test]
fn the_bound_of_the_wait_doubles_by_rounds() {
    let backoff = Backoff {
        base: 100,
        cap: 400,
    };
    let mut longest = [0; 4];
    let mut play = one(Policy {
        backoff: Some(backoff),
        ..retrying(5, "error")
    });
    for _ in 0..200 {
        play = play.begin(GET).expect(connect(0));
        for longest in &mut longest {
            play = play.feed(refused());
            let waited = match play.step() {
                Some(Step::Sleep { until }) => until - play.now,
                _ => 0,
            };
            *longest = waited.max(*longest);
            if waited > 0 {
                let until = play.now + waited;
                play = play
                    .expect(Step::Sleep { until })
                    .after(waited)
                    .feed(Event::Slept);
            }
            play = play.expect(connect(0));
        }
        play = play.abandon();
    }
    for (bound, longest) in [100, 200, 400, 400].into_iter().zip(longest) {
        assert!(
            longest <= bound && longest > bound * 3 / 4,
            "{longest} of {bound}"
        );
    }
}

#[test]
fn the_budget_pays_for_rounds_too() {
    // 100 in reserve and a fifth of the requests.
    let mut play = one(retrying(200, "http_503"));
    play = play.begin(GET).expect(connect(0));
    for _ in 0..100 {
        play = play.sends().feed(head(503)).expect(connect(0));
    }
    play.sends().answered(503).with(|play| {
        let last = play.session().attempts().last().expect("an attempt");
        assert_eq!(last.rule.word(), "budget");
        assert_eq!(play.group.state().retries_denied(), 1);
    });
}

#[test]
fn failing_over_and_then_another_round_is_paid_for_once() {
    let full = PeerPlan {
        max_conns: 1,
        ..stubborn()
    };
    let play = Playbook::new(ON, &[stubborn(), full]).policy(retrying(2, "timeout"));
    let play = play.request("busy").begin(GET).expect(connect(0));
    let play = play.request("hold").begin(GET).expect(connect(1));
    let before = play.group.state().budget(START);
    play.request("busy")
        .sends()
        .feed(timed_out())
        .expect(connect(0))
        .with(|play| assert_eq!(play.group.state().budget(START), before - 1))
        .abandon()
        .request("hold")
        .abandon();
}

#[test]
fn backoff_waits_and_then_goes_on_within_the_time() {
    let waiting = |timeout| Policy {
        backoff: Some(Backoff {
            base: 100,
            cap: 1_000,
        }),
        timeout,
        rounds: 2,
        again: again("error"),
        tries: 1,
        ..Policy::default()
    };
    let mut play = Playbook::new(ON, &[peer(), peer()]).policy(waiting(0));
    play = play.begin(GET).expect(connect(0)).feed(refused());
    let until = match play.step() {
        Some(Step::Sleep { until }) => until,
        other => panic!("{other:?}"),
    };
    assert!(until > START && until <= START + 100, "{until}");
    play.expect(Step::Sleep { until })
        .after(100)
        .feed(Event::Slept)
        .expect(connect(1))
        .abandon();
    // One that wakes too late begins no try.
    Playbook::new(ON, &[peer(), peer()])
        .policy(waiting(200))
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(Step::Sleep { until })
        .after(200)
        .feed(Event::Slept)
        .expect(fail(502, "refused"))
        .history(&["0 refused failed next_upstream_timeout"]);
}
