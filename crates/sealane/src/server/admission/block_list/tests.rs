//! Is an address in the list when, and only when, a rule has it?

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn addresses_ranges_and_subnets_are_found_at_their_edges() {
    let list = BlockList::new()
        .address(ip("203.0.113.9"))
        .range(ip("198.51.100.10"), ip("198.51.100.20"))
        .unwrap()
        .subnet(ip("10.128.0.0"), 9)
        .unwrap()
        .subnet(ip("2001:db8::"), 33)
        .unwrap();
    let inside = [
        "203.0.113.9",
        "198.51.100.10",
        "198.51.100.20",
        "10.128.0.0",
        "10.255.255.255",
        "2001:db8::",
        "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff",
    ];
    let outside = [
        "203.0.113.8",
        "203.0.113.10",
        "198.51.100.9",
        "198.51.100.21",
        "10.127.255.255",
        "11.0.0.0",
        "2001:db8:8000::",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    for address in inside {
        assert!(list.check(ip(address)), "{address}");
    }
    for address in outside {
        assert!(!list.check(ip(address)), "{address}");
    }
}

#[test]
fn an_address_mapped_in_ipv6_is_the_same() {
    let four = BlockList::new().subnet(ip("10.0.0.0"), 8).unwrap();
    assert!(four.check(ip("::ffff:10.1.2.3")));
    assert!(!four.check(ip("::10.1.2.3")), "that is another address");
    let six = BlockList::new().address(ip("::ffff:192.0.2.1"));
    assert!(six.check(ip("192.0.2.1")));
    let range = BlockList::new()
        .range(ip("::ffff:192.0.2.1"), ip("192.0.2.9"))
        .unwrap();
    assert!(range.check(ip("192.0.2.5")));
    let all = BlockList::new().subnet(ip("::"), 0).unwrap();
    assert!(all.check(ip("192.0.2.1")) && all.check(ip("2001:db8::1")));
    let none_of_six = BlockList::new().subnet(ip("0.0.0.0"), 0).unwrap();
    assert!(none_of_six.check(ip("255.255.255.255")) && !none_of_six.check(ip("2001:db8::1")));
}

#[test]
fn rules_are_written_as_the_module_writes_them() {
    let list = ["192.0.2.1", "10.0.0.1-10.0.0.10", "2001:db8::/64"]
        .into_iter()
        .try_fold(BlockList::new(), BlockList::rule)
        .unwrap();
    let written: Vec<_> = list.rules().collect();
    let expected = [
        "Address: IPv4 192.0.2.1",
        "Range: IPv4 10.0.0.1-10.0.0.10",
        "Subnet: IPv6 2001:db8::/64",
    ];
    assert_eq!(written, expected);
}

#[test]
fn what_is_no_rule_is_refused_with_its_value() {
    let cases = [
        ("", "ERR_INVALID_ADDRESS"),
        ("localhost", "ERR_INVALID_ADDRESS"),
        ("10.0.0.0/+8", "ERR_INVALID_ADDRESS"),
        ("10.0.0.0/", "ERR_INVALID_ADDRESS"),
        ("10.0.0.0/999", "ERR_INVALID_ADDRESS"),
        ("10.0.0.0/33", "ERR_OUT_OF_RANGE"),
        ("2001:db8::/129", "ERR_OUT_OF_RANGE"),
        ("10.0.0.9-10.0.0.1", "ERR_INVALID_ARG_VALUE"),
        ("10.0.0.9-2001:db8::", "ERR_INVALID_ADDRESS_FAMILY"),
    ];
    for (text, code) in cases {
        let error = BlockList::new().rule(text).unwrap_err();
        assert_eq!(error.code(), Some(code), "{text}: {error}");
        let shown = text.split(['/', '-']).next().unwrap();
        assert!(error.to_string().contains(shown), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn a_subnet_has_what_shares_its_prefix(network: u32, other: u32, prefix in 0u8..=32) {
        let list = BlockList::new().subnet(Ipv4Addr::from(network), prefix).unwrap();
        let shared = (network ^ other).leading_zeros() >= u32::from(prefix);
        prop_assert_eq!(list.check(Ipv4Addr::from(other)), shared);
        let mapped = Ipv4Addr::from(other).to_ipv6_mapped();
        prop_assert_eq!(list.check(mapped), shared);
    }

    #[test]
    fn so_it_is_in_ipv6(network: u128, flipped in 0u32..128, prefix in 0u8..=128) {
        let list = BlockList::new().subnet(Ipv6Addr::from(network), prefix).unwrap();
        let other = network ^ (1 << (127 - flipped));
        prop_assert_eq!(list.check(Ipv6Addr::from(other)), flipped >= u32::from(prefix));
    }
}
