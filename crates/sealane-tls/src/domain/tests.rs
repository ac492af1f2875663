//! Does every option that decides what a connection proves change the domain?

use std::collections::HashSet;

use proptest::prelude::{Just, Strategy, any, prop_assert_eq, proptest};
use sealane_testkit::certificates::{KeyKind, TestCa};

use super::SecurityDomain;
use crate::pair::identity;
use crate::{ClientTlsOptions, Identity, Roots, TlsVersion};

/// One value for every option, as a number.
type Shape = (u8, u8, Vec<Vec<u8>>, u8, bool, bool);

fn domain((roots, who, alpn, versions, sni, reject): &Shape, stock: &Stock) -> SecurityDomain {
    let mut options = ClientTlsOptions::new()
        .ca(stock.roots[usize::from(*roots)].clone())
        .alpn_protocols(alpn)
        .send_servername(*sni)
        .reject_unauthorized(*reject);
    if let Some(identity) = &stock.identities[usize::from(*who)] {
        options = options.identity(identity.clone());
    }
    let options = match versions {
        0 => options,
        1 => options.min_version(TlsVersion::V1_3),
        _ => options.max_version(TlsVersion::V1_2),
    };
    options.build().unwrap().domain()
}

/// Things that take time to make, made once.
struct Stock {
    roots: [Roots; 3],
    identities: [Option<Identity>; 3],
}

impl Stock {
    fn new() -> Self {
        let ca = TestCa::new();
        let one = Roots::from_der([ca.certificate_der()]).unwrap();
        let two = Roots::from_der([TestCa::new().certificate_der()]).unwrap();
        let both = one.clone().and(two.clone());
        let who = || Some(identity(&ca, KeyKind::P256));
        Self {
            roots: [one, two, both],
            identities: [None, who(), who()],
        }
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let protocol = proptest::collection::vec(Just(b'a'), 1..4);
    let alpn = proptest::collection::vec(protocol, 0..4);
    (
        0..3_u8,
        0..3_u8,
        alpn,
        0..3_u8,
        any::<bool>(),
        any::<bool>(),
    )
}

#[test]
fn domains_are_equal_exactly_when_all_options_are() {
    let stock = Stock::new();
    proptest!(|(one in shapes(), two in shapes())| {
        prop_assert_eq!(domain(&one, &stock) == domain(&two, &stock), one == two);
        prop_assert_eq!(domain(&one, &stock), domain(&one.clone(), &stock));
    });
}

#[test]
fn any_one_option_changes_the_domain() {
    let stock = Stock::new();
    let base: Shape = (0, 0, vec![b"http/1.1".to_vec()], 0, true, true);
    let mut shapes = vec![base.clone()];
    let mut with = |change: &dyn Fn(&mut Shape)| {
        let mut shape = base.clone();
        change(&mut shape);
        shapes.push(shape);
    };
    with(&|it| it.0 = 1);
    with(&|it| it.0 = 2);
    with(&|it| it.1 = 1);
    with(&|it| it.1 = 2);
    with(&|it| it.2.clear());
    with(&|it| it.2 = vec![b"http/1".to_vec(), b".1".to_vec()]);
    with(&|it| it.2 = vec![b"http/1.1".to_vec(), b"h".to_vec()]);
    with(&|it| it.3 = 1);
    with(&|it| it.3 = 2);
    with(&|it| it.4 = false);
    with(&|it| it.5 = false);
    let domains: HashSet<_> = shapes.iter().map(|it| domain(it, &stock)).collect();
    assert_eq!(domains.len(), shapes.len());
}

#[test]
fn a_default_and_the_same_value_said_are_the_same() {
    let said = ClientTlsOptions::new()
        .ca(Roots::bundled())
        .alpn_protocols(["http/1.1"])
        .min_version(TlsVersion::V1_2)
        .max_version(TlsVersion::V1_3)
        .send_servername(true)
        .reject_unauthorized(true);
    let default = ClientTlsOptions::new().build().unwrap().domain();
    assert_eq!(said.build().unwrap().domain(), default);
    let shown = format!("{default:?}");
    assert_eq!(shown.len(), "SecurityDomain(01234567…)".len(), "{shown}");
}
