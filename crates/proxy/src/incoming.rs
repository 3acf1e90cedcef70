//! What becomes of an upstream's answer before it is the client's: lines that are rewritten, errors that
//! are intercepted, and answers that send the request elsewhere (`X-Accel-Redirect`).

use serde::Deserialize;
use surehop_wire::header::Known;
use surehop_wire::request::Method;
use surehop_wire::response::{BodyFraming, ResponseError, ResponseHead};
use surehop_wire::{date, write};

use crate::answer;
use crate::client::Client;
use crate::config::ProxyConf;
use crate::cookies;
use crate::ending::{SWITCHING, current};
use crate::exchange::Exchange;
use crate::head;
use crate::pace;
use crate::phases::Outcome;
use crate::plan::{Level, Text};
use crate::reply::Ranges;
use crate::script::Regex;
use crate::send::Sender;
use crate::template::{Piece, Template};
use crate::told;
use crate::upgrade;
use crate::vars;
use crate::worker::Worker;

/// What a location says about answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Incoming {
    pub redirects: Vec<Replacing>,
    pub cookie_domains: Vec<Replacing>,
    pub cookie_paths: Vec<Replacing>,
    pub cookie_flags: Vec<CookieFlags>,
    /// Names of lines that mean nothing, in lower case.
    pub ignored: Vec<Text>,
    pub intercept_errors: bool,
    pub force_ranges: bool,
    pub pass_trailers: bool,
}

impl Incoming {
    /// Whether a line of this name means nothing, though it may be passed on.
    pub fn ignores(&self, name: &[u8]) -> bool {
        self.ignored.iter().any(|ignored| ignored.0 == name)
    }

    fn cookies(&self) -> bool {
        !self.cookie_domains.is_empty()
            || !self.cookie_paths.is_empty()
            || !self.cookie_flags.is_empty()
    }
}

/// What is looked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Pattern {
    Text(Template),
    Regex(Regex),
}

/// What is looked for, and what is written instead.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Replacing {
    pub pattern: Pattern,
    pub replacement: Template,
}

/// Which cookies get which flags.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CookieFlags {
    pub pattern: Pattern,
    pub flags: Vec<Template>,
}

impl Replacing {
    /// Replaces what `value` begins with, from `from` on; None if it does not match.
    pub fn prefix(
        &self,
        worker: &Worker,
        client: &Client,
        ex: &mut Exchange,
        value: &[u8],
        from: usize,
    ) -> Option<Vec<u8>> {
        let rest = value.get(from..)?;
        let matched = match &self.pattern {
            Pattern::Text(template) => {
                let mut pattern = Vec::new();
                vars::expand(worker, client, ex, template, &mut pattern);
                rest.starts_with(&pattern).then_some(pattern.len())
            }
            Pattern::Regex(regex) => ex
                .course
                .matches(regex, rest)
                .filter(|found| *found)
                .map(|_| rest.len()),
        }?;
        Some(self.put(worker, client, ex, value, from..from + matched))
    }

    /// Puts the replacement into `value`.
    pub fn put(
        &self,
        worker: &Worker,
        client: &Client,
        ex: &mut Exchange,
        value: &[u8],
        at: std::ops::Range<usize>,
    ) -> Vec<u8> {
        let mut made = value[..at.start].to_vec();
        vars::expand(worker, client, ex, &self.replacement, &mut made);
        made.extend_from_slice(&value[at.end..]);
        made
    }

    /// Whether that can be said without looking at variables: what has none, and does not match, is the
    /// usual case.
    fn differs(&self, rest: &[u8]) -> bool {
        match &self.pattern {
            Pattern::Text(Template(pieces)) => match pieces.as_slice() {
                [Piece::Text(text)] => !rest.starts_with(text),
                _ => false,
            },
            Pattern::Regex(_) => false,
        }
    }
}

/// The first of `lines` that matches says what becomes of `value`.
fn replaced(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    lines: &[Replacing],
    value: &[u8],
    from: usize,
) -> Option<Vec<u8>> {
    lines
        .iter()
        .find_map(|line| line.prefix(worker, client, ex, value, from))
}

