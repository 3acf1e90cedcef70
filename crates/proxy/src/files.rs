//! Static files: which file a URI stands for, `index`, `try_files`, and what is said when there is none.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use serde::Deserialize;
use surehop_wire::request::Method;
use surehop_wire::uri;

use crate::client::Client;
use crate::exchange::Exchange;
use crate::fresh::Since;
use crate::log;
use crate::phases::{self, Outcome};
use crate::plan::{Level, Text};
use crate::template::{Piece, Template, Var};
use crate::told;
use crate::variables;
use crate::vars;
use crate::worker::Worker;

/// What a location says of files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Files {
    /// `root` or `alias`; absolute unless it begins with a variable.
    pub root: Template,
    /// Of an alias: how many bytes of the URI it stands for.
    pub alias: Option<usize>,
    /// An alias that stands for all of the URI.
    pub whole: bool,
    pub index: Vec<Template>,
    pub tries: Option<Box<Tries>>,
    /// Index into the plan's tables of types.
    pub types: usize,
    pub default_type: Text,
    pub etag: bool,
    pub if_modified_since: Since,
    pub max_ranges: u64,
    pub log_not_found: bool,
}

/// `try_files`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tries {
    #[serde(rename = "tries")]
    each: Vec<Try>,
    last: Template,
    /// The status that ends it; 0 if it goes on with `last`.
    code: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Try {
    path: Template,
    folder: bool,
}

/// `limit_except`: other methods than these are dealt with in another location.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitExcept {
    methods: Vec<Text>,
    /// Where they are dealt with.
    pub location: usize,
}

impl LimitExcept {
    /// Whether it is about this method.
    pub fn limits(&self, method: &[u8]) -> bool {
        !self.methods.iter().any(|known| known.0 == method)
    }
}

/// `$document_root`
pub fn root(worker: &Worker, client: &Client, ex: &mut Exchange, out: &mut Vec<u8>) {
    let template = &vars::place(worker, ex).files.root;
    if let [Piece::Text(text)] = &template.0[..] {
        out.extend_from_slice(text);
        return;
    }
    let start = out.len();
    vars::expand(worker, client, ex, template, out);
    let varies = matches!(template.0.first(), Some(Piece::Var(_)));
    if varies && out.get(start) != Some(&b'/') {
        let prefix = &worker.config.plan.prefix.0;
        out.splice(start..start, prefix.iter().copied());
    }
}

/// Appends the value of a variable that tells of files; false if it has none.
pub fn value(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    var: &Var,
    out: &mut Vec<u8>,
) -> bool {
    // What has failed once is not tried, and told of, again.
    let fallible = match var {
        Var::RequestFilename => 1,
        Var::RealpathRoot => 2,
        _ => 0,
    };
    if ex.course.pathless & fallible != 0 {
        return false;
    }
    // A root may be made of variables, and those of the root.
    let name: &[u8] = match var {
        Var::RequestFilename => b"request_filename",
        Var::RealpathRoot => b"realpath_root",
        _ => b"document_root",
    };
    if !variables::descend(worker, client, ex, name) {
        return false;
    }
    let start = out.len();
    let found = if *var == Var::RequestFilename {
        map(worker, client, ex, out).is_some()
    } else {
        root(worker, client, ex, out);
        *var != Var::RealpathRoot || real(worker, client, ex, out, start)
    };
    ex.course.depth -= 1;
    if !found {
        ex.course.pathless |= fallible;
    }
    found
}

/// Follows the links of a path that begins at `start`; false if it leads nowhere.
fn real(worker: &Worker, client: &Client, ex: &Exchange, out: &mut Vec<u8>, start: usize) -> bool {
    let mut path = out.split_off(start);
    if path.is_empty() {
        path.push(b'/');
    }
    let found = std::fs::canonicalize(OsStr::from_bytes(&path));
    match &found {
        Ok(found) => out.extend_from_slice(found.as_os_str().as_bytes()),
        Err(e) => {
            let errno = Errno::from_io_error(e);
            tell(
                worker,
                client,
                ex,
                Level::Crit,
                ("realpath() ", &path, "failed"),
                errno,
            );
        }
    }
    found.is_ok()
}

