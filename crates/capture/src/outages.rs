//! Times in which a group had nobody left, and what failed just before.

use serde::{Deserialize, Serialize};

use crate::kept::{Ending, Kept, Line, name};

/// How many outages are kept: the earliest.
const OUTAGES: usize = 64;
/// Quiet for so long, the next one is another.
const QUIET_MS: i64 = 60_000;
/// What fails for so long before one has to do with it: nginx's `fail_timeout`, and what its whole seconds add.
const BEFORE_MS: i64 = 15_000;
/// How many failures are remembered, and kept for an outage: the latest, and of each kind only some, so that a
/// server that fails all the time does not drive out the one that failed once.
const FAILURES: usize = 64;
const OF_A_KIND: usize = 4;

/// A failed try. They are in the order of their lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Failure {
    line: Kept,
    software: String,
    word: String,
    peer: String,
    #[serde(flatten)]
    ending: Ending,
}

/// A group without a live peer, from the first line that says so to the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outage {
    group: String,
    first: Kept,
    last_ms: i64,
    count: u64,
    /// The failures just before the first line, in order.
    before: Vec<Failure>,
}

/// All outages, the earliest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outages {
    pub(crate) list: Vec<Outage>,
    /// Lines of outages that found no place.
    pub(crate) others: u64,
    /// The latest failures, the newest first: of all lines before this one of the block at hand.
    recent: Vec<Failure>,
    seen: usize,
}

