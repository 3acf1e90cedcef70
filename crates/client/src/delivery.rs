//! From an answer's head to its end: handed over whole or piece by piece, and the connection kept.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use surehop_engine::{Cause, Event as Told, Keep};
use surehop_hop::buffer::Buf;
use surehop_hop::clock::{self, Millis, NEVER};
use surehop_hop::connections::{Connections, Upstream};
use surehop_hop::drive::{Exchange, Route, advance};
use surehop_wire::{BodyFraming, Header, date};

use crate::answer::Answer;
use crate::body::Reader;
use crate::host::Reply;
use crate::job::Job;
use crate::order::{Event, Flags, Question};

/// Bytes of an answer's body that are taken in before it is judged.
const WEIGHED: usize = 64 * 1024;
/// Room made for a body whose length is known, before any of it is there.
const AHEAD: usize = 1 << 20;
/// Bytes of a part that is handed over.
const PART: usize = 64 * 1024;

/// Reads until the body is done or `most` bytes are there; the cause if it breaks off.
async fn read(
    job: &mut Job<'_>,
    upstream: &mut Upstream,
    reader: &mut Reader,
    out: &mut Vec<u8>,
    most: usize,
    timeout: Millis,
    some: bool,
) -> Result<(), Broken> {
    let host = job.host;
    let rx = &host.rx;
    let mut until = rx.now().saturating_add(timeout);
    poll_fn(|_| {
        let mut progress = false;
        let polled = reader.poll(
            &host.connections.buffers,
            upstream,
            out,
            most,
            &mut progress,
        );
        if progress {
            until = rx.now().saturating_add(timeout);
        }
        match polled {
            Poll::Ready(Err((cause, errno))) => {
                return Poll::Ready(Err(Broken::Upstream(cause, errno)));
            }
            Poll::Ready(Ok(())) if reader.done() || out.len() >= most => {
                return Poll::Ready(Ok(()));
            }
            _ if some && !out.is_empty() => return Poll::Ready(Ok(())),
            Poll::Ready(Ok(())) => rx.again(),
            Poll::Pending => {}
        }
        if job.is_gone() {
            return Poll::Ready(Err(Broken::Gone));
        }
        if rx.now() >= until {
            return Poll::Ready(Err(Broken::Upstream(Cause::TimedOut, 0)));
        }
        rx.arm(until);
        Poll::Pending
    })
    .await
}

#[derive(Clone, Copy)]
enum Broken {
    Upstream(Cause, i32),
    Gone,
}

/// Takes in the beginning of an answer's body, before it is known whether it is handed over.
pub(crate) async fn take_in(job: &mut Job<'_>, upstream: &mut Upstream) {
    let mut reader = Reader::new(job.response.framing);
    let mut out = Vec::new();
    let timeout = job.order.terms.plan.read.unwrap_or(Millis::MAX);
    // What breaks off here breaks off again when the rest is read.
    let _ = read(
        job,
        upstream,
        &mut reader,
        &mut out,
        WEIGHED,
        timeout,
        false,
    )
    .await;
    job.taken = Some((reader, out));
}

/// Takes in the whole body of an answer that may be asked for once more: one that breaks off is no answer.
pub(crate) async fn take_all(
    job: &mut Job<'_>,
    upstream: &mut Upstream,
) -> Result<(), (Cause, i32)> {
    let mut reader = Reader::new(job.response.framing);
    let mut out = Vec::new();
    let timeout = job.order.terms.plan.read.unwrap_or(Millis::MAX);
    let (rx, deadline) = (job.host.rx.clone(), job.try_deadline());
    let all = usize::MAX;
    let read = {
        let mut reading = pin!(read(
            job,
            upstream,
            &mut reader,
            &mut out,
            all,
            timeout,
            false
        ));
        poll_fn(|cx| match reading.as_mut().poll(cx) {
            Poll::Pending if rx.now() >= deadline => {
                Poll::Ready(Err(Broken::Upstream(Cause::AttemptTimedOut, 0)))
            }
            Poll::Pending => {
                rx.arm(deadline);
                Poll::Pending
            }
            done @ Poll::Ready(_) => done,
        })
        .await
    };
    match read {
        Err(Broken::Upstream(cause, errno)) => Err((cause, errno)),
        // That is found out once more by whoever waits for it.
        Ok(()) | Err(Broken::Gone) => {
            job.taken = Some((reader, out));
            Ok(())
        }
    }
}