/// Appends the path that the URI stands for, and gives the length of its root. None: there can be none.
pub fn map(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    out: &mut Vec<u8>,
) -> Option<usize> {
    let start = out.len();
    let place = vars::place(worker, ex);
    if place.files.alias.is_some() && !ex.course.placed {
        told::line(worker, client, ex, Level::Alert, None, |out| {
            out.extend_from_slice(b"\"alias\" cannot be used in location \"");
            out.extend_from_slice(&place.path.0);
            out.extend_from_slice(b"\" where URI was rewritten");
        });
        return None;
    }
    root(worker, client, ex, out);
    let root = out.len() - start;
    let cut = match place.files.alias {
        Some(_) if place.files.whole && !ex.course.tried => return Some(root),
        Some(cut) if !place.files.whole => cut,
        _ => 0,
    };
    out.extend_from_slice(ex.uri.get(cut..).unwrap_or_default());
    Some(root)
}

/// Writes `WHAT "PATH" failed (2: No such file or directory)`, or other words behind the path.
fn tell(
    worker: &Worker,
    client: &Client,
    ex: &Exchange,
    level: Level,
    (what, path, end): (&str, &[u8], &str),
    errno: Option<Errno>,
) {
    told::line(worker, client, ex, level, None, |out| {
        out.extend_from_slice(what.as_bytes());
        out.push(b'"');
        out.extend_from_slice(path);
        out.extend_from_slice(b"\" ");
        out.extend_from_slice(end.as_bytes());
        if let Some(errno) = errno {
            log::errno(out, errno.raw_os_error());
        }
        out.extend_from_slice(ex.course.doing);
    });
}

/// What is known of a file without opening it.
pub fn mode(path: &[u8]) -> Result<u32, Errno> {
    rustix::fs::stat(path).map(|stat| stat.st_mode)
}

fn stat(path: &[u8]) -> Result<FileType, Errno> {
    mode(path).map(FileType::from_raw_mode)
}

/// Tells why a file could not be looked at, unless it is just not there.
pub fn unseen(worker: &Worker, client: &Client, ex: &Exchange, path: &[u8], errno: Errno) {
    if !missing(errno) {
        let sentence = ("stat() ", path, "failed");
        tell(worker, client, ex, Level::Crit, sentence, Some(errno));
    }
}

fn missing(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG)
}

/// `try_files`; None: the request goes on, perhaps with another URI.
pub fn tries(worker: &Worker, client: &Client, ex: &mut Exchange) -> Option<Outcome> {
    let files = &vars::place(worker, ex).files;
    let tries = files.tries.as_deref()?;
    let mut path = std::mem::take(&mut ex.path);
    path.clear();
    let outcome = match map(worker, client, ex, &mut path) {
        Some(root) => try_each(worker, client, ex, (files, tries), &mut path, root),
        None => Some(Outcome::Status(500)),
    };
    ex.path = path;
    outcome
}

fn try_each(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    (files, tries): (&Files, &Tries),
    path: &mut Vec<u8>,
    root: usize,
) -> Option<Outcome> {
    for each in &tries.each {
        path.truncate(root);
        name(worker, client, ex, files, &each.path, path);
        match stat(path) {
            Ok(kind) if (kind == FileType::Directory) == each.folder => {
                found(ex, files, each.folder, &path[root..]);
                return None;
            }
            Ok(_) => {}
            Err(errno) => unseen(worker, client, ex, path, errno),
        }
    }
    match tries.code {
        0 => {}
        // Of these nginx makes no answer: the request is over.
        code if code == 444 || code < 300 && !matches!(code, 201 | 204) => {
            ex.status = if code == 444 { code } else { 0 };
            ex.complete = code != 444;
            // A body that nobody has read must not become the next request.
            ex.keep &= ex.complete && !ex.has_body();
            return Some(Outcome::Done(phases::after(ex)));
        }
        code => return Some(Outcome::Status(code)),
    }
    path.truncate(root);
    name(worker, client, ex, files, &tries.last, path);
    let mut target = path.split_off(root);
    if target.first() == Some(&b'@') {
        return Some(Outcome::Named(target));
    }
    let mut args = Vec::new();
    if let Some(at) = memchr::memchr(b'?', &target) {
        args = target.split_off(at + 1);
        target.truncate(at);
    }
    Some(Outcome::Redirect(target, args))
}

