//! Trust anchors: the certificates that are believed without asking further (RFC 5280 §6.1.1).
//!
//! Whole certificates, not only names and keys: a peer may present one of them itself, and then
//! it is compared octet by octet. It vouches for others only if it says that it may, and within the
//! limits that it sets itself. One that others issued completes paths and ends none, unless a
//! verifier's rules say so. Files and the machine's own store are read by the facade. Where an
//! anchor vouches for others its dates are not looked at: whoever gave it decided (RFC 5280 §6.2).
//! Presented as the peer's own, its dates count.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls_pki_types::{CertificateDer, Der, TrustAnchor};
use webpki::anchor_from_trusted_cert;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use crate::digest::sha256;
use crate::error::OptionError;
use crate::pem;
use crate::permissions::{self, Bar, Purpose};

/// Trust anchors as whole certificates.
///
/// Cloning shares. Each certificate counts once, however often it is given. One that is no
/// authority's, such as a device's own, vouches for no other; a server that presents it is believed
/// if it is self-signed. An intermediate authority is used to reach its root, which must be given
/// too unless partial chains are allowed.
#[derive(Clone)]
pub struct Roots {
    /// Shared by all clones.
    inner: Arc<Inner>,
}

/// What clones share.
struct Inner {
    /// The certificates as they were given, in their first order.
    given: Vec<Given>,
    /// What path building needs of those that may sign others, for each purpose.
    anchors: [Anchors; 2],
    /// Those that others issued, which may stand on a path without ending it.
    intermediates: Vec<CertificateDer<'static>>,
    /// SHA-256 over the sorted digests of the certificates: the same set, the same value.
    digest: [u8; 32],
}

/// Those that may sign others for one purpose.
#[derive(Default)]
struct Anchors {
    /// First those that are their own issuers by name, then the others.
    all: Vec<TrustAnchor<'static>>,
    /// How many are their own issuers.
    self_issued: usize,
}

/// A certificate that was given.
#[derive(Clone)]
pub(crate) struct Given {
    /// The certificate itself.
    pub(crate) certificate: CertificateDer<'static>,
    /// What path building needs of it.
    anchor: TrustAnchor<'static>,
    /// Whether it is its own issuer by name.
    pub(crate) is_self_issued: bool,
    /// The longest path it allows below itself, or why it may not sign others at all; for each
    /// purpose.
    signs: [Result<Option<u32>, Bar>; 2],
}

impl Roots {
    /// The authorities that Mozilla trusts for servers, as they were when this was built.
    pub fn bundled() -> Self {
        BUNDLED.clone()
    }

    /// Nobody at all.
    pub(crate) fn none() -> Self {
        Self::of([])
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
        let mut all = Vec::new();
        for (index, octets) in certificates.into_iter().enumerate() {
            match Given::read(CertificateDer::from(octets.as_ref().to_vec())) {
                Some(given) => all.push(given),
                None => {
                    return Err(refusal(
                        "ERR_INVALID_ARG_VALUE",
                        format!("certificate {} is not a valid X.509 certificate", index + 1),
                    ));
                }
            }
        }
        if all.is_empty() {
            return Err(refusal("ERR_INVALID_ARG_VALUE", "no certificate was given"));
        }
        Ok(Self::of(all))
    }

    /// These and the others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = [self, other];
        Self::of(both.iter().flat_map(|it| it.inner.given.iter().cloned()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.inner.given.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.inner.given.is_empty()
    }

    /// What path building needs of those that may sign others and end a path.
    ///
    /// One that others issued ends a path only if `partial` chains are allowed: whoever gives an
    /// intermediate authority to complete what servers send has not said that it is to be believed
    /// by itself.
    pub(crate) fn anchors(&self, purpose: Purpose, partial: bool) -> &[TrustAnchor<'static>] {
        let anchors = &self.inner.anchors[purpose.index()];
        match partial {
            true => &anchors.all,
            false => &anchors.all[..anchors.self_issued],
        }
    }

    /// Those that others issued.
    pub(crate) fn intermediates(&self) -> &[CertificateDer<'static>] {
        &self.inner.intermediates
    }

    /// The certificate of an anchor that allows this many authorities below itself. Two
    /// certificates may differ in nothing but that, and one of them is enough.
    pub(crate) fn that_allows(
        &self,
        anchor: &TrustAnchor<'_>,
        purpose: Purpose,
        authorities: u32,
    ) -> Option<&CertificateDer<'static>> {
        let allows = |given: &&Given| {
            let limit = given.signs(purpose).ok();
            given.anchor == *anchor
                && limit.is_some_and(|it| it.is_none_or(|limit| authorities <= limit))
        };
        let found = self.inner.given.iter().find(allows);
        found.map(|given| &given.certificate)
    }

