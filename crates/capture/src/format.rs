//! What can be read: one [`Format`] a kind of log.

use crate::event::Event;

/// Whether the meaning of a line is known. Every line is counted as one or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Understood {
    /// It is, also where it tells nothing of tries.
    Yes,
    /// It is not, or not all of it.
    No,
}

/// Reads the records of one kind of log, which most often are lines. A format keeps nothing from record to
/// record: they are read on many threads at once.
pub trait Format: Sync {
    /// Reads one record, without the end of its last line, and gives `out` what it tells.
    fn parse<'a>(&self, line: &'a [u8], out: &mut dyn FnMut(Event<'a>)) -> Understood;

    /// Whether a line begins a record; one that does not belongs to the record before it.
    fn begins(&self, _line: &[u8]) -> bool {
        true
    }

    /// Whether a line looks as if this format had written it, though its message may be unknown.
    fn looks_like(&self, line: &[u8]) -> bool {
        self.parse(line, &mut |_| ()) == Understood::Yes
    }
}
