//! Where the future of one request runs, so that an idle connection holds none.
//!
//! The future of a request is some kilobytes; most connections of a busy proxy are idle most of the
//! time. A place is taken from the worker's store when a request begins and given back when it is
//! answered: ten thousand idle clients cost what their sockets' books cost, and a request allocates nothing.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::client::Client;
use crate::connection::{After, one};
use crate::worker::Worker;

/// Runs one request after another, each in the same memory.
pub trait Place {
    /// Begins with the next request of a client.
    fn begin(&mut self, worker: Rc<Worker>, client: Box<Client>);
    /// Goes on with it; ready when it is answered.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(Box<Client>, After)>;
}

struct Seat<F, M> {
    future: Pin<Box<Option<F>>>,
    make: M,
}

impl<F, M> Place for Seat<F, M>
where
    F: Future<Output = (Box<Client>, After)>,
    M: Fn(Rc<Worker>, Box<Client>) -> F,
{
    fn begin(&mut self, worker: Rc<Worker>, client: Box<Client>) {
        self.future.set(Some((self.make)(worker, client)));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(Box<Client>, After)> {
        let Some(future) = self.future.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let done = ready!(future.poll(cx));
        self.future.set(None);
        Poll::Ready(done)
    }
}

/// A new place.
pub fn place() -> Box<dyn Place> {
    Box::new(Seat {
        future: Box::pin(None),
        make: one,
    })
}
