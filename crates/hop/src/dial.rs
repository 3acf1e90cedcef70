//! Connecting to one of several addresses: happy eyeballs (RFC 8305).

use std::task::Poll;

use rustix::io::Errno;

use crate::clock::Millis;
use crate::drive::Fault;
use crate::reactor::Reactor;
use crate::socket::{Address, Manner, NotBegun, Socket};
use surehop_engine::Cause;

/// Milliseconds between the beginnings of two attempts (RFC 8305, section 5: recommended).
pub const STAGGER: Millis = 250;
/// Addresses that are looked at; a name has a few.
const LOOKED_AT: usize = 64;

/// How it went with one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The connection stands.
    Connected,
    /// It could not be made.
    Failed(Fault),
    /// Another address was quicker, or the one who asked went away.
    Dropped,
}

/// One address that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its place in the list.
    pub place: usize,
    /// What came of it.
    pub reached: Reached,
    /// How long that took.
    pub took: Millis,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// No address could be reached. Of several failures the first that is more than a missing route.
    Failed(Fault),
    /// The local address can't be had, or has another family than any of the addresses: no peer's fault.
    Unbound(Errno),
    /// The one who asked went away meanwhile.
    Gone,
}

/// An attempt under way.
struct Try {
    socket: Socket,
    /// Its place among the contacts.
    contact: usize,
    begun: Millis,
}

/// Which addresses are left, and in which order they are taken: families in turn, beginning with the first's.
struct Choice<'a> {
    addresses: &'a [Address],
    manner: &'a Manner,
    /// A bit for each that was taken.
    taken: u64,
    /// Whether the last one taken was IPv6.
    last: Option<bool>,
}

fn is_v6(address: &Address) -> bool {
    matches!(address, Address::Ip(ip) if ip.is_ipv6())
}

impl Choice<'_> {
    fn next(&self) -> Option<usize> {
        let left = |place: &usize| {
            let fits = match (&self.manner.from, &self.addresses[*place]) {
                (Some(from), Address::Ip(to)) => from.is_ipv6() == to.is_ipv6(),
                _ => true,
            };
            fits && self.taken & 1 << place == 0
        };
        let all = 0..self.addresses.len().min(LOOKED_AT);
        let other = |place: &usize| self.last != Some(is_v6(&self.addresses[*place]));
        let mut those = all.clone().filter(left);
        those.clone().find(other).or_else(|| those.next())
    }

    fn take(&mut self, place: usize) {
        self.taken |= 1 << place;
        self.last = Some(is_v6(&self.addresses[place]));
    }
}

/// Connects to the first of `addresses` that can be connected to; also says which one that is.
///
/// A new attempt begins [`STAGGER`] after the one before, or at once when one fails; none is given up before
/// another has won or `deadline` has passed. Every address that was tried is added to `contacts`.
pub async fn dial(
    rx: &Reactor,
    addresses: &[Address],
    manner: &Manner,
    deadline: Millis,
    mut gone: impl FnMut() -> bool,
    contacts: &mut Vec<Contact>,
) -> Result<(Socket, usize), Missed> {
    let first = contacts.len();
    let mut choice = Choice {
        addresses,
        manner,
        taken: 0,
        last: None,
    };
    // One address, or one that answers at once, costs no memory of its own: the second is the first to be pushed.
    let (mut head, mut others): (Option<Try>, Vec<Try>) = (None, Vec::new());
    let mut due = rx.now();
    loop {
        if rx.now() >= due || (head.is_none() && others.is_empty()) {
            if let Some(place) = choice.next() {
                choice.take(place);
                due = rx.now() + STAGGER;
                match begin(rx, addresses, place, manner, contacts) {
                    Ok(begun) if head.is_none() => head = Some(begun),
                    Ok(begun) => others.push(begun),
                    Err(Some(missed)) => return Err(missed),
                    Err(None) => {
                        due = rx.now();
                        continue;
                    }
                }
            } else if head.is_none() && others.is_empty() {
                return Err(verdict(&contacts[first..]));
            }
        }
        let more = choice.next().is_some();
        let until = if more { deadline.min(due) } else { deadline };
        let waited = rx
            .until(until, || {
                if gone() {
                    return Poll::Ready(None);
                }
                poll_any(&mut head, &mut others).map(Some)
            })
            .await;
        let now = rx.now();
        match waited {
            Ok(None) => {
                settle(head, others, contacts, now, Reached::Dropped);
                return Err(Missed::Gone);
            }
            Ok(Some((done, result))) => {
                let contact = &mut contacts[done.contact];
                let place = contact.place;
                contact.took = now - done.begun;
                match result {
                    Ok(()) => {
                        contact.reached = Reached::Connected;
                        settle(head, others, contacts, now, Reached::Dropped);
                        return Ok((done.socket, place));
                    }
                    Err(e) => {
                        let fault = Fault::of_connect(e, &addresses[place], false);
                        contact.reached = Reached::Failed(fault);
                        due = now;
                    }
                }
            }
            Err(_) if now >= deadline => {
                let late = Fault {
                    phase: surehop_engine::Phase::Connect,
                    cause: Cause::TimedOut,
                    errno: Errno::TIMEDOUT.raw_os_error(),
                    at_once: false,
                };
                settle(head, others, contacts, now, Reached::Failed(late));
                return Err(Missed::Failed(late));
            }
            Err(_) => {}
        }
    }
}

