//! Expected texts are those that Node shows for the same certificates.

mod written;

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use rustls_pki_types::pem::PemObject as _;
use sealane_testkit::certificates::{KeyKind, Template, TestCa};

use super::*;
use written::{Written, extension, name, oid, sequence, value};

/// The certificates of a PEM text.
pub(crate) fn der(pem: &str) -> Vec<CertificateDer<'static>> {
    let all = CertificateDer::pem_slice_iter(pem.as_bytes());
    all.map(Result::unwrap).collect()
}

/// A self-signed certificate that says this.
pub(crate) fn certificate_of(template: &Template) -> PeerCertificate {
    PeerCertificate::from_chain(&der(&template.self_signed().chain_pem)).unwrap()
}

/// The object of one certificate.
fn object(raw: &CertificateDer<'_>) -> PeerCertificate {
    PeerCertificate::from_chain(std::slice::from_ref(raw)).unwrap()
}

/// The object of a certificate with these alternative names.
fn with_alt_names(names: &[Vec<u8>]) -> PeerCertificate {
    let extensions = vec![extension("2.5.29.17", sequence(names))];
    let written = Written {
        extensions,
        ..Written::default()
    };
    object(&written.der())
}

#[test]
fn c180_the_module_shows_spki_for_rsa_and_the_point_for_curves() {
    let rsa = certificate_of(&Template::server(&["localhost"]).key(KeyKind::Rsa2048));
    assert_eq!(rsa.pubkey(), rsa.spki());
    let of_pubkey = key::pin(rsa.pubkey().unwrap());
    assert_eq!(of_pubkey, rsa.spki_sha256_base64());
    for (kind, octets) in [
        (KeyKind::P256, 65),
        (KeyKind::P384, 97),
        (KeyKind::P521, 133),
    ] {
        let curve = certificate_of(&Template::server(&["localhost"]).key(kind));
        let point = curve.pubkey().unwrap();
        assert_eq!((point.len(), point[0]), (octets, 4), "{kind:?}");
        assert!(curve.spki().unwrap().ends_with(point));
        assert_ne!(key::pin(point), curve.spki_sha256_base64());
    }
}

#[test]
fn c181_a_certificate_alone_does_not_tell_who_issued_it() {
    let own = certificate_of(&Template::server(&["localhost"]));
    assert_eq!(own.issuer_certificate().as_ref(), Some(&own));
    let alone = own.alone();
    assert_eq!(alone, own);
    assert_eq!(alone.subject(), own.subject());
    assert_eq!(alone.issuer_certificate(), None);
    assert_eq!(alone.chain().count(), 1);
}

#[test]
fn c182_extensions_and_dates_have_the_modules_forms() {
    let access = |method: &str, address: &str| sequence(&[oid(method), value(0x86, address)]);
    let written = Written {
        extensions: vec![
            extension(
                "1.3.6.1.5.5.7.1.1",
                sequence(&[
                    access("1.3.6.1.5.5.7.48.1", "http://ocsp.nodejs.org/"),
                    access("1.3.6.1.5.5.7.48.2", "http://ca.nodejs.org/ca.cert"),
                    access("1.3.6.1.5.5.7.48.1", "http://x/a,\"b\"\n"),
                    access("1.2.3.4", "u"),
                ]),
            ),
            extension(
                "2.5.29.17",
                sequence(&[value(0x82, "localhost"), value(0x87, [127, 0, 0, 1])]),
            ),
            extension(
                "2.5.29.37",
                sequence(&[oid("1.3.6.1.5.5.7.3.2"), oid("1.3.6.1.5.5.7.3.1")]),
            ),
            extension("2.5.29.19", sequence(&[])),
        ],
        dates: [value(24, "20350208120013Z"), value(24, "20501110235959Z")],
        ..Written::default()
    };
    let leaf = object(&written.der());
    let pairs = leaf.info_access().unwrap();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, at)| (key.as_str(), at.as_str()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("OCSP - URI", "http://ocsp.nodejs.org/"),
            ("CA Issuers - URI", "http://ca.nodejs.org/ca.cert"),
            ("OCSP - URI", "http://x/a,\"b\"\n"),
            ("1.2.3.4 - URI", "u"),
        ]
    );
    let names = "DNS:localhost, IP Address:127.0.0.1";
    assert_eq!(leaf.subject_alt_name(), Some(names));
    let uses = ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"];
    assert_eq!(leaf.ext_key_usage().unwrap(), uses);
    assert!(!leaf.ca());
    assert_eq!(leaf.valid_from(), "Feb  8 12:00:13 2035 GMT");
    assert_eq!(leaf.valid_to(), "Nov 10 23:59:59 2050 GMT");
    assert!(certificate_of(&Template::authority("ca")).ca());
    assert!(!certificate_of(&Template::authority("ca").may_not_sign()).ca());
}

