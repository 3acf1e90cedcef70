//! TLS inside sockets, against servers of rustls.
#![allow(clippy::unwrap_used)]

mod stage;
#[path = "stage/tls.rs"]
mod tls_stage;

use std::io::{IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use rustix::io::Errno;
use stage::{listener, pair, ready, receive, run, seen, turn_until};
use surehop_engine::{Cause, Phase};
use surehop_hop::clock::NEVER;
use surehop_hop::reactor::Reactor;
use surehop_hop::socket::Socket;
use surehop_hop::tls::{Config, Kind, Material, TlsFault, Unsecured, secure};
use tls_stage::{
    Authority, EACH, Identity, Manners, connect, params, self_signed, server, server_config,
    trusting,
};

const NAME: &str = "a.test";

/// Shakes hands with a server that shows `who`; how it went.
fn shake(who: &Identity, config: &Config, name: &'static str) -> Result<(), TlsFault> {
    let (address, play) = server(server_config(who, &Manners::default()), |next| {
        let mut stream = next();
        let _ = stream.read(&mut [0]);
    });
    let rx = Reactor::new().unwrap();
    let (task, config) = (rx.clone(), config.clone());
    let shaken = run(&rx, async move {
        connect(&task, &address, &config, name).await.map(drop)
    });
    play.join().unwrap();
    shaken
}

fn refused(who: &Identity, config: &Config, name: &'static str) -> (&'static str, String) {
    let fault = shake(who, config, name).unwrap_err();
    assert_eq!(fault.kind, Kind::Certificate);
    assert_eq!(fault.fault().cause, Cause::Certificate);
    (fault.code, fault.text)
}

/// A server that is trusted, and who trusts it.
fn trusted() -> (Identity, Config) {
    let root = Authority::new("root");
    let who = root.issue(&params(&[NAME, "127.0.0.1"]));
    (who, trusting(&[&root.pem()]))
}

async fn send(rx: &Reactor, socket: &Socket, bytes: &[u8]) -> Result<(), Errno> {
    let mut sent = 0;
    while sent < bytes.len() {
        let one = || socket.poll_write(&[IoSlice::new(&bytes[sent..])]);
        sent += rx.until(NEVER, one).await.unwrap()?;
    }
    Ok(())
}

#[test]
fn a_trusted_server_is_believed_by_name_and_by_address() {
    let (who, config) = trusted();
    for name in [NAME, "127.0.0.1"] {
        assert_eq!(shake(&who, &config, name), Ok(()), "{name}");
    }
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let (who, config) = trusted();
    let (code, text) = refused(&who, &config, "b.test");
    assert_eq!(code, "ERR_TLS_CERT_ALTNAME_INVALID");
    assert_eq!(
        text,
        "the certificate of `b.test` is for `a.test`, `127.0.0.1`"
    );
    let (code, _) = refused(&who, &config, "[::1]");
    assert_eq!(code, "ERR_TLS_CERT_ALTNAME_INVALID");
}

#[test]
fn dates_count() {
    let root = Authority::new("root");
    let config = trusting(&[&root.pem()]);
    let mut old = params(&[NAME]);
    old.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let (code, text) = refused(&root.issue(&old), &config, NAME);
    assert_eq!(code, "CERT_HAS_EXPIRED");
    assert!(
        text.starts_with("the certificate of `a.test` expired ") && text.ends_with(" days ago"),
        "{text}"
    );
    let mut early = params(&[NAME]);
    early.not_before = rcgen::date_time_ymd(2999, 1, 1);
    early.not_after = rcgen::date_time_ymd(3000, 1, 1);
    let (code, text) = refused(&root.issue(&early), &config, NAME);
    assert_eq!(code, "CERT_NOT_YET_VALID");
    assert!(text.ends_with("hint: is the clock right?"), "{text}");
}

#[test]
fn a_chain_without_a_trusted_root_says_where_it_ends() {
    let (root, stranger) = (Authority::new("root"), Authority::new("stranger"));
    let config = trusting(&[&root.pem()]);
    let middle = stranger.below("middle");
    let leaf = middle.issue(&params(&[NAME]));
    let with = |more: &[&str]| Identity {
        chain: [&[leaf.chain.as_str()], more].concat().concat(),
        key: leaf.key.clone(),
    };
    for (chain, code) in [
        (with(&[]), "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
        (with(&[&middle.pem()]), "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
        (
            with(&[&middle.pem(), &stranger.pem()]),
            "SELF_SIGNED_CERT_IN_CHAIN",
        ),
    ] {
        assert_eq!(refused(&chain, &config, NAME).0, code);
    }
    // The same chain is believed where its root is trusted.
    let config = trusting(&[&stranger.pem()]);
    assert_eq!(shake(&with(&[&middle.pem()]), &config, NAME), Ok(()));
}

#[test]
fn a_self_signed_certificate_is_refused_until_it_is_trusted() {
    let (_, config) = trusted();
    let mut as_ca = params(&[NAME]);
    as_ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    for params in [params(&[NAME]), as_ca] {
        let who = self_signed(&params);
        let (code, text) = refused(&who, &config, NAME);
        assert_eq!(code, "DEPTH_ZERO_SELF_SIGNED_CERT", "{text}");
        let config = trusting(&[&who.chain]);
        assert_eq!(shake(&who, &config, NAME), Ok(()));
        let (code, _) = refused(&who, &config, "b.test");
        assert_eq!(code, "ERR_TLS_CERT_ALTNAME_INVALID");
    }
}

#[test]
fn who_does_not_verify_believes_everybody() {
    let config = Config::new(&Material {
        verify: false,
        roots: None,
        chain: None,
        key: None,
    });
    let who = self_signed(&params(&["elsewhere.test"]));
    assert_eq!(shake(&who, &config.unwrap(), NAME), Ok(()));
}

#[test]
fn both_versions_carry_bytes_both_ways() {
    let (who, config) = trusted();
    for versions in EACH {
        let manners = Manners {
            versions,
            ..Manners::default()
        };
        let (address, play) = server(server_config(&who, &manners), |next| {
            let mut stream = next();
            let mut asked = [0; 4];
            stream.read_exact(&mut asked).unwrap();
            assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
            // The end comes with the last bytes.
            stream.conn.writer().write_all(&asked).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
            // Held open: what was said must be enough.
            assert_eq!(stream.sock.read(&mut [0; 64]).unwrap_or(0), 0);
        });
        let rx = Reactor::new().unwrap();
        let (task, config) = (rx.clone(), config.clone());
        run(&rx, async move {
            let socket = connect(&task, &address, &config, NAME).await.unwrap();
            send(&task, &socket, b"ping").await.unwrap();
            assert_eq!(receive(&task, &socket, 16).await.unwrap(), b"ping");
            seen(&task, &socket).await;
            assert_eq!(receive(&task, &socket, 16).await.unwrap(), b"");
            assert!(socket.seen_closed() && !socket.truncated());
        });
        play.join().unwrap();
    }
}

#[test]
fn a_client_shows_its_certificate_where_it_is_wanted() {
    let clients = Authority::new("clients");
    let root = Authority::new("root");
    let who = root.issue(&params(&[NAME]));
    let me = clients.issue(&params(&["me.test"]));
    let roots = [root.pem().into_bytes()];
    let both = format!("{}{}", me.key, me.chain);
    let (chain, key) = (me.chain.as_bytes(), me.key.as_bytes());
    for (chain, key) in [
        (Some(chain), Some(key)),
        (Some(both.as_bytes()), None),
        (None, None),
    ] {
        let config = Config::new(&Material {
            verify: true,
            roots: Some(&roots),
            chain,
            key,
        })
        .unwrap();
        for versions in EACH {
            let manners = Manners {
                versions,
                clients_of: Some(clients.pem()),
            };
            let (address, play) = server(server_config(&who, &manners), |next| {
                let mut stream = next();
                let mut asked = [0; 4];
                if stream.read_exact(&mut asked).is_ok() {
                    stream.write_all(&asked).unwrap();
                }
            });
            let rx = Reactor::new().unwrap();
            let (task, config) = (rx.clone(), config.clone());
            let answer = run(&rx, async move {
                // TLS 1.3 tells only after the handshake that the certificate was missed.
                let socket = connect(&task, &address, &config, NAME).await?;
                let _ = send(&task, &socket, b"ping").await;
                match receive(&task, &socket, 16).await {
                    Ok(bytes) => Ok(bytes),
                    Err(e) => {
                        assert_eq!(e, Errno::PROTO);
                        Err(socket.tls_fault().unwrap())
                    }
                }
            });
            play.join().unwrap();
            if chain.is_some() {
                assert_eq!(answer.unwrap(), b"ping");
            } else {
                let fault = answer.unwrap_err();
                assert_eq!((fault.kind, fault.code), (Kind::Protocol, "EPROTO"));
                assert!(!fault.text.is_empty());
            }
        }
    }
}

#[test]
fn tickets_on_a_resting_connection_are_no_answer() {
    let (who, config) = trusted();
    let (say, hear) = mpsc::channel::<()>();
    let (address, play) = server(server_config(&who, &Manners::default()), move |next| {
        // The tickets go with the first flight that the server sends after the handshake.
        let mut stream = next();
        stream.conn.complete_io(&mut stream.sock).unwrap();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut stream.sock).unwrap();
        }
        hear.recv().unwrap();
        stream.write_all(b"unasked").unwrap();
        hear.recv().unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        hear.recv().unwrap();
    });
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    let socket = run(&rx, async move {
        connect(&task, &address, &config, NAME).await.unwrap()
    });
    // Who watches: polls whenever it is stirred.
    let watcher = rx.clone();
    let (told, outcomes) = mpsc::channel();
    rx.spawn(async move {
        socket.rest(7, watcher.current());
        let mut stirred = Vec::new();
        loop {
            watcher.rest_until(NEVER).await;
            watcher.take_stirred(&mut stirred);
            for label in stirred.drain(..) {
                assert_eq!(label, 7);
                told.send(socket.poll_read(&mut [0; 64])).unwrap();
                assert!(!socket.seen_readable() || socket.seen_closed());
            }
        }
    });
    let next = || {
        let mut outcome = None;
        turn_until(&rx, || {
            outcome = outcomes.try_recv().ok();
            outcome.is_some()
        });
        ready(outcome.unwrap())
    };
    assert_eq!(next(), None, "tickets are nobody's bytes");
    say.send(()).unwrap();
    assert_eq!(next(), Some(Ok(7)));
    say.send(()).unwrap();
    assert_eq!(next(), Some(Ok(0)));
    say.send(()).unwrap();
    play.join().unwrap();
    rx.end();
}

#[test]
fn an_end_without_notice_is_an_end_that_is_remembered() {
    let (who, config) = trusted();
    let (address, play) = server(server_config(&who, &Manners::default()), |next| {
        let mut stream = next();
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(b"half").unwrap();
        stream.sock.shutdown(Shutdown::Both).unwrap();
    });
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    run(&rx, async move {
        let socket = connect(&task, &address, &config, NAME).await.unwrap();
        send(&task, &socket, b"ping").await.unwrap();
        assert_eq!(receive(&task, &socket, 16).await.unwrap(), b"half");
        assert_eq!(receive(&task, &socket, 16).await.unwrap(), b"");
        assert!(socket.truncated());
    });
    play.join().unwrap();
}

#[test]
fn what_came_before_a_broken_record_is_read_before_the_error() {
    let (who, config) = trusted();
    let (address, play) = server(server_config(&who, &Manners::default()), |next| {
        let mut stream = next();
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(b"good").unwrap();
        // A record of application data that nobody encrypted.
        let broken = [&[23, 3, 3, 0, 32][..], &[7; 32]].concat();
        stream.sock.write_all(&broken).unwrap();
        let told = stream.read(&mut [0]).unwrap_err();
        assert!(told.to_string().contains("BadRecordMac"), "{told}");
    });
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    run(&rx, async move {
        let socket = connect(&task, &address, &config, NAME).await.unwrap();
        send(&task, &socket, b"ping").await.unwrap();
        assert_eq!(receive(&task, &socket, 16).await.unwrap(), b"good");
        for _ in 0..2 {
            let broken = receive(&task, &socket, 16).await;
            assert_eq!(broken, Err(Errno::PROTO));
        }
        let fault = socket.tls_fault().unwrap();
        assert_eq!((fault.kind, fault.code), (Kind::Protocol, "EPROTO"));
        assert!(!socket.truncated() && socket.seen_readable());
        let sent = socket.poll_write(&[IoSlice::new(b"more")]);
        assert_eq!(ready(sent), Some(Err(Errno::PIPE)));
    });
    play.join().unwrap();
}

#[test]
fn what_was_decrypted_is_not_forgotten_by_who_reads_little() {
    let (who, config) = trusted();
    let (address, play) = server(server_config(&who, &Manners::default()), |next| {
        let mut stream = next();
        stream.write_all(b"abcdef").unwrap();
        let _ = stream.read(&mut [0]);
    });
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    run(&rx, async move {
        let socket = connect(&task, &address, &config, NAME).await.unwrap();
        assert_eq!(receive(&task, &socket, 2).await.unwrap(), b"ab");
        assert!(socket.seen_readable(), "no event comes for the rest");
        let mut rest = [0; 16];
        assert_eq!(ready(socket.poll_read(&mut rest)), Some(Ok(4)));
        assert_eq!(&rest[..4], b"cdef");
        assert!(!socket.seen_readable());
    });
    play.join().unwrap();
}

#[test]
fn finishing_says_so_and_dropping_says_nothing() {
    let (who, config) = trusted();
    for finish in [true, false] {
        let (address, play) = server(server_config(&who, &Manners::default()), move |next| {
            let mut stream = next();
            let end = stream.read(&mut [0]);
            // rustls tells a stream that was ended from one that was cut.
            assert_eq!(end.is_ok(), finish, "{end:?}");
        });
        let rx = Reactor::new().unwrap();
        let (task, config) = (rx.clone(), config.clone());
        run(&rx, async move {
            let socket = connect(&task, &address, &config, NAME).await.unwrap();
            if finish {
                socket.finish();
                let written = socket.poll_write(&[IoSlice::new(b"late")]);
                assert_eq!(ready(written), Some(Err(Errno::PIPE)));
                // The other side may still speak.
                assert!(!socket.seen_closed());
            }
        });
        play.join().unwrap();
    }
}

#[test]
fn what_tls_cannot_do_is_refused() {
    let (who, config) = trusted();
    let (address, play) = server(server_config(&who, &Manners::default()), |next| {
        let _ = next().read(&mut [0]);
    });
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    run(&rx, async move {
        let socket = connect(&task, &address, &config, NAME).await.unwrap();
        assert!(socket.is_secure() && socket.tcp_info().is_some());
        let file = std::fs::File::open("/dev/null").unwrap();
        let sent = socket.poll_send_file(std::os::fd::AsFd::as_fd(&file), &mut 0, 1);
        assert_eq!(ready(sent), Some(Err(Errno::OPNOTSUPP)));
        assert_eq!(socket.detach().err(), Some(Errno::OPNOTSUPP));
    });
    play.join().unwrap();
}

/// Secures a socket whose other end does as `peer` does.
fn against(peer: impl FnOnce(std::net::TcpStream) + Send + 'static) -> TlsFault {
    let (_, config) = trusted();
    let (listener, address) = listener();
    let play = std::thread::spawn(move || peer(listener.accept().unwrap().0));
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    let fault = run(&rx, async move {
        connect(&task, &address, &config, NAME).await.unwrap_err()
    });
    play.join().unwrap();
    fault
}

#[test]
fn who_speaks_no_tls_is_called_so() {
    let fault = against(|mut peer| {
        let _ = peer.read(&mut [0; 64]);
        peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let _ = peer.read(&mut [0; 4096]);
    });
    assert_eq!((fault.kind, fault.code), (Kind::Protocol, "EPROTO"));
    assert_eq!(fault.fault().cause, Cause::Tls);
    assert!(fault.text.contains("does not speak TLS"), "{}", fault.text);
}

#[test]
fn an_end_in_the_handshake_says_how() {
    let closed = against(|mut peer| {
        // Read whole, or the close would be a reset.
        let _ = peer.read(&mut vec![0; 65536]);
    });
    assert_eq!((closed.kind, closed.code), (Kind::Closed, "ECONNRESET"));
    let reset = against(|mut peer| {
        let _ = peer.read(&mut [0]);
        stage::reset(peer);
    });
    assert_eq!((reset.kind, reset.code), (Kind::Socket, "ECONNRESET"));
    assert_eq!(reset.errno, Errno::CONNRESET.raw_os_error());
    assert_eq!(
        [closed, reset].map(|fault| (fault.fault().phase, fault.fault().cause)),
        [(Phase::Tls, Cause::Closed), (Phase::Tls, Cause::Reset)]
    );
}

#[test]
fn a_handshake_has_its_time_and_may_be_given_up() {
    let (_, config) = trusted();
    let rx = Reactor::new().unwrap();
    for leaves in [false, true] {
        let (socket, _peer) = pair(&rx);
        let (task, config) = (rx.clone(), config.clone());
        let why = run(&rx, async move {
            let deadline = task.now() + 20;
            secure(&task, socket, &config, NAME, deadline, || leaves)
                .await
                .unwrap_err()
        });
        match why {
            Unsecured::Gone => assert!(leaves),
            Unsecured::Fault(fault) => {
                assert_eq!((fault.kind, fault.code), (Kind::TimedOut, "ETIMEDOUT"));
            }
        }
    }
}

#[test]
fn tls_within_tls_reaches_who_is_behind_the_proxy() {
    let (who, config) = trusted();
    let inner = server_config(&who, &Manners::default());
    let (address, play) = server(inner.clone(), move |next| {
        let mut outer = next();
        let mut session = rustls::ServerConnection::new(inner).unwrap();
        let mut stream = rustls::Stream::new(&mut session, &mut outer);
        let mut asked = vec![0; 300_000];
        stream.read_exact(&mut asked).unwrap();
        stream.write_all(&asked).unwrap();
        stream.flush().unwrap();
        let _ = stream.read(&mut [0]);
    });
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    run(&rx, async move {
        let socket = connect(&task, &address, &config, NAME).await.unwrap();
        let socket = secure(&task, socket, &config, NAME, NEVER, || false)
            .await
            .unwrap();
        let asked: Vec<u8> = (0..300_000u32).map(|n| n as u8).collect();
        send(&task, &socket, &asked).await.unwrap();
        let mut got = Vec::new();
        while got.len() < asked.len() {
            let some = receive(&task, &socket, 70_000).await.unwrap();
            assert!(!some.is_empty());
            got.extend(some);
        }
        assert!(got == asked);
    });
    play.join().unwrap();
}

#[test]
fn nothing_accepted_is_no_success() {
    let (who, config) = trusted();
    let (address, play) = server(server_config(&who, &Manners::default()), |next| {
        let mut stream = next();
        stream.conn.complete_io(&mut stream.sock).unwrap();
        stage::reset(stream.sock);
    });
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    let socket = run(&rx, async move {
        connect(&task, &address, &config, NAME).await.unwrap()
    });
    play.join().unwrap();
    turn_until(&rx, || socket.seen_closed());
    let sent = socket.poll_write(&[IoSlice::new(b"GET")]);
    assert!(matches!(sent, Poll::Ready(Err(_))), "{sent:?}");
    assert!(rx.turn(Some(Duration::ZERO)).is_ok());
}
