//! Sockets: connecting, short reads, ends, partial writes.
#![allow(clippy::unwrap_used)]

mod stage;

use std::io::{IoSlice, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::task::Poll;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType};
use stage::{pair, ready, receive, run, turn_until};
use surehop_hop::clock::NEVER;
use surehop_hop::reactor::Reactor;
use surehop_hop::socket::{Address, Socket};

#[test]
fn addresses_are_read_and_shown() {
    for (text, family) in [
        ("127.0.0.1:80", "ipv4"),
        ("[::1]:80", "ipv6"),
        ("unix:/run/a b", "unix"),
    ] {
        let address = Address::parse(text).unwrap();
        assert_eq!(address.to_string(), text);
        assert_eq!(address.family(), family);
    }
    assert_eq!(Address::parse("localhost:80"), None);
    assert_eq!(Address::parse("127.0.0.1"), None);
}

#[test]
fn a_refused_connect_says_so() {
    // Bound and not listening: nobody else can come to listen there meanwhile.
    let held = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&held, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let name = SocketAddr::try_from(rustix::net::getsockname(&held).unwrap()).unwrap();
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    let refused = run(&rx, async move {
        let socket = Socket::connect(&task, &Address::Ip(name))?;
        task.until(NEVER, || socket.poll_connected()).await.unwrap()
    });
    assert_eq!(refused, Err(Errno::CONNREFUSED));
}

#[test]
fn a_unix_socket_that_is_not_there_fails_at_once() {
    let rx = Reactor::new().unwrap();
    let missing = Address::Unix("/nonexistent/socket".into());
    assert_eq!(Socket::connect(&rx, &missing).err(), Some(Errno::NOENT));
}

#[test]
fn a_read_shorter_than_its_room_waits_for_the_next_byte() {
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    peer.write_all(b"one").unwrap();
    turn_until(&rx, || socket.seen_readable());
    let mut buf = [0; 8];
    assert_eq!(ready(socket.poll_read(&mut buf)), Some(Ok(3)));
    assert!(
        !socket.seen_readable(),
        "a short read saves the read that would find nothing"
    );
    let task = rx.clone();
    let next = run(&rx, async move {
        peer.write_all(b"two").unwrap();
        receive(&task, &socket, 8).await
    });
    assert_eq!(next.unwrap(), b"two");
}

#[test]
fn a_read_that_fills_its_room_is_followed_by_another() {
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    peer.write_all(b"onetwo").unwrap();
    turn_until(&rx, || socket.seen_readable());
    let mut buf = [0; 3];
    assert_eq!(ready(socket.poll_read(&mut buf)), Some(Ok(3)));
    assert_eq!(ready(socket.poll_read(&mut buf)), Some(Ok(3)));
    assert_eq!(&buf, b"two");
    assert_eq!(ready(socket.poll_read(&mut buf)), None);
    assert!(!socket.seen_readable());
}

#[test]
fn the_end_is_read_behind_the_data_before_it() {
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    peer.write_all(b"last").unwrap();
    drop(peer);
    turn_until(&rx, || socket.seen_closed());
    let mut buf = [0; 16];
    assert_eq!(ready(socket.poll_read(&mut buf)), Some(Ok(4)));
    // Told by one event, which is gone: it must be found without another.
    assert_eq!(ready(socket.poll_read(&mut buf)), Some(Ok(0)));
    assert_eq!(ready(socket.poll_read(&mut buf)), Some(Ok(0)));
}

#[test]
fn the_end_that_comes_after_a_short_read_is_told() {
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    peer.write_all(b"last").unwrap();
    turn_until(&rx, || socket.seen_readable());
    let mut buf = [0; 16];
    assert_eq!(ready(socket.poll_read(&mut buf)), Some(Ok(4)));
    let task = rx.clone();
    drop(peer);
    assert_eq!(
        run(&rx, async move { receive(&task, &socket, 16).await }),
        Ok(vec![])
    );
}

