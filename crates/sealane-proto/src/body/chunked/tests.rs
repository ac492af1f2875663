//! Chunks, extensions and trailers, good and bad, at every cut.

use http::header::{HeaderName, HeaderValue};

use crate::error::{ErrorKind, Excerpt};

use super::*;

/// What a body became: its content, and the names of its trailers.
type Content = (Vec<u8>, Vec<String>);

/// Decodes a body that comes in these pieces; `None` when it is not complete.
fn decode_pieces(pieces: &[&[u8]], limits: &Limits) -> Result<Option<Content>, ProtocolError> {
    let mut buffer = Buffer::default();
    let mut decoder = ChunkedDecoder::default();
    let mut content = Vec::new();
    for piece in pieces {
        buffer.append(piece);
        loop {
            match decoder.decode(&mut buffer, limits)? {
                Decoded::Data(data) => {
                    assert!(!data.is_empty());
                    content.extend_from_slice(&data);
                }
                Decoded::More => break,
                Decoded::End(trailers) => {
                    let fields = trailers.map(|trailers| trailers.fields).unwrap_or_default();
                    let names = fields.keys().map(ToString::to_string).collect();
                    assert_eq!(
                        buffer.octets(),
                        b"",
                        "nothing behind the body in these tests"
                    );
                    return Ok(Some((content, names)));
                }
            }
        }
    }
    Ok(None)
}

/// Decodes a body that comes whole.
fn decode(body: &[u8]) -> Result<Option<Content>, ProtocolError> {
    decode_pieces(&[body], &Limits::default())
}

/// The content of a body that is complete and has no trailers.
fn content(body: &[u8]) -> Vec<u8> {
    let (content, trailers) = decode(body).expect("valid").expect("complete");
    assert!(trailers.is_empty());
    content
}

/// The error of a body.
fn refusal(body: &[u8], limits: &Limits) -> (ErrorKind, u64) {
    let error = decode_pieces(&[body], limits).expect_err("an error");
    (error.kind().clone(), error.offset())
}

