//! Connecting to one of several addresses.
#![allow(clippy::unwrap_used)]

mod stage;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
use stage::{listener, run};
use surehop_engine::Cause;
use surehop_hop::clock::{Millis, NEVER};
use surehop_hop::dial::{Contact, Missed, Reached, STAGGER, dial};
use surehop_hop::reactor::Reactor;
use surehop_hop::socket::{Address, Manner, Socket};

/// How dialing ended: the place, and what was told of each address.
type Came = (Result<usize, Missed>, Vec<Contact>);

fn try_all(addresses: &[&Address], manner: Manner, limit: Millis) -> Came {
    let rx = Reactor::new().unwrap();
    let addresses: Vec<_> = addresses.iter().copied().cloned().collect();
    let task = rx.clone();
    run(&rx, async move {
        let deadline = task.now().saturating_add(limit);
        let mut contacts = Vec::new();
        let dialed = dial(
            &task,
            &addresses,
            &manner,
            deadline,
            || false,
            &mut contacts,
        )
        .await;
        (dialed.map(|(_, place)| place), contacts)
    })
}

fn dial_all(addresses: &[&Address]) -> Came {
    try_all(addresses, Manner::default(), NEVER)
}

/// A port that nobody listens on, held as long as it lives; of IPv6 where this machine has that.
fn closed(v6: bool) -> (OwnedFd, Address) {
    let v6 = v6 && std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let (family, any) = if v6 {
        let any = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
        (AddressFamily::INET6, any)
    } else {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        (AddressFamily::INET, any)
    };
    let held = socket(family, SocketType::STREAM, None).unwrap();
    bind(&held, &any).unwrap();
    let name = getsockname(&held).unwrap().try_into().unwrap();
    (held, Address::Ip(name))
}

/// An address that answers nothing: a listener whose backlog is full.
struct Hole {
    address: Address,
    _listening: OwnedFd,
    _waiting: Vec<Socket>,
}

fn hole(rx: &Reactor) -> Hole {
    let (listening, address) = closed(false);
    listen(&listening, 0).unwrap();
    let mut waiting = Vec::new();
    // It is full when one that begins does not come through.
    loop {
        let one = Socket::connect(rx, &address).unwrap();
        for _ in 0..5 {
            rx.turn(Some(Duration::from_millis(10))).unwrap();
            if one.poll_connected().is_ready() {
                break;
            }
        }
        let full = one.poll_connected().is_pending();
        waiting.push(one);
        if full {
            break;
        }
    }
    Hole {
        address,
        _listening: listening,
        _waiting: waiting,
    }
}

fn causes(contacts: &[Contact]) -> Vec<(usize, Option<Cause>)> {
    let cause = |contact: &Contact| match contact.reached {
        Reached::Failed(fault) => Some(fault.cause),
        Reached::Connected | Reached::Dropped => None,
    };
    contacts
        .iter()
        .map(|contact| (contact.place, cause(contact)))
        .collect()
}

#[test]
fn one_address_is_connected_to() {
    let (_held, address) = listener();
    let (came, contacts) = dial_all(&[&address]);
    assert_eq!(came, Ok(0));
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].reached, Reached::Connected);
}

#[test]
fn a_refusal_has_the_next_address_tried_at_once() {
    let (_held, refused) = closed(true);
    let (_listening, works) = listener();
    let (came, contacts) = dial_all(&[&refused, &works]);
    assert_eq!(came, Ok(1));
    assert_eq!(causes(&contacts), [(0, Some(Cause::Refused)), (1, None)]);
    assert!(contacts[0].took < STAGGER && contacts[1].took < STAGGER);
}

#[test]
fn all_refused_tells_of_each() {
    let held = [closed(true), closed(false)];
    let (came, contacts) = dial_all(&[&held[0].1, &held[1].1]);
    let Err(Missed::Failed(fault)) = came else {
        panic!("{came:?}")
    };
    assert_eq!(
        (fault.cause, fault.errno),
        (Cause::Refused, Errno::CONNREFUSED.raw_os_error())
    );
    let refused = Some(Cause::Refused);
    assert_eq!(causes(&contacts), [(0, refused), (1, refused)]);
}

