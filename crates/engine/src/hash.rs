//! Hashes of keys, as nginx makes them: the same key goes to the same peer in both.

/// The address bytes that stand for a client without an address, one on a unix socket.
pub const NO_ADDRESS: [u8; 3] = [0; 3];

/// Points on the ring for each unit of a peer's weight.
pub(crate) const POINTS: usize = 160;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                0xedb8_8320 ^ (value >> 1)
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

/// A CRC-32 that is fed piece by piece.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc(u32);

impl Crc {
    pub(crate) const NEW: Self = Self(!0);

    pub(crate) fn with(self, bytes: &[u8]) -> Self {
        let step =
            |crc: u32, &byte: &u8| TABLE[((crc ^ u32::from(byte)) & 0xff) as usize] ^ crc >> 8;
        Self(bytes.iter().fold(self.0, step))
    }

    pub(crate) const fn value(self) -> u32 {
        !self.0
    }
}

/// One step of `ip_hash` over an address.
pub(crate) fn address(hash: u32, key: &[u8]) -> u32 {
    key.iter()
        .fold(hash, |hash, &byte| (hash * 113 + u32::from(byte)) % 6271)
}

/// What `hash` adds for the n-th look at a key.
pub(crate) fn key(key: &[u8], again: u32) -> u32 {
    let mut crc = Crc::NEW;
    if again > 0 {
        // The number in decimal, in front of the key, without allocating.
        let mut digits = [0; 10];
        let mut at = digits.len();
        let mut rest = again;
        while rest > 0 {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        crc = crc.with(&digits[at..]);
    }
    crc.with(key).value() >> 16 & 0x7fff
}

/// The ring of `hash … consistent`: hashes in order, each with the name whose peers stand there.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    points: Vec<(u32, u32)>,
}

impl Ring {
    /// `servers`: the names as the configuration writes them, with their weights; equal names are one place,
    /// which is numbered by its first peer.
    pub(crate) fn new<'a>(servers: impl Iterator<Item = (u32, &'a [u8], u32)>) -> Self {
        let mut points = Vec::new();
        for (place, name, weight) in servers {
            let base = base(name);
            let mut previous = 0_u32;
            for _ in 0..weight as usize * POINTS {
                previous = base.with(&previous.to_le_bytes()).value();
                points.push((previous, place));
            }
        }
        points.sort_by_key(|&(hash, _)| hash);
        points.dedup_by_key(|&mut (hash, _)| hash);
        Self { points }
    }

    /// Where a key stands.
    pub(crate) fn find(&self, key: &[u8]) -> u32 {
        let hash = Crc::NEW.with(key).value();
        self.points.partition_point(|&(point, _)| point < hash) as u32
    }

    /// Whose point that is; the ring goes on at its beginning.
    pub(crate) fn place(&self, at: u32) -> Option<u32> {
        let at = at as usize % self.points.len().max(1);
        self.points.get(at).map(|&(_, place)| place)
    }
}

// The hash of host, a zero byte, port.
fn base(name: &[u8]) -> Crc {
    let unix = name
        .get(..5)
        .filter(|start| start.eq_ignore_ascii_case(b"unix:"));
    let (host, port) = if let Some(start) = unix {
        (&name[start.len()..], &b""[..])
    } else {
        let digits = name.iter().rev().take_while(|c| c.is_ascii_digit()).count();
        let at = name.len() - digits;
        match name[..at].strip_suffix(b":") {
            Some(host) => (host, &name[at..]),
            None => (name, &b""[..]),
        }
    };
    Crc::NEW.with(host).with(b"\0").with(port)
}

#[cfg(test)]
#[path = "hash_tests.rs"]
mod tests;
