//! What others put before the lines that a program wrote.

use memchr::memmem;

/// A line without what container runtimes, compose and syslog put before it.
pub(crate) fn written(line: &[u8]) -> &[u8] {
    const BEFORE: [&[u8]; 4] = [b" stdout F ", b" stderr F ", b" | ", b"]: "];
    if line.first().is_some_and(u8::is_ascii_whitespace) {
        return line;
    }
    let head = &line[..line.len().min(96)];
    let is_prefix = |words: &[u8], at: usize| {
        words != b"]: " || head[..at].last().is_some_and(u8::is_ascii_digit)
    };
    BEFORE
        .iter()
        .find_map(|words| {
            let at = memmem::find(head, words)?;
            is_prefix(words, at).then(|| &line[at + words.len()..])
        })
        .unwrap_or(line)
}
