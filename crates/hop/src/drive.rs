//! The one driver of an attempt: it asks the engine what to do, does it, and tells the engine what happened.

use std::future::poll_fn;
use std::task::Poll;

use rustix::io::Errno;
use surehop_engine::{
    Attempt, Cause, ConnId, Event, Facts, Notice, PeerStatus, Phase, Reason, Step,
};

use crate::clock::{Millis, NEVER};
pub use crate::connecting::Lost;
use crate::connecting::give_up;
use crate::connections::{Connections, Upstream, cause_of};
pub use crate::exchange::{Driven, Exchange, Fault, Heard, Route, Stopped};

/// Bytes that the interim heads (1xx) of one answer may have together.
const INTERIM_LIMIT: u64 = 16 << 20;

enum Sent {
    Head { end: usize, status: u16 },
    Died(Fault),
    Gone,
    SenderFailed,
}

/// Drives a request up to its response head.
pub async fn drive<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    facts: Facts,
    ex: &mut E,
) -> Driven {
    let rx = &hop.reactor;
    let mut step = {
        let mut group = route.group.borrow_mut();
        ex.session()
            .begin(&mut group, route.policy, facts, route.scope, rx.now())
    };
    // The connection in use. It is closed as soon as its answer will not be delivered; while the caller is
    // asked, it may still be.
    let mut live: Option<Upstream> = None;
    loop {
        if matches!(
            step,
            Step::Checkout { .. } | Step::Connect { .. } | Step::Fail { .. }
        ) && let Some(old) = live.take()
        {
            // What waits may leave its connection to others; what goes on at once has a new one already.
            let waits = matches!(step, Step::Sleep { .. } | Step::Wait { .. });
            let left = if waits {
                ex.park(hop, route, old)
            } else {
                Some(old)
            };
            if let Some(old) = left {
                hop.close(old);
            }
        }
        step = match step {
            Step::Checkout { conn, .. } => {
                let (next, upstream) = check_out(hop, route, ex, conn);
                live = upstream;
                next
            }
            Step::Connect { peer } => match ex.connect(hop, route, peer).await {
                Ok(upstream) => {
                    live = Some(upstream);
                    advance(hop, route, ex, Event::Connected)
                }
                Err(Lost::Fault(fault)) => {
                    let Fault {
                        phase,
                        cause,
                        errno,
                        ..
                    } = fault;
                    let event = Event::ConnectFailed {
                        phase,
                        cause,
                        errno,
                    };
                    fail(hop, route, ex, event, fault)
                }
                Err(Lost::Gone) => return gone(hop, route, ex, None),
                Err(lost) => {
                    let errno = match lost {
                        Lost::Unbound(errno) => Some(errno),
                        _ => None,
                    };
                    return give_up(hop, route, ex, errno);
                }
            },
            Step::Send => {
                let Some(upstream) = live.take() else {
                    return Driven::Gone;
                };
                match exchange(hop, route, ex, upstream).await {
                    Ok((next, upstream)) => {
                        live = upstream;
                        next
                    }
                    Err(end) => return end,
                }
            }
            Step::Deliver => return live.map_or(Driven::Held, Driven::Response),
            Step::Wait { .. } | Step::Sleep { .. } | Step::Ask { .. } => {
                let next = pass_time(hop, route, ex, step, &mut live).await;
                let Some(next) = next else {
                    let held = live.map(|upstream| (upstream, 0));
                    return gone(hop, route, ex, held);
                };
                next
            }
            Step::Fail { status, reason } => {
                let last = ex.session().attempts().last().copied();
                if let Some(attempt) = last.filter(|attempt| attempt.reason == Reason::NoLive) {
                    ex.no_live(&attempt);
                }
                return Driven::Failed(status, reason);
            }
            Step::Done => return Driven::Gone,
        };
    }
}

