//! gzip (RFC 1952): members one after another.

use flate2::Decompress;

use crate::inflate::run;
use crate::{Step, Stream, Wrong};

const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// 32 KiB, the largest.
const WINDOW_BITS: u8 = 15;

pub(crate) struct Gzip(Place);

enum Place {
    Member(Decompress),
    /// Behind a member; true: one byte came, and it could begin another.
    Between(bool),
    /// Behind the last member.
    Beyond,
}

impl Gzip {
    pub(crate) fn new() -> Self {
        Self(Place::Member(Decompress::new_gzip(WINDOW_BITS)))
    }
}

impl Stream for Gzip {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Wrong> {
        let mut sum = Step::default();
        loop {
            let rest = &input[sum.read..];
            match &mut self.0 {
                Place::Member(state) => {
                    let (step, ended) = run(state, rest, &mut output[sum.written..])?;
                    sum.read += step.read;
                    sum.written += step.written;
                    if !ended {
                        return Ok(sum);
                    }
                    self.0 = Place::Between(false);
                }
                Place::Between(half) => {
                    let Some(byte) = rest.first() else {
                        return Ok(sum);
                    };
                    sum.read += 1;
                    if *byte != MAGIC[usize::from(*half)] {
                        self.0 = Place::Beyond;
                    } else if *half {
                        let mut state = Decompress::new_gzip(WINDOW_BITS);
                        run(&mut state, &MAGIC, &mut [])?;
                        self.0 = Place::Member(state);
                    } else {
                        *half = true;
                    }
                }
                Place::Beyond => {
                    sum.read = input.len();
                    return Ok(sum);
                }
            }
        }
    }

    fn complete(&self) -> bool {
        !matches!(self.0, Place::Member(_))
    }
}
