//! The request line: method, target in any of its forms, version.

use crate::header::Span;
use crate::host;
use crate::request::{Method, RequestError, RequestHead, Version};
use memchr::memchr;

/// Reads the request line that stands in `head` from `start` up to `end`, its line end left out.
pub(crate) fn read(
    request: &mut RequestHead,
    head: &[u8],
    start: usize,
    end: usize,
) -> Result<(), RequestError> {
    let line = &head[..end];
    let method_end = start + line[start..].iter().take_while(|&&b| in_method(b)).count();
    if method_end == start || line.get(method_end) != Some(&b' ') {
        return Err(RequestError::InvalidMethod);
    }
    request.method_span = Span::new(start, method_end);
    request.method = Method::of(&line[start..method_end]);

    let target = skip_blanks(line, method_end);
    let target_end = memchr(b' ', &line[target..]).map_or(end, |at| target + at);
    request.target = Span::new(target, target_end);
    read_target(request, &line[..target_end], target)?;

    let version = skip_blanks(line, target_end);
    if version == end {
        request.version = Version::Http09;
        if request.method != Method::Get {
            return Err(RequestError::InvalidMethod09);
        }
        return Err(RequestError::Http09);
    }
    read_version(request, line, version)
}

/// What is wrong with the beginning of a request line, whatever its rest may be.
pub(crate) fn wrong(line: &[u8]) -> Option<RequestError> {
    let method = line.iter().take_while(|&&b| in_method(b)).count();
    match line.get(method) {
        Some(b' ') if method > 0 => line
            .iter()
            .any(|&b| b < b' ' || b == 0x7f)
            .then_some(RequestError::InvalidRequest),
        Some(_) => Some(RequestError::InvalidMethod),
        None => None,
    }
}

/// Whether nginx takes the byte in a method's name.
const fn in_method(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'_' || byte == b'-'
}

fn skip_blanks(line: &[u8], mut pos: usize) -> usize {
    while line.get(pos) == Some(&b' ') {
        pos += 1;
    }
    pos
}

/// Tells the forms of a target apart; `line` ends where the target ends.
fn read_target(request: &mut RequestHead, line: &[u8], start: usize) -> Result<(), RequestError> {
    let target = &line[start..];
    if request.method == Method::Connect {
        // Refused as a method once the head is read, so nothing more than the form is asked for.
        return match host::name(target) {
            Some(_) => Ok(()),
            None => Err(RequestError::InvalidRequest),
        };
    }
    match target.first() {
        Some(b'/') => read_path(request, line, start),
        Some(first) if first.is_ascii_alphabetic() => read_absolute(request, line, start),
        _ => Err(RequestError::InvalidRequest),
    }
}

/// `scheme://host:port/path?query`. Any scheme will do, as in nginx.
fn read_absolute(request: &mut RequestHead, line: &[u8], start: usize) -> Result<(), RequestError> {
    let in_scheme = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let scheme_end = start + line[start..].iter().take_while(|b| in_scheme(b)).count();
    if !line[scheme_end..].starts_with(b"://") {
        return Err(RequestError::InvalidRequest);
    }
    let authority = scheme_end + 3;
    let authority_end = line[authority..]
        .iter()
        .position(|b| matches!(b, b'/' | b'?'))
        .map_or(line.len(), |at| authority + at);
    // In a request line nginx takes fewer characters than in a Host line.
    let literal = line.get(authority) == Some(&b'[');
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let (host, port) = host::host_and_port(&line[authority..authority_end]);
    if !literal && !host.iter().all(plain) || !port.iter().all(u8::is_ascii_digit) {
        return Err(RequestError::InvalidRequest);
    }
    let Some(name) = host::name(&line[authority..authority_end]) else {
        return Err(RequestError::InvalidHostInLine);
    };
    request.host = Span::new(authority, authority + name);
    request.authority = Some(Span::new(authority, authority_end));
    match line.get(authority_end) {
        Some(b'/') => read_path(request, line, authority_end),
        Some(_) => {
            read_path(request, line, authority_end)?;
            request.path = Span::new(scheme_end + 1, scheme_end + 2);
            Ok(())
        }
        None => {
            // The slash of `://` stands for the path that is not there.
            request.uri = Span::new(scheme_end + 1, scheme_end + 2);
            request.path = request.uri;
            Ok(())
        }
    }
}

/// The path, query and fragment from `start` to the end of `line`.
fn read_path(request: &mut RequestHead, line: &[u8], start: usize) -> Result<(), RequestError> {
    request.uri = Span::new(start, line.len());
    let (mut path_end, mut query, mut fragment) = (line.len(), None, None);
    for (pos, &byte) in line.iter().enumerate().skip(start) {
        match CLASS[byte as usize] {
            0 => {}
            1 => return Err(RequestError::InvalidRequest),
            _ if fragment.is_some() => {}
            _ if byte == b'#' => fragment = Some(pos),
            _ if query.is_none() => query = Some(pos + 1),
            _ => {}
        }
    }
    let end = fragment.unwrap_or(line.len());
    path_end = path_end.min(end).min(query.map_or(end, |q| q - 1));
    request.path = Span::new(start, path_end);
    request.query = query.map(|q| Span::new(q, end));
    Ok(())
}

/// What a byte of a target does: nothing (0), refuse it (1), end the path (2).
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        if i <= 0x20 || i == 0x7f {
            table[i] = 1;
        }
        i += 1;
    }
    table[b'?' as usize] = 2;
    table[b'#' as usize] = 2;
    table
};

/// `HTTP/1.minor`, with blanks after it.
fn read_version(request: &mut RequestHead, line: &[u8], start: usize) -> Result<(), RequestError> {
    let Some(digits) = line[start..].strip_prefix(b"HTTP/") else {
        return Err(RequestError::InvalidRequest);
    };
    let major = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    match &digits[..major] {
        b"1" => {}
        [] | [b'0', ..] => return Err(RequestError::InvalidRequest),
        _ => return Err(RequestError::InvalidVersion),
    }
    let Some(digits) = digits[1..].strip_prefix(b".") else {
        return Err(RequestError::InvalidRequest);
    };
    let minor = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    // Three digits are nginx's limit.
    if minor == 0 || minor > 3 || digits[minor..].iter().any(|&b| b != b' ') {
        return Err(RequestError::InvalidRequest);
    }
    let zero = digits[..minor].iter().all(|&b| b == b'0');
    request.version = if zero {
        Version::Http10
    } else {
        Version::Http11
    };
    request.protocol = Span::new(start, start + b"HTTP/1.".len() + minor);
    Ok(())
}
