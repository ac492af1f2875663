//! Whatever comes is content, and only an announced end completes it.

use super::*;

#[test]
fn everything_is_content() {
    let mut buffer = Buffer::default();
    let mut decoder = UntilCloseDecoder::default();
    assert!(matches!(decoder.decode(&mut buffer), Decoded::More));
    buffer.append(b"0\r\n\r\n");
    assert!(matches!(decoder.decode(&mut buffer), Decoded::Data(data) if data == "0\r\n\r\n"));
    assert!(buffer.is_empty());
}

#[test]
fn an_end_without_notice_is_an_error() {
    let mut buffer = Buffer::default();
    let mut decoder = UntilCloseDecoder::default();
    buffer.append(b"hello");
    decoder.decode(&mut buffer);
    assert_eq!(decoder.end_input(InputEnd::Orderly, false), Ok(()));
    let error = decoder.end_input(InputEnd::Truncated, false).unwrap_err();
    assert_eq!(error.kind(), &IncompleteError::UntilClose(5).into());
}
