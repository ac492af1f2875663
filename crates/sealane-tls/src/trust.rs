//! Trust anchors: the certificates a client believes without asking further (RFC 5280 §6.1.1).
//!
//! Whole certificates, not only names and keys: a server may present one of them itself, and then
//! it is compared octet by octet. Files and the machine's own store are read by the facade. What
//! an anchor says of its dates is not looked at: whoever gave it decided (RFC 5280 §6.2).

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{self, SHA256};
use rustls_pki_types::{CertificateDer, Der, TrustAnchor};
use webpki::anchor_from_trusted_cert;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use crate::error::OptionError;
use crate::pem;

/// Trust anchors as whole certificates.
///
/// Cloning shares. Each certificate counts once, however often it is given.
#[derive(Clone)]
pub struct Roots {
    /// Shared by all clones.
    inner: Arc<Inner>,
}

/// What clones share: two lists with the same order.
struct Inner {
    /// The certificates as they were given, in their first order.
    certificates: Vec<CertificateDer<'static>>,
    /// What path building needs of each.
    anchors: Vec<TrustAnchor<'static>>,
    /// SHA-256 over the sorted digests of the certificates: the same set, the same value.
    digest: [u8; 32],
}

impl Roots {
    /// The authorities that Mozilla trusts for servers, as they were when this was built.
    pub fn bundled() -> Self {
        BUNDLED.clone()
    }

    /// Reads one or more certificates from PEM text; text around the blocks is skipped.
    ///
    /// # Errors
    ///
    /// The error names the option `ca`: no certificate found, a block that is no certificate's,
    /// broken PEM (with the line), or a certificate that cannot be read (with its number).
    pub fn from_pem(octets: impl AsRef<[u8]>) -> Result<Self, OptionError> {
        let text = octets.as_ref();
        let broken =
            |error: pem::PemError| refusal("ERR_OSSL_PEM_BAD_BASE64_DECODE", error.to_string());
        let blocks = pem::blocks(text)
            .map_err(|error| refusal("ERR_OSSL_PEM_NO_START_LINE", error.to_string()))?;
        let mut certificates = Vec::new();
        for block in &blocks {
            match block.label {
                "CERTIFICATE" => certificates.push(block.decode().map_err(broken)?),
                // Skipped, an authority would be missing without a word.
                label if label.ends_with("CERTIFICATE") => return Err(other_label(block)),
                _ => {}
            }
        }
        match (certificates.is_empty(), blocks.first()) {
            (false, _) => Self::from_der(certificates),
            (true, Some(block)) => Err(other_label(block)),
            (true, None) => Err(refusal(
                "ERR_OSSL_PEM_NO_START_LINE",
                format!(
                    "no certificate found: expected is PEM text with a CERTIFICATE{}",
                    pem::advice(text)
                ),
            )),
        }
    }

    /// Takes certificates in DER.
    ///
    /// # Errors
    ///
    /// The error names the option `ca`: none was given, or one cannot be read (with its number).
    pub fn from_der<I>(certificates: I) -> Result<Self, OptionError>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut pairs = Vec::new();
        for (index, octets) in certificates.into_iter().enumerate() {
            let certificate = CertificateDer::from(octets.as_ref().to_vec());
            match readable_anchor(&certificate) {
                Some(anchor) => pairs.push((certificate, anchor)),
                None => {
                    return Err(refusal(
                        "ERR_INVALID_ARG_VALUE",
                        format!("certificate {} is not a valid X.509 certificate", index + 1),
                    ));
                }
            }
        }
        if pairs.is_empty() {
            return Err(refusal("ERR_INVALID_ARG_VALUE", "no certificate was given"));
        }
        Ok(Self::of(pairs))
    }

    /// These and the others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = [self, other];
        Self::of(both.iter().flat_map(Self::pairs))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.inner.certificates.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.inner.certificates.is_empty()
    }

    /// What path building needs.
    pub(crate) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.inner.anchors
    }

    /// The certificates whose subject is this name, the inside of its DER.
    pub(crate) fn named(&self, subject: &[u8]) -> Vec<&CertificateDer<'static>> {
        let pairs = self.inner.anchors.iter().zip(&self.inner.certificates);
        pairs
            .filter(|(anchor, _)| anchor.subject.as_ref() == subject)
            .map(|(_, certificate)| certificate)
            .collect()
    }

    /// Whether this very certificate is among them, octet by octet.
    pub(crate) fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        let mut all = self.inner.certificates.iter();
        all.any(|known| known.as_ref() == certificate.as_ref())
    }

    /// A digest that is the same for the same set of certificates.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.inner.digest
    }

    /// Certificates and anchors, side by side.
    fn pairs(&self) -> impl Iterator<Item = (CertificateDer<'static>, TrustAnchor<'static>)> {
        let certificates = self.inner.certificates.iter().cloned();
        certificates.zip(self.inner.anchors.iter().cloned())
    }

    /// Collects certificates that were read, each once.
    fn of(
        pairs: impl IntoIterator<Item = (CertificateDer<'static>, TrustAnchor<'static>)>,
    ) -> Self {
        let mut known = HashSet::new();
        let mut inner = Inner {
            certificates: Vec::new(),
            anchors: Vec::new(),
            digest: [0; 32],
        };
        for (certificate, anchor) in pairs {
            if known.insert(sha256(&certificate)) {
                inner.certificates.push(certificate);
                inner.anchors.push(anchor);
            }
        }
        let mut digests: Vec<_> = known.into_iter().collect();
        digests.sort_unstable();
        inner.digest = sha256(&digests.concat());
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots")
            .field("certificates", &self.len())
            .finish_non_exhaustive()
    }
}

