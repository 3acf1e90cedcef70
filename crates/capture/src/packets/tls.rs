//! TLS records of one direction: which of them may carry a request or an answer.

const HEAD: usize = 5;
const LONGEST: u16 = 16_640;
const APPLICATION: u8 = 23;
/// What hides a notice of the close, or a frame that only keeps HTTP/2 going, is shorter.
const LEAST: u16 = 40;
/// The first record of a client in TLS 1.3, if it has one of these lengths, ends the handshake.
const FINISHED: [u16; 2] = [53, 69];

/// Walks from record to record.
#[derive(Debug, Default)]
pub(super) struct Records {
    head: Vec<u8>,
    left: u64,
    begun: bool,
    lost: bool,
}

/// Whether bytes begin as a record does.
pub(super) fn is_record(data: &[u8]) -> bool {
    matches!(data, [20..=23, 3, 0..=4, high, low, ..] if u16::from_be_bytes([*high, *low]) <= LONGEST)
}

impl Records {
    /// Whether a record with data of the application begins in these bytes. Others are missing before and
    /// after them. `None`: where records begin is not known any more.
    pub(super) fn take(&mut self, before: u64, data: &[u8], after: u64) -> Option<bool> {
        if self.lost && is_record(data) {
            *self = Self {
                begun: true,
                ..Self::default()
            };
        } else {
            self.skip(before);
        }
        let carries = self.walk(data);
        self.skip(after);
        if self.lost { None } else { Some(carries) }
    }

    fn skip(&mut self, size: u64) {
        match self.left.checked_sub(size) {
            Some(left) => self.left = left,
            None => self.lost = true,
        }
    }

    fn walk(&mut self, mut data: &[u8]) -> bool {
        let mut carries = false;
        while !data.is_empty() && !self.lost {
            let passed = self.left.min(data.len() as u64);
            self.left -= passed;
            data = &data[passed as usize..];
            let part = data.len().min(HEAD - self.head.len());
            self.head.extend_from_slice(&data[..part]);
            data = &data[part..];
            if let [kind, _, _, high, low] = self.head[..] {
                self.lost = !is_record(&self.head);
                let size = u16::from_be_bytes([high, low]);
                let finished = !self.begun && FINISHED.contains(&size);
                carries |= kind == APPLICATION && size >= LEAST && !finished;
                self.begun |= kind == APPLICATION;
                self.left = u64::from(size);
                self.head.clear();
            }
        }
        carries
    }
}
