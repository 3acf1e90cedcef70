//! Sessions that `sticky learn` knows: keys bound to servers, forgotten when nobody asks for them any more.

use std::collections::{BTreeMap, HashMap};

use surehop_hop::clock::Millis;

/// Bytes of a zone that a session takes, as in nginx on 64-bit machines: some 4000 in a megabyte.
const SESSION: usize = 256;

#[derive(Debug)]
struct Session {
    sid: u32,
    used: (Millis, u64),
}

/// Bound keys, as many as their zone holds.
#[derive(Debug)]
pub struct Sessions {
    limit: usize,
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
            limit: (size / SESSION).max(1),
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
        while self.known.len() >= self.limit && self.drop_oldest() {}
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
        oldest.is_some_and(|(_, key)| self.known.remove(&key).is_some())
    }
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