/// Lines of the answer that are worth something else to the client, by their index.
pub fn rewrites(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    reply: &Incoming,
) -> Vec<(usize, Vec<u8>)> {
    let mut found = Vec::new();
    let redirects = &[Known::Location, Known::Refresh];
    if ex.response.has(redirects) || ex.response.has(&[Known::SetCookie]) && reply.cookies() {
        for index in 0..ex.response.headers.len() {
            let forward = ex.response.headers[index].forward;
            if forward && let Some(value) = rewritten(worker, client, ex, reply, index) {
                found.push((index, answer::one_line(value)));
            }
        }
    }
    found
}

/// What a response line is worth to the client, if it is not its own value.
fn rewritten(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    reply: &Incoming,
    index: usize,
) -> Option<Vec<u8>> {
    let line = *ex.response.headers.get(index)?;
    let value = line.value.of(&ex.response_raw);
    match line.known {
        Known::Location | Known::Refresh => {
            let from = match line.known {
                Known::Refresh => url_of(value)?,
                _ => 0,
            };
            let rest = value.get(from..).unwrap_or_default();
            if reply.redirects.iter().all(|line| line.differs(rest)) {
                return None;
            }
            let value = value.to_vec();
            replaced(worker, client, ex, &reply.redirects, &value, from)
        }
        Known::SetCookie if reply.cookies() => {
            let value = value.to_vec();
            cookies::rewritten(worker, client, ex, reply, &value)
        }
        _ => None,
    }
}

/// Where the URL of a `Refresh` begins.
fn url_of(value: &[u8]) -> Option<usize> {
    let at = value
        .windows(4)
        .position(|four| four.eq_ignore_ascii_case(b"url="))?;
    Some(at + 4)
}

/// Whether the answer that was heard is not the client's: where the request goes on instead.
pub fn elsewhere(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    proxy: &ProxyConf,
) -> Option<Outcome> {
    let reply = &proxy.plan.reply;
    let status = ex.response.status;
    if ex.response.has(&[Known::XAccelLimitRate]) && !reply.ignores(b"x-accel-limit-rate") {
        limit(ex);
    }
    if !reply.intercept_errors && !ex.response.has(&[Known::XAccelRedirect]) {
        return None;
    }
    if status >= 300 && reply.intercept_errors {
        let pages = &vars::place(worker, ex).error_pages;
        if pages.iter().any(|page| page.status == status) {
            if status == 401 {
                keep(ex, |known| known == Known::WwwAuthenticate);
            }
            ex.course.doing = b" while sending to client";
            return Some(Outcome::Status(status));
        }
    }
    let line = ex.response.find(Known::XAccelRedirect)?;
    if reply.ignores(b"x-accel-redirect") {
        return None;
    }
    let target = line.value.of(&ex.response_raw).to_vec();
    keep_for_redirect(worker, client, ex, reply);
    ex.course.doing = b" while reading response header from upstream";
    Some(accelerated(worker, client, ex, target))
}

/// Has the client's answer go out as fast as `X-Accel-Limit-Rate` says.
fn limit(ex: &mut Exchange) {
    let line = ex.response.find(Known::XAccelLimitRate);
    let value = line.map_or(&[][..], |line| line.value.of(&ex.response_raw));
    if value.iter().all(u8::is_ascii_digit)
        && let Some(rate) = pace::size(value)
    {
        ex.pace.give(rate);
    }
}

/// Where `X-Accel-Redirect` leads.
fn accelerated(worker: &Worker, client: &Client, ex: &mut Exchange, target: Vec<u8>) -> Outcome {
    if target.first() == Some(&b'@') {
        return Outcome::Named(target);
    }
    let Some((path, args)) = safe(&target) else {
        told::line(worker, client, ex, Level::Error, None, |out| {
            out.extend_from_slice(b"unsafe URI \"");
            out.extend_from_slice(&decoded(&target));
            out.extend_from_slice(b"\" was detected");
            out.extend_from_slice(ex.course.doing);
        });
        return Outcome::Status(404);
    };
    if ex.head.method != Method::Head {
        ex.head.method = Method::Get;
        ex.course.get = true;
    }
    Outcome::Redirect(path, args)
}

