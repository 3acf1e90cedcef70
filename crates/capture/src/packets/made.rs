//! Captures made up for tests.

use super::Packets;
use super::segment::{ACK, FIN, RST, SYN};
use std::net::{IpAddr, SocketAddr};

/// One connection, segment by segment: numbers and acknowledgements are kept as TCP does.
pub(super) struct Play {
    ends: [SocketAddr; 2],
    sequence: [u32; 2],
    acknowledged: [u32; 2],
    /// When, in ms, and the IP packet.
    pub packets: Vec<(u64, Vec<u8>)>,
}

pub(super) const CLIENT: usize = 0;
pub(super) const SERVER: usize = 1;

impl Play {
    pub(super) fn new(client: &str, server: &str) -> Self {
        Self {
            ends: [client.parse().unwrap(), server.parse().unwrap()],
            // Near the end of the numbers, so that they begin anew.
            sequence: [u32::MAX - 3, u32::MAX - 30],
            acknowledged: [0, 0],
            packets: Vec::new(),
        }
    }

    /// Between two addresses of this network, opened at a time.
    pub(super) fn opened(at: u64) -> Self {
        let mut play = Self::new("192.0.2.1:40000", "192.0.2.9:3000");
        play.open(at);
        play
    }

    pub(super) fn open(&mut self, at: u64) {
        self.send(CLIENT, at, SYN, b"");
        self.send(SERVER, at, SYN | ACK, b"");
        self.send(CLIENT, at, ACK, b"");
    }

    /// Sends what acknowledges all that came.
    pub(super) fn send(&mut self, from: usize, at: u64, flags: u8, data: &[u8]) {
        self.acknowledged[from] = self.sequence[1 - from];
        self.cross(from, at, flags, data);
    }

    /// Sends what does not know of what came last.
    pub(super) fn cross(&mut self, from: usize, at: u64, flags: u8, data: &[u8]) {
        self.again(from, at, flags, data);
        let marks = u32::from(flags & (SYN | FIN) != 0);
        self.sequence[from] = self.sequence[from].wrapping_add(data.len() as u32 + marks);
    }

    /// Sends what will be sent once more.
    pub(super) fn again(&mut self, from: usize, at: u64, flags: u8, data: &[u8]) {
        let ends = [self.ends[from], self.ends[1 - from]];
        let numbers = [self.sequence[from], self.acknowledged[from]];
        self.packets.push((at, packet(ends, numbers, flags, data)));
    }

    pub(super) fn ask(&mut self, at: u64) {
        self.send(CLIENT, at, ACK, b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    }

    pub(super) fn answer(&mut self, at: u64) {
        self.send(
            SERVER,
            at,
            ACK,
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        );
    }

    pub(super) fn close(&mut self, from: usize, at: u64) {
        self.send(from, at, FIN | ACK, b"");
    }

    pub(super) fn reset(&mut self, from: usize, at: u64) {
        self.send(from, at, RST | ACK, b"");
    }

    /// What the capture of it tells: the word and the line, without what is told of every connection.
    pub(super) fn told(self) -> Vec<(&'static str, String)> {
        told(vec![self])
    }
}

/// What the capture of several connections at once tells.
pub(super) fn told(plays: Vec<Play>) -> Vec<(&'static str, String)> {
    let mut packets: Vec<(u64, Vec<u8>)> = plays.into_iter().flat_map(|p| p.packets).collect();
    packets.sort_by_key(|packet| packet.0);
    let mut told = read(&pcap(&packets));
    told.retain(|news| news.0 != "accepted");
    told
}

pub(super) fn words(plays: Vec<Play>) -> Vec<&'static str> {
    told(plays).into_iter().map(|news| news.0).collect()
}

/// What a file tells.
pub(super) fn read(file: &[u8]) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut packets = Packets::new();
    packets.feed(file, &mut |_, line, event| {
        found.push((event.word, line.to_owned()));
    });
    packets.end(&mut |_, line, event| found.push((event.word, line.to_owned())));
    found
}

/// A file of µs, in the order of bytes that most machines have.
pub(super) fn pcap(packets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut file = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101]
        .map(u32::to_le_bytes)
        .concat();
    for (at, data) in packets {
        let size = data.len() as u32;
        let head = [(at / 1000) as u32, (at % 1000 * 1000) as u32, size, size];
        file.extend(head.map(u32::to_le_bytes).concat());
        file.extend(data);
    }
    file
}

/// An IP packet of either version.
pub(super) fn packet(ends: [SocketAddr; 2], numbers: [u32; 2], flags: u8, data: &[u8]) -> Vec<u8> {
    let mut tcp = ends.map(|end| end.port().to_be_bytes()).concat();
    tcp.extend(numbers.map(u32::to_be_bytes).concat());
    tcp.extend([5 << 4, flags, 4, 0, 0, 0, 0, 0]);
    tcp.extend(data);
    let mut whole = match ends[0].ip() {
        IpAddr::V4(_) => {
            let [high, low] = (20 + tcp.len() as u16).to_be_bytes();
            vec![0x45, 0, high, low, 0, 1, 0x40, 0, 64, 6, 0, 0]
        }
        IpAddr::V6(_) => {
            let [high, low] = (tcp.len() as u16).to_be_bytes();
            vec![0x60, 0, 0, 0, high, low, 6, 64]
        }
    };
    for end in ends {
        match end.ip() {
            IpAddr::V4(ip) => whole.extend(ip.octets()),
            IpAddr::V6(ip) => whole.extend(ip.octets()),
        }
    }
    whole.extend(tcp);
    whole
}
