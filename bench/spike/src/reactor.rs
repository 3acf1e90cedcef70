//! The per-thread reactor: mio, and an executor that needs no wakers.
//!
//! A slot is one registered socket: its readiness bits and the task that owns it. An event sets bits and puts
//! the owner on the run queue; a task is polled once a turn with a waker that does nothing.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mio::{Events, Interest, Registry, Token};
use slab::Slab;

use crate::relay::Stream;

const READ: u8 = 1;
const WRITE: u8 = 2;
const CLOSED: u8 = 4;
const NOBODY: usize = usize::MAX;

type Task = Pin<Box<dyn Future<Output = ()>>>;

#[derive(Clone, Copy)]
struct Slot {
    ready: u8,
    owner: usize,
}

#[derive(Default)]
struct TaskCell {
    /// None while the task itself is being polled.
    task: Option<Task>,
    queued: bool,
}

struct Shared {
    registry: Registry,
    slots: RefCell<Slab<Slot>>,
    tasks: RefCell<Slab<TaskCell>>,
    queue: RefCell<VecDeque<usize>>,
    current: Cell<usize>,
}

#[derive(Clone)]
pub struct Handle(Rc<Shared>);

pub struct Reactor {
    poll: mio::Poll,
    events: Events,
    handle: Handle,
}

impl Reactor {
    pub fn new() -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let shared = Shared {
            registry: poll.registry().try_clone()?,
            slots: RefCell::new(Slab::with_capacity(1024)),
            tasks: RefCell::new(Slab::with_capacity(1024)),
            queue: RefCell::new(VecDeque::with_capacity(1024)),
            current: Cell::new(NOBODY),
        };
        Ok(Self {
            poll,
            events: Events::with_capacity(512),
            handle: Handle(Rc::new(shared)),
        })
    }

    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits for events, marks their slots, then polls every task that has something to do.
    pub fn turn(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, timeout)
            && error.kind() != ErrorKind::Interrupted
        {
            return Err(error);
        }
        for event in &self.events {
            let mut bits = 0;
            if event.is_readable() {
                bits |= READ;
            }
            if event.is_writable() {
                bits |= WRITE;
            }
            if event.is_read_closed() || event.is_error() {
                bits |= READ | WRITE | CLOSED;
            }
            self.handle.mark(event.token().0, bits);
        }
        self.handle.run_queue();
        Ok(())
    }

    /// Turns until the future is finished: what a synchronous host does on its own thread.
    pub fn block_on<T: 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
    ) -> io::Result<T> {
        let result = Rc::new(Cell::new(None));
        let slot = Rc::clone(&result);
        self.handle
            .spawn(async move { slot.set(Some(future.await)) });
        self.handle.run_queue();
        loop {
            if let Some(value) = result.take() {
                return Ok(value);
            }
            self.turn(None)?;
        }
    }
}

