//! Buffers: filled at the end, consumed at the front, kept by size.
#![allow(clippy::unwrap_used)]

use surehop_hop::buffer::{Buf, Buffers, LARGE, SMALL};

#[test]
fn bytes_come_out_in_the_order_they_went_in() {
    let mut buf = Buf::new(8);
    buf.push(b"abcdef");
    buf.consume(4);
    assert_eq!((buf.data(), buf.len()), (&b"ef"[..], 2));
    assert_eq!(buf.space().len(), 2);
    buf.compact();
    assert_eq!(buf.data(), b"ef");
    assert_eq!(buf.space().len(), 6);
    buf.space()[..3].copy_from_slice(b"ghi");
    buf.filled(3);
    assert_eq!(buf.data(), b"efghi");
    buf.truncate(1);
    assert_eq!(buf.data(), b"e");
}

#[test]
fn an_emptied_buffer_has_all_its_room_again() {
    let mut buf = Buf::new(4);
    buf.push(b"abcd");
    assert!(buf.space().is_empty());
    buf.consume(4);
    assert!(buf.is_empty());
    assert_eq!(buf.space().len(), 4);
}

#[test]
fn a_buffer_given_back_is_handed_out_empty() {
    let buffers = Buffers::default();
    let mut small = buffers.small();
    small.push(b"secret");
    let place = small.data().as_ptr();
    buffers.give(small);
    let again = buffers.small();
    assert!(again.is_empty());
    assert_eq!(again.data().as_ptr(), place, "it is the same");
    assert_eq!(
        (again.capacity(), buffers.large().capacity()),
        (SMALL, LARGE)
    );
}

#[test]
fn a_buffer_of_another_size_is_not_kept() {
    let buffers = Buffers::default();
    buffers.give(Buf::new(10));
    assert_eq!(
        (buffers.small().capacity(), buffers.large().capacity()),
        (SMALL, LARGE)
    );
}
