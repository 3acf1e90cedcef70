use super::*;

const SECOND: i64 = 1_000_000_000;

fn words(order: Order, words: &[u32]) -> Vec<u8> {
    let bytes = |word: &u32| match order {
        Order::Big => word.to_be_bytes(),
        Order::Little => word.to_le_bytes(),
    };
    words.iter().flat_map(bytes).collect()
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let size = 12 + body.len() as u32;
    [&words(order, &[kind, size]), body, &words(order, &[size])].concat()
}

fn section(order: Order) -> Vec<u8> {
    let body = words(order, &[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]);
    block(order, 0x0a0d_0d0a, &body)
}

/// Of a link and with options, each a code and a value.
fn interface(order: Order, link: u16, options: &[(u16, &[u8])]) -> Vec<u8> {
    let short = |number: u16| match order {
        Order::Big => number.to_be_bytes(),
        Order::Little => number.to_le_bytes(),
    };
    let mut body = [short(link), short(0)].concat();
    body.extend(words(order, &[8]));
    for (code, value) in options {
        body.extend([short(*code), short(value.len() as u16)].concat());
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(order, 1, &body)
}

fn packet(order: Order, interface: u32, stamp: u64, size: u32, data: [u8; 4]) -> Vec<u8> {
    let numbers = [interface, (stamp >> 32) as u32, stamp as u32, 4, size];
    let body = [&words(order, &numbers)[..], &data].concat();
    block(order, 6, &body)
}

/// Link, ns, size, data.
type Read = (u16, i64, usize, Vec<u8>);

/// The packets of a file, fed byte by byte, and whether it is broken.
fn read(file: &[u8]) -> (Vec<Read>, bool) {
    let (mut found, mut reader) = (Vec::new(), File::new());
    for byte in file {
        reader.feed(&[*byte], |p| {
            assert_eq!(p.number as usize, found.len() + 1);
            found.push((p.link, p.at, p.size, p.data.to_vec()));
        });
    }
    (found, reader.is_broken())
}

#[test]
fn pcap_in_both_orders_and_both_units() {
    for order in [Order::Big, Order::Little] {
        for (magic, unit) in [(0xa1b2_c3d4, 1000), (0xa1b2_3c4d, 1)] {
            let mut file = words(order, &[magic, 0, 0, 0, 65_535, 0x1000_0001]);
            file.extend(words(order, &[2, 3, 4, 90]));
            file.extend(b"data");
            assert!(File::knows(&file));
            let found = (1, 2 * SECOND + 3 * unit, 90, b"data".to_vec());
            assert_eq!(read(&file), (vec![found], false));
        }
    }
}

#[test]
fn pcapng_in_both_orders() {
    for order in [Order::Big, Order::Little] {
        let mut file = section(order);
        assert!(File::knows(&file));
        file.extend(interface(order, 276, &[(2, b"any"), (9, &[9]), (0, b"")]));
        file.extend(interface(order, 1, &[(9, &[0x8a])]));
        file.extend(packet(order, 0, 5 << 32, 77, *b"nano"));
        file.extend(packet(order, 1, 1536, 4, *b"bits"));
        let found = [
            (276, 5 << 32, 77, b"nano".to_vec()),
            (1, 3 * SECOND / 2, 4, b"bits".to_vec()),
        ];
        assert_eq!(read(&file), (found.to_vec(), false));
    }
}

#[test]
fn a_section_has_its_own_order_and_interfaces() {
    let mut file = section(Order::Little);
    file.extend(interface(Order::Little, 1, &[]));
    file.extend(section(Order::Big));
    file.extend(packet(Order::Big, 0, 1, 4, *b"none"));
    file.extend(interface(
        Order::Big,
        113,
        &[(14, &[0, 0, 0, 0, 0, 0, 0, 9])],
    ));
    file.extend(packet(Order::Big, 0, 7, 4, *b"here"));
    let found = (113, 9 * SECOND + 7000, 4, b"here".to_vec());
    assert_eq!(read(&file), (vec![found], false));
}

#[test]
fn what_is_no_packet_is_stepped_over() {
    let order = Order::Little;
    let mut file = section(order);
    file.extend(interface(order, 101, &[]));
    file.extend(block(order, 0x0bad, &[7; 40]));
    file.extend(block(order, 5, &vec![7; LONGEST + 8]));
    file.extend(block(
        order,
        3,
        &[&words(order, &[20]), &b"simple p"[..]].concat(),
    ));
    let old = words(order, &[0, 0, 7, 4, 90]);
    file.extend(block(order, 2, &[&old, &b"last"[..]].concat()));
    let found = [
        (101, 0, 20, b"simple p".to_vec()),
        (101, 7000, 90, b"last".to_vec()),
    ];
    assert_eq!(read(&file), (found.to_vec(), false));
}

#[test]
fn what_is_cut_off_or_damaged_is_said() {
    let mut file = section(Order::Little);
    file.extend(interface(Order::Little, 1, &[]));
    file.extend(packet(Order::Little, 0, 1, 4, *b"data"));
    assert!(read(&file[..file.len() - 1]).1);
    let length = file.len();
    file.extend(words(Order::Little, &[6, 13, 0]));
    assert_eq!(read(&file).0.len(), 1);
    assert!(read(&file).1);
    assert!(!read(&file[..length]).1);
    assert!(read(b"no capture at all, but long enough").1);
}
