//! Verdicts over parts, wholes and nonsense.

use super::*;

/// Fields of a response.
fn fields(lines: &[(HeaderName, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in lines {
        fields.append(name, HeaderValue::from_str(value).unwrap());
    }
    fields
}

/// 100 octets with this validator, of a whole of 1000.
fn kept(validator: Option<&str>) -> Kept {
    Kept {
        length: 100,
        known: Some(Known {
            of: "digest".to_owned(),
            validator: validator.map(str::to_owned),
            total: Some(1000),
        }),
        written: parse_http_date(NOON).unwrap(),
    }
}

/// 100 octets of which nothing is known.
fn foreign() -> Kept {
    Kept {
        known: None,
        ..kept(None)
    }
}

const NOON: &str = "Mon, 02 Nov 2026 12:00:00 GMT";
const LATER: &str = "Mon, 02 Nov 2026 12:00:01 GMT";
const PART: StatusCode = StatusCode::PARTIAL_CONTENT;
const BEYOND: StatusCode = StatusCode::RANGE_NOT_SATISFIABLE;

#[test]
fn what_is_missing_is_asked_for() {
    let asked = |kept: &Kept| format!("{:?}", kept.fields());
    let tagged = kept(Some("\"a\""));
    assert_eq!(
        asked(&tagged),
        r#"[("range", "bytes=100-"), ("if-range", "\"a\"")]"#
    );
    assert_eq!(asked(&kept(Some(NOON))).matches(NOON).count(), 1);
    assert_eq!(asked(&foreign()), r#"[("range", "bytes=100-")]"#);
    let nothing = Kept {
        length: 0,
        ..tagged
    };
    assert_eq!(asked(&nothing), "[]");
    let edited = kept(Some("\"a\"\r\nEvil: b"));
    assert_eq!(asked(&edited), r#"[("range", "bytes=100-")]"#);
}

#[test]
fn a_part_that_fits_is_appended() {
    let part = fields(&[
        (header::CONTENT_RANGE, "bytes 100-999/1000"),
        (header::ETAG, "\"a\""),
    ]);
    assert_eq!(
        kept(Some("\"a\"")).judge(PART, &part),
        Ok(Verdict::Append(1000))
    );
    assert_eq!(foreign().judge(PART, &part), Ok(Verdict::Append(1000)));
    let shorter = fields(&[(header::CONTENT_RANGE, "Bytes 100-499/1000")]);
    assert_eq!(foreign().judge(PART, &shorter), Ok(Verdict::Append(1000)));
}

#[test]
fn what_has_changed_is_asked_for_again() {
    let again = Ok(Verdict::Again(CHANGED));
    let other = fields(&[
        (header::CONTENT_RANGE, "bytes 100-999/1000"),
        (header::ETAG, "\"b\""),
    ]);
    assert_eq!(kept(Some("\"a\"")).judge(PART, &other), again);
    let longer = fields(&[(header::CONTENT_RANGE, "bytes 100-1000/1001")]);
    assert_eq!(kept(Some("\"a\"")).judge(PART, &longer), again);
    let range = (header::CONTENT_RANGE, "bytes 100-999/1000");
    let late = fields(&[range.clone(), (header::LAST_MODIFIED, LATER)]);
    let early = fields(&[range, (header::LAST_MODIFIED, NOON)]);
    for kept in [foreign(), kept(None)] {
        assert!(matches!(kept.judge(PART, &late), Ok(Verdict::Again(_))));
        assert_eq!(kept.judge(PART, &early), Ok(Verdict::Append(1000)));
    }
    let proven = kept(Some(LATER)).judge(PART, &late);
    assert_eq!(proven, Ok(Verdict::Append(1000)));
    assert_eq!(kept(Some(NOON)).judge(PART, &late), again);
    let bare = kept(Some("\"a\"")).judge(PART, &late);
    assert!(matches!(bare, Ok(Verdict::Again(_))), "no tag: {bare:?}");
    let whole = fields(&[]);
    assert!(matches!(
        foreign().judge(StatusCode::OK, &whole),
        Ok(Verdict::Anew(Some(_)))
    ));
    assert!(matches!(
        kept(None).judge(StatusCode::OK, &whole),
        Ok(Verdict::Anew(Some(_)))
    ));
    let nothing = Kept {
        length: 0,
        ..foreign()
    };
    assert_eq!(
        nothing.judge(StatusCode::OK, &whole),
        Ok(Verdict::Anew(None))
    );
}

#[test]
fn nothing_behind_the_end_means_that_it_is_whole() {
    let end = |total: &str| fields(&[(header::CONTENT_RANGE, &format!("bytes */{total}"))]);
    assert_eq!(foreign().judge(BEYOND, &end("100")), Ok(Verdict::Complete));
    for total in ["99", "101"] {
        assert_eq!(
            foreign().judge(BEYOND, &end(total)),
            Ok(Verdict::Again(CHANGED))
        );
    }
    assert_eq!(
        kept(None).judge(BEYOND, &end("100")),
        Ok(Verdict::Again(CHANGED)),
        "1000 then"
    );
    assert!(foreign().judge(BEYOND, &fields(&[])).is_err());
}

#[test]
fn nonsense_is_no_part() {
    for range in [
        "bytes 99-999/1000",
        "bytes 0-999/1000",
        "bytes 100-1000/1000",
        "bytes 100-99/1000",
        "bytes 100-999/*",
        "bytes */1000",
        "bytes=100-999/1000",
        "lines 100-999/1000",
        "bytes 100-999",
        "bytes +100-999/1000",
        "bytes 100-99999999999999999999/1000",
        "",
    ] {
        let told = foreign().judge(PART, &fields(&[(header::CONTENT_RANGE, range)]));
        assert!(told.is_err(), "{range}: {told:?}");
    }
    let one = (header::CONTENT_RANGE, "bytes 100-999/1000");
    let two = [one.clone(), one];
    assert!(foreign().judge(PART, &fields(&two)).is_err());
    assert!(
        foreign().judge(PART, &fields(&[])).is_err(),
        "several parts in one body"
    );
    let nothing = Kept {
        length: 0,
        ..foreign()
    };
    assert!(nothing.judge(PART, &fields(&[])).is_err());
    for status in [204, 304, 404, 500] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(foreign().judge(status, &fields(&[])), Ok(Verdict::Other));
    }
}

#[test]
fn only_strong_validators_are_kept() {
    let of = |lines: &[(HeaderName, &str)]| Known::of("d", None, &fields(lines)).validator;
    let (tag, changed, sent) = (header::ETAG, header::LAST_MODIFIED, header::DATE);
    assert_eq!(of(&[(tag.clone(), "\"a\"")]).as_deref(), Some("\"a\""));
    assert_eq!(of(&[(tag.clone(), "W/\"a\"")]), None);
    assert_eq!(
        of(&[
            (tag, "W/\"a\""),
            (changed.clone(), NOON),
            (sent.clone(), LATER)
        ]),
        None
    );
    let lines = [(changed.clone(), NOON), (sent.clone(), LATER)];
    assert_eq!(of(&lines).as_deref(), Some(NOON));
    assert_eq!(
        of(&[(changed.clone(), NOON), (sent, NOON)]),
        None,
        "within a second"
    );
    assert_eq!(of(&[(changed, NOON)]), None);
    assert_eq!(of(&[]), None);
}
