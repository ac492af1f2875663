//! When a request is repeated, and when it never is.

use http::Method;

use super::Attempt;

/// A GET whose kept connection died before an answer.
const STALE: Attempt = Attempt {
    reused: true,
    sent: true,
    answered: false,
    died: true,
    body_again: true,
};

#[test]
fn an_idempotent_request_on_a_stale_connection_is_repeated() {
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        assert!(STALE.may_repeat(&method), "{method}");
    }
}

#[test]
fn a_post_is_repeated_only_if_no_octet_has_left() {
    assert!(!STALE.may_repeat(&Method::POST));
    let unsent = Attempt {
        sent: false,
        ..STALE
    };
    assert!(unsent.may_repeat(&Method::POST));
}

#[test]
fn each_single_doubt_forbids_a_repetition() {
    let doubts = [
        Attempt {
            reused: false,
            ..STALE
        },
        Attempt {
            answered: true,
            ..STALE
        },
        Attempt {
            died: false,
            ..STALE
        },
        Attempt {
            body_again: false,
            ..STALE
        },
    ];
    for doubt in doubts {
        assert!(!doubt.may_repeat(&Method::GET), "{doubt:?}");
    }
}

#[test]
fn a_method_nobody_knows_is_not_idempotent() {
    let method = Method::from_bytes(b"QUERYISH").expect("a token");
    assert!(!STALE.may_repeat(&method));
}
