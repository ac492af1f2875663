//! Are contradictions refused, each by its name?

use std::time::Duration;

use super::*;

fn options() -> ServerOptions {
    let ca = sealane_testkit::certificates::TestCa::new();
    let pem = ca.issue(&["localhost"]);
    ServerOptions::new(Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap())
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let rules = options().build().unwrap();
    assert_eq!(rules.deadlines.handshake, Some(Duration::from_secs(120)));
    assert_eq!(rules.timeouts.head, Some(Duration::from_secs(60)));
    assert_eq!(rules.timeouts.request, Some(Duration::from_secs(300)));
    assert_eq!(rules.timeouts.keep_alive, Some(Duration::from_secs(5)));
    assert_eq!(rules.http.limits.head_octets, 16 * 1024);
    assert_eq!(rules.http.limits.field_count, 2000);
    assert!(rules.http.require_host);
}

#[test]
fn contradictions_are_refused_by_name() {
    let second = Duration::from_secs(1);
    let cases = [
        (
            options()
                .headers_timeout(second * 2)
                .request_timeout(second),
            "headers_timeout",
        ),
        (options().request_timeout(second), "headers_timeout"),
        (
            options().handshake_timeout(Duration::ZERO),
            "handshake_timeout",
        ),
        (
            options().keep_alive_timeout(Duration::ZERO),
            "keep_alive_timeout",
        ),
        (options().max_header_size(10), "max_header_size"),
        (options().max_header_size(1 << 30), "max_header_size"),
        (options().max_headers_count(0), "max_headers_count"),
        (options().max_headers_count(40_000), "max_headers_count"),
    ];
    for (options, name) in cases {
        let error = options.build().unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(error.code(), Some("ERR_OUT_OF_RANGE"));
    }
}

#[test]
fn no_limit_is_none() {
    let rules = options()
        .headers_timeout(None)
        .request_timeout(None)
        .build()
        .unwrap();
    assert_eq!((rules.timeouts.head, rules.timeouts.request), (None, None));
}
