//! Which places may be served without a certificate.

use super::*;

/// An address.
fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The places of a command line without a certificate.
async fn found(addresses: &[&str]) -> Result<Vec<Place>> {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let args = ServerArgs {
        addresses,
        ..ServerArgs::default()
    };
    plan(&args, Vec::new()).await.map(|plan| plan.places)
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
