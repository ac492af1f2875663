//! What every certificate made here has in common (RFC 5280 §4.1.2, §4.2.1).
//!
//! Parameters only: who signs, and whether it may, is decided where it is signed. No files; time
//! is an argument.

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    SanType,
};
use time::{Duration, OffsetDateTime};

/// The parameters of an end-entity certificate for a server with these names.
pub fn for_server(
    common_name: &str,
    names: Vec<SanType>,
    now: OffsetDateTime,
    ends: OffsetDateTime,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    params.distinguished_name = named(common_name);
    // Said outright: whoever steals the key shall be able to vouch for nothing else.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = now - BACKDATED;
    params.not_after = ends;
    params
}

/// A distinguished name of one common name, cut to the bound of RFC 5280 (64 characters, appendix
/// A).
pub fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(
        DnType::CommonName,
        name.chars().take(64).collect::<String>(),
    );
    distinguished
}

/// How far into the past validity reaches: an hour, for clients in containers and virtual machines
/// whose clock is behind.
pub const BACKDATED: Duration = Duration::hours(1);
