//! Sessions that `sticky learn` knows: keys bound to servers, forgotten when nobody asks for them any more.

use std::collections::{BTreeMap, HashMap};

use surehop_hop::clock::Millis;

/// Bytes of a zone that a session takes, as in nginx on 64-bit machines: some 4000 in a megabyte.
const SESSION: usize = 256;
/// Those among them that are not the key's, which is there twice: a client may have made it long.
const BOOK: usize = 128;

#[derive(Debug)]
struct Session {
    sid: u32,
    used: (Millis, u64),
}

/// Bound keys, as many as their zone holds.
#[derive(Debug)]
pub struct Sessions {
    size: usize,
    taken: usize,
    timeout: Millis,
    known: HashMap<Box<[u8]>, Session>,
    /// The longest unused first; the number tells those of one moment apart.
    order: BTreeMap<(Millis, u64), Box<[u8]>>,
    number: u64,
}

impl Sessions {
    /// None yet; a zone of `size` bytes holds so many.
    pub fn new(size: usize, timeout: Millis) -> Self {
        Self {
            size,
            taken: 0,
            timeout,
            known: HashMap::new(),
            order: BTreeMap::new(),
            number: 0,
        }
    }

    /// Whom a key is bound to; asking keeps the session.
    pub fn find(&mut self, key: &[u8], now: Millis) -> Option<u32> {
        self.forget(now);
        let sid = self.known.get(key)?.sid;
        self.put(key, sid, now);
        Some(sid)
    }

    /// Binds a key, or binds it anew.
    pub fn put(&mut self, key: &[u8], sid: u32, now: Millis) {
        self.number += 1;
        let used = (now, self.number);
        if let Some(session) = self.known.get_mut(key) {
            let place = self.order.remove(&session.used);
            *session = Session { sid, used };
            self.order.insert(used, place.unwrap_or_else(|| key.into()));
            return;
        }
        self.forget(now);
        while self.taken + cost(key) > self.size && self.drop_oldest() {}
        self.taken += cost(key);
        self.known.insert(key.into(), Session { sid, used });
        self.order.insert(used, key.into());
    }

    fn forget(&mut self, now: Millis) {
        while let Some((&(used, _), _)) = self.order.first_key_value()
            && now >= used.saturating_add(self.timeout)
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let oldest = self.order.pop_first();
        oldest.is_some_and(|(_, key)| {
            self.taken -= cost(&key);
            self.known.remove(&key).is_some()
        })
    }
}

/// Bytes of the zone that a session with this key takes.
fn cost(key: &[u8]) -> usize {
    SESSION.max(BOOK + 2 * key.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_as_long_as_it_is_asked_for() {
        let mut sessions = Sessions::new(1 << 20, 1000);
        sessions.put(b"a", 1, 0);
        sessions.put(b"b", 2, 0);
        assert_eq!(sessions.find(b"a", 900), Some(1));
        assert_eq!(sessions.find(b"a", 1800), Some(1));
        assert_eq!(sessions.find(b"b", 1800), None);
        assert_eq!(sessions.find(b"a", 2800), None);
        assert!(sessions.known.is_empty() && sessions.order.is_empty());
    }

    #[test]
    fn a_key_is_bound_anew() {
        let mut sessions = Sessions::new(1 << 20, 1000);
        sessions.put(b"a", 1, 0);
        sessions.put(b"a", 2, 0);
        assert_eq!(sessions.find(b"a", 1), Some(2));
        assert_eq!(sessions.order.len(), 1);
    }

    #[test]
    fn long_keys_fill_a_zone_sooner() {
        let mut sessions = Sessions::new(1 << 20, 1000);
        for number in 0..1000_u32 {
            let mut key = vec![b'k'; 8000];
            key.extend_from_slice(&number.to_be_bytes());
            sessions.put(&key, 1, 0);
        }
        let keys: usize = sessions.known.keys().map(|key| 2 * key.len()).sum();
        assert!((900_000..1 << 20).contains(&keys), "{keys}");
        sessions.forget(5000);
        assert_eq!(sessions.taken, 0);
        let mut narrow = Sessions::new(1000, 1000);
        narrow.put(&[b'k'; 8000], 1, 0);
        assert_eq!(narrow.known.len(), 1, "one there always is");
    }

    #[test]
    fn a_full_zone_forgets_the_longest_unused() {
        let mut sessions = Sessions::new(2 * SESSION, 1000);
        sessions.put(b"a", 1, 0);
        sessions.put(b"b", 2, 1);
        sessions.find(b"a", 2);
        sessions.put(b"c", 3, 3);
        let found = [&b"a"[..], b"b", b"c"].map(|key| sessions.find(key, 4));
        assert_eq!(found, [Some(1), None, Some(3)]);
    }
}
