//! zstd (RFC 8878, 9659): frames one after another.

use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

use crate::{Step, Stream, Wrong};

/// 8 MiB: RFC 9659, 3.
const WINDOW_LOG: u32 = 23;
/// `ZSTD_error_frameParameter_windowTooLarge` of `zstd_errors.h`; codes are told as negative numbers.
const WINDOW_TOO_LARGE: usize = 16;

pub(crate) struct Zstd {
    state: DCtx<'static>,
    /// Whether the last frame has come to its end.
    ended: bool,
}

impl Zstd {
    /// None if there is no memory.
    pub(crate) fn new() -> Option<Self> {
        let mut state = DCtx::try_create()?;
        state
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG))
            .ok()?;
        Some(Self {
            state,
            ended: false,
        })
    }
}

impl Stream for Zstd {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Wrong> {
        // Being called with nothing, zstd would begin a further frame.
        if self.ended && input.is_empty() {
            return Ok(Step::default());
        }
        let mut from = InBuffer::around(input);
        let mut to = OutBuffer::around(output);
        // Gives 0 at a frame's end, once all of it has come out.
        let wanted = self
            .state
            .decompress_stream(&mut to, &mut from)
            .map_err(|code| match code.wrapping_neg() {
                WINDOW_TOO_LARGE => Wrong::Window,
                _ => Wrong::Broken,
            })?;
        self.ended = wanted == 0;
        Ok(Step {
            read: from.pos(),
            written: to.pos(),
        })
    }

    fn complete(&self) -> bool {
        self.ended
    }
}
