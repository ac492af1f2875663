//! Octets are counted off, no more and no fewer.

use super::*;

#[test]
fn only_the_octets_announced_are_taken() {
    let mut buffer = Buffer::default();
    let mut decoder = LengthDecoder::new(5);
    assert!(matches!(decoder.decode(&mut buffer), Decoded::More));
    buffer.append(b"hel");
    assert!(matches!(decoder.decode(&mut buffer), Decoded::Data(data) if data == "hel"));
    assert_eq!(decoder.owed(), 2);
    buffer.append(b"loGET");
    assert!(matches!(decoder.decode(&mut buffer), Decoded::Data(data) if data == "lo"));
    assert!(matches!(decoder.decode(&mut buffer), Decoded::End(None)));
    assert_eq!(buffer.octets(), b"GET");
}

#[test]
fn a_length_of_64_bits_allocates_nothing_ahead() {
    let mut buffer = Buffer::default();
    let mut decoder = LengthDecoder::new(u64::MAX);
    buffer.append(b"x");
    assert!(matches!(decoder.decode(&mut buffer), Decoded::Data(data) if data.len() == 1));
    assert_eq!(decoder.owed(), u64::MAX - 1);
}

#[test]
fn an_early_end_says_how_much_was_missing() {
    let mut buffer = Buffer::default();
    let mut decoder = LengthDecoder::new(5);
    buffer.append(b"hel");
    decoder.decode(&mut buffer);
    let error = decoder.incomplete();
    assert_eq!(
        error.kind(),
        &IncompleteError::Length {
            received: 3,
            announced: 5
        }
        .into()
    );
    assert_eq!(error.offset(), 3);
}

#[test]
fn the_encoder_takes_neither_more_nor_less_than_promised() {
    let mut encoder = LengthEncoder::new(5);
    assert_eq!(encoder.count(3), Ok(()));
    assert_eq!(
        encoder.count(3),
        Err(UsageError::TooMuch {
            owed: 2,
            offered: 3
        })
    );
    assert_eq!(encoder.finish(), Err(UsageError::TooLittle { owed: 2 }));
    assert_eq!(encoder.count(2), Ok(()));
    assert_eq!(encoder.finish(), Ok(()));
}
