//! Is a request for another context's host told from one for its own?

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Uri, header};
use sealane_testkit::certificates::TestCa;

use super::super::choice::{Callbacks, Choosing};
use super::Misdirection;
use crate::{Identity, Roots, SecureContext, SecureContextOptions};

fn context(ca: &TestCa, asks: bool) -> SecureContext {
    let pem = ca.issue(&["localhost"]);
    let identity = Identity::from_pem(&pem.chain_pem, &pem.key_pem).unwrap();
    let options = SecureContextOptions::new(identity);
    let options = match asks {
        true => options
            .request_cert(true)
            .ca(Roots::from_pem(ca.certificate_pem()).unwrap()),
        false => options,
    };
    SecureContext::new(options).unwrap()
}

/// A server whose own context is `default`; with `by_name`, the program chooses by name.
fn choosing(default: &SecureContext, by_name: bool) -> Arc<Choosing> {
    let mut callbacks = Callbacks::default();
    if by_name {
        callbacks.sni = Some(Arc::new(|_| Box::pin(async { Ok(None) })));
    }
    Arc::new(Choosing::new(
        default.inner(),
        None,
        callbacks,
        false,
        false,
    ))
}

fn rule(choosing: &Arc<Choosing>, made_in: &SecureContext, name: Option<&str>) -> Misdirection {
    Misdirection::new(Arc::clone(choosing), made_in.inner().policy(), name)
}

fn concerns(rule: &Misdirection, uri: &str, host: Option<&str>) -> bool {
    let mut fields = HeaderMap::new();
    if let Some(host) = host {
        fields.insert(header::HOST, HeaderValue::from_str(host).unwrap());
    }
    rule.concerns(&uri.parse::<Uri>().unwrap(), &fields)
}

#[test]
fn where_contexts_ask_the_same_hosts_make_no_difference() {
    let ca = TestCa::new();
    let plain = context(&ca, false);
    let choosing = choosing(&plain, false);
    choosing.add("other.example", &context(&ca, false)).unwrap();
    assert!(!choosing.asks_differently());
    let rule = rule(&choosing, &plain, Some("localhost"));
    assert!(!concerns(&rule, "/", Some("other.example")));
}

#[test]
fn a_host_of_a_context_that_asks_for_more_is_elsewhere() {
    let ca = TestCa::new();
    let (plain, strict) = (context(&ca, false), context(&ca, true));
    let choosing = choosing(&plain, false);
    choosing.add("*.private.example", &strict).unwrap();
    let open = rule(&choosing, &plain, None);
    assert!(!concerns(&open, "/", Some("public.example")));
    assert!(!concerns(&open, "/", Some("127.0.0.1:8443")));
    assert!(!concerns(&open, "/", Some("[::1]:8443")));
    assert!(!concerns(&open, "/", None));
    for host in [
        "a.private.example",
        "A.Private.EXAMPLE.",
        "a.private.example:8443",
    ] {
        assert!(concerns(&open, "/", Some(host)), "{host}");
    }
    // A handler may look at the target or at the field: either is enough.
    let (public, private) = ("https://public.example/", "https://a.private.example/");
    assert!(concerns(&open, private, Some("public.example")));
    assert!(concerns(&open, public, Some("a.private.example")));

    let closed = rule(&choosing, &strict, Some("a.private.example"));
    assert!(!concerns(&closed, "/", Some("a.private.example")));
    assert!(concerns(&closed, "/", Some("public.example")));
    assert!(concerns(&closed, "/", Some("")));
}

#[test]
fn a_context_that_is_added_later_counts_for_open_connections() {
    let ca = TestCa::new();
    let plain = context(&ca, false);
    let choosing = choosing(&plain, false);
    let open = rule(&choosing, &plain, None);
    assert!(!concerns(&open, "/", Some("late.example")));
    choosing.add("late.example", &context(&ca, true)).unwrap();
    assert!(concerns(&open, "/", Some("late.example")));
    assert!(!concerns(&open, "/", Some("early.example")));
}

#[test]
fn where_the_program_chooses_only_the_name_of_the_handshake_will_do() {
    let ca = TestCa::new();
    let plain = context(&ca, false);
    let choosing = choosing(&plain, true);
    let named = rule(&choosing, &plain, Some("chosen.example"));
    assert!(!concerns(&named, "/", Some("Chosen.example:443")));
    assert!(concerns(&named, "/", Some("other.example")));
    assert!(concerns(&named, "/", Some("127.0.0.1")));
    let unnamed = rule(&choosing, &plain, None);
    assert!(!concerns(&unnamed, "/", Some("127.0.0.1")));
    assert!(concerns(&unnamed, "/", Some("other.example")));
}
