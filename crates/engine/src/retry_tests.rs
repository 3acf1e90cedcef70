use super::*;

#[test]
fn a_budget_is_a_fifth_of_the_requests_and_a_reserve() {
    let budget = Budget::default();
    assert_eq!(budget.balance(0), 100);
    (0..50).for_each(|_| budget.earn(0));
    assert_eq!(budget.balance(0), 110);
    assert_eq!((0..200).filter(|_| budget.take(0)).count(), 110);
    assert_eq!(budget.balance(0), 0);
}

#[test]
fn the_reserve_refills_ten_a_second_up_to_a_hundred() {
    let budget = Budget::default();
    while budget.take(50_000) {}
    assert!(!budget.take(50_099));
    assert!(budget.take(50_100) && !budget.take(50_100));
    assert_eq!(budget.balance(51_100), 10);
    assert_eq!(budget.balance(500_000), 100);
}

#[test]
fn requests_count_for_ten_seconds_and_so_does_what_they_paid_for() {
    let budget = Budget::default();
    (0..100).for_each(|_| budget.earn(20_000));
    assert_eq!(budget.balance(29_999), 120);
    assert_eq!(budget.balance(30_000), 100);
    assert!((0..20).all(|_| budget.take(25_000)));
    assert_eq!(
        budget.balance(25_000),
        100,
        "the share goes before the reserve"
    );
    (0..100).for_each(|_| budget.earn(29_000));
    assert_eq!(budget.balance(29_000), 120);
    assert_eq!(
        budget.balance(31_000),
        100,
        "the requests are gone, what they paid for is not"
    );
}

#[test]
fn two_workers_never_both_get_the_last_retry() {
    let budget = Budget::default();
    (0..1_000).for_each(|_| budget.earn(1_000));
    let granted: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..400).filter(|_| budget.take(1_000)).count()))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    assert!(granted <= 300, "{granted}");
}

#[test]
fn an_adopted_budget_is_as_empty_as_the_old_one() {
    let (old, new) = (Budget::default(), Budget::default());
    while old.take(9_000) {}
    new.adopt(&old);
    assert_eq!(new.balance(9_000), 0);
}

#[test]
fn full_jitter_fills_the_doubling_bound_and_no_more() {
    let backoff = Backoff {
        base: 100,
        cap: 1_000,
    };
    assert_eq!(backoff.delay(0, 0), 0);
    assert_eq!(backoff.delay(0, 100), 100);
    assert_eq!(backoff.delay(0, 101), 0);
    assert_eq!(backoff.delay(3, 800), 800);
    assert_eq!(backoff.delay(4, 1_000), 1_000);
    assert_eq!(backoff.delay(u32::MAX, 1_001), 0);
}

proptest::proptest! {
    #[test]
    fn no_stretch_of_time_grants_more_than_its_share_and_the_reserve(
        script in proptest::collection::vec((0_u64..1_500, 0_u64..40, 0_u64..60), 1..60),
    ) {
        let budget = Budget::default();
        let (mut now, mut requests, mut granted) = (0, 0, 0);
        for (time, earned, asked) in script {
            now += time;
            (0..earned).for_each(|_| budget.earn(now));
            requests += earned;
            let promised = budget.balance(now);
            let got = (0..asked).filter(|_| budget.take(now)).count() as u64;
            assert_eq!(got, promised.min(asked));
            granted += got;
            assert!(granted <= requests / REQUESTS_A_RETRY + BUDGET_RESERVE + now / RESERVE_REFILL);
        }
    }
}
