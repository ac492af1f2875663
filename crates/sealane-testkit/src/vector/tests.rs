//! The reader refuses what it does not understand, and names it.

use super::{After, End, Expected, Octets, Role, WireFraming, WireVersion, parse, vector, vectors};

/// A vector with everything left to defaults, into which tests splice one more member.
fn minimal(more: &str) -> String {
    format!(
        r#"[{{"id": "9112-3/x", "role": "server", "octets": "", "events": [],
            "after": "open"{more}}}]"#
    )
}

/// The reason for which a text is refused.
fn refusal(text: &str) -> String {
    parse(text).expect_err("this text must be refused")
}

#[test]
fn reads_octets_as_latin_1_with_repetitions() {
    let text = minimal("").replace(
        r#""octets": """#,
        r#""octets": ["a\u0000\u00ff", {"repeat": ["xy", 3]}, "\r\n"]"#,
    );
    let vectors = parse(&text).expect("readable");
    assert_eq!(vectors[0].octets.0, b"a\x00\xffxyxyxy\r\n");
}

#[test]
fn defaults_are_an_open_server_that_answers_200() {
    let vectors = parse(&minimal("")).expect("readable");
    let vector = &vectors[0];
    assert_eq!((vector.role, vector.end), (Role::Server, End::None));
    assert_eq!((vector.answer.status, vector.answer.fields.len()), (200, 0));
    assert_eq!(vector.after, Some(After::Open));
}

#[test]
fn reads_a_request_with_its_defaults() {
    let text = minimal("").replace(
        r#""events": []"#,
        r#""events": [{"request": {"method": "GET", "target": "/\u00e9",
            "fields": [["Host", "a"], {"repeat": [["X", "1"], 2]}]}}, {"data": ["a", "b"]},
            {"end": [["T", "1"]]}, {"closed": true}]"#,
    );
    let events = parse(&text).expect("readable").remove(0).events;
    let Expected::Request(request) = &events[0] else {
        panic!("not a request: {events:?}")
    };
    assert_eq!(
        (request.version, request.framing),
        (WireVersion::Http11, WireFraming::Empty)
    );
    assert!(!request.upgrade && !request.expects_continue);
    assert_eq!(&request.target[..], b"/\xe9");
    assert_eq!(request.fields.0.len(), 3);
    assert_eq!(events[1], Expected::Data(Octets(b"ab".to_vec())));
}

#[test]
fn refuses_a_character_that_is_no_octet() {
    let text = minimal("").replace(r#""octets": """#, r#""octets": "€""#);
    assert!(refusal(&text).contains("'€' is no octet"));
}

#[test]
fn refuses_a_member_it_does_not_know() {
    assert!(refusal(&minimal(r#", "offset": 3"#)).contains("9112-3/x: unknown field `offset`"));
}

#[test]
fn refuses_a_repetition_that_would_fill_the_memory() {
    let text = minimal("").replace(
        r#""octets": """#,
        r#""octets": [{"repeat": ["x", 99999999]}]"#,
    );
    assert!(refusal(&text).contains("repetition"));
}

#[test]
fn refuses_contradictions() {
    let error = r#"[{"error": {"kind": "Host"}}]"#;
    let after_error = minimal("").replace("[]", error);
    assert!(refusal(&after_error).contains("`after`"));
    let early = minimal("").replace("[]", &error.replace("]", r#", {"end": []}]"#));
    assert!(refusal(&early).contains("after an error"));
    let client = minimal("").replace("server", "client");
    assert!(refusal(&client).contains("the request"));
    let split = minimal("").replace("[]", r#"[{"data": "a"}, {"data": "b"}]"#);
    assert!(refusal(&split).contains("joined"));
    for id in ["9112-3", "rfc/x", "9112-3/"] {
        assert!(
            refusal(&minimal("").replace("9112-3/x", id)).contains("an id is"),
            "{id}"
        );
    }
}

#[test]
fn the_folder_reads_whole_and_covers_both_roles() {
    let vectors = vectors().expect("every vector file reads");
    let servers = vectors
        .iter()
        .filter(|vector| vector.role == Role::Server)
        .count();
    assert!(servers >= 100, "{servers} vectors for servers");
    assert!(
        vectors.len() - servers >= 50,
        "{} vectors for clients",
        vectors.len() - servers
    );
}

#[test]
fn a_vector_is_found_by_its_id() {
    let found = vector("9112-7.1/chunked-with-trailer").expect("it is the example of the docs");
    assert_eq!(found.role, Role::Server);
    let missing = vector("9112-7.1/no-such").expect_err("no such id");
    assert!(missing.to_string().contains("no-such"), "{missing}");
}
