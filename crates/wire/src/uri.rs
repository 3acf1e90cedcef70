//! Paths: as locations match them, and as `proxy_pass` with a URI writes them.

/// The path can't be normalised: it holds `%00`, a broken `%` sequence or climbs above the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UriError;

/// Writes nginx's normal form of `path` (as sent, without its query) into `out`, which is cleared: `%XX`
/// decoded, `.` and `..` resolved, slashes merged, all from `#` on cut.
///
/// Returns whether the normal form equals what was sent.
pub fn normalize(_path: &[u8], _out: &mut Vec<u8>) -> Result<bool, UriError> {
    todo!()
}

/// Appends `path` with `%XX` for whatever nginx escapes in a URI: blanks, `#`, `%`, `?`, controls and bytes above 126.
pub fn escape(_path: &[u8], _out: &mut Vec<u8>) {
    todo!()
}
