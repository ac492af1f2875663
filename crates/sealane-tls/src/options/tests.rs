//! Does `build` refuse what contradicts itself, by name?

use sealane_testkit::certificates::{KeyKind, TestCa};

use super::ServerTlsOptions;
use crate::TlsVersion;
use crate::pair::identity;

fn options() -> ServerTlsOptions {
    ServerTlsOptions::new(identity(&TestCa::new(), KeyKind::P256))
}

#[test]
fn contradictory_versions_name_the_option_and_both_values() {
    let options = options()
        .min_version(TlsVersion::V1_3)
        .max_version(TlsVersion::V1_2);
    let error = options.build().unwrap_err();
    assert_eq!(
        (error.option(), error.code()),
        ("min_version", "ERR_INVALID_ARG_VALUE")
    );
    assert_eq!(
        error.to_string(),
        "option min_version: TLSv1.3 is newer than max_version TLSv1.2"
    );
}

#[test]
fn protocol_names_have_1_to_255_octets() {
    let code = |name: Vec<u8>| {
        options()
            .alpn_protocols([name])
            .build()
            .err()
            .map(|e| e.code())
    };
    assert_eq!(code(Vec::new()), Some("ERR_INVALID_ARG_VALUE"));
    assert_eq!(code(vec![b'a'; 255]), None);
    assert_eq!(code(vec![b'a'; 256]), Some("ERR_OUT_OF_RANGE"));
}