fn reusable(job: &Job<'_>, reader: &Reader, upstream: &Upstream) -> bool {
    reader.done()
        && job.whole()
        && !job.response.connection_close
        && !job.order.flags.has(Flags::LAST)
        && job.response.status != 101
        && upstream.buf.as_ref().is_none_or(Buf::is_empty)
        && !upstream.socket.seen_closed()
}

/// The answer's Retry-After, as a wait.
pub(crate) fn retry_after(job: &Job<'_>) -> Option<Millis> {
    let named = |header: &&Header| {
        header
            .name
            .of(&job.raw)
            .eq_ignore_ascii_case(b"retry-after")
    };
    let header = job.response.headers.iter().find(named)?;
    let value = header.value.of(&job.raw);
    let text = std::str::from_utf8(value).ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than can be counted is longer than anybody waits.
        return Some(
            text.parse::<u64>()
                .map_or(Millis::MAX, |seconds| seconds.saturating_mul(1000)),
        );
    }
    let at = date::parse(text.as_bytes())?;
    let now = clock::wall() / 1000;
    Some(u64::try_from(at).ok()?.saturating_sub(now) * 1000)
}

// What the pool is told of a connection that can be used again.
fn kept(job: &Job<'_>, upstream: &Upstream) -> Keep {
    let seconds = job.response.keep_alive_timeout;
    Keep {
        conn: upstream.conn,
        hint: seconds.map(|seconds| seconds.saturating_mul(1000)),
        rtt: upstream.rtt,
    }
}

/// Lets a connection rest whose answer was taken in whole; gives back one that can't.
pub(crate) fn park(
    job: &mut Job<'_>,
    hop: &Connections,
    route: &Route<'_>,
    upstream: Upstream,
) -> Option<Upstream> {
    let whole = job
        .taken
        .as_ref()
        .is_some_and(|(reader, _)| reusable(job, reader, &upstream));
    if !whole {
        return Some(upstream);
    }
    let keep = kept(job, &upstream);
    hop.rest(upstream);
    let mut group = route.group.borrow_mut();
    job.session.keep(&mut group, keep, job.host.rx.now());
    hop.sweep(&mut group);
    hop.expires(group.next_expiry());
    None
}

/// What is asked before another round.
pub(crate) fn question(job: &Job<'_>, delay: Millis) -> Question {
    let answered = job
        .session
        .attempts()
        .last()
        .is_some_and(|attempt| attempt.header_time.is_some());
    let answer = answered.then(|| {
        let mut answer = Answer::new(job.raw.clone(), &job.response);
        answer.body = job
            .taken
            .as_ref()
            .filter(|(reader, _)| reader.done())
            .map(|(_, body)| body.clone());
        Box::new(answer)
    });
    Question::Ask {
        answer,
        count: job.session.rounds(),
        delay,
        report: Box::new(job.report()),
    }
}

/// Tells the engine how the answer ended, and keeps a connection that can be used again.
fn settle(
    job: &mut Job<'_>,
    route: &Route<'_>,
    upstream: Option<Upstream>,
    reader: &Reader,
    died: Option<(Cause, i32)>,
) {
    let host = job.host;
    let hop = &host.connections;
    let mut keep = None;
    if let Some(upstream) = upstream {
        if died.is_none() && reusable(job, reader, &upstream) {
            keep = Some(kept(job, &upstream));
            hop.rest(upstream);
        } else {
            hop.close(upstream);
        }
    }
    let head = job
        .session
        .attempts()
        .last()
        .map_or(0, |attempt| attempt.received);
    let event = Told::Finished {
        sent: job.sent(),
        received: head + reader.received,
        length: reader.length,
        died,
        keep,
    };
    advance(hop, route, job, event);
    if keep.is_some() {
        hop.expires(route.group.borrow().next_expiry());
        if let Some(most) = host.plan.idle_connections {
            host.make_room(most as usize, Connections::resting);
        }
    }
    job.exit();
}

