//! Status lines and error pages, worded as nginx words them.

/// nginx's status and reason (`404 Not Found`), or none where nginx sends the bare number.
pub const fn line(_status: u16) -> Option<&'static str> {
    todo!()
}

/// The status that goes over the wire: nginx's own 494 to 497 are sent and logged as 400.
pub const fn sent(status: u16) -> u16 {
    match status {
        494..=497 => 400,
        other => other,
    }
}

/// Appends nginx's error page for `status`, signed with `product` (`surehop/0.1.0`). `pad` adds the
/// comments that nginx pads pages with for old browsers (`msie_padding`, see [`padded_for`]).
/// Returns false, with nothing appended, if there is no page for it.
pub fn page(_status: u16, _product: &str, _pad: bool, _out: &mut Vec<u8>) -> bool {
    todo!()
}

/// Whether nginx would pad the page for this browser.
pub fn padded_for(_user_agent: &[u8]) -> bool {
    todo!()
}
