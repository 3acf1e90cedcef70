//! Where log lines go: a file at the turn's end, a file through a buffer, a syslog server.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::io::Errno;
use rustix::net::{SendFlags, SocketAddrUnix, connect, send};
use surehop_hop::clock::{self, Millis, NEVER};
use surehop_hop::socket::Address;

use crate::plan::{Buffering, File, Level, Syslog};

/// A file whose lines are written before the turn is over, lest one turn holds much memory.
const FLUSH_AT: usize = 64 * 1024;
/// How often it is told that a file can't be written.
const TELL_EVERY: Millis = 60_000;
/// The bytes of an error-log line, as nginx cuts it.
pub const LONGEST_ERROR: usize = 2048;

/// A log file, or what stands for one, as a worker sees it.
#[derive(Debug)]
pub struct Sink {
    file: Arc<OwnedFd>,
    /// Its path.
    pub path: String,
    /// What is to be written.
    pub lines: Vec<u8>,
    buffering: Option<Buffering>,
    /// When a buffer must be written.
    pub due: Millis,
    syslog: Option<Server>,
    told: Option<Millis>,
}

#[derive(Debug)]
struct Server {
    plan: Syslog,
    address: Option<Address>,
    connected: bool,
    message: Vec<u8>,
}

/// What went wrong with a sink: the sentence for the error log, and how grave it is.
pub type Trouble = (Level, Vec<u8>);

impl Sink {
    /// For a file of the plan.
    pub fn new(path: String, file: Arc<OwnedFd>, plan: Option<&File>) -> Self {
        let server = |syslog: &Syslog| Server {
            plan: syslog.clone(),
            address: Address::parse(&syslog.address.show()),
            connected: false,
            message: Vec::new(),
        };
        Self {
            file,
            path,
            lines: Vec::new(),
            buffering: plan.and_then(|plan| plan.buffer.clone()),
            due: NEVER,
            syslog: plan.and_then(|plan| plan.syslog.as_ref().map(server)),
            told: None,
        }
    }

    /// Goes on in a file that was opened anew.
    pub fn reopened(&mut self, file: Arc<OwnedFd>) {
        self.file = file;
        if let Some(server) = &mut self.syslog {
            server.connected = false;
        }
    }

    /// Whether it is a syslog server.
    pub fn is_syslog(&self) -> bool {
        self.syslog.is_some()
    }

    /// Whether it is written at the end of a turn.
    pub fn is_plain(&self) -> bool {
        self.buffering.is_none()
    }

    /// Takes note of the line that begins at `start` in `lines`, and writes what has become too much.
    pub fn added(&mut self, start: usize, now: Millis) -> Option<Trouble> {
        let Some(buffering) = &self.buffering else {
            return (self.lines.len() >= FLUSH_AT)
                .then(|| self.flush())
                .flatten();
        };
        let (size, flush) = (buffering.size, buffering.flush_ms);
        let mut trouble = None;
        let mut first = start == 0;
        if self.lines.len() > size {
            let line = self.lines.split_off(start);
            trouble = self.flush();
            self.lines = line;
            first = true;
            if self.lines.len() > size {
                return self.flush().or(trouble);
            }
        }
        if first && flush > 0 {
            self.due = now + flush;
        }
        trouble
    }

    /// Writes everything out; lines that can't be written are lost.
    pub fn flush(&mut self) -> Option<Trouble> {
        self.due = NEVER;
        let level = self.buffering.as_ref().map_or(0, |buffer| buffer.gzip);
        let packed = (level > 0 && !self.lines.is_empty()).then(|| gzip(&self.lines, level));
        let result = write_all(&self.file, packed.as_ref().unwrap_or(&self.lines));
        self.lines.clear();
        let error = result.err()?;
        let now = clock::now();
        if self.told.is_some_and(|told| now - told < TELL_EVERY) {
            return None;
        }
        self.told = Some(now);
        Some((Level::Alert, unwritten(&self.path, error)))
    }

    /// Sends one line to the syslog server. `severity`: of a line of an error log.
    pub fn send(
        &mut self,
        severity: Option<Level>,
        stamp: &[u8],
        hostname: &str,
        line: &[u8],
    ) -> Option<Trouble> {
        let server = self.syslog.as_mut()?;
        let priority = match severity {
            Some(level) => server.plan.priority / 8 * 8 + level as u8,
            None => server.plan.priority,
        };
        let message = &mut server.message;
        message.clear();
        let _ = write!(message, "<{priority}>");
        message.extend_from_slice(stamp);
        message.push(b' ');
        if server.plan.hostname {
            message.extend_from_slice(hostname.as_bytes());
            message.push(b' ');
        }
        message.extend_from_slice(&server.plan.tag.0);
        message.extend_from_slice(b": ");
        message.extend_from_slice(line);
        if !server.connected {
            if let Err(e) = server.connect(&self.file) {
                return Some(server.trouble(Level::Alert, "connect", e));
            }
            server.connected = true;
        }
        let e = send(&self.file, &server.message, SendFlags::NOSIGNAL).err()?;
        server.connected = false;
        let level = match e {
            Errno::CONNREFUSED | Errno::NETDOWN | Errno::NETUNREACH | Errno::HOSTUNREACH => {
                Level::Error
            }
            _ => Level::Alert,
        };
        Some(server.trouble(level, "send", e))
    }
}

impl Server {
    fn connect(&self, socket: &OwnedFd) -> Result<(), Errno> {
        match &self.address {
            Some(Address::Ip(address)) => connect(socket, address),
            Some(Address::Unix(path)) => connect(socket, &SocketAddrUnix::new(&**path)?),
            None => Err(Errno::ADDRNOTAVAIL),
        }
    }

    fn trouble(&self, level: Level, call: &str, e: Errno) -> Trouble {
        let mut text = format!("{call}() failed").into_bytes();
        crate::log::errno(&mut text, e.raw_os_error());
        text.extend_from_slice(b" while logging to syslog, server: ");
        text.extend_from_slice(&self.plan.address.0);
        (level, text)
    }
}

/// `write() to "FILE" failed (28: No space left on device)`
pub fn unwritten(path: &str, e: Errno) -> Vec<u8> {
    let mut text = format!("write() to \"{path}\" failed").into_bytes();
    crate::log::errno(&mut text, e.raw_os_error());
    text
}

/// Writes all of it.
pub fn write_all(file: &OwnedFd, mut rest: &[u8]) -> Result<(), Errno> {
    while !rest.is_empty() {
        match rustix::io::write(file, rest) {
            Ok(n) => rest = &rest[n..],
            Err(Errno::INTR) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// A member of a gzip file; members behind each other are a gzip file too.
fn gzip(lines: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    let packed = encoder.write_all(lines).and_then(|()| encoder.finish());
    packed.unwrap_or_default() // writing into memory does not fail
}
