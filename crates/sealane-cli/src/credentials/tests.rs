//! Which files belong together, and what is told of a certificate.

use time::Duration;

use super::*;

/// What is told of a certificate made for these names.
fn facts(names: &[&str]) -> Facts {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    Facts::of(Path::new("c.pem"), made.cert.der())
}

#[test]
fn facts_of_a_certificate() {
    let names = ["example.com", "192.0.2.1", "2001:db8::1"];
    let facts = facts(&names);
    assert_eq!(facts.names, names);
    assert!(facts.begins < facts.ends);
    assert!(Facts::of(Path::new("c.pem"), b"nothing").names.is_empty());
}

#[test]
fn a_certificate_out_of_its_time_is_spoken_of() {
    let facts = facts(&["localhost"]);
    let (begins, ends) = (facts.begins.unwrap(), facts.ends.unwrap());
    let said = |at| facts.out_of_time(at).unwrap_or_default();
    assert_eq!(said(begins), "");
    assert_eq!(said(ends), "");
    let early = said(begins - Duration::SECOND);
    assert!(
        early.starts_with("the certificate c.pem begins on "),
        "{early}"
    );
    let late = said(ends + Duration::SECOND);
    assert!(
        late.starts_with("the certificate c.pem ended on "),
        "{late}"
    );
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let two = ["a".into(), "b".into()];
    let uneven = Files {
        certs: &two,
        keys: &two[..1],
        ..Files::default()
    };
    let failure = uneven.read().unwrap_err();
    assert_eq!(failure.exit_code(), 2);
    assert!(
        failure
            .to_string()
            .contains("--cert was given 2 times and --key 1 times")
    );
    let alone = Files {
        passphrase: Some(Path::new("/no/such")),
        ..Files::default()
    };
    let failure = alone.read().unwrap_err();
    assert_eq!(failure.exit_code(), 2);
    assert!(failure.to_string().contains("--passphrase-file has no use"));
    assert!(Files::default().read().unwrap().is_none());
}
