//! A peer's certificate as an object: names, dates, key, fingerprints, and who issued it.
//!
//! The fields and their text forms are those of the https module's certificate object, so that what
//! programs and people compare stays comparable. Everything here is a raw fact that the peer chose:
//! whoever prints one escapes it first. `Debug` does. Nothing here judges: a certificate that
//! cannot be read (RFC 5280 §4.1) has its octets and fingerprints, and nothing else.

mod dates;
mod extensions;
mod facts;
mod key;
mod names;
mod oid;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use crate::digest::{sha1, sha256, sha512};

use facts::Facts;
pub use names::DistinguishedName;

/// A certificate of a peer, with those above it as far as they are known.
///
/// Cloning shares. Making one costs a copy of the octets; they are read when a field is first asked
/// for, once. Two are equal when their octets are.
#[derive(Clone)]
pub struct PeerCertificate {
    /// All certificates of the chain, shared by the objects of each of them.
    chain: Arc<Chain>,
    /// Which one this is: its place on the way up from the end-entity certificate.
    place: usize,
}

/// The certificates that belong together.
struct Chain {
    /// As they came; the end-entity certificate first.
    members: Box<[Member]>,
    /// The way up, each member the issuer of the one before; found when first asked for.
    way: OnceLock<Box<[usize]>>,
    /// Whether the objects tell who issued them.
    tells_issuers: bool,
}

/// One certificate of a chain.
struct Member {
    /// Its DER.
    raw: CertificateDer<'static>,
    /// What it says, read when first asked for.
    facts: OnceLock<Facts>,
}

impl PeerCertificate {
    /// The end-entity certificate of a chain as a peer sent it, or of a verified path.
    ///
    /// The first is the end-entity certificate. Who issued whom is found among the others by name
    /// and key identifier (RFC 5280 §4.2.1.1), in whatever order they stand; what does not belong
    /// is left out. No signature is checked. `None` if the chain is empty.
    pub fn from_chain(chain: &[CertificateDer<'_>]) -> Option<Self> {
        Self::of(chain, true)
    }

    /// The same certificate without those above it: `issuer_certificate()` is `None`, and no memory
    /// is held for the chain. The https module gives this form unless `detailed` is asked for.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self {
            chain: Arc::new(Chain::of(&[self.der().clone()], false)),
            place: 0,
        }
    }

    /// Whom the certificate is for.
    pub fn subject(&self) -> &DistinguishedName {
        &self.facts().subject
    }

    /// The first common name of the subject, or an empty text.
    pub fn subject_cn(&self) -> &str {
        self.subject().first("CN").unwrap_or_default()
    }

    /// Who issued it.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.facts().issuer
    }

    /// The alternative names in one line: `DNS:localhost, IP Address:127.0.0.1`. A value that holds
    /// a separator, a quote or a control character stands there as a JSON string.
    pub fn subject_alt_name(&self) -> Option<&str> {
        self.facts().subject_alt_name.as_deref()
    }

    /// Where to ask for its status and its issuer: pairs such as `OCSP - URI` and an address, in
    /// order; a key may come several times. `None` without the extension.
    pub fn info_access(&self) -> Option<&[(String, String)]> {
        self.facts().info_access.as_deref()
    }

    /// Whether it is an authority's: basicConstraints say so and keyUsage does not forbid it.
    pub fn ca(&self) -> bool {
        self.facts().ca
    }

    /// The modulus of an RSA key in upper-case hexadecimal.
    pub fn modulus(&self) -> Option<&str> {
        self.facts().key.modulus.as_deref()
    }

    /// The public exponent of an RSA key, such as `0x10001`.
    pub fn exponent(&self) -> Option<&str> {
        self.facts().key.exponent.as_deref()
    }

    /// The size of an RSA modulus, or of the order of an elliptic curve's group.
    pub fn bits(&self) -> Option<u32> {
        self.facts().key.bits
    }

    /// The name of an elliptic curve as ASN.1 standards have it, such as `prime256v1`.
    pub fn asn1_curve(&self) -> Option<&'static str> {
        self.facts().key.asn1_curve
    }

    /// The name of an elliptic curve as NIST has it, such as `P-256`.
    pub fn nist_curve(&self) -> Option<&'static str> {
        self.facts().key.nist_curve
    }

    /// The public key in the module's form: of RSA the SubjectPublicKeyInfo, of an elliptic curve
    /// the bare point, of other algorithms nothing. Pins are better made of
    /// [`spki`](Self::spki), which is the same kind of thing for all.
    pub fn pubkey(&self) -> Option<&[u8]> {
        self.facts().key.pubkey()
    }

    /// The SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7), as the certificate has it.
    pub fn spki(&self) -> Option<&[u8]> {
        self.facts().key.spki.as_deref()
    }

    /// SHA-256 of the SubjectPublicKeyInfo in base64: the value that pins of the public key have
    /// (RFC 7469 §2.4). Empty if the certificate cannot be read.
    pub fn spki_sha256_base64(&self) -> String {
        self.spki().map(key::pin).unwrap_or_default()
    }

    /// Since when it is valid: `Feb  8 12:00:13 2035 GMT`. Empty if it cannot be read.
    pub fn valid_from(&self) -> &str {
        &self.facts().valid_from
    }

    /// Until when it is valid, in the same form.
    pub fn valid_to(&self) -> &str {
        &self.facts().valid_to
    }

    /// Since when it is valid, in seconds of Unix time.
    pub fn not_before(&self) -> Option<i64> {
        self.facts().not_before
    }

    /// Until when it is valid, this second included, in seconds of Unix time.
    pub fn not_after(&self) -> Option<i64> {
        self.facts().not_after
    }

    /// How many whole days it is still valid; below zero once it has expired.
    pub fn days_left(&self, now: SystemTime) -> Option<i64> {
        Some(dates::days(now, self.not_after()?))
    }

    /// SHA-1 of the certificate, as older tools show it. It proves nothing any more.
    pub fn fingerprint(&self) -> String {
        colons(&sha1(self.raw()))
    }

    /// SHA-256 of the certificate: upper-case hexadecimal pairs joined by colons.
    pub fn fingerprint256(&self) -> String {
        colons(&sha256(self.raw()))
    }

    /// SHA-512 of the certificate, in the same form.
    pub fn fingerprint512(&self) -> String {
        colons(&sha512(self.raw()))
    }

    /// What the key may be used for (RFC 5280 §4.2.1.12), as numbers such as `1.3.6.1.5.5.7.3.1`.
    /// `None` without the extension.
    pub fn ext_key_usage(&self) -> Option<&[String]> {
        self.facts().ext_key_usage.as_deref()
    }

    /// The serial number in upper-case hexadecimal; with a minus sign if it is negative.
    pub fn serial_number(&self) -> &str {
        &self.facts().serial_number
    }

    /// The certificate in DER.
    pub fn raw(&self) -> &[u8] {
        self.der()
    }

    /// The certificate of the one who issued it, if it is known. A self-signed certificate is its
    /// own: a walk that follows this ends where a certificate comes twice. [`chain`](Self::chain)
    /// ends there by itself.
    pub fn issuer_certificate(&self) -> Option<Self> {
        let above = self.place + 1;
        if above < self.chain.way().len() {
            return Some(self.at(above));
        }
        let is_own = self.chain.tells_issuers && self.facts().is_issued_by(self.facts());
        is_own.then(|| self.clone())
    }

    /// This certificate and those above it, up to and including the root as far as they are known,
    /// each once.
    pub fn chain(&self) -> impl Iterator<Item = Self> + use<> {
        let of = self.clone();
        (self.place..self.chain.way().len()).map(move |place| of.at(place))
    }

    /// The end-entity certificate of a chain.
    fn of(chain: &[CertificateDer<'_>], tells_issuers: bool) -> Option<Self> {
        let chain = Arc::new(Chain::of(chain, tells_issuers));
        (!chain.members.is_empty()).then_some(Self { chain, place: 0 })
    }

    /// The certificate at a place of the same way up.
    fn at(&self, place: usize) -> Self {
        Self {
            chain: Arc::clone(&self.chain),
            place,
        }
    }

    /// What is known of this certificate.
    fn member(&self) -> &Member {
        // The first place needs no way up: a leaf's fields cost the reading of the leaf.
        let index = match self.place {
            0 => 0,
            place => self.chain.way()[place],
        };
        &self.chain.members[index]
    }

    /// Its DER.
    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.member().raw
    }

    /// What it says.
    fn facts(&self) -> &Facts {
        self.member().facts()
    }
}

