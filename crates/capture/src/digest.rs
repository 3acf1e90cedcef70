//! All that logs told, in bounded memory, whatever their length.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::kept::{Kept, Line};
use crate::outages::{Outage, Outages};
use crate::tally::{Key, Tallies, Tally};
use crate::traffic::Traffic;

/// What the JSON is, by which it is known.
const WHAT: &str = "digest of logs";
/// Raised when a field of the JSON changes its meaning.
const VERSION: u32 = 1;

/// One log that was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct File {
    /// As the caller named it.
    pub name: Arc<str>,
    /// The name of its kind.
    pub kind: String,
    /// All lines.
    pub lines: u64,
    /// Those of which the meaning is known.
    pub understood: u64,
    /// The others.
    pub unknown: u64,
    /// How long it is, unpacked.
    pub bytes: u64,
    /// Whether a part of it could not be read, since it is damaged or cut off.
    pub broken: bool,
}

impl File {
    /// One of which nothing was read yet.
    pub fn new(name: &str, kind: &str) -> Self {
        Self {
            name: name.into(),
            kind: kind.to_owned(),
            lines: 0,
            understood: 0,
            unknown: 0,
            bytes: 0,
            broken: false,
        }
    }
}

/// The fold of all events: what happened how often, the earliest lines of each, outages, traffic.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    files: Vec<File>,
    tallies: Tallies,
    outages: Outages,
    traffic: BTreeMap<String, Traffic>,
    /// Every failed try as JSON, a line each, where that is wanted.
    rows: Option<Vec<u8>>,
}

/// A failed try among all the others.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    key: Key<'a>,
    #[serde(flatten)]
    line: Kept,
}

/// The digest as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    surehop: &'static str,
    version: u32,
    files: Vec<&'a File>,
    tallies: Vec<&'a Tally>,
    others: u64,
    outages: &'a [Outage],
    other_outages: u64,
    traffic: &'a BTreeMap<String, Traffic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    surehop: String,
    version: u32,
    files: Vec<File>,
    tallies: Vec<Tally>,
    others: u64,
    outages: Vec<Outage>,
    other_outages: u64,
    traffic: BTreeMap<String, Traffic>,
}

impl Digest {
    /// A digest that also keeps every failed try, until [`Self::rows`] takes them away.
    pub fn with_rows() -> Self {
        Self {
            rows: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// The failed tries since it was asked last, as JSON, a line each.
    pub fn rows(&mut self) -> Vec<u8> {
        self.rows.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes lines that follow each other.
    pub fn take(&mut self, lines: &[Line<'_>]) {
        for line in lines {
            self.tallies.take(line);
            if let Some(rows) = self.rows.as_mut().filter(|_| line.event.outcome.is_some()) {
                let row = Row {
                    key: Key::of(&line.event),
                    line: Kept::of(line),
                };
                // text and numbers into memory: this can't fail
                let _ = serde_json::to_writer(&mut *rows, &row);
                rows.push(b'\n');
            }
        }
        self.outages.take(lines);
    }

    /// Counts requests of a kind of log.
    pub fn count(&mut self, kind: &str, traffic: &Traffic) {
        if let Some(known) = self.traffic.get_mut(kind) {
            known.merge(traffic);
        } else {
            self.traffic.insert(kind.to_owned(), traffic.clone());
        }
    }

    /// Notes a log that was read to its end.
    pub fn file(&mut self, file: File) {
        self.files.push(file);
    }

    /// The whole of it, the same whatever the order in which it came together.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut files: Vec<&File> = self.files.iter().collect();
        files.sort();
        serde_json::to_vec(&Shown {
            surehop: WHAT,
            version: VERSION,
            files,
            tallies: self.tallies.sorted(),
            others: self.tallies.others,
            outages: &self.outages.list,
            other_outages: self.outages.others,
            traffic: &self.traffic,
        })
    }

    /// Takes in another one, as [`Self::to_json`] wrote it. In which order they come does not matter, as long
    /// as there are not too many tallies and outages to be kept.
    pub fn merge(&mut self, json: &[u8]) -> Result<(), String> {
        let told: Told = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if (told.surehop.as_str(), told.version) != (WHAT, VERSION) {
            return Err(format!(
                "{} {} is not known here",
                told.surehop, told.version
            ));
        }
        self.files.extend(told.files);
        for tally in &told.tallies {
            self.tallies.merge(tally);
        }
        self.tallies.others += told.others;
        for outage in told.outages {
            self.outages.join(outage);
        }
        self.outages.others += told.other_outages;
        for (kind, traffic) in &told.traffic {
            self.count(kind, traffic);
        }
        Ok(())
    }
}