impl Outages {
    /// Takes lines that follow each other.
    pub(crate) fn take(&mut self, lines: &[Line<'_>]) {
        for (at, line) in lines.iter().enumerate() {
            match line.event.outcome {
                Some(_) if is_outage(line) => self.nobody(lines, at),
                Some(ending) => self.failed(line, ending.into()),
                None => {}
            }
        }
        self.remember(lines, lines.len());
        self.seen = 0;
    }

    /// Puts an outage among the others, and one with those of its group that it meets.
    pub(crate) fn join(&mut self, mut outage: Outage) {
        while let Some(at) = self.list.iter().position(|each| each.meets(&outage)) {
            outage.unite(self.list.remove(at));
        }
        let at = self.list.partition_point(|each| each.key() <= outage.key());
        self.list.insert(at, outage);
        if self.list.len() > OUTAGES {
            self.others += self.list.pop().map_or(0, |last| last.count);
        }
    }

    /// Nobody was left of a group, says the line at this place.
    fn nobody(&mut self, lines: &[Line<'_>], at: usize) {
        let line = &lines[at];
        let (at_ms, group) = (line.event.at_ms, name(line.event.peer));
        let last = self.list.last().filter(|_| self.list.len() == OUTAGES);
        let finds_no_place = last.is_some_and(|last| last.key() <= (at_ms, &group));
        let mut near = self
            .list
            .iter_mut()
            .filter(|each| each.is_near(&group, at_ms));
        match (near.next(), near.next()) {
            (Some(known), None) if known.first.at_ms <= at_ms => {
                known.count += 1;
                known.last_ms = known.last_ms.max(at_ms);
                return;
            }
            (None, _) if finds_no_place => {
                self.others += 1;
                return;
            }
            _ => {}
        }
        self.remember(lines, at);
        let just_before = |each: &&Failure| is_before(each.line.at_ms, at_ms);
        let mut before: Vec<Failure> = self.recent.iter().filter(just_before).cloned().collect();
        before.sort();
        self.join(Outage {
            group: group.into_owned(),
            first: Kept::of(line),
            last_ms: at_ms,
            count: 1,
            before,
        });
    }

    /// A try failed: perhaps just before an outage of which the lines were read already.
    fn failed(&mut self, line: &Line<'_>, ending: Ending) {
        let at_ms = line.event.at_ms;
        if self.list.last().is_none_or(|last| last.first.at_ms < at_ms) {
            return; // every outage had begun
        }
        for outage in &mut self.list {
            if is_before(at_ms, outage.first.at_ms) {
                outage.admit(line, ending);
            }
        }
    }

    /// Looks at the lines as far as `end`, and keeps the latest failures.
    fn remember(&mut self, lines: &[Line<'_>], end: usize) {
        let older = std::mem::take(&mut self.recent);
        let new = lines[self.seen..end].iter().rev();
        for line in new.filter(|line| !is_outage(line)) {
            let Some(outcome) = line.event.outcome else {
                continue;
            };
            if self.recent.len() == FAILURES {
                break;
            }
            let ending = outcome.into();
            if has_room(&self.recent, &name(line.event.peer), ending) {
                self.recent.push(Failure::of(line, ending));
            }
        }
        add(&mut self.recent, older.into_iter());
        self.seen = end;
    }
}

impl Outage {
    fn key(&self) -> (i64, &str) {
        (self.first.at_ms, &self.group)
    }

    /// Puts a failure among those before, where it is one of the latest. Of one moment those are kept that were
    /// read first: times may be whole seconds, and long ones.
    fn admit(&mut self, line: &Line<'_>, ending: Ending) {
        let peer = name(line.event.peer);
        let mut alike =
            (0..self.before.len()).filter(|&at| self.before[at].is_alike(&peer, ending));
        let earliest = alike.next();
        let goes = match earliest {
            Some(at) if alike.count() + 1 == OF_A_KIND => Some(at),
            _ => (self.before.len() == FAILURES).then_some(0),
        };
        if let Some(at) = goes {
            if line.event.at_ms <= self.before[at].line.at_ms {
                return;
            }
            self.before.remove(at);
        }
        let place = self
            .before
            .partition_point(|each| !each.line.is_after(line));
        self.before.insert(place, Failure::of(line, ending));
    }

    fn is_near(&self, group: &str, at_ms: i64) -> bool {
        self.first.at_ms - QUIET_MS <= at_ms
            && at_ms <= self.last_ms + QUIET_MS
            && self.group == group
    }

    fn meets(&self, other: &Self) -> bool {
        self.group == other.group
            && self.first.at_ms - QUIET_MS <= other.last_ms
            && other.first.at_ms - QUIET_MS <= self.last_ms
    }

    fn unite(&mut self, other: Self) {
        self.count += other.count;
        self.last_ms = self.last_ms.max(other.last_ms);
        if other.first < self.first {
            self.first = other.first;
        }
        self.before.extend(other.before);
        self.tidy();
    }

    /// Of what failed before, the latest is kept, each line once.
    fn tidy(&mut self) {
        let mut every = std::mem::take(&mut self.before);
        every.retain(|each| each.line.at_ms <= self.first.at_ms);
        every.sort();
        every.dedup();
        add(&mut self.before, every.into_iter().rev());
        self.before.reverse();
    }
}

impl Failure {
    fn of(line: &Line<'_>, ending: Ending) -> Self {
        Self {
            line: Kept::of(line),
            software: line.event.software.to_owned(),
            word: line.event.word.to_owned(),
            peer: name(line.event.peer).into_owned(),
            ending,
        }
    }

    fn is_alike(&self, peer: &str, ending: Ending) -> bool {
        self.ending == ending && self.peer == peer
    }
}

/// Whether it says that a group of nginx's has nobody left; other software has no such word for a whole group.
fn is_outage(line: &Line<'_>) -> bool {
    matches!(line.event.word, "no live" | "try no live")
}

/// Adds older failures to newer ones, as long as there is room.
fn add(found: &mut Vec<Failure>, older: impl Iterator<Item = Failure>) {
    for each in older {
        if has_room(found, &each.peer, each.ending) {
            found.push(each);
        }
    }
}

fn has_room(found: &[Failure], peer: &str, ending: Ending) -> bool {
    let alike = found.iter().filter(|each| each.is_alike(peer, ending));
    found.len() < FAILURES && alike.count() < OF_A_KIND
}

fn is_before(failed_ms: i64, out_ms: i64) -> bool {
    (0..=BEFORE_MS).contains(&(out_ms - failed_ms))
}
