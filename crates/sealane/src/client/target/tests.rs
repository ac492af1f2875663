//! What URLs, hosts and paths mean.

use http::{Method, Uri};

use super::{Target, check_characters, check_form, host, host_of_field};
use crate::error::Result;

fn parsed(text: &str) -> Target {
    Target::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn check_path(method: &Method, path: &str) -> Result<()> {
    check_characters(path)?;
    check_form(method, path)
}

fn code_of(text: &str) -> Option<&'static str> {
    let target = Target::parse(text).and_then(|target| target.check(&Method::GET));
    target.expect_err("refused").code()
}

#[test]
fn c265_what_is_no_url_is_refused_by_name() {
    assert_eq!(code_of("foo"), Some("ERR_INVALID_URL"));
    assert_eq!(code_of("https://"), Some("ERR_INVALID_URL"));
    assert_eq!(code_of("http://a.example/"), Some("ERR_INVALID_PROTOCOL"));
    assert_eq!(code_of("mailto:a"), Some("ERR_INVALID_PROTOCOL"));
}

#[test]
fn c268_percent_encoded_credentials_are_decoded() {
    let target = parsed("https://us%40er:p%3Ass@a.example/");
    let value = target.authorization.expect("an Authorization field");
    // "us@er:p:ss" in base64.
    assert_eq!(value, "Basic dXNAZXI6cDpzcw==");
    assert!(value.is_sensitive());
}

#[test]
fn c269_an_ipv6_host_loses_its_brackets_and_gets_them_back_in_host() {
    let target = parsed("https://[::1]:8443/x");
    assert_eq!(&*target.host, "::1");
    assert_eq!(target.host_field().as_deref(), Some("[::1]:8443"));
    let plain = parsed("https://[::1]/").host_field();
    assert_eq!(plain.as_deref(), Some("[::1]"));
}

#[test]
fn c270_without_a_port_it_is_443_and_host_says_none() {
    let target = parsed("https://a.example/x?y#z");
    assert_eq!(target.port, 443);
    assert_eq!(target.host_field(), None, "just the host");
    assert_eq!(target.path, "/x?y", "the fragment is never sent");
}

#[test]
fn c271_a_path_with_a_space_or_beyond_ascii_is_refused() {
    for path in ["/a b", "/ü", "/\u{100}", "/a\r\nb", "/a#b"] {
        let error = check_path(&Method::GET, path).expect_err(path);
        assert_eq!(error.code(), Some("ERR_UNESCAPED_CHARACTERS"), "{path:?}");
    }
}

#[test]
fn a_path_begins_with_a_slash_or_is_the_star_of_options() {
    check_path(&Method::GET, "/?a=1").expect("a path");
    check_path(&Method::OPTIONS, "*").expect("the asterisk form");
    assert!(check_path(&Method::GET, "*").is_err());
    assert!(check_path(&Method::GET, "?a=1").is_err());
    for target in ["a.example:443", "[::1]:8443", "192.0.2.1:1"] {
        check_path(&Method::CONNECT, target).expect("the authority form");
        assert!(check_path(&Method::GET, target).is_err());
    }
    for target in [
        "/",
        "a.example",
        ":443",
        "a.example:",
        "a.example:0",
        "a:+1",
        "u@a:1",
        "/:1",
    ] {
        assert!(check_path(&Method::CONNECT, target).is_err(), "{target}");
    }
}

#[test]
fn hosts_are_normalised_before_anything_is_checked() {
    assert_eq!(&*parsed("https://EXAMPLE.com").host, "example.com");
    assert_eq!(&*parsed("https://127.1/").host, "127.0.0.1");
    assert_eq!(&*host("2001:DB8::1").expect("an address"), "2001:db8::1");
    assert_eq!(
        &*host("Bücher.example").expect("a name"),
        "xn--bcher-kva.example"
    );
    assert!(host("a b").is_err());
    assert!(host("a\0b").is_err());
    assert!(host("").is_err());
}

#[test]
fn a_uri_means_what_its_text_means() {
    let uri: Uri = "https://u:p@a.example:444/x?y".parse().expect("a URI");
    let target = Target::of_uri(&uri).expect("a target");
    assert_eq!((&*target.host, target.port), ("a.example", 444));
    assert_eq!(target.path, "/x?y");
    assert!(target.authorization.is_some());
    let relative: Uri = "/x".parse().expect("a URI");
    let error = Target::of_uri(&relative).err().expect("no host");
    assert_eq!(error.code(), Some("ERR_INVALID_URL"));
}

