use super::*;

fn agreed(closes: &[Millis]) -> Option<Millis> {
    let mut ring = Ring::default();
    closes
        .iter()
        .fold(None, |_, &idle| ring.close(idle, 5_000, 0))
}

#[test]
fn three_closes_within_a_tenth_agree_on_the_smallest() {
    assert_eq!(agreed(&[5_003, 5_001]), None);
    assert_eq!(agreed(&[5_003, 5_001, 5_400]), Some(5_001));
    assert_eq!(agreed(&[5_003, 5_001, 5_502]), None);
}

#[test]
fn the_smallest_cluster_wins() {
    assert_eq!(
        agreed(&[60_000, 60_010, 60_020, 2_000, 2_010, 2_020]),
        Some(2_000)
    );
    assert_eq!(
        agreed(&[60_000, 60_010, 60_020, 2_000, 2_010]),
        Some(60_000)
    );
}

#[test]
fn closes_within_a_second_say_nothing() {
    assert_eq!(agreed(&[999, 998, 997, 999]), None);
    assert_eq!(agreed(&[1_000, 1_001, 1_002]), Some(1_000));
}

#[test]
fn only_the_last_sixteen_are_remembered() {
    let mut closes = vec![2_000; 3];
    closes.extend((0..14).map(|n| 10_000 * (n + 1)));
    assert_eq!(agreed(&closes), None);
    assert_eq!(agreed(&closes[..16]), Some(2_000));
}

#[test]
fn closes_before_the_given_time_do_not_count() {
    let mut ring = Ring::default();
    ring.close(3_000, 100, 0);
    ring.close(3_000, 200, 0);
    assert_eq!(ring.close(3_000, 300, 200), None);
    assert_eq!(ring.close(3_000, 400, 200), Some(3_000));
}

#[test]
fn the_margin_is_a_tenth_of_a_second_or_two_round_trips_but_at_most_half() {
    assert_eq!(safe_idle(5_000, 1), 4_900);
    assert_eq!(safe_idle(5_000, 150), 4_700);
    assert_eq!(safe_idle(5_000, 4_000), 2_500);
    assert_eq!(safe_idle(150, 0), 75);
    assert_eq!(safe_idle(0, 9), 0);
    assert_eq!(safe_idle(1, u64::MAX), 0);
}
