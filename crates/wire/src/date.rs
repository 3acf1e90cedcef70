//! Times as HTTP and the logs write them.

/// `Sun, 06 Nov 1994 08:49:37 GMT`, from seconds since 1970.
pub fn imf_fixdate(_unix: i64) -> [u8; 29] {
    todo!()
}

/// `21/Nov/2026:04:44:47 +0000` (`$time_local`), in a zone that is `offset` seconds east of UTC.
pub fn access_log(_unix: i64, _offset: i32) -> [u8; 26] {
    todo!()
}

/// `2026/11/21 04:44:47`, the error log's, in a zone that is `offset` seconds east of UTC.
pub fn error_log(_unix: i64, _offset: i32) -> [u8; 19] {
    todo!()
}

/// `2026-11-21T04:44:47+00:00` (`$time_iso8601`), in a zone that is `offset` seconds east of UTC.
pub fn iso8601(_unix: i64, _offset: i32) -> [u8; 25] {
    todo!()
}
