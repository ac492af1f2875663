//! Is a request for another context's host told from one for its own?

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Uri, header};
use sealane_testkit::certificates::TestCa;
use sealane_tls::{Contexts, Identity, RequestCert, Roots, SecureContext, ServerTlsOptions};

use super::Misdirection;

fn context(ca: &TestCa, asks: bool) -> SecureContext {
    let pem = ca.issue(&["localhost"]);
    let identity = Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes()).unwrap();
    let options = ServerTlsOptions::new(identity);
    let options = match asks {
        true => options
            .request_cert(RequestCert::Required)
            .ca(Roots::from_der([ca.certificate_der()]).unwrap()),
        false => options,
    };
    options.build().unwrap()
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
    let mut table = Contexts::new(plain.clone());
    table.add("other.example", context(&ca, false)).unwrap();
    assert!(Misdirection::new(Arc::new(table), plain.policy(), None).is_none());
}

#[test]
fn a_host_of_a_context_that_asks_for_more_is_elsewhere() {
    let ca = TestCa::new();
    let (plain, strict) = (context(&ca, false), context(&ca, true));
    let mut table = Contexts::new(plain.clone());
    table.add("*.private.example", strict.clone()).unwrap();
    let table = Arc::new(table);
    let open = Misdirection::new(Arc::clone(&table), plain.policy(), None).unwrap();
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
    assert!(concerns(
        &open,
        "https://a.private.example/",
        Some("public.example")
    ));
    assert!(concerns(
        &open,
        "https://public.example/",
        Some("a.private.example")
    ));

    let closed = Misdirection::new(table, strict.policy(), None).unwrap();
    assert!(!concerns(&closed, "/", Some("a.private.example")));
    assert!(concerns(&closed, "/", Some("public.example")));
    assert!(concerns(&closed, "/", Some("")));
}

#[test]
fn where_the_program_chooses_only_the_name_of_the_handshake_will_do() {
    let ca = TestCa::new();
    let plain = context(&ca, false);
    let table = Arc::new(Contexts::new(plain.clone()));
    let named = Some(Some("chosen.example"));
    let named = Misdirection::new(Arc::clone(&table), plain.policy(), named).unwrap();
    assert!(!concerns(&named, "/", Some("Chosen.example:443")));
    assert!(concerns(&named, "/", Some("other.example")));
    assert!(concerns(&named, "/", Some("127.0.0.1")));
    let unnamed = Misdirection::new(table, plain.policy(), Some(None)).unwrap();
    assert!(!concerns(&unnamed, "/", Some("127.0.0.1")));
    assert!(concerns(&unnamed, "/", Some("other.example")));
}
