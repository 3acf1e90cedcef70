//! Tasks, deadlines and readiness, as the reactor keeps them.
#![allow(clippy::unwrap_used)]

mod stage;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::Write;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use stage::{pair, ready, run, turn_until};
use surehop_hop::clock::{self, NEVER};
use surehop_hop::reactor::{Reactor, TimedOut};
use surehop_hop::socket::{Listener, Socket};

const FAR: u64 = 3_600_000;

#[test]
fn a_deadline_is_kept_neither_early_nor_never() {
    let rx = Reactor::new().unwrap();
    let begun = clock::now();
    let task = rx.clone();
    let timed_out = run(&rx, async move {
        let pending = || Poll::<()>::Pending;
        task.until(begun + 20, pending).await
    });
    assert_eq!(timed_out, Err(TimedOut));
    assert!(clock::now() >= begun + 20);
}

#[test]
fn what_is_ready_is_not_timed_out() {
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    let ready = run(&rx, async move { task.until(0, || Poll::Ready(7)).await });
    assert_eq!(ready, Ok(7));
}

#[test]
fn a_deadline_moved_later_wakes_nobody_at_the_earlier_time() {
    let rx = Reactor::new().unwrap();
    let begun = clock::now();
    let polls = Rc::new(Cell::new(0));
    let (task, counted) = (rx.clone(), polls.clone());
    let first = Rc::new(Cell::new(true));
    let moved = first.clone();
    let sleeper = rx.spawn(async move {
        // Armed early; the wake below ends that wait, and the next is armed late.
        let _ = task
            .until(begun + 20, || {
                if moved.get() {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            })
            .await;
        let _ = task
            .until(begun + 60, || {
                counted.set(counted.get() + 1);
                Poll::<()>::Pending
            })
            .await;
    });
    rx.turn(Some(Duration::ZERO)).unwrap();
    first.set(false);
    rx.wake(sleeper);
    turn_until(&rx, || rx.tasks() == 0);
    assert!(clock::now() >= begun + 60);
    assert_eq!(polls.get(), 2, "polled when it began and when it was due");
}

#[test]
fn a_deadline_moved_earlier_counts() {
    let rx = Reactor::new().unwrap();
    let begun = clock::now();
    let moved = Rc::new(Cell::new(false));
    let (task, asked) = (rx.clone(), moved.clone());
    let sleeper = rx.spawn(async move {
        let far = || {
            if asked.get() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        };
        let _ = task.until(begun + FAR, far).await;
        task.sleep(begun + 20).await;
    });
    rx.turn(Some(Duration::ZERO)).unwrap();
    moved.set(true);
    rx.wake(sleeper);
    turn_until(&rx, || rx.tasks() == 0);
    assert!(clock::now() >= begun + 20);
}

#[test]
fn deadlines_that_count_no_more_do_not_pile_up() {
    let rx = Reactor::new().unwrap();
    for _ in 0..10_000 {
        let task = rx.clone();
        let id = rx.spawn(async move { task.rest_until(clock::now() + FAR).await });
        rx.turn(Some(Duration::ZERO)).unwrap();
        rx.wake(id);
        rx.turn(Some(Duration::ZERO)).unwrap();
    }
    assert_eq!(rx.tasks(), 0);
    assert!(rx.deadlines() < 100, "{}", rx.deadlines());
}

#[test]
fn tidying_keeps_the_deadlines_that_count() {
    let rx = Reactor::new().unwrap();
    let begun = clock::now();
    let task = rx.clone();
    let due = rx.spawn(async move { task.sleep(begun + 30).await });
    for _ in 0..1_000 {
        let task = rx.clone();
        let id = rx.spawn(async move { task.rest_until(begun + FAR).await });
        rx.turn(Some(Duration::ZERO)).unwrap();
        rx.wake(id);
    }
    turn_until(&rx, || rx.tasks() == 0);
    assert!(clock::now() >= begun + 30);
    rx.wake(due);
}

#[test]
fn a_task_woken_twice_is_polled_once() {
    let rx = Reactor::new().unwrap();
    let polls = Rc::new(Cell::new(0));
    let (task, counted) = (rx.clone(), polls.clone());
    let id = rx.spawn(async move {
        let poll = || {
            counted.set(counted.get() + 1);
            if counted.get() < 3 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        };
        let _ = task.until(NEVER, poll).await;
    });
    rx.turn(Some(Duration::ZERO)).unwrap();
    rx.wake(id);
    rx.wake(id);
    rx.wake_all();
    rx.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(polls.get(), 2);
}

#[test]
fn who_is_patient_runs_when_the_others_have_run() {
    let reactor = Reactor::new().unwrap();
    let order = Rc::new(RefCell::new(Vec::new()));
    let spawn = |name: &'static str, patient: bool| {
        let (rx, order, mut first) = (reactor.clone(), order.clone(), true);
        reactor.spawn(poll_fn(move |_| {
            if std::mem::take(&mut first) {
                if patient {
                    rx.patiently();
                }
                return Poll::Pending;
            }
            order.borrow_mut().push(name);
            Poll::Ready(())
        }))
    };
    let tasks = [
        spawn("patient", true),
        spawn("last", false),
        spawn("other", false),
    ];
    reactor.turn(Some(Duration::ZERO)).unwrap();
    reactor.wake(tasks[0]);
    reactor.wake_last(tasks[1]);
    reactor.wake(tasks[2]);
    reactor.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(*order.borrow(), ["other", "patient", "last"]);
}

