//! What stands before the IP header, by the kind of link.

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// A link of which nobody knows where its IP packets begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnknownLink;

/// The IP packet in a frame, if there is one.
pub(super) fn inner(link: u16, frame: &[u8]) -> Result<Option<&[u8]>, UnknownLink> {
    Ok(match link {
        // NULL and LOOP: the family, in the number that some system has for it
        0 | 108 => frame.get(4..),
        1 => tagged(frame, 12, 14),
        // RAW, by several numbers, and either version alone
        12 | 14 | 101 | 228 | 229 => Some(frame),
        // Linux "any", the first form and the second
        113 => tagged(frame, 14, 16),
        276 => tagged(frame, 0, 20),
        _ => return Err(UnknownLink),
    })
}

/// What follows a head that says the protocol, and the VLAN tags behind it.
fn tagged(frame: &[u8], protocol: usize, mut head: usize) -> Option<&[u8]> {
    let mut kind = short(frame, protocol)?;
    while TAGS.contains(&kind) {
        kind = short(frame, head + 2)?;
        head += 4;
    }
    matches!(kind, IPV4 | IPV6)
        .then(|| frame.get(head..))
        .flatten()
}

fn short(frame: &[u8], at: usize) -> Option<u16> {
    let two = frame.get(at..at + 2)?;
    Some(u16::from_be_bytes([two[0], two[1]]))
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
