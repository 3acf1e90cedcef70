//! Answering with a file: its head, and its bytes straight from the kernel.

use std::io::IoSlice;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::task::Poll;

use rustix::fs::Stat;
use rustix::io::Errno;
use surehop_hop::buffer::{Buf, SMALL};
use surehop_wire::header::Known;

use crate::client::Client;
use crate::exchange::Exchange;
use crate::files::{self, Found};
use crate::fresh::{self, Verdict};
use crate::head;
use crate::lingering;
use crate::log;
use crate::outgoing::{self, Outgoing};
use crate::parts::{self, Parts};
use crate::phases::{self, Outcome};
use crate::plan::Level;
use crate::reply::Ranges;
use crate::told;
use crate::types;
use crate::vars;
use crate::worker::Worker;

/// What one call may send: longer ones would hold the other connections up.
const CHUNK: u64 = 2 << 20;

/// Answers with the file that the request asks for.
pub async fn serve(worker: &Worker, client: &mut Client, ex: &mut Exchange) -> Outcome {
    let (file, stat) = match files::find(worker, client, ex) {
        Found::File(file, stat) => (file, stat),
        Found::Other(outcome) => return outcome,
    };
    if let Err(code) = lingering::settle(worker, client, ex).await {
        return Outcome::Status(code);
    }
    ex.status = ex.status_or(200);
    head::begin(worker, ex);
    let size = describe(worker, ex, &stat);
    if let Err(code) = conditions(worker, ex) {
        return Outcome::Status(code);
    }
    if let Err(code) = head::filter(worker, client, ex) {
        return Outcome::Status(code);
    }
    head::write(worker, client, ex);
    let parts = match ex.reply.parts.take() {
        _ if head::bodiless(ex) => Parts::One(0..0),
        parts => parts.unwrap_or(Parts::One(0..size)),
    };
    // What only has to be copied, the kernel copies.
    let plain = ex.packer.is_none() && !ex.reply.trailed && !ex.pace.limited();
    let sent = if plain || ex.mute() {
        Sending::new(worker, client, ex, &file).send(parts).await
    } else {
        Box::pin(carry(worker, client, ex, &file, parts)).await
    };
    ex.complete = sent.is_ok();
    if let Err(stopped) = sent {
        ex.keep = false;
        tell(worker, client, ex, stopped);
    }
    Outcome::Done(phases::after(ex))
}

/// Fills in what is said of a file; gives its size.
fn describe(worker: &Worker, ex: &mut Exchange, stat: &Stat) -> u64 {
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    // What led here may have said of what type it is.
    let kept = std::mem::take(&mut ex.kept_type);
    let kind = if kept.is_empty() {
        types::kind(worker, ex)
    } else {
        &kept
    };
    ex.reply.set_kind(kind);
    ex.reply.length = Some(size);
    ex.reply.modified = Some(stat.st_mtime);
    ex.reply.ranges = Ranges::Any;
    if vars::place(worker, ex).files.etag {
        let etag = format!("\"{:x}-{size:x}\"", stat.st_mtime);
        ex.reply.line(b"ETag", etag.as_bytes());
    }
    size
}

/// Weighs the request's conditions against the answer that is described; an error is its status instead.
pub fn conditions(worker: &Worker, ex: &mut Exchange) -> Result<(), u16> {
    if ex.status != 200 || ex.sub.is_some() {
        return Ok(());
    }
    let since = vars::place(worker, ex).files.if_modified_since;
    match fresh::weigh(ex, since, parts::etag(ex), ex.reply.modified) {
        Verdict::Send => {}
        Verdict::Failed => {
            ex.reply.reset();
            // nginx gives the request up from within its filters.
            ex.course.cut = true;
            return Err(412);
        }
        Verdict::NotModified => {
            ex.status = 304;
            ex.reply.kind.clear();
            ex.reply.length = None;
            ex.reply.ranges = Ranges::None;
            ex.reply.take_back_all(Known::AcceptRanges);
        }
    }
    Ok(())
}

