//! Which places may be served without a certificate, and by which URL each is reached.

use super::*;

/// An address.
fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The URLs of exact addresses under a certificate with these names.
fn of(addresses: &[&str], names: &[&str]) -> Vec<String> {
    let bound: Vec<_> = addresses
        .iter()
        .map(|text| Bound::Exact(at(text)))
        .collect();
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    urls(&bound, &names)
}

#[test]
fn both_loopbacks_are_one_url() {
    let both = Bound::Loopback(vec![at("127.0.0.1:8443"), at("[::1]:8443")]);
    assert_eq!(
        urls(&[both.clone(), both], &[]),
        ["https://localhost:8443/"]
    );
    let one = Bound::Loopback(vec![at("127.0.0.1:443")]);
    assert_eq!(urls(&[one], &[]), ["https://localhost/"]);
}

#[test]
fn two_ports_are_never_called_localhost() {
    let apart = Bound::Loopback(vec![at("127.0.0.1:1000"), at("[::1]:2000")]);
    assert_eq!(
        urls(&[apart], &[]),
        ["https://127.0.0.1:1000/", "https://[::1]:2000/"]
    );
}

#[test]
fn exact_addresses_are_reached_by_what_the_certificate_says() {
    assert_eq!(
        of(&["127.0.0.1:9000", "[::1]:9000"], &[]),
        ["https://127.0.0.1:9000/", "https://[::1]:9000/"]
    );
    assert_eq!(
        of(&["192.0.2.1:443"], &["*.example.com", "www.example.com"]),
        ["https://www.example.com/"]
    );
    assert_eq!(
        of(&["192.0.2.1:443"], &["www.example.com", "192.0.2.1"]),
        ["https://192.0.2.1/"]
    );
    assert_eq!(
        of(&["0.0.0.0:8443", "[::]:8443"], &["a.example"]),
        ["https://a.example:8443/"]
    );
    assert_eq!(of(&["0.0.0.0:8443"], &[]), ["https://localhost:8443/"]);
}
