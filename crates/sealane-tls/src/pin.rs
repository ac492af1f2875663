//! Pins: certificates and public keys that a peer's chain must hold (RFC 7469 §2.4).
//!
//! Pins are data, not code: two contexts with the same pins prove the same, so their connections
//! and sessions can be shared, and the check runs again when a session is resumed. A pin never
//! replaces the checks of chain and name, and is looked for in the verified path only: what else a
//! peer sends proves nothing about it (RFC 7469 §2.6).

mod text;

use std::fmt;

use rustls_pki_types::CertificateDer;

use crate::certificate::{PeerCertificate, colons, spki_pin};
use crate::digest::{Fields, sha256};
use crate::error::{OptionError, Refusal};

/// A certificate or a public key that a peer's verified chain must hold.
///
/// A pinned public key survives the renewal of a certificate with the same key. The pin is looked
/// for in the peer's own certificate, unless [`anywhere_in_chain`](Self::anywhere_in_chain) is
/// said.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pin {
    /// What is pinned.
    kind: Kind,
    /// Its SHA-256.
    digest: [u8; 32],
    /// Whether any certificate of the path counts.
    anywhere: bool,
}

/// What a pin is the digest of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// The SubjectPublicKeyInfo.
    PublicKey,
    /// The whole certificate.
    Certificate,
}

impl Pin {
    /// SHA-256 of a SubjectPublicKeyInfo in base64 (RFC 7469 §2.4), with or without `sha256//` as
    /// curl writes it or `pin-sha256="…"` as HPKP does.
    ///
    /// # Errors
    ///
    /// The error names the option `pins`: not base64, or not 32 octets.
    pub fn spki_sha256(text: impl AsRef<str>) -> Result<Self, OptionError> {
        let text = text.as_ref();
        Ok(Self::of(Kind::PublicKey, text::base64(text)?))
    }

    /// SHA-256 of a certificate in hexadecimal, pairs joined by colons or not.
    ///
    /// # Errors
    ///
    /// The error names the option `pins`: not hexadecimal, or not 32 octets.
    pub fn certificate_sha256(text: impl AsRef<str>) -> Result<Self, OptionError> {
        let text = text.as_ref();
        Ok(Self::of(Kind::Certificate, text::hexadecimal(text)?))
    }

    /// The same pin, looked for in the whole verified chain up to and including the root.
    #[must_use]
    pub fn anywhere_in_chain(mut self) -> Self {
        self.anywhere = true;
        self
    }

    /// A pin of the end-entity certificate.
    fn of(kind: Kind, digest: [u8; 32]) -> Self {
        Self {
            kind,
            digest,
            anywhere: false,
        }
    }

    /// Whether a certificate is the pinned one.
    fn is_of(&self, certificate: &PeerCertificate) -> bool {
        let pinned = match self.kind {
            Kind::PublicKey => certificate.spki(),
            Kind::Certificate => Some(certificate.raw()),
        };
        pinned.is_some_and(|octets| sha256(octets) == self.digest)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::PublicKey => write!(f, "public key sha256//{}", text::in_base64(&self.digest))?,
            Kind::Certificate => write!(f, "certificate {}", colons(&self.digest))?,
        }
        f.write_str(if self.anywhere {
            " anywhere in the chain"
        } else {
            ""
        })
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

/// Pins of which any one is enough: give a backup beside the one in use, or a lost key locks
/// everybody out (RFC 7469 §4.3).
///
/// ```
/// use sealane_tls::{Pin, Pins};
///
/// let in_use = Pin::spki_sha256("sha256//SIXvRyDmBJSgatgTQRGbInBaAK+hZOQ18UmrSwnDlK8=")?;
/// let backup = Pin::spki_sha256("YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg=")?;
/// let pins = Pins::from([in_use, backup.anywhere_in_chain()]);
/// assert_eq!(pins.len(), 2);
/// # Ok::<(), sealane_tls::OptionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// The pins in the order in which they were given.
    pins: Vec<Pin>,
    /// Whether a mismatch is only reported.
    report_only: bool,
}

impl Pins {
    /// Whether a mismatch is reported but refuses nobody. Off: a pin that refuses nobody protects
    /// nobody.
    #[must_use]
    pub fn report_only(mut self, report_only: bool) -> Self {
        self.report_only = report_only;
        self
    }

    /// Whether a mismatch is only reported.
    pub fn is_report_only(&self) -> bool {
        self.report_only
    }

