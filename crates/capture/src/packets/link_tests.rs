use super::{UnknownLink, inner};

const IP: [u8; 3] = [0x45, 7, 7];

fn framed(head: &[u8]) -> Vec<u8> {
    [head, &IP].concat()
}

#[test]
fn every_link_that_is_known() {
    let ethernet = framed(&[&[9; 12][..], &[8, 0]].concat());
    let tagged = framed(&[&[9; 12][..], &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x86, 0xdd]].concat());
    let cooked = framed(&[&[9; 14][..], &[8, 0]].concat());
    let cooked_tagged = framed(&[&[9; 14][..], &[0x81, 0, 0, 5, 8, 0]].concat());
    let cooked2 = framed(&[&[0x86, 0xdd][..], &[9; 18]].concat());
    let null = framed(&[2, 0, 0, 0]);
    for (link, frame) in [
        (1, &ethernet),
        (1, &tagged),
        (113, &cooked),
        (113, &cooked_tagged),
        (276, &cooked2),
        (0, &null),
        (108, &null),
        (101, &IP.to_vec()),
    ] {
        assert_eq!(inner(link, frame), Ok(Some(&IP[..])), "link {link}");
        for cut in 0..frame.len() {
            let found = inner(link, &frame[..cut]).unwrap();
            assert!(found.is_none_or(|found| found.len() < 3));
        }
    }
}

#[test]
fn what_is_no_ip() {
    let arp = framed(&[&[9; 12][..], &[8, 6]].concat());
    assert_eq!(inner(1, &arp), Ok(None));
    assert_eq!(inner(105, &arp), Err(UnknownLink));
}
