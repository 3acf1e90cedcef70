//! Taking a request's body in before it goes upstream: into memory as far as `client_body_buffer_size` goes,
//! and into a file beyond.

use std::task::Poll;

use surehop_hop::buffer::{Buf, LARGE, SMALL};
use surehop_wire::request::Framing;

use crate::client::{Body, BodyError, Client};
use crate::config::LocationConf;
use crate::exchange::Exchange;
use crate::log;
use crate::plan::{InFile, Level};
use crate::spool::{Name, Refused, Spool};
use crate::told;
use crate::worker::Worker;

/// nginx's `client_header_buffer_size`: what of a body comes with the head lies there.
const HEAD_ROOM: u64 = 1024;

/// Why a body could not be taken in.
#[derive(Debug)]
pub enum Failed {
    /// The client did not send it.
    Client(BodyError),
    /// There was no file for it; that has been told.
    File,
}

/// The body as `$request_body` shows it: nothing if it is in a file.
pub fn shown(ex: &Exchange) -> Option<&[u8]> {
    let held = ex.held.as_ref().filter(|held| {
        ex.spool.is_none() && (ex.taken || ex.attempts().is_empty() && !held.is_empty())
    })?;
    Some(held.data())
}

/// Takes the whole body in.
pub async fn take(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    location: &LocationConf,
    body: &mut Body,
) -> Result<(), Failed> {
    let intake = &location.plan.intake;
    let mut file = intake.in_file != InFile::Off;
    let mut buf = match ex.head.framing {
        Framing::Length(n) if fits(client, ex, n, intake.buffer_size as u64) => {
            buffer(worker, n as usize)
        }
        framing => {
            file |= framing != Framing::Chunked;
            match intake.buffer_size {
                // More than that must not be held.
                size if size < SMALL => Buf::new(size.max(1)),
                size => buffer(worker, size),
            }
        }
    };
    // Most bodies have come with their heads.
    let came = at_once(worker, client, body, &mut buf);
    if came.is_ok() && body.done() && !file {
        ex.held = Some(buf);
        ex.taken = true;
        return Ok(());
    }
    if let Err(error) = came {
        ex.held = Some(buf);
        return Err(Failed::Client(error));
    }
    Box::pin(take_rest(worker, client, ex, location, body, buf, file)).await
}

async fn take_rest(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    location: &LocationConf,
    body: &mut Body,
    mut buf: Buf,
    file: bool,
) -> Result<(), Failed> {
    let mut taken = fill(worker, client, ex, location, body, &mut buf).await;
    if taken.is_ok() && (ex.spool.is_some() || file) {
        taken = store(worker, client, ex, location, &buf);
    }
    ex.taken = taken.is_ok();
    if ex.spool.is_none() {
        ex.held = Some(buf);
    } else {
        worker.buffers.give(buf);
    }
    taken
}

/// Reads what has come already.
fn at_once(
    worker: &Worker,
    client: &mut Client,
    body: &mut Body,
    buf: &mut Buf,
) -> Result<(), BodyError> {
    while !body.done() && !buf.space().is_empty() {
        match client.poll_body(worker, body, buf) {
            Poll::Ready(read) => read?,
            Poll::Pending => break,
        };
    }
    Ok(())
}

/// Reads until the body is whole; what is full goes into the file.
async fn fill(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    location: &LocationConf,
    body: &mut Body,
    buf: &mut Buf,
) -> Result<(), Failed> {
    let timeout = location.plan.client_body_timeout_ms;
    while !body.done() {
        if buf.space().is_empty() {
            store(worker, client, ex, location, buf)?;
            buf.clear();
            // A fast client must not hold the worker up.
            worker.reactor.give_way().await;
        }
        let deadline = worker.reactor.now() + timeout;
        let read = worker
            .reactor
            .until(deadline, || client.poll_body(worker, body, buf))
            .await;
        read.map_err(|_| Failed::Client(BodyError::TimedOut))?
            .map_err(Failed::Client)?;
    }
    Ok(())
}

/// Takes in what has come already, without waiting: the rest is streamed.
pub fn begin(
    worker: &Worker,
    client: &mut Client,
    ex: &mut Exchange,
    body: &mut Body,
) -> Result<(), BodyError> {
    let mut buf = worker.buffers.small();
    let begun = at_once(worker, client, body, &mut buf);
    ex.taken = body.done();
    ex.held = Some(buf);
    begun
}

/// Whether nginx would hold a body of this length in memory.
fn fits(client: &Client, ex: &Exchange, length: u64, size: u64) -> bool {
    let room = HEAD_ROOM.saturating_sub(ex.request_length);
    let came = client.buf.as_ref().map_or(0, Buf::len) as u64;
    let rest = length - came.min(room).min(length);
    rest == 0 || rest < size + size / 4
}

fn buffer(worker: &Worker, size: usize) -> Buf {
    match size {
        0..=SMALL => worker.buffers.small(),
        size if size <= LARGE && size > LARGE / 2 => worker.buffers.large(),
        size => Buf::new(size),
    }
}

/// Writes a piece into the file, which is made if there is none.
fn store(
    worker: &Worker,
    client: &Client,
    ex: &mut Exchange,
    location: &LocationConf,
    buf: &Buf,
) -> Result<(), Failed> {
    let spool = match ex.spool.take() {
        Some(spool) => Ok(spool),
        None => create(worker, client, ex, location, buf).map(Box::new),
    };
    let written = spool.and_then(|mut spool| {
        let written = spool.write(buf.data());
        ex.spool = Some(spool);
        written
    });
    written.map_err(|refused| {
        told::line(worker, client, ex, Level::Crit, None, |out| {
            out.extend_from_slice(refused.call.as_bytes());
            out.extend_from_slice(b" \"");
            out.extend_from_slice(&refused.path);
            out.extend_from_slice(b"\" failed");
            log::errno(out, refused.errno.raw_os_error());
        });
        Failed::File
    })
}

fn create(
    worker: &Worker,
    client: &Client,
    ex: &Exchange,
    location: &LocationConf,
    buf: &Buf,
) -> Result<Spool, Refused> {
    let intake = &location.plan.intake;
    let (name, level) = match intake.in_file {
        InFile::Off => (Name::None, Level::Warn),
        InFile::On => (Name::Ever, Level::Notice),
        InFile::Clean => (Name::Request, Level::Notice),
    };
    let spool = Spool::create(&worker.config.plan.temp_paths[intake.temp], name)?;
    if !buf.is_empty() {
        told::line(worker, client, ex, level, None, |out| {
            out.extend_from_slice(b"a client request body is buffered to a temporary file ");
            out.extend_from_slice(&spool.path);
        });
    }
    Ok(spool)
}
