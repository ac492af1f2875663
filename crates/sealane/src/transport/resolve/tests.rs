//! The order of addresses, and what a hook may answer.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::{Family, Lookup, MOST_ADDRESSES, alternating, resolve};

fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
    let parse = |text: &&str| text.parse().expect("an address");
    texts.iter().map(parse).collect()
}

#[test]
fn families_alternate_beginning_with_the_first() {
    let found = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
    let order = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
    assert_eq!(alternating(found), order);
    let found = addresses(&["1.1.1.1:1", "[::1]:1"]);
    assert_eq!(alternating(found.clone()), found);
}

#[tokio::test]
async fn an_address_is_its_own_answer() {
    let found = resolve("::1", 443, Family::Any, None).await;
    assert_eq!(found.expect("an address"), addresses(&["[::1]:443"]));
    let other = resolve("::1", 443, Family::V4, None).await;
    let error = other.expect_err("it is no IPv4 address");
    assert_eq!(error.code(), Some("ENOTFOUND"));
    assert!(error.to_string().contains("no IPv4 address"), "{error}");
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[tokio::test]
async fn a_hook_is_asked_about_names_alone_and_its_answer_is_bounded() {
    let many = Lookup::new(|name, family| async move {
        assert_eq!((name.as_str(), family), ("a.example", Family::V4));
        let numbers = 0..=u16::MAX;
        let address = |number: u16| IpAddr::from([10, 0, (number >> 8) as u8, number as u8]);
        Ok([ip("::1"), ip("10.0.0.0")]
            .into_iter()
            .chain(numbers.map(address))
            .collect())
    });
    let found = resolve("a.example", 1, Family::V4, Some(&many)).await;
    let found = found.expect("addresses");
    assert_eq!(found.len(), MOST_ADDRESSES);
    assert_eq!(found[..2], addresses(&["10.0.0.0:1", "10.0.0.1:1"]));
    let literal = resolve("127.0.0.1", 1, Family::V4, Some(&many)).await;
    assert_eq!(literal.expect("itself"), addresses(&["127.0.0.1:1"]));
}

#[tokio::test]
async fn a_hook_that_gives_nothing_fails_or_panics_is_an_error() {
    let empty = Lookup::new(|_, _| async { Ok(Vec::new()) });
    let failing = Lookup::new(|_, _| async { Err(io::Error::other("no\nsuch host, try again")) });
    let panicking = Lookup::new(|_, _| async { panic!("of the hook's own") });
    let early = Lookup::new(|_, _| -> std::future::Ready<io::Result<Vec<IpAddr>>> {
        panic!("before there is a future")
    });
    let cases = [
        (empty, "the answer is empty"),
        (failing, "no\\nsuch host"),
        (panicking, "the lookup hook panicked"),
        (early, "the lookup hook panicked"),
    ];
    for (hook, text) in cases {
        let found = resolve("a.example", 1, Family::Any, Some(&hook)).await;
        let error = found.expect_err("there is no address");
        assert_eq!(error.code(), Some("ENOTFOUND"));
        assert!(error.to_string().contains(text), "{error}");
    }
}
