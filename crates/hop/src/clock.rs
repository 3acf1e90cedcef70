//! The one clock: milliseconds that run on while the machine sleeps.
//!
//! nginx counts failures by whole wall-clock seconds. This clock is the kernel's boot time (so a
//! suspended machine ages its idle connections, and an operator who sets the date changes nothing)
//! moved once, when the process starts, so that its second boundaries fall where the wall clock's do.

use std::sync::OnceLock;

use rustix::time::{ClockId, clock_gettime};
pub use surehop_engine::Millis;

/// A deadline that never comes.
pub const NEVER: Millis = Millis::MAX;

fn read(id: ClockId) -> Millis {
    let t = clock_gettime(id);
    t.tv_sec as u64 * 1000 + t.tv_nsec as u64 / 1_000_000
}

/// Milliseconds to add to the boot clock; the same for every thread of the process.
fn offset() -> Millis {
    static OFFSET: OnceLock<Millis> = OnceLock::new();
    *OFFSET.get_or_init(|| read(ClockId::Realtime).saturating_sub(read(ClockId::Boottime)))
}

/// Now, on the clock that every engine decision is made by.
pub fn now() -> Millis {
    read(ClockId::Boottime) + offset()
}

/// Now by the wall clock, in milliseconds since 1970: for log lines and the `Date` header alone.
pub fn wall() -> Millis {
    read(ClockId::Realtime)
}
