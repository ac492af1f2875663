//! The buffer gives octets away in order, and its memory back.

use super::*;

#[test]
fn octets_come_out_as_they_went_in() {
    let mut buffer = Buffer::default();
    buffer.append(b"abc");
    buffer.append(b"def");
    assert_eq!(buffer.octets(), b"abcdef");
    assert_eq!(buffer.take(2), b"ab"[..]);
    buffer.consume(1);
    assert_eq!(buffer.len(), 3);
    buffer.append(b"g");
    assert_eq!(buffer.take(100), b"defg"[..]);
    assert!(buffer.is_empty());
}

#[test]
fn an_empty_buffer_holds_no_memory() {
    let mut buffer = Buffer::default();
    let empty = |buffer: &Buffer| buffer.octets.capacity() == 0;
    assert!(empty(&buffer));
    buffer.append(&[0; 4096]);
    drop(buffer.take(4096));
    assert!(empty(&buffer), "after taking everything");
    buffer.append(&[0; 4096]);
    buffer.consume(4096);
    assert!(empty(&buffer), "after consuming everything");
    buffer.append(&[0; 4096]);
    buffer.clear();
    assert!(empty(&buffer), "after clearing");
}

#[test]
fn taking_a_piece_copies_nothing() {
    let mut buffer = Buffer::default();
    buffer.append(b"head and body");
    let place = buffer.octets().as_ptr();
    let head = buffer.take(4);
    assert_eq!(head.as_ptr(), place);
    assert_eq!(buffer.octets(), b" and body");
}

#[test]
fn debug_shows_no_octets() {
    let mut buffer = Buffer::default();
    buffer.append(b"secret");
    assert_eq!(format!("{buffer:?}"), "Buffer { octets: 6 }");
}
