//! What one certificate says, read once and kept (RFC 5280 §4.1).
//!
//! Each field is read on its own: what cannot be read is missing and takes nothing else with it.
//! A certificate that cannot be read at all leaves every field empty.

use rustls_pki_types::CertificateDer;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::{
    OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
};

use super::names::DistinguishedName;
use super::{dates, extensions, key};

/// The fields of a certificate.
#[derive(Default)]
pub(super) struct Facts {
    /// Whom it is for.
    pub(super) subject: DistinguishedName,
    /// Who issued it.
    pub(super) issuer: DistinguishedName,
    /// The alternative names in one line.
    pub(super) subject_alt_name: Option<String>,
    /// Where to ask for its status and its issuer.
    pub(super) info_access: Option<Vec<(String, String)>>,
    /// Whether it is an authority's.
    pub(super) ca: bool,
    /// The public key.
    pub(super) key: key::Key,
    /// Since when it is valid, as text.
    pub(super) valid_from: String,
    /// Until when it is valid, as text.
    pub(super) valid_to: String,
    /// Since when it is valid, in Unix time.
    pub(super) not_before: Option<i64>,
    /// Until when it is valid, in Unix time.
    pub(super) not_after: Option<i64>,
    /// What the key may be used for.
    pub(super) ext_key_usage: Option<Vec<String>>,
    /// The serial number in hexadecimal.
    pub(super) serial_number: String,
    /// What links it to others; `None` if it cannot be read, and is then linked to none.
    links: Option<Links>,
}

/// What links a certificate to its issuer.
struct Links {
    /// The subject's DER.
    subject: Vec<u8>,
    /// The issuer's DER.
    issuer: Vec<u8>,
    /// The identifier of its own key, if it says one.
    own_key: Option<Vec<u8>>,
    /// The identifier of the key that signed it, if it says one.
    issuer_key: Option<Vec<u8>>,
}

impl Facts {
    /// Reads a certificate.
    pub(super) fn read(raw: &CertificateDer<'_>) -> Self {
        let Ok((_, certificate)) = X509Certificate::from_der(raw) else {
            return Self::default();
        };
        let validity = certificate.validity();
        Self {
            subject: DistinguishedName::read(certificate.subject()),
            issuer: DistinguishedName::read(certificate.issuer()),
            subject_alt_name: extensions::subject_alt_name(&certificate),
            info_access: extensions::info_access(&certificate),
            ca: extensions::is_authority(&certificate),
            key: key::Key::read(certificate.public_key()),
            valid_from: dates::text(validity.not_before),
            valid_to: dates::text(validity.not_after),
            not_before: Some(validity.not_before.timestamp()),
            not_after: Some(validity.not_after.timestamp()),
            ext_key_usage: extensions::ext_key_usage(&certificate),
            serial_number: key::signed_hex(certificate.raw_serial()),
            links: Some(Links::read(&certificate)),
        }
    }

    /// Whether another certificate's holder may have issued this one: names fit, and key
    /// identifiers where both say them. Several certificates of one authority have the same name.
    pub(super) fn is_issued_by(&self, other: &Self) -> bool {
        let (Some(this), Some(other)) = (&self.links, &other.links) else {
            return false;
        };
        let keys_fit = match (&this.issuer_key, &other.own_key) {
            (Some(wanted), Some(found)) => wanted == found,
            _ => true,
        };
        this.issuer == other.subject && keys_fit
    }
}

impl Links {
    /// Reads what links a certificate to others.
    fn read(certificate: &X509Certificate<'_>) -> Self {
        let own_key = certificate
            .get_extension_unique(&OID_X509_EXT_SUBJECT_KEY_IDENTIFIER)
            .ok()
            .flatten();
        let own_key = own_key.and_then(|it| match it.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(key) => Some(key.0.to_vec()),
            _ => None,
        });
        let issuer_key = certificate
            .get_extension_unique(&OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER)
            .ok()
            .flatten();
        let issuer_key = issuer_key.and_then(|it| match it.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(names) => {
                names.key_identifier.as_ref().map(|key| key.0.to_vec())
            }
            _ => None,
        });
        Self {
            subject: certificate.subject().as_raw().to_vec(),
            issuer: certificate.issuer().as_raw().to_vec(),
            own_key,
            issuer_key,
        }
    }
}
