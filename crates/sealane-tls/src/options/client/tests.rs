//! Does each option do its work, and is what was set kept?

use sealane_testkit::certificates::{KeyKind, TestCa};

use super::ClientTlsOptions;
use crate::pair::identity;
use crate::{Roots, TlsVersion};

#[test]
fn contradictory_and_unusable_options_are_named() {
    let error = ClientTlsOptions::new()
        .min_version(TlsVersion::V1_3)
        .max_version(TlsVersion::V1_2)
        .build()
        .unwrap_err();
    assert_eq!(error.option(), "min_version");
    let refused = |names: &[&str]| {
        let built = ClientTlsOptions::new().alpn_protocols(names).build();
        built.err().map(|error| (error.option(), error.code()))
    };
    let long = "x".repeat(256);
    assert_eq!(refused(&[]), None);
    assert_eq!(
        refused(&["a", ""]),
        Some(("alpn_protocols", "ERR_INVALID_ARG_VALUE"))
    );
    assert_eq!(
        refused(&[&long]),
        Some(("alpn_protocols", "ERR_OUT_OF_RANGE"))
    );
}

#[test]
fn what_is_set_above_wins_and_the_rest_comes_from_below() {
    let ca = TestCa::new();
    let below = ClientTlsOptions::new()
        .ca(Roots::from_der([ca.certificate_der()]).unwrap())
        .identity(identity(&ca, KeyKind::P256))
        .alpn_protocols(["below"])
        .min_version(TlsVersion::V1_3)
        .max_version(TlsVersion::V1_3)
        .send_servername(false)
        .reject_unauthorized(false);
    let domain = |options: ClientTlsOptions| options.build().unwrap().domain();
    let empty = ClientTlsOptions::new();
    assert_eq!(domain(empty.clone().over(&below)), domain(below.clone()));
    assert_eq!(domain(below.clone().over(&empty)), domain(below.clone()));

    let above = ClientTlsOptions::new()
        .ca(Roots::bundled())
        .identity(identity(&ca, KeyKind::P384))
        .alpn_protocols(["above"])
        .min_version(TlsVersion::V1_2)
        .max_version(TlsVersion::V1_2)
        .send_servername(true)
        .reject_unauthorized(true);
    assert_eq!(domain(above.clone().over(&below)), domain(above.clone()));
    let one = ClientTlsOptions::new().send_servername(true).over(&below);
    let shown = format!("{one:?}");
    assert!(shown.contains("send_servername: Some(true)"), "{shown}");
    assert!(
        shown.contains("reject_unauthorized: Some(false)"),
        "{shown}"
    );
}

#[test]
fn nothing_secret_or_unescaped_is_shown() {
    let ca = TestCa::new();
    let options = ClientTlsOptions::new()
        .identity(identity(&ca, KeyKind::P256))
        .alpn_protocols(["a\n"]);
    let shown = format!("{options:?}");
    assert!(shown.contains("a\\\\n"), "{shown}");
    assert!(
        !shown.contains("key_der") && !shown.contains('\n'),
        "{shown}"
    );
}