/// Appends what `try_files` says: with variables, an alias cuts off it what it cuts off a URI.
fn name(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    files: &Files,
    template: &Template,
    path: &mut Vec<u8>,
) {
    let start = path.len();
    vars::expand(worker, client, ex, template, path);
    let varies = template
        .0
        .iter()
        .any(|piece| matches!(piece, Piece::Var(_)));
    if let Some(cut) = files.alias.filter(|_| varies && !files.whole)
        && let Some(begin) = ex.uri.get(..cut)
        && path[start..].starts_with(begin)
    {
        path.drain(start..start + cut);
    }
}

/// The request goes on with what `try_files` has found.
fn found(ex: &mut Exchange, files: &Files, folder: bool, found: &[u8]) {
    match files.alias {
        Some(_) if files.whole => {
            if folder {
                return;
            }
            ex.uri.clear();
            ex.course.tried = true;
        }
        cut => ex.uri.truncate(cut.unwrap_or(0)),
    }
    ex.uri.extend_from_slice(found);
}

/// What there is to open for a request.
#[derive(Debug)]
pub enum Found {
    /// A regular file.
    File(OwnedFd, Stat),
    /// The request goes on, or ends, otherwise.
    Other(Outcome),
}

/// Looks for the file that the request asks for.
pub fn find(worker: &Worker, client: &Client, ex: &mut Exchange) -> Found {
    if !matches!(ex.head.method, Method::Get | Method::Head | Method::Post) {
        return Found::Other(Outcome::Status(405));
    }
    let mut path = std::mem::take(&mut ex.path);
    path.clear();
    let found = if ex.uri.ends_with(b"/") {
        Found::Other(index(worker, client, ex, &mut path))
    } else {
        match map(worker, client, ex, &mut path) {
            Some(_) => open(worker, client, ex, &path),
            None => Found::Other(Outcome::Status(500)),
        }
    };
    ex.path = path;
    found
}

fn open(worker: &Worker, client: &Client, ex: &Exchange, path: &[u8]) -> Found {
    let log_not_found = vars::place(worker, ex).files.log_not_found;
    // What is no file must not hold the worker up: a pipe without a writer would.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let opened = opened.and_then(|file| rustix::fs::fstat(&file).map(|stat| (file, stat)));
    let (file, stat) = match opened {
        Ok(opened) => opened,
        Err(errno) => {
            let (level, status) = match errno {
                errno if missing(errno) => (Level::Error, 404),
                Errno::ACCESS | Errno::MLINK | Errno::LOOP => (Level::Error, 403),
                _ => (Level::Crit, 500),
            };
            if status != 404 || log_not_found {
                tell(
                    worker,
                    client,
                    ex,
                    level,
                    ("open() ", path, "failed"),
                    Some(errno),
                );
            }
            return Found::Other(Outcome::Status(status));
        }
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if ex.head.method == Method::Post => {
            Found::Other(Outcome::Status(405))
        }
        FileType::RegularFile => Found::File(file, stat),
        FileType::Directory => Found::Other(Outcome::Location(301, folder(ex))),
        _ => {
            let sentence = ("", path, "is not a regular file");
            tell(worker, client, ex, Level::Crit, sentence, None);
            Found::Other(Outcome::Status(404))
        }
    }
}

