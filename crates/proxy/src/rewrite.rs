//! The rewrite module: `rewrite`, `set`, `if`, `break` and `return`, in their order.

use rustix::fs::FileType;
use surehop_wire::uri;

use crate::client::Client;
use crate::exchange::Exchange;
use crate::files;
use crate::pace;
use crate::plan::Level;
use crate::script::{FileTest, Op, Regex, Rewrite, Test};
use crate::template::{Piece, Template, Var};
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// How a script ended when it did not come to its end.
#[derive(Debug)]
pub enum End<'a> {
    /// `break`, or a `rewrite` that is the last.
    Stopped,
    /// An error of its own.
    Failed,
    /// `return`.
    Return(u16, Option<&'a Template>),
    /// A redirect by `rewrite`.
    Redirect(u16, Vec<u8>),
}

/// One run of a script.
pub struct Run<'a, 'b> {
    worker: &'a Worker,
    client: &'b Client,
    ex: &'b mut Exchange,
    log: bool,
    /// Captures are escaped until the first `rewrite` has matched, as nginx does.
    quote: bool,
    /// What comes now belongs to the arguments.
    is_args: bool,
}

impl<'a, 'b> Run<'a, 'b> {
    /// A run for a request; `log` has what matches told.
    pub fn new(worker: &'a Worker, client: &'b Client, ex: &'b mut Exchange, log: bool) -> Self {
        Self {
            worker,
            client,
            ex,
            log,
            quote: true,
            is_args: false,
        }
    }

