//! When an application wrote a record: at its beginning, or in a member of its JSON.

use memchr::memmem;

use crate::moment;

/// How far into a line its time is looked for.
const WITHIN: usize = 64;
/// Seconds from here on are milliseconds: they would be in the year 5138.
const MILLISECONDS: usize = 12;
const MEMBERS: [&[u8]; 5] = [
    b"\"time\":",
    b"\"timestamp\":",
    b"\"ts\":",
    b"\"@timestamp\":",
    b"\"asctime\":",
];

/// Unix milliseconds, as [`moment`] reads them; `None` where a record bears no time.
pub(crate) fn stamp(record: &[u8]) -> Option<i64> {
    let line = record.split(|&byte| byte == b'\n').next()?;
    if line.first() == Some(&b'{') {
        return MEMBERS.iter().find_map(|name| member(line, name));
    }
    let within = &line[..line.len().min(WITHIN)];
    let mut before = b' ';
    for (at, byte) in within.iter().enumerate() {
        if !before.is_ascii_alphanumeric() && before != b'.' && is_date(&line[at..]) {
            return moment::iso8601(&line[at..]).or_else(|| moment::plain(&line[at..]));
        }
        before = *byte;
    }
    moment::syslog(line)
}

/// `2026-01-05T10` or `2026/01/05 10`.
fn is_date(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_digit)
        && matches!(text.get(4), Some(b'-' | b'/'))
        && text.get(7) == text.get(4)
        && matches!(text.get(10), Some(b' ' | b'T'))
}

fn member(line: &[u8], name: &[u8]) -> Option<i64> {
    let value = line[memmem::find(line, name)? + name.len()..].trim_ascii_start();
    if let Some(text) = value.strip_prefix(b"\"") {
        return moment::iso8601(text);
    }
    let digits = value
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits > MILLISECONDS {
        return moment::number(&value[..digits]);
    }
    moment::unix(value)
}
