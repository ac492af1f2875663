//! Do expressions leave what OpenSSL leaves, and never panic?

use std::collections::BTreeSet;
use std::process::Command;

use proptest::prelude::*;
use rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;

use super::{Ciphers, suites};

/// The suites of TLS 1.2 that are offered, in the order an expression leaves them, by short names.
fn tls12(expression: &str) -> Vec<&'static str> {
    let chosen = Ciphers::parse(expression).unwrap();
    let Ok(chosen) = chosen.choose(ALL_CIPHER_SUITES) else {
        return Vec::new();
    };
    let older = chosen.iter().filter(|suite| suite.tls13().is_none());
    let names = older.map(|suite| suites::known().name(u16::from(suite.suite())).unwrap());
    names.collect()
}

/// What remains of TLS 1.3, by code point.
fn tls13(expression: &str) -> Vec<u16> {
    let chosen = Ciphers::parse(expression)
        .unwrap()
        .choose(ALL_CIPHER_SUITES);
    let newer = chosen.unwrap().into_iter();
    newer
        .filter(|suite| suite.tls13().is_some())
        .map(|suite| u16::from(suite.suite()))
        .collect()
}

fn code(expression: &str) -> &'static str {
    let parsed = Ciphers::parse(expression).and_then(|read| read.choose(ALL_CIPHER_SUITES));
    parsed.unwrap_err().code()
}

/// Whole lists, offered or not, against what `openssl ciphers` prints for the same expression.
#[test]
fn lists_are_those_of_openssl() {
    let known_there: BTreeSet<_> = openssl("ALL:COMPLEMENTOFALL").into_iter().collect();
    assert!(
        known_there.len() > 100,
        "the tests need the openssl program"
    );
    for expression in EXPRESSIONS {
        let read = Ciphers::parse(expression).unwrap();
        let ids = read.tls12.unwrap_or_default().into_iter();
        let ours = ids.map(|id| suites::known().name(id).unwrap().to_owned());
        // Suites that this openssl was built without are none of its list.
        let ours: Vec<_> = ours.filter(|name| known_there.contains(name)).collect();
        assert_eq!(ours, openssl(expression), "{expression}");
    }
}

