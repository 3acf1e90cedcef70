//! Chunked bodies: cuts change nothing, a plain reader of whole bodies agrees, what is written is read.

use crate::cuts;
use surehop_wire::chunked::{
    CHUNK_END, ChunkError, ChunkHead, Decoder, EXTENSION_LIMIT, LAST_CHUNK, TRAILER_LIMIT,
};

/// Data, whether the body ended, and how many bytes were taken.
type Read = Result<(Vec<u8>, bool, usize), ChunkError>;

/// Panics if something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    let [whole, bytewise, some] = cuts::reads(bytes).map(|ends| decode(bytes, &ends));
    assert_eq!(whole, bytewise);
    assert_eq!(whole, some);
    if bytes.len() < EXTENSION_LIMIT.min(TRAILER_LIMIT) as usize {
        match (plain(bytes), &whole) {
            (Plain::Whole(data, taken), Ok(read)) => assert_eq!(*read, (data, true, taken)),
            (Plain::Cut, Ok((_, done, _))) => assert!(!done),
            (Plain::Bad, Err(_)) => {}
            (plain, read) => panic!("{plain:?}, but {read:?}"),
        }
    }
    written(bytes);
}

/// Decodes what has come after each read, as far as it goes.
fn decode(bytes: &[u8], ends: &[usize]) -> Read {
    let (mut decoder, mut data, mut pos) = (Decoder::new(), Vec::new(), 0);
    for &end in ends {
        while pos < end && !decoder.done() {
            let step = decoder.decode(&bytes[pos..end])?;
            assert!(step.consumed > 0 && step.data.end <= step.consumed);
            assert!(step.consumed <= end - pos);
            assert_eq!(step.done, decoder.done());
            data.extend_from_slice(&bytes[pos..end][step.data]);
            pos += step.consumed;
        }
    }
    Ok((data, decoder.done(), pos))
}

#[derive(Debug)]
enum Plain {
    Whole(Vec<u8>, usize),
    Cut,
    Bad,
}

/// The grammar once more, without states: a line up to CRLF, then data up to CRLF.
fn plain(bytes: &[u8]) -> Plain {
    let (mut rest, mut data) = (bytes, Vec::new());
    loop {
        let Some((size, after)) = line(rest) else {
            return if could_be_size(rest) {
                Plain::Cut
            } else {
                Plain::Bad
            };
        };
        let Some(size) = size_of(size) else {
            return Plain::Bad;
        };
        rest = after;
        if size == 0 {
            return trailers(bytes, rest, data);
        }
        let Ok(size) = usize::try_from(size) else {
            return Plain::Bad;
        };
        let Some((chunk, after)) = rest.split_at_checked(size) else {
            return Plain::Cut;
        };
        data.extend_from_slice(chunk);
        rest = match after {
            [b'\r', b'\n', rest @ ..] => rest,
            [] | [b'\r'] => return Plain::Cut,
            _ => return Plain::Bad,
        };
    }
}

fn trailers(bytes: &[u8], mut rest: &[u8], data: Vec<u8>) -> Plain {
    loop {
        match line(rest) {
            Some((b"", after)) => return Plain::Whole(data, bytes.len() - after.len()),
            Some((trailer, after)) if sound(trailer) => rest = after,
            None if sound(rest.strip_suffix(b"\r").unwrap_or(rest)) => return Plain::Cut,
            _ => return Plain::Bad,
        }
    }
}

/// What stands before the first CRLF, and what behind it.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((&bytes[..end], &bytes[end + 2..]))
}

/// Nothing that could end a line elsewhere.
fn sound(text: &[u8]) -> bool {
    !text.iter().any(|b| b"\r\n".contains(b))
}

/// The size that a whole line tells.
fn size_of(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let rest = &line[digits..];
    let blanks = rest.iter().take_while(|b| b" \t".contains(b)).count();
    let extended = matches!(&rest[blanks..], [] | [b';', ..]);
    if digits == 0 || !extended || !extension(&rest[blanks..]) {
        return None;
    }
    let text = std::str::from_utf8(&line[..digits]).ok()?;
    let text = text.trim_start_matches('0');
    let size = u64::from_str_radix(if text.is_empty() { "0" } else { text }, 16).ok()?;
    (size < 1 << 58).then_some(size)
}

fn extension(text: &[u8]) -> bool {
    text.iter().all(|&b| (b >= b' ' || b == b'\t') && b != 0x7f)
}

/// Whether more bytes could make a size line of it.
fn could_be_size(part: &[u8]) -> bool {
    let part = part.strip_suffix(b"\r").map_or(part, |line| {
        // A CR ends the line: what stands before it must be whole.
        if size_of(line).is_some() { line } else { b"\n" }
    });
    part.is_empty() || size_of(part).is_some()
}

/// The bytes, written as chunks of any length, are read as they were.
fn written(bytes: &[u8]) {
    let [_, _, ends] = cuts::reads(bytes);
    let (mut wire, mut start) = (Vec::new(), 0);
    for end in ends {
        wire.extend_from_slice(ChunkHead::new(end - start).as_bytes());
        wire.extend_from_slice(&bytes[start..end]);
        wire.extend_from_slice(CHUNK_END);
        start = end;
    }
    wire.extend_from_slice(LAST_CHUNK);
    let length = wire.len();
    wire.extend_from_slice(bytes);
    let read = decode(&wire, &[wire.len()]);
    assert_eq!(read, Ok((bytes.to_vec(), true, length)));
}
