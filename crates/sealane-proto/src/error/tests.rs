//! Errors say where, with what, how to answer, and show nothing raw or secret.

use super::*;

#[test]
fn a_remote_error_is_one_line_with_its_place() {
    let error = ProtocolError::remote(FieldError::ValueOctet(0), Section::Head, 57);
    assert_eq!(
        error.to_string(),
        "'\\x00' cannot stand in a field value, at octet 57 of the head"
    );
    assert_eq!(error.side(), Side::Remote);
    assert_eq!(error.section(), Section::Head);
    assert_eq!(error.offset(), 57);
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(error.code(), "HPE_INVALID_HEADER_TOKEN");
}

#[test]
fn a_local_error_has_no_place_and_no_status() {
    let error = ProtocolError::from(UsageError::HeadSent);
    assert_eq!(error.to_string(), "the final head has left already");
    assert_eq!(error.side(), Side::Local);
    assert_eq!(error.section(), Section::Call);
    assert_eq!(error.status(), None);
    assert_eq!(error.code(), "ERR_HTTP_HEADERS_SENT");
}

#[test]
fn excerpts_are_escaped_and_shortened() {
    let shown = |octets: &[u8]| Excerpt::new(octets).to_string();
    assert_eq!(shown(b"a\r\n\x1b[0m\xff\""), r#""a\r\n\x1b[0m\xff\"""#);
    assert_eq!(shown(&[b'a'; 41]), format!("\"{}...\"", "a".repeat(40)));
    assert_eq!(shown(b""), "\"\"");
}

#[test]
fn excerpts_leave_out_passwords_and_queries() {
    let shown = |octets: &[u8]| Excerpt::new(octets).to_string();
    assert_eq!(
        shown(b"http://user:secret@a.example/x?token=secret"),
        "\"...@a.example/x...\""
    );
    assert_eq!(shown(b"/?@secret"), "\"/...\"");
}

#[test]
fn statuses_are_those_of_the_rfcs() {
    let status = |kind: ErrorKind| {
        ProtocolError::remote(kind, Section::Head, 0)
            .status()
            .unwrap()
            .as_u16()
    };
    let excerpt = Excerpt::new(b"x");
    assert_eq!(status(StartLineError::TargetEmpty.into()), 400);
    assert_eq!(status(StartLineError::TargetTooLong(1).into()), 414);
    assert_eq!(status(StartLineError::MethodTooLong(1).into()), 501);
    assert_eq!(
        status(StartLineError::VersionUnsupported('3', '0').into()),
        505
    );
    assert_eq!(status(StartLineError::Http2Preface.into()), 505);
    assert_eq!(status(FieldError::TooMany(1).into()), 431);
    assert_eq!(status(FieldError::HeadTooLarge(1).into()), 431);
    assert_eq!(status(FieldError::TrailersTooLarge(1).into()), 431);
    assert_eq!(status(FieldError::NameTooLong.into()), 431);
    assert_eq!(status(HostError::Missing.into()), 400);
    assert_eq!(status(FramingError::CodingAndLength.into()), 400);
    assert_eq!(status(FramingError::CodingUnknown(excerpt).into()), 501);
    assert_eq!(status(ChunkedError::ExtensionsTooLarge(1).into()), 413);
    assert_eq!(status(ChunkedError::SizeOverflow.into()), 413);
    assert_eq!(status(ChunkedError::LineEnd(b'X').into()), 400);
    assert_eq!(status(IncompleteError::Chunked(3).into()), 400);
}

#[test]
fn incomplete_messages_say_how_much_came() {
    let error = IncompleteError::Length {
        received: 5,
        announced: 50,
    };
    let error = ProtocolError::remote(error, Section::Body, 5);
    assert_eq!(
        error.to_string(),
        "the peer's side ended after 5 of 50 octets of a body, at octet 5 of the body"
    );
    assert_eq!(error.code(), "HPE_INVALID_EOF_STATE");
}

#[test]
fn an_error_is_small() {
    assert!(
        size_of::<ProtocolError>() <= 64,
        "{}",
        size_of::<ProtocolError>()
    );
}
