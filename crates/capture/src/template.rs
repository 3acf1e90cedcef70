//! A `log_format`, taken apart: text and variables in turn.

use memchr::memchr;

/// A value of a line that means something here. The number is its place in [`Values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Status,
    TimeLocal,
    TimeIso,
    Msec,
    Request,
    Method,
    Uri,
    Connection,
    UpstreamAddr,
    UpstreamStatus,
    UpstreamReason,
    UpstreamAttempts,
    Other,
}

/// The values of a line by variable; empty where the format has none.
pub(crate) type Values<'a> = [&'a [u8]; Variable::Other as usize + 1];

/// A format: each part is a variable and the text behind it.
#[derive(Debug)]
pub(crate) struct Template {
    before: Vec<u8>,
    parts: Vec<Part>,
    /// How many parts have to be read for all values that mean something.
    needed: usize,
}

#[derive(Debug)]
struct Part {
    variable: Variable,
    behind: Vec<u8>,
}

impl Template {
    /// Takes a format apart; `None` where a line of it would not tell a status.
    pub(crate) fn new(format: &[u8]) -> Option<Self> {
        let mut before = Vec::new();
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = format;
        while let Some((name, behind)) = next_variable(&mut before, &mut parts, rest) {
            parts.push(Part {
                variable: Variable::named(name),
                behind: Vec::new(),
            });
            rest = behind;
        }
        let last = parts.len().saturating_sub(1);
        for part in &mut parts[..last] {
            // where the next one begins can't be seen
            if part.behind.is_empty() {
                part.variable = Variable::Other;
            }
        }
        let is_known = |part: &Part| part.variable != Variable::Other;
        parts
            .iter()
            .find(|part| part.variable == Variable::Status)?;
        let needed = parts.iter().rposition(is_known)? + 1;
        Some(Self {
            before,
            parts,
            needed,
        })
    }

    /// Fills in the values of a line; `false` where it was not written in this format. Behind the last value that
    /// means something nothing is looked at.
    pub(crate) fn values<'a>(&self, line: &'a [u8], values: &mut Values<'a>) -> bool {
        self.read(line, self.needed, values).is_some()
    }

    /// Whether all of a line is in this format.
    pub(crate) fn is_whole(&self, line: &[u8]) -> bool {
        let is_open = self
            .parts
            .last()
            .is_some_and(|part| part.variable == Variable::Other && part.behind.is_empty());
        self.read(line, self.parts.len(), &mut Values::default())
            .is_some_and(|rest| rest.is_empty() || (is_open && is_value(rest)))
    }

    /// Whether a line begins in this format.
    pub(crate) fn is_beginning(&self, line: &[u8]) -> bool {
        self.read(line, self.parts.len(), &mut Values::default())
            .is_some()
    }

    /// Gives what is behind so many parts.
    fn read<'a>(&self, line: &'a [u8], count: usize, values: &mut Values<'a>) -> Option<&'a [u8]> {
        if !begins(line, &self.before) {
            return None;
        }
        let mut rest = &line[self.before.len()..];
        for part in &self.parts[..count] {
            let end = part.end(rest)?;
            values[part.variable as usize] = &rest[..end];
            rest = &rest[end + part.behind.len()..];
        }
        Some(rest)
    }
}

impl Part {
    /// Where the value at the beginning of `rest` ends.
    fn end(&self, rest: &[u8]) -> Option<usize> {
        let Some(&first) = self.behind.first() else {
            return Some(if self.variable == Variable::Other {
                0
            } else {
                rest.len()
            });
        };
        if let Some(width) = self.variable.width() {
            let is_end = rest
                .get(width..)
                .is_some_and(|rest| begins(rest, &self.behind));
            return is_end.then_some(width);
        }
        let mut from = 0;
        loop {
            let at = from + memchr(first, &rest[from..])?;
            if begins(&rest[at + 1..], &self.behind[1..]) && !self.goes_on(rest, at) {
                return Some(at);
            }
            from = at + 1;
        }
    }

    /// Whether what follows belongs to the value all the same: a quotation mark that is escaped, or one more of a
    /// list: `192.0.2.1:80, 192.0.2.2:80 : app`.
    fn goes_on(&self, rest: &[u8], at: usize) -> bool {
        match self.behind[0] {
            b'"' => rest[..at].ends_with(b"\\"),
            b' ' if self.variable.is_list() => {
                rest[..at].ends_with(b",")
                    || rest[..at].ends_with(b" :")
                    || rest[at..].starts_with(b" : ")
            }
            _ => false,
        }
    }
}

impl Variable {
    fn named(name: &[u8]) -> Self {
        match name {
            b"status" => Self::Status,
            b"time_local" => Self::TimeLocal,
            b"time_iso8601" => Self::TimeIso,
            b"msec" => Self::Msec,
            b"request" => Self::Request,
            b"request_method" => Self::Method,
            b"request_uri" | b"uri" => Self::Uri,
            b"connection" => Self::Connection,
            b"upstream_addr" => Self::UpstreamAddr,
            b"upstream_status" => Self::UpstreamStatus,
            b"upstream_reason" => Self::UpstreamReason,
            b"upstream_attempts" => Self::UpstreamAttempts,
            _ => Self::Other,
        }
    }

    /// How long every value of it is.
    fn width(self) -> Option<usize> {
        match self {
            Self::Status => Some(3),
            Self::TimeLocal => Some(26),
            Self::TimeIso => Some(25),
            _ => None,
        }
    }

    fn is_list(self) -> bool {
        matches!(
            self,
            Self::UpstreamAddr | Self::UpstreamStatus | Self::UpstreamReason
        )
    }
}

/// Whether a text is one value: a word, or a list as nginx writes it, `0.001, 0.002 : 0.003`.
fn is_value(text: &[u8]) -> bool {
    let words: Vec<&[u8]> = text.split(|byte| *byte == b' ').collect();
    let goes_on = |pair: &[&[u8]]| pair[0].ends_with(b",") || pair.iter().any(|word| *word == b":");
    words.windows(2).all(goes_on)
}

/// The same as `starts_with`, for some bytes, where a call costs more than comparing them.
fn begins(text: &[u8], with: &[u8]) -> bool {
    text.len() >= with.len() && with.iter().zip(text).all(|(a, b)| a == b)
}

/// The next variable's name, and what is behind it. Text before it goes to the part before it.
fn next_variable<'a>(
    before: &mut Vec<u8>,
    parts: &mut [Part],
    format: &'a [u8],
) -> Option<(&'a [u8], &'a [u8])> {
    let text = match parts.last_mut() {
        Some(part) => &mut part.behind,
        None => before,
    };
    let mut rest = format;
    loop {
        let Some(dollar) = memchr(b'$', rest) else {
            text.extend_from_slice(rest);
            return None;
        };
        text.extend_from_slice(&rest[..dollar]);
        let behind = &rest[dollar + 1..];
        let braced = behind.first() == Some(&b'{');
        let name = &behind[usize::from(braced)..];
        let end = name
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        let closed = !braced || name.get(end) == Some(&b'}');
        if end > 0 && closed {
            return Some((&name[..end], &name[end + usize::from(braced)..]));
        }
        text.push(b'$');
        rest = behind;
    }
}
