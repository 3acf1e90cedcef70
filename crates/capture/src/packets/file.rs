//! A capture file, fed in any pieces: pcap in both byte orders, µs or ns, and pcapng.

use super::pcapng::Sections;

/// What no packet is longer than; a block of pcapng that is, is stepped over.
pub(super) const LONGEST: usize = 1 << 20;
const PCAP_HEAD: usize = 24;
const PCAP_PACKET: usize = 16;

/// One packet, as far as it was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// Counts from 1, as Wireshark does.
    pub number: u64,
    /// ns since 1970; 0 where the file does not say.
    pub at: i64,
    /// The link type, as tcpdump.org lists them.
    pub link: u16,
    /// The length that it had on the wire.
    pub size: usize,
    pub data: &'a [u8],
}

/// How the numbers of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Big,
    Little,
}

impl Order {
    /// The two bytes at a place, or 0 where there are none.
    pub(super) fn short(self, bytes: &[u8], at: usize) -> u16 {
        let Some(&[a, b]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else {
            return 0;
        };
        match self {
            Self::Big => u16::from_be_bytes([a, b]),
            Self::Little => u16::from_le_bytes([a, b]),
        }
    }

    /// The four bytes at a place, or 0 where there are none.
    pub(super) fn word(self, bytes: &[u8], at: usize) -> u32 {
        let Some(&four) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else {
            return 0;
        };
        match self {
            Self::Big => u32::from_be_bytes(four),
            Self::Little => u32::from_le_bytes(four),
        }
    }
}

/// What the beginning of the unread bytes is.
pub(super) enum Step<'a> {
    /// More bytes are needed.
    More,
    /// So many bytes hold nothing of interest; they need not all be here yet.
    Skip(usize),
    /// So many bytes hold this packet, which has no number yet.
    Packet(usize, Packet<'a>),
    /// Nothing that comes can be understood.
    Broken,
}

#[derive(Debug)]
enum Form {
    Unknown,
    Pcap {
        order: Order,
        nanoseconds: bool,
        link: u16,
    },
    Pcapng(Sections),
    Broken,
}

/// Cuts a file into packets. Its memory is bounded by [`LONGEST`] and what it is fed at once.
#[derive(Debug)]
pub(super) struct File {
    form: Form,
    pending: Vec<u8>,
    skip: usize,
    packets: u64,
}

impl File {
    pub(super) fn new() -> Self {
        Self {
            form: Form::Unknown,
            pending: Vec::new(),
            skip: 0,
            packets: 0,
        }
    }

    /// Whether these are the first bytes of a capture.
    pub(super) fn knows(head: &[u8]) -> bool {
        matches!(pcap(head), Some(Form::Pcap { .. })) || head.starts_with(&Sections::MAGIC)
    }

    /// Whether a part of the file could not be read: damaged, or cut off if nothing more comes.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.form, Form::Broken) || !self.pending.is_empty() || self.skip > 0
    }

    pub(super) fn packets(&self) -> u64 {
        self.packets
    }

    /// Takes the next bytes of the file, hands over the packets that are whole by now.
    pub(super) fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(Packet<'_>)) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(bytes);
        let mut rest = pending.as_slice();
        loop {
            let skipped = self.skip.min(rest.len());
            self.skip -= skipped;
            rest = &rest[skipped..];
            if rest.is_empty() {
                break;
            }
            match self.step(rest) {
                Step::More => break,
                Step::Skip(size) => self.skip = size,
                Step::Packet(size, packet) => {
                    self.packets += 1;
                    let number = self.packets;
                    take(Packet { number, ..packet });
                    self.skip = size;
                }
                Step::Broken => {
                    self.form = Form::Broken;
                    rest = &[];
                    break;
                }
            }
        }
        let used = pending.len() - rest.len();
        pending.drain(..used);
        self.pending = pending;
    }

    fn step<'a>(&mut self, bytes: &'a [u8]) -> Step<'a> {
        match &mut self.form {
            Form::Unknown if bytes.len() < PCAP_HEAD => Step::More,
            Form::Unknown if bytes.starts_with(&Sections::MAGIC) => {
                self.form = Form::Pcapng(Sections::new());
                Step::Skip(0)
            }
            Form::Unknown => match pcap(bytes) {
                Some(form) => {
                    self.form = form;
                    Step::Skip(PCAP_HEAD)
                }
                None => Step::Broken,
            },
            Form::Pcap {
                order,
                nanoseconds,
                link,
            } => {
                let unit = if *nanoseconds { 1 } else { 1000 };
                pcap_packet(bytes, *order, unit, *link)
            }
            Form::Pcapng(sections) => sections.step(bytes),
            Form::Broken => Step::Broken,
        }
    }
}

fn pcap(head: &[u8]) -> Option<Form> {
    let (order, nanoseconds) = match head.first_chunk()? {
        [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, false),
        [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, true),
        [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, false),
        [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, true),
        _ => return None,
    };
    Some(Form::Pcap {
        order,
        nanoseconds,
        // The upper half tells of checksums behind the packets.
        link: order.word(head, 20) as u16,
    })
}

fn pcap_packet(bytes: &[u8], order: Order, unit: i64, link: u16) -> Step<'_> {
    if bytes.len() < PCAP_PACKET {
        return Step::More;
    }
    let kept = order.word(bytes, 8) as usize;
    if kept > LONGEST {
        return Step::Broken;
    }
    let Some(data) = bytes.get(PCAP_PACKET..PCAP_PACKET + kept) else {
        return Step::More;
    };
    let packet = Packet {
        number: 0,
        at: i64::from(order.word(bytes, 0)) * 1_000_000_000
            + i64::from(order.word(bytes, 4)) * unit,
        link,
        size: order.word(bytes, 12) as usize,
        data,
    };
    Step::Packet(PCAP_PACKET + kept, packet)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