#[test]
fn a_task_that_ended_can_not_be_woken_as_another() {
    let rx = Reactor::new().unwrap();
    let first = rx.spawn(async {});
    rx.turn(Some(Duration::ZERO)).unwrap();
    let polls = Rc::new(Cell::new(0));
    let (task, counted) = (rx.clone(), polls.clone());
    rx.spawn(async move {
        let poll = || {
            counted.set(counted.get() + 1);
            Poll::<()>::Pending
        };
        let _ = task.until(NEVER, poll).await;
    });
    rx.turn(Some(Duration::ZERO)).unwrap();
    rx.wake(first);
    rx.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(polls.get(), 1);
}

#[test]
fn a_task_started_by_a_task_runs_in_the_same_turn() {
    let rx = Reactor::new().unwrap();
    let ran = Rc::new(Cell::new(false));
    let (task, mark) = (rx.clone(), ran.clone());
    rx.spawn(async move {
        task.spawn(async move { mark.set(true) });
    });
    rx.turn(Some(Duration::ZERO)).unwrap();
    assert!(ran.get());
}

#[test]
fn a_panic_ends_one_task_drops_what_it_held_and_is_told() {
    struct Held(Rc<Cell<bool>>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let rx = Reactor::new().unwrap();
    let told = Rc::new(RefCell::new(Vec::new()));
    let journal = told.clone();
    rx.on_panic(move |message| journal.borrow_mut().push(message.to_owned()));
    let (dropped, went_on) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let held = Held(dropped.clone());
    let task = rx.clone();
    rx.spawn(async move {
        let _held = held;
        task.give_way().await;
        panic!("by {}", "hand");
    });
    let (task, mark) = (rx.clone(), went_on.clone());
    rx.spawn(async move {
        task.give_way().await;
        task.give_way().await;
        mark.set(true);
    });
    turn_until(&rx, || rx.tasks() == 0);
    assert_eq!(*told.borrow(), ["by hand"]);
    assert!(dropped.get() && went_on.get());
}

#[test]
fn who_gives_way_lets_others_and_the_network_have_their_turn() {
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    peer.write_all(b"x").unwrap();
    let order = Rc::new(RefCell::new(Vec::new()));
    let (task, one, heard) = (rx.clone(), order.clone(), Rc::new(Cell::new(false)));
    let over = heard.clone();
    rx.spawn(async move {
        // Never waits for anything, and yet nobody starves.
        while !over.get() {
            one.borrow_mut().push("busy");
            task.give_way().await;
        }
    });
    let (task, two) = (rx.clone(), order.clone());
    rx.spawn(async move {
        stage::receive(&task, &socket, 8).await.unwrap();
        two.borrow_mut().push("heard");
        heard.set(true);
    });
    turn_until(&rx, || rx.tasks() == 0);
    assert_eq!(
        order.borrow().iter().filter(|&&who| who == "heard").count(),
        1
    );
}

#[test]
fn a_rest_ends_when_somebody_wakes_it() {
    let rx = Reactor::new().unwrap();
    let task = rx.clone();
    let id = rx.spawn(async move { task.rest_until(NEVER).await });
    rx.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(rx.tasks(), 1);
    rx.wake(id);
    rx.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(rx.tasks(), 0);
}

#[test]
fn a_socket_in_a_used_place_knows_nothing_of_the_one_before() {
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    peer.write_all(b"late").unwrap();
    // The event waits in the kernel while another socket takes the place, and the number.
    drop(socket);
    let (socket, _peer) = pair(&rx);
    for _ in 0..3 {
        rx.turn(Some(Duration::ZERO)).unwrap();
    }
    assert!(!socket.seen_readable() && !socket.seen_closed());
}

#[test]
fn a_resting_socket_stirs_its_watcher_by_its_label() {
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    let socket = Rc::new(socket);
    let (task, resting) = (rx.clone(), socket.clone());
    let stirred = Rc::new(RefCell::new(Vec::new()));
    let heard = stirred.clone();
    let watcher = rx.spawn(async move {
        let watch = || {
            task.take_stirred(&mut heard.borrow_mut());
            if heard.borrow().is_empty() {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        };
        let _ = task.until(NEVER, watch).await;
    });
    resting.rest(7, watcher);
    rx.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(rx.tasks(), 1, "nothing has stirred yet");
    peer.write_all(b"?").unwrap();
    turn_until(&rx, || rx.tasks() == 0);
    assert_eq!(*stirred.borrow(), [7]);
    assert!(socket.seen_readable());
}

#[test]
fn a_roused_socket_belongs_to_who_roused_it() {
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    let nobody = rx.spawn(async {});
    socket.rest(7, nobody);
    let task = rx.clone();
    let bytes = run(&rx, async move {
        socket.rouse();
        peer.write_all(b"mine").unwrap();
        stage::receive(&task, &socket, 8).await
    });
    assert_eq!(bytes.unwrap(), b"mine");
    let mut stirred = Vec::new();
    rx.take_stirred(&mut stirred);
    assert!(stirred.is_empty());
}

#[test]
fn two_reactors_share_a_listener() {
    let (listening, address) = stage::listener();
    let (one, two) = (Reactor::new().unwrap(), Reactor::new().unwrap());
    let first = Listener::new(&one, listening.as_fd()).unwrap();
    let second = Listener::new(&two, listening.as_fd()).unwrap();
    let surehop_hop::socket::Address::Ip(to) = address else {
        panic!("a TCP address")
    };
    let clients: Vec<_> = (0..8)
        .map(|_| std::net::TcpStream::connect(to).unwrap())
        .collect();
    let mut accepted = 0;
    let mut accept = |rx: &Reactor, listener: &Listener| {
        rx.turn(Some(Duration::ZERO)).unwrap();
        if let Some(Ok((_socket, Some(_from)))) = ready(listener.poll_accept()) {
            accepted += 1;
        }
        accepted
    };
    while accept(&one, &first) + accept(&two, &second) < 16 {}
    assert!(ready(first.poll_accept()).is_none());
    // One worker's end is not the other's.
    drop(first);
    let last = std::net::TcpStream::connect(to).unwrap();
    let mut late = None;
    turn_until(&two, || {
        late = ready(second.poll_accept());
        late.is_some()
    });
    assert!(late.unwrap().is_ok());
    drop((clients, last));
}

#[test]
fn an_alarm_ends_a_turn_that_waits() {
    let rx = Reactor::new().unwrap();
    let alarm = rx.alarm().unwrap();
    let bell = alarm.clone();
    let ringer = std::thread::spawn(move || bell.ring());
    // Without a limit: only the alarm can end it.
    rx.turn(None).unwrap();
    ringer.join().unwrap();
}

#[test]
fn a_reactor_tells_by_its_descriptor_that_it_has_something_to_do() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let rx = Reactor::new().unwrap();
    let (socket, mut peer) = pair(&rx);
    rx.turn(Some(Duration::ZERO)).unwrap();
    let waits = |limit: Timespec| {
        let raw = surehop_hop::descriptor::duplicate(rx.fd()).unwrap();
        let mut fds = [PollFd::new(&raw, PollFlags::IN)];
        poll(&mut fds, Some(&limit)).unwrap()
    };
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let soon = Timespec {
        tv_sec: 10,
        tv_nsec: 0,
    };
    assert_eq!(waits(now), 0);
    peer.write_all(b"x").unwrap();
    assert_eq!(waits(soon), 1);
    rx.turn(Some(Duration::ZERO)).unwrap();
    assert!(socket.seen_readable());
}

#[test]
fn a_socket_outlives_the_task_that_made_it() {
    let rx = Reactor::new().unwrap();
    let (listener, address) = stage::listener();
    let task = rx.clone();
    let socket: Socket = run(&rx, async move {
        let socket = Socket::connect(&task, &address).unwrap();
        task.until(NEVER, || socket.poll_connected())
            .await
            .unwrap()
            .unwrap();
        socket
    });
    let (mut peer, _) = listener.accept().unwrap();
    let task = rx.clone();
    rx.spawn(async {});
    let bytes = run(&rx, async move {
        peer.write_all(b"later").unwrap();
        stage::receive(&task, &socket, 8).await
    });
    assert_eq!(bytes.unwrap(), b"later");
}
