//! The body of an answer, taken off its connection.

use std::task::Poll;

use surehop_engine::Cause;
use surehop_hop::buffer::Buffers;
use surehop_hop::connections::{Upstream, cause_of};
use surehop_wire::{BodyFraming, Decoder};

/// Receives that one poll makes at most, before the other connections have their turn.
const ROUNDS: usize = 16;

/// How far a body has come.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    framing: BodyFraming,
    left: u64,
    decoder: Decoder,
    done: bool,
    /// Bytes of the body.
    pub(crate) length: u64,
    /// Bytes received for it, framing included.
    pub(crate) received: u64,
}

impl Reader {
    /// A body that nothing has come of yet.
    pub(crate) fn new(framing: BodyFraming) -> Self {
        let left = match framing {
            BodyFraming::Length(length) => length,
            _ => 0,
        };
        Self {
            done: framing == BodyFraming::None || framing == BodyFraming::Length(0),
            framing,
            left,
            decoder: Decoder::new(),
            length: 0,
            received: 0,
        }
    }

    /// Whether it is whole.
    pub(crate) fn done(&self) -> bool {
        self.done
    }

    /// Moves what the buffer holds to `out`, up to `most` bytes in it.
    fn take(
        &mut self,
        upstream: &mut Upstream,
        out: &mut Vec<u8>,
        most: usize,
    ) -> Result<(), Cause> {
        let Some(buf) = &mut upstream.buf else {
            return Ok(());
        };
        while !buf.is_empty() && !self.done && out.len() < most {
            let data = buf.data();
            let room = most - out.len();
            let used = match self.framing {
                BodyFraming::Chunked => {
                    let step = self
                        .decoder
                        .decode(&data[..data.len().min(room)])
                        .map_err(|_| Cause::Invalid)?;
                    out.extend_from_slice(&data[step.data.clone()]);
                    self.length += step.data.len() as u64;
                    self.done = step.done;
                    step.consumed
                }
                BodyFraming::Length(_) => {
                    let used = data
                        .len()
                        .min(room)
                        .min(usize::try_from(self.left).unwrap_or(usize::MAX));
                    out.extend_from_slice(&data[..used]);
                    self.left -= used as u64;
                    self.length += used as u64;
                    self.done = self.left == 0;
                    used
                }
                _ => {
                    let used = data.len().min(room);
                    out.extend_from_slice(&data[..used]);
                    self.length += used as u64;
                    used
                }
            };
            buf.consume(used);
        }
        Ok(())
    }

    /// Adds what comes to `out`, until the body is done or `most` bytes are there. `progress` is set when
    /// something came.
    pub(crate) fn poll(
        &mut self,
        buffers: &Buffers,
        upstream: &mut Upstream,
        out: &mut Vec<u8>,
        most: usize,
        progress: &mut bool,
    ) -> Poll<Result<(), (Cause, i32)>> {
        for _ in 0..ROUNDS {
            if let Err(cause) = self.take(upstream, out, most) {
                return Poll::Ready(Err((cause, 0)));
            }
            if self.done || out.len() >= most {
                return Poll::Ready(Ok(()));
            }
            let buf = upstream.buf.get_or_insert_with(|| buffers.small());
            buf.compact();
            if buf.space().is_empty() {
                // Only a chunk's own line can leave bytes in it, and those are short.
                return Poll::Ready(Err((Cause::Invalid, 0)));
            }
            match upstream.socket.poll_read(buf.space()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) if self.framing == BodyFraming::UntilClose => {
                    if upstream.socket.truncated() {
                        return Poll::Ready(Err((Cause::Closed, 0)));
                    }
                    self.done = true;
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(0)) => return Poll::Ready(Err((Cause::Closed, 0))),
                Poll::Ready(Err(e)) => return Poll::Ready(Err((cause_of(e), e.raw_os_error()))),
                Poll::Ready(Ok(n)) => {
                    buf.filled(n);
                    self.received += n as u64;
                    *progress = true;
                    if n == surehop_hop::buffer::SMALL && self.left > n as u64 {
                        // More of the same: fewer receives for a large body.
                        let mut large = buffers.large();
                        large.push(buf.data());
                        buffers.give(std::mem::replace(buf, large));
                    }
                }
            }
        }
        // Others first; the caller has itself polled again.
        Poll::Ready(Ok(()))
    }
}
