//! TLS under load: much at once, both ways, cut anywhere, into buffers that are full.
#![allow(clippy::unwrap_used)]

mod stage;
#[path = "stage/tls.rs"]
mod tls_stage;

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::task::Poll;
use std::thread::spawn;

use rustix::io::Errno;
use rustls::{ServerConnection, StreamOwned};
use stage::{listener, ready, receive, run, seen, turn_until};
use surehop_hop::clock::NEVER;
use surehop_hop::descriptor::duplicate;
use surehop_hop::reactor::Reactor;
use surehop_hop::socket::{Manner, Socket};
use surehop_hop::tls::{Config, secure};
use tls_stage::{
    Authority, EACH, Identity, Manners, connect, params, server, server_config, trusting,
};

const NAME: &str = "a.test";
const MUCH: usize = 3_000_000;

fn trusted() -> (Identity, Config) {
    let root = Authority::new("root");
    (root.issue(&params(&[NAME])), trusting(&[&root.pem()]))
}

/// Numbers that look random (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A connection that takes and gives as much at once as the dice say.
struct Cut(TcpStream, Dice);

impl Cut {
    fn piece(&mut self, most: usize) -> usize {
        let piece = match self.1.below(4) {
            0 => 1 + self.1.below(20),
            1 => 1 + self.1.below(2000),
            _ => most,
        };
        piece.min(most)
    }
}

impl Read for Cut {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let piece = self.piece(buf.len());
        self.0.read(&mut buf[..piece])
    }
}

impl Write for Cut {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let piece = self.piece(buf.len());
        self.0.write(&buf[..piece])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n ^ n >> 8 ^ n >> 16) as u8).collect()
}

/// Sends `out` and receives as much, both at once, in pieces as the dice say.
async fn exchange(rx: &Reactor, socket: &Socket, out: &[u8], dice: &mut Dice) -> Vec<u8> {
    let (mut sent, mut got) = (0, Vec::with_capacity(out.len()));
    let mut buf = vec![0; 200_000];
    // After `Pending` the same bytes come again.
    let mut offered = 0;
    rx.until(NEVER, || {
        loop {
            let mut idle = true;
            if sent < out.len() {
                if offered == 0 {
                    offered = (1 + dice.below(150_000)).min(out.len() - sent);
                }
                let (one, two) = out[sent..sent + offered].split_at(dice.below(offered + 1));
                let parts = [IoSlice::new(one), IoSlice::new(two)];
                let written = if dice.below(2) == 0 {
                    socket.poll_write(&parts)
                } else {
                    socket.poll_write_more(&parts)
                };
                if let Poll::Ready(n) = written {
                    sent += n.unwrap();
                    offered = 0;
                    idle = false;
                }
            }
            let room = 1 + dice.below(buf.len());
            // As the driver does it: nothing is read before something was seen.
            if socket.seen_readable() {
                if let Poll::Ready(n) = socket.poll_read(&mut buf[..room]) {
                    let n = n.unwrap();
                    assert!(n > 0, "ended early");
                    got.extend_from_slice(&buf[..n]);
                    idle = false;
                }
            } else {
                socket.wait_read();
            }
            if got.len() == out.len() {
                return Poll::Ready(());
            }
            if idle {
                return Poll::Pending;
            }
        }
    })
    .await
    .unwrap();
    got
}

#[test]
fn much_comes_through_however_it_is_cut() {
    let (who, config) = trusted();
    for (seed, versions) in EACH.iter().enumerate() {
        let manners = Manners {
            versions,
            ..Manners::default()
        };
        let serving = server_config(&who, &manners);
        let (listener, address) = listener();
        let play = spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let cut = Cut(stream, Dice(0x9e37_79b9 + seed as u64));
            let mut stream = StreamOwned::new(ServerConnection::new(serving).unwrap(), cut);
            // An echo that keeps some back.
            let (mut kept, mut buf, mut dice) = (Vec::new(), vec![0; 100_000], Dice(77));
            let mut total = 0;
            while total < MUCH {
                let room = 1 + dice.below(buf.len());
                let n = stream.read(&mut buf[..room]).unwrap();
                assert!(n > 0);
                total += n;
                kept.extend_from_slice(&buf[..n]);
                if kept.len() > 400_000 || total == MUCH {
                    stream.write_all(&kept).unwrap();
                    kept.clear();
                }
            }
            stream.flush().unwrap();
            let _ = stream.read(&mut [0]);
        });
        let rx = Reactor::new().unwrap();
        let (task, config) = (rx.clone(), config.clone());
        run(&rx, async move {
            let small = Manner {
                receive_buffer: 8192,
                send_buffer: 8192,
                ..Manner::default()
            };
            let socket = Socket::connect_so(&task, &address, &small).unwrap();
            let connected = task.until(NEVER, || socket.poll_connected()).await;
            connected.unwrap().unwrap();
            let socket = secure(&task, socket, &config, NAME, NEVER, || false)
                .await
                .unwrap();
            let out = pattern(MUCH);
            let mut dice = Dice(12345 + seed as u64);
            let got = exchange(&task, &socket, &out, &mut dice).await;
            assert!(got == out, "changed on the way");
        });
        play.join().unwrap();
    }
}

