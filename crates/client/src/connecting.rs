//! A connection to a peer: its name looked up, an address reached, a tunnel asked for, TLS agreed on.

use std::sync::Arc;

use surehop_engine::{Cause, Phase};
use surehop_hop::clock::Millis;
use surehop_hop::connections::{Connections, Ends, Upstream, cause_of};
use surehop_hop::dial::{Missed, Reached, dial};
use surehop_hop::drive::{Fault, Lost, Route};
use surehop_hop::socket::{Address, Socket};
use surehop_hop::tls::{Config, Unsecured, secure};
use surehop_hop::tunnel::{TunnelFault, tunnel};

use crate::host::Reply;
use crate::job::Job;
use crate::order::{Event, Question};
use crate::report::Contact;
use crate::target::Place;

fn fault(phase: Phase, cause: Cause, errno: i32) -> Lost {
    Lost::Fault(Fault {
        phase,
        cause,
        errno,
        at_once: false,
    })
}

/// Makes a connection to a peer.
pub(crate) async fn connect(
    job: &mut Job<'_>,
    hop: &Connections,
    route: &Route<'_>,
    peer: u32,
) -> Result<Upstream, Lost> {
    let (host, target, ticket) = (job.host, job.target, job.ticket);
    let (rx, total) = (&host.rx, job.deadline);
    let at = job.at();
    if let Some(most) = host.plan.connections {
        host.make_room(most.saturating_sub(1) as usize, Connections::len);
    }
    let tries_until = job.try_deadline();
    let deadline = tries_until.min(rx.now().saturating_add(route.connect_timeout));
    let gone = || {
        rx.arm(total);
        ticket.cancelled.get() || rx.now() >= total
    };
    let addresses = match target.place(peer) {
        Place::At(address) => vec![address],
        Place::Named(name, port) => resolve(job, peer, name, port, deadline).await?,
    };
    let mut contacts = Vec::new();
    let begun = rx.now();
    let claimed = hop.claim(route.index);
    let dialed = dial(rx, &addresses, &route.manner, deadline, gone, &mut contacts).await;
    for contact in contacts {
        let (cause, errno) = match contact.reached {
            Reached::Connected => (None, 0),
            Reached::Failed(fault) => (Some(fault.cause), fault.errno),
            Reached::Dropped => continue,
        };
        job.report.contacts.push(Contact {
            at,
            address: addresses[contact.place].clone(),
            cause,
            errno,
            took: contact.took,
        });
    }
    let (socket, place) = dialed.map_err(|missed| match missed {
        Missed::Failed(fault) => late(Lost::Fault(fault), rx.now() >= tries_until),
        Missed::Unbound(errno) => Lost::Unbound(errno),
        Missed::Gone => Lost::Gone,
    })?;
    let rtt = rx.now() - begun;
    target.worked(peer, &addresses[place]);
    let ends = Arc::new(Ends {
        local: socket.local(),
        remote: addresses[place].clone(),
    });
    job.report.note_ends(at, Some(ends.clone()));
    let socket = agree(job, socket, peer, deadline, gone).await;
    let socket = socket.map_err(|lost| late(lost, rx.now() >= tries_until))?;
    let mut upstream = hop.adopt(socket, claimed, rtt);
    upstream.ends = Some(ends);
    Ok(upstream)
}

/// What ran out of time because the time for the whole try is over.
fn late(lost: Lost, late: bool) -> Lost {
    match lost {
        Lost::Fault(fault) if late && fault.cause == Cause::TimedOut => Lost::Fault(Fault {
            cause: Cause::AttemptTimedOut,
            ..fault
        }),
        lost => lost,
    }
}

