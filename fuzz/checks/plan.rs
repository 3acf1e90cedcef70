//! Plans: any bytes are a plan that can be run, or are refused with a reason.

use surehop_proxy::control::read;

/// Panics if something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    if let Err(reason) = read(bytes) {
        assert!(!reason.is_empty());
    }
}
