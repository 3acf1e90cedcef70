//! br (RFC 7932).

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use crate::{Step, Stream, Wrong};

pub(crate) struct Brotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    total: usize,
    ended: bool,
}

impl Brotli {
    pub(crate) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self {
            // Strict: windows above 16 MiB are no part of the coding.
            state: Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())),
            total: 0,
            ended: false,
        }
    }
}

impl Stream for Brotli {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Wrong> {
        if self.ended {
            return Ok(Step {
                read: input.len(),
                written: 0,
            });
        }
        let (mut available, mut read) = (input.len(), 0);
        let (mut room, mut written) = (output.len(), 0);
        let result = BrotliDecompressStream(
            &mut available,
            &mut read,
            input,
            &mut room,
            &mut written,
            output,
            &mut self.total,
            &mut self.state,
        );
        match result {
            BrotliResult::ResultFailure => return Err(Wrong::Broken),
            BrotliResult::ResultSuccess => {
                self.ended = true;
                read = input.len();
            }
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
        }
        Ok(Step { read, written })
    }

    fn complete(&self) -> bool {
        self.ended
    }
}
