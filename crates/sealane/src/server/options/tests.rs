//! Are contradictions refused, each by its name?

use std::time::Duration;

use super::*;
use crate::server::pace::BodyRate;

fn options() -> ServerOptions {
    let ca = sealane_testkit::certificates::TestCa::new();
    let pem = ca.issue(&["localhost"]);
    ServerOptions::new(Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap())
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let rules = options().build().unwrap();
    assert_eq!(rules.deadlines.handshake, Some(Duration::from_secs(120)));
    let live = rules.live.now();
    assert_eq!(live.timeouts.head, Some(Duration::from_secs(60)));
    assert_eq!(live.timeouts.request, Some(Duration::from_secs(300)));
    assert_eq!(live.timeouts.keep_alive, Some(Duration::from_secs(5)));
    assert_eq!(live.http.limits.head_octets, 16 * 1024);
    assert_eq!(live.http.limits.field_count, 2000);
    assert!(live.http.require_host);
    assert_eq!(live.http.max_requests, None);
    assert_eq!(live.deadlines.inactivity, None);
    assert_eq!(live.deadlines.write, Some(Duration::from_secs(30)));
    assert_eq!(live.deadlines.body_rate, Some(BodyRate::new(500)));
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
        (options().timeout(Duration::ZERO), "timeout"),
        (options().write_timeout(Duration::ZERO), "write_timeout"),
        (options().min_body_rate(BodyRate::new(0)), "min_body_rate"),
        (
            options().min_body_rate(BodyRate::new(1).window(second / 100)),
            "min_body_rate",
        ),
        (
            options().max_requests_per_socket(0),
            "max_requests_per_socket",
        ),
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
    let timeouts = Arc::clone(&rules.live.now().timeouts);
    assert_eq!((timeouts.head, timeouts.request), (None, None));
}

#[test]
fn c065_a_limit_of_heads_that_is_not_given_follows_that_of_requests() {
    let head_of = |options: ServerOptions| options.build().unwrap().live.now().timeouts.head;
    let seconds = Duration::from_secs;
    assert_eq!(
        head_of(options().request_timeout(seconds(20))),
        Some(seconds(20))
    );
    assert_eq!(
        head_of(options().request_timeout(seconds(100))),
        Some(seconds(60))
    );
    assert_eq!(head_of(options().request_timeout(None)), Some(seconds(60)));
    let given = options().headers_timeout(None).request_timeout(seconds(20));
    assert_eq!(head_of(given), None);
}

#[test]
fn c066_a_limit_of_heads_beyond_that_of_requests_is_refused() {
    let seconds = Duration::from_secs;
    let options = options()
        .headers_timeout(seconds(10))
        .request_timeout(seconds(5));
    let error = options.build().unwrap_err();
    assert_eq!(error.code(), Some("ERR_OUT_OF_RANGE"));
    assert!(error.to_string().starts_with("headers_timeout"), "{error}");
}

#[test]
fn heads_are_read_strictly_unless_it_is_said_otherwise() {
    let lenient = |options: ServerOptions| options.build().unwrap().live.now().http.lenient;
    assert!(!lenient(options()));
    assert!(lenient(options().insecure_http_parser(true)));
}