/// Begins one attempt; without an error where the next one is due.
fn begin(
    rx: &Reactor,
    addresses: &[Address],
    place: usize,
    manner: &Manner,
    contacts: &mut Vec<Contact>,
) -> Result<Try, Option<Missed>> {
    let to = &addresses[place];
    let mut contact = Contact {
        place,
        reached: Reached::Dropped,
        took: 0,
    };
    match Socket::connect_so(rx, to, manner) {
        Ok(socket) => {
            contacts.push(contact);
            Ok(Try {
                socket,
                contact: contacts.len() - 1,
                begun: rx.now(),
            })
        }
        Err(NotBegun::Connect(e)) => {
            contact.reached = Reached::Failed(Fault::of_connect(e, to, true));
            contacts.push(contact);
            Err(None)
        }
        Err(NotBegun::Bind(e)) => Err(Some(Missed::Unbound(e))),
    }
}

/// The first attempt that is decided, taken out.
fn poll_any(head: &mut Option<Try>, others: &mut Vec<Try>) -> Poll<(Try, Result<(), Errno>)> {
    if let Some(one) = head
        && let Poll::Ready(result) = one.socket.poll_connected()
        && let Some(one) = head.take()
    {
        return Poll::Ready((one, result));
    }
    for index in 0..others.len() {
        if let Poll::Ready(result) = others[index].socket.poll_connected() {
            return Poll::Ready((others.remove(index), result));
        }
    }
    Poll::Pending
}

/// Ends the attempts under way.
fn settle(
    head: Option<Try>,
    others: Vec<Try>,
    contacts: &mut [Contact],
    now: Millis,
    reached: Reached,
) {
    for one in head.into_iter().chain(others) {
        let contact = &mut contacts[one.contact];
        contact.reached = reached;
        contact.took = now - one.begun;
    }
}

fn verdict(contacts: &[Contact]) -> Missed {
    let faults = || {
        contacts.iter().filter_map(|contact| match contact.reached {
            Reached::Failed(fault) => Some(fault),
            _ => None,
        })
    };
    // A machine without IPv6 has no route there: that is no news.
    faults()
        .find(|fault| fault.cause != Cause::Unreachable)
        .or_else(|| faults().next())
        .map_or(Missed::Unbound(Errno::AFNOSUPPORT), Missed::Failed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Address, Choice, Manner};

    fn order(manner: &Manner, texts: &[&str]) -> Vec<usize> {
        let addresses: Vec<_> = texts.iter().map(|t| Address::parse(t).unwrap()).collect();
        let mut choice = Choice {
            addresses: &addresses,
            manner,
            taken: 0,
            last: None,
        };
        let mut order = Vec::new();
        while let Some(place) = choice.next() {
            choice.take(place);
            order.push(place);
        }
        order
    }

    #[test]
    fn the_families_take_turns_beginning_with_the_firsts() {
        let any = Manner::default();
        let (four, six) = ("127.0.0.1:1", "[::1]:1");
        assert_eq!(order(&any, &[six, six, six, four, four]), [0, 3, 1, 4, 2]);
        assert_eq!(order(&any, &[four, four, six]), [0, 2, 1]);
        assert_eq!(order(&any, &[four, four]), [0, 1]);
        assert_eq!(order(&any, &[]), [0; 0]);
    }

    #[test]
    fn a_local_address_leaves_those_of_its_family() {
        let from = Manner {
            from: Some("[::1]:0".parse().unwrap()),
            ..Manner::default()
        };
        let all = ["127.0.0.1:1", "[::1]:1", "127.0.0.1:2", "[::1]:2"];
        assert_eq!(order(&from, &all), [1, 3]);
    }
}
