//! Logs read on every core: blocks are cut at the ends of lines, parsed as they come, and folded in order.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use memchr::{memchr, memchr_iter, memrchr};

use crate::digest::{Digest, File};
use crate::event::Event;
use crate::format::{Format, Understood};
use crate::kept::Line;
use crate::kinds::Kind;
use crate::pauses::{Pauses, Times};
use crate::records;
use crate::returns::Returns;
use crate::traffic::{Counter, Traffic};

/// Bytes that are read at once.
const READ: usize = 512 << 10;
/// Bytes of a line, or of a record, that are looked at.
pub(crate) const LONGEST: usize = 64 << 10;

/// One log while it is read, in slices: bytes go in, and into the digest what they tell.
#[derive(Debug)]
pub struct Reading {
    kind: Kind,
    file: File,
    threads: usize,
    tail: Tail,
    pauses: Pauses,
    returns: Returns,
}

impl Reading {
    /// Begins with a log; `name` is what it is called in the digest.
    pub fn new(name: &str, kind: Kind, threads: usize) -> Self {
        let file = File::new(name, kind.name);
        Self {
            kind,
            file,
            threads: threads.max(1),
            tail: Tail::default(),
            pauses: Pauses::default(),
            returns: Returns::default(),
        }
    }

    /// Reads on, about `limit` bytes; `false` says that there are no more.
    pub fn turn(
        &mut self,
        digest: &mut Digest,
        from: &mut (dyn Read + Send),
        limit: usize,
    ) -> io::Result<bool> {
        let (mut result, mut read) = (Ok(true), 0);
        let name = Arc::clone(&self.file.name);
        let format = &*self.kind.format;
        let source = Source {
            format,
            from,
            left: limit,
            read: &mut read,
            tail: &mut self.tail,
            result: &mut result,
        };
        let fold = Fold {
            digest,
            file: &mut self.file,
            pauses: &mut self.pauses,
            returns: &mut self.returns,
        };
        thread::scope(|scope| {
            let mut places = ring(source, self.threads)
                .into_iter()
                .zip(ring(fold, self.threads));
            let own = places.next();
            for (read, folded) in places {
                let name = &name;
                scope.spawn(move || work(format, name, &read, &folded));
            }
            if let Some((read, folded)) = own {
                work(format, &name, &read, &folded);
            }
        });
        self.file.bytes += read;
        result
    }

    /// Takes the last line, which may have no end, and notes the log as read.
    pub fn finish(mut self, digest: &mut Digest) {
        let last = std::mem::take(&mut self.tail.bytes);
        let name = Arc::clone(&self.file.name);
        let mut fold = Fold {
            digest,
            file: &mut self.file,
            pauses: &mut self.pauses,
            returns: &mut self.returns,
        };
        fold.take(parse(&*self.kind.format, &name, &last, 0));
        digest.file(self.file);
    }
}

/// The beginning of a line of which the end has not come.
#[derive(Debug, Default)]
struct Tail {
    bytes: Vec<u8>,
    /// Whether it is longer than is looked at, so that the rest of it is passed over.
    cut: bool,
}

/// Where blocks come from.
struct Source<'s> {
    format: &'s dyn Format,
    from: &'s mut (dyn Read + Send),
    left: usize,
    read: &'s mut u64,
    tail: &'s mut Tail,
    result: &'s mut io::Result<bool>,
}

impl Source<'_> {
    /// Fills a block with whole lines, and gives how long they are; `None` where no more are to be had now.
    fn fill(&mut self, block: &mut Vec<u8>) -> Option<usize> {
        loop {
            let known = self.tail.bytes.len();
            let room = known + READ.min(self.left);
            if room == known {
                return None;
            }
            if block.len() < room {
                block.resize(room, 0);
            }
            block[..known].copy_from_slice(&self.tail.bytes);
            let got = self.read(&mut block[known..room])?;
            if let Some(end) = self.tail.keep(self.format, block, known, known + got) {
                return Some(end);
            }
        }
    }

    fn read(&mut self, room: &mut [u8]) -> Option<usize> {
        let got = loop {
            match self.from.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match got {
            Ok(got) if got > 0 => {
                self.left -= got;
                *self.read += got as u64;
                return Some(got);
            }
            Ok(_) => *self.result = Ok(false),
            Err(error) => *self.result = Err(error),
        }
        self.left = 0;
        None
    }
}

