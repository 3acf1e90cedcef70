//! Sends an answer that is made here: its head, and its body packed, in chunks and paced as need be.

use std::io::IoSlice;
use std::task::Poll;

use rustix::io::Errno;

use crate::client::Client;
use crate::exchange::Exchange;
use crate::filters;
use crate::framer::Framer;
use crate::gzip;
use crate::head;
use crate::pace;
use crate::vars;
use crate::worker::Worker;

/// Why an answer ended before its body did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The client could not be sent to.
    Client(Errno),
    /// The client did not take the answer in time.
    TimedOut,
    /// The client went away while it was to be sent to.
    Gone,
}

/// An answer whose head is written, on its way.
pub struct Outgoing<'a> {
    worker: &'a Worker,
    client: &'a mut Client,
    ex: &'a mut Exchange,
    framer: Framer,
    head_at: usize,
}

impl<'a> Outgoing<'a> {
    /// Nothing of it is sent yet.
    pub fn new(worker: &'a Worker, client: &'a mut Client, ex: &'a mut Exchange) -> Self {
        let framer = Framer::new(ex.reply.chunked);
        Self {
            worker,
            client,
            ex,
            framer,
            head_at: 0,
        }
    }

    /// Sends a piece of the body, and what is left of the head before it; `last`: nothing follows.
    pub async fn send(&mut self, mut data: &[u8], last: bool) -> Result<(), Stopped> {
        if self.ex.packer.is_none() || head::bodiless(self.ex) {
            return self.frame(data, last).await;
        }
        loop {
            let Some(mut packer) = self.ex.packer.take() else {
                return Ok(());
            };
            let taken = packer.take(data, last);
            data = &data[taken.unwrap_or(data.len())..];
            let done = taken.is_none() || packer.done || data.is_empty() && !last;
            let sent = self.frame(packer.out.data(), last && done).await;
            packer.out.clear();
            self.ex.packer = Some(packer);
            sent?;
            if done {
                return Ok(());
            }
        }
    }

    async fn frame(&mut self, mut data: &[u8], last: bool) -> Result<(), Stopped> {
        if last && self.ex.reply.trailed {
            filters::trailers(self.worker, self.client, self.ex);
            self.framer.trail(&self.ex.reply.trailers);
        }
        self.framer.open(data.len(), last);
        while self.head_at < self.ex.out.len() || !self.framer.idle() {
            let room = match pace::room(self.worker, self.ex) {
                Ok(room) => room,
                Err(until) => {
                    self.wait(until).await?;
                    continue;
                }
            };
            let head = &self.ex.out[self.head_at..];
            let [pre, body, post, tail] = self.framer.parts(data);
            let parts = [head, &pre, &body, &post, &tail];
            let n = write(self.worker, self.client, self.ex, &pace::cut(parts, room)).await?;
            let of_head = n.min(head.len());
            self.head_at += of_head;
            self.ex.head_sent += of_head as u64;
            self.ex.body_sent += (n - of_head) as u64;
            data = &data[self.framer.sent(n - of_head)..];
            pace::sent(self.worker, self.ex, n);
        }
        Ok(())
    }

    /// Waits until more may be sent, as long as the client is there.
    async fn wait(&mut self, until: u64) -> Result<(), Stopped> {
        let socket = &self.client.socket;
        let gone = self.worker.reactor.until(until, || {
            if socket.peer_closed() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        match gone.await {
            Ok(()) => Err(Stopped::Gone),
            Err(_) => Ok(()),
        }
    }

    /// Ends it, whether all was sent or not.
    pub fn end(self) {
        gzip::end(self.worker, self.ex);
    }
}

async fn write(
    worker: &Worker,
    client: &Client,
    ex: &Exchange,
    parts: &[IoSlice<'_>],
) -> Result<usize, Stopped> {
    let deadline = worker.reactor.now() + vars::place(worker, ex).send_timeout_ms;
    let sent = worker
        .reactor
        .until(deadline, || match client.socket.poll_write(parts) {
            Poll::Pending if client.socket.peer_closed() => Poll::Ready(Err(Stopped::Gone)),
            Poll::Pending => Poll::Pending,
            Poll::Ready(sent) => Poll::Ready(sent.map_err(Stopped::Client)),
        });
    sent.await.unwrap_or(Err(Stopped::TimedOut))
}
