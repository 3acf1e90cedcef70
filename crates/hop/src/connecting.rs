//! A new connection to a peer, or why there is none.

use rustix::io::Errno;
use surehop_engine::{Cause, Reason};

use crate::connections::{Connections, Upstream};
use crate::drive::{Driven, Exchange, Fault, Route};
use crate::socket::{NotBegun, Socket};

/// Why there is no connection.
#[derive(Debug)]
pub enum Lost {
    /// It could not be made.
    Fault(Fault),
    /// The one who asked went away meanwhile.
    Gone,
    /// The local address can't be had: that is no peer's fault.
    Unbound(Errno),
    /// There is no room for one more connection, which is no peer's fault either.
    Crowded,
}

/// There is no connection, and none can be had elsewhere: no local address (an errno), or no room.
pub(crate) fn give_up<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    unbound: Option<Errno>,
) -> Driven {
    let (cause, errno) = unbound.map_or((Cause::NoRoom, 0), |e| (Cause::Other, e.raw_os_error()));
    {
        let mut group = route.group.borrow_mut();
        ex.session()
            .give_up(&mut group, hop.reactor.now(), cause, errno);
        hop.sweep(&mut group);
    }
    while let Some(notice) = ex.session().take_notice() {
        ex.noticed(notice);
    }
    let attempt = ex.session().attempts().last().copied();
    if let Some(attempt) = attempt {
        match unbound {
            Some(errno) => ex.unbound(&attempt, errno),
            None => ex.crowded(&attempt),
        }
    }
    Driven::Failed(
        500,
        attempt.map_or(Reason::NoRoom, |attempt| attempt.reason),
    )
}

/// Connects to a peer.
pub(crate) async fn connect<E: Exchange>(
    hop: &Connections,
    route: &Route<'_>,
    ex: &mut E,
    peer: u32,
) -> Result<Upstream, Lost> {
    let rx = &hop.reactor;
    ex.make_room();
    if !ex.has_room() {
        // Whoever was asked to go needs a turn for it.
        rx.give_way().await;
        if !ex.has_room() {
            return Err(Lost::Crowded);
        }
    }
    let begun = rx.now();
    let to = &route.addresses[peer as usize];
    let fault = |e: Errno, at_once| Lost::Fault(Fault::of_connect(e, to, at_once));
    let socket = Socket::connect_so(rx, to, &route.manner).map_err(|why| match why {
        NotBegun::Connect(e) => fault(e, true),
        NotBegun::Bind(e) => Lost::Unbound(e),
    })?;
    // It takes its place before it is there: many may wait for a peer that does not answer.
    let place = hop.claim(route.index);
    let connected = rx
        .until(begun + route.connect_timeout, || {
            if ex.gone() {
                return std::task::Poll::Ready(None);
            }
            socket.poll_connected().map(Some)
        })
        .await;
    match connected {
        Ok(Some(Ok(()))) => Ok(hop.adopt(socket, place, rx.now() - begun)),
        Ok(Some(Err(e))) => Err(fault(e, false)),
        Ok(None) => Err(Lost::Gone),
        Err(_) => Err(fault(Errno::TIMEDOUT, false)),
    }
}