#[test]
fn the_host_of_a_host_field_is_what_the_module_takes() {
    assert_eq!(host_of_field("ex.com:99"), "ex.com");
    assert_eq!(host_of_field("[::1]:3"), "::1");
    assert_eq!(host_of_field("[::1"), "[::1");
    assert_eq!(host_of_field("ex.com"), "ex.com");
}

#[test]
fn errors_show_neither_password_nor_query() {
    let error = Target::parse("https://user:secret@a b/?token=1").err();
    let text = error.expect("a bad host").to_string();
    assert!(
        !text.contains("secret") && !text.contains("token"),
        "{text}"
    );
}

#[test]
fn plain_names_mean_what_the_url_rules_make_of_them() {
    let texts = [
        "a.example",
        "localhost",
        "a.b-c.d0",
        "a.example.",
        "0x7f.1",
        "1.2.3.4",
        "127.1",
        "a.1",
        "a..b",
        ".a",
        "xn--bcher-kva.example",
        "xn--a",
        "a.0x1",
        "a.x1",
        "-a",
        "a.",
        ".",
        "",
    ];
    for text in texts {
        let by_rules = url::Host::parse(text).ok().map(|host| host.to_string());
        assert_eq!(host(text).ok().as_deref(), by_rules.as_deref(), "{text:?}");
    }
}

#[test]
fn errors_show_no_part_of_a_password_that_looks_like_something_else() {
    for (url, parts) in [
        ("https://admin:s3cret#1@host/", ["s3cret", "admin"]),
        ("https://admin:s3c?ret@host/", ["s3c", "ret"]),
        ("https://admin:pa/ss@ho st/", ["pa", "ss@"]),
        ("https://admin:p@ss:w@ho st/?token=1", ["p@ss", "token"]),
    ] {
        let text = Target::parse(url).err().expect(url).to_string();
        for part in parts {
            assert!(!text.contains(part), "{text}");
        }
    }
    let error = check_path(&Method::GET, "/file?token=abc def").expect_err("a space");
    let text = error.to_string();
    assert!(text.contains("/file") && !text.contains("abc"), "{text}");
    let error = check_path(&Method::GET, "file?token=abc").expect_err("no slash");
    assert!(!error.to_string().contains("abc"), "{error}");
}

fn of_uri(text: &str) -> Result<Target> {
    let uri: Uri = text.parse().unwrap_or_else(|_| panic!("{text} is a URI"));
    Target::of_uri(&uri)
}

#[test]
fn a_uri_with_a_port_beyond_the_ports_does_not_mean_the_default_one() {
    for url in ["https://a.example:70000/", "https://u:p@[::1]:65536/"] {
        let error = of_uri(url).err().expect(url);
        assert_eq!(error.code(), Some("ERR_INVALID_URL"), "{error:?}");
        assert!(error.to_string().contains("port"), "{error}");
    }
    for (url, port) in [
        ("https://a.example:/", 443),
        ("https://a.example/", 443),
        ("https://[::1]/", 443),
        ("https://u:70000@a.example/", 443),
        ("https://[::1]:65535/", 65535),
    ] {
        assert_eq!(of_uri(url).expect(url).port, port, "{url}");
    }
}

#[test]
fn a_uri_with_a_query_and_no_path_asks_for_the_root() {
    for (url, path) in [
        ("https://a.example?x=1", "/?x=1"),
        ("https://a.example", "/"),
        ("https://a.example/x?y=/", "/x?y=/"),
    ] {
        let target = of_uri(url).expect(url);
        assert_eq!(target.path, path, "{url}");
        check_path(&Method::GET, &target.path).expect("a path");
    }
}

#[test]
fn a_uri_without_a_user_makes_no_credentials() {
    for url in ["https://@a.example/", "https://a.example/"] {
        assert_eq!(of_uri(url).expect(url).authorization, None, "{url}");
        assert_eq!(parsed(url).authorization, None, "{url}");
    }
    let named = of_uri("https://u@a.example/").expect("a user");
    // "u:" in base64.
    assert_eq!(named.authorization.expect("a field"), "Basic dTo=");
}

#[test]
fn a_uri_without_a_scheme_is_not_absolute() {
    let error = of_uri("a.example:1").err().expect("no scheme");
    assert_eq!(error.code(), Some("ERR_INVALID_URL"), "{error:?}");
}
