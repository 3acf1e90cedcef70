//! The driver against scripted peers, and the connections it leaves behind.
#![allow(clippy::unwrap_used)]

#[path = "stage/exchange.rs"]
mod exchange;
mod stage;

use std::net::{TcpListener, TcpStream};
use std::thread::{JoinHandle, spawn};

use exchange::{Came, Hop};
use rustix::io::Errno;
use stage::{head_of, listener, reset, run, say, turn_until};
use surehop_engine::{Cause, Facts, Phase, Reason, Rules, Verdict};
use surehop_hop::drive::Driven;
use surehop_hop::socket::Address;

const GET: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A peer that plays `script` with the connections it accepts, in order.
fn peer(
    script: impl FnOnce(&mut dyn FnMut() -> TcpStream) + Send + 'static,
) -> (Address, JoinHandle<()>) {
    let (listener, address) = listener();
    let play = spawn(move || {
        let mut next = || accept(&listener);
        script(&mut next);
    });
    (address, play)
}

fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().unwrap().0
}

/// A port that nobody listens on, held as long as it lives.
fn closed() -> (rustix::fd::OwnedFd, Address) {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
    let held = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    let any = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 0));
    bind(&held, &any).unwrap();
    let name = getsockname(&held).unwrap().try_into().unwrap();
    (held, Address::Ip(name))
}

fn ask(hop: &Hop) -> Came {
    run(&hop.rx, hop.clone().ask(GET.to_vec()))
}

fn failed(came: &Came) -> Option<(u16, Reason)> {
    match came.end {
        Driven::Failed(status, reason) => Some((status, reason)),
        _ => None,
    }
}

/// What a request held is given back.
fn nothing_held(hop: &Hop) {
    assert!(hop.connections.is_empty());
    assert_eq!(hop.active(0), 0);
}

#[test]
fn a_head_is_heard_in_pieces_and_what_follows_is_kept() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        assert_eq!(head_of(&mut conn), GET);
        for piece in OK.chunks(5) {
            say(&mut conn, piece);
        }
        say(&mut conn, b"body");
        head_of(&mut conn);
    });
    let hop = Hop::new(vec![address], Rules::ON);
    let came = ask(&hop);
    let Driven::Response(upstream) = came.end else {
        panic!("{:?}", came.end)
    };
    let rest = upstream.buf.as_ref().map_or(&[][..], |buf| buf.data());
    assert!(b"body".starts_with(rest));
    drop(upstream);
    play.join().unwrap();
}

#[test]
fn interim_heads_are_passed_over() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        head_of(&mut conn);
        say(
            &mut conn,
            b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
        );
        say(&mut conn, OK);
    });
    let hop = Hop::new(vec![address], Rules::ON);
    hop.ask_and_rest(GET);
    play.join().unwrap();
}

#[test]
fn a_refused_connect_goes_to_the_next_peer() {
    let (_held, nobody) = closed();
    let (address, play) = peer(|next| {
        let mut conn = next();
        head_of(&mut conn);
        say(&mut conn, OK);
    });
    let hop = Hop::new(vec![nobody, address], Rules::ON);
    let told = hop.ask_and_rest(GET);
    assert_eq!(told.attempts, [(Reason::Refused, Verdict::Next)]);
    assert_eq!(told.faults[0].errno, Errno::CONNREFUSED.raw_os_error());
    play.join().unwrap();
}

#[test]
fn with_every_peer_out_nothing_is_tried() {
    let (_held, nobody) = closed();
    let (_too, neither) = closed();
    let hop = Hop::new(vec![nobody, neither], Rules::OFF);
    assert_eq!(failed(&ask(&hop)), Some((502, Reason::Refused)));
    let came = ask(&hop);
    assert_eq!(failed(&came), Some((502, Reason::NoLive)));
    assert_eq!((came.told.no_live, came.told.faults.len()), (1, 0));
    nothing_held(&hop);
}

#[test]
fn a_kept_connection_is_used_again() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        for _ in 0..3 {
            assert_eq!(head_of(&mut conn), GET);
            say(&mut conn, OK);
        }
        assert_eq!(head_of(&mut conn), b"");
    });
    let hop = Hop::new(vec![address], Rules::ON);
    for _ in 0..3 {
        assert!(hop.ask_and_rest(GET).faults.is_empty());
    }
    assert_eq!(hop.connections.len(), 1);
    hop.close_idle();
    nothing_held(&hop);
    play.join().unwrap();
}

