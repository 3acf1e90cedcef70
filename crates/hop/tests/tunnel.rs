//! Tunnels through a proxy.
#![allow(clippy::unwrap_used)]

mod stage;

use std::io::{IoSlice, Read};
use std::net::TcpStream;
use std::thread::spawn;

use stage::{head_of, pair, ready, receive, run, say};
use surehop_hop::clock::NEVER;
use surehop_hop::reactor::Reactor;
use surehop_hop::tunnel::{TunnelFault, tunnel};

/// Asks a proxy that does as `play` does; the tunnel carries what `play` says later.
fn through(play: impl FnOnce(TcpStream) + Send + 'static) -> Result<Vec<u8>, TunnelFault> {
    let rx = Reactor::new().unwrap();
    let (socket, peer) = pair(&rx);
    let proxy = spawn(move || play(peer));
    let task = rx.clone();
    let came = run(&rx, async move {
        let headers = b"proxy-authorization: Basic eDp5\r\n";
        tunnel(&task, &socket, "a.test:443", headers, NEVER, || false).await?;
        assert_eq!(ready(socket.poll_write(&[IoSlice::new(b"?")])), Some(Ok(1)));
        Ok(receive(&task, &socket, 16).await.unwrap())
    });
    proxy.join().unwrap();
    came
}

fn answered(answer: &'static [u8]) -> Result<Vec<u8>, TunnelFault> {
    through(move |mut peer| {
        head_of(&mut peer);
        say(&mut peer, answer);
    })
}

#[test]
fn a_proxy_that_agrees_makes_a_tunnel() {
    let came = through(|mut peer| {
        let asked = head_of(&mut peer);
        assert_eq!(
            asked,
            b"CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\n\
              proxy-authorization: Basic eDp5\r\n\r\n"
        );
        // An interim answer, and one that comes byte by byte with a length that means nothing.
        say(&mut peer, b"HTTP/1.1 100 Continue\r\n\r\n");
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" {
            say(&mut peer, &[*byte]);
        }
        peer.read_exact(&mut [0]).unwrap();
        say(&mut peer, b"through");
    });
    assert_eq!(came.unwrap(), b"through");
}

#[test]
fn a_refusal_says_why() {
    let came =
        answered(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!");
    let reason = "Proxy Authentication Required".to_owned();
    assert_eq!(came, Err(TunnelFault::Refused(407, reason)));
    assert_eq!(
        answered(b"HTTP/1.0 502\r\n\r\n"),
        Err(TunnelFault::Refused(502, String::new()))
    );
}

#[test]
fn bytes_behind_the_answer_are_not_lost_but_refused() {
    assert_eq!(
        answered(b"HTTP/1.1 200 OK\r\n\r\nhello"),
        Err(TunnelFault::SpokeFirst)
    );
}

#[test]
fn what_is_no_answer_is_refused() {
    for (answer, fault) in [
        (&b"SSH-2.0-x\r\n\r\n"[..], TunnelFault::Invalid),
        (
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            TunnelFault::Invalid,
        ),
        (b"HTTP/1.1 200 OK\r\n", TunnelFault::Closed),
        (b"", TunnelFault::Closed),
    ] {
        assert_eq!(answered(answer), Err(fault));
    }
}

#[test]
fn an_answer_has_an_end() {
    let came = through(|mut peer| {
        head_of(&mut peer);
        say(&mut peer, b"HTTP/1.1 200 OK\r\n");
        let line = [&b"x: "[..], &[b'y'; 1000], b"\r\n"].concat();
        for _ in 0..100 {
            say(&mut peer, &line);
        }
        // Until the other side has closed.
        let _ = peer.read(&mut [0]);
    });
    assert_eq!(came, Err(TunnelFault::TooBig));
}

#[test]
fn asking_has_its_time_and_may_be_given_up() {
    let rx = Reactor::new().unwrap();
    for leaves in [false, true] {
        let (socket, _peer) = pair(&rx);
        let task = rx.clone();
        let came = run(&rx, async move {
            let deadline = task.now() + 20;
            tunnel(&task, &socket, "a.test:443", b"", deadline, || leaves).await
        });
        let fault = if leaves {
            TunnelFault::Gone
        } else {
            TunnelFault::TimedOut
        };
        assert_eq!(came, Err(fault));
    }
}
