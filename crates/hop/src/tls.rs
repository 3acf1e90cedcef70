//! TLS inside a socket: rustls driven by the reactor's sockets, for the side that connects.

mod config;
mod fault;
mod names;
mod stream;
mod verify;

use std::sync::Arc;
use std::task::Poll;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

pub use config::{Config, Material, Unusable};
pub use fault::{Kind, TlsFault};
pub(crate) use stream::Stream;

use crate::clock::Millis;
use crate::reactor::Reactor;
use crate::socket::Socket;

/// Why a connection was not secured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsecured {
    /// The handshake failed.
    Fault(TlsFault),
    /// The one who asked went away meanwhile.
    Gone,
}

/// Has TLS spoken on a connected socket: gives it back when the handshake is done.
///
/// `name` is whom the certificate must be for and who is asked for (SNI): a DNS name, or an IP address with or
/// without brackets. A socket that speaks TLS already (to a proxy that was asked for a tunnel) carries the new
/// connection within the old one.
pub async fn secure(
    rx: &Reactor,
    socket: Socket,
    config: &Config,
    name: &str,
    deadline: Millis,
    mut gone: impl FnMut() -> bool,
) -> Result<Socket, Unsecured> {
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    let server = ServerName::try_from(bare.to_owned())
        .map_err(|_| Unsecured::Fault(TlsFault::bad_name(name)))?;
    let session = ClientConnection::new(Arc::clone(&config.client), server)
        .map_err(|e| Unsecured::Fault(TlsFault::of(&e, bare)))?;
    let socket = socket.speak(session, bare);
    let done = rx
        .until(deadline, || {
            if gone() {
                return Poll::Ready(Err(Unsecured::Gone));
            }
            socket
                .poll_secured()
                .map(|done| done.map_err(Unsecured::Fault))
        })
        .await;
    match done {
        Ok(Ok(())) => Ok(socket),
        Ok(Err(why)) => Err(why),
        Err(_) => Err(Unsecured::Fault(TlsFault::timed_out(bare))),
    }
}