/// Tells the engine that the answer broke off, and says so.
fn break_off(
    job: &mut Job<'_>,
    route: &Route<'_>,
    upstream: Option<Upstream>,
    reader: &Reader,
    broken: Broken,
) {
    match broken {
        Broken::Upstream(cause, errno) => {
            if cause == Cause::TimedOut {
                job.report.timeout = Some("read");
            }
            settle(job, route, upstream, reader, Some((cause, errno)));
            job.fail();
        }
        Broken::Gone => {
            if let Some(upstream) = upstream {
                job.host.connections.close(upstream);
            }
            let hop = &job.host.connections;
            let mut group = route.group.borrow_mut();
            job.session.abandon(&mut group, job.host.rx.now());
            hop.sweep(&mut group);
            drop(group);
            job.over();
        }
    }
}

/// Hands an answer over.
pub(crate) async fn deliver(
    job: &mut Job<'_>,
    route: &Route<'_>,
    upstream: Option<Upstream>,
    begun: Instant,
) {
    let (mut reader, mut body) = match job.taken.take() {
        Some(taken) => taken,
        None => (Reader::new(job.response.framing), Vec::new()),
    };
    let mut upstream = upstream;
    let streams = job.order.flags.has(Flags::STREAM);
    if !streams {
        if let (false, Some(upstream_now)) = (reader.done(), upstream.as_mut()) {
            let timeout = route.read_timeout;
            if let BodyFraming::Length(length) = job.response.framing {
                body.reserve(usize::try_from(length).unwrap_or(0).min(AHEAD));
            }
            let all = usize::MAX;
            let read = read(
                job,
                upstream_now,
                &mut reader,
                &mut body,
                all,
                timeout,
                false,
            )
            .await;
            if let Err(broken) = read {
                return break_off(job, route, upstream, &reader, broken);
            }
        }
        settle(job, route, upstream, &reader, None);
        return hand_over(job, Some(body), begun);
    }
    if reader.done() {
        settle(job, route, upstream.take(), &reader, None);
    }
    hand_over(job, None, begun);
    stream(job, route, upstream, reader, body).await;
}

fn hand_over(job: &mut Job<'_>, body: Option<Vec<u8>>, begun: Instant) {
    if job.ticket.cancelled.get() {
        return;
    }
    let mut answer = Answer::new(std::mem::take(&mut job.raw), &job.response);
    answer.body = body;
    answer.elapsed = begun.elapsed().as_micros() as u64;
    answer.report = job.take_report();
    job.host
        .tell(job.ticket.number, Event::Answer(Box::new(answer)));
}

/// Hands a body over as it is asked for.
async fn stream(
    job: &mut Job<'_>,
    route: &Route<'_>,
    mut upstream: Option<Upstream>,
    mut reader: Reader,
    mut held: Vec<u8>,
) {
    loop {
        match job.reply(NEVER).await {
            Some(Reply::Read) => {}
            Some(_) => continue,
            None => return break_off(job, route, upstream, &reader, Broken::Gone),
        }
        let mut part = std::mem::take(&mut held);
        if let (true, false, Some(now)) = (part.is_empty(), reader.done(), upstream.as_mut()) {
            let timeout = route.read_timeout;
            let read = read(job, now, &mut reader, &mut part, PART, timeout, true).await;
            if let Err(broken) = read {
                return break_off(job, route, upstream, &reader, broken);
            }
            if reader.done() {
                settle(job, route, upstream.take(), &reader, None);
            }
        }
        let over = part.is_empty();
        let event = if over { Event::End } else { Event::Chunk(part) };
        job.host.tell(job.ticket.number, event);
        if over {
            return;
        }
    }
}