/// What path building needs of a certificate, if it can be read by all who will read it later.
fn readable_anchor(certificate: &CertificateDer<'_>) -> Option<TrustAnchor<'static>> {
    let Ok(([], _)) = X509Certificate::from_der(certificate) else {
        return None;
    };
    let anchor = anchor_from_trusted_cert(certificate).ok()?;
    Some(anchor.to_owned())
}

/// The refusal of a PEM block that is no certificate, or one in a form only OpenSSL reads.
fn other_label(block: &pem::Block<'_>) -> OptionError {
    let (label, line) = (block.label, block.line);
    let reason = if label.ends_with("PRIVATE KEY") {
        format!("line {line} begins a private key where a certificate authority is expected")
    } else {
        format!("line {line} begins a \"{label}\", expected is a \"CERTIFICATE\"")
    };
    refusal("ERR_OSSL_PEM_NO_START_LINE", reason)
}

/// A refusal that names our option.
fn refusal(code: &'static str, reason: impl Into<String>) -> OptionError {
    OptionError::new("ca", code, reason.into())
}

/// SHA-256 of some octets.
fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&SHA256, octets).as_ref());
    out
}

/// The bundled authorities, read once.
static BUNDLED: LazyLock<Roots> = LazyLock::new(|| {
    let certificates = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    Roots::of(certificates.filter_map(|certificate| {
        let mut anchor = readable_anchor(certificate)?;
        if holds(certificate, STATE_AUTHORITY) {
            anchor.name_constraints = Some(permitted_subtrees(STATE_AUTHORITY_DOMAINS));
        }
        Some((certificate.clone(), anchor))
    }))
});

/// Whether a certificate holds a text.
fn holds(certificate: &CertificateDer<'_>, text: &str) -> bool {
    let mut windows = certificate.as_ref().windows(text.len());
    windows.any(|window| window == text.as_bytes())
}

/// The inside of a NameConstraints (RFC 5280 §4.2.1.10) that permits these domains only.
fn permitted_subtrees(domains: &[&str]) -> Der<'static> {
    let mut subtrees = Vec::new();
    for domain in domains {
        // All lengths are far below 128, which DER writes in one octet.
        let length = u8::try_from(domain.len()).unwrap_or_default();
        subtrees.extend([0x30, length + 2, 0x82, length]);
        subtrees.extend(domain.as_bytes());
    }
    let length = u8::try_from(subtrees.len()).unwrap_or_default();
    let mut out = vec![0xa0, length];
    out.extend(subtrees);
    Der::from(out)
}

/// The one bundled authority that Mozilla trusts for some domains only. The certificate does not
/// say so itself; without the limit a state's authority could speak for every name there is.
const STATE_AUTHORITY: &str = "TUBITAK Kamu SM SSL Kok Sertifikasi - Surum 1";

/// The domains that authority may speak for.
const STATE_AUTHORITY_DOMAINS: &[&str] = &[".tr"];

#[cfg(test)]
mod tests;