    /// The pins in the order in which they were given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Pin> {
        self.pins.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.pins.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pins.is_empty()
    }

    /// Refuses a set that cannot be meant, when a context is built.
    ///
    /// # Errors
    ///
    /// The error names the option `pins`: there is none.
    pub(crate) fn validate(&self) -> Result<(), OptionError> {
        if !self.is_empty() {
            return Ok(());
        }
        let reason = "no pin was given: an empty set would refuse every peer; give at least one \
            pin or leave the option out";
        Err(OptionError::new("pins", "ERR_INVALID_ARG_VALUE", reason))
    }

    /// Looks for one of the pins in a verified path, the end-entity certificate first.
    ///
    /// The answer is the same for a set that only reports: whoever asks heeds `is_report_only`.
    pub(crate) fn check(&self, path: &[CertificateDer<'_>]) -> Result<(), PinMismatch> {
        let found: Vec<_> = path
            .iter()
            .filter_map(|raw| PeerCertificate::from_chain(std::slice::from_ref(raw)))
            .collect();
        let scope = |pin: &Pin| {
            if pin.anywhere {
                found.len()
            } else {
                found.len().min(1)
            }
        };
        let holds = |pin: &Pin| found[..scope(pin)].iter().any(|it| pin.is_of(it));
        if self.pins.iter().any(holds) {
            return Ok(());
        }
        Err(PinMismatch {
            wanted: self.pins.iter().map(Pin::to_string).collect(),
            found: found.iter().map(shown).collect(),
        })
    }

    /// A digest that is the same for the same set of pins, in whatever order and however often.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let encoded = |pin: &Pin| {
            let kind = match pin.kind {
                Kind::PublicKey => 0,
                Kind::Certificate => 1,
            };
            [&[kind, u8::from(pin.anywhere)], &pin.digest[..]].concat()
        };
        let mut pins: Vec<_> = self.pins.iter().map(encoded).collect();
        pins.sort_unstable();
        pins.dedup();
        let mut fields = Fields::new(b"pins");
        fields.put(&[u8::from(self.report_only)]);
        fields.put_list(pins.iter().map(Vec::as_slice));
        fields.finish()
    }
}

impl From<Pin> for Pins {
    fn from(pin: Pin) -> Self {
        Self::from([pin])
    }
}

impl<const N: usize> From<[Pin; N]> for Pins {
    fn from(pins: [Pin; N]) -> Self {
        pins.into_iter().collect()
    }
}

impl From<Vec<Pin>> for Pins {
    fn from(pins: Vec<Pin>) -> Self {
        pins.into_iter().collect()
    }
}

impl FromIterator<Pin> for Pins {
    fn from_iter<I: IntoIterator<Item = Pin>>(pins: I) -> Self {
        Self {
            pins: pins.into_iter().collect(),
            report_only: false,
        }
    }
}

/// A chain that holds none of the pins: what was wanted and what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PinMismatch {
    /// The pins, as text.
    pub(crate) wanted: Vec<String>,
    /// Fingerprint and pin of each certificate, the end-entity certificate first.
    pub(crate) found: Vec<String>,
}

impl fmt::Display for PinMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = text::list(&self.wanted);
        let found = text::list(&self.found);
        write!(
            f,
            "no pin fits the peer's chain: wanted is {wanted}; the chain has {found}"
        )
    }
}

impl From<PinMismatch> for Refusal {
    fn from(mismatch: PinMismatch) -> Self {
        let mut refusal = Self::new(MISMATCH, mismatch.to_string());
        for pin in mismatch.wanted {
            refusal = refusal.with("pin wanted", pin);
        }
        for (place, found) in (1..).zip(mismatch.found) {
            refusal = refusal.with(format!("verified chain {place}"), found);
        }
        refusal
    }
}

/// Both values of a certificate that pins are made of.
pub(crate) fn shown(certificate: &PeerCertificate) -> String {
    let fingerprint = certificate.fingerprint256();
    match certificate.spki() {
        Some(spki) => {
            let pin = spki_pin(spki);
            format!("certificate {fingerprint} (public key sha256//{pin})")
        }
        None => format!("certificate {fingerprint} (its public key cannot be read)"),
    }
}

/// The code of a chain that holds none of the pins. Ours: the https module leaves pinning to a
/// callback and has no name for it.
pub(crate) const MISMATCH: &str = "ERR_TLS_PIN_MISMATCH";

#[cfg(test)]
mod tests;
