use super::*;
use crate::packets::made::packet;

const V4: [&str; 2] = ["192.0.2.1:40000", "192.0.2.9:80"];
const V6: [&str; 2] = ["[2001:db8::1]:40000", "[2001:db8::9]:80"];

fn made(ends: [&str; 2], data: &[u8]) -> Vec<u8> {
    packet(ends.map(|end| end.parse().unwrap()), [5, 6], ACK, data)
}

fn segment(packet: &[u8], size: usize) -> Segment<'_> {
    match read(packet, size) {
        Layer::Tcp(segment) => segment,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_versions() {
    for ends in [V4, V6] {
        let packet = made(ends, b"data");
        let found = segment(&packet, packet.len());
        assert_eq!(
            [found.source, found.target].map(|end| end.to_string()),
            ends
        );
        assert_eq!((found.sequence, found.acknowledged), (5, 6));
        assert_eq!((found.size, found.data), (4, &b"data"[..]));
    }
}

#[test]
fn options_and_padding_are_no_data() {
    let mut packet = made(V4, b"data");
    packet[0] = 0x46;
    packet[3] += 4;
    packet.splice(20..20, [1; 4]);
    packet.extend([0; 6]);
    let found = segment(&packet, packet.len());
    assert_eq!(found.data, b"data");
}

#[test]
fn extension_headers_are_passed_over() {
    let mut packet = made(V6, b"data");
    packet[5] += 16;
    packet[6] = 0;
    packet.splice(40..40, [60, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(segment(&packet, packet.len()).data, b"data");
    packet[6] = 44;
    packet[40..44].copy_from_slice(&[6, 0, 0, 1]);
    assert_eq!(read(&packet, packet.len()), Layer::Fragment);
}

#[test]
fn what_was_cut_is_still_counted() {
    for ends in [V4, V6] {
        let packet = made(ends, &[7; 500]);
        let kept = &packet[..packet.len() - 490];
        let found = segment(kept, packet.len());
        assert_eq!((found.size, found.data), (500, &[7; 10][..]));
        assert_eq!(read(&packet[..30], packet.len()), Layer::Cut);
    }
}

#[test]
fn a_packet_that_the_card_is_to_cut_up_says_no_length() {
    let mut packet = made(V4, b"data");
    packet[2..4].fill(0);
    assert_eq!(segment(&packet, packet.len()).data, b"data");
}

#[test]
fn another_protocol() {
    let mut packet = made(V4, b"");
    packet[9] = 17;
    assert_eq!(read(&packet, packet.len()), Layer::Other);
    assert_eq!(read(&[], 0), Layer::Other);
}
