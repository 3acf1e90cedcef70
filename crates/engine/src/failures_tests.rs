use super::*;

const LAST_BIT: u32 = 16;

fn bits(words: &[&[Word]]) -> u32 {
    words
        .iter()
        .flat_map(|words| words.iter())
        .fold(0, |bits, (_, set)| bits | set.0)
}

#[test]
fn the_directives_words_share_no_bit_and_name_all_but_the_odd_5xx() {
    let words = || FailureSet::NGINX.iter().chain(&FailureSet::SHARED);
    let sum: u32 = words().map(|(_, set)| set.0.count_ones()).sum();
    let all = bits(&[&FailureSet::NGINX, &FailureSet::SHARED]);
    assert_eq!(sum, all.count_ones());
    assert_eq!(all | FailureSet::HTTP_5XX.0, (2 << LAST_BIT) - 1);
    assert_eq!(
        FailureSet::from_word("http_503"),
        Some(FailureSet::HTTP_503)
    );
    for foreign in ["http_501", "http_5xx", "resolve"] {
        assert_eq!(FailureSet::from_word(foreign), None);
    }
}

#[test]
fn a_clients_words_name_every_bit_and_one_alone() {
    let all = bits(&[&FailureSet::CLIENT, &FailureSet::SHARED]);
    assert_eq!(all, (2 << LAST_BIT) - 1);
    for (word, set) in FailureSet::CLIENT.iter().chain(&FailureSet::SHARED) {
        assert_eq!(FailureSet::from_client_word(word), Some(*set));
        assert_eq!(set.0.count_ones(), if *word == "http_5xx" { 5 } else { 1 });
    }
    assert_eq!(FailureSet::from_client_word("off"), None);
}

#[test]
fn a_status_is_listed_as_itself_or_as_one_of_the_odd_5xx() {
    assert_eq!(FailureSet::of_status(429), Some(FailureSet::HTTP_429));
    assert_eq!(FailureSet::of_status(501), Some(FailureSet::HTTP_5XX));
    assert_eq!(FailureSet::of_status(599), Some(FailureSet::HTTP_5XX));
    for fine in [200, 404 + 1, 600] {
        assert_eq!(FailureSet::of_status(fine), None);
    }
}

#[test]
fn a_failure_is_one_bit_and_known_to_nginx() {
    for &phase in Phase::ALL {
        for &cause in Cause::ALL {
            let kind = FailureSet::of(phase, cause);
            assert_eq!(kind.0.count_ones(), 1, "{phase} {cause}");
            let statuses = matches!(cause, Cause::Invalid | Cause::TooBig);
            assert_eq!(FailureSet::DEFAULT.has(kind), !statuses, "{phase} {cause}");
        }
    }
    let of = FailureSet::of;
    assert_eq!(of(Phase::Tls, Cause::Closed), FailureSet::ERROR);
    assert_eq!(of(Phase::Tls, Cause::TimedOut), FailureSet::CONNECT_TIMEOUT);
    assert_eq!(of(Phase::Head, Cause::TimedOut), FailureSet::TIMEOUT);
    assert_eq!(of(Phase::Resolve, Cause::Other), FailureSet::RESOLVE);
    assert_eq!(
        of(Phase::Connect, Cause::Unreachable),
        FailureSet::UNREACHABLE
    );
    // A route that is lost under a request is an error on its connection.
    assert_eq!(of(Phase::Head, Cause::Unreachable), FailureSet::ERROR);
}

#[test]
fn a_set_has_what_it_was_given_and_nothing_lists_what_is_none() {
    assert!(FailureSet::DEFAULT.has(FailureSet::TIMEOUT));
    assert!(!FailureSet::DEFAULT.has(FailureSet::ERROR.with(FailureSet::NON_IDEMPOTENT)));
    assert!(!FailureSet::NONE.has(FailureSet::ERROR));
    assert!(FailureSet::NONE.has(FailureSet::NONE) && !FailureSet::NONE.lists(FailureSet::NONE));
}
