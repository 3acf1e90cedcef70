//! The blocks of pcapng: sections, interfaces, packets; whatever else there is, is stepped over.

use super::file::{LONGEST, Order, Packet, Step};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const PACKET: u32 = 6;
const RESOLUTION: u16 = 9;
const OFFSET: u16 = 14;
const INTERFACES: usize = 4096;

#[derive(Debug)]
struct Interface {
    link: u16,
    snap: usize,
    /// How many units of its time stamps make a second.
    units: u128,
    /// Seconds to be added.
    offset: i64,
}

/// Reads blocks one after another; knows the interfaces of the section that it is in.
#[derive(Debug)]
pub(super) struct Sections {
    order: Order,
    interfaces: Vec<Interface>,
}

impl Sections {
    /// Every section begins with these bytes, in both byte orders.
    pub(super) const MAGIC: [u8; 4] = SECTION.to_be_bytes();

    pub(super) fn new() -> Self {
        Self {
            order: Order::Little,
            interfaces: Vec::new(),
        }
    }

    pub(super) fn step<'a>(&mut self, bytes: &'a [u8]) -> Step<'a> {
        if bytes.len() < 12 {
            return Step::More;
        }
        let section = bytes.starts_with(&Self::MAGIC);
        if section {
            self.order = match bytes[8..12] {
                [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                _ => return Step::Broken,
            };
            self.interfaces.clear();
        }
        let kind = self.order.word(bytes, 0);
        let size = self.order.word(bytes, 4) as usize;
        if size < 12 || !size.is_multiple_of(4) {
            return Step::Broken;
        }
        if size > LONGEST || !matches!(kind, INTERFACE | OLD_PACKET | SIMPLE_PACKET | PACKET) {
            return Step::Skip(size);
        }
        // Without the kind and the length, which stands at the end once more.
        let Some(body) = bytes.get(8..size - 4) else {
            return Step::More;
        };
        if bytes.len() < size {
            return Step::More;
        }
        let packet = match kind {
            INTERFACE if self.interfaces.len() < INTERFACES => {
                self.interfaces.push(interface(self.order, body));
                None
            }
            PACKET => self.packet(body, self.order.word(body, 0) as usize),
            OLD_PACKET => self.packet(body, self.order.short(body, 0) as usize),
            SIMPLE_PACKET => self.simple(body),
            _ => None,
        };
        packet.map_or(Step::Skip(size), |packet| Step::Packet(size, packet))
    }

    fn packet<'a>(&self, body: &'a [u8], interface: usize) -> Option<Packet<'a>> {
        let interface = self.interfaces.get(interface)?;
        let high = u64::from(self.order.word(body, 4));
        let low = u64::from(self.order.word(body, 8));
        let kept = self.order.word(body, 12) as usize;
        Some(Packet {
            number: 0,
            at: interface.nanoseconds(high << 32 | low),
            link: interface.link,
            size: self.order.word(body, 16) as usize,
            data: body.get(20..20 + kept)?,
        })
    }

    /// One that says neither its interface nor when it came.
    fn simple<'a>(&self, body: &'a [u8]) -> Option<Packet<'a>> {
        let interface = self.interfaces.first()?;
        let size = self.order.word(body, 0) as usize;
        let kept = match interface.snap {
            0 => size,
            snap => size.min(snap),
        };
        Some(Packet {
            number: 0,
            at: 0,
            link: interface.link,
            size,
            data: body.get(4..4 + kept)?,
        })
    }
}

impl Interface {
    fn nanoseconds(&self, stamp: u64) -> i64 {
        let since = u128::from(stamp) * 1_000_000_000 / self.units;
        i64::try_from(since)
            .ok()
            .and_then(|since| since.checked_add(self.offset.checked_mul(1_000_000_000)?))
            .unwrap_or(0)
    }
}

fn interface(order: Order, body: &[u8]) -> Interface {
    let mut found = Interface {
        link: order.short(body, 0),
        snap: order.word(body, 4) as usize,
        units: 1_000_000,
        offset: 0,
    };
    let mut options = body.get(8..).unwrap_or_default();
    while options.len() >= 4 {
        let code = order.short(options, 0);
        let size = order.short(options, 2) as usize;
        let Some(value) = options.get(4..4 + size) else {
            break;
        };
        match (code, value) {
            (0, _) => break,
            (RESOLUTION, [exponent]) if exponent & 0x80 == 0 => {
                found.units = 10_u128.pow(u32::from(*exponent).min(30));
            }
            (RESOLUTION, [exponent]) => found.units = 1 << (exponent & 0x7f).min(100),
            (OFFSET, [_, _, _, _, _, _, _, _]) => {
                let (first, second) = (order.word(value, 0), order.word(value, 4));
                let (high, low) = match order {
                    Order::Big => (first, second),
                    Order::Little => (second, first),
                };
                found.offset = (u64::from(high) << 32 | u64::from(low)).cast_signed();
            }
            _ => {}
        }
        options = options
            .get(4 + size.next_multiple_of(4)..)
            .unwrap_or_default();
    }
    found
}
