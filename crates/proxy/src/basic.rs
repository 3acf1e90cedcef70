//! `auth_basic`: name and password from a file, read for each request as nginx reads it.

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::Deserialize;
use surehop_wire::header::Known;

use crate::client::Client;
use crate::crypt;
use crate::entry::Verdict;
use crate::exchange::Exchange;
use crate::log;
use crate::plan::{Level, Text};
use crate::relay;
use crate::template::Template;
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// What may be read of a file: some that are none never end.
const LARGEST: usize = 64 << 20;

/// `auth_basic` and its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// Its name; `off` asks nobody.
    pub realm: Template,
    /// The file of users and passwords.
    pub file: Template,
    /// Where a relative file begins.
    pub folder: Text,
}

/// What a client says who it is.
#[derive(Debug)]
pub struct Credentials {
    decoded: Vec<u8>,
    colon: usize,
}

impl Credentials {
    /// What the request has; None if nothing can be read out of it.
    pub fn of(ex: &Exchange) -> Option<Self> {
        let line = ex.head.find(Known::Authorization)?.value.of(ex.bytes());
        let (scheme, rest) = line.split_at_checked(b"Basic ".len())?;
        if !scheme.eq_ignore_ascii_case(b"Basic ") {
            return None;
        }
        let start = rest.iter().position(|&byte| byte != b' ')?;
        let decoded = crypt::decode(&rest[start..])?;
        let colon = memchr::memchr(b':', &decoded).filter(|&at| at > 0)?;
        Some(Self { decoded, colon })
    }

    /// The user's name.
    pub fn user(&self) -> &[u8] {
        &self.decoded[..self.colon]
    }

    /// The password; a NUL ends it, as everywhere where passwords are strings of C.
    fn password(&self) -> &[u8] {
        let password = &self.decoded[self.colon + 1..];
        let end = memchr::memchr(0, password).unwrap_or(password.len());
        &password[..end]
    }

    /// Finds the password's hash in a file's text. Goes through it as nginx does, which skips the line behind
    /// one that breaks off in the middle of the name.
    fn find<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let wanted = &self.decoded[..=self.colon];
        let (mut at, mut met) = (0, 0);
        while let Some(&byte) = text.get(at) {
            at += 1;
            if met == 0 && byte == b'\n' {
                continue;
            }
            if met == 0 && matches!(byte, b'#' | b'\r') || byte != wanted[met] {
                at += memchr::memchr(b'\n', &text[at..])? + 1;
                met = 0;
                continue;
            }
            met += 1;
            if met == wanted.len() {
                let rest = &text[at..];
                let end = rest
                    .iter()
                    .position(|byte| matches!(byte, b'\n' | b'\r' | b':'));
                return Some(&rest[..end.unwrap_or(rest.len())]);
            }
        }
        None
    }
}

impl Basic {
    /// Whether the request may enter.
    pub fn judge(&self, worker: &Worker, client: &Client, ex: &mut Exchange) -> Verdict {
        let mut realm = Vec::new();
        vars::expand(worker, client, ex, &self.realm, &mut realm);
        if realm == b"off" {
            return Verdict::Declined;
        }
        let Some(credentials) = Credentials::of(ex) else {
            tell(worker, client, ex, Level::Info, |out| {
                out.extend_from_slice(b"no user/password was provided for basic authentication");
            });
            return challenge(ex, &realm);
        };
        let mut path = Vec::new();
        vars::expand(worker, client, ex, &self.file, &mut path);
        if path.first() != Some(&b'/') {
            path = [&self.folder.0[..], b"/", &path].concat();
        }
        let text = match read(&path) {
            Ok(text) => text,
            Err((what, e)) => {
                let missing = e == Errno::NOENT;
                let level = if missing { Level::Error } else { Level::Crit };
                tell(worker, client, ex, level, |out| {
                    out.extend_from_slice(what);
                    out.extend_from_slice(b"() \"");
                    out.extend_from_slice(&path);
                    out.extend_from_slice(b"\" failed");
                    log::errno(out, e.raw_os_error());
                });
                return Verdict::Refused(if missing { 403 } else { 500 });
            }
        };
        let user = credentials.user();
        let Some(known) = credentials.find(&text) else {
            tell(worker, client, ex, Level::Error, |out| {
                out.extend_from_slice(b"user \"");
                out.extend_from_slice(user);
                out.extend_from_slice(b"\" was not found in \"");
                out.extend_from_slice(&path);
                out.push(b'"');
            });
            return challenge(ex, &realm);
        };
        if crypt::matches(credentials.password(), known) {
            return Verdict::Admitted;
        }
        tell(worker, client, ex, Level::Error, |out| {
            out.extend_from_slice(b"user \"");
            out.extend_from_slice(user);
            out.extend_from_slice(b"\": password mismatch");
        });
        challenge(ex, &realm)
    }
}

fn tell(
    worker: &Worker,
    client: &Client,
    ex: &Exchange,
    level: Level,
    sentence: impl Fn(&mut Vec<u8>),
) {
    told::line(worker, client, ex, level, None, |out| {
        sentence(out);
        out.extend_from_slice(ex.course.doing);
    });
}

fn challenge(ex: &mut Exchange, realm: &[u8]) -> Verdict {
    let mut line = [b"Basic realm=\"", realm, b"\""].concat();
    // A realm may be made of what was decoded, `$uri` say.
    relay::one_line(&mut line);
    ex.reply.line(b"WWW-Authenticate", &line);
    Verdict::Refused(401)
}

/// A file's text; the error says which call failed. A file that is no file must not stop the worker.
fn read(path: &[u8]) -> Result<Vec<u8>, (&'static [u8], Errno)> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| (&b"open"[..], e))?;
    let mut text = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        match rustix::io::read(&file, &mut chunk[..]) {
            Ok(0) => return Ok(text),
            Ok(_) if text.len() > LARGEST => return Err((b"pread", Errno::FBIG)),
            Ok(n) => text.extend_from_slice(&chunk[..n]),
            Err(Errno::INTR) => {}
            Err(e) => return Err((b"pread", e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn a_name_is_found_as_nginx_finds_it() {
        let find = |user: &str, text: &'static str| {
            let decoded = format!("{user}:secret").into_bytes();
            let colon = user.len();
            let found = Credentials { decoded, colon };
            found
                .find(text.as_bytes())
                .map(|hash| String::from_utf8_lossy(hash).into_owned())
        };
        assert_eq!(find("b", "a:1\nb:2\n").as_deref(), Some("2"));
        assert_eq!(find("b", "a:1\nb:2:comment\n").as_deref(), Some("2"));
        assert_eq!(find("b", "#b:1\n\nb:2\r\n").as_deref(), Some("2"));
        assert_eq!(find("b", "bb:1\nb:2").as_deref(), Some("2"));
        assert_eq!(find("b", "ab:1\n"), None);
        assert_eq!(find("bc", "b\nbc:2\n"), None);
        assert_eq!(find("b", ""), None);
    }
}