#[test]
fn what_the_kernel_did_not_take_goes_while_an_answer_is_awaited() {
    let (who, config) = trusted();
    let serving = server_config(&who, &Manners::default());
    let (listener, address) = listener();
    rustix::net::sockopt::set_socket_recv_buffer_size(&listener, 4096).unwrap();
    let (go, may_read) = std::sync::mpsc::channel();
    let play = spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(serving).unwrap(), stream);
        stream.conn.complete_io(&mut stream.sock).unwrap();
        let mut asked = vec![0; may_read.recv().unwrap()];
        stream.read_exact(&mut asked).unwrap();
        stream.write_all(&asked[..4]).unwrap();
        let _ = stream.read(&mut [0]);
    });
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    run(&rx, async move {
        let small = Manner {
            send_buffer: 4096,
            ..Manner::default()
        };
        let socket = Socket::connect_so(&task, &address, &small).unwrap();
        let connected = task.until(NEVER, || socket.poll_connected()).await;
        connected.unwrap().unwrap();
        let socket = secure(&task, socket, &config, NAME, NEVER, || false)
            .await
            .unwrap();
        // The tickets first, so that nothing is read below but the answer.
        let mut buf = [0; 16];
        seen(&task, &socket).await;
        assert_eq!(ready(socket.poll_read(&mut buf)), None);
        let out = pattern(60_000);
        let mut sent = 0;
        while let Poll::Ready(n) = socket.poll_write(&[IoSlice::new(&out)]) {
            sent += n.unwrap();
        }
        assert!(sent > 0);
        go.send(sent).unwrap();
        // As the driver does it: nobody reads before there is something.
        let got = loop {
            seen(&task, &socket).await;
            if let Some(got) = ready(socket.poll_read(&mut buf)) {
                break got;
            }
        };
        assert_eq!((got, &buf[..4]), (Ok(4), &out[..4]));
    });
    play.join().unwrap();
}

/// A connection whose kernel takes nothing more, though the reactor does not know; and how much it took.
fn stuffed(rx: &Reactor) -> (Socket, TcpStream, usize) {
    let (who, config) = trusted();
    let (to_test, from_server) = std::sync::mpsc::channel();
    let (address, play) = server(server_config(&who, &Manners::default()), move |next| {
        let mut stream = next();
        stream.conn.complete_io(&mut stream.sock).unwrap();
        to_test.send(stream.sock).unwrap();
    });
    let task = rx.clone();
    let socket = run(rx, async move {
        connect(&task, &address, &config, NAME).await.unwrap()
    });
    play.join().unwrap();
    let raw = duplicate(socket.number()).unwrap();
    let junk = vec![0; 65536];
    let mut stuffed = 0;
    for size in [junk.len(), 1] {
        while let Ok(n) = rustix::io::write(&raw, &junk[..size]) {
            stuffed += n;
        }
    }
    (socket, from_server.recv().unwrap(), stuffed)
}

#[test]
fn bytes_count_as_sent_once_and_only_when_the_kernel_took_some() {
    let rx = Reactor::new().unwrap();
    let (socket, mut peer, stuffed) = stuffed(&rx);
    assert_eq!(ready(socket.poll_write(&[IoSlice::new(b"GET")])), None);
    assert_eq!(ready(socket.poll_write(&[IoSlice::new(b"GET")])), None);
    let drain = spawn(move || {
        let (mut total, mut buf) = (0, [0; 8192]);
        while let Ok(n) = peer.read(&mut buf)
            && n > 0
        {
            total += n;
        }
        total
    });
    let mut sent = None;
    turn_until(&rx, || {
        sent = ready(socket.poll_write(&[IoSlice::new(b"GET")]));
        sent.is_some()
    });
    assert_eq!(sent, Some(Ok(3)));
    socket.finish();
    // One record: its head, the bytes, their kind, the tag; then `close_notify`.
    let (record, notify) = (5 + 3 + 1 + 16, 5 + 2 + 1 + 16);
    assert_eq!(drain.join().unwrap() - stuffed, record + notify);
}

#[test]
fn bytes_that_the_kernel_never_took_were_never_sent() {
    let rx = Reactor::new().unwrap();
    let (socket, peer, _) = stuffed(&rx);
    assert_eq!(ready(socket.poll_write(&[IoSlice::new(b"GET")])), None);
    stage::reset(peer);
    turn_until(&rx, || socket.seen_closed());
    let sent = ready(socket.poll_write(&[IoSlice::new(b"GET")]));
    assert_eq!(sent, Some(Err(Errno::CONNRESET)));
}

#[test]
fn sessions_are_resumed() {
    let (who, config) = trusted();
    for versions in EACH {
        let manners = Manners {
            versions,
            ..Manners::default()
        };
        let (address, play) = server(server_config(&who, &manners), |next| {
            let mut kinds = Vec::new();
            for _ in 0..2 {
                let mut stream = next();
                stream.write_all(b"x").unwrap();
                let _ = stream.read(&mut [0]);
                kinds.push(stream.conn.handshake_kind());
            }
            let resumed = Some(rustls::HandshakeKind::Resumed);
            assert!(kinds[0] != resumed && kinds[1] == resumed, "{kinds:?}");
        });
        let rx = Reactor::new().unwrap();
        let (task, config) = (rx.clone(), config.clone());
        run(&rx, async move {
            for _ in 0..2 {
                let socket = connect(&task, &address, &config, NAME).await.unwrap();
                assert_eq!(receive(&task, &socket, 1).await.unwrap(), b"x");
            }
        });
        play.join().unwrap();
    }
}
