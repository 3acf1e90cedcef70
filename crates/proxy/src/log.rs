//! Log files: lines are collected during a turn and written at its end, one call a file.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use surehop_hop::clock::{self, Millis};
use surehop_wire::date;

use crate::plan::{ErrorLog, Level};

/// A file whose lines are written before the turn is over, lest one turn holds much memory.
const FLUSH_AT: usize = 64 * 1024;
/// How often lost lines are told of.
const TELL_EVERY: Millis = 60_000;

/// The log files as one worker sees them.
#[derive(Debug)]
pub struct Logs {
    sinks: RefCell<Vec<Sink>>,
    dirty: RefCell<Vec<usize>>,
    times: RefCell<Times>,
    stamp: Cell<Millis>,
    main: Vec<ErrorLog>,
    pid: u32,
    tid: u32,
}

#[derive(Debug)]
struct Sink {
    file: Arc<OwnedFd>,
    path: String,
    lines: Vec<u8>,
    lost: u64,
    told: Millis,
}

/// The time of this turn in the forms that are written.
#[derive(Debug)]
pub struct Times {
    second: i64,
    /// Milliseconds since 1970.
    pub wall: Millis,
    /// `Date:`
    pub http: [u8; 29],
    /// `$time_local`
    pub local: [u8; 26],
    /// The error log's.
    pub error: [u8; 19],
    /// `$time_iso8601`
    pub iso: [u8; 25],
    zone: jiff::tz::TimeZone,
}

impl Times {
    fn new() -> Self {
        let mut times = Self {
            second: -1,
            wall: 0,
            http: [0; 29],
            local: [0; 26],
            error: [0; 19],
            iso: [0; 25],
            zone: jiff::tz::TimeZone::system(),
        };
        times.refresh();
        times
    }

    fn refresh(&mut self) {
        self.wall = clock::wall();
        let second = (self.wall / 1000).cast_signed();
        if second == self.second {
            return;
        }
        self.second = second;
        let offset = jiff::Timestamp::from_second(second)
            .map_or(0, |now| self.zone.to_offset(now).seconds());
        self.http = date::imf_fixdate(second);
        self.local = date::access_log(second, offset);
        self.error = date::error_log(second, offset);
        self.iso = date::iso8601(second, offset);
    }

    /// When it is that many seconds past midnight next, here.
    pub fn next_daily(&self, seconds: i64) -> i64 {
        self.daily(seconds, 0)
            .filter(|at| *at > self.second)
            .or_else(|| self.daily(seconds, 1))
            .unwrap_or(self.second)
    }

    fn daily(&self, seconds: i64, days: i64) -> Option<i64> {
        let now = jiff::Timestamp::from_second(self.second).ok()?;
        let midnight = self.zone.to_datetime(now).start_of_day();
        let span = jiff::Span::new().days(days).seconds(seconds);
        let at = midnight.checked_add(span).ok()?;
        Some(at.to_zoned(self.zone.clone()).ok()?.timestamp().as_second())
    }
}

impl Logs {
    /// The files of a plan, with their descriptors.
    pub fn new(files: &[(String, Arc<OwnedFd>)], main: Vec<ErrorLog>) -> Self {
        let sink = |(path, file): &(String, Arc<OwnedFd>)| Sink {
            file: file.clone(),
            path: path.clone(),
            lines: Vec::new(),
            lost: 0,
            told: 0,
        };
        Self {
            sinks: RefCell::new(files.iter().map(sink).collect()),
            dirty: RefCell::default(),
            times: RefCell::new(Times::new()),
            stamp: Cell::new(0),
            main,
            pid: std::process::id(),
            tid: rustix::thread::gettid()
                .as_raw_nonzero()
                .get()
                .unsigned_abs(),
        }
    }

    /// Goes on in files that were opened anew, those of the same paths.
    pub fn reopen(&self, files: &[(String, Arc<OwnedFd>)]) {
        self.flush();
        for sink in self.sinks.borrow_mut().iter_mut() {
            if let Some((_, file)) = files.iter().find(|(path, _)| *path == sink.path) {
                sink.file = file.clone();
            }
        }
    }

    /// The time of the turn that began at `now`, read from the clock once a turn.
    pub fn times(&self, now: Millis) -> std::cell::Ref<'_, Times> {
        if self.stamp.get() != now {
            self.stamp.set(now);
            self.times.borrow_mut().refresh();
        }
        self.times.borrow()
    }

    /// Adds a line, with its line end, to a file.
    pub fn line(&self, file: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let mut sinks = self.sinks.borrow_mut();
        let Some(sink) = sinks.get_mut(file) else {
            return;
        };
        if sink.lines.is_empty() {
            self.dirty.borrow_mut().push(file);
        }
        write(&mut sink.lines);
        sink.lines.push(b'\n');
        if sink.lines.len() >= FLUSH_AT {
            sink.flush();
        }
    }

    /// Whether anything of this level is written by these directives.
    pub fn wants(logs: &[ErrorLog], level: Level) -> bool {
        logs.iter().any(|log| level <= log.level)
    }

    /// Writes an error-log line: `tail` comes after the level, pid and thread.
    pub fn error(
        &self,
        logs: &[ErrorLog],
        now: Millis,
        level: Level,
        connection: u64,
        tail: impl Fn(&mut Vec<u8>),
    ) {
        for log in logs.iter().filter(|log| level <= log.level) {
            let time = self.times(now).error;
            self.line(log.file, |out| {
                out.extend_from_slice(&time);
                let _ = write!(out, " [{}] {}#{}: ", level.word(), self.pid, self.tid);
                if connection > 0 {
                    let _ = write!(out, "*{connection} ");
                }
                tail(out);
            });
        }
    }

    /// Writes a line to the main error log.
    pub fn main(&self, now: Millis, level: Level, text: &str) {
        self.error(&self.main, now, level, 0, |out| {
            out.extend_from_slice(text.as_bytes());
        });
    }

    /// Writes out what has been collected. A file that can't be written loses lines, never service.
    pub fn flush(&self) {
        let mut sinks = self.sinks.borrow_mut();
        for file in self.dirty.borrow_mut().drain(..) {
            if let Some(sink) = sinks.get_mut(file) {
                sink.flush();
            }
        }
    }
}

impl Sink {
    fn flush(&mut self) {
        let mut rest = &self.lines[..];
        while !rest.is_empty() {
            match rustix::io::write(&self.file, rest) {
                Ok(n) => rest = &rest[n..],
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => {
                    self.lost += memchr::memchr_iter(b'\n', rest).count() as u64;
                    let now = clock::now();
                    if self.told == 0 || now - self.told >= TELL_EVERY {
                        self.told = now;
                        let _ = writeln!(
                            std::io::stderr(),
                            "surehop: `{}` can't be written ({e}): {} lines lost so far",
                            self.path,
                            self.lost
                        );
                    }
                    break;
                }
            }
        }
        self.lines.clear();
    }
}

/// Appends `(111: Connection refused)`, as nginx shows an error of the kernel.
pub fn errno(out: &mut Vec<u8>, errno: i32) {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let _ = write!(out, " ({errno}: {text})");
}
