//! Log files: lines are collected during a turn and written at its end, one call a file.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use surehop_hop::clock::{self, Millis, NEVER};
use surehop_wire::date;

use crate::log_paths::LogPaths;
use crate::plan::{ErrorLog, Level, Plan};
use crate::sink::{LONGEST_ERROR, Sink, Trouble};

/// The log files as one worker sees them.
#[derive(Debug)]
pub struct Logs {
    sinks: RefCell<Vec<Sink>>,
    /// Those that are opened by requests.
    pub paths: LogPaths,
    dirty: RefCell<Vec<usize>>,
    /// When a buffer must be written.
    due: Cell<Millis>,
    times: RefCell<Times>,
    stamp: Cell<Millis>,
    /// A line that is put together.
    draft: RefCell<Vec<u8>>,
    /// Whether trouble with a log is being logged: it makes no more of it.
    telling: Cell<bool>,
    main: Vec<ErrorLog>,
    hostname: String,
    pid: u32,
    tid: u32,
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
    /// Of lines to a syslog server.
    pub syslog: [u8; 15],
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
            syslog: [0; 15],
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
        self.syslog = date::syslog(second, offset);
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
    pub fn new(files: &[(String, Arc<OwnedFd>)], plan: &Plan, hostname: &str) -> Self {
        let sink = |(at, (path, file)): (usize, &(String, Arc<OwnedFd>))| {
            Sink::new(path.clone(), file.clone(), plan.files.get(at))
        };
        Self {
            sinks: RefCell::new(files.iter().enumerate().map(sink).collect()),
            paths: LogPaths::new(&plan.log_caches),
            dirty: RefCell::default(),
            due: Cell::new(NEVER),
            times: RefCell::new(Times::new()),
            stamp: Cell::new(0),
            draft: RefCell::default(),
            telling: Cell::new(false),
            main: plan.error_log.clone(),
            hostname: hostname.to_ascii_lowercase(),
            pid: std::process::id(),
            tid: rustix::thread::gettid()
                .as_raw_nonzero()
                .get()
                .unsigned_abs(),
        }
    }

    /// Goes on in files that were opened anew, those of the same paths.
    pub fn reopen(&self, files: &[(String, Arc<OwnedFd>)]) {
        self.flush_all();
        for sink in self.sinks.borrow_mut().iter_mut() {
            if let Some((_, file)) = files.iter().find(|(path, _)| *path == sink.path) {
                sink.reopened(file.clone());
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

    /// Adds a line of an access log; false if it did not come through.
    pub fn line(&self, file: usize, now: Millis, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        // Put together outside of the sinks: what a variable is worth may be worth a line of its own.
        let mut line = self.draft.take();
        line.clear();
        write(&mut line);
        let trouble = self.put(file, None, now, &line);
        self.draft.replace(line);
        let done = trouble.is_none();
        self.tell(now, trouble);
        done
    }

    /// Whether it is a syslog server that lines go to.
    pub fn is_syslog(&self, file: usize) -> bool {
        self.sinks.borrow().get(file).is_some_and(Sink::is_syslog)
    }

    fn put(
        &self,
        file: usize,
        severity: Option<Level>,
        now: Millis,
        line: &[u8],
    ) -> Option<Trouble> {
        let mut sinks = self.sinks.borrow_mut();
        let sink = sinks.get_mut(file)?;
        if sink.is_syslog() {
            let stamp = self.times(now).syslog;
            return sink.send(severity, &stamp, &self.hostname, line);
        }
        let start = sink.lines.len();
        if start == 0 && sink.is_plain() {
            self.dirty.borrow_mut().push(file);
        }
        sink.lines.extend_from_slice(line);
        sink.lines.push(b'\n');
        let trouble = sink.added(start, now);
        self.due.set(self.due.get().min(sink.due));
        trouble
    }

    /// Writes of trouble with a log into the main error log.
    fn tell(&self, now: Millis, trouble: Option<Trouble>) {
        if let Some((level, text)) = trouble
            && !self.telling.replace(true)
        {
            self.error(&self.main, now, level, 0, |out| {
                out.extend_from_slice(&text);
            });
            self.telling.set(false);
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
            let mut line = self.draft.take();
            line.clear();
            line.extend_from_slice(&self.times(now).error);
            let _ = write!(line, " [{}] {}#{}: ", level.word(), self.pid, self.tid);
            if connection > 0 {
                let _ = write!(line, "*{connection} ");
            }
            tail(&mut line);
            line.truncate(LONGEST_ERROR - 1);
            let trouble = self.put(log.file, Some(level), now, &line);
            self.draft.replace(line);
            self.tell(now, trouble);
        }
    }

    /// Writes a line to the main error log.
    pub fn main(&self, now: Millis, level: Level, text: &str) {
        self.error(&self.main, now, level, 0, |out| {
            out.extend_from_slice(text.as_bytes());
        });
    }

    /// When `flush` has something to do although nothing happens.
    pub fn due(&self) -> Millis {
        self.due.get()
    }

    /// Writes out what this turn has collected, and the buffers whose time has come. A file that can't be
    /// written loses lines, never service.
    pub fn flush(&self) {
        if self.due.get() != NEVER {
            self.flush_due(clock::now());
        }
        // Again if there was trouble to tell of; not for ever.
        for _ in 0..2 {
            if self.dirty.borrow().is_empty() {
                return;
            }
            let mut dirty = self.dirty.take();
            for file in dirty.drain(..) {
                let mut sinks = self.sinks.borrow_mut();
                let trouble = sinks.get_mut(file).and_then(Sink::flush);
                drop(sinks);
                self.tell(self.stamp.get(), trouble);
            }
            let mut told = self.dirty.borrow_mut();
            if told.is_empty() {
                *told = dirty;
            }
        }
    }

    fn flush_due(&self, now: Millis) {
        if now < self.due.get() {
            return;
        }
        let mut troubles = Vec::new();
        let mut next = NEVER;
        for sink in self.sinks.borrow_mut().iter_mut() {
            if sink.due <= now {
                troubles.extend(sink.flush());
            }
            next = next.min(sink.due);
        }
        self.due.set(next);
        for trouble in troubles {
            self.tell(now, Some(trouble));
        }
    }

    /// Writes out everything, also what buffers still have room for.
    pub fn flush_all(&self) {
        let now = clock::now();
        let mut troubles = Vec::new();
        for sink in self.sinks.borrow_mut().iter_mut() {
            troubles.extend(sink.flush());
        }
        self.due.set(NEVER);
        for trouble in troubles {
            self.tell(now, Some(trouble));
        }
        self.flush();
    }
}

/// Appends `(111: Connection refused)`, as nginx shows an error of the kernel.
pub fn errno(out: &mut Vec<u8>, errno: i32) {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let _ = write!(out, " ({errno}: {text})");
}