#[test]
fn names_keep_order_and_repetition_under_short_names() {
    let bmp: Vec<u8> = "b€".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let subject = name(&[
        &[("2.5.4.6", 19, b"DE")],
        &[
            ("2.5.4.10", 12, b"O, Inc."),
            ("2.5.4.11", 12, "ü".as_bytes()),
        ],
        &[("2.5.4.3", 30, &bmp)],
        &[("2.5.4.3", 20, b"caf\xe9")],
        &[("2.5.4.3", 28, &[0, 0, 0x20, 0xac])],
        &[("1.2.840.113549.1.9.1", 22, b"a@b")],
        &[("2.5.4.200", 12, b"a\0b")],
        &[("2.5.4.45", 3, b"\0o")],
    ]);
    let written = Written {
        subject,
        ..Written::default()
    };
    let leaf = object(&written.der());
    let attributes: Vec<_> = leaf.subject().iter().collect();
    assert_eq!(
        attributes,
        [
            ("C", "DE"),
            ("O", "O, Inc."),
            ("OU", "ü"),
            ("CN", "b€"),
            ("CN", "café"),
            ("CN", "€"),
            ("emailAddress", "a@b"),
            ("2.5.4.200", "a\0b"),
            ("x500UniqueIdentifier", "#0302006F"),
        ]
    );
    assert_eq!(leaf.subject_cn(), "b€");
    let shown = format!("{leaf:?}");
    assert!(shown.contains(r#""2.5.4.200": "a\0b""#), "{shown}");
}

#[test]
fn short_names_are_found_by_halving() {
    let table = names::attributes::SHORT_NAMES;
    assert!(table.is_sorted_by(|one, next| one.0 < next.0));
}

#[test]
fn an_alternative_name_cannot_pretend_to_be_two() {
    let dns = |name: &[u8]| value(0x82, name);
    for (name, expected) in [
        (dns(b"a.com, DNS:evil"), r#"DNS:"a.com\u002c DNS:evil""#),
        (dns(b"a\"b\\'"), r#"DNS:"a\"b\\'""#),
        (dns(b"good\0.evil"), r#"DNS:"good\u0000.evil""#),
        (dns(b"a\nb\x7f"), r#"DNS:"a\u000ab\u007f""#),
        (dns(b"caf\xe9"), r#"DNS:"caf\u00e9""#),
        (dns("é".as_bytes()), r#"DNS:"\u00c3\u00a9""#),
        (dns(b" a b "), "DNS: a b "),
        (value(0x81, "a,b@c"), r#"email:"a\u002cb@c""#),
        (value(0x86, "http://a/?b=c"), "URI:http://a/?b=c"),
        (value(0x88, [42, 3, 4]), "Registered ID:1.2.3.4"),
        (value(0x87, [8, 8, 8]), "IP Address:<invalid length=3>"),
        (
            value(
                0x87,
                [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab],
            ),
            "IP Address:2001:DB8:0:0:0:0:0:AB",
        ),
        (value(0xa3, sequence(&[])), "X400Name:<unsupported>"),
        (value(0xa5, []), "EdiPartyName:<unsupported>"),
    ] {
        let leaf = with_alt_names(std::slice::from_ref(&name));
        assert_eq!(leaf.subject_alt_name(), Some(expected));
    }
}

#[test]
fn directory_names_are_written_as_rfc_2253_does() {
    let simple = name(&[&[("2.5.4.3", 12, b"simple")]]);
    let leaf = with_alt_names(&[value(0xa4, simple)]);
    assert_eq!(leaf.subject_alt_name(), Some("DirName:CN=simple"));
    let odd = name(&[
        &[("2.5.4.6", 19, b"DE")],
        &[("2.5.4.10", 12, b"#x"), ("2.5.4.11", 12, b" y ")],
        &[("2.5.4.3", 12, "ü\"+,;<>\\=\n".as_bytes())],
        &[("1.2.3.4", 12, b"z")],
    ]);
    let leaf = with_alt_names(&[value(0xa4, odd)]);
    let expected = concat!(
        r#"DirName:"1.2.3.4=#0C017A\u002cCN=ü\\\"\\+\\\u002c\\;\\<\\>\\\\=\u000a"#,
        r#"\u002cOU=\\ y\\ +O=\\#x\u002cC=DE""#
    );
    assert_eq!(leaf.subject_alt_name(), Some(expected));
}

#[test]
fn names_of_other_kinds_are_shown_where_their_form_is_known() {
    let other = |number: &str, tag, text: &str| {
        value(0xa0, [oid(number), value(0xa0, value(tag, text))].concat())
    };
    let leaf = with_alt_names(&[
        other("1.3.6.1.5.5.7.8.9", 12, "ü@x"),
        other("1.3.6.1.5.5.7.8.5", 12, "x,y"),
        other("1.3.6.1.5.5.7.8.7", 22, "_svc.x"),
        other("1.3.6.1.5.5.7.8.7", 12, "not IA5"),
        other("1.2.3.4", 12, "unknown"),
    ]);
    assert_eq!(
        leaf.subject_alt_name().unwrap(),
        "othername:SmtpUTF8Mailbox:ü@x, othername:\"XmppAddr:x\\u002cy\", \
         othername:SRVName:_svc.x, othername:<unsupported>, othername:<unsupported>"
    );
}

#[test]
fn an_extension_that_cannot_be_read_is_missing_alone() {
    let strange = sequence(&[value(0x8b, "b"), value(0x82, "a")]);
    for extensions in [
        vec![extension("2.5.29.17", strange)],
        vec![
            extension("2.5.29.37", sequence(&[oid("1.2.3")])),
            extension("2.5.29.37", sequence(&[oid("1.2.3")])),
        ],
        vec![extension("2.5.29.17", b"\x30\x05abc")],
        vec![extension("2.5.29.37", b"\x30\x05abc")],
        vec![extension("1.3.6.1.5.5.7.1.1", b"\x30\x05abc")],
    ] {
        let written = Written {
            extensions,
            ..Written::default()
        };
        let leaf = object(&written.der());
        assert_eq!(leaf.subject_alt_name(), None);
        assert_eq!(leaf.ext_key_usage(), None);
        assert_eq!(leaf.info_access(), None);
        assert_eq!(leaf.subject_cn(), "x");
    }
}

#[test]
fn of_two_lists_of_names_the_first_is_shown() {
    let names = |name: &str| extension("2.5.29.17", sequence(&[value(0x82, name)]));
    let written = Written {
        extensions: vec![names("a"), names("b")],
        ..Written::default()
    };
    assert_eq!(object(&written.der()).subject_alt_name(), Some("DNS:a"));
}

#[test]
fn object_identifiers_have_all_their_numbers() {
    let uuid = [
        0x69, 0x83, 0xf0, 0x9d, 0xa7, 0xeb, 0xcf, 0xde, 0xe0, 0xc7, 0xa1, 0xa7, 0xb2, 0xc0, 0x94,
        0x8c, 0xc8, 0xf9, 0xd7, 0x76,
    ];
    let too_large = [&[0x2a, 0x8f][..], &[0xff; 40], &[0x7f]].concat();
    for (octets, expected) in [
        (&[0x2a, 3, 4][..], "1.2.3.4"),
        (&[0x88, 0x37, 1], "2.999.1"),
        (&[0x27], "0.39"),
        (&uuid, "2.25.329800735698586629295641978511506172918"),
        (&[0x2a, 0x83], "#2A83"),
    ] {
        let leaf = with_alt_names(&[value(0x88, octets)]);
        let expected = format!("Registered ID:{expected}");
        assert_eq!(leaf.subject_alt_name(), Some(expected.as_str()));
    }
    let leaf = with_alt_names(&[value(0x88, too_large)]);
    let line = leaf.subject_alt_name().unwrap();
    assert!(line.starts_with("Registered ID:#2A8FFFFF"), "{line}");
}

#[test]
fn serial_numbers_are_whole_octets_with_a_sign() {
    for (octets, expected) in [
        (&[0][..], "0"),
        (&[0x0f], "0F"),
        (&[0, 0x80], "80"),
        (&[1, 0, 0], "010000"),
        (&[0xff], "-01"),
        (&[0x80], "-80"),
        (&[0x80, 0], "-8000"),
        (&[0xff, 0x7f], "-81"),
        (&[0xfe, 0, 0], "-020000"),
    ] {
        let written = Written {
            serial: octets.to_vec(),
            ..Written::default()
        };
        assert_eq!(object(&written.der()).serial_number(), expected);
    }
}

#[test]
fn dates_reach_beyond_two_digits_of_a_year() {
    for (tag, text, expected) in [
        (23, "500101000000Z", "Jan  1 00:00:00 1950 GMT"),
        (23, "491231235959Z", "Dec 31 23:59:59 2049 GMT"),
        (24, "19491231235959Z", "Dec 31 23:59:59 1949 GMT"),
        (24, "09990203040506Z", "Feb  3 04:05:06 999 GMT"),
        (24, "99991231235959Z", "Dec 31 23:59:59 9999 GMT"),
    ] {
        let date = value(tag, text);
        let written = Written {
            dates: [date.clone(), date],
            ..Written::default()
        };
        let leaf = object(&written.der());
        assert_eq!(leaf.valid_from(), expected);
        assert_eq!(leaf.valid_to(), expected);
    }
}

#[test]
fn days_left_are_whole_and_fall_below_zero() {
    let leaf = object(&Written::default().der());
    let end = leaf.not_after().unwrap();
    assert_eq!(end, 2_019_686_400);
    let at = |second: i64| UNIX_EPOCH + Duration::from_secs(second.unsigned_abs());
    assert_eq!(leaf.days_left(at(end)), Some(0));
    assert_eq!(leaf.days_left(at(end - 86_400)), Some(1));
    assert_eq!(leaf.days_left(at(end - 86_399)), Some(0));
    assert_eq!(leaf.days_left(at(end + 1)), Some(-1));
    let before = UNIX_EPOCH - Duration::from_secs(86_400);
    assert_eq!(leaf.days_left(before), Some(end / 86_400 + 1));
}

#[test]
fn keys_have_their_sizes_and_names() {
    for (kind, bits, asn1, nist) in [
        (KeyKind::P256, Some(256), Some("prime256v1"), Some("P-256")),
        (KeyKind::P384, Some(384), Some("secp384r1"), Some("P-384")),
        (KeyKind::P521, Some(521), Some("secp521r1"), Some("P-521")),
        (KeyKind::Ed25519, None, None, None),
        (KeyKind::Rsa2048, Some(2048), None, None),
    ] {
        let leaf = certificate_of(&Template::server(&["localhost"]).key(kind));
        let found = (leaf.bits(), leaf.asn1_curve(), leaf.nist_curve());
        assert_eq!(found, (bits, asn1, nist), "{kind:?}");
        let is_rsa = kind == KeyKind::Rsa2048;
        assert_eq!(leaf.modulus().is_some(), is_rsa);
        assert_eq!(leaf.exponent(), is_rsa.then_some("0x10001"));
        assert_eq!(leaf.pubkey().is_none(), kind == KeyKind::Ed25519);
        assert_eq!(leaf.spki_sha256_base64().len(), 44);
    }
}

#[test]
fn a_hybrid_point_is_shown_uncompressed() {
    let written = Written {
        key: [&[6], &[7; 64][..]].concat(),
        ..Written::default()
    };
    let expected = [&[4], &[7; 64][..]].concat();
    assert_eq!(object(&written.der()).pubkey(), Some(&expected[..]));
}

#[test]
fn a_modulus_has_no_leading_zero() {
    let numbers = sequence(&[value(2, [0x0a, 0xbc, 0xde]), value(2, [3])]);
    let written = Written {
        algorithm: sequence(&[oid("1.2.840.113549.1.1.1"), value(5, [])]),
        key: numbers,
        ..Written::default()
    };
    let leaf = object(&written.der());
    assert_eq!(leaf.modulus(), Some("ABCDE"));
    assert_eq!((leaf.exponent(), leaf.bits()), (Some("0x3"), Some(20)));
}

#[test]
fn fingerprints_are_digests_in_pairs() {
    let leaf = certificate_of(&Template::server(&["localhost"]));
    let expected = colons(&sha256(leaf.raw()));
    assert_eq!(leaf.fingerprint256(), expected);
    assert_eq!(leaf.fingerprint().len(), 20 * 3 - 1);
    assert_eq!(leaf.fingerprint512().len(), 64 * 3 - 1);
    assert_eq!(colons(&[0, 0xab]), "00:AB");
}

#[test]
fn the_walk_up_ends_at_the_root() {
    let root = TestCa::root(&Template::authority("root"));
    let first = root.intermediate_like(&Template::authority("first"));
    let second = first.intermediate_like(&Template::authority("second"));
    let pem = second.issue(&["localhost"]).chain_pem + &root.certificate_pem();
    let sent = der(&pem);
    let names = |chain: &[CertificateDer<'_>]| {
        let leaf = PeerCertificate::from_chain(chain).unwrap();
        let chain: Vec<_> = leaf.chain().map(|it| it.subject_cn().to_owned()).collect();
        chain
    };
    let all = ["localhost", "second", "first", "root"];
    assert_eq!(names(&sent), all);
    let [leaf, below, above, anchor] = &sent[..] else {
        panic!("four were made");
    };
    let stranger = der(&TestCa::new().certificate_pem()).remove(0);
    let mixed = [leaf, anchor, &stranger, above, below].map(Clone::clone);
    assert_eq!(names(&mixed), all);
    let gap = [leaf, above, anchor].map(Clone::clone);
    assert_eq!(names(&gap), ["localhost"]);

    // The page's own walk: up until a certificate comes twice.
    let mut last = PeerCertificate::from_chain(&mixed).unwrap();
    let mut steps = 0;
    while let Some(next) = last.issuer_certificate().filter(|next| *next != last) {
        last = next;
        steps += 1;
    }
    assert_eq!((steps, last.subject_cn()), (3, "root"));
    assert_eq!(last.issuer_certificate(), Some(last.clone()));
    assert_eq!(last.chain().count(), 1);
}

#[test]
fn authorities_that_certify_each_other_are_walked_once() {
    let certified = |subject: &[u8], issuer: &[u8]| {
        let written = Written {
            subject: name(&[&[("2.5.4.3", 12, subject)]]),
            issuer: name(&[&[("2.5.4.3", 12, issuer)]]),
            ..Written::default()
        };
        written.der()
    };
    let chain = [
        certified(b"leaf", b"a"),
        certified(b"a", b"b"),
        certified(b"b", b"a"),
    ];
    let leaf = PeerCertificate::from_chain(&chain).unwrap();
    assert_eq!(leaf.chain().count(), 3);
    let last = leaf.chain().last().unwrap();
    assert_eq!(last.issuer_certificate(), None);
}

#[test]
fn key_identifiers_choose_among_certificates_of_one_name() {
    let known = |subject: &[u8], issuer: &[u8], own: u8, signed_by: u8| {
        let written = Written {
            subject: name(&[&[("2.5.4.3", 12, subject)]]),
            issuer: name(&[&[("2.5.4.3", 12, issuer)]]),
            extensions: vec![
                extension("2.5.29.14", value(4, [own])),
                extension("2.5.29.35", sequence(&[value(0x80, [signed_by])])),
            ],
            ..Written::default()
        };
        written.der()
    };
    let chain = [
        known(b"leaf", b"ca", 1, 2),
        known(b"ca", b"root", 9, 3),
        known(b"ca", b"root", 2, 3),
    ];
    let leaf = PeerCertificate::from_chain(&chain).unwrap();
    let issuer = leaf.issuer_certificate().unwrap();
    assert_eq!(issuer.raw(), &chain[2][..]);
}

#[test]
fn what_cannot_be_read_has_its_octets_only() {
    assert_eq!(PeerCertificate::from_chain(&[]), None);
    let garbage = CertificateDer::from(vec![0x30, 0x03, 1, 2, 3]);
    let leaf = PeerCertificate::from_chain(&[garbage.clone(), garbage.clone()]).unwrap();
    assert_eq!(leaf.raw(), &garbage[..]);
    assert_eq!(leaf.fingerprint256(), colons(&sha256(&garbage)));
    assert!(leaf.subject().is_empty() && leaf.issuer().is_empty());
    assert_eq!((leaf.spki(), leaf.not_after()), (None, None));
    assert_eq!((leaf.valid_from(), leaf.serial_number()), ("", ""));
    assert_eq!(leaf.spki_sha256_base64(), "");
    assert_eq!(leaf.issuer_certificate(), None);
    assert_eq!(leaf.chain().count(), 1);
}

/// Asks a certificate for everything.
fn read_everything(leaf: &PeerCertificate) {
    let _ = (leaf.subject_alt_name(), leaf.info_access(), leaf.pubkey());
    let _ = (leaf.issuer_certificate(), leaf.chain().count());
    let _ = format!("{leaf:?}");
}

proptest! {
    #[test]
    fn a_damaged_certificate_is_read_without_panic(
        changes in prop::collection::vec((0_usize..600, any::<u8>()), 1..6),
        cut in 0_usize..600,
    ) {
        let written = Written {
            extensions: vec![
                extension("2.5.29.17", sequence(&[
                    value(0x82, "localhost"),
                    value(0xa4, name(&[&[("2.5.4.3", 30, b"\0a")]])),
                    value(0xa0, [oid("1.3.6.1.5.5.7.8.5"), value(0xa0, value(12, "x"))].concat()),
                    value(0x88, [42, 3, 4]),
                ])),
                extension("2.5.29.37", sequence(&[oid("1.3.6.1.5.5.7.3.2")])),
                extension("2.5.29.35", sequence(&[value(0x80, [1])])),
            ],
            ..Written::default()
        };
        let mut octets = written.der().to_vec();
        let length = octets.len();
        for (place, octet) in changes {
            octets[place % length] = octet;
        }
        read_everything(&object(&CertificateDer::from(octets.clone())));
        octets.truncate(cut);
        read_everything(&object(&CertificateDer::from(octets)));
    }

    #[test]
    fn names_come_back_out_of_the_line(
        names in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 1..4),
    ) {
        let encoded: Vec<_> = names.iter().map(|name| value(0x82, name)).collect();
        let leaf = with_alt_names(&encoded);
        let line = leaf.subject_alt_name().unwrap();
        let commas = line.matches(',').count();
        prop_assert_eq!(commas, names.len() - 1);
        prop_assert!(line.is_ascii() && !line.contains(|it: char| it.is_ascii_control()));
    }
}
