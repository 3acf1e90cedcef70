//! The policy of a hop: balance, health, pool, retry, attempt. Pure: no I/O, no clock, no randomness.
pub type Millis = u64;
