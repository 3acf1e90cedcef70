//! How a client's connection ends, or goes on behind a body that nobody wanted: nginx's lingering.

use surehop_hop::clock::Millis;
use surehop_wire::header::Known;
use surehop_wire::request::{Framing, Method};

use crate::client::{Body, BodyError, Client};
use crate::connection::After;
use crate::exchange::Exchange;
use crate::plan::{Level, Lingering, Patience};
use crate::relay;
use crate::told;
use crate::vars;
use crate::worker::Worker;

/// For how long a closing connection is drained, and how long it may be silent meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Linger {
    time: Millis,
    silence: Millis,
}

impl Linger {
    fn of(patience: &Patience) -> Self {
        Self {
            // nginx counts in whole seconds.
            time: patience.lingering_time_ms / 1000 * 1000,
            silence: patience.lingering_timeout_ms,
        }
    }
}

/// Takes in what is still to come of a body that nobody wanted, once the request is answered: the next
/// request stands behind it. [`After::Drain`] if it did not come.
pub async fn drain(worker: &Worker, client: &mut Client, ex: &mut Exchange) -> After {
    let Some(mut body) = ex.body.take() else {
        return After::Close;
    };
    let linger = Linger::of(&vars::place(worker, ex).patience);
    let end = worker.reactor.now() + linger.time;
    client.body_limit = 0;
    let mut sink = worker.buffers.small();
    let mut come = true;
    while come && !body.done() {
        sink.clear();
        let deadline = end.min(worker.reactor.now() + linger.silence);
        let read = worker
            .reactor
            .until(deadline, || client.poll_body(worker, &mut body, &mut sink))
            .await;
        come = matches!(read, Ok(Ok(_)));
        client.timed_out |= read.is_err();
        if let Ok(Err(BodyError::Invalid)) = read {
            tell_invalid(worker, client, ex);
        }
        // A fast client must not hold the worker up.
        worker.reactor.give_way().await;
    }
    worker.buffers.give(sink);
    client.body_read = 0;
    match (body.done(), ex.keep) {
        (true, true) => After::Keep,
        (true, false) => After::Close,
        (false, _) => After::Drain,
    }
}

/// Says that a body's chunks are malformed.
pub fn tell_invalid(worker: &Worker, client: &Client, ex: &Exchange) {
    told::line(worker, client, ex, Level::Error, None, |out| {
        out.extend_from_slice(b"client sent invalid chunked body");
    });
}

/// Decides how the connection ends: the last answer must not be lost to what came behind its request.
pub fn close(worker: &Worker, client: &mut Client, ex: &Exchange, after: After) -> After {
    let patience = &vars::place(worker, ex).patience;
    if client.timed_out && patience.reset_timed_out {
        client.socket.set_reset();
        return After::Close;
    }
    client.linger = Linger::of(patience);
    let more = || ex.has_body() && !ex.course.drained || client.unread();
    match (after, patience.lingering) {
        (After::Close, Lingering::Always) if ex.complete => After::Linger,
        (After::Close, Lingering::On) if ex.complete && more() => After::Linger,
        // It has had its time.
        (After::Drain, _) | (After::Linger, Lingering::Off) => After::Close,
        _ => after,
    }
}

/// Whether the client is one that the location does not keep (`keepalive_disable`).
pub fn disabled(patience: &Patience, ex: &Exchange) -> bool {
    if !patience.not_safari && (!patience.not_msie6 || ex.head.method != Method::Post) {
        return false;
    }
    let Some(agent) = ex.head.find(Known::UserAgent) else {
        return false;
    };
    let agent = agent.value.of(ex.bytes());
    let has = |word: &[u8]| memchr::memmem::find(agent, word).is_some();
    if let Some(at) = memchr::memmem::find(agent, b"MSIE ") {
        let version = agent.get(at + 5..).unwrap_or_default();
        let old = match version {
            [b'4' | b'5', b'.', ..] => true,
            [b'6', b'.', ..] => memchr::memmem::find(version, b"SV1").is_none(),
            _ => false,
        };
        return patience.not_msie6 && old && !has(b"Opera") && ex.head.method == Method::Post;
    }
    let other = has(b"Opera") || has(b"Gecko/") || has(b"Chrome/");
    patience.not_safari && !other && has(b"Safari/") && has(b"Mac OS X")
}

/// Sees to the request's body before an answer of our own: it is nobody's. What has come is skipped; what is
/// still to come is taken in behind the answer. The status says what is wrong with it.
pub async fn settle(worker: &Worker, client: &mut Client, ex: &mut Exchange) -> Result<(), u16> {
    if ex.course.settled {
        return Ok(());
    }
    if !ex.course.expect_tested && !relay::invite(worker, client, ex).await {
        ex.keep = false;
    }
    if discard(worker, client, ex) {
        return Ok(());
    }
    ex.keep = false;
    tell_invalid(worker, client, ex);
    Err(400)
}

/// Skips what has come of the body; false if it is malformed.
pub fn discard(worker: &Worker, client: &mut Client, ex: &mut Exchange) -> bool {
    ex.course.settled = true;
    let framing = ex.head.framing;
    let mut body = ex.body.take().unwrap_or_else(|| Body::of(&framing));
    let mut skipped = Ok(());
    if !body.done() {
        client.body_limit = 0;
        skipped = relay::skip(worker, client, &mut body);
        ex.course.drained = body.done();
        if body.done() && framing == Framing::Chunked {
            // Nothing of it is left, which is what nginx counts.
            (client.body_data, client.body_settled) = (0, true);
        }
    }
    // Where a malformed one ends can't be told.
    ex.body = Some(if skipped.is_ok() { body } else { Body::Done });
    skipped.is_ok()
}

impl Client {
    /// Closes so that what was sent arrives: a close with unread bytes would be a reset.
    pub async fn linger(mut self, worker: &Worker) {
        self.socket.finish();
        let end = worker.reactor.now() + self.linger.time;
        let mut buf = self.buf.take().unwrap_or_else(|| worker.buffers.small());
        loop {
            buf.clear();
            let deadline = end.min(worker.reactor.now() + self.linger.silence);
            match worker
                .reactor
                .until(deadline, || self.socket.poll_read(buf.space()))
                .await
            {
                // A fast client must not hold the worker up.
                Ok(Ok(n)) if n > 0 && worker.reactor.now() < end => {
                    worker.reactor.give_way().await;
                }
                _ => break,
            }
        }
        worker.buffers.give(buf);
    }
}
