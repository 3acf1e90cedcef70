//! Where a log stood still and then went on, as that of a process does which was frozen.

use crate::kept::Line;

/// How long nothing has to be written.
const PAUSE: i64 = 60_000;
/// For how long what happens afterwards may come of it.
const JUST_AFTER: i64 = 5_000;

/// When the records of a block were written, as far as the log stood still between them.
#[derive(Debug, Default)]
pub(crate) struct Times {
    gaps: Vec<Gap>,
    last: Option<i64>,
}

/// The first record of a block, or one before which the log stood still.
#[derive(Debug)]
struct Gap {
    /// How many lines of the block had told something before it.
    told: usize,
    before: Option<i64>,
    at: i64,
}

impl Times {
    /// Notes the next record; `told` lines of its block have told something so far.
    pub(crate) fn note(&mut self, told: usize, at: i64) {
        let before = self.last.replace(at);
        if before.is_none_or(|before| at - before >= PAUSE) {
            self.gaps.push(Gap { told, before, at });
        }
    }
}

/// How a whole log went on, block by block.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    last: Option<i64>,
    /// When it went on, and how long it had stood still.
    resumed: Option<(i64, i64)>,
}

impl Pauses {
    /// Tells the lines of the next block after which pauses they come.
    pub(crate) fn tell(&mut self, times: &Times, told: &mut [Line<'_>]) {
        let mut gaps = times.gaps.iter().peekable();
        for (index, line) in told.iter_mut().enumerate() {
            while let Some(gap) = gaps.next_if(|gap| gap.told <= index) {
                self.pass(gap);
            }
            line.event.pause_ms = self.before(line.event.at_ms);
        }
        gaps.for_each(|gap| self.pass(gap));
        self.last = times.last.or(self.last);
    }

    fn pass(&mut self, gap: &Gap) {
        let before = gap.before.or(self.last);
        let pause = before.map_or(0, |before| gap.at - before);
        if pause >= PAUSE {
            self.resumed = Some((gap.at, pause));
        }
    }

    fn before(&self, at: i64) -> Option<u64> {
        let (resumed, pause) = self.resumed?;
        let is_after = (0..JUST_AFTER).contains(&(at - resumed));
        is_after.then(|| u64::try_from(pause).ok())?
    }
}
