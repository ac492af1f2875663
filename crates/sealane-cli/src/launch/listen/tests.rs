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

/// The places of a command line without a certificate.
async fn found(addresses: &[&str]) -> Result<Vec<Place>> {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    places(&ServerArgs {
        addresses,
        ..ServerArgs::default()
    })
    .await
}

#[tokio::test]
async fn only_this_machine_is_served_without_a_certificate() {
    let local = found(&["9000", "127.8.9.1:80", "[::1]:80"]).await.unwrap();
    assert_eq!(local[0], Place::Loopback(9000));
    assert_eq!(local.len(), 3);
    for address in [
        "0.0.0.0:9000",
        "[::]:9000",
        "192.0.2.1:9000",
        "[::ffff:127.0.0.1]:9000",
    ] {
        let failure = found(&["9000", address]).await.unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        let said = failure.to_string();
        assert!(said.contains("can be reached by other machines"), "{said}");
        assert!(
            said.contains("hint: give --cert and --key") && said.contains("--addr 9000"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn an_address_that_is_named_twice_is_taken_once() {
    let once = found(&[
        "[::1]:80",
        "80",
        ":80",
        "127.0.0.1:80",
        "127.0.0.2:80",
        "127.0.0.2:80",
    ]);
    let other = Place::Exact(at("127.0.0.2:80"));
    assert_eq!(once.await.unwrap(), [Place::Loopback(80), other]);
    let free = found(&["0", "0", "127.0.0.1:0", "127.0.0.1:0"])
        .await
        .unwrap();
    assert_eq!(free.len(), 4, "each time another port");
}
