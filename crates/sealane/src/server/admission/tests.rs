//! Whose connections are counted together?

use super::*;

fn key(address: &str) -> AddressKey {
    AddressKey::of(address.parse().unwrap())
}

#[test]
fn a_network_of_ipv6_counts_as_one_address_and_a_mapped_address_as_itself() {
    assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
    assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:ffff:ffff:ffff"));
    assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
}
