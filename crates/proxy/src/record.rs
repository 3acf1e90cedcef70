//! Writes the access log once a request is over.

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::client::Client;
use crate::exchange::Exchange;
use crate::files;
use crate::log::errno;
use crate::log_paths::Failure;
use crate::plan::{AccessLog, Level, LogPath};
use crate::sink::unwritten;
use crate::template::{LogFormat, Template};
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// Writes all access logs that hold for the request.
pub fn record(worker: &Worker, client: &Client, ex: &mut Exchange) {
    ex.logging = true;
    for log in &vars::place(worker, ex).access_log {
        if log.condition.is_none() || holds(worker, client, ex, log) {
            write(worker, client, ex, log);
        }
    }
}

/// `if=`: neither empty nor `0`.
fn holds(worker: &Worker, client: &Client, ex: &mut Exchange, log: &AccessLog) -> bool {
    let condition = log.condition.as_ref();
    condition.is_none_or(|condition| {
        let value = expanded(worker, client, ex, condition);
        !value.is_empty() && value != b"0"
    })
}

fn expanded(worker: &Worker, client: &Client, ex: &mut Exchange, template: &Template) -> Vec<u8> {
    let mut value = Vec::new();
    vars::expand(worker, client, ex, template, &mut value);
    value
}

fn write(worker: &Worker, client: &Client, ex: &mut Exchange, log: &AccessLog) {
    let format = &worker.config.formats[log.format];
    let now = worker.reactor.now();
    if let Some(path) = &log.path {
        return write_path(worker, client, ex, path, format);
    }
    let Some(file) = log.file else { return };
    let logs = &worker.logs;
    let done = logs.line(file, now, |out| vars::log(worker, client, ex, format, out));
    if !done && logs.is_syslog(file) {
        tell(worker, client, ex, Level::Warn, b"send() to syslog failed");
    }
}

fn write_path(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    log: &LogPath,
    format: &LogFormat,
) {
    if !rooted(worker, client, ex) {
        return;
    }
    let path = expanded(worker, client, ex, &log.path);
    let mut line = Vec::new();
    vars::log(worker, client, ex, format, &mut line);
    line.push(b'\n');
    let paths = &worker.logs.paths;
    match paths.write(log.cache, &path, &line, worker.reactor.now()) {
        Ok(()) => {}
        Err(Failure::Write(e)) => {
            let text = unwritten(&String::from_utf8_lossy(&path), e);
            tell(worker, client, ex, Level::Alert, &text);
        }
        Err(Failure::Open(call, e)) => {
            let mut text = call.as_bytes().to_vec();
            text.extend_from_slice(b" \"");
            text.extend_from_slice(&path);
            text.extend_from_slice(b"\" failed");
            errno(&mut text, e.raw_os_error());
            tell(worker, client, ex, Level::Crit, &text);
        }
    }
}

/// Whether the request's root is there: without one nginx opens no file by a request's leave. (An alias is
/// tested with what the URI adds to it.)
fn rooted(worker: &Worker, client: &Client, ex: &mut Exchange) -> bool {
    let mut path = Vec::new();
    let Some(root) = files::map(worker, client, ex, &mut path) else {
        return false;
    };
    path.truncate(root);
    let found = match rustix::fs::stat(&*path) {
        Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => return true,
        Ok(_) => Errno::NOTDIR,
        Err(e) => e,
    };
    let mut text = b"testing \"".to_vec();
    text.extend_from_slice(&path);
    text.extend_from_slice(b"\" existence failed");
    errno(&mut text, found.raw_os_error());
    tell(worker, client, ex, Level::Error, &text);
    false
}

fn tell(worker: &Worker, client: &Client, ex: &Exchange, level: Level, text: &[u8]) {
    told::line(worker, client, ex, level, None, |out| {
        out.extend_from_slice(text);
    });
}
