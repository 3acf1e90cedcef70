//! What the tests of this crate share: tasks run to their end, and peers of plain std sockets.
#![allow(dead_code)] // each file takes what it wants

use std::cell::RefCell;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use surehop_hop::clock::NEVER;
use surehop_hop::reactor::Reactor;
use surehop_hop::socket::{Address, Socket};

const PATIENCE: Duration = Duration::from_secs(10);

/// Turns until `done` says so.
pub(crate) fn turn_until(rx: &Reactor, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "it did not come about");
        rx.turn(Some(Duration::from_millis(100))).unwrap();
    }
}

/// Runs `future` as a task to its end.
pub(crate) fn run<T: 'static>(rx: &Reactor, future: impl Future<Output = T> + 'static) -> T {
    let result = Rc::new(RefCell::new(None));
    let out = result.clone();
    rx.spawn(async move {
        let value = future.await;
        *out.borrow_mut() = Some(value);
    });
    turn_until(rx, || result.borrow().is_some());
    result.take().unwrap()
}

/// A listener on a free port, and its address.
pub(crate) fn listener() -> (TcpListener, Address) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Ip(listener.local_addr().unwrap());
    (listener, address)
}

/// A connected socket of the reactor, and its other end. For use outside of tasks.
pub(crate) fn pair(rx: &Reactor) -> (Socket, TcpStream) {
    let (listener, address) = listener();
    let socket = Socket::connect(rx, &address).unwrap();
    let (peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    peer.set_nodelay(true).unwrap();
    (socket, peer)
}

/// Receives once, up to `size` bytes.
pub(crate) async fn receive(rx: &Reactor, socket: &Socket, size: usize) -> Result<Vec<u8>, Errno> {
    let mut buf = vec![0; size];
    let n = rx
        .until(NEVER, || socket.poll_read(&mut buf))
        .await
        .unwrap()?;
    buf.truncate(n);
    Ok(buf)
}

/// Waits until there is something to read, without reading.
pub(crate) async fn seen(rx: &Reactor, socket: &Socket) {
    rx.until(NEVER, || {
        if socket.seen_readable() {
            return Poll::Ready(());
        }
        socket.wait_read();
        Poll::Pending
    })
    .await
    .unwrap();
}

/// What a poll that is ready holds.
pub(crate) fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Receives a request head, byte by byte; empty at the end of the stream.
pub(crate) fn head_of(peer: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match peer.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => break,
        }
    }
    head
}

/// Has the close of `peer` send RST.
pub(crate) fn reset(peer: TcpStream) {
    rustix::net::sockopt::set_socket_linger(&peer, Some(Duration::ZERO)).unwrap();
    drop(peer);
}

/// Writes all of `bytes`; a reactor's end that is gone is no matter here.
pub(crate) fn say(peer: &mut TcpStream, bytes: &[u8]) {
    let _ = peer.write_all(bytes);
}
