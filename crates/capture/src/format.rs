//! What can be read: one [`Format`] a kind of log.

use crate::event::Event;
use crate::traffic::Counter;

/// Whether the meaning of a line is known. Every line is counted as one or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Understood {
    /// It is, also where it tells nothing of tries.
    Yes,
    /// It is not, or not all of it.
    No,
}

/// Reads the lines of one kind of log. A format keeps nothing from line to line: lines are read on many
/// threads at once.
pub trait Format: Sync {
    /// Reads one line, without its end, and gives `out` what it tells.
    fn parse<'a>(&self, line: &'a [u8], out: &mut dyn FnMut(Event<'a>)) -> Understood;

    /// The same for a log that has a line for every request, which are counted.
    fn count<'a>(
        &self,
        line: &'a [u8],
        _counter: &mut Counter,
        out: &mut dyn FnMut(Event<'a>),
    ) -> Understood {
        self.parse(line, out)
    }

    /// Whether a line looks as if this format had written it, though its message may be unknown.
    fn looks_like(&self, line: &[u8]) -> bool {
        self.parse(line, &mut |_| ()) == Understood::Yes
    }
}
