//! An upstream's body as it comes: how far it is, and its framing stripped off.

use surehop_hop::buffer::Buf;
use surehop_wire::chunked::Decoder;

/// How far the upstream's body has come.
#[derive(Debug)]
pub enum Coming {
    /// That many bytes are due.
    Length(u64),
    /// Chunks.
    Chunked(Decoder),
    /// What comes until the connection ends.
    UntilClose,
    /// It is here.
    Done,
}

/// What was to be a chunk is none.
#[derive(Clone, Copy, Debug)]
pub struct Invalid;

/// Strips the framing off the bytes of `buf` from `from` on, in place.
pub fn decode(
    coming: &mut Coming,
    surplus: &mut bool,
    buf: &mut Buf,
    from: usize,
) -> Result<(), Invalid> {
    let n = buf.len() - from;
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
            loop {
                let step = decoder.decode(&bytes[at..]).map_err(|_| Invalid)?;
                let data = at + step.data.start..at + step.data.end;
                let len = data.len();
                if data.start != kept {
                    bytes.copy_within(data, kept);
                }
                kept += len;
                at += step.consumed;
                if step.done {
                    *surplus |= at < bytes.len();
                    *coming = Coming::Done;
                    break;
                }
                if step.consumed == 0 || at == bytes.len() {
                    break;
                }
            }
            buf.truncate(kept);
        }
    }
    Ok(())
}