/// Waits, sleeps or asks; none if the one who asked goes away meanwhile.
async fn pass_time<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    step: Step,
    live: &mut Option<Upstream>,
) -> Option<Step> {
    if let Some(upstream) = live.take() {
        *live = ex.park(hop, route, upstream);
    }
    // While the caller is asked, the answer may still be delivered.
    if !matches!(step, Step::Ask { .. })
        && let Some(upstream) = live.take()
    {
        hop.close(upstream);
    }
    if live.is_none() {
        ex.pause();
    }
    let rx = &hop.reactor;
    let next = match step {
        Step::Wait { until, again } => return wait(hop, route, ex, until, again).await,
        Step::Sleep { until } => match rx.until(until, || poll_gone(ex)).await {
            Ok(()) => return None,
            Err(_) => Event::Slept,
        },
        Step::Ask { wait } => {
            let asked = rx.until(NEVER, || {
                if ex.gone() {
                    return Poll::Ready(None);
                }
                ex.poll_ask(wait).map(Some)
            });
            let (retry, delay) = asked.await.ok().flatten()?;
            Event::Answered { retry, delay }
        }
        _ => return None,
    };
    if !ex.resume().await {
        return None;
    }
    Some(advance(hop, route, ex, next))
}

/// Waits in the group's queue for a peer; none if the one who asked goes away meanwhile.
async fn wait<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    until: Millis,
    again: bool,
) -> Option<Step> {
    let me = hop.reactor.current().number();
    route.group.borrow_mut().wait(me, again);
    let waited = hop.reactor.until(until, || {
        if !route.group.borrow().waits(me) {
            return Poll::Ready(true);
        }
        poll_gone(ex).map(|()| false)
    });
    let event = match waited.await {
        Ok(true) => Event::Called,
        Ok(false) => {
            route.group.borrow_mut().unwait(me);
            return None;
        }
        Err(_) => {
            route.group.borrow_mut().unwait(me);
            Event::Slept
        }
    };
    if !ex.resume().await {
        return None;
    }
    Some(advance(hop, route, ex, event))
}

/// Takes a resting connection out of the pool, unless something came on it: whatever that is, it is not
/// our answer.
fn check_out<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    conn: ConnId,
) -> (Step, Option<Upstream>) {
    let event = match hop.rouse(conn) {
        Some(upstream) => match unasked(&upstream) {
            Some(fin) => {
                hop.close(upstream);
                Event::Stale { fin }
            }
            None => return (advance(hop, route, ex, Event::Connected), Some(upstream)),
        },
        None => Event::Stale { fin: false },
    };
    (advance(hop, route, ex, event), None)
}

/// Sends the request on a connection and hears the response head, or finds out that there is none.
async fn exchange<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    mut upstream: Upstream,
) -> Result<(Step, Option<Upstream>), Driven> {
    ex.rewind(hop.reactor.now());
    ex.begun(&upstream);
    let mut received = 0;
    let ended = send(hop, route, ex, &mut upstream, &mut received).await;
    let sent = ex.sent();
    match ended {
        Sent::Head { end, status } => {
            if let Some(buf) = &mut upstream.buf {
                buf.consume(end);
            }
            if let Err((cause, errno)) = ex.take_in(hop, &mut upstream, status).await {
                let fault = Fault {
                    phase: Phase::Body,
                    cause,
                    errno,
                    at_once: false,
                };
                return Ok((died(hop, route, ex, upstream, fault, received), None));
            }
            let event = Event::Head {
                status,
                retry_after: ex.retry_after(),
                sent,
                received,
            };
            let fault = Fault {
                phase: Phase::Head,
                cause: Cause::Status,
                errno: 0,
                at_once: false,
            };
            Ok((fail(hop, route, ex, event, fault), Some(upstream)))
        }
        Sent::Died(fault) => Ok((died(hop, route, ex, upstream, fault, received), None)),
        Sent::Gone => Err(gone(hop, route, ex, Some((upstream, received)))),
        Sent::SenderFailed => {
            gone(hop, route, ex, Some((upstream, received)));
            Err(Driven::SenderFailed)
        }
    }
}

