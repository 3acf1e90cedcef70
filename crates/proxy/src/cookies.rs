//! `Set-Cookie` lines of an upstream: `proxy_cookie_domain`, `proxy_cookie_path`, `proxy_cookie_flags`.

use crate::client::Client;
use crate::exchange::Exchange;
use crate::incoming::{CookieFlags, Incoming, Pattern, Replacing};
use crate::vars;
use crate::worker::Worker;

/// A part of the line: its name, and what stands behind `=`. None as a name: the part is dropped.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    name: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

impl Part {
    fn new(name: &[u8], value: Option<&[u8]>) -> Self {
        Self {
            name: Some(name.to_vec()),
            value: value.map(<[u8]>::to_vec),
        }
    }

    fn is(&self, name: &[u8]) -> bool {
        self.name
            .as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

/// The line's new value; None if it stays as it is.
pub fn rewritten(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    reply: &Incoming,
    value: &[u8],
) -> Option<Vec<u8>> {
    let mut parts = parse(value);
    parts.first()?.value.as_ref()?;
    let mut changed = false;
    for part in &mut parts[1..] {
        let domain = part.is(b"domain");
        if !domain && !part.is(b"path") {
            continue;
        }
        let Some(own) = &part.value else { continue };
        let made = if domain {
            let mut lines = reply.cookie_domains.iter();
            lines.find_map(|line| domain_of(worker, client, ex, line, own))
        } else {
            let mut lines = reply.cookie_paths.iter();
            lines.find_map(|line| line.prefix(worker, client, ex, own, 0))
        };
        if made.is_some() {
            changed = true;
            part.value = made;
        }
    }
    if let Some(line) = flags_of(worker, client, ex, &reply.cookie_flags, &parts) {
        let mut flags = Flags::default();
        for template in &line.flags {
            let mut word = Vec::new();
            vars::expand(worker, client, ex, template, &mut word);
            flags.read(&word);
        }
        flags.put(&mut parts);
        changed = true;
    }
    changed.then(|| write(&parts))
}

fn parse(value: &[u8]) -> Vec<Part> {
    let trim = |text: &[u8]| {
        let start = text.iter().take_while(|&&byte| byte == b' ').count();
        let end = text.iter().rev().take_while(|&&byte| byte == b' ').count();
        text.get(start..text.len() - end.min(text.len() - start))
            .unwrap_or_default()
            .to_vec()
    };
    value
        .split(|&byte| byte == b';')
        .map(|part| match memchr::memchr(b'=', part) {
            Some(at) => Part {
                name: Some(trim(&part[..at])),
                value: Some(trim(&part[at + 1..])),
            },
            None => Part {
                name: Some(trim(part)),
                value: None,
            },
        })
        .collect()
}

fn write(parts: &[Part]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let Some(name) = &part.name else { continue };
        if index > 0 {
            out.extend_from_slice(b"; ");
        }
        out.extend_from_slice(name);
        if let Some(value) = &part.value {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
    out
}

/// A domain matches whole, whatever its case; the dot in front of it stays.
fn domain_of(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    line: &Replacing,
    value: &[u8],
) -> Option<Vec<u8>> {
    let Pattern::Text(template) = &line.pattern else {
        return line.prefix(worker, client, ex, value, 0);
    };
    let mut pattern = Vec::new();
    vars::expand(worker, client, ex, template, &mut pattern);
    let dot = usize::from(value.first() == Some(&b'.'));
    value[dot..]
        .eq_ignore_ascii_case(&pattern)
        .then(|| line.put(worker, client, ex, value, dot..value.len()))
}

/// The first line whose pattern is the cookie's name.
fn flags_of<'a>(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    lines: &'a [CookieFlags],
    parts: &[Part],
) -> Option<&'a CookieFlags> {
    let cookie = parts.first()?.name.as_deref()?;
    lines.iter().find(|line| match &line.pattern {
        Pattern::Text(template) => {
            let mut pattern = Vec::new();
            vars::expand(worker, client, ex, template, &mut pattern);
            pattern.eq_ignore_ascii_case(cookie)
        }
        Pattern::Regex(regex) => ex.course.matches(regex, cookie) == Some(true),
    })
}

/// What is to become of a flag.
#[derive(Debug, Default, PartialEq, Eq)]
struct Flags {
    secure: Option<bool>,
    httponly: Option<bool>,
    /// Empty takes it away.
    samesite: Option<&'static [u8]>,
}

impl Flags {
    /// Reads a word; nginx says nothing of one that is none.
    fn read(&mut self, word: &[u8]) {
        let lower = word.to_ascii_lowercase();
        match lower.as_slice() {
            b"secure" => self.secure = Some(true),
            b"nosecure" => self.secure = Some(false),
            b"httponly" => self.httponly = Some(true),
            b"nohttponly" => self.httponly = Some(false),
            b"samesite=strict" => self.samesite = Some(b"Strict"),
            b"samesite=lax" => self.samesite = Some(b"Lax"),
            b"samesite=none" => self.samesite = Some(b"None"),
            b"nosamesite" => self.samesite = Some(b""),
            _ => {}
        }
    }

    fn put(self, parts: &mut Vec<Part>) {
        let switches: [(Option<bool>, &[u8]); 2] =
            [(self.secure, b"Secure"), (self.httponly, b"HttpOnly")];
        for (wanted, name) in switches {
            let mut there = false;
            for part in parts[1..].iter_mut().filter(|part| part.is(name)) {
                there = true;
                if wanted == Some(false) {
                    part.name = None;
                }
            }
            if wanted == Some(true) && !there {
                parts.push(Part::new(name, None));
            }
        }
        let Some(value) = self.samesite else { return };
        let mut own = parts[1..].iter_mut().filter(|part| part.is(b"SameSite"));
        if value.is_empty() {
            own.for_each(|part| part.name = None);
        } else if let Some(first) = own.next() {
            *first = Part::new(b"SameSite", Some(value));
        } else {
            parts.push(Part::new(b"SameSite", Some(value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_and_put_together() {
        for (value, expected) in [
            (&b"a=b"[..], &b"a=b"[..]),
            (b" a = b ;path=/ ; Secure;;x=", b"a=b; path=/; Secure; ; x="),
            (b"a", b"a"),
            (b"", b""),
        ] {
            assert_eq!(write(&parse(value)), expected);
        }
    }

    #[test]
    fn flags_are_added_changed_and_taken_away() {
        let table: &[(&[&str], &[u8])] = &[
            (&["secure"], b"a=b; samesite=x; HTTPONLY; Secure"),
            (
                &["httponly", "samesite=lax"],
                b"a=b; SameSite=Lax; HTTPONLY",
            ),
            (&["nohttponly", "nosamesite", "nosecure"], b"a=b"),
        ];
        for (words, expected) in table {
            let mut parts = parse(b"a=b; samesite=x; HTTPONLY");
            let mut flags = Flags::default();
            words.iter().for_each(|word| flags.read(word.as_bytes()));
            flags.put(&mut parts);
            assert_eq!(write(&parts), *expected);
        }
    }
}
