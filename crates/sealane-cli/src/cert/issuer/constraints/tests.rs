//! Ranges of names and addresses.

use super::*;

/// Whether a name passes constraints of these subtrees.
fn passes(
    permitted: &[GeneralName<'static>],
    excluded: &[GeneralName<'static>],
    name: &str,
) -> bool {
    let trees = |bases: &[GeneralName<'static>]| {
        let tree = |base: &GeneralName<'static>| GeneralSubtree { base: base.clone() };
        (!bases.is_empty()).then(|| bases.iter().map(tree).collect::<Vec<_>>())
    };
    let constraints = NameConstraints {
        permitted_subtrees: trees(permitted),
        excluded_subtrees: trees(excluded),
    };
    allow(&constraints, &name.parse().unwrap())
}

#[test]
fn hosts_below_a_base() {
    let local = [GeneralName::DNSName("localhost")];
    for (name, good) in [
        ("localhost", true),
        ("app.localhost", true),
        ("*.app.localhost", true),
        ("notlocalhost", false),
        ("localhost.example", false),
        ("127.0.0.1", true),
    ] {
        assert_eq!(passes(&local, &[], name), good, "{name}");
        let free = !good || name == "127.0.0.1";
        assert_eq!(passes(&[], &local, name), free, "not {name}");
    }
    let dotted = [GeneralName::DNSName(".Example")];
    assert!(passes(&dotted, &[], "a.example") && !passes(&dotted, &[], "example"));
    assert!(passes(&[GeneralName::DNSName("")], &[], "anything"));
    let two = [GeneralName::DNSName("a"), GeneralName::DNSName("b")];
    assert!(passes(&two, &[], "b") && !passes(&two, &[], "c"));
}

#[test]
fn addresses_in_a_range() {
    let loopback = [GeneralName::IPAddress(&[127, 0, 0, 0, 255, 0, 0, 0])];
    for (name, good) in [
        ("127.0.0.1", true),
        ("127.255.0.9", true),
        ("128.0.0.1", false),
        ("::1", true),
        ("a.example", true),
    ] {
        assert_eq!(passes(&loopback, &[], name), good, "{name}");
    }
    assert!(!passes(&[], &loopback, "127.0.0.1"));
    // A base of no known length says nothing of an address.
    assert!(passes(
        &[GeneralName::IPAddress(&[1, 2, 3])],
        &[],
        "127.0.0.1"
    ));
}