#[test]
fn a_reset_is_an_error() {
    let rx = Reactor::new().unwrap();
    let (socket, peer) = pair(&rx);
    let task = rx.clone();
    stage::reset(peer);
    let read = run(&rx, async move { receive(&task, &socket, 16).await });
    assert_eq!(read, Err(Errno::CONNRESET));
}

#[test]
fn a_close_is_seen_by_who_waits_for_something_else() {
    let rx = Reactor::new().unwrap();
    let (socket, peer) = pair(&rx);
    let task = rx.clone();
    rx.turn(Some(Duration::ZERO)).unwrap();
    let seen = run(&rx, async move {
        drop(peer);
        let closed = || {
            if socket.peer_closed() {
                Poll::Ready(true)
            } else {
                Poll::Pending
            }
        };
        task.until(NEVER, closed).await
    });
    assert_eq!(seen, Ok(true));
}

#[test]
fn what_a_full_socket_does_not_take_is_sent_when_there_is_room() {
    const PIECE: usize = 1 << 20;
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    let task = rx.clone();
    let total = 16 * PIECE;
    let reader = std::thread::spawn(move || {
        let mut got = Vec::with_capacity(total);
        peer.read_to_end(&mut got).unwrap();
        got
    });
    let (short, waited) = run(&rx, async move {
        let bytes: Vec<u8> = (0..total).map(|i| i as u8).collect();
        let (mut at, mut short, mut waited) = (0, 0, 0);
        while at < total {
            let half = (at + PIECE / 2).min(total);
            let end = (at + PIECE).min(total);
            let parts = [
                IoSlice::new(&bytes[at..half]),
                IoSlice::new(&bytes[half..end]),
            ];
            let write = || {
                let poll = socket.poll_write(&parts);
                waited += usize::from(poll.is_pending());
                poll
            };
            let n = task.until(NEVER, write).await.unwrap().unwrap();
            short += usize::from(n < end - at);
            at += n;
        }
        socket.finish();
        (short, waited)
    });
    let got = reader.join().unwrap();
    assert_eq!(got.len(), total);
    assert!(got.iter().enumerate().all(|(i, &byte)| byte == i as u8));
    assert!(
        short > 0 && waited > 0,
        "the socket was never full: {short} {waited}"
    );
}

#[test]
fn writing_to_who_is_gone_is_an_error_and_no_signal() {
    let rx = Reactor::new().unwrap();
    let (socket, peer) = pair(&rx);
    stage::reset(peer);
    turn_until(&rx, || socket.seen_closed());
    let sent = ready(socket.poll_write(&[IoSlice::new(b"x")]));
    assert!(
        matches!(sent, Some(Err(Errno::CONNRESET | Errno::PIPE))),
        "{sent:?}"
    );
}

#[test]
fn a_suspected_socket_is_asked() {
    let rx = Reactor::new().unwrap();
    let (socket, _peer) = pair(&rx);
    socket.suspect();
    assert!(socket.seen_readable());
    assert_eq!(ready(socket.poll_read(&mut [0])), None);
    assert!(!socket.seen_readable());
}

#[test]
fn a_file_goes_out_behind_what_is_written_before_it() {
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    // A file without a name, in memory.
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let mut file = std::fs::File::from(rustix::fs::memfd_create("file", flags).unwrap());
    file.write_all(b"0123456789").unwrap();
    turn_until(&rx, || socket.poll_write(&[]).is_ready());
    let before = [IoSlice::new(b"head"), IoSlice::new(b":")];
    assert_eq!(ready(socket.poll_write_more(&before)), Some(Ok(5)));
    let mut at = 3;
    let sent = socket.poll_send_file(file.as_fd(), &mut at, 5);
    assert_eq!((ready(sent), at), (Some(Ok(5)), 8));
    let rest = socket.poll_send_file(file.as_fd(), &mut at, 5);
    assert_eq!((ready(rest), at), (Some(Ok(2)), 10));
    let end = socket.poll_send_file(file.as_fd(), &mut at, 5);
    assert_eq!((ready(end), at), (Some(Ok(0)), 10));
    drop(socket);
    let mut got = Vec::new();
    peer.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"head:3456789");
}