#[test]
fn a_kept_connection_that_dies_of_the_request_is_replaced_by_a_fresh_one() {
    for how in ["fin", "rst"] {
        let (address, play) = peer(move |next| {
            let mut conn = next();
            head_of(&mut conn);
            say(&mut conn, OK);
            head_of(&mut conn);
            match how {
                "rst" => reset(conn),
                _ => drop(conn),
            }
            let mut conn = next();
            head_of(&mut conn);
            say(&mut conn, OK);
            head_of(&mut conn);
        });
        let hop = Hop::new(vec![address], Rules::ON);
        hop.ask_and_rest(GET);
        let told = hop.ask_and_rest(GET);
        assert_eq!(told.attempts[0].1, Verdict::Replayed);
        let reason = if how == "rst" {
            Reason::ReusedReset
        } else {
            Reason::ReusedClosed
        };
        assert_eq!(told.attempts[0].0, reason);
        assert_eq!(hop.connections.len(), 1);
        hop.close_idle();
        play.join().unwrap();
    }
}

#[test]
fn a_post_that_was_sent_is_not_sent_again() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        head_of(&mut conn);
        say(&mut conn, OK);
        head_of(&mut conn);
    });
    let mut hop = Hop::new(vec![address], Rules::ON);
    hop.facts = Facts {
        idempotent: false,
        ..Facts::GET
    };
    hop.ask_and_rest(GET);
    let came = ask(&hop);
    assert_eq!(failed(&came), Some((502, Reason::ReusedClosed)));
    nothing_held(&hop);
    play.join().unwrap();
}

#[test]
fn the_keeper_drops_a_resting_connection_that_is_closed() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        head_of(&mut conn);
        say(&mut conn, OK);
    });
    let hop = Hop::new(vec![address], Rules::ON);
    hop.ask_and_rest(GET);
    play.join().unwrap();
    turn_until(&hop.rx, || hop.connections.is_empty());
    assert_eq!(hop.groups[0].borrow().idle_connections(), 0);
}

#[test]
fn what_came_unasked_is_no_answer() {
    let (go, said) = std::sync::mpsc::channel();
    let (address, play) = peer(move |next| {
        let mut conn = next();
        head_of(&mut conn);
        say(&mut conn, OK);
        said.recv().unwrap();
        // A second answer to the one request: it is nobody's.
        say(&mut conn, OK);
        let mut fresh = next();
        head_of(&mut fresh);
        say(&mut fresh, b"HTTP/1.1 204 Mine\r\n\r\n");
        head_of(&mut fresh);
        drop(conn);
    });
    let hop = Hop::new(vec![address], Rules::ON);
    let first = ask(&hop);
    let Driven::Response(upstream) = first.end else {
        panic!("{:?}", first.end)
    };
    go.send(()).unwrap();
    turn_until(&hop.rx, || upstream.socket.seen_readable());
    hop.connections.rest(upstream);
    let second = ask(&hop);
    let Driven::Response(mut upstream) = second.end else {
        panic!("{:?}", second.end)
    };
    assert!(second.told.faults.is_empty());
    assert!(upstream.buf.take().is_some());
    drop(upstream);
    play.join().unwrap();
}

#[test]
fn an_answer_that_just_filled_a_buffer_leaves_its_connection_good() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        for _ in 0..2 {
            head_of(&mut conn);
            say(&mut conn, OK);
        }
    });
    let hop = Hop::new(vec![address], Rules::ON);
    let first = ask(&hop);
    let Driven::Response(upstream) = first.end else {
        panic!("{:?}", first.end)
    };
    // What a read that fills its room leaves behind.
    upstream.socket.suspect();
    let asking = hop.clone();
    let second = run(&hop.rx, async move {
        // Before the keeper has its turn.
        asking.connections.rest(upstream);
        asking.ask(GET.to_vec()).await
    });
    assert!(
        matches!(second.end, Driven::Response(_)),
        "{:?}",
        second.end
    );
    play.join().unwrap();
}

#[test]
fn an_upstream_that_is_silent_is_timed_out() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        head_of(&mut conn);
        assert_eq!(head_of(&mut conn), b"", "closed by who waited");
    });
    let mut hop = Hop::new(vec![address], Rules::ON);
    hop.read_timeout = 30;
    let came = ask(&hop);
    assert_eq!(failed(&came), Some((504, Reason::TimedOut)));
    assert_eq!(came.told.faults[0].phase, Phase::Head);
    nothing_held(&hop);
    play.join().unwrap();
}

#[test]
fn what_is_no_head_or_too_much_of_one_is_refused() {
    let long = [&b"HTTP/1.1 200 OK\r\nA: "[..], &[b'a'; 8192]].concat();
    for (said, cause) in [
        (b"SSH-2.0-x\r\n".to_vec(), Cause::Invalid),
        (long, Cause::TooBig),
    ] {
        let (address, play) = peer(move |next| {
            let mut conn = next();
            head_of(&mut conn);
            say(&mut conn, &said);
            head_of(&mut conn);
        });
        let hop = Hop::new(vec![address], Rules::ON);
        let came = ask(&hop);
        assert_eq!(failed(&came).unwrap().0, 502);
        assert_eq!(came.told.faults[0].cause, cause);
        nothing_held(&hop);
        play.join().unwrap();
    }
}