fn died<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    upstream: Upstream,
    fault: Fault,
    received: u64,
) -> Step {
    hop.close(upstream);
    let Fault {
        phase,
        cause,
        errno,
        ..
    } = fault;
    let event = Event::Died {
        phase,
        cause,
        errno,
        sent: ex.sent(),
        received,
    };
    fail(hop, route, ex, event, fault)
}

/// Tells the engine, and carries out what it says besides the next step.
pub fn advance<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    event: Event,
) -> Step {
    let step = tell(hop, route, ex, event);
    while let Some(notice) = ex.session().take_notice() {
        if matches!(notice, Notice::Ejected { .. }) {
            hop.call_prober();
        }
        ex.noticed(notice);
    }
    step
}

fn tell<E: Exchange>(hop: &Connections, route: &Route<'_>, ex: &mut E, event: Event) -> Step {
    let mut group = route.group.borrow_mut();
    let step = ex
        .session()
        .on(&mut group, route.policy, hop.reactor.now(), event);
    hop.sweep(&mut group);
    step
}

fn attempt_at<E: Exchange>(ex: &mut E, count: usize) -> Option<Attempt> {
    ex.session().attempts().get(count.checked_sub(1)?).copied()
}

/// Tells the engine how an attempt went and has that logged: what is logged, and how loudly, depends on
/// what follows. An answer that is delivered is no failure.
fn fail<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    event: Event,
    fault: Fault,
) -> Step {
    let count = ex.session().attempts().len();
    let known_out = attempt_at(ex, count).is_some_and(|attempt| {
        let group = route.group.borrow();
        let view = group.state().peer(attempt.peer, hop.reactor.now());
        view.status != PeerStatus::Available
    });
    let step = tell(hop, route, ex, event);
    let first = ex.session().take_notice();
    let second = first.and_then(|_| ex.session().take_notice());
    let mut notices = [Notice::Ejected {
        peer: 0,
        reason: Reason::Ok,
    }; 2];
    let mut told = 0;
    for notice in [first, second].into_iter().flatten() {
        notices[told] = notice;
        told += 1;
    }
    let notices = &notices[..told];
    if notices
        .iter()
        .any(|notice| matches!(notice, Notice::Ejected { .. }))
    {
        hop.call_prober();
    }
    match attempt_at(ex, count) {
        Some(attempt) if step != Step::Deliver => ex.failed(&attempt, fault, notices, known_out),
        _ => notices.iter().for_each(|notice| ex.noticed(*notice)),
    }
    step
}

/// Whether something came on a connection that waited for nothing: whatever it is, it is not our answer.
/// True if it was the end.
fn unasked(upstream: &Upstream) -> Option<bool> {
    if !upstream.socket.seen_readable() {
        return None;
    }
    match upstream.socket.poll_read(&mut [0]) {
        // The answer before just filled its buffer.
        Poll::Pending => None,
        Poll::Ready(read) => Some(read == Ok(0)),
    }
}

fn poll_gone<E: Exchange>(ex: &mut E) -> Poll<()> {
    if ex.gone() {
        Poll::Ready(())
    } else {
        Poll::Pending
    }
}

fn gone<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    held: Option<(Upstream, u64)>,
) -> Driven {
    let sent = ex.sent();
    if let (Some((_, received)), Some(attempt)) = (&held, ex.session().current_mut()) {
        attempt.sent = sent;
        attempt.received = *received;
    }
    {
        let mut group = route.group.borrow_mut();
        ex.session().abandon(&mut group, hop.reactor.now());
        hop.sweep(&mut group);
    }
    while let Some(notice) = ex.session().take_notice() {
        ex.noticed(notice);
    }
    if let Some((upstream, _)) = held {
        hop.close(upstream);
    }
    Driven::Gone
}

