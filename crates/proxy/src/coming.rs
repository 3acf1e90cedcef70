//! An upstream's body as it is received: its framing is taken off in place.

use surehop_hop::buffer::{Buf, SMALL};
use surehop_wire::chunked::{ChunkError, Decoder};

use crate::worker::Worker;

/// How far the upstream's body has come.
pub enum Coming {
    /// So many bytes are to come.
    Length(u64),
    /// Chunks are.
    Chunked(Decoder),
    /// Whatever comes before the end.
    UntilClose,
    /// Nothing any more.
    Done,
}

/// Strips the framing off the bytes of `buf` from `from` on, in place; gives trailers that are kept.
pub fn decode(
    coming: &mut Coming,
    surplus: &mut bool,
    buf: &mut Buf,
    from: usize,
) -> Result<Vec<u8>, ChunkError> {
    let n = buf.len() - from;
    let mut trailers = Vec::new();
    match coming {
        Coming::Done => {
            *surplus |= n > 0;
            buf.truncate(from);
        }
        Coming::UntilClose => {}
        Coming::Length(left) => {
            let kept = (*left).min(n as u64) as usize;
            *left -= kept as u64;
            *surplus |= n > kept;
            buf.truncate(from + kept);
            if *left == 0 {
                *coming = Coming::Done;
            }
        }
        Coming::Chunked(decoder) => {
            let bytes = buf.data_mut();
            let (mut at, mut kept) = (from, from);
            let ended = loop {
                let step = match decoder.decode(&bytes[at..]) {
                    Ok(step) => step,
                    Err(error) => break Err(error),
                };
                let data = at + step.data.start..at + step.data.end;
                let len = data.len();
                if data.start != kept {
                    bytes.copy_within(data, kept);
                }
                kept += len;
                at += step.consumed;
                if step.done {
                    *surplus |= at < bytes.len();
                    trailers = decoder.take_trailers();
                    *coming = Coming::Done;
                    break Ok(());
                }
                if step.consumed == 0 || at == bytes.len() {
                    break Ok(());
                }
            };
            // What can't be read is no data.
            buf.truncate(kept);
            ended?;
        }
    }
    Ok(trailers)
}

/// Moves the bytes of a small buffer into a large one.
pub fn grow(worker: &Worker, buf: &mut Buf) {
    if buf.capacity() == SMALL {
        let mut large = worker.buffers.large();
        large.push(buf.data());
        worker.buffers.give(std::mem::replace(buf, large));
    }
}
