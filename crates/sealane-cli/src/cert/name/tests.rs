//! Which texts are names.

use super::*;

/// Reads a name.
fn read(text: &str) -> std::result::Result<String, String> {
    text.parse::<Name>().map(|name| name.to_string())
}

#[test]
fn names_and_addresses_are_told_apart() {
    for (text, wanted) in [
        ("localhost", "localhost"),
        ("Files.Example", "files.example"),
        ("*.example.com", "*.example.com"),
        ("my_box", "my_box"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("::1", "::1"),
    ] {
        assert_eq!(read(text).as_deref(), Ok(wanted), "{text}");
    }
    assert!(matches!("::1".parse(), Ok(Name::Address(_))));
    let long = format!("{}.example", "a".repeat(63));
    assert_eq!(read(&long), Ok(long.clone()));
}

#[test]
fn what_no_client_could_match_is_refused() {
    let label = format!("{}.example", "a".repeat(64));
    let whole = vec!["abcdefg"; 33].join(".");
    for (text, wanted) in [
        ("", "a part between the dots is missing"),
        ("a..b", "a part between the dots is missing"),
        ("a.example.", "a part between the dots is missing"),
        ("https://a.example/", "give the host of the URL alone"),
        ("a/b", "give the host of the URL alone"),
        ("a.example:443", "without a port"),
        ("[::1]", "without brackets"),
        ("fe80::1%eth0", "without a port"),
        ("b\u{fc}cher.example", "is not ASCII"),
        ("-a", "see its part \"-a\""),
        ("a-.example", "see its part \"a-\""),
        ("a b", "see its part \"a b\""),
        ("../../etc", "give the host of the URL alone"),
        ("*", "* can only be"),
        ("*.com", "whole top-level domain"),
        ("a.*.example", "* can only be"),
        ("a*.example", "see its part \"a*\""),
        ("300.1.1.1", "neither an IP address nor a host name"),
        ("1.2.3", "neither an IP address nor a host name"),
        ("a\x1b[2J", "see its part"),
        (&label, "see its part"),
        (&whole, "longer than 253"),
    ] {
        let said = read(text).unwrap_err();
        assert!(said.contains(wanted), "{text:?}: {said}");
        assert!(!said.contains(char::is_control), "{said:?}");
    }
}

#[test]
fn repeats_count_once_and_the_number_is_bounded() {
    let names = ["a", "A", "::1", "0:0::1"].map(|name| name.parse().unwrap());
    assert_eq!(distinct(&names).unwrap().len(), 2);
    let many: Vec<Name> = (0..101).map(|i| format!("n{i}").parse().unwrap()).collect();
    assert!(distinct(&many[..100]).is_ok());
    assert_eq!(distinct(&many).unwrap_err().exit_code(), 2);
}
