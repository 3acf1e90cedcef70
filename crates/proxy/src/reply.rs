//! What is to be said of an answer before its body: facts, and header lines in the order they were added.
//!
//! Whoever makes the answer fills it in; [`crate::head`] writes it. Lines that come from upstream are not
//! copied but pointed at.

use surehop_wire::header::{Header, Known, Span};

use crate::parts::Parts;

/// A header line. What is not the upstream's own stands in the reply's own text.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Which name it is.
    pub known: Known,
    name: Span,
    value: Span,
    own_name: bool,
    own_value: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be written in its turn.
    Due,
    /// Written already, before its turn.
    Written,
    /// Taken back.
    Gone,
}

/// Which ranges of an answer may be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ranges {
    /// It is given as a whole.
    #[default]
    None,
    /// One at a time.
    One,
    /// As many as the location allows.
    Any,
}

/// The head of an answer to be.
#[derive(Debug, Default)]
pub struct Reply {
    /// The content type, with whatever parameters the upstream sent; empty for none.
    pub kind: Vec<u8>,
    /// Bytes of it without the upstream's charset.
    bare: usize,
    /// The charset of a content type of our own; empty for none.
    pub charset: Vec<u8>,
    /// Bytes of the body; none if that is not known.
    pub length: Option<u64>,
    /// Seconds since 1970, if that is known.
    pub modified: Option<i64>,
    /// Whether its status is one that has no date, whatever the lines say.
    pub undated: bool,
    /// Whether lines were added to it already, as the location says.
    pub filtered: bool,
    /// Which ranges of it may be asked for.
    pub ranges: Ranges,
    /// Those that were, once that is known.
    pub parts: Option<Parts>,
    /// Whether the upstream's status line is passed on.
    pub line_passed: bool,
    /// Whether `Server`, and `Date`, are left to the lines.
    pub server_passed: bool,
    #[allow(missing_docs)]
    pub date_passed: bool,
    /// The line that is a `Location` of which a path is made a whole URL.
    location: Option<usize>,
    /// Whether the body goes out in chunks. Known once the head is written.
    pub chunked: bool,
    /// Whether caches are told that the answer depends on who asks.
    pub varies: bool,
    /// Whether there may be trailers.
    pub trailed: bool,
    /// The trailers' lines, once the body has come to its end.
    pub trailers: Vec<u8>,
    /// Whether another protocol is spoken behind it.
    pub upgraded: bool,
    lines: Vec<Line>,
    text: Vec<u8>,
}

impl Reply {
    /// Forgets everything, for another request.
    pub fn reset(&mut self) {
        self.facts();
        self.lines.clear();
        self.text.clear();
        self.trailed = false;
        self.varies = false;
    }

    /// Forgets the facts and keeps the lines: what was added before an error is sent with its page.
    pub fn facts(&mut self) {
        self.kind.clear();
        self.bare = 0;
        self.charset.clear();
        self.length = None;
        self.modified = None;
        self.undated = false;
        self.filtered = false;
        self.ranges = Ranges::None;
        self.parts = None;
        self.line_passed = false;
        self.server_passed = false;
        self.date_passed = false;
        self.location = None;
        self.chunked = false;
        self.trailers.clear();
        self.upgraded = false;
    }

    /// Sets the content type.
    pub fn set_kind(&mut self, kind: &[u8]) {
        self.kind.clear();
        self.kind.extend_from_slice(kind);
        self.bare = kind.len();
    }

    /// Passes the upstream's content type on. A charset is no part of what it is compared by.
    pub fn pass_kind(&mut self, kind: &[u8]) {
        self.set_kind(kind);
        let mut from = 0;
        while let Some(at) = memchr::memchr(b';', &kind[from..]) {
            let semicolon = from + at;
            let rest = kind[semicolon + 1..].trim_ascii_start();
            if rest.len() > 8 && rest[..8].eq_ignore_ascii_case(b"charset=") {
                self.bare = semicolon;
                return;
            }
            from = semicolon + 1;
        }
    }

    /// The content type without a charset.
    pub fn bare_kind(&self) -> &[u8] {
        &self.kind[..self.bare]
    }

    fn keep(&mut self, bytes: &[u8]) -> Span {
        let start = self.text.len();
        self.text.extend_from_slice(bytes);
        Span::new(start, self.text.len())
    }

