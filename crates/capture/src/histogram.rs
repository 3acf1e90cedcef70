//! Counts over time, in slots that grow wider as the time grows longer.

use serde::{Deserialize, Serialize};

/// A slot's width at first.
const NARROWEST_MS: i64 = 1000;

/// At most `SLOTS` counts. The slots are the narrowest, of a second times a power of two, that cover all: what
/// was counted says what it is, not in which order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Histogram<const SLOTS: usize> {
    width_ms: i64,
    /// The number of the first slot: it begins at `start` times `width_ms`.
    start: i64,
    counts: Vec<u64>,
}

impl<const SLOTS: usize> Default for Histogram<SLOTS> {
    fn default() -> Self {
        Self {
            width_ms: NARROWEST_MS,
            start: 0,
            counts: Vec::new(),
        }
    }
}

impl<const SLOTS: usize> Histogram<SLOTS> {
    /// Counts `count` at a moment.
    pub(crate) fn add(&mut self, at_ms: i64, count: u64) {
        if self.counts.is_empty() {
            self.start = at_ms.div_euclid(self.width_ms);
        }
        let mut slot = at_ms.div_euclid(self.width_ms);
        while self.span(slot) > SLOTS as u64 {
            self.widen();
            slot = slot.div_euclid(2);
        }
        if slot < self.start {
            let before = self.start.abs_diff(slot) as usize;
            self.counts.splice(..0, std::iter::repeat_n(0, before));
            self.start = slot;
        }
        let at = slot.abs_diff(self.start) as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += count;
    }

    /// Counts what another one has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        while self.width_ms < other.width_ms {
            self.widen();
        }
        for (slot, &count) in (other.start..).zip(&other.counts) {
            if count > 0 {
                self.add(slot.saturating_mul(other.width_ms), count);
            }
        }
    }

    /// How many slots there would be with this one.
    fn span(&self, slot: i64) -> u64 {
        let behind = self.start.saturating_add_unsigned(self.counts.len() as u64);
        (behind - 1).max(slot).abs_diff(self.start.min(slot)) + 1
    }

    fn widen(&mut self) {
        let start = self.start.div_euclid(2);
        let mut counts = vec![0; self.counts.len() / 2 + 1];
        for (slot, count) in (self.start..).zip(&self.counts) {
            counts[(slot.div_euclid(2) - start) as usize] += count;
        }
        while counts.last() == Some(&0) {
            counts.pop();
        }
        *self = Self {
            width_ms: self.width_ms.saturating_mul(2),
            start,
            counts,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(times: &[i64]) -> Histogram<8> {
        let mut histogram = Histogram::default();
        for at in times {
            histogram.add(*at, 1);
        }
        histogram
    }

    #[test]
    fn slots_grow_with_the_time() {
        let narrow = of(&[7000, 7999, 8000]);
        assert_eq!(
            (narrow.width_ms, narrow.start, narrow.counts.as_slice()),
            (1000, 7, &[2, 1][..])
        );

        let wide = of(&[0, 8000, 31_000]);
        assert_eq!(
            (wide.width_ms, wide.counts.as_slice()),
            (4000, &[1, 0, 1, 0, 0, 0, 0, 1][..])
        );
    }

    proptest! {
        #[test]
        fn neither_order_nor_parts_matter(times in prop::collection::vec(-1_000_000_i64..1_000_000, 0..40), cut in 0..40_usize) {
            let whole = of(&times);
            let (first, last) = times.split_at(cut.min(times.len()));
            let mut merged = of(last);
            merged.merge(&of(first));
            prop_assert_eq!(&merged, &whole);
            prop_assert_eq!(whole.counts.iter().sum::<u64>(), times.len() as u64);
        }
    }
}
