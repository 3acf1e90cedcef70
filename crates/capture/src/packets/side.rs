//! One direction of a connection, by its sequence numbers.

use super::exchange::{Moment, Stretch};
use super::segment::{ACK, FIN, Segment};

/// ns within which a segment that comes again is a copy of the capture's, not sent again.
pub(super) const COPY: i64 = 100_000_000;

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// The sequence number of the next new byte.
    pub next: Option<u32>,
    /// The highest one that the other side has acknowledged.
    pub acknowledged: Option<u32>,
    sent: Moment,
    /// How often the last data was sent again.
    pub again: u32,
}

impl Side {
    /// What the other side says that it has.
    pub(super) fn acknowledge(&mut self, segment: &Segment<'_>) {
        if !segment.has(ACK) {
            return;
        }
        if self
            .acknowledged
            .is_none_or(|known| before(known, segment.acknowledged))
        {
            self.acknowledged = Some(segment.acknowledged);
            self.again = 0;
        }
    }

    /// ms since the last data.
    pub(super) fn silence(&self, now: Moment) -> u64 {
        now.since(self.sent)
    }

    /// The bytes of a segment that were not there before; of a FIN, those before it that are missing.
    pub(super) fn stretch<'a>(
        &mut self,
        segment: &Segment<'a>,
        now: Moment,
    ) -> Option<Stretch<'a>> {
        let is_behind_a_gap = || {
            let next = self.next.filter(|_| segment.has(FIN));
            next.is_some_and(|next| before(next, segment.sequence))
        };
        if segment.size == 0 && !is_behind_a_gap() {
            return None;
        }
        let next = *self.next.get_or_insert(segment.sequence);
        let (mut data, mut lost) = (segment.data, 0);
        let mut cut = segment.size as usize - data.len();
        if before(segment.sequence, next) {
            if !before(next, segment.end()) {
                // One byte may be a probe that asks whether the other side is there.
                if segment.size > 1 && now.at - self.sent.at >= COPY {
                    self.again += 1;
                    self.sent = now;
                }
                return None;
            }
            let known = next.wrapping_sub(segment.sequence) as usize;
            // SYN and FIN have numbers, too, so that more may be known than there are bytes.
            cut = cut.saturating_sub(known.saturating_sub(data.len()));
            data = data.get(known..).unwrap_or_default();
        } else {
            lost = segment.sequence.wrapping_sub(next);
        }
        self.next = Some(segment.end());
        if segment.size > 0 {
            self.sent = now;
        }
        Some(Stretch {
            before: u64::from(lost),
            data,
            after: cut as u64,
            now,
        })
    }
}

/// Whether one sequence number stands before another.
pub(super) fn before(one: u32, other: u32) -> bool {
    (one.wrapping_sub(other).cast_signed()) < 0
}