    /// Adds a line of our own.
    pub fn line(&mut self, name: &[u8], value: &[u8]) {
        let line = Line {
            known: Known::of(name),
            name: self.keep(name),
            value: self.keep(value),
            own_name: true,
            own_value: true,
            state: State::Due,
        };
        self.lines.push(line);
    }

    /// Adds a line of our own that is nothing to us, whatever its name.
    pub fn extra(&mut self, name: &[u8], value: &[u8]) {
        self.line(name, value);
        if let Some(line) = self.lines.last_mut() {
            line.known = Known::Other;
        }
    }

    /// Adds a line of the upstream's.
    pub fn pass(&mut self, line: &Header) {
        self.lines.push(Line {
            known: line.known,
            name: line.name,
            value: line.value,
            own_name: false,
            own_value: false,
            state: State::Due,
        });
    }

    /// Adds a line of the upstream's with another value.
    pub fn pass_with(&mut self, line: &Header, value: &[u8]) {
        let value = self.keep(value);
        self.lines.push(Line {
            known: line.known,
            name: line.name,
            value,
            own_name: false,
            own_value: true,
            state: State::Due,
        });
    }

    /// Adds a `Location`; if it is a path, and `absolute_redirect` on, a whole URL is made of it.
    pub fn set_location(&mut self, target: &[u8]) {
        self.location = Some(self.lines.len());
        self.line(b"Location", target);
    }

    /// Says that the line added last is such a `Location`.
    pub fn last_is_location(&mut self) {
        self.location = self.lines.len().checked_sub(1);
    }

    /// The index of that line, if there is one.
    pub fn location(&self) -> Option<usize> {
        self.location
            .filter(|&at| self.lines[at].state != State::Gone)
    }

    /// The lines that count, and their indices.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &Line)> {
        let lines = self.lines.iter().enumerate();
        lines.filter(|(_, line)| line.state != State::Gone)
    }

    /// The lines that are still to be written.
    pub fn due(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.state == State::Due)
    }

    /// The first line of that name.
    pub fn find(&self, known: Known) -> Option<usize> {
        let mut lines = self.lines();
        lines
            .find(|(_, line)| line.known == known)
            .map(|(at, _)| at)
    }

    /// A line's name. `raw` is the upstream's head.
    pub fn name<'a>(&'a self, line: &Line, raw: &'a [u8]) -> &'a [u8] {
        line.name.of(if line.own_name { &self.text } else { raw })
    }

    /// A line's value.
    pub fn value<'a>(&'a self, line: &Line, raw: &'a [u8]) -> &'a [u8] {
        line.value.of(if line.own_value { &self.text } else { raw })
    }

    /// The value of the line with that index.
    pub fn value_at<'a>(&'a self, at: usize, raw: &'a [u8]) -> &'a [u8] {
        self.value(&self.lines[at], raw)
    }

    /// Gives a line another value.
    pub fn change(&mut self, at: usize, value: &[u8]) {
        let value = self.keep(value);
        let line = &mut self.lines[at];
        (line.value, line.own_value) = (value, true);
    }

    /// Puts a line of our own in the place of another.
    pub fn replace(&mut self, at: usize, name: &[u8], value: &[u8]) {
        self.change(at, value);
        let name = self.keep(name);
        let line = &mut self.lines[at];
        (line.name, line.own_name) = (name, true);
    }

    /// Says that a line is written already.
    pub fn written(&mut self, at: usize) {
        self.lines[at].state = State::Written;
    }

    /// Takes a line back.
    pub fn take_back(&mut self, at: usize) {
        self.lines[at].state = State::Gone;
    }

    /// Lets a line count that was taken back, with this value.
    pub fn restore(&mut self, at: usize, value: &[u8]) {
        self.change(at, value);
        self.lines[at].state = State::Due;
    }

    /// Takes back the line of that name that was added last.
    pub fn take_back_last(&mut self, known: Known) {
        let mut lines = self.lines.iter_mut().rev();
        if let Some(line) = lines.find(|line| line.known == known && line.state != State::Gone) {
            line.state = State::Gone;
        }
    }

    /// Takes back all lines of that name.
    pub fn take_back_all(&mut self, known: Known) {
        for line in self.lines.iter_mut().filter(|line| line.known == known) {
            line.state = State::Gone;
        }
    }
}
