//! `stub_status`: nginx's page of numbers, and what is counted for it.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use surehop_wire::request::Method;

use crate::answer;
use crate::client::Client;
use crate::exchange::Exchange;
use crate::lingering;
use crate::phases::Outcome;
use crate::worker::{Shared, Worker};

/// The requests that a worker is at. Only that worker writes here, so it shares the line with nobody.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Stages {
    reading: AtomicU64,
    writing: AtomicU64,
}

/// The numbers of all workers, those of older configurations too.
#[derive(Debug, Default)]
pub struct AllStages(Mutex<Vec<Weak<Stages>>>);

impl AllStages {
    /// The numbers of a worker that begins.
    pub fn add(&self) -> Arc<Stages> {
        let stages = Arc::default();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|stages| stages.strong_count() > 0);
        all.push(Arc::downgrade(&stages));
        stages
    }

    /// Heads that are being read, and answers being written.
    fn sum(&self) -> (u64, u64) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all.iter().filter_map(Weak::upgrade);
        all.fold((0, 0), |(reading, writing), stages| {
            let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
            (
                reading + count(&stages.reading),
                writing + count(&stages.writing),
            )
        })
    }
}

/// A request is counted as long as it is there: first as one that is read, then as one that is answered.
#[derive(Debug)]
pub struct Stage {
    worker: Rc<Worker>,
    writing: bool,
}

impl Stage {
    /// A request begins to come.
    pub fn begin(worker: &Rc<Worker>) -> Self {
        add(&worker.stages.reading, 1);
        Self {
            worker: worker.clone(),
            writing: false,
        }
    }

    /// It has come.
    pub fn read(&mut self) {
        self.writing = true;
        add(&self.worker.stages.reading, -1);
        add(&self.worker.stages.writing, 1);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let stages = &self.worker.stages;
        add(
            if self.writing {
                &stages.writing
            } else {
                &stages.reading
            },
            -1,
        );
    }
}

/// There is one writer: that costs no locked instruction.
fn add(to: &AtomicU64, n: i64) {
    let now = to.load(Ordering::Relaxed);
    to.store(now.wrapping_add_signed(n), Ordering::Relaxed);
}

/// Client connections at this moment.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Connections {
    pub active: u64,
    pub reading: u64,
    pub writing: u64,
    pub waiting: u64,
}

impl Connections {
    /// As the workers count them, each for itself.
    pub fn of(shared: &Shared) -> Self {
        let active = shared.clients.load(Ordering::Relaxed);
        let (reading, writing) = shared.stages.sum();
        Self {
            active,
            reading,
            writing,
            waiting: active.saturating_sub(reading + writing),
        }
    }
}

/// Answers with the page.
pub async fn give(worker: &Rc<Worker>, client: &mut Client, ex: &mut Exchange) -> Outcome {
    if !matches!(ex.head.method, Method::Get | Method::Head) {
        return Outcome::Status(405);
    }
    if let Err(code) = lingering::settle(worker, client, ex).await {
        return Outcome::Status(code);
    }
    let shared = &worker.shared;
    let Connections {
        active,
        reading,
        writing,
        waiting,
    } = Connections::of(shared);
    let accepted = shared.connections.load(Ordering::Relaxed);
    // This one is not answered yet.
    let requests = shared.requests.load(Ordering::Relaxed) + 1;
    let page = format!(
        "Active connections: {active} \n\
         server accepts handled requests\n \
         {accepted} {accepted} {requests} \n\
         Reading: {reading} Writing: {writing} Waiting: {waiting} \n"
    );
    answer::give(worker, client, ex, 200, (b"text/plain", page.as_bytes())).await
}