/// Why an answer ended before its body did.
#[derive(Clone, Copy, Debug)]
enum Stopped {
    /// The client could not be sent to, by that call.
    Client(&'static str, Errno),
    /// The client did not take the answer in time.
    TimedOut,
    /// The client went away while it was to be sent to.
    Gone,
    /// The file is no longer as long as it was; it ends there.
    Truncated(u64),
}

impl From<outgoing::Stopped> for Stopped {
    fn from(stopped: outgoing::Stopped) -> Self {
        match stopped {
            outgoing::Stopped::Client(errno) => Self::Client("writev()", errno),
            outgoing::Stopped::TimedOut => Self::TimedOut,
            outgoing::Stopped::Gone => Self::Gone,
        }
    }
}

/// An answer on its way.
struct Sending<'a> {
    worker: &'a Worker,
    client: &'a mut Client,
    ex: &'a mut Exchange,
    file: &'a OwnedFd,
    head_at: usize,
}

impl<'a> Sending<'a> {
    fn new(
        worker: &'a Worker,
        client: &'a mut Client,
        ex: &'a mut Exchange,
        file: &'a OwnedFd,
    ) -> Self {
        Self {
            worker,
            client,
            ex,
            file,
            head_at: 0,
        }
    }

    async fn send(mut self, parts: Parts) -> Result<(), Stopped> {
        if self.ex.mute() {
            // It is looked at, and goes nowhere.
            self.ex.course.doing = b" while sending response to client";
            return Ok(());
        }
        match parts {
            Parts::One(range) => self.part(b"", range).await,
            Parts::Several(parts, end) => {
                for (head, range) in parts {
                    self.part(&head, range).await?;
                }
                self.part(&end, 0..0).await
            }
        }
    }

    /// Sends some bytes and a range of the file behind them. What is left of the head goes first.
    async fn part(&mut self, before: &[u8], mut range: Range<u64>) -> Result<(), Stopped> {
        // A short range goes out together with what stands before it.
        let short = range.end - range.start <= SMALL as u64;
        if range.is_empty() || !short {
            self.memory(before, b"", !range.is_empty()).await?;
            return self.file(range).await;
        }
        let mut buf = self.worker.buffers.small();
        range.start += read(self.file, &range, &mut buf);
        let sent = self.memory(before, buf.data(), false).await;
        self.worker.buffers.give(buf);
        sent?;
        self.file(range).await
    }

    async fn write(
        &mut self,
        call: &'static str,
        mut write: impl FnMut(&Client) -> Poll<Result<usize, Errno>>,
    ) -> Result<usize, Stopped> {
        let timeout = vars::place(self.worker, self.ex).send_timeout_ms;
        let reactor = &self.worker.reactor;
        let client = &*self.client;
        let poll = || match write(client) {
            Poll::Pending if client.socket.peer_closed() => Poll::Ready(Err(Stopped::Gone)),
            Poll::Pending => Poll::Pending,
            Poll::Ready(sent) => Poll::Ready(sent.map_err(|e| Stopped::Client(call, e))),
        };
        let sent = reactor.until(reactor.now() + timeout, poll).await;
        sent.unwrap_or(Err(Stopped::TimedOut))
    }

    /// Sends what is in memory.
    async fn memory(
        &mut self,
        mut before: &[u8],
        mut data: &[u8],
        more: bool,
    ) -> Result<(), Stopped> {
        let out = std::mem::take(&mut self.ex.out);
        let mut sent = Ok(());
        while self.head_at < out.len() || !before.is_empty() || !data.is_empty() {
            let head = &out[self.head_at..];
            let parts = [head, before, data].map(IoSlice::new);
            let wrote = self.write("writev()", |client| {
                if more {
                    client.socket.poll_write_more(&parts)
                } else {
                    client.socket.poll_write(&parts)
                }
            });
            match wrote.await {
                Ok(n) => {
                    let of_head = n.min(head.len());
                    self.head_at += of_head;
                    self.ex.head_sent += of_head as u64;
                    self.ex.body_sent += (n - of_head) as u64;
                    let of_before = (n - of_head).min(before.len());
                    before = &before[of_before..];
                    data = &data[n - of_head - of_before..];
                }
                Err(stopped) => {
                    sent = Err(stopped);
                    break;
                }
            }
        }
        self.ex.out = out;
        sent
    }

