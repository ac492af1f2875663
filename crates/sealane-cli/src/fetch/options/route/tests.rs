//! Options of the way as they are written.

use super::*;

#[test]
fn addresses_of_names() {
    let read = resolve("Www.Example:443:192.0.2.7,[::1],::2").unwrap();
    assert_eq!((read.host.as_str(), read.port), ("www.example", 443));
    let shown: Vec<_> = read.addresses.iter().map(IpAddr::to_string).collect();
    assert_eq!(shown, ["192.0.2.7", "::1", "::2"]);
    for (text, wanted) in [
        ("", "write HOST:PORT:ADDRESS"),
        ("a:443", "write HOST:PORT:ADDRESS"),
        (":443:::1", "write HOST:PORT:ADDRESS"),
        ("*:443:::1", "write HOST:PORT:ADDRESS"),
        ("10.0.0.1:443:::1", "10.0.0.1 is an address"),
        ("a:x:::1", "is no port"),
        ("a:70000:::1", "is no port"),
        ("a:443:b", "\"b\" is no address"),
        ("a:443:", "\"\" is no address"),
        ("a:0:::1", "\"0\" is no port"),
        ("a:+1:::1", "is no port"),
        (".:443:::1", "write HOST:PORT:ADDRESS"),
        ("a b:443:::1", "write HOST:PORT:ADDRESS"),
        ("0x7f.1:443:::1", "0x7f.1 is an address"),
    ] {
        let said = resolve(text).unwrap_err();
        assert!(said.contains(wanted), "{text}: {said}");
    }
}

#[test]
fn names_are_read_as_those_of_urls_are() {
    for (text, wanted) in [
        ("Www.Example.:443:::1", "www.example"),
        ("b\u{fc}cher.example:443:::1", "xn--bcher-kva.example"),
    ] {
        assert_eq!(resolve(text).unwrap().host, wanted);
    }
}

#[test]
fn a_password_is_not_shown() {
    let url = ProxyUrl::from("http://me:secret@proxy");
    assert_eq!(format!("{url:?}"), "ProxyUrl");
}