/// Sends the request and waits for the response head; both at once, since an upstream may answer early.
async fn send<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    upstream: &mut Upstream,
    received: &mut u64,
) -> Sent {
    let rx = &hop.reactor;
    let mut whole = false;
    let mut progress = rx.now();
    poll_fn(|_| {
        if ex.gone() {
            return Poll::Ready(Sent::Gone);
        }
        if !whole {
            let before = ex.sent();
            match ex.poll_send(&upstream.socket) {
                Poll::Ready(Ok(())) => {
                    whole = true;
                    progress = rx.now();
                }
                Poll::Ready(Err(Stopped::Upstream(e))) => {
                    // It may have answered before it stopped listening.
                    upstream.socket.suspect();
                    let heard = poll_hear(hop, route, ex, upstream, received, &mut progress);
                    if let Some(head @ Sent::Head { .. }) = heard {
                        return Poll::Ready(head);
                    }
                    return Poll::Ready(Sent::Died(Fault {
                        phase: Phase::Send,
                        cause: cause_of(e),
                        errno: e.raw_os_error(),
                        at_once: false,
                    }));
                }
                Poll::Ready(Err(Stopped::Sender)) => return Poll::Ready(Sent::SenderFailed),
                Poll::Pending if ex.sent() != before => progress = rx.now(),
                Poll::Pending => {}
            }
        }
        if let Some(heard) = poll_hear(hop, route, ex, upstream, received, &mut progress) {
            return Poll::Ready(heard);
        }
        let (phase, timeout) = if whole {
            (Phase::Head, route.read_timeout)
        } else {
            (Phase::Send, route.send_timeout)
        };
        if !whole && ex.waiting() && !ex.late() {
            // The sender's own time-out runs, and the upstream owes nothing meanwhile.
            progress = rx.now();
            return Poll::Pending;
        }
        let late = ex.late();
        if late || rx.now() >= progress + timeout {
            let errno = Errno::TIMEDOUT.raw_os_error();
            return Poll::Ready(Sent::Died(Fault {
                phase,
                cause: if late {
                    Cause::AttemptTimedOut
                } else {
                    Cause::TimedOut
                },
                errno,
                at_once: false,
            }));
        }
        rx.arm(progress + timeout);
        Poll::Pending
    })
    .await
}

fn poll_hear<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    upstream: &mut Upstream,
    received: &mut u64,
    progress: &mut Millis,
) -> Option<Sent> {
    let died = |cause, errno| {
        Some(Sent::Died(Fault {
            phase: Phase::Head,
            cause,
            errno,
            at_once: false,
        }))
    };
    loop {
        if !upstream.socket.seen_readable() {
            upstream.socket.wait_read();
            return None;
        }
        let buf = upstream.buf.get_or_insert_with(|| hop.buffers.small());
        match upstream.socket.poll_read(buf.space()) {
            Poll::Pending => return None,
            Poll::Ready(Ok(0)) => return died(Cause::Closed, 0),
            Poll::Ready(Err(e)) => return died(cause_of(e), e.raw_os_error()),
            Poll::Ready(Ok(n)) => {
                buf.filled(n);
                *received += n as u64;
                *progress = hop.reactor.now();
            }
        }
        loop {
            match ex.hear(buf.data(), route.head_limit) {
                Ok(Heard::Head(end, status)) => return Some(Sent::Head { end, status }),
                Ok(Heard::Interim(end)) => {
                    buf.consume(end);
                    // Who sends these for ever would never be late.
                    if *received >= INTERIM_LIMIT {
                        return died(Cause::TooBig, 0);
                    }
                }
                Ok(Heard::More) if buf.len() >= route.head_limit => return died(Cause::TooBig, 0),
                Ok(Heard::More) => break,
                Err(cause) => return died(cause, 0),
            }
        }
        buf.compact();
        if buf.space().is_empty() {
            let mut large = hop.buffers.large();
            large.push(buf.data());
            hop.buffers.give(std::mem::replace(buf, large));
        }
    }
}