/// Speaks what must be spoken before HTTP.
async fn agree(
    job: &mut Job<'_>,
    mut socket: Socket,
    peer: u32,
    deadline: Millis,
    mut gone: impl FnMut() -> bool,
) -> Result<Socket, Lost> {
    let (host, target) = (job.host, job.target);
    let rx = &host.rx;
    let peer = &target.plan.peers[peer as usize];
    if let Some(proxy) = &target.plan.proxy {
        if proxy.tls {
            socket = shake(
                job,
                socket,
                target.proxy_tls.as_deref(),
                &proxy.sni,
                deadline,
                &mut gone,
            )
            .await?;
        }
        if proxy.tunnel {
            let host = peer.host.as_deref().unwrap_or_default();
            let authority = format!("{host}:{}", peer.port);
            let headers = proxy.headers.as_bytes();
            let asked = tunnel(rx, &socket, &authority, headers, deadline, &mut gone).await;
            asked.map_err(|why| refused(job, why))?;
        }
    }
    if peer.tls {
        socket = shake(
            job,
            socket,
            target.tls.as_deref(),
            &peer.sni,
            deadline,
            &mut gone,
        )
        .await?;
    }
    Ok(socket)
}

fn refused(job: &mut Job<'_>, why: TunnelFault) -> Lost {
    let (cause, errno, text) = match why {
        TunnelFault::Gone => return Lost::Gone,
        TunnelFault::Refused(status, reason) => (
            Cause::Status,
            0,
            format!("the proxy refused the tunnel: {status} {reason}"),
        ),
        TunnelFault::Invalid => (
            Cause::Invalid,
            0,
            "the proxy's answer is not valid HTTP".to_owned(),
        ),
        TunnelFault::TooBig => (
            Cause::TooBig,
            0,
            "the proxy's answer is too long".to_owned(),
        ),
        TunnelFault::SpokeFirst => (
            Cause::Invalid,
            0,
            "bytes came through the tunnel before anything was asked".to_owned(),
        ),
        TunnelFault::Closed => (
            Cause::Closed,
            0,
            "the proxy closed the connection".to_owned(),
        ),
        TunnelFault::Socket(e) => (
            cause_of(e),
            e.raw_os_error(),
            "the connection to the proxy failed".to_owned(),
        ),
        TunnelFault::TimedOut => (
            Cause::TimedOut,
            0,
            "the proxy did not answer in time".to_owned(),
        ),
    };
    job.report.error = format!("proxy: {text}");
    fault(Phase::Connect, cause, errno)
}

async fn shake(
    job: &mut Job<'_>,
    socket: Socket,
    config: Option<&Config>,
    name: &str,
    deadline: Millis,
    gone: &mut impl FnMut() -> bool,
) -> Result<Socket, Lost> {
    let Some(config) = config else {
        "no TLS was set up for this target".clone_into(&mut job.report.error);
        return Err(fault(Phase::Tls, Cause::Other, 0));
    };
    match secure(&job.host.rx, socket, config, name, deadline, gone).await {
        Ok(socket) => Ok(socket),
        Err(Unsecured::Gone) => Err(Lost::Gone),
        Err(Unsecured::Fault(why)) => {
            job.report.error = format!("{}: {}", why.code, why.text);
            Err(Lost::Fault(why.fault()))
        }
    }
}

/// Has a name looked up.
async fn resolve(
    job: &mut Job<'_>,
    peer: u32,
    name: &str,
    port: u16,
    deadline: Millis,
) -> Result<Vec<Address>, Lost> {
    let question = Question::Resolve {
        host: name.to_owned(),
        port,
    };
    job.host.tell(job.ticket.number, Event::Question(question));
    match job.reply(deadline).await {
        Some(Reply::Resolved(Ok(found))) if !found.is_empty() => {
            Ok(job.target.resolved(peer, found))
        }
        Some(Reply::Resolved(found)) => {
            let code = found.err().unwrap_or_else(|| "ENOTFOUND".to_owned());
            let cause = if code == "EAI_AGAIN" {
                Cause::TryAgain
            } else {
                Cause::NotFound
            };
            job.report.error = code;
            Err(fault(Phase::Resolve, cause, 0))
        }
        _ if job.is_gone() => Err(Lost::Gone),
        _ => {
            let lost = fault(Phase::Resolve, Cause::TimedOut, 0);
            Err(late(lost, job.host.rx.now() >= job.try_deadline()))
        }
    }
}