#[test]
fn chunks_become_content() {
    assert_eq!(content(b"0\r\n\r\n"), b"");
    assert_eq!(
        content(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
        b"hello world"
    );
    assert_eq!(content(b"A\r\n0123456789\r\n000\r\n\r\n"), b"0123456789");
    assert_eq!(content(b"0005\r\nhe\r\no\r\n0\r\n\r\n"), b"he\r\no");
}

#[test]
fn extensions_are_judged_and_ignored() {
    for extension in [
        ";a",
        ";a=b",
        ";a=b;c=d;e",
        ";a=\"\"",
        ";a=\"q;\\\"x\"",
        ";a=\"\\\t\t \\\\\"",
        ";a=\"\u{e9}\"",
        " ;a",
        "\t ; a = b",
        ";a =b ;c",
        ";a=\"b\" ;c",
        "; \t a",
    ] {
        let body = format!("5{extension}\r\nhello\r\n0{extension}\r\n\r\n");
        assert_eq!(content(body.as_bytes()), b"hello", "{extension}");
    }
}

#[test]
fn every_cut_gives_the_same() {
    let body = b"5;a=\"b\"\r\nhello\r\n6\r\n world\r\n0\r\nX: 1\r\nY:\r\n\r\n";
    let whole = decode(body).unwrap();
    assert_eq!(
        whole,
        Some((b"hello world".to_vec(), vec!["x".into(), "y".into()]))
    );
    for cut in 0..=body.len() {
        let (first, rest) = body.split_at(cut);
        let cut_body = decode_pieces(&[first, rest], &Limits::default());
        assert_eq!(cut_body.unwrap(), whole, "cut at {cut}");
    }
    let octets: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(decode_pieces(&octets, &Limits::default()).unwrap(), whole);
    for end in 0..body.len() {
        assert_eq!(
            decode(&body[..end]).unwrap(),
            None,
            "{end} octets are not all"
        );
    }
}

/// The lengths of the pieces that a body comes out in.
fn piece_lengths(body: &[u8]) -> Vec<usize> {
    let mut buffer = Buffer::default();
    buffer.append(body);
    let mut decoder = ChunkedDecoder::default();
    std::iter::from_fn(|| match decoder.decode(&mut buffer, &Limits::default()) {
        Ok(Decoded::Data(data)) => Some(data.len()),
        _ => None,
    })
    .collect()
}

#[test]
fn small_chunks_that_wait_come_out_together() {
    let mut body = b"1\r\nx\r\n".repeat(40_000);
    body.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(piece_lengths(&body), [16_384, 16_384, 7_232]);
    assert_eq!(content(&body), b"x".repeat(40_000));

    let large = [b"2\r\nab\r\n400\r\n".to_vec(), vec![b'c'; 1024]].concat();
    assert_eq!(
        piece_lengths(&large),
        [2, 1024],
        "a large piece is not copied"
    );
    assert_eq!(piece_lengths(b"5\r\nhel"), [3], "nothing is held back");
}

#[test]
fn what_precedes_an_error_comes_out_before_it() {
    let body = b"1\r\na\r\n1\r\nb\r\nx\r\n";
    let mut buffer = Buffer::default();
    buffer.append(body);
    let mut decoder = ChunkedDecoder::default();
    let limits = Limits::default();
    let first = decoder.decode(&mut buffer, &limits);
    assert!(matches!(first, Ok(Decoded::Data(data)) if data == "ab"[..]));
    let error = decoder.decode(&mut buffer, &limits).unwrap_err();
    assert_eq!(error.kind(), &ChunkedError::SizeOctet(b'x').into());
    assert_eq!(error.offset(), 12);
}

#[test]
fn a_body_is_refused_at_the_octet_that_spoils_it() {
    use ChunkedError::*;
    for (body, kind, offset) in [
        (&b"\r\n"[..], SizeOctet(b'\r'), 0),
        (b"0x5", SizeOctet(b'x'), 1),
        (b"5g", SizeOctet(b'g'), 1),
        (b"-5", SizeOctet(b'-'), 0),
        (b"+5", SizeOctet(b'+'), 0),
        (b" 5", SizeOctet(b' '), 0),
        (b"\t5", SizeOctet(b'\t'), 0),
        (b"1_0", SizeOctet(b'_'), 1),
        (b"5\x00", SizeOctet(0), 1),
        (b"5,5", SizeOctet(b','), 1),
        (b"\"5\"", SizeOctet(b'"'), 0),
        (b";a", SizeOctet(b';'), 0),
        (b"5\n", SizeOctet(b'\n'), 1),
        (b"5 \r", SizeOctet(b'\r'), 2),
        (b"5 5", SizeOctet(b'5'), 2),
        (b"5\rh", LineEnd(b'h'), 2),
        (b"10000000000000005", SizeTooLong(16), 16),
        (b"00000000000000000", SizeTooLong(16), 16),
        (b"5;\r", ExtensionOctet(b'\r'), 2),
        (b"5;;", ExtensionOctet(b';'), 2),
        (b"5;\n", ExtensionOctet(b'\n'), 2),
        (b"5;a\n", ExtensionOctet(b'\n'), 3),
        (b"5;a\rb", LineEnd(b'b'), 4),
        (b"5;a\x00", ExtensionOctet(0), 3),
        (b"5;a b", ExtensionOctet(b'b'), 4),
        (b"5;a \r", ExtensionOctet(b'\r'), 4),
        (b"5;a=b \r", ExtensionOctet(b'\r'), 6),
        (b"5;a=\r", ExtensionOctet(b'\r'), 4),
        (b"5;a==", ExtensionOctet(b'='), 4),
        (b"5;=b", ExtensionOctet(b'='), 2),
        (b"5;a=b=", ExtensionOctet(b'='), 5),
        (b"5;a=\"b\"c", ExtensionOctet(b'c'), 7),
        (b"5;a=\"b\r", ExtensionOctet(b'\r'), 6),
        (b"5;a=\"b\n", ExtensionOctet(b'\n'), 6),
        (b"5;a=\"\\\r", ExtensionOctet(b'\r'), 6),
        (b"5;a=\"b\x7f", ExtensionOctet(0x7f), 6),
        (b"5\r\nhelloXX", LineEnd(b'X'), 8),
        (b"5\r\nhello\n", LineEnd(b'\n'), 8),
        (b"5\r\nhello\rX", LineEnd(b'X'), 9),
        (b"5\r\nhello\r\n\r\n", SizeOctet(b'\r'), 10),
        (b"5\r\nhello\r\n0\n", SizeOctet(b'\n'), 11),
    ] {
        let refused = refusal(body, &Limits::default());
        assert_eq!(refused, (kind.into(), offset), "{}", body.escape_ascii());
        assert!(
            decode(&body[..offset as usize]).is_ok(),
            "{}",
            body.escape_ascii()
        );
    }
}

#[test]
fn sizes_cannot_overflow() {
    // All of 64 bits is a size; only the octets for it can never come.
    assert_eq!(decode(b"FFFFFFFFFFFFFFFF\r\nhello").unwrap(), None);
    let limits = Limits {
        chunk_size_digits: 20,
        ..Limits::default()
    };
    let (kind, offset) = refusal(b"10000000000000000", &limits);
    assert_eq!((kind, offset), (ChunkedError::SizeOverflow.into(), 16));
    let leading_zeros = decode_pieces(&[b"0000000000000000001\r\nx\r\n0\r\n\r\n"], &limits);
    assert_eq!(leading_zeros.unwrap().unwrap().0, b"x");
    let (kind, _) = refusal(b"1\r\nx\r\nFFFFFFFFFFFFFFFF\r\n", &Limits::default());
    assert_eq!(kind, ChunkedError::SizeOverflow.into());
}

#[test]
fn extensions_are_bounded_over_the_whole_message() {
    let limits = Limits {
        chunk_extension_octets: 10,
        ..Limits::default()
    };
    let fits = b"1;aaaa\r\nx\r\n1;bbbb\r\nx\r\n0\r\n\r\n";
    assert!(decode_pieces(&[fits], &limits).is_ok());
    let (kind, _) = refusal(b"1;aaaa\r\nx\r\n1;bbbb\r\nx\r\n0;", &limits);
    assert_eq!(kind, ChunkedError::ExtensionsTooLarge(10).into());
    let (kind, _) = refusal(b"1;a=\"bbbbbbbbbbbbbbb", &limits);
    assert_eq!(kind, ChunkedError::ExtensionsTooLarge(10).into());
}

#[test]
fn trailers_are_fields_and_bounded() {
    let raw = |body: &[u8]| {
        let mut buffer = Buffer::default();
        buffer.append(body);
        match ChunkedDecoder::default().decode(&mut buffer, &Limits::default()) {
            Ok(Decoded::End(Some(trailers))) => trailers,
            other => panic!("{other:?}"),
        }
    };
    let trailers = raw(b"0\r\nX-T: 1\r\nx-t:2\r\n\r\n");
    assert_eq!(trailers.fields.get_all("x-t").iter().count(), 2);
    let lines: Vec<_> = trailers.raw.fields().collect();
    assert_eq!(lines, [(&b"X-T"[..], &b"1"[..]), (b"x-t", b"2")]);

    let limits = Limits {
        trailer_octets: 12,
        field_count: 1,
        ..Limits::default()
    };
    assert!(decode_pieces(&[b"0\r\nX: 12345\r\n\r\n"], &limits).is_ok());
    let (kind, offset) = refusal(b"0\r\nX: 123456\r\n\r\n", &limits);
    assert_eq!(
        (kind, offset),
        (FieldError::TrailersTooLarge(12).into(), 12)
    );
    let (kind, offset) = refusal(b"0\r\nX:\r\nY:\r\n", &limits);
    assert_eq!((kind, offset), (FieldError::TooMany(1).into(), 4));
}

#[test]
fn trailers_are_as_strict_as_heads() {
    let limits = Limits::default();
    for (body, kind) in [
        (&b"0\r\nX : 1\r\n\r\n"[..], FieldError::NameBlank),
        (b"0\r\nX(: 1\r\n\r\n", FieldError::NameOctet(b'(')),
        (b"0\r\nX: a\n\n", FieldError::BareLineFeed),
        (b"0\r\nX: a\r\n b\r\n\r\n", FieldError::Folded),
        (b"0\r\nGET /smuggled HTTP/1.1\r\n", FieldError::NameBlank),
        (b"0\r\n\n", FieldError::BareLineFeed),
    ] {
        assert_eq!(
            refusal(body, &limits).0,
            kind.into(),
            "{}",
            body.escape_ascii()
        );
    }
    for name in ["Content-Length", "transfer-encoding", "HOST", "Trailer"] {
        let body = format!("0\r\nX: 1\r\n{name}: 3\r\n\r\n");
        let wanted = FieldError::ForbiddenTrailer(Excerpt::new(name.to_lowercase().as_bytes()));
        assert_eq!(
            refusal(body.as_bytes(), &limits),
            (wanted.into(), 6),
            "{name}"
        );
    }
}

#[test]
fn an_early_end_says_how_much_came() {
    let mut buffer = Buffer::default();
    let mut decoder = ChunkedDecoder::default();
    buffer.append(b"5\r\nhello\r\n0");
    while let Decoded::Data(_) = decoder.decode(&mut buffer, &Limits::default()).unwrap() {}
    let error = decoder.incomplete();
    assert_eq!(error.kind(), &IncompleteError::Chunked(5).into());
    assert_eq!(error.offset(), 11);
}

#[test]
fn what_is_encoded_decodes_to_the_same() {
    let encoder = ChunkedEncoder;
    let mut out = Vec::new();
    for piece in [&b"hello"[..], &[b'x'; 300]] {
        let end = encoder.announce(piece.len() as u64, &mut out);
        out.extend_from_slice(piece);
        out.extend_from_slice(end);
    }
    let trailers: HeaderMap = [(
        HeaderName::from_static("x-t"),
        HeaderValue::from_static("1"),
    )]
    .into_iter()
    .collect();
    encoder.finish(Some(&trailers), &mut out).unwrap();
    assert!(out.starts_with(b"5\r\nhello\r\n12c\r\nxxx"));
    let (content, names) = decode(&out).unwrap().unwrap();
    assert_eq!((content.len(), names), (305, vec!["x-t".to_string()]));
}

#[test]
fn the_encoder_refuses_trailers_that_a_decoder_would() {
    let trailers: HeaderMap = [(http::header::HOST, HeaderValue::from_static("a"))]
        .into_iter()
        .collect();
    let mut out = Vec::new();
    let refused = ChunkedEncoder.finish(Some(&trailers), &mut out);
    assert_eq!(
        refused,
        Err(UsageError::ForbiddenTrailer(Excerpt::new(b"host")))
    );
    assert!(out.is_empty());
}
