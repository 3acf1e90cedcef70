//! How a request has come through the phases so far: what was rewritten, captured and set.

use crate::script::Regex;

/// nginx's limit of internal redirects, and one.
const URI_CHANGES: u8 = 11;

/// The value of one of the configuration's own variables.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    /// Whether it is known.
    pub set: bool,
    /// Whether there is one.
    pub found: bool,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// What the last regular expression that matched has captured.
#[derive(Debug, Default)]
pub struct Captures {
    subject: Vec<u8>,
    groups: Vec<Option<(usize, usize)>>,
}

impl Captures {
    /// Forgets them: the last regular expression did not match.
    pub fn clear(&mut self) {
        self.groups.clear();
    }

    /// The bytes of a group; none if there is no such group.
    pub fn get(&self, number: usize) -> Option<&[u8]> {
        let group = self.groups.get(number)?;
        let (start, end) = (*group).unwrap_or_default();
        self.subject.get(start..end)
    }
}

/// A request's way.
#[derive(Debug)]
pub struct Course {
    /// How many more times the URI may change.
    pub changes: u8,
    /// Whether the URI was changed and is to be looked up.
    pub changed: bool,
    /// Whether it goes on by an internal redirect or a rewritten URI.
    pub internal: bool,
    /// Whether the target as it was sent still stands for the URI.
    pub raw: bool,
    /// Whether the URI begins with the location's path.
    pub placed: bool,
    /// Whether `try_files` found a file for an alias that stands for the whole URI.
    pub tried: bool,
    /// Whether an error page was looked for already.
    pub error_page: bool,
    /// What a line of the error log says the request was about, with `while`.
    pub doing: &'static [u8],
    /// The status to send instead of the answer's own; 0 is none.
    pub status: u16,
    /// An error page is asked for as GET.
    pub get: bool,
    /// Whether nobody is told to send a body any more.
    pub expect_tested: bool,
    /// Whether it is settled what becomes of the body.
    pub settled: bool,
    /// Whether all of a body that nobody wanted had come before the answer.
    pub drained: bool,
    /// The arguments, if they are no longer those that were sent.
    pub args: Option<Vec<u8>>,
    /// Whether the configuration gave the arguments: then they exist, even if they are empty.
    pub args_given: bool,
    /// What was captured.
    pub captures: Captures,
    /// The configuration's own variables.
    pub slots: Vec<Slot>,
    /// Which variables that tell of files have none.
    pub pathless: u8,
    /// Whether the request is answered and goes on for its own sake.
    pub posted: bool,
    /// Whether the connection ends with this answer, although its head does not say so.
    pub cut: bool,
    /// How deep values are within values.
    pub depth: u8,
    used: bool,
}

impl Course {
    /// For a request that begins.
    pub fn new() -> Self {
        Self {
            changes: URI_CHANGES,
            changed: false,
            internal: false,
            raw: true,
            placed: true,
            tried: false,
            error_page: false,
            doing: b"",
            status: 0,
            get: false,
            expect_tested: false,
            settled: false,
            drained: false,
            args: None,
            args_given: false,
            captures: Captures::default(),
            slots: Vec::new(),
            pathless: 0,
            posted: false,
            cut: false,
            depth: 0,
            used: false,
        }
    }

    /// Makes it ready for another request; what was not used costs nothing.
    pub fn reset(&mut self) {
        self.changes = URI_CHANGES;
        self.changed = false;
        self.internal = false;
        self.raw = true;
        self.placed = true;
        self.tried = false;
        self.pathless = 0;
        self.depth = 0;
        self.posted = false;
        self.cut = false;
        self.error_page = false;
        self.doing = b"";
        self.status = 0;
        self.get = false;
        self.expect_tested = false;
        self.settled = false;
        self.drained = false;
        self.args = None;
        self.args_given = false;
        if self.used {
            self.captures.clear();
            for slot in &mut self.slots {
                slot.set = false;
            }
            self.used = false;
        }
    }

    /// A variable said what the arguments are: the target as it came is no longer it.
    pub fn give_args(&mut self, args: Vec<u8>) {
        self.args = Some(args);
        self.args_given = true;
        self.raw = false;
    }

    /// Makes it ready for a request within a request, which has no body and nobody to invite one from.
    pub fn within(&mut self) {
        self.internal = true;
        self.raw = false;
        self.get = true;
        self.expect_tested = true;
        self.settled = true;
        self.args = Some(Vec::new());
    }

    /// Has two requests change their variables.
    pub fn swap_slots(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.slots, &mut other.slots);
        let used = self.used | other.used;
        (self.used, other.used) = (used, used);
    }

    /// Sets a variable.
    pub fn set(&mut self, index: usize, found: bool, value: &[u8]) {
        self.used = true;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, Slot::default);
        }
        let slot = &mut self.slots[index];
        slot.set = true;
        slot.found = found;
        slot.value.clear();
        slot.value.extend_from_slice(value);
    }

    /// Matches `subject`; what it captures, and the variables of its named groups, are kept. None if PCRE
    /// gave up.
    pub fn matches(&mut self, regex: &Regex, subject: &[u8]) -> Option<bool> {
        let mut found = regex.compiled.capture_locations();
        match regex.compiled.captures_read(&mut found, subject) {
            Ok(Some(_)) => {}
            Ok(None) => return Some(false),
            Err(_) => return None,
        }
        self.used = true;
        self.captures.subject.clear();
        self.captures.subject.extend_from_slice(subject);
        self.captures.groups.clear();
        self.captures
            .groups
            .extend((0..found.len()).map(|group| found.get(group)));
        for (group, slot) in &regex.names {
            let (start, end) = found.get(*group).unwrap_or_default();
            self.set(*slot, true, subject.get(start..end).unwrap_or_default());
        }
        Some(true)
    }
}

impl Default for Course {
    fn default() -> Self {
        Self::new()
    }
}