impl Tail {
    /// Keeps what follows the last record in `block[..end]`, of which the bytes from `new` on are new, and gives
    /// where the whole records end; `None` where there is none.
    fn keep(
        &mut self,
        format: &dyn Format,
        block: &mut Vec<u8>,
        new: usize,
        end: usize,
    ) -> Option<usize> {
        let mut end = end;
        if self.cut {
            let rest = memchr(b'\n', &block[new..end])?;
            block.drain(new..new + rest);
            end -= rest;
            self.cut = false;
        }
        let lines = memrchr(b'\n', &block[..end]).map_or(0, |at| at + 1);
        let whole = if format.spans_lines() {
            records::last(format, &block[..lines])
        } else {
            lines
        };
        self.cut = end - lines > LONGEST;
        self.bytes.clear();
        self.bytes
            .extend_from_slice(&block[whole..end.min(lines + LONGEST)]);
        (whole > 0).then_some(whole)
    }
}

/// Where parsed blocks go.
struct Fold<'s> {
    digest: &'s mut Digest,
    file: &'s mut File,
    pauses: &'s mut Pauses,
    returns: &'s mut Returns,
}

impl Fold<'_> {
    fn take(&mut self, mut parsed: Parsed<'_>) {
        for line in &mut parsed.told {
            line.number += self.file.lines;
        }
        self.pauses.tell(&parsed.times, &mut parsed.told);
        self.returns.follow(&parsed.returns, &mut parsed.told);
        self.digest.take(&parsed.told);
        if let Some(traffic) = &parsed.traffic {
            self.digest.count(&self.file.kind, traffic);
        }
        self.file.lines += parsed.lines;
        self.file.understood += parsed.understood;
        self.file.unknown += parsed.lines - parsed.understood;
    }
}

/// What is in a block; lines are numbered from its own beginning.
struct Parsed<'a> {
    lines: u64,
    understood: u64,
    told: Vec<Line<'a>>,
    times: Times,
    returns: Returns,
    traffic: Option<Traffic>,
}

/// `room` is made for so many lines that tell something.
fn parse<'a>(format: &dyn Format, name: &'a Arc<str>, block: &'a [u8], room: usize) -> Parsed<'a> {
    let (mut counter, mut times) = (Counter::default(), Times::default());
    let (mut lines, mut understood) = (0, 0);
    let mut told = Vec::with_capacity(room);
    let spans = format.spans_lines();
    let mut one = |record: &'a [u8], length: u64| {
        let text = without_end(record);
        if let Some(at) = format.stamp(text) {
            times.note(told.len(), at);
        }
        let mut out = |event: Event<'a>| {
            let (text, before) = if spans {
                records::line(text, event.at)
            } else {
                (text, 0)
            };
            told.push(Line {
                file: name,
                number: lines + before + 1,
                text,
                event,
            });
        };
        if format.count(text, &mut counter, &mut out) == Understood::Yes {
            understood += length;
        }
        lines += length;
    };
    let mut rest = block;
    while spans && !rest.is_empty() {
        let (record, behind) = rest.split_at(records::first(format, rest));
        one(
            record,
            records::count(record) + u64::from(!record.ends_with(b"\n")),
        );
        rest = behind;
    }
    let mut start = 0;
    for end in memchr_iter(b'\n', rest) {
        one(&rest[start..end], 1);
        start = end + 1;
    }
    if start < rest.len() {
        one(&rest[start..], 1);
    }
    Parsed {
        lines,
        understood,
        told,
        times,
        returns: counter.returns(),
        traffic: counter.finish(),
    }
}

/// A record without the end of its last line.
fn without_end(line: &[u8]) -> &[u8] {
    let mut line = line.strip_suffix(b"\n").unwrap_or(line);
    line = &line[..line.len().min(LONGEST)];
    while let [rest @ .., b'\r'] = line {
        line = rest;
    }
    line
}

/// What one thread does: read a block when it is its turn, parse it, fold it when it is its turn.
fn work(format: &dyn Format, name: &Arc<str>, reads: &Place<Source<'_>>, folds: &Place<Fold<'_>>) {
    let (mut block, mut told) = (Vec::new(), 0);
    while let Some(end) = reads.with(|source| source.fill(&mut block)).flatten() {
        let parsed = parse(format, name, &block[..end], told);
        told = parsed.told.len();
        if folds.with(|fold| fold.take(parsed)).is_none() {
            return; // another thread is no more
        }
    }
}

/// A place in a ring of threads, round which a thing goes that one of them has at a time.
struct Place<T> {
    before: Receiver<T>,
    next: Sender<T>,
}

impl<T> Place<T> {
    /// Waits for the thing, does something with it, and hands it on.
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut thing = self.before.recv().ok()?;
        let result = f(&mut thing);
        // who has ended wants it no more
        let _ = self.next.send(thing);
        Some(result)
    }
}

/// A ring of `count` places; the first one has the thing.
fn ring<T>(thing: T, count: usize) -> Vec<Place<T>> {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| channel()).unzip();
    let _ = senders[0].send(thing);
    let nexts = senders.iter().skip(1).chain(senders.first()).cloned();
    receivers
        .into_iter()
        .zip(nexts)
        .map(|(before, next)| Place { before, next })
        .collect()
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
