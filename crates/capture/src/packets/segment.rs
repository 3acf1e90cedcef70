//! IP and TCP headers: one packet -> one segment.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const RST: u8 = 4;
pub(super) const ACK: u8 = 16;

const TCP: u8 = 6;
/// Header, addresses and ports of TCP up to its flags.
const LEAST: usize = 14;

/// One segment of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub source: SocketAddr,
    pub target: SocketAddr,
    pub sequence: u32,
    pub acknowledged: u32,
    pub flags: u8,
    /// How many bytes of data it carried; `data` are those that were kept.
    pub size: u32,
    pub data: &'a [u8],
}

impl Segment<'_> {
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The sequence number behind its data, SYN and FIN not counted.
    pub(super) fn end(&self) -> u32 {
        self.sequence.wrapping_add(self.size)
    }
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer<'a> {
    Tcp(Segment<'a>),
    /// A part of a packet; it is not put together.
    Fragment,
    /// So little was kept that even the headers are not whole.
    Cut,
    Other,
}

/// Reads an IP packet that had `size` bytes on the wire.
pub(super) fn read(packet: &[u8], size: usize) -> Layer<'_> {
    let layer = match packet.first().map(|first| first >> 4) {
        Some(4) => version4(packet, size),
        Some(6) => version6(packet, size),
        _ => Some(Layer::Other),
    };
    layer.unwrap_or(Layer::Cut)
}

fn version4(packet: &[u8], size: usize) -> Option<Layer<'_>> {
    let head: &[u8; 20] = packet.first_chunk()?;
    if head[9] != TCP {
        return Some(Layer::Other);
    }
    if u16::from_be_bytes([head[6], head[7]]) & 0x3fff != 0 {
        return Some(Layer::Fragment);
    }
    let source = Ipv4Addr::new(head[12], head[13], head[14], head[15]);
    let target = Ipv4Addr::new(head[16], head[17], head[18], head[19]);
    let start = usize::from(head[0] & 15) * 4;
    // A packet that the network card is to cut up may say no length.
    let end = match u16::from_be_bytes([head[2], head[3]]) {
        0 => size,
        total => usize::from(total),
    };
    tcp(packet, start, end, source.into(), target.into())
}

fn version6(packet: &[u8], size: usize) -> Option<Layer<'_>> {
    let head: &[u8; 40] = packet.first_chunk()?;
    let source = Ipv6Addr::from(*head[8..].first_chunk::<16>()?);
    let target = Ipv6Addr::from(*head[24..].first_chunk::<16>()?);
    let end = match u16::from_be_bytes([head[4], head[5]]) {
        0 => size,
        payload => 40 + usize::from(payload),
    };
    let (mut kind, mut at) = (head[6], 40);
    while kind != TCP {
        let &[next, length] = packet.get(at..)?.first_chunk()?;
        at += match kind {
            // hop by hop, routing, for the destination
            0 | 43 | 60 => (usize::from(length) + 1) * 8,
            51 => (usize::from(length) + 2) * 4,
            44 => {
                let &[_, _, high, low] = packet.get(at..)?.first_chunk()?;
                if u16::from_be_bytes([high, low]) & 0xfff9 != 0 {
                    return Some(Layer::Fragment);
                }
                8
            }
            _ => return Some(Layer::Other),
        };
        kind = next;
    }
    tcp(packet, at, end, source.into(), target.into())
}

fn tcp(
    packet: &[u8],
    start: usize,
    end: usize,
    source: IpAddr,
    target: IpAddr,
) -> Option<Layer<'_>> {
    let head: &[u8; LEAST] = packet.get(start..)?.first_chunk()?;
    let data = start + usize::from(head[12] >> 4) * 4;
    let kept = packet.get(data.min(end)..end.min(packet.len()));
    Some(Layer::Tcp(Segment {
        source: SocketAddr::new(source, u16::from_be_bytes([head[0], head[1]])),
        target: SocketAddr::new(target, u16::from_be_bytes([head[2], head[3]])),
        sequence: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
        acknowledged: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
        flags: head[13],
        size: end.saturating_sub(data) as u32,
        data: kept.unwrap_or_default(),
    }))
}

#[cfg(test)]
#[path = "segment_tests.rs"]
mod tests;