#[test]
fn an_address_that_does_not_answer_is_overtaken() {
    let rx = Reactor::new().unwrap();
    let hole = hole(&rx);
    let (_listening, works) = listener();
    let begun = Instant::now();
    let (came, contacts) = dial_all(&[&hole.address, &works]);
    let took = begun.elapsed();
    assert_eq!(came, Ok(1));
    assert_eq!(contacts[0].reached, Reached::Dropped);
    assert_eq!(contacts[1].reached, Reached::Connected);
    assert!(
        took >= Duration::from_millis(STAGGER - 10) && took < Duration::from_secs(5),
        "{took:?}"
    );
}

#[test]
fn the_first_is_not_given_up_when_the_second_begins() {
    let rx = Reactor::new().unwrap();
    let hole = hole(&rx);
    let (_held, refused) = closed(true);
    // Only the first is left, and it has all the time there is.
    let limit = STAGGER * 2;
    let (came, contacts) = try_all(&[&hole.address, &refused], Manner::default(), limit);
    let Err(Missed::Failed(fault)) = came else {
        panic!("{came:?}")
    };
    assert_eq!(fault.cause, Cause::TimedOut);
    assert_eq!(
        causes(&contacts),
        [(0, Some(Cause::TimedOut)), (1, Some(Cause::Refused))]
    );
    assert!(contacts[0].took >= limit && contacts[1].took < limit);
}

#[test]
fn what_fails_at_once_is_told_as_that() {
    let missing = Address::Unix("/nonexistent/socket".into());
    let (came, contacts) = dial_all(&[&missing]);
    let Err(Missed::Failed(fault)) = came else {
        panic!("{came:?}")
    };
    assert!(fault.at_once && fault.cause == Cause::Unreachable);
    assert_eq!(contacts.len(), 1);
    // What merely has no route is not what is told, if there is more.
    let (_held, refused) = closed(false);
    let (came, contacts) = dial_all(&[&missing, &refused]);
    assert!(matches!(came, Err(Missed::Failed(fault)) if fault.cause == Cause::Refused));
    assert_eq!(contacts.len(), 2);
}

#[test]
fn a_local_address_chooses_the_family() {
    let (_listening, works) = listener();
    let other = Address::Ip(SocketAddr::from((Ipv6Addr::LOCALHOST, 1)));
    let from = |from: SocketAddr| Manner {
        from: Some(from),
        ..Manner::default()
    };
    let here = from((Ipv4Addr::LOCALHOST, 0).into());
    let (came, contacts) = try_all(&[&other, &works], here, NEVER);
    assert_eq!((came, contacts.len()), (Ok(1), 1));
    let (came, contacts) = try_all(&[&other], here, NEVER);
    assert_eq!(came, Err(Missed::Unbound(Errno::AFNOSUPPORT)));
    assert!(contacts.is_empty());
    // TEST-NET-1 is nobody's.
    let nowhere = from((Ipv4Addr::new(192, 0, 2, 1), 0).into());
    let (came, _) = try_all(&[&works], nowhere, NEVER);
    assert_eq!(came, Err(Missed::Unbound(Errno::ADDRNOTAVAIL)));
}

#[test]
fn who_goes_away_ends_it() {
    let rx = Reactor::new().unwrap();
    let hole = hole(&rx);
    let task = rx.clone();
    let came = run(&rx, async move {
        let mut contacts = Vec::new();
        let addresses = [hole.address.clone()];
        let manner = Manner::default();
        let dialed = dial(&task, &addresses, &manner, NEVER, || true, &mut contacts).await;
        (dialed.map(|(_, place)| place), contacts)
    });
    assert_eq!(came.0, Err(Missed::Gone));
    assert_eq!(came.1[0].reached, Reached::Dropped);
}

#[test]
fn many_addresses_are_tried_in_turn() {
    let held: Vec<_> = (0..70).map(|_| closed(false)).collect();
    let listening = TcpListener::bind("127.0.0.1:0").unwrap();
    let works = Address::Ip(listening.local_addr().unwrap());
    let mut addresses: Vec<_> = held.iter().take(63).map(|(_, address)| address).collect();
    addresses.push(&works);
    let (came, contacts) = dial_all(&addresses);
    assert_eq!((came, contacts.len()), (Ok(63), 64));
    // Nobody's name has more; there is an end.
    let addresses: Vec<_> = held.iter().map(|(_, address)| address).collect();
    let (came, contacts) = dial_all(&addresses);
    assert!(came.is_err());
    assert_eq!(contacts.len(), 64);
}
