use super::*;

#[test]
fn the_checksum_is_the_known_one() {
    assert_eq!(Crc::NEW.with(b"123456789").value(), 0xcbf4_3926);
    assert_eq!(Crc::NEW.with(b"1234").with(b"56789").value(), 0xcbf4_3926);
    assert_eq!(Crc::NEW.value(), 0);
}

#[test]
fn a_second_look_puts_the_number_in_front() {
    let whole = |bytes: &[u8]| Crc::NEW.with(bytes).value() >> 16 & 0x7fff;

    assert_eq!(key(b"k", 0), whole(b"k"));
    assert_eq!(key(b"k", 7), whole(b"7k"));
    assert_eq!(key(b"k", 20), whole(b"20k"));
}

#[test]
fn an_address_counts_byte_by_byte() {
    assert_eq!(address(89, &[]), 89);
    assert_eq!(address(89, &[10]), (89 * 113 + 10) % 6271);
    assert_ne!(address(89, &[10, 0, 1]), address(89, &[10, 1, 0]));
}

#[test]
fn host_and_port_are_told_apart() {
    let crc = |host: &[u8], port: &[u8]| Crc::NEW.with(host).with(b"\0").with(port).value();

    for (name, host, port) in [
        (&b"127.0.0.1:80"[..], &b"127.0.0.1"[..], &b"80"[..]),
        (b"app.example", b"app.example", b""),
        (b"app8080", b"app8080", b""),
        (b"[::1]", b"[::1]", b""),
        (b"[::1]:81", b"[::1]", b"81"),
        (b"UNIX:/tmp/x:80", b"/tmp/x:80", b""),
    ] {
        assert_eq!(base(name).value(), crc(host, port), "{name:?}");
    }
}

#[test]
fn the_ring_gives_every_name_its_share() {
    let ring = Ring::new([(0, &b"a:1"[..], 3), (1, &b"b:1"[..], 1)].into_iter());
    let mut counts = [0; 2];
    for key in 0..4000_u32 {
        let place = ring.place(ring.find(&key.to_le_bytes())).unwrap();
        counts[place as usize] += 1;
    }

    assert!((2600..3400).contains(&counts[0]), "{counts:?}");
}

#[test]
fn a_server_that_goes_takes_only_its_own_keys_with_it() {
    let names: [(u32, &[u8], u32); 3] = [(0, b"a:1", 1), (1, b"b:1", 1), (2, b"c:1", 1)];
    let (all, less) = (
        Ring::new(names.into_iter()),
        Ring::new(names.into_iter().take(2)),
    );

    for key in 0..1000_u32 {
        let key = key.to_le_bytes();
        let before = all.place(all.find(&key)).unwrap();
        if before != 2 {
            assert_eq!(less.place(less.find(&key)), Some(before));
        }
    }
}

#[test]
fn an_empty_ring_has_no_place() {
    assert_eq!(Ring::default().place(3), None);
}