    /// Sends a range of the file.
    async fn file(&mut self, mut range: Range<u64>) -> Result<(), Stopped> {
        let file = self.file.as_fd();
        while !range.is_empty() {
            let count = (range.end - range.start).min(CHUNK) as usize;
            let at = &mut range.start;
            let sent = self
                .write("sendfile()", |client| {
                    client.socket.poll_send_file(file, at, count)
                })
                .await;
            match sent {
                Ok(0) => return Err(Stopped::Truncated(range.start)),
                Ok(n) => self.ex.body_sent += n as u64,
                Err(stopped) => return Err(stopped),
            }
            if !range.is_empty() {
                self.worker.reactor.give_way().await;
            }
        }
        Ok(())
    }
}

/// Sends parts of a file through what is done to answers on their way out.
async fn carry(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    file: &OwnedFd,
    parts: Parts,
) -> Result<(), Stopped> {
    let (parts, end) = match parts {
        Parts::One(range) => (vec![(Vec::new(), range)], Vec::new()),
        Parts::Several(parts, end) => (parts, end),
    };
    let mut outgoing = Outgoing::new(worker, client, ex);
    let mut buf = worker.buffers.large();
    let sent = pieces(worker, &mut outgoing, file, &parts, &end, &mut buf).await;
    worker.buffers.give(buf);
    outgoing.end();
    sent
}

async fn pieces(
    worker: &Worker,
    outgoing: &mut Outgoing<'_>,
    file: &OwnedFd,
    parts: &[(Vec<u8>, Range<u64>)],
    end: &[u8],
    buf: &mut Buf,
) -> Result<(), Stopped> {
    for (number, (before, range)) in parts.iter().enumerate() {
        let whole = number + 1 == parts.len() && end.is_empty();
        if !before.is_empty() {
            outgoing.send(before, false).await?;
        }
        let mut at = range.start;
        while at < range.end {
            buf.clear();
            let most = range.end.min(at + buf.space().len() as u64);
            let read = read(file, &(at..most), buf);
            if read == 0 {
                return Err(Stopped::Truncated(at));
            }
            at += read;
            // What is the last goes out together with what stands behind it.
            let last = whole && at == range.end;
            outgoing.send(buf.data(), last).await?;
            if last {
                return Ok(());
            }
            worker.reactor.give_way().await;
        }
    }
    outgoing.send(end, true).await?;
    Ok(())
}

/// Reads of a range what there is of it, and can be read.
fn read(file: &OwnedFd, range: &Range<u64>, into: &mut Buf) -> u64 {
    let mut at = range.start;
    while at < range.end {
        let want = (range.end - at) as usize;
        match rustix::io::pread(file, &mut into.space()[..want], at) {
            Ok(n) if n > 0 => {
                into.filled(n);
                at += n as u64;
            }
            Err(Errno::INTR) => {}
            _ => break,
        }
    }
    at - range.start
}

fn tell(worker: &Worker, client: &Client, ex: &Exchange, stopped: Stopped) {
    let level = match stopped {
        Stopped::Truncated(_) => Level::Alert,
        _ => Level::Info,
    };
    told::line(worker, client, ex, level, None, |out| {
        match stopped {
            Stopped::Client(call, errno) => {
                out.extend_from_slice(call.as_bytes());
                out.extend_from_slice(b" failed");
                log::errno(out, errno.raw_os_error());
            }
            Stopped::TimedOut => {
                out.extend_from_slice(b"client timed out");
                log::errno(out, Errno::TIMEDOUT.raw_os_error());
            }
            Stopped::Gone => out.extend_from_slice(b"client prematurely closed connection"),
            Stopped::Truncated(at) => {
                out.extend_from_slice(b"sendfile() reported that \"");
                out.extend_from_slice(&ex.path);
                out.extend_from_slice(b"\" was truncated at ");
                out.extend_from_slice(itoa::Buffer::new().format(at).as_bytes());
            }
        }
        out.extend_from_slice(b" while sending response to client");
    });
}
