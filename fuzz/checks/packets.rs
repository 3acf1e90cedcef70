//! Captures: any bytes are read to their end, and how they are cut into pieces changes nothing.

use crate::cuts;
use surehop_capture::Packets;

/// Panics if something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    let [whole, bytewise, some] = cuts::reads(bytes).map(|ends| read(bytes, &ends));
    assert_eq!(whole, bytewise);
    assert_eq!(whole, some);
}

/// What is told of a file, and the counts.
fn read(bytes: &[u8], ends: &[usize]) -> Vec<String> {
    let (mut told, mut packets, mut start) = (Vec::new(), Packets::new(), 0);
    let mut take = |packet: u64, line: &str, event: surehop_capture::Event<'_>| {
        assert!(packet > 0 && !event.word.is_empty());
        told.push(line.to_owned());
    };
    for &end in ends {
        packets.feed(&bytes[start..end], &mut take);
        start = end;
    }
    let counts = packets.end(&mut take);
    told.push(format!("{counts:?}"));
    told
}
