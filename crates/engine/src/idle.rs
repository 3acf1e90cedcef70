//! Learning after how long a peer closes an idle connection.

use crate::plan::Millis;

/// Closes remembered a peer.
const REMEMBERED: usize = 16;
/// Closes that must agree.
const AGREEING: usize = 3;
/// Closes sooner than this say nothing about idle time-outs.
const SHORTEST: Millis = 1_000;
/// The least time by which a connection is given up before its peer does.
const LEAST_MARGIN: Millis = 100;

/// The last idle closes of one peer, as one worker saw them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    // (how long it had been idle, when it was seen)
    closes: [(Millis, Millis); REMEMBERED],
    seen: usize,
}

impl Ring {
    /// Adds a close; gives the idle time-out that the closes after `since` agree on.
    pub(crate) fn close(&mut self, idle: Millis, now: Millis, since: Millis) -> Option<Millis> {
        if idle < SHORTEST {
            return None;
        }
        self.closes[self.seen % REMEMBERED] = (idle, now);
        self.seen += 1;
        let mut recent = [0; REMEMBERED];
        let mut count = 0;
        for &(idle, at) in &self.closes[..self.seen.min(REMEMBERED)] {
            if at >= since {
                recent[count] = idle;
                count += 1;
            }
        }
        let recent = &mut recent[..count];
        recent.sort_unstable();
        let cluster = recent
            .windows(AGREEING)
            .find(|near| near[AGREEING - 1] - near[0] <= near[0] / 10)?;
        Some(cluster[0])
    }
}

/// How long a connection may idle if the peer closes it after `limit` and the way there and back takes `rtt`.
pub(crate) fn safe_idle(limit: Millis, rtt: Millis) -> Millis {
    limit
        - LEAST_MARGIN
            .max(rtt.saturating_mul(2))
            .min(limit.div_ceil(2))
}

#[cfg(test)]
#[path = "idle_tests.rs"]
mod tests;
