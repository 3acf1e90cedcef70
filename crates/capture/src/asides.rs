//! What an application says in the words of failed tries, and that is none: at a quiet level, of those who ask it,
//! or in a text that it handles.

use memchr::{memmem, memrchr};

use crate::moment;
use crate::sayings::{Saying, Weight};

/// Levels at which nobody complains, and those at which one does.
const QUIET: [&[u8]; 12] = [
    b"trace",
    b"trc",
    b"debug",
    b"dbg",
    b"verbose",
    b"silly",
    b"http",
    b"info",
    b"inf",
    b"information",
    b"informational",
    b"notice",
];
const LOUD: [&[u8]; 14] = [
    b"warn",
    b"wrn",
    b"warning",
    b"error",
    b"err",
    b"fatal",
    b"ftl",
    b"critical",
    b"crit",
    b"panic",
    b"severe",
    b"alert",
    b"emerg",
    b"emergency",
];
/// Members of JSON, and of `name=value`, that hold the level.
const MEMBERS: [&[u8]; 7] = [
    b"\"level\":",
    b"\"severity\":",
    b"\"levelname\":",
    b"\"log.level\":",
    b"\"lvl\":",
    b" level=",
    b" lvl=",
];
/// Numbers of pino and bunyan from here on are warnings and worse.
const WARN: i64 = 40;
/// How far into a line its level is looked for.
const WITHIN: usize = 160;
/// Traefik tells of failed tries at `debug` only, in these words.
const EVEN_SO: [&[u8]; 2] = [b"502 Bad Gateway", b"504 Gateway Timeout"];

/// Where a client of the application is at fault, or gone.
const ASKED: [&[u8]; 23] = [
    b"abortIncoming",
    b"socketOnClose (node:_http_server",
    b"socketOnData (node:_http_server",
    b"rawPacket",
    b"request.aborted",
    b"onaborted (",
    b"onAborted (",
    b"ServerResponse",
    b"clientError",
    b"TLS handshake error from ",
    b"NextPart: ",
    b"websocket: close ",
    b"server connection error",
    b"error serving connection",
    b"on client connection",
    b"rejected connection",
    b"->@: ", // a unix socket without a name of its own
    b"http11.Http11InputBuffer",
    b"http11.Http11OutputBuffer",
    b"reactor.netty.http.server",
    b"AspNetCore.Server.Kestrel",
    b"AspNetCore.Connections",
    b"ActionController::Live",
];
/// Where the application asked somebody, whatever else stands there.
const ASKING: [&[u8]; 4] = [b"_http_client", b"ClientRequest", b"xios", b"undici"];
/// Who listens does so below, and who connects gets a port above.
const LISTENING: i64 = 10_000;
/// What tells that a body that ended early was an answer's, and no upload's.
const OF_AN_ANSWER: [&[u8]; 4] = [b"://", b"resp", b"upstream", b"roxy"];

/// Whether `record` tells of no try of its own, though its words are of one.
pub(crate) fn is_aside(record: &[u8], at: usize) -> bool {
    let line = record
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let head = &line[..line.len().min(at)];
    (is_quiet(line, head) && !has_any(line, &EVEN_SO))
        || (has_any(record, &ASKED) && !has_any(record, &ASKING))
        || is_server_of(record)
}

/// Whether `saying`, found at `at`, says what it says only beside other words, which are not there; or stands in a
/// path.
pub(crate) fn is_beside_the_point(part: &[u8], saying: &Saying, at: usize) -> bool {
    match saying.text {
        "ECONNABORTED" => !has_any(part, &[b"xios", b"exceeded"]),
        "unexpected EOF" | "bytes missing" => !has_any(part, &OF_AN_ANSWER),
        "Error: aborted" => !has_any(part, &[b"_http_client"]),
        " milliseconds with " => !has_any(part, &[b"timed out"]),
        _ => saying.weight <= Weight::Code && is_in_path(&part[..at]),
    }
}

fn has_any(text: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| memmem::find(text, word).is_some())
}

fn is_quiet(line: &[u8], head: &[u8]) -> bool {
    let member = MEMBERS.iter().find_map(|name| {
        let at = memmem::find(line, name)? + name.len();
        Some(line[at..].trim_ascii_start())
    });
    if let Some(value) = member {
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        let end = value.iter().position(|byte| !byte.is_ascii_alphanumeric());
        let value = &value[..end.unwrap_or(value.len())];
        return match moment::number(value) {
            Some(number) => number < WARN,
            None => is_one_of(&QUIET, value),
        };
    }
    if matches!(head, [b'I' | b'D', b',', b' ', b'[', ..]) || is_klog(head) {
        return true;
    }
    let head = &head[..head.len().min(WITHIN)];
    let mut before = b' ';
    head.split_inclusive(|byte| !byte.is_ascii_alphabetic())
        .find_map(|word| {
            let (end, letters) = word.split_last()?;
            let (letters, end) = if end.is_ascii_alphabetic() {
                (word, b' ')
            } else {
                (letters, *end)
            };
            let letters = without_colour(letters);
            let is_level = letters.iter().all(u8::is_ascii_uppercase)
                || before == b'['
                || (end == b':' && word.as_ptr() == head.as_ptr());
            before = end;
            if !is_level || letters.is_empty() {
                return None;
            }
            (letters != b"HTTP" && is_one_of(&QUIET, letters))
                .then_some(true)
                .or_else(|| is_one_of(&LOUD, letters).then_some(false))
        })
        .unwrap_or(false)
}

/// A level without the end of the sequence that gives it a colour on a terminal.
fn without_colour(letters: &[u8]) -> &[u8] {
    letters
        .strip_prefix(b"m")
        .filter(|rest| rest.first().is_some_and(u8::is_ascii_uppercase))
        .unwrap_or(letters)
}

fn is_one_of(levels: &[&[u8]], word: &[u8]) -> bool {
    levels.iter().any(|level| level.eq_ignore_ascii_case(word))
}

/// `I0105 10:00:00.000000`.
fn is_klog(head: &[u8]) -> bool {
    matches!(head, [b'I', a, b, c, d, b' ', ..] if [a, b, c, d].into_iter().all(u8::is_ascii_digit))
}

/// Whether what goes before is the beginning of a path or a URL, to which the next word belongs.
fn is_in_path(before: &[u8]) -> bool {
    let is_outside = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`(){}[],".contains(byte);
    let start = before.iter().rposition(is_outside).map_or(0, |at| at + 1);
    let token = &before[start..];
    token.last().is_some_and(u8::is_ascii_alphanumeric)
        || token.ends_with(b"::")
        || memrchr(b'/', token).is_some()
}

/// `read tcp 10.0.0.1:443->192.0.2.7:50000: …`, where 443 is its own port.
fn is_server_of(record: &[u8]) -> bool {
    let Some(arrow) = memmem::find(record, b"->") else {
        return false;
    };
    let digits = record[..arrow]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit());
    let from = arrow - digits.count();
    record[..from].ends_with(b":")
        && moment::number(&record[from..arrow]).is_some_and(|port| port < LISTENING)
}