impl PartialEq for PeerCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl Eq for PeerCertificate {}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificate")
            .field("subject", self.subject())
            .field("issuer", self.issuer())
            .field("subject_alt_name", &self.subject_alt_name())
            .field("valid_from", &self.valid_from())
            .field("valid_to", &self.valid_to())
            .field("fingerprint256", &self.fingerprint256())
            .finish_non_exhaustive()
    }
}

impl Chain {
    /// Takes copies of the certificates.
    fn of(chain: &[CertificateDer<'_>], tells_issuers: bool) -> Self {
        let member = |raw: &CertificateDer<'_>| Member {
            raw: raw.clone().into_owned(),
            facts: OnceLock::new(),
        };
        Self {
            members: chain.iter().map(member).collect(),
            way: OnceLock::new(),
            tells_issuers,
        }
    }

    /// The way up from the first.
    ///
    /// Each certificate is on it at most once, so that two authorities which certify each other do
    /// not make it endless.
    fn way(&self) -> &[usize] {
        self.way.get_or_init(|| {
            let mut left: Vec<usize> = (1..self.members.len()).collect();
            let mut way = vec![0];
            let mut last = self.members[0].facts();
            while !last.is_issued_by(last) {
                let issued = |index: &usize| last.is_issued_by(self.members[*index].facts());
                let Some(found) = left.iter().position(issued) else {
                    break;
                };
                let index = left.remove(found);
                last = self.members[index].facts();
                way.push(index);
            }
            way.into()
        })
    }
}

impl Member {
    /// What it says.
    fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| Facts::read(&self.raw))
    }
}

/// Octets as upper-case hexadecimal pairs joined by colons.
pub(crate) fn colons(octets: &[u8]) -> String {
    let pairs: Vec<_> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    pairs.join(":")
}

/// SHA-256 of a SubjectPublicKeyInfo in base64 (RFC 7469 §2.4).
pub(crate) fn spki_pin(spki: &[u8]) -> String {
    key::pin(spki)
}

#[cfg(test)]
pub(crate) mod tests;
