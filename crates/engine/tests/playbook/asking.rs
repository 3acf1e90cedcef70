//! A caller's own condition: when it is asked, what it is told, what it can't overrule.

use surehop_engine::{ConnId, Event, Keep, Policy, Rules, Session, Step};

use crate::harness::*;
use crate::rounds::{later, one, retrying, stubborn};

const ON: Rules = Rules::ON;
const YES: Event = Event::Answered {
    retry: true,
    delay: None,
};
const NO: Event = Event::Answered {
    retry: false,
    delay: None,
};

fn asking(rounds: u32) -> Policy {
    Policy {
        ask: true,
        ..retrying(rounds, "error")
    }
}

#[test]
fn the_caller_is_asked_at_the_end_of_a_round_whatever_is_listed() {
    Playbook::new(ON, &[stubborn(), stubborn()])
        .policy(asking(2))
        .begin(GET)
        .expect(connect(0))
        .feed(refused())
        .expect(connect(1))
        .sends()
        .feed(invalid())
        .expect(Step::Ask { wait: 0 })
        .feed(YES)
        .expect(connect(1))
        .feed(refused())
        .expect(connect(0))
        .feed(refused())
        .expect(fail(502, "refused"))
        .history(&[
            "0 refused next next_upstream",
            "1 invalid next ask",
            "1 refused next next_upstream",
            "0 refused failed rounds",
        ]);
}

#[test]
fn the_caller_is_asked_about_answers_from_400_on_or_about_all() {
    for (always, status, asked) in [
        (false, 200, false),
        (false, 399, false),
        (false, 400, true),
        (true, 200, true),
    ] {
        let policy = Policy {
            ask_always: always,
            ..asking(2)
        };
        let play = one(policy).begin(GET).expect(connect(0)).sends();
        let play = play.feed(head(status));
        let play = if asked {
            play.expect(Step::Ask { wait: 0 }).feed(NO)
        } else {
            play
        };
        play.expect(Step::Deliver)
            .feed(finished())
            .expect(Step::Done);
    }
    // Nobody can do anything about the last.
    one(asking(1))
        .begin(GET)
        .expect(connect(0))
        .sends()
        .answered(500);
}

#[test]
fn the_caller_is_told_the_wait_and_may_choose_another_but_not_against_retry_after() {
    let policy = Policy {
        retry_after: Some(9_000),
        ..asking(2)
    };
    let asked = || {
        let play = one(policy.clone()).begin(GET).expect(connect(0)).sends();
        play.feed(later(503, 700)).expect(Step::Ask { wait: 700 })
    };
    for (delay, waited) in [(None, 700), (Some(1_000), 1_000), (Some(5), 700)] {
        asked()
            .feed(Event::Answered { retry: true, delay })
            .expect(Step::Sleep {
                until: START + waited,
            })
            .abandon();
    }
    one(policy)
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(later(503, 9_001))
        .expect(Step::Deliver)
        .feed(finished())
        .expect(Step::Done)
        .history(&["0 ok delivered retry_after"]);
}

#[test]
fn an_answer_that_was_read_while_it_waits_leaves_its_connection_to_others() {
    let policy = Policy {
        retry_after: Some(9_000),
        ..retrying(2, "http_503")
    };
    let mut session = Session::new();
    one(policy).with(|play| {
        let (group, policy, now) = (&mut play.group, &play.policy, play.now);
        session.begin(group, policy, GET, 0, now);
        session.on(group, policy, now, Event::Connected);
        let step = session.on(group, policy, now, later(503, 10));
        assert_eq!(step, Step::Sleep { until: now + 10 });
        let keep = Keep {
            conn: ConnId(4),
            hint: None,
            rtt: 1,
        };
        session.keep(group, keep, now);
        let step = session.on(group, policy, now + 10, Event::Slept);
        assert_eq!(step, checkout(0, 4));
        session.abandon(group, now + 10);
    });
}

#[test]
fn the_answer_widens_conditions_but_never_safety() {
    let asking = |facts| {
        let policy = Policy {
            ask: true,
            rounds: 2,
            ..next("off")
        };
        Playbook::new(ON, &[peer(), peer()])
            .policy(policy)
            .begin(facts)
            .expect(connect(0))
            .sends()
    };
    asking(GET)
        .feed(rst())
        .expect(Step::Ask { wait: 0 })
        .feed(YES)
        .expect(connect(1))
        .abandon();
    asking(GET)
        .feed(rst())
        .expect(Step::Ask { wait: 0 })
        .feed(NO)
        .expect(fail(502, "reset"));
    asking(POST)
        .feed(rst())
        .expect(fail(502, "reset"))
        .history(&["0 reset failed non_idempotent"]);
    asking(GET)
        .feed(rst())
        .expect(Step::Ask { wait: 0 })
        .body_lost()
        .feed(YES)
        .expect(fail(502, "reset"))
        .history(&["0 reset failed request_buffering"]);
    asking(GET)
        .feed(head(418))
        .expect(Step::Ask { wait: 0 })
        .fails(0, 0)
        .feed(NO)
        .expect(Step::Deliver)
        .feed(finished())
        .expect(Step::Done)
        .history(&["0 ok delivered ask"]);
    asking(GET)
        .feed(rst())
        .expect(Step::Ask { wait: 0 })
        .feed(Event::Answered {
            retry: true,
            delay: Some(30),
        })
        .expect(Step::Sleep { until: START + 30 })
        .after(30)
        .feed(Event::Slept)
        .expect(connect(1))
        .abandon();
}

#[test]
fn a_client_that_leaves_during_a_wait_leaves_nothing_behind() {
    let policy = Policy {
        ask: true,
        rounds: 2,
        tries: 1,
        ..Policy::default()
    };
    Playbook::new(ON, &[peer(), peer()])
        .policy(policy)
        .begin(GET)
        .expect(connect(0))
        .sends()
        .feed(rst())
        .expect(Step::Ask { wait: 0 })
        .abandon()
        .history(&["0 reset abandoned plain"])
        .told(&[ejected(0, "reset")]);
}
