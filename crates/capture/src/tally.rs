//! What happened how often: one tally for each kind of news of each peer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::event::{Event, is_write};
use crate::histogram::Histogram;
use crate::kept::{Ending, Kept, Line, name};

/// How many tallies there are at most; what belongs to none of them is counted together.
const TALLIES: usize = 2048;
/// How many lines of each are kept: the earliest.
const KEPT: usize = 16;
const SLOTS: usize = 64;

/// Of whom, and of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key<'a> {
    software: Cow<'static, str>,
    word: Cow<'static, str>,
    peer: Cow<'a, str>,
    write: bool,
    #[serde(flatten)]
    ending: Option<Ending>,
    errno: Option<i32>,
    reused: Option<bool>,
}

/// Everything of one key. Times are Unix milliseconds, 0 where no line told one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    #[serde(flatten)]
    key: Key<'static>,
    count: u64,
    /// How many tries these lines tell of: a line of an access log can tell of several.
    tries: u64,
    first_ms: i64,
    last_ms: i64,
    times: Histogram<SLOTS>,
    /// The earliest, in order.
    kept: Vec<Kept>,
}

/// All tallies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tallies {
    list: Vec<Tally>,
    /// By the hash of the key; of two keys with one hash, the later is at the next number that is free.
    index: HashMap<u64, usize, BuildHasherDefault<Quick>>,
    /// Events that found no place.
    pub(crate) others: u64,
}

impl Tallies {
    pub(crate) fn take(&mut self, line: &Line<'_>) {
        match self.find(Key::of(&line.event)) {
            Some(at) => self.list[at].take(line),
            None => self.others += 1,
        }
    }

    pub(crate) fn merge(&mut self, tally: &Tally) {
        match self.find(tally.key.clone()) {
            Some(at) => self.list[at].merge(tally),
            None => self.others += tally.count,
        }
    }

    /// The tallies in an order that only they themselves decide.
    pub(crate) fn sorted(&self) -> Vec<&Tally> {
        let mut list: Vec<&Tally> = self.list.iter().collect();
        list.sort_by(|a, b| (a.first_ms, &a.key).cmp(&(b.first_ms, &b.key)));
        list
    }

    /// The place of a key, made where there is none; `None` where there are too many.
    fn find(&mut self, key: Key<'_>) -> Option<usize> {
        let mut hasher = Quick::default();
        key.hash(&mut hasher);
        let mut hash = hasher.finish();
        loop {
            match self.index.get(&hash) {
                Some(&at) if self.list[at].key == key => return Some(at),
                Some(_) => hash = hash.wrapping_add(1),
                None if self.list.len() == TALLIES => return None,
                None => {
                    self.index.insert(hash, self.list.len());
                    self.list.push(Tally::new(key.into_owned()));
                    return Some(self.list.len() - 1);
                }
            }
        }
    }
}

/// Some multiplications a word: every line is looked up, and of keys that were made to meet there are not more
/// than of others.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

impl Tally {
    fn new(key: Key<'static>) -> Self {
        Self {
            key,
            count: 0,
            tries: 0,
            first_ms: 0,
            last_ms: 0,
            times: Histogram::default(),
            kept: Vec::new(),
        }
    }

    fn take(&mut self, line: &Line<'_>) {
        let at_ms = line.event.at_ms;
        self.count += 1;
        self.tries += u64::from(line.event.tries);
        if at_ms != 0 {
            self.span(at_ms, at_ms);
            self.times.add(at_ms, 1);
        }
        if self.kept.len() < KEPT || self.kept.last().is_some_and(|last| last.is_after(line)) {
            self.keep(Kept::of(line));
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.tries += other.tries;
        if other.first_ms != 0 {
            self.span(other.first_ms, other.last_ms);
        }
        self.times.merge(&other.times);
        for kept in &other.kept {
            self.keep(kept.clone());
        }
    }

    fn span(&mut self, first: i64, last: i64) {
        if self.first_ms == 0 || first < self.first_ms {
            self.first_ms = first;
        }
        self.last_ms = self.last_ms.max(last);
    }

    fn keep(&mut self, kept: Kept) {
        let at = self.kept.partition_point(|each| *each <= kept);
        self.kept.insert(at, kept);
        self.kept.truncate(KEPT);
    }
}

impl Hash for Key<'_> {
    /// All that is short goes into one word.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.peer.as_bytes());
        state.write(self.word.as_bytes());
        let ending = self.ending.map_or(0, |ending| {
            1 | (ending.phase as u64) << 1
                | (ending.cause as u64) << 8
                | (ending.reason as u64) << 16
        });
        let errno = self.errno.map_or(0, i32::cast_unsigned);
        let reused = self.reused.map_or(0, |reused| 1 + u64::from(reused));
        state.write_u64(
            ending | u64::from(self.write) << 24 | reused << 25 | u64::from(errno) << 32,
        );
    }
}

impl<'a> Key<'a> {
    pub(crate) fn of(event: &Event<'a>) -> Self {
        Self {
            software: Cow::Borrowed(event.software),
            word: Cow::Borrowed(event.word),
            peer: name(event.peer),
            write: is_write(event.method),
            ending: event.outcome.map(Ending::from),
            errno: event.errno,
            reused: event.reused,
        }
    }

    fn into_owned(self) -> Key<'static> {
        Key {
            peer: Cow::Owned(self.peer.into_owned()),
            ..self
        }
    }
}
