//! In which order what is wrong is told, and that nothing given can break a head.

use std::time::Duration;

use http::{HeaderName, Version};
use proptest::prelude::*;

use crate::{Agent, AgentOptions, Error, RequestOptions};

/// Why a request is refused.
fn refusal(options: RequestOptions) -> Error {
    crate::request(options).expect_err("refused")
}

/// Makes something about a request wrong.
type Breaking = fn(RequestOptions) -> RequestOptions;

/// Everything that can be wrong, each with its code, in the order of reference §4.
fn wrongs() -> Vec<(&'static str, Breaking)> {
    vec![
        ("ERR_UNESCAPED_CHARACTERS", |all| all.path("/a b")),
        ("ERR_INVALID_PROTOCOL", |all| all),
        ("ERR_INVALID_URL", |all| all.hostname("a b")),
        ("ERR_OUT_OF_RANGE", |all| all.timeout(Duration::ZERO)),
        ("ERR_INVALID_HTTP_TOKEN", |all| all.method("A B")),
        ("ERR_OUT_OF_RANGE", |all| all.max_header_size(1)),
        ("ERR_INVALID_CHAR", |all| {
            all.header("x", "a\nb").header("y z", "")
        }),
        ("ERR_INVALID_ARG_VALUE", |all| {
            all.local_address([127, 0, 0, 1].into())
                .family(crate::Family::V6)
        }),
        ("ERR_SSL_NO_CIPHER_MATCH", |all| all.ciphers("nonsense")),
    ]
}

#[test]
fn what_is_wrong_is_told_in_the_modules_order() {
    let wrongs = wrongs();
    for first in 0..wrongs.len() {
        // The protocol is part of the URL: a wrong one for those before it and for itself.
        let url = match first {
            0 | 1 => "ftp://a.example/",
            _ => "https://a.example/",
        };
        let mut options = RequestOptions::new(url);
        for (_, break_it) in &wrongs[first..] {
            options = break_it(options);
        }
        let error = refusal(options);
        assert_eq!(error.code(), Some(wrongs[first].0), "{first}: {error}");
    }
    let worst = wrongs
        .iter()
        .fold(RequestOptions::new("https://"), |all, (_, break_it)| {
            break_it(all)
        });
    assert_eq!(refusal(worst).code(), Some("ERR_INVALID_URL"));
}

#[test]
fn the_first_field_that_is_wrong_is_told() {
    let options = RequestOptions::new("https://a.example/");
    let name = options.clone().header("a b", "c\0d").header("e", "\r");
    let error = refusal(name);
    assert_eq!(error.code(), Some("ERR_INVALID_HTTP_TOKEN"));
    assert!(error.to_string().contains("[\"a b\"]"), "{error}");
    let error = refusal(options.clone().header("e", "\r").header("a b", ""));
    assert_eq!(error.code(), Some("ERR_INVALID_CHAR"));
    assert!(error.to_string().contains("[\"e\"]"), "{error}");
    let mended = options.header("a b", "").header_list([("X-A", "1")]);
    drop(crate::request(mended).expect("the fields were given anew"));
}

#[test]
fn a_method_is_a_token_in_upper_case() {
    let agent = Agent::new(AgentOptions::new()).expect("an agent");
    let asked = |method: &str| {
        let options = RequestOptions::new("https://a.example/").method(method);
        options.prepared(&agent).map(|request| request.method)
    };
    assert_eq!(asked("post").expect("a method"), http::Method::POST);
    assert_eq!(asked("m-Search").expect("a method").as_str(), "M-SEARCH");
    for method in ["A B", "", "GET\r\n", "\u{e9}"] {
        let error = asked(method).expect_err(method);
        assert_eq!(error.code(), Some("ERR_INVALID_HTTP_TOKEN"), "{error}");
    }
}

#[test]
fn versions_that_are_not_spoken_are_refused_by_name() {
    for version in [Version::HTTP_09, Version::HTTP_2, Version::HTTP_3] {
        let error = refusal(RequestOptions::new("https://a.example/").version(version));
        assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"));
        assert!(error.to_string().contains("HTTP/"), "{error}");
    }
}

#[test]
fn names_that_shall_be_unique_are_names() {
    let options = RequestOptions::new("https://a.example/").unique_headers(["x-a", "b c"]);
    let error = refusal(options);
    assert_eq!(error.code(), Some("ERR_INVALID_HTTP_TOKEN"), "{error}");
}

proptest! {
    #[test]
    fn no_text_breaks_a_head(
        hostname in prop::option::of(".{0,12}"),
        path in prop::option::of("/?.{0,12}"),
        method in "\\PC{0,4}|[a-z]{1,8}",
        auth in prop::option::of(".{0,12}"),
        lines in prop::collection::vec((".{0,6}|[a-z-]{1,8}", ".{0,12}"), 0..4),
    ) {
        let mut options = RequestOptions::new("https://a.example/x").method(&method);
        if let Some(hostname) = hostname {
            options = options.hostname(hostname);
        }
        if let Some(path) = path {
            options = options.path(path);
        }
        if let Some(auth) = auth {
            options = options.auth(auth);
        }
        options = options.header_list(lines.iter().map(|(name, value)| (name, value.as_str())));
        let agent = crate::global_agent().expect("an agent");
        let Ok(request) = options.prepared(&agent) else {
            return Ok(());
        };
        let mut out = Vec::new();
        let mut connection = sealane_proto::ClientConnection::new(std::sync::Arc::default());
        let length = sealane_proto::BodyLength::Known(0);
        if connection.send_request(&request.head(), length, &mut out).is_err() {
            prop_assert!(out.is_empty());
            return Ok(());
        }
        let mut reader = sealane_proto::ServerConnection::new(
            std::sync::Arc::default(),
            std::sync::Arc::default(),
            sealane_proto::Moment(0),
        );
        reader.receive(&out, sealane_proto::Moment(0));
        let event = reader.poll_event(sealane_proto::Moment(0));
        let Ok(Some(sealane_proto::Event::Request(head))) = event else {
            return Err(TestCaseError::fail(format!("{event:?}")));
        };
        let known = |name: &HeaderName| {
            lines.iter().any(|(given, _)| given.eq_ignore_ascii_case(name.as_str()))
        };
        for name in head.fields.keys() {
            let added = ["host", "authorization", "connection", "content-length"];
            prop_assert!(known(name) || added.contains(&name.as_str()), "{name}");
        }
        prop_assert!(head.fields.len() <= lines.len() + 4);
    }
}
