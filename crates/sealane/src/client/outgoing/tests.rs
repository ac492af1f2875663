//! What a request is completed with, and which name its server must prove.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use sealane_tls::ClientTlsOptions;

use super::super::fields::Fields;
use super::super::settings::Settings;
use super::super::target::Target;
use super::{Outgoing, Words};
use crate::error::Result;

fn outgoing(
    url: &str,
    fields: &[(&'static str, &'static str)],
    sni: Option<&str>,
) -> Result<Outgoing> {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(*name, HeaderValue::from_static(value));
    }
    let context = ClientTlsOptions::new().build()?;
    let terms = Settings::default().settle().unwrap();
    let words = Words {
        method: Method::GET,
        target: Target::parse(url)?,
        version: Version::HTTP_11,
        fields: Fields::Map(map),
    };
    Outgoing::new(words, sni, true, context, terms)
}

fn name(url: &str, fields: &[(&'static str, &'static str)], sni: Option<&str>) -> String {
    let outgoing = outgoing(url, fields, sni).expect("a request");
    outgoing.name.to_str().into_owned()
}

#[test]
fn without_a_server_name_it_is_the_host() {
    assert_eq!(name("https://localhost/", &[], None), "localhost");
}

#[test]
fn the_callers_host_field_decides_which_name_is_checked() {
    let fields = &[("host", "ex.com:99")];
    assert_eq!(name("https://127.0.0.1/", fields, None), "ex.com");
}

#[test]
fn a_host_field_with_an_address_asks_for_no_name() {
    assert_eq!(
        name("https://localhost/", &[("host", "[::1]:3")], None),
        "::1"
    );
}

#[test]
fn a_server_name_wins_and_an_empty_one_leaves_the_host() {
    let fields = &[("host", "ex.com")];
    assert_eq!(
        name("https://a.example/", fields, Some("b.example")),
        "b.example"
    );
    assert_eq!(name("https://a.example/", &[], Some("")), "a.example");
}

/// The head as it would be written.
fn written(request: &Outgoing) -> String {
    use sealane_proto::{BodyLength, ClientConnection};
    let mut out = Vec::new();
    let mut connection = ClientConnection::new(std::sync::Arc::default());
    let sent = connection.send_request(&request.head(), BodyLength::Known(0), &mut out);
    sent.expect("a request that can be sent");
    String::from_utf8(out).expect("text")
}

#[test]
fn fields_of_the_caller_are_not_replaced() {
    let fields = &[
        ("host", "ex.com"),
        ("authorization", "Bearer x"),
        ("connection", "close"),
    ];
    let request = outgoing("https://u:p@a.example/", fields, None).expect("a request");
    let head = "GET / HTTP/1.1\r\nhost: ex.com\r\nauthorization: Bearer x\r\n\
                connection: close\r\n\r\n";
    assert_eq!(written(&request), head);
}

#[test]
fn host_connection_and_credentials_are_added() {
    let request = outgoing("https://u:p@a.example:444/", &[], None).expect("a request");
    let head = "GET / HTTP/1.1\r\nHost: a.example:444\r\nAuthorization: Basic dTpw\r\n\
                Connection: keep-alive\r\n\r\n";
    assert_eq!(written(&request), head);
}

#[test]
fn an_upgrade_is_named_in_connection_unless_the_caller_has_written_one() {
    let request = outgoing("https://a.example/", &[("upgrade", "websocket")], None);
    let head = written(&request.expect("a request"));
    assert!(head.contains("\r\nConnection: upgrade\r\n"), "{head}");
    let fields = &[("upgrade", "h2c"), ("connection", "close")];
    let head = written(&outgoing("https://a.example/", fields, None).expect("a request"));
    assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
    assert_eq!(head.matches("onnection: ").count(), 1, "{head}");
}

#[test]
fn debug_shows_no_secret() {
    let fields = &[("authorization", "Bearer hidden"), ("cookie", "hidden")];
    let request = outgoing("https://u:hidden@a.example/?hidden", fields, None).expect("a request");
    assert!(!format!("{request:?}").contains("hidden"));
    let options = crate::RequestOptions::new("https://u:hidden@a.example/x?hidden");
    let options = options.header("cookie", "hidden");
    assert!(!format!("{options:?}").contains("hidden"), "{options:?}");
}

/// As many field names as a map can hold at all.
fn full() -> HeaderMap {
    let mut map = HeaderMap::new();
    let mut names = (0_u32..).map(|number| format!("x-{number}"));
    let mut added = true;
    while added {
        let name = names
            .next()
            .and_then(|name| HeaderName::try_from(name).ok());
        let name = name.expect("a name");
        added = map.try_append(name, HeaderValue::from_static("x")).is_ok();
    }
    map
}

#[test]
fn a_full_map_has_room_for_our_fields_beside_it() {
    let options = crate::RequestOptions::new("https://u:p@a.example/").headers(full());
    drop(crate::request(options.clone()).expect("nothing is put into the map"));
    let error = crate::request(options.header("one", "more")).expect_err("no room");
    assert_eq!(error.code(), Some("ERR_OUT_OF_RANGE"), "{error:?}");
}

#[test]
fn two_host_fields_are_refused_before_anything_is_opened() {
    let fields = &[("host", "a.example"), ("host", "b.example")];
    let error = outgoing("https://a.example/", fields, None).expect_err("refused");
    assert_eq!(error.code(), Some("ERR_INVALID_ARG_TYPE"), "{error:?}");
}
