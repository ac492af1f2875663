//! The order of addresses.

use std::net::SocketAddr;

use super::{alternating, resolve};

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
    let found = resolve("::1", 443).await.expect("an address");
    assert_eq!(found, addresses(&["[::1]:443"]));
}