/// The suites up to TLS 1.2 of an expression, by the program; security levels are not its subject.
fn openssl(expression: &str) -> Vec<String> {
    let output = Command::new("openssl")
        .args(["ciphers", &format!("{expression}:@SECLEVEL=0")])
        .output()
        .expect("the tests need the openssl program");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.trim().split(':').filter(|name| !name.is_empty());
    names
        .filter(|name| !name.starts_with("TLS_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn offered_suites_come_in_the_order_of_the_expression() {
    let ecdsa_128 = "ECDHE-ECDSA-AES128-GCM-SHA256";
    let rsa_256 = "ECDHE-RSA-AES256-GCM-SHA384";
    let both = [ecdsa_128, rsa_256];
    assert_eq!(tls12(&both.join(":")), both);
    assert_eq!(tls12(&both.join(", ")), both);
    assert_eq!(
        tls12(&format!("{rsa_256} {ecdsa_128}")),
        [rsa_256, ecdsa_128]
    );
    assert_eq!(
        tls12("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:AES128-SHA:nobody-knows-this"),
        [rsa_256]
    );
    assert_eq!(tls12("DEFAULT").len(), 6);
    assert_eq!(tls12("ALL:!CHACHA20:!AES256:!aRSA"), [ecdsa_128]);
}

#[test]
fn names_of_tls13_choose_among_its_suites_only() {
    assert_eq!(
        tls13("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"),
        [0x1303, 0x1301]
    );
    let only = Ciphers::parse("TLS_CHACHA20_POLY1305_SHA256").unwrap();
    assert!(only.is_tls13_only());
    let both = Ciphers::parse("TLS_AES_128_GCM_SHA256:ECDHE+AESGCM").unwrap();
    assert!(!both.is_tls13_only());
    assert_eq!(tls13("HIGH"), [0x1302, 0x1301, 0x1303], "the defaults");
    assert_eq!(tls13("!TLS_AES_128_GCM_SHA256:HIGH"), [0x1302, 0x1303]);
    assert_eq!(tls13("+TLS_AES_256_GCM_SHA384"), [0x1303, 0x1301, 0x1302]);
    // An alias says nothing about TLS 1.3, as with OpenSSL.
    assert_eq!(tls13("CHACHA20").len(), 3);
}

#[test]
fn nothing_left_is_an_error_that_names_what_was_known() {
    for nothing in [
        "nobody-knows-this",
        "TLS_NOPE",
        "TLS_NOPE:HIGH",
        "AES128-SHA",
        "aNULL",
        "HIGH:!ALL",
        "TLS_AES_128_CCM_SHA256",
        "!TLS_AES_128_GCM_SHA256:-TLS_AES_256_GCM_SHA384:!TLS_CHACHA20_POLY1305_SHA256",
        "@STRENGTH",
        "@SECLEVEL=1",
        "SUITEB128",
    ] {
        assert_eq!(code(nothing), "ERR_SSL_NO_CIPHER_MATCH", "{nothing}");
    }
    let error = Ciphers::parse("AES128-SHA:AES256-SHA")
        .unwrap()
        .choose(ALL_CIPHER_SUITES)
        .unwrap_err();
    assert!(
        error.reason().contains("(AES128-SHA, AES256-SHA)"),
        "{error}"
    );
}

#[test]
fn what_is_no_expression_is_refused() {
    for empty in ["", ":", " , ;", "::"] {
        assert_eq!(code(empty), "ERR_INVALID_ARG_VALUE", "{empty:?}");
    }
    for broken in [
        "%",
        "HIGH:!",
        "HIGH+",
        "@",
        "@NOPE",
        "@SECLEVEL=6",
        "HIGH:é",
        "!!aNULL",
    ] {
        assert_eq!(code(broken), "ERR_SSL_INVALID_COMMAND", "{broken}");
    }
    for level in 3..6 {
        let asked = format!("HIGH:@SECLEVEL={level}");
        assert_eq!(code(&asked), "ERR_INVALID_ARG_VALUE", "{asked}");
    }
    assert_eq!(code(&"HIGH:".repeat(4000)), "ERR_INVALID_ARG_VALUE");
}

#[test]
fn every_row_of_the_table_is_read() {
    let known = suites::known();
    let rows = include_str!("suites.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    assert_eq!(known.suites.len(), rows.count());
    let ids: BTreeSet<_> = known.suites.iter().map(|suite| suite.id).collect();
    assert_eq!(ids.len(), known.suites.len(), "a code point stands twice");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Ciphers::parse(&text);
    }

    #[test]
    fn what_is_chosen_is_offered_once(text in LIKELY) {
        if let Ok(read) = Ciphers::parse(&text) {
            let ids = read.tls12.clone().unwrap_or_default();
            let once: BTreeSet<_> = ids.iter().collect();
            prop_assert_eq!(once.len(), ids.len());
            if let Ok(chosen) = read.choose(ALL_CIPHER_SUITES) {
                prop_assert!(!chosen.is_empty());
                prop_assert!(chosen.iter().all(|suite| ALL_CIPHER_SUITES.contains(suite)));
            }
        }
    }
}

/// Texts that are expressions more often than not.
const LIKELY: &str =
    "([-+!@]?(ALL|HIGH|AES(128|GCM)?|[A-Z]{1,4}|STRENGTH|TLS_[A-Z]{2})[:+, ]?){0,12}";

/// Expressions whose lists are compared whole.
const EXPRESSIONS: &[&str] = &[
    "ALL",
    "DEFAULT",
    "DEFAULT:!aRSA",
    "DEFAULT:+AES128",
    "COMPLEMENTOFDEFAULT",
    "COMPLEMENTOFALL",
    "HIGH",
    "HIGH:!aNULL:!MD5",
    "HIGH:!aNULL:!eNULL:!EXPORT:!DES:!RC4:!MD5:!PSK:!SRP:!CAMELLIA",
    "MEDIUM:HIGH",
    "FIPS",
    "FIPS:!aNULL:!PSK:@STRENGTH",
    "ECDHE",
    "EECDH+AESGCM:EDH+AESGCM",
    "EECDH+AESGCM:EDH+AESGCM:AES256+EECDH:AES256+EDH",
    "kECDHE:kDHE:kRSA",
    "ECDH+aNULL",
    "AECDH:ADH",
    "DH",
    "RSA",
    "kRSA+AES:aRSA+CHACHA20",
    "ECDSA:RSA:-SHA1:SHA1",
    "ALL:-AESGCM:AESGCM",
    "ALL:-AES256:-AES128:AES128:AES256",
    "ALL:+ECDHE:+kRSA:!eNULL",
    "ALL:!kRSA:kRSA",
    "ALL:-kRSA:@STRENGTH:kRSA",
    "AES128:AES256:@STRENGTH",
    "AES:CAMELLIA:ARIA:@STRENGTH:+SHA384",
    "AESCCM:AESCCM8",
    "AESCCM8+ECDSA:AESGCM+ECDSA",
    "CHACHA20:AESGCM+AES256",
    "CBC:!SHA1",
    "SHA256:SHA384:SHA:MD5",
    "TLSv1.2:!PSK",
    "TLSv1.0:SSLv3",
    "TLSv1.2+AES256:TLSv1+ECDHE",
    "NULL:eNULL",
    "PSK:!kRSAPSK:!kECDHEPSK",
    "kPSK:kDHEPSK",
    "SRP+aRSA",
    "aDSS:aPSK",
    "CAMELLIA128:CAMELLIA256:ARIA128:ARIA256",
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:AES128-SHA",
    "ECDHE-RSA-AES128-GCM-SHA256+HIGH:AES256-SHA",
    "ECDHE-RSA-AES128-GCM-SHA256,AES256-SHA;AES128-SHA AES256-GCM-SHA384",
    "HIGH:nobody-knows-this:!or-this:-and+HIGH",
    "HIGH:!ECDHE-RSA-AES256-GCM-SHA384:!aNULL",
    "HIGH!aNULL-SHA1",
    "EXPORT:LOW:AES128-SHA",
    "ECDHE+AES256+SHA384:ECDHE+SHA1",
];
