//! What a certificate says it may be used for (RFC 5280 §4.2.1.3, §4.2.1.9, §4.2.1.12).
//!
//! The reader of certificates takes an extension that is malformed for one that is absent, and
//! absent means "anything". Here such a one permits nothing. Who signed the certificate, and
//! whether it is believed, is not asked here.

use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::Oid;
use x509_parser::extensions::{ExtendedKeyUsage, KeyUsage, ParsedExtension, X509Extension};
use x509_parser::oid_registry::{
    OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE,
};
use x509_parser::x509::X509Version;

/// What a peer's certificate is shown for (RFC 5280 §4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be a server.
    Server,
    /// To be a client.
    Client,
}

impl Purpose {
    /// Both, in the order of [`index`](Self::index).
    pub(crate) const ALL: [Self; 2] = [Self::Server, Self::Client];

    /// The place of what is kept for each purpose.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Server => 0,
            Self::Client => 1,
        }
    }

    /// What the peer is called.
    pub(crate) fn peer(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// What a certificate says of being an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authority {
    /// It is one.
    Yes {
        /// How many others may stand between it and a peer, those of its own name not counted.
        path_length: Option<u32>,
    },
    /// It is none, or says so in a way that cannot be read.
    No,
    /// It does not say.
    Unsaid,
}

/// Why a certificate that was given may not sign others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    /// It is not an authority.
    NoAuthority,
    /// Its key usage lacks keyCertSign.
    KeyUsage,
    /// Its extended key usage names neither what is asked nor everything.
    Purpose,
}

/// Whether a certificate that was given as an anchor may sign others, and how long a path may be
/// below it.
///
/// RFC 5280 §6.2 leaves this open. Without it the key of one device, whose certificate was given
/// so that this device is believed, could speak for every name there is.
pub(crate) fn of_anchor(
    certificate: &X509Certificate<'_>,
    purpose: Purpose,
) -> Result<Option<u32>, Bar> {
    let path_length = match authority(certificate) {
        Authority::Yes { path_length } => path_length,
        // Old roots say nothing: version 1 cannot, and others have a key usage in its place.
        Authority::Unsaid if is_self_issued(certificate) && stands_for_unsaid(certificate) => None,
        Authority::No | Authority::Unsaid => return Err(Bar::NoAuthority),
    };
    if !signs_certificates(certificate) {
        return Err(Bar::KeyUsage);
    }
    if !purposes_allow(certificate, |listed| lists(listed, purpose) || listed.any) {
        return Err(Bar::Purpose);
    }
    Ok(path_length)
}

/// What a certificate says of being an authority (RFC 5280 §4.2.1.9).
pub(crate) fn authority(certificate: &X509Certificate<'_>) -> Authority {
    match extension(certificate, &OID_X509_EXT_BASIC_CONSTRAINTS) {
        Ok(None) => Authority::Unsaid,
        Ok(Some(ParsedExtension::BasicConstraints(said))) if said.ca => Authority::Yes {
            path_length: said.path_len_constraint,
        },
        _ => Authority::No,
    }
}

/// Whether the key usage, if there is one, lets a certificate sign others.
pub(crate) fn signs_certificates(certificate: &X509Certificate<'_>) -> bool {
    usage_allows(certificate, true, KeyUsage::key_cert_sign)
}

/// Whether the key usage is there and lets a certificate sign others.
pub(crate) fn says_it_signs(certificate: &X509Certificate<'_>) -> bool {
    usage_allows(certificate, false, KeyUsage::key_cert_sign)
}

/// Whether the key usage, if there is one, lets a certificate sign handshakes (RFC 8446 §4.4.2.2;
/// all suites of TLS 1.2 that we speak sign theirs too).
pub(crate) fn signs_handshakes(certificate: &X509Certificate<'_>) -> bool {
    usage_allows(certificate, true, KeyUsage::digital_signature)
}

/// Whether the key usage, if there is one, lets a certificate sign revocation lists
/// (RFC 5280 §6.3.3 (f)).
pub(crate) fn signs_lists(certificate: &X509Certificate<'_>) -> bool {
    usage_allows(certificate, true, KeyUsage::crl_sign)
}

/// Whether a certificate may be used for this: it lists no purposes, or that one among them.
pub(crate) fn fits(certificate: &X509Certificate<'_>, purpose: Purpose) -> bool {
    purposes_allow(certificate, |listed| lists(listed, purpose))
}

/// Whether a purpose is among those that are listed.
fn lists(listed: &ExtendedKeyUsage<'_>, purpose: Purpose) -> bool {
    match purpose {
        Purpose::Server => listed.server_auth,
        Purpose::Client => listed.client_auth,
    }
}

/// Whether a certificate is of X.509 version 1, which has no extensions (RFC 5280 §4.1.2.1).
pub(crate) fn is_first_version(certificate: &X509Certificate<'_>) -> bool {
    certificate.version() == X509Version::V1 && certificate.extensions().is_empty()
}

/// Whether a certificate names itself as its issuer.
pub(crate) fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

/// Whether a root without basic constraints may be an authority all the same.
fn stands_for_unsaid(certificate: &X509Certificate<'_>) -> bool {
    is_first_version(certificate) || says_it_signs(certificate)
}

/// Whether the key usage allows something; `absent` is the answer where there is none.
fn usage_allows(
    certificate: &X509Certificate<'_>,
    absent: bool,
    allows: impl Fn(&KeyUsage) -> bool,
) -> bool {
    match extension(certificate, &OID_X509_EXT_KEY_USAGE) {
        Ok(None) => absent,
        Ok(Some(ParsedExtension::KeyUsage(usage))) => allows(usage),
        _ => false,
    }
}

/// Whether the extended key usage, if there is one, allows something.
fn purposes_allow(
    certificate: &X509Certificate<'_>,
    allow: impl Fn(&ExtendedKeyUsage<'_>) -> bool,
) -> bool {
    match extension(certificate, &OID_X509_EXT_EXTENDED_KEY_USAGE) {
        Ok(None) => true,
        Ok(Some(ParsedExtension::ExtendedKeyUsage(purposes))) => allow(purposes),
        _ => false,
    }
}

/// An extension as it was read, malformed or not; an error when it is there twice.
fn extension<'a, 'b>(
    certificate: &'a X509Certificate<'b>,
    oid: &Oid<'_>,
) -> Result<Option<&'a ParsedExtension<'b>>, ()> {
    match certificate.get_extension_unique(oid) {
        Ok(found) => Ok(found.map(X509Extension::parsed_extension)),
        Err(_) => Err(()),
    }
}