#[test]
fn an_answer_that_came_before_the_reset_is_heard() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        say(&mut conn, b"HTTP/1.1 413 Too Large\r\n\r\n");
        // Closed with the request unread: the rest of it meets a reset.
        drop(conn);
    });
    let hop = Hop::new(vec![address], Rules::ON);
    let request = vec![b'x'; 8 << 20];
    let came = run(&hop.rx, hop.clone().ask(request));
    play.join().unwrap();
    // The reset may overtake the answer in the kernel; then it is a failed send, told as such.
    match came.end {
        Driven::Response(upstream) => drop(upstream),
        other => assert!(matches!(other, Driven::Failed(502, _)), "{other:?}"),
    }
}

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        head_of(&mut conn);
        assert_eq!(head_of(&mut conn), b"");
    });
    let hop = Hop::new(vec![address], Rules::ON);
    let (gone, rx) = (hop.gone.clone(), hop.rx.clone());
    let waiting = hop.clone();
    let id = std::rc::Rc::new(std::cell::RefCell::new(None));
    let out = id.clone();
    let task = rx.spawn(async move {
        let came = waiting.ask(GET.to_vec()).await;
        *out.borrow_mut() = Some(came.end);
    });
    turn_until(&rx, || hop.active(0) == 1);
    gone.set(true);
    rx.wake(task);
    turn_until(&rx, || id.borrow().is_some());
    assert!(matches!(id.take(), Some(Driven::Gone)));
    nothing_held(&hop);
    play.join().unwrap();
}

#[test]
fn without_room_nothing_is_begun_but_a_kept_connection_is_used() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        while !head_of(&mut conn).is_empty() {
            say(&mut conn, OK);
        }
    });
    let mut hop = Hop::new(vec![address], Rules::ON);
    hop.ask_and_rest(GET);
    hop.crowded = true;
    hop.ask_and_rest(GET);
    hop.close_idle();
    let came = ask(&hop);
    assert_eq!(failed(&came), Some((500, Reason::NoRoom)));
    assert_eq!(came.told.attempts, [(Reason::NoRoom, Verdict::Failed)]);
    nothing_held(&hop);
    play.join().unwrap();
}

#[test]
fn a_connection_counts_before_it_stands() {
    let (address, play) = peer(|next| {
        let _ = next();
    });
    let hop = Hop::new(vec![address], Rules::ON);
    let asking = hop.clone();
    hop.rx.spawn(async move {
        asking.ask(GET.to_vec()).await;
    });
    assert!(hop.connections.is_empty());
    hop.rx.turn(Some(std::time::Duration::ZERO)).unwrap();
    assert_eq!(hop.connections.len(), 1);
    turn_until(&hop.rx, || hop.connections.is_empty());
    play.join().unwrap();
}

#[test]
fn a_panic_gives_up_the_connections_place() {
    let (address, play) = peer(|next| {
        let mut conn = next();
        head_of(&mut conn);
        say(&mut conn, OK);
        head_of(&mut conn);
    });
    let mut hop = Hop::new(vec![address], Rules::ON);
    hop.panics = true;
    let told = std::rc::Rc::new(std::cell::Cell::new(false));
    let heard = told.clone();
    hop.rx.on_panic(move |_| heard.set(true));
    let asking = hop.clone();
    hop.rx.spawn(async move {
        asking.ask(GET.to_vec()).await;
    });
    turn_until(&hop.rx, || told.get());
    assert!(hop.connections.is_empty());
    play.join().unwrap();
}

#[test]
fn an_answer_that_is_not_handed_on_leaves_no_connection_behind() {
    let busy = || {
        peer(|next| {
            let mut conn = next();
            while !head_of(&mut conn).is_empty() {
                say(&mut conn, b"HTTP/1.1 503 Busy\r\n\r\n");
                conn = next();
            }
        })
    };
    let (address, play) = peer(|next| {
        let mut conn = next();
        while !head_of(&mut conn).is_empty() {
            say(&mut conn, OK);
        }
    });
    let (bad, play_bad) = busy();
    let mut hop = Hop::new(vec![bad.clone(), address], Rules::OFF);
    hop.policy.next_upstream = hop
        .policy
        .next_upstream
        .with(surehop_engine::FailureSet::HTTP_503);
    for _ in 0..4 {
        hop.ask_and_rest(GET);
        assert_eq!(hop.connections.len(), 1);
    }
    hop.close_idle();
    play.join().unwrap();
    let Address::Ip(to) = bad else {
        panic!("a TCP address")
    };
    drop(TcpStream::connect(to).unwrap());
    play_bad.join().unwrap();
}