/// Splits a URI that an upstream gave; None if it leads upwards or holds a NUL.
fn safe(target: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (path, args) = match memchr::memchr(b'?', target) {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &b""[..]),
    };
    if path.is_empty() || climbs(path) {
        return None;
    }
    if !path.contains(&b'%') {
        return Some((path.to_vec(), args.to_vec()));
    }
    let decoded = decoded(path);
    (!climbs(&decoded)).then(|| (decoded, args.to_vec()))
}

fn climbs(path: &[u8]) -> bool {
    path.contains(&0) || path.split(|&byte| byte == b'/').any(|part| part == b"..")
}

fn decoded(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut at = 0;
    let digit = |at: usize| path.get(at).and_then(|byte| (*byte as char).to_digit(16));
    while let Some(&byte) = path.get(at) {
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            out.push((high << 4 | low) as u8);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    out
}

/// Keeps lines of this answer for the one that the client gets.
fn keep(ex: &mut Exchange, wanted: impl Fn(Known) -> bool) {
    let raw = &ex.response_raw[..];
    for line in &ex.response.headers {
        if wanted(line.known) {
            ex.reply.line(line.name.of(raw), line.value.of(raw));
        }
    }
}

/// What nginx keeps of an answer that leads elsewhere.
fn keep_for_redirect(worker: &Worker, client: &Client, ex: &mut Exchange, reply: &Incoming) {
    for index in 0..ex.response.headers.len() {
        let line = ex.response.headers[index];
        let ignored = ex.response.warnings.iter().any(|w| w.line == index);
        let name = line.name.of(&ex.response_raw);
        let wanted = matches!(
            line.known,
            Known::SetCookie | Known::CacheControl | Known::Expires | Known::AcceptRanges
        ) || name.eq_ignore_ascii_case(b"Content-Disposition");
        if ignored {
            continue;
        }
        if line.known == Known::ContentType {
            ex.kept_type.clear();
            ex.kept_type
                .extend_from_slice(line.value.of(&ex.response_raw));
        } else if wanted {
            let made = rewritten(worker, client, ex, reply, index);
            let raw = &ex.response_raw[..];
            let value = made.as_deref().unwrap_or_else(|| line.value.of(raw));
            ex.reply.line(line.name.of(raw), value);
        }
    }
}

/// Writes the head for the client; an error is the status of another answer in its place.
pub fn write_head(s: &mut Sender<'_>) -> Result<(), u16> {
    let worker = s.worker;
    warn(s);
    let done = s.body.done();
    charset(s);
    let ex = &mut *s.ex;
    if ex.response.headless {
        head::begin(worker, ex);
        // HTTP/0.9: the bytes alone, and nginx logs it so.
        ex.status = 9;
        ex.keep = false;
        ex.out.clear();
        return Ok(());
    }
    let rewrites = rewrites(worker, s.client, ex, &s.proxy.plan.reply);
    ex.status = ex.status_or(ex.response.status);
    let upgraded = upgrade::asked(s);
    let ex = &mut *s.ex;
    head::begin(worker, ex);
    ex.reply.upgraded = upgraded;
    let trailers = s.proxy.plan.reply.pass_trailers;
    let ranged = s.proxy.plan.reply.force_ranges;
    let dated = ranged || vars::place(worker, ex).filters.expires.is_some();
    let raw = &ex.response_raw[..];
    let reply = &mut ex.reply;
    reply.line_passed = ex.course.status == 0;
    // Who lets the upstream's own through gets that, or none.
    reply.server_passed = s.proxy.shows(b"server");
    reply.date_passed = s.proxy.shows(b"date");
    reply.length = ex.response.content_length;
    if ranged {
        reply.ranges = Ranges::One;
    }
    if !ex.kept_type.is_empty() {
        reply.pass_kind(&ex.kept_type);
    }
    for (index, line) in ex.response.headers.iter().enumerate() {
        // Which trailers there may be is told to who gets them, and what is spoken from now on.
        let told =
            trailers && line.known == Known::Trailer || upgraded && line.known == Known::Upgrade;
        if !(line.forward || told) {
            continue;
        }
        if line.known == Known::LastModified && dated {
            reply.modified = date::parse(line.value.of(raw));
        }
        match line.known {
            Known::ContentType => reply.pass_kind(line.value.of(raw)),
            Known::ContentLength => {}
            // Who makes ranges says so himself.
            Known::AcceptRanges if ranged => {}
            known if s.proxy.hides(known, line.name.of(raw)) => {}
            known => match rewrites.iter().find(|(at, _)| *at == index) {
                None => reply.pass(line),
                Some((_, value)) => {
                    reply.pass_with(line, value);
                    if known == Known::Location {
                        reply.last_is_location();
                    }
                }
            },
        }
    }
    // What follows a 101 is no HTTP.
    ex.keep &= done && ex.status != SWITCHING;
    if ranged {
        head::filter(worker, s.client, ex)?;
    }
    // Trailers may come behind chunks.
    let chunked = ex.response.framing == BodyFraming::Chunked;
    ex.reply.trailed |= chunked && s.proxy.plan.reply.pass_trailers;
    head::write(worker, s.client, ex);
    Ok(())
}

/// nginx knows the charsets of its configuration alone, and there are none here.
fn charset(s: &Sender<'_>) {
    let response = &s.ex.response;
    if !response.has(&[Known::XAccelCharset])
        || !response.has(&[Known::ContentType])
        || s.proxy.plan.reply.ignores(b"x-accel-charset")
    {
        return;
    }
    let charset = response.find(Known::XAccelCharset);
    if let (Some(line), Some(attempt)) = (charset, current(s)) {
        s.tell(Level::Error, &attempt, |out| {
            out.extend_from_slice(b"unknown charset \"");
            out.extend_from_slice(line.value.of(&s.ex.response_raw));
            out.extend_from_slice(b"\" to override while reading response header from upstream");
        });
    }
}

/// Takes the upstream's trailers over into the client's; false if they are none.
pub fn pass_trailers(s: &mut Sender<'_>) -> bool {
    let ex = &mut *s.ex;
    if ex.upstream_trailers.is_empty() {
        return true;
    }
    let text = [b"HTTP/1.1 200 OK\r\n", &ex.upstream_trailers[..], b"\r\n"].concat();
    let mut lines = ResponseHead::default();
    match lines.parse(&text, true) {
        Ok(()) => {}
        Err(ResponseError::InvalidHeader { .. }) => return false,
        // What a length in it is worth is nobody's business, but it goes no further.
        Err(_) => return true,
    }
    for line in &lines.headers {
        let name = line.name.of(&text);
        let framing = line.known == Known::ContentLength || line.known.hop_by_hop();
        if !framing && !s.proxy.hides(line.known, name) {
            write::header(&mut ex.reply.trailers, name, line.value.of(&text));
        }
    }
    true
}

/// What nginx warns of in a response head.
pub fn warn(s: &Sender<'_>) {
    let Some(attempt) = current(s) else { return };
    for warning in &s.ex.response.warnings {
        s.tell(Level::Warn, &attempt, |out| {
            warning.message(&s.ex.response, &s.ex.response_raw, out);
            out.extend_from_slice(b" while reading response header from upstream");
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_that_climbs_is_not_safe() {
        let table: &[(&[u8], bool)] = &[
            (b"/a", true),
            (b"a", true),
            (b"", false),
            (b"?x", false),
            (b"../a", false),
            (b"/..", false),
            (b"/a/../b", false),
            (b"/a..b/..c", true),
            (b"/a/%2e%2e/b", false),
            (b"/a%00", false),
            (b"/a?../..", true),
        ];
        for (target, expected) in table {
            assert_eq!(safe(target).is_some(), *expected, "{target:?}");
        }
    }

    #[test]
    fn a_safe_uri_is_decoded_and_split() {
        assert_eq!(
            safe(b"/a%20b%3f%zz?c%20d"),
            Some((b"/a b?%zz".to_vec(), b"c%20d".to_vec()))
        );
    }
}