    /// Runs the steps; None if they all were gone through.
    pub fn run(&mut self, script: &'a [Op]) -> Option<End<'a>> {
        for op in script {
            let end = match op {
                Op::Rewrite(rewrite) => self.rewrite(rewrite),
                Op::Set { slot, value } => {
                    let value = self.value(value);
                    self.ex.course.set(*slot, true, &value);
                    None
                }
                Op::Args { value } => {
                    let value = self.value(value);
                    self.ex.course.give_args(value);
                    None
                }
                Op::LimitRate { value } => {
                    let value = self.value(value);
                    pace::set(self.worker, self.client, self.ex, &value);
                    None
                }
                Op::If {
                    test,
                    location,
                    script,
                } => match self.test(test) {
                    None => Some(End::Failed),
                    Some(false) => None,
                    Some(true) => {
                        if let Some(location) = location {
                            crate::phases::enter(self.worker, self.client, self.ex, *location);
                        }
                        self.run(script)
                    }
                },
                Op::Break => {
                    self.ex.course.changed = false;
                    Some(End::Stopped)
                }
                Op::Return { status, text } => Some(End::Return(*status, text.as_ref())),
            };
            if end.is_some() {
                return end;
            }
        }
        None
    }

    fn note(&self, sentence: impl Fn(&mut Vec<u8>)) {
        if self.log {
            told::line(
                self.worker,
                self.client,
                self.ex,
                Level::Notice,
                None,
                sentence,
            );
        }
    }

    fn matches(&mut self, regex: &Regex, subject: &[u8]) -> Option<bool> {
        let found = self.ex.course.matches(regex, subject);
        match found {
            Some(true) => self.note(|out| quoted(out, &[&regex.pattern.0, b" matches ", subject])),
            Some(false) => {
                self.note(|out| quoted(out, &[&regex.pattern.0, b" does not match ", subject]));
                self.ex.course.captures.clear();
            }
            None => {}
        }
        found
    }

    fn expand(&mut self, template: &Template, out: &mut Vec<u8>) {
        for piece in &template.0 {
            match piece {
                Piece::Var(Var::Capture(number)) if self.is_args || self.quote => {
                    let Some(group) = self.ex.course.captures.get(*number) else {
                        continue;
                    };
                    if self.ex.quoted || self.ex.head.path.of(self.ex.bytes()).contains(&b'+') {
                        escape_args(group, out);
                    } else {
                        out.extend_from_slice(group);
                    }
                }
                Piece::Var(var) => {
                    vars::value(self.worker, self.client, self.ex, var, out);
                }
                Piece::Text(text) => out.extend_from_slice(text),
            }
        }
    }

    fn value(&mut self, template: &Template) -> Vec<u8> {
        let mut out = Vec::new();
        self.expand(template, &mut out);
        out
    }

    fn plain(&mut self, template: &Template) -> Vec<u8> {
        let mut out = Vec::new();
        vars::expand(self.worker, self.client, self.ex, template, &mut out);
        out
    }

    fn rewrite(&mut self, rewrite: &'a Rewrite) -> Option<End<'a>> {
        let subject = self.ex.uri.clone();
        match self.matches(&rewrite.regex, &subject) {
            Some(true) => {}
            Some(false) => return None,
            None => return Some(End::Failed),
        }
        let course = &mut self.ex.course;
        course.internal = true;
        course.raw = false;
        course.changed = !rewrite.stop;
        if rewrite.stop {
            course.placed = false;
        }
        self.quote = rewrite.redirect.is_some();
        let mut path = Vec::new();
        self.expand(&rewrite.path, &mut path);
        let mut args = Vec::new();
        if let Some(template) = &rewrite.args {
            self.is_args = true;
            self.expand(template, &mut args);
            self.is_args = false;
        }
        self.quote = false;
        let own = rewrite.add_args.then(|| self.ex.args().to_vec());
        let own = own.filter(|own| !own.is_empty());
        if let Some(status) = rewrite.redirect {
            if rewrite.args.is_some() {
                path.push(b'?');
                path.extend_from_slice(&args);
            }
            let mut target = unescape_redirect(&path);
            if let Some(own) = own {
                target.push(if rewrite.args.is_some() { b'&' } else { b'?' });
                target.extend_from_slice(&own);
            }
            self.note(|out| quoted_after(out, b"rewritten redirect: ", &target));
            return Some(End::Redirect(status, target));
        }
        if rewrite.args.is_some() {
            if let Some(own) = own {
                args.push(b'&');
                args.extend_from_slice(&own);
            }
            self.ex.course.args = Some(args);
            self.ex.course.args_given = true;
        } else if !rewrite.add_args {
            self.ex.course.args_given |= !self.ex.args().is_empty();
            self.ex.course.args = Some(Vec::new());
        }
        self.note(|out| {
            quoted_after(out, b"rewritten data: ", &path);
            quoted_after(out, b", args: ", self.ex.args());
        });
        self.ex.uri = path;
        if self.ex.uri.is_empty() {
            told::line(
                self.worker,
                self.client,
                self.ex,
                Level::Error,
                None,
                |out| out.extend_from_slice(b"the rewritten URI has a zero length"),
            );
            return Some(End::Failed);
        }
        rewrite.last.then_some(End::Stopped)
    }

    fn file(&self, path: &[u8], what: FileTest) -> bool {
        let mode = match files::mode(path) {
            Ok(mode) => mode,
            Err(errno) => {
                files::unseen(self.worker, self.client, self.ex, path, errno);
                return false;
            }
        };
        let kind = FileType::from_raw_mode(mode);
        match what {
            FileTest::File => kind == FileType::RegularFile,
            FileTest::Folder => kind == FileType::Directory,
            FileTest::Exists => true,
            FileTest::Executable => mode & 0o100 != 0,
        }
    }

    fn test(&mut self, test: &'a Test) -> Option<bool> {
        Some(match test {
            Test::True { value } => {
                let value = self.plain(value);
                !value.is_empty() && value != b"0"
            }
            Test::Equal { value, to, not } => {
                let value = self.plain(value);
                (value == self.value(to)) != *not
            }
            Test::Match { value, regex, not } => {
                let value = self.plain(value);
                self.matches(regex, &value)? != *not
            }
            Test::File { path, what, not } => {
                let path = self.value(path);
                self.file(&path, *what) != *not
            }
        })
    }
}

fn quoted(out: &mut Vec<u8>, [a, between, b]: &[&[u8]; 3]) {
    quoted_after(out, b"", a);
    quoted_after(out, between, b);
}

fn quoted_after(out: &mut Vec<u8>, before: &[u8], value: &[u8]) {
    out.extend_from_slice(before);
    out.push(b'"');
    out.extend_from_slice(value);
    out.push(b'"');
}

/// Escapes what nginx escapes in arguments.
fn escape_args(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        if matches!(byte, b'&' | b'+' | b';') {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            uri::escape(&[byte], out);
        }
    }
}

/// Undoes the escaping of what need not be escaped in a redirect, up to the arguments.
fn unescape_redirect(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        if byte == b'?' {
            break;
        }
        let digit = |i: usize| {
            let digit = value.get(i).map(|&b| b as char);
            digit.and_then(|c| c.to_digit(16)).map(|d| d as u8)
        };
        if byte == b'%'
            && let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2))
        {
            let decoded = high << 4 | low;
            // A question mark is no beginning of arguments here unless its code ends in a letter.
            if decoded == b'?' {
                out.push(decoded);
                at += 3;
                break;
            }
            if decoded > b'%' && decoded < 0x7f {
                out.push(decoded);
            } else {
                out.extend_from_slice(&value[at..at + 3]);
            }
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    out.extend_from_slice(&value[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_keep_what_must_stay_escaped() {
        let table: &[(&[u8], &[u8])] = &[
            (b"/a%20b", b"/a%20b"),
            (b"/%41%7e%2b", b"/A~+"),
            (b"/%25%22%c3", b"/%25%22%c3"),
            (b"/a?%41", b"/a?%41"),
            (b"/a%3f%41", b"/a?%41"),
            (b"/%4", b"/%4"),
            (b"/%zz%41", b"/%zzA"),
        ];
        for (value, expected) in table {
            assert_eq!(unescape_redirect(value), *expected);
        }
    }

    #[test]
    fn arguments_are_escaped_as_nginx_escapes_them() {
        let mut out = Vec::new();
        escape_args(b"a b&c+d;e/f=g", &mut out);
        assert_eq!(out, b"a%20b%26c%2Bd%3Be/f=g");
    }
}
