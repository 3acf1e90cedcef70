//! The per-thread reactor: readiness, timers and a small executor, driven by `turn`.
//!
//! There are no wakers. A socket remembers which task asked for it last; when the kernel says that
//! it is ready, that task is put into the run queue. A task polls what it waits for again and finds
//! out by itself what happened, so a task may wait for two sockets and a deadline at once for the
//! price of one. Deadlines are re-armed lazily: a task has at most one entry that counts in the
//! heap, and moving its deadline later, which is what nearly every request does, costs one store.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mio::{Events, Token};
use slab::Slab;

use crate::clock::{self, Millis, NEVER};

mod slot;

pub(crate) use slot::Slot;

/// Names a task of this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId {
    index: u32,
    /// Tells a task from an earlier one of the same index.
    generation: u32,
}

impl TaskId {
    /// Itself as one number.
    pub fn number(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    /// The task of that number.
    pub fn of(number: u64) -> Self {
        Self {
            index: number as u32,
            generation: (number >> 32) as u32,
        }
    }
}

const NO_TASK: TaskId = TaskId {
    index: u32::MAX,
    generation: 0,
};
const WAKE: Token = Token(usize::MAX - 1);
const EVENTS: usize = 512;
/// Heap entries that are not worth a look.
const TIDY_FROM: usize = 64;

/// A deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

struct Task {
    generation: u32,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    queued: bool,
    /// It runs behind those that are not.
    patient: bool,
    deadline: Millis,
    /// The heap entry that counts.
    armed: Millis,
}

/// Hears the message of a panic.
type Tell = Box<dyn Fn(&str)>;

struct Core {
    poll: RefCell<mio::Poll>,
    events: RefCell<Events>,
    slots: RefCell<Slab<Rc<Slot>>>,
    tasks: RefCell<Slab<Task>>,
    queue: RefCell<VecDeque<TaskId>>,
    /// Patient tasks: they run when the queue is empty.
    later: RefCell<VecDeque<TaskId>>,
    /// Tasks that gave way: they run in the next turn.
    yielded: RefCell<Vec<TaskId>>,
    heap: RefCell<BinaryHeap<Reverse<(Millis, TaskId)>>>,
    stirred: RefCell<Vec<u64>>,
    current: Cell<TaskId>,
    /// The earliest deadline that the running task asked for in this poll.
    deadline: Cell<Millis>,
    /// Whether it said in this poll that it is patient.
    patient: Cell<bool>,
    now: Cell<Millis>,
    generation: Cell<u32>,
    interrupted: Cell<bool>,
    on_panic: RefCell<Tell>,
}

/// The reactor of this thread; a handle that is cheap to clone.
#[derive(Clone)]
pub struct Reactor(Rc<Core>);

/// Ends another thread's `turn` early.
#[derive(Clone, Debug)]
pub struct Alarm(Arc<mio::Waker>);

impl Alarm {
    /// Makes the reactor's `turn` return.
    pub fn ring(&self) {
        // Only an exhausted eventfd counter can fail here, and then the reactor is awake anyway.
        let _ = self.0.wake();
    }
}

impl Core {
    /// Drops the heap entries that count no more, once they are the most: tasks end long before their
    /// deadlines.
    fn tidy(&self, tasks: &Slab<Task>) {
        let mut heap = self.heap.borrow_mut();
        if heap.len() > 2 * tasks.len() + TIDY_FROM {
            heap.retain(|Reverse((at, id))| {
                tasks
                    .get(id.index as usize)
                    .is_some_and(|task| task.generation == id.generation && task.armed == *at)
            });
        }
    }
}

impl Reactor {
    /// A reactor for this thread.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Rc::new(Core {
            poll: RefCell::new(mio::Poll::new()?),
            events: RefCell::new(Events::with_capacity(EVENTS)),
            slots: RefCell::default(),
            tasks: RefCell::default(),
            queue: RefCell::default(),
            later: RefCell::default(),
            yielded: RefCell::default(),
            heap: RefCell::default(),
            stirred: RefCell::default(),
            current: Cell::new(NO_TASK),
            deadline: Cell::new(NEVER),
            patient: Cell::new(false),
            now: Cell::new(clock::now()),
            generation: Cell::new(0),
            interrupted: Cell::new(false),
            on_panic: RefCell::new(Box::new(|_| {})),
        })))
    }

    /// The descriptor that becomes readable when `turn` has something to do (besides its timers).
    pub fn fd(&self) -> RawFd {
        self.0.poll.borrow().as_raw_fd()
    }

    /// Something that other threads can end a `turn` with. At most one a reactor.
    pub fn alarm(&self) -> io::Result<Alarm> {
        Ok(Alarm(Arc::new(mio::Waker::new(
            self.0.poll.borrow().registry(),
            WAKE,
        )?)))
    }

    /// What to do with the message of a panic: the task that panicked is gone, everything else goes on.
    pub fn on_panic(&self, tell: impl Fn(&str) + 'static) {
        *self.0.on_panic.borrow_mut() = Box::new(tell);
    }

    /// The time of this turn.
    pub fn now(&self) -> Millis {
        self.0.now.get()
    }

    /// How many tasks there are.
    pub fn tasks(&self) -> usize {
        self.0.tasks.borrow().len()
    }

    /// How many deadlines are kept, with those that count no more.
    pub fn deadlines(&self) -> usize {
        self.0.heap.borrow().len()
    }

    /// Starts a task; it runs in this turn.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) -> TaskId {
        let generation = self.0.generation.get().wrapping_add(1);
        self.0.generation.set(generation);
        let index = self.0.tasks.borrow_mut().insert(Task {
            generation,
            future: Some(Box::pin(future)),
            queued: true,
            patient: false,
            deadline: NEVER,
            armed: NEVER,
        });
        let id = TaskId {
            index: index as u32,
            generation,
        };
        self.0.queue.borrow_mut().push_back(id);
        id
    }

    /// Ends every task. Tasks that hold who owns the reactor would otherwise live for ever, and it with them.
    pub fn end(&self) {
        let tasks = std::mem::take(&mut *self.0.tasks.borrow_mut());
        drop(tasks);
    }

    /// Puts a task into the run queue.
    pub fn wake(&self, id: TaskId) {
        self.enqueue(id, false);
    }

    /// Has a task run at this turn's end.
    pub fn wake_last(&self, id: TaskId) {
        self.enqueue(id, true);
    }

    fn enqueue(&self, id: TaskId, last: bool) {
        if let Some(task) = self.0.tasks.borrow_mut().get_mut(id.index as usize)
            && task.generation == id.generation
            && !task.queued
        {
            task.queued = true;
            let queue = if last || task.patient {
                &self.0.later
            } else {
                &self.0.queue
            };
            queue.borrow_mut().push_back(id);
        }
    }

    /// Puts every task into the run queue.
    pub fn wake_all(&self) {
        let ids: Vec<_> = self
            .0
            .tasks
            .borrow()
            .iter()
            .map(|(index, task)| TaskId {
                index: index as u32,
                generation: task.generation,
            })
            .collect();
        for id in ids {
            self.wake(id);
        }
    }

    /// Waits for events until `limit` at most (`None`: as long as it takes) and runs what they wake.
    pub fn turn(&self, limit: Option<Duration>) -> io::Result<()> {
        let core = &*self.0;
        for id in core.yielded.borrow_mut().drain(..) {
            self.wake(id);
        }
        let timeout = if core.queue.borrow().is_empty() && core.later.borrow().is_empty() {
            self.until_next(limit)
        } else {
            Some(Duration::ZERO)
        };
        {
            let mut events = core.events.borrow_mut();
            let mut polled = core.poll.borrow_mut().poll(&mut events, timeout);
            // Whoever was stopped for a while has events as well as deadlines behind it: the events come first.
            core.interrupted.set(polled.is_err());
            while matches!(&polled, Err(e) if e.kind() == io::ErrorKind::Interrupted) {
                polled = core
                    .poll
                    .borrow_mut()
                    .poll(&mut events, Some(Duration::ZERO));
            }
            polled?;
            core.now.set(clock::now());
            for event in events.iter() {
                self.dispatch(event);
            }
        }
        self.fire();
        self.run_ready();
        Ok(())
    }

    /// Runs what is ready, and asks nobody for news.
    pub fn run_ready(&self) {
        let core = &*self.0;
        // Taken out one by one: a task may wake or start others, and those run in this turn too.
        loop {
            let next = core.queue.borrow_mut().pop_front();
            let next = next.or_else(|| core.later.borrow_mut().pop_front());
            let Some(id) = next else { break };
            self.run(id);
        }
    }

    /// Time until `turn` has something to do by itself; `None`: nothing before an event.
    pub fn due_in(&self) -> Option<Duration> {
        let core = &*self.0;
        let ready = [&core.queue, &core.later]
            .iter()
            .any(|queue| !queue.borrow().is_empty());
        if ready || !core.yielded.borrow().is_empty() {
            return Some(Duration::ZERO);
        }
        self.until_next(None)
    }

    /// Whether a signal cut the last `turn` short.
    pub fn interrupted(&self) -> bool {
        self.0.interrupted.get()
    }

    fn until_next(&self, limit: Option<Duration>) -> Option<Duration> {
        let Some(next) = self.0.heap.borrow().peek().map(|Reverse((at, _))| *at) else {
            return limit;
        };
        let wait = Duration::from_millis(next.saturating_sub(clock::now()));
        Some(limit.map_or(wait, |limit| limit.min(wait)))
    }

    fn dispatch(&self, event: &mio::event::Event) {
        let token = event.token();
        if token == WAKE {
            return;
        }
        let slots = self.0.slots.borrow();
        let Some(slot) = slots
            .get(token.0 & 0xffff_ffff)
            .filter(|slot| slot.token == token.0)
        else {
            return;
        };
        let over = event.is_error() || event.is_read_closed();
        let readable = event.is_readable() || over;
        let writable = event.is_writable() || event.is_error();
        if readable {
            slot.readable.set(true);
        }
        if over {
            slot.closed.set(true);
        }
        if writable {
            slot.writable.set(true);
        }
        if let Some(label) = slot.label.get() {
            if readable {
                self.0.stirred.borrow_mut().push(label);
                self.wake(slot.owner.get());
            }
        } else if readable && slot.wants_read.get() || writable && slot.wants_write.get() {
            self.wake(slot.owner.get());
        }
    }

    fn fire(&self) {
        let now = self.now();
        loop {
            let due = {
                let heap = self.0.heap.borrow();
                match heap.peek() {
                    Some(Reverse((at, id))) if *at <= now => (*at, *id),
                    _ => return,
                }
            };
            self.0.heap.borrow_mut().pop();
            let mut tasks = self.0.tasks.borrow_mut();
            let Some(task) = tasks.get_mut(due.1.index as usize) else {
                continue;
            };
            if task.generation != due.1.generation || task.armed != due.0 {
                continue;
            }
            task.armed = NEVER;
            if task.deadline <= now {
                drop(tasks);
                self.wake(due.1);
            } else if task.deadline != NEVER {
                task.armed = task.deadline;
                self.0
                    .heap
                    .borrow_mut()
                    .push(Reverse((task.deadline, due.1)));
            }
        }
    }

    fn run(&self, id: TaskId) {
        let core = &*self.0;
        let taken = match core.tasks.borrow_mut().get_mut(id.index as usize) {
            Some(task) if task.generation == id.generation => {
                task.queued = false;
                task.future.take()
            }
            _ => None,
        };
        let Some(mut future) = taken else { return };
        core.current.set(id);
        core.deadline.set(NEVER);
        core.patient.set(false);
        let mut context = Context::from_waker(Waker::noop());
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        match polled {
            Ok(Poll::Pending) => {
                let mut tasks = core.tasks.borrow_mut();
                if let Some(task) = tasks.get_mut(id.index as usize) {
                    task.future = Some(future);
                    let deadline = core.deadline.get();
                    task.deadline = deadline;
                    task.patient = core.patient.get();
                    if deadline < task.armed {
                        task.armed = deadline;
                        core.heap.borrow_mut().push(Reverse((deadline, id)));
                        core.tidy(&tasks);
                    }
                }
            }
            Ok(Poll::Ready(())) => {
                core.tasks.borrow_mut().remove(id.index as usize);
                drop(future);
            }
            Err(panic) => {
                core.tasks.borrow_mut().remove(id.index as usize);
                (core.on_panic.borrow())(text_of(&*panic));
                // What the task held is dropped with care: a second panic must not end the worker.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
            }
        }
        core.current.set(NO_TASK);
    }

    /// Waits until `poll` is ready or `deadline` has passed. It is polled whenever one of the sockets
    /// that it touched becomes ready.
    pub async fn until<T>(
        &self,
        deadline: Millis,
        mut poll: impl FnMut() -> Poll<T>,
    ) -> Result<T, TimedOut> {
        poll_fn(|_| match poll() {
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending if self.now() >= deadline => Poll::Ready(Err(TimedOut)),
            Poll::Pending => {
                self.arm(deadline);
                Poll::Pending
            }
        })
        .await
    }

    /// Has the running task polled again at `deadline` at the latest.
    pub fn arm(&self, deadline: Millis) {
        self.0.deadline.set(self.0.deadline.get().min(deadline));
    }

    /// What the running task waits for is a beginning: of what is ready in one turn, others go first. What
    /// ends leaves behind what a beginning needs: connections, buffers.
    pub fn patiently(&self) {
        self.0.patient.set(true);
    }

    /// Sleeps until `deadline`.
    pub async fn sleep(&self, deadline: Millis) {
        let _ = self.until(deadline, || Poll::<()>::Pending).await;
    }

    /// Sleeps until `deadline`, or until somebody wakes this task.
    pub async fn rest_until(&self, deadline: Millis) {
        let mut first = true;
        let _ = self
            .until(deadline, || {
                if std::mem::take(&mut first) {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            })
            .await;
    }

    /// Lets the other tasks have their turn.
    pub async fn give_way(&self) {
        let mut first = true;
        poll_fn(|_| {
            if first {
                first = false;
                self.again();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Has the running task polled again in the next turn.
    pub fn again(&self) {
        self.0.yielded.borrow_mut().push(self.0.current.get());
    }

    /// The running task.
    pub fn current(&self) -> TaskId {
        self.0.current.get()
    }

    /// Labels of the resting sockets that became readable since the last call.
    pub fn take_stirred(&self, into: &mut Vec<u64>) {
        into.append(&mut self.0.stirred.borrow_mut());
    }
}

impl std::fmt::Debug for Reactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reactor")
            .field("tasks", &self.tasks())
            .finish_non_exhaustive()
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
