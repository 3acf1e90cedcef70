//! A tunnel through an HTTP proxy: CONNECT over a socket that is connected to it.

use std::io::IoSlice;
use std::task::Poll;

use rustix::io::Errno;
use surehop_wire::{HeadScan, ResponseHead};

use crate::clock::Millis;
use crate::reactor::Reactor;
use crate::socket::Socket;

/// Bytes that the proxy's answer may have, with the interim ones before it.
const HEAD_LIMIT: usize = 64 * 1024;
/// Bytes that are received at once.
const PIECE: usize = 4096;
/// Bytes of a reason phrase that are told.
const REASON_SHOWN: usize = 128;

/// Why there is no tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelFault {
    /// The proxy answered with another status than 2xx: that and the reason phrase.
    Refused(u16, String),
    /// The answer is not valid HTTP.
    Invalid,
    /// The answer's head is too long.
    TooBig,
    /// Bytes came behind the answer, though nothing had been asked through the tunnel yet.
    SpokeFirst,
    /// The proxy closed the connection.
    Closed,
    /// The socket failed.
    Socket(Errno),
    /// It took too long.
    TimedOut,
    /// The one who asked went away meanwhile.
    Gone,
}

/// Asks the proxy at the other end of `socket` for a tunnel to `authority` (`host:port`).
///
/// `headers` are further header lines, each with its CRLF.
pub async fn tunnel(
    rx: &Reactor,
    socket: &Socket,
    authority: &str,
    headers: &[u8],
    deadline: Millis,
    mut gone: impl FnMut() -> bool,
) -> Result<(), TunnelFault> {
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n").into_bytes();
    request.extend_from_slice(headers);
    request.extend_from_slice(b"\r\n");
    let (mut sent, mut answer) = (0, Vec::new());
    let mut scan = HeadScan::response();
    let mut begun = 0;
    let done = rx
        .until(deadline, || {
            if gone() {
                return Poll::Ready(Err(TunnelFault::Gone));
            }
            while sent < request.len() {
                match socket.poll_write(&[IoSlice::new(&request[sent..])]) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(n)) => sent += n,
                    Poll::Ready(Err(e)) => {
                        // It may have answered before it stopped listening.
                        socket.suspect();
                        if answer.is_empty() && !socket.seen_closed() {
                            return Poll::Ready(Err(TunnelFault::Socket(e)));
                        }
                        break;
                    }
                }
            }
            loop {
                let from = answer.len();
                answer.resize(from + PIECE, 0);
                let read = socket.poll_read(&mut answer[from..]);
                let n = match read {
                    Poll::Ready(Ok(n)) => n,
                    _ => 0,
                };
                answer.truncate(from + n);
                match read {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(e)) => return Poll::Ready(Err(TunnelFault::Socket(e))),
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(TunnelFault::Closed)),
                    Poll::Ready(Ok(_)) => {}
                }
                while let Some(end) = scan.advance(&answer[begun..]) {
                    let rest = begun + end;
                    if let Some(decided) = decide(&answer[begun..rest], &answer[rest..]) {
                        return Poll::Ready(decided);
                    }
                    (begun, scan) = (rest, HeadScan::response());
                }
                if answer.len() > HEAD_LIMIT {
                    return Poll::Ready(Err(TunnelFault::TooBig));
                }
            }
        })
        .await;
    done.unwrap_or(Err(TunnelFault::TimedOut))
}

/// What an answer's head means; nothing if another follows.
fn decide(head: &[u8], rest: &[u8]) -> Option<Result<(), TunnelFault>> {
    let mut parsed = ResponseHead::default();
    if parsed.parse(head, false).is_err() {
        return Some(Err(TunnelFault::Invalid));
    }
    Some(match parsed.status {
        101 => Err(TunnelFault::Invalid),
        100..200 => return None,
        200..300 if rest.is_empty() => Ok(()),
        // It can't be part of an answer: 2xx to CONNECT has no body, whatever its head says.
        200..300 => Err(TunnelFault::SpokeFirst),
        status => {
            let reason = parsed.reason.of(head);
            let shown = &reason[..reason.len().min(REASON_SHOWN)];
            Err(TunnelFault::Refused(
                status,
                String::from_utf8_lossy(shown).into_owned(),
            ))
        }
    })
}
