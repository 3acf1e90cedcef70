use super::*;

const NOW: Millis = 10_000_000;

fn pool(connections: u32) -> Pool {
    let plan = KeepalivePlan {
        connections,
        scopes: 2,
        ..KeepalivePlan::default()
    };
    Pool::new(&plan, 2, true)
}

fn parked(conn: u64) -> Parked {
    Parked {
        conn: ConnId(conn),
        opened_at: NOW,
        idle_since: NOW,
        requests: 1,
        hint: None,
        rtt: 0,
    }
}

fn put(pool: &mut Pool, key: u32, conn: u64) {
    pool.put(key, parked(conn), None, NOW);
}

fn taken(pool: &mut Pool, key: u32, now: Millis) -> Option<u64> {
    pool.take(key, None, now).map(|idle| idle.conn.0)
}

fn closing(pool: &mut Pool) -> Vec<u64> {
    let mut all: Vec<u64> = std::iter::from_fn(|| pool.take_closing())
        .map(|conn| conn.0)
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn the_most_recently_used_of_a_key_comes_first() {
    let mut pool = pool(8);
    for (key, conn) in [(0, 1), (1, 2), (0, 3), (2, 4)] {
        put(&mut pool, key, conn);
    }
    let order: Vec<_> = (0..3).map(|_| taken(&mut pool, 0, NOW)).collect();
    assert_eq!(order, [Some(3), Some(1), None]);
    assert_eq!(
        (taken(&mut pool, 2, NOW), taken(&mut pool, 3, NOW)),
        (Some(4), None)
    );
    assert_eq!(pool.len(), 1);
}

#[test]
fn the_least_recently_used_of_all_makes_room() {
    let mut pool = pool(2);
    for (key, conn) in [(0, 1), (1, 2), (1, 3)] {
        put(&mut pool, key, conn);
    }
    assert_eq!(pool.next_expiry(), Some(0), "something is to be closed now");
    pool.expire(NOW);
    assert_eq!(closing(&mut pool), [1]);
    assert_eq!(taken(&mut pool, 1, NOW), Some(3));
    put(&mut pool, 0, 3);
    put(&mut pool, 0, 4);
    pool.expire(NOW);
    assert_eq!(closing(&mut pool), [2]);
    assert!(pool.next_expiry() > Some(NOW));
}

#[test]
fn what_is_too_much_is_used_before_it_is_closed() {
    let mut pool = pool(1);
    put(&mut pool, 0, 1);
    put(&mut pool, 0, 2);
    let both = [taken(&mut pool, 0, NOW), taken(&mut pool, 0, NOW)];
    assert_eq!(both, [Some(2), Some(1)]);
    pool.expire(NOW);
    assert!(closing(&mut pool).is_empty());
    for conn in 1..=5 {
        put(&mut pool, 0, conn);
    }
    assert_eq!(closing(&mut pool), [1], "not without a bound");
}

#[test]
fn a_pool_of_none_keeps_none() {
    let mut pool = pool(0);
    put(&mut pool, 0, 1);
    assert_eq!((pool.len(), closing(&mut pool)), (0, vec![1]));
}

#[test]
fn requests_age_and_scope_have_limits() {
    let mut pool = pool(8);
    pool.put(
        0,
        Parked {
            requests: 999,
            ..parked(1)
        },
        None,
        NOW,
    );
    pool.put(
        0,
        Parked {
            requests: 1_000,
            ..parked(2)
        },
        None,
        NOW,
    );
    pool.put(
        0,
        Parked {
            opened_at: NOW - 3_600_000,
            ..parked(3)
        },
        None,
        NOW,
    );
    pool.put(
        0,
        Parked {
            opened_at: NOW - 3_600_001,
            ..parked(4)
        },
        None,
        NOW,
    );
    put(&mut pool, 4, 5);
    assert_eq!((pool.len(), closing(&mut pool)), (2, vec![2, 4, 5]));
}

#[test]
fn a_connection_past_its_idle_time_is_never_given() {
    let mut pool = pool(8);
    put(&mut pool, 0, 1);
    pool.put(
        0,
        Parked {
            hint: Some(5_000),
            ..parked(2)
        },
        None,
        NOW,
    );
    pool.put(
        0,
        Parked {
            hint: Some(5_000),
            rtt: 200,
            ..parked(3)
        },
        None,
        NOW,
    );
    assert_eq!(taken(&mut pool, 0, NOW + 4_600), Some(2));
    assert_eq!(closing(&mut pool), [3]);
    assert_eq!(taken(&mut pool, 0, NOW + 60_000), None);
    assert_eq!(closing(&mut pool), [1]);
}

#[test]
fn what_was_learned_since_counts_for_a_connection_that_is_in_already() {
    let mut pool = pool(8);
    put(&mut pool, 0, 1);
    assert_eq!(pool.take(0, Some(2_000), NOW + 1_900), None);
    put(&mut pool, 0, 2);
    assert!(pool.take(0, Some(2_000), NOW + 1_899).is_some());
}

#[test]
fn without_the_rule_only_the_configured_time_counts() {
    let mut pool = Pool::new(&KeepalivePlan::default(), 1, false);
    pool.put(
        0,
        Parked {
            hint: Some(1_000),
            ..parked(1)
        },
        Some(1_000),
        NOW,
    );
    assert!(pool.take(0, Some(1_000), NOW + 59_999).is_some());
}

#[test]
fn a_hint_of_nothing_keeps_nothing() {
    let mut pool = pool(8);
    pool.put(
        0,
        Parked {
            hint: Some(0),
            ..parked(1)
        },
        None,
        NOW,
    );
    assert_eq!((pool.len(), closing(&mut pool)), (0, vec![1]));
}

#[test]
fn expiry_closes_what_is_due_and_names_a_time_for_the_rest() {
    let mut pool = pool(8);
    assert_eq!(pool.next_expiry(), None);
    put(&mut pool, 0, 1);
    pool.put(
        1,
        Parked {
            hint: Some(10_000),
            ..parked(2)
        },
        None,
        NOW,
    );
    put(&mut pool, 1, 3);
    assert_eq!(pool.next_expiry(), Some(NOW + 9_900));
    pool.expire(NOW + 9_899);
    assert_eq!(pool.len(), 3);
    pool.expire(NOW + 9_900);
    assert_eq!(closing(&mut pool), [2]);
    assert_eq!(pool.next_expiry(), Some(NOW + 60_000));
    pool.expire(NOW + 60_000);
    assert_eq!((closing(&mut pool), pool.next_expiry()), (vec![1, 3], None));
}

#[test]
fn removal_leaves_the_rest_in_order() {
    let mut pool = pool(8);
    for conn in 1..=4 {
        put(&mut pool, 0, conn);
    }
    assert_eq!(
        pool.remove(ConnId(3))
            .map(|(key, parked)| (key, parked.conn.0)),
        Some((0, 3))
    );
    assert_eq!(pool.remove(ConnId(3)), None);
    assert_eq!(pool.pop_oldest().map(|(_, parked)| parked.conn.0), Some(1));
    assert_eq!(
        [taken(&mut pool, 0, NOW), taken(&mut pool, 0, NOW)],
        [Some(4), Some(2)]
    );
    assert!(closing(&mut pool).is_empty());
}

#[test]
fn a_used_connection_says_how_old_and_how_idle_it_is() {
    let mut pool = pool(8);
    pool.put(
        0,
        Parked {
            opened_at: NOW - 70,
            requests: 5,
            hint: Some(90_000),
            ..parked(1)
        },
        None,
        NOW,
    );
    let idle = pool.take(0, None, NOW + 30);
    let expected = Idle {
        conn: ConnId(1),
        opened_at: NOW - 70,
        idle_for: 30,
        requests: 5,
        hint: Some(90_000),
    };
    assert_eq!(idle, Some(expected));
}

// The same pool without any cleverness: newest last.
#[derive(Default)]
struct Plain {
    idle: Vec<(u32, u64, Millis)>,
    closing: Vec<u64>,
}

impl Plain {
    fn put(&mut self, limit: usize, key: u32, conn: u64, expires: Millis, now: Millis) {
        if expires <= now {
            self.closing.push(conn);
            return;
        }
        if self.idle.len() == limit * BRIMFUL as usize {
            self.closing.push(self.idle.remove(0).1);
        }
        self.idle.push((key, conn, expires));
    }

    fn take(&mut self, key: u32, now: Millis) -> Option<u64> {
        while let Some(at) = self.idle.iter().rposition(|idle| idle.0 == key) {
            let (_, conn, expires) = self.idle.remove(at);
            if now < expires {
                return Some(conn);
            }
            self.closing.push(conn);
        }
        None
    }

    fn expire(&mut self, limit: usize, now: Millis) {
        let due = self.idle.extract_if(.., |idle| idle.2 <= now);
        self.closing.extend(due.map(|idle| idle.1));
        let many = self.idle.len().saturating_sub(limit);
        self.closing
            .extend(self.idle.drain(..many).map(|idle| idle.1));
    }

    fn closing(&mut self) -> Vec<u64> {
        self.closing.sort_unstable();
        std::mem::take(&mut self.closing)
    }
}

proptest::proptest! {
    #[test]
    fn a_pool_does_what_a_plain_list_would(
        limit in 1_u32..5,
        script in proptest::collection::vec((0_u8..6, 0_u32..4, 0_u64..4_000), 0..200),
    ) {
        let (mut pool, mut plain) = (pool(limit), Plain::default());
        let mut now = NOW;
        for (conn, (act, key, number)) in (0_u64..).zip(script) {
            match act {
                0..=1 => {
                    let hint = Some(200 + number);
                    let parked = Parked { idle_since: now, opened_at: now, hint, ..parked(conn) };
                    pool.put(key, parked, None, now);
                    plain.put(limit as usize, key, conn, now + safe_idle(200 + number, 0), now);
                }
                2 => assert_eq!(taken(&mut pool, key, now), plain.take(key, now)),
                3 => {
                    let some = plain.idle.get(number as usize % limit as usize).map(|idle| idle.1);
                    let had = pool.remove(ConnId(some.unwrap_or(u64::MAX))).is_some();
                    assert_eq!(had, some.is_some());
                    plain.idle.retain(|idle| Some(idle.1) != some);
                }
                4 => {
                    now += number / 2;
                    pool.expire(now);
                    plain.expire(limit as usize, now);
                    assert!(pool.len() <= limit as usize);
                }
                _ => {
                    let first = plain.idle.first().copied();
                    let popped = pool.pop_oldest().map(|(key, parked)| (key, parked.conn.0));
                    assert_eq!(popped, first.map(|idle| (idle.0, idle.1)));
                    plain.idle.drain(..usize::from(first.is_some()));
                }
            }
            assert_eq!(pool.len(), plain.idle.len());
            let earliest = plain.idle.iter().map(|idle| idle.2).min();
            assert!(pool.next_expiry().is_none() == earliest.is_none() && pool.next_expiry() <= earliest);
            assert_eq!(closing(&mut pool), plain.closing());
        }
    }
}