/// Where a folder is that was asked for as a file.
fn folder(ex: &Exchange) -> Vec<u8> {
    let mut target = Vec::new();
    uri::escape(&ex.uri, &mut target);
    target.push(b'/');
    if !ex.args().is_empty() {
        target.push(b'?');
        target.extend_from_slice(ex.args());
    }
    target
}

/// The file that stands for a folder.
fn index(worker: &Worker, client: &Client, ex: &mut Exchange, path: &mut Vec<u8>) -> Outcome {
    let mut root = None;
    let mut tested = false;
    for template in &vars::place(worker, ex).files.index {
        let mut name = Vec::new();
        vars::expand(worker, client, ex, template, &mut name);
        if name.first() == Some(&b'/') {
            return Outcome::Redirect(name, ex.args().to_vec());
        }
        if root.is_none() {
            let Some(mapped) = mapped(worker, client, ex, path) else {
                return Outcome::Status(500);
            };
            root = Some(mapped);
        }
        let end = root.unwrap_or_default();
        path.truncate(end);
        path.extend_from_slice(&name);
        let Err(errno) = stat(path) else {
            let mut target = ex.uri.clone();
            target.extend_from_slice(&name);
            return Outcome::Redirect(target, ex.args().to_vec());
        };
        match errno {
            Errno::MLINK | Errno::LOOP => return Outcome::Status(403),
            Errno::NOTDIR | Errno::NAMETOOLONG | Errno::ACCESS => {
                return no_index(worker, client, ex, path, errno);
            }
            _ => {}
        }
        if !tested {
            if let Err(outcome) = test_folder(worker, client, ex, path, end) {
                return outcome;
            }
            tested = true;
        }
        if errno != Errno::NOENT {
            tell(
                worker,
                client,
                ex,
                Level::Crit,
                ("stat() ", path, "failed"),
                Some(errno),
            );
            return Outcome::Status(500);
        }
    }
    path.clear();
    if mapped(worker, client, ex, path).is_some() {
        let sentence = ("directory index of ", &path[..], "is forbidden");
        tell(worker, client, ex, Level::Error, sentence, None);
    }
    Outcome::Status(403)
}

/// The length of the folder's own path, which is written into `path`.
fn mapped(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    path: &mut Vec<u8>,
) -> Option<usize> {
    path.clear();
    map(worker, client, ex, path).map(|_| path.len())
}

fn no_index(worker: &Worker, client: &Client, ex: &Exchange, file: &[u8], errno: Errno) -> Outcome {
    if errno == Errno::ACCESS {
        tell(
            worker,
            client,
            ex,
            Level::Error,
            ("", file, "is forbidden"),
            Some(errno),
        );
        return Outcome::Status(403);
    }
    if vars::place(worker, ex).files.log_not_found {
        tell(
            worker,
            client,
            ex,
            Level::Error,
            ("", file, "is not found"),
            Some(errno),
        );
    }
    Outcome::Status(404)
}

/// Tells a folder without an index from one that is not there.
fn test_folder(
    worker: &Worker,
    client: &Client,
    ex: &Exchange,
    path: &[u8],
    end: usize,
) -> Result<(), Outcome> {
    // An alias need not end in a slash.
    let folder = match path[..end].strip_suffix(b"/") {
        Some(folder) if !folder.is_empty() => folder,
        _ => &path[..end],
    };
    match stat(folder) {
        Ok(FileType::Directory) => Ok(()),
        Ok(_) => {
            // With what was looked for in it, as in nginx.
            let sentence = ("", path, "is not a directory");
            tell(worker, client, ex, Level::Alert, sentence, None);
            Err(Outcome::Status(500))
        }
        Err(Errno::MLINK | Errno::LOOP) => Err(Outcome::Status(403)),
        Err(Errno::NOENT) => Err(no_index(worker, client, ex, path, Errno::NOENT)),
        Err(errno) => {
            tell(
                worker,
                client,
                ex,
                Level::Crit,
                ("stat() ", folder, "failed"),
                Some(errno),
            );
            Err(Outcome::Status(500))
        }
    }
}