impl Handle {
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        let key = self.0.tasks.borrow_mut().insert(TaskCell {
            task: Some(Box::pin(future)),
            queued: true,
        });
        self.0.queue.borrow_mut().push_back(key);
    }

    fn mark(&self, slot: usize, bits: u8) {
        let mut slots = self.0.slots.borrow_mut();
        let Some(slot) = slots.get_mut(slot) else {
            return;
        };
        slot.ready |= bits;
        if let Some(cell) = self.0.tasks.borrow_mut().get_mut(slot.owner)
            && !cell.queued
        {
            cell.queued = true;
            self.0.queue.borrow_mut().push_back(slot.owner);
        }
    }

    fn run_queue(&self) {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let Some(key) = self.0.queue.borrow_mut().pop_front() else {
                return;
            };
            let taken = self.0.tasks.borrow_mut().get_mut(key).and_then(|cell| {
                cell.queued = false;
                cell.task.take()
            });
            let Some(mut task) = taken else { continue };
            self.0.current.set(key);
            let finished = task.as_mut().poll(&mut context).is_ready();
            self.0.current.set(NOBODY);
            let mut tasks = self.0.tasks.borrow_mut();
            if finished {
                tasks.remove(key);
            } else if let Some(cell) = tasks.get_mut(key) {
                cell.task = Some(task);
            }
        }
    }

    fn register(
        &self,
        source: &mut impl mio::event::Source,
        interest: Interest,
        ready: u8,
    ) -> io::Result<usize> {
        let key = self.0.slots.borrow_mut().insert(Slot {
            ready,
            owner: NOBODY,
        });
        self.0.registry.register(source, Token(key), interest)?;
        Ok(key)
    }

    /// The bits of a slot if `wanted` is among them; otherwise the running task becomes its owner.
    fn ready(&self, slot: usize, wanted: u8) -> Option<u8> {
        let mut slots = self.0.slots.borrow_mut();
        let slot = &mut slots[slot];
        slot.owner = self.0.current.get();
        (slot.ready & wanted != 0).then_some(slot.ready)
    }

    fn clear(&self, slot: usize, bits: u8) {
        self.0.slots.borrow_mut()[slot].ready &= !bits;
    }

    pub async fn connect(&self, address: SocketAddr) -> io::Result<Socket> {
        let mut stream = mio::net::TcpStream::connect(address)?;
        let slot = self.register(&mut stream, Interest::READABLE | Interest::WRITABLE, 0)?;
        let socket = Socket {
            stream,
            slot,
            handle: self.clone(),
        };
        poll_fn(|_| match socket.handle.ready(slot, WRITE) {
            Some(_) => Poll::Ready(()),
            None => Poll::Pending,
        })
        .await;
        if let Some(error) = socket.stream.take_error()? {
            return Err(error);
        }
        socket.stream.set_nodelay(true)?;
        Ok(socket)
    }

    pub fn listen(&self, address: SocketAddr) -> io::Result<Listener> {
        let mut listener = mio::net::TcpListener::bind(address)?;
        let slot = self.register(&mut listener, Interest::READABLE, READ)?;
        Ok(Listener {
            inner: listener,
            slot,
            handle: self.clone(),
        })
    }
}

pub struct Listener {
    inner: mio::net::TcpListener,
    slot: usize,
    handle: Handle,
}

impl Listener {
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    pub async fn accept(&self) -> io::Result<Socket> {
        let mut stream = poll_fn(|_| {
            if self.handle.ready(self.slot, READ).is_none() {
                return Poll::Pending;
            }
            match self.inner.accept() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.handle.clear(self.slot, READ);
                    Poll::Pending
                }
                other => Poll::Ready(other.map(|(stream, _)| stream)),
            }
        })
        .await?;
        stream.set_nodelay(true)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let slot = self.handle.register(&mut stream, both, READ | WRITE)?;
        Ok(Socket {
            stream,
            slot,
            handle: self.handle.clone(),
        })
    }
}

pub struct Socket {
    stream: mio::net::TcpStream,
    slot: usize,
    handle: Handle,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.handle.0.slots.borrow_mut().remove(self.slot);
    }
}

impl Stream for Socket {
    async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|_| {
            let Some(bits) = self.handle.ready(self.slot, READ) else {
                return Poll::Pending;
            };
            match self.stream.read(buffer) {
                Ok(got) => {
                    // Edge-triggered: a short read has drained the socket, unless its end is still to be read.
                    if got < buffer.len() && bits & CLOSED == 0 {
                        self.handle.clear(self.slot, READ);
                    }
                    Poll::Ready(Ok(got))
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.handle.clear(self.slot, READ);
                    Poll::Pending
                }
                Err(error) => Poll::Ready(Err(error)),
            }
        })
        .await
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        poll_fn(|_| {
            while sent < bytes.len() {
                if self.handle.ready(self.slot, WRITE).is_none() {
                    return Poll::Pending;
                }
                match self.stream.write(&bytes[sent..]) {
                    Ok(taken) => sent += taken,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.handle.clear(self.slot, WRITE);
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }
}
