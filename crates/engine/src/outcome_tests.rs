use super::*;
use std::collections::HashSet;

#[test]
fn the_vocabulary_names_every_enum_of_this_file() {
    let source = include_str!("outcome.rs");
    let defined: HashSet<&str> = source
        .split("\nwords! {\n")
        .skip(1)
        .filter_map(|block| block.lines().find(|line| line.ends_with(" {")))
        .map(|line| line.trim().trim_end_matches(" {"))
        .collect();
    let named: HashSet<&str> = vocabulary().iter().map(|(name, _)| *name).collect();
    assert_eq!(defined, named);
}

#[test]
fn words_are_unique_lower_case_and_explained() {
    for (name, table) in vocabulary() {
        let mut seen = HashSet::new();
        for (word, meaning) in table {
            assert!(
                word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}: {word}"
            );
            assert!(seen.insert(word), "{name}: {word} twice");
            assert!(!meaning.is_empty(), "{name}: {word} has no meaning");
        }
    }
}

#[test]
fn every_reason_can_be_looked_up_by_word_and_by_index() {
    for &reason in Reason::ALL {
        assert_eq!(reason.word().parse(), Ok(reason));
        assert_eq!(Reason::from_index(reason.index()), Some(reason));
    }
    assert_eq!(
        "nonsense".parse::<Reason>(),
        Err(UnknownWord("nonsense".to_owned()))
    );
    assert_eq!(Reason::from_index(Reason::ALL.len() as u8), None);
}

#[test]
fn every_failure_has_a_reason_of_its_own_phase() {
    let given: HashSet<Reason> = Phase::ALL
        .iter()
        .flat_map(|&phase| Cause::ALL.iter().map(move |&cause| (phase, cause)))
        .flat_map(|(phase, cause)| {
            [(false, 9, 0), (true, 9, 0), (true, 0, 0), (true, 9, 1)]
                .map(|(reused, sent, received)| Reason::of(phase, cause, reused, sent, received))
        })
        .collect();
    let not_from_a_socket = [
        Reason::Pending,
        Reason::Ok,
        Reason::Poison,
        Reason::NoLive,
        Reason::ClientGone,
    ];
    for &reason in Reason::ALL {
        assert_eq!(
            given.contains(&reason),
            !not_from_a_socket.contains(&reason),
            "{reason}"
        );
    }
}

#[test]
fn a_stale_connection_is_told_from_a_failing_peer() {
    assert_eq!(
        Reason::of(Phase::Head, Cause::Closed, true, 40, 0),
        Reason::ReusedClosed
    );
    assert_eq!(
        Reason::of(Phase::Head, Cause::Closed, true, 40, 7),
        Reason::Closed
    );
    assert_eq!(
        Reason::of(Phase::Head, Cause::Closed, false, 40, 0),
        Reason::Closed
    );
    assert_eq!(
        Reason::of(Phase::Send, Cause::Reset, true, 0, 0),
        Reason::ReusedUnsent
    );
    assert_eq!(
        Reason::of(Phase::Head, Cause::TimedOut, true, 40, 0),
        Reason::TimedOut
    );
    assert_eq!(Reason::ReusedReset.party(), Some(Party::Connection));
    assert_eq!(Reason::Reset.party(), Some(Party::Peer));
}