    /// Those whose subject is this name, the inside of its DER; also those that may not sign.
    pub(crate) fn named(&self, subject: &[u8]) -> impl Iterator<Item = &Given> {
        let all = self.inner.given.iter();
        all.filter(move |given| given.anchor.subject.as_ref() == subject)
    }

    /// Whether this very certificate is among them, octet by octet.
    pub(crate) fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        let mut all = self.inner.given.iter();
        all.any(|given| given.certificate.as_ref() == certificate.as_ref())
    }

    /// A digest that is the same for the same set of certificates.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.inner.digest
    }

    /// Collects certificates that were read, each once.
    fn of(all: impl IntoIterator<Item = Given>) -> Self {
        let mut known = HashSet::new();
        let mut given = Vec::new();
        for it in all {
            if known.insert(sha256(&it.certificate)) {
                given.push(it);
            }
        }
        let mut digests: Vec<_> = known.into_iter().collect();
        digests.sort_unstable();
        let others = given.iter().filter(|it: &&Given| !it.is_self_issued);
        let inner = Inner {
            anchors: Purpose::ALL.map(|purpose| Anchors::of(&given, purpose)),
            intermediates: others.map(|it| it.certificate.clone()).collect(),
            digest: sha256(&digests.concat()),
            given,
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl Anchors {
    /// Picks those that may sign others.
    fn of(given: &[Given], purpose: Purpose) -> Self {
        let able = given.iter().filter(|it| it.signs(purpose).is_ok());
        let (own, others): (Vec<_>, Vec<_>) = able.partition(|it| it.is_self_issued);
        let self_issued = own.len();
        let all = own.into_iter().chain(others);
        Self {
            all: all.map(|it| it.anchor.clone()).collect(),
            self_issued,
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

impl Given {
    /// Reads a certificate, if all who will read it later can.
    ///
    /// All that is noted here follows from its octets alone, wherever they come from: so sets of
    /// the same digest believe the same.
    fn read(certificate: CertificateDer<'static>) -> Option<Self> {
        let Ok(([], read)) = X509Certificate::from_der(&certificate) else {
            return None;
        };
        let is_self_issued = permissions::is_self_issued(&read);
        let signs = Purpose::ALL.map(|purpose| permissions::of_anchor(&read, purpose));
        let mut anchor = anchor_from_trusted_cert(&certificate).ok()?.to_owned();
        if holds(&certificate, STATE_AUTHORITY) {
            anchor.name_constraints = Some(permitted_subtrees(STATE_AUTHORITY_DOMAINS));
        }
        Some(Self {
            certificate,
            anchor,
            is_self_issued,
            signs,
        })
    }

    /// The longest path it allows below itself, or why it may not sign others for this purpose.
    pub(crate) fn signs(&self, purpose: Purpose) -> Result<Option<u32>, Bar> {
        self.signs[purpose.index()]
    }

    /// Whether it is limited to some names (RFC 5280 §4.2.1.10).
    pub(crate) fn is_limited_in_names(&self) -> bool {
        self.anchor.name_constraints.is_some()
    }
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

/// The bundled authorities, read once.
static BUNDLED: LazyLock<Roots> = LazyLock::new(|| {
    let certificates = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    Roots::of(certificates.filter_map(|certificate| Given::read(certificate.clone())))
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

/// The one authority that Mozilla trusts for some domains only. The certificate does not say so
/// itself; without the limit a state's authority could speak for every name there is. Systems have
/// it in their stores too, without the limit.
const STATE_AUTHORITY: &str = "TUBITAK Kamu SM SSL Kok Sertifikasi - Surum 1";

/// The domains that authority may speak for.
const STATE_AUTHORITY_DOMAINS: &[&str] = &[".tr"];

#[cfg(test)]
mod tests;
