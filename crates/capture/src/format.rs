//! What can be read: one [`Format`] a kind of log.

use crate::event::Event;
use crate::returns::PERHAPS;
use crate::traffic::Counter;

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
    /// Reads one record, without the end of its last line, and gives `out` what it tells. Of a log that has one
    /// for every request, these are counted.
    fn count<'a>(
        &self,
        record: &'a [u8],
        counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood;

    /// The same of a record that none goes before.
    fn parse<'a>(&self, record: &'a [u8], out: &mut dyn FnMut(Event<'a>)) -> Understood {
        self.count(record, &mut Counter::default(), &mut |event| {
            if event.word != PERHAPS {
                out(event);
            }
        })
    }

    /// When a record was written, if it is worth knowing where the log stood still.
    fn stamp(&self, _record: &[u8]) -> Option<i64> {
        None
    }

    /// Whether its records have several lines, as those with traces do.
    fn spans_lines(&self) -> bool {
        false
    }

    /// Of such: whether a line begins a record. One that does not goes on with the record before it.
    fn begins(&self, _line: &[u8]) -> bool {
        true
    }

    /// Whether a line looks as if this format had written it, though its message may be unknown.
    fn looks_like(&self, line: &[u8]) -> bool {
        self.parse(line, &mut |_| ()) == Understood::Yes
    }
}
