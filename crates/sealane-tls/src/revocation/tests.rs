//! Are lists read whole, counted once, and those that cannot be used named?

use proptest::prelude::{any, prop_assert_eq, proptest};
use proptest::sample::Index;
use sealane_testkit::certificates::{ListTemplate, TestCa};

use super::{Revocation, Scope};

/// The reason of a refusal, which names the option and has the code of the https module.
fn refusal(read: Result<Revocation, crate::OptionError>) -> String {
    let error = read.unwrap_err();
    assert_eq!(error.option(), "crl");
    assert_eq!(error.code(), "ERR_CRYPTO_OPERATION_FAILED");
    let reason = error.reason().to_owned();
    assert!(reason.starts_with("Failed to parse CRL: "), "{reason}");
    reason
}

#[test]
fn c146_what_is_no_list_is_named() {
    assert!(refusal(Revocation::from_pem("")).contains("it is empty"));
    assert!(refusal(Revocation::from_pem("no list")).contains("no list found"));
    let ca = TestCa::new();
    let other = refusal(Revocation::from_pem(ca.certificate_pem()));
    assert!(other.contains("line 1 begins a \"CERTIFICATE\""), "{other}");
    let list = ca.list(&ListTemplate::new());
    let broken = list.replacen("\nMI", "\nM!", 1);
    assert!(refusal(Revocation::from_pem(broken)).contains("line 2"));
    let certificate = refusal(Revocation::from_der([ca.certificate_der()]));
    assert!(
        certificate.contains("list 1 is not a valid"),
        "{certificate}"
    );
    let none: [&[u8]; 0] = [];
    assert!(refusal(Revocation::from_der(none)).contains("no list was given"));
}

#[test]
fn sets_are_joined_and_compared_as_sets() {
    let (one, two) = (TestCa::new(), TestCa::new());
    let one = one.list(&ListTemplate::new().revokes(1));
    let two = two.list(&ListTemplate::new());
    let both = Revocation::from_pem(format!("text\n{one}between\n{two}{one}")).unwrap();
    assert_eq!((both.len(), both.is_empty()), (2, false));
    let one = Revocation::from_pem(one).unwrap();
    let two = Revocation::from_pem(two).unwrap();
    assert_ne!(one.digest(), two.digest());
    assert_eq!(two.clone().and(one.clone()).digest(), both.digest());
    assert_eq!(one.clone().and(one.clone()).digest(), one.digest());
}

#[test]
fn rules_that_cannot_be_kept_are_named() {
    let point = |fields: &[u8]| {
        let length = u8::try_from(fields.len()).unwrap();
        Scope::of_point(&[&[0x30, length], fields].concat())
    };
    for (fields, words) in [
        (&[0x83, 2, 6, 0x40][..], "for some reasons"),
        (&[0x84, 1, 0xff], "an indirect list"),
        (&[0x85, 1, 0xff], "attribute certificates"),
        (&[0xa0, 2, 0xa1, 0], "malformed"),
        (&[0x81, 1, 1], "malformed"),
        (&[0x81, 2, 0, 0], "malformed"),
        (&[0x86, 1, 0xff], "malformed"),
        (&[0x01, 1, 0xff], "malformed"),
    ] {
        let Err(why) = point(fields) else {
            panic!("{fields:?} is taken")
        };
        assert!(why.contains(words), "{why}");
    }
    assert!(Scope::of_point(&[0x30, 3, 0x81, 1]).is_err(), "cut short");
    assert!(Scope::of_point(&[]).is_err());
    let users = point(&[0x81, 1, 0xff, 0x84, 1, 0]).unwrap_or_default();
    assert!(users.users_only && !users.authorities_only && users.places.is_none());
    let place = point(&[0xa0, 5, 0xa0, 3, 0x86, 1, b'a']).unwrap_or_default();
    assert_eq!(place.places, Some(vec!["a".to_owned()]));
}

#[test]
fn an_extension_that_is_unknown_and_critical_is_not_passed_over() {
    // The list's number becomes a rule that nobody knows, marked critical.
    let octets = TestCa::new().list_der(&ListTemplate::new());
    let number = [0x06, 3, 0x55, 0x1d, 20];
    let at = octets.windows(5).position(|it| it == number).unwrap();
    let mut delta = octets.clone();
    delta[at + 4] = 27;
    let why = refusal(Revocation::from_der([delta]));
    assert!(why.contains("list 1 is a delta list"), "{why}");
    let mut point = octets;
    point[at + 4] = 28;
    let why = refusal(Revocation::from_der([point]));
    assert!(why.contains("malformed"), "{why}");
}

#[test]
fn any_octets_are_read_without_panic_and_none_are_passed_over() {
    let template = ListTemplate::new().revokes(7).revokes(8);
    let octets = TestCa::new().list_der(&template.about("http://a.example/", None));
    let whole = Revocation::from_der([&octets]).unwrap();
    proptest!(|(at in any::<Index>(), octet in any::<u8>())| {
        let mut changed = octets.clone();
        let at = at.index(changed.len());
        changed[at] = octet;
        if let Ok(read) = Revocation::from_der([&changed]) {
            let same = changed == octets;
            prop_assert_eq!(read.digest() == whole.digest(), same);
            prop_assert_eq!(read.lists()[0].revoked.len() <= 2, true);
        }
        let cut = Revocation::from_der([&octets[..at]]);
        prop_assert_eq!(cut.is_err(), true);
    });
    proptest!(|(noise in proptest::collection::vec(any::<u8>(), 0..100))| {
        prop_assert_eq!(Revocation::from_der([&noise]).is_err(), true);
        prop_assert_eq!(Revocation::from_pem(&noise).is_err(), true);
    });
}
