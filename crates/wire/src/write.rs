//! Writing heads, piece by piece, onto a buffer that is reused.

/// Appends `name: value` and CRLF.
pub fn header(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Appends `name: number` and CRLF.
pub fn number(out: &mut Vec<u8>, name: &[u8], value: u64) {
    header(out, name, itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a status line with CRLF: `version` is `HTTP/1.1`, `line` is `200 OK`.
pub fn status_line(out: &mut Vec<u8>, version: &[u8], line: &[u8]) {
    for part in [version, b" ", line, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// Appends a request line with CRLF: `version` is `HTTP/1.1`.
pub fn request_line(out: &mut Vec<u8>, method: &[u8], target: &[u8], version: &[u8]) {
    for part in [method, b" ", target, b" ", version, b"\r\n"] {
        out.extend_from_slice(part);
    }
}
