//! deflate: wrapped as zlib (RFC 1950), as it should be, or bare (RFC 1951), as some servers send it.

use flate2::{Decompress, FlushDecompress, Status};

use crate::{Step, Stream, Wrong};

#[derive(Default)]
pub(crate) struct Inflate {
    /// None until the first byte has come.
    state: Option<Decompress>,
    ended: bool,
}

impl Stream for Inflate {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Wrong> {
        if self.ended {
            return Ok(Step {
                read: input.len(),
                written: 0,
            });
        }
        // Bare, this would be a stored block with padding that is not zero, which nobody writes.
        let wrapped = |first: &u8| first & 0x0f == 8 && first >> 4 <= 7;
        if self.state.is_none() {
            self.state = input.first().map(|byte| Decompress::new(wrapped(byte)));
        }
        let Some(state) = &mut self.state else {
            return Ok(Step::default());
        };
        let (mut step, ended) = run(state, input, output)?;
        if ended {
            self.ended = true;
            step.read = input.len();
        }
        Ok(step)
    }

    fn complete(&self) -> bool {
        self.ended
    }
}

/// Goes on as far as it gets; true at the stream's end.
pub(crate) fn run(
    state: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
) -> Result<(Step, bool), Wrong> {
    let (before_in, before_out) = (state.total_in(), state.total_out());
    let status = state
        .decompress(input, output, FlushDecompress::None)
        .map_err(|_| Wrong::Broken)?;
    let step = Step {
        read: (state.total_in() - before_in) as usize,
        written: (state.total_out() - before_out) as usize,
    };
    Ok((step, status == Status::StreamEnd))
}
