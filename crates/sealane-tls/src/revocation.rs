//! Certificate revocation lists: what authorities have taken back (RFC 5280 §5).
//!
//! Lists are read whole and strictly: one that says something unknown here would be obeyed in part
//! only. Refused by name are delta lists, indirect ones and those for some reasons only. Version 1
//! is read, since `openssl ca -gencrl` writes it. Whether a list is the right one, in time and
//! signed, is judged in `verify`; nothing is fetched.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use rustls_pki_types::UnixTime;
use x509_parser::asn1_rs::{Any, Class, FromDer as _, Tag};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::time::ASN1Time;

use crate::digest::sha256;
use crate::error::OptionError;
use crate::pem;
use crate::permissions::{self, Authority};

/// Revocation lists. Where there are any, every certificate of a chain is asked for.
///
/// Cloning shares. Each list counts once, however often it is given.
#[derive(Clone)]
pub struct Revocation {
    /// Shared by all clones.
    inner: Arc<Inner>,
}

/// What clones share.
struct Inner {
    /// The lists, in their first order.
    lists: Vec<Arc<List>>,
    /// SHA-256 over the sorted digests of the lists: the same set, the same value.
    digest: [u8; 32],
}

/// One list of one authority.
pub(crate) struct List {
    /// SHA-256 of all of it.
    digest: [u8; 32],
    /// The authority's name, in DER.
    issuer: Vec<u8>,
    /// The authority's name as text, not escaped.
    pub(crate) issuer_text: String,
    /// When it was made.
    pub(crate) this_update: ASN1Time,
    /// When the next one is due.
    pub(crate) next_update: ASN1Time,
    /// The serial numbers on it, without leading zeros.
    revoked: HashSet<Vec<u8>>,
    /// The certificates it is about.
    scope: Scope,
    /// The octets that are signed.
    signed: Vec<u8>,
    /// The object identifier of the signature's algorithm, as in DER.
    algorithm: Vec<u8>,
    /// The signature.
    signature: Vec<u8>,
}

/// The certificates of its authority that a list is about (RFC 5280 §5.2.5).
#[derive(Default)]
struct Scope {
    /// Only those that are no authorities'.
    users_only: bool,
    /// Only those of authorities.
    authorities_only: bool,
    /// Only those that name one of these places as the one of their list.
    places: Option<Vec<String>>,
}

impl Revocation {
    /// Reads one or more lists from PEM text; text around the blocks is skipped.
    ///
    /// # Errors
    ///
    /// The error names the option `crl`: no list found, a block that is something else, broken PEM
    /// (with the line), or a list that cannot be used (with its number and the reason).
    pub fn from_pem(octets: impl AsRef<[u8]>) -> Result<Self, OptionError> {
        let text = octets.as_ref();
        let blocks = pem::blocks(text).map_err(|error| refusal(&error.to_string()))?;
        let mut lists = Vec::new();
        for block in &blocks {
            let (label, line) = (block.label, block.line);
            if label != "X509 CRL" {
                return Err(refusal(&format!(
                    "line {line} begins a \"{label}\", expected is an \"X509 CRL\""
                )));
            }
            let decoded = block.decode();
            lists.push(decoded.map_err(|error| refusal(&error.to_string()))?);
        }
        if lists.is_empty() {
            return Err(refusal(&format!(
                "no list found: expected is PEM text with an X509 CRL{}",
                pem::advice(text)
            )));
        }
        Self::from_der(lists)
    }

    /// Takes lists in DER.
    ///
    /// # Errors
    ///
    /// The error names the option `crl`: none was given, or one cannot be used (with its number
    /// and the reason).
    pub fn from_der<I>(lists: I) -> Result<Self, OptionError>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut all = Vec::new();
        for (index, octets) in lists.into_iter().enumerate() {
            match List::read(octets.as_ref()) {
                Ok(list) => all.push(Arc::new(list)),
                Err(why) => return Err(refusal(&format!("list {} {why}", index + 1))),
            }
        }
        match all.is_empty() {
            true => Err(refusal("no list was given")),
            false => Ok(Self::of(all)),
        }
    }

    /// These and the others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = [self, other];
        Self::of(both.iter().flat_map(|it| it.inner.lists.iter().cloned()))
    }

    /// How many lists there are.
    pub fn len(&self) -> usize {
        self.inner.lists.len()
    }

    /// Whether there are none; none of the constructors makes such a set.
    pub fn is_empty(&self) -> bool {
        self.inner.lists.is_empty()
    }

    /// The lists, in their first order.
    pub(crate) fn lists(&self) -> &[Arc<List>] {
        &self.inner.lists
    }

    /// A digest that is the same for the same set of lists.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.inner.digest
    }

    /// Collects lists that were read, each once.
    fn of(all: impl IntoIterator<Item = Arc<List>>) -> Self {
        let mut known = HashSet::new();
        let lists = all.into_iter().filter(|it| known.insert(it.digest));
        let lists: Vec<_> = lists.collect();
        let mut digests: Vec<_> = known.into_iter().collect();
        digests.sort_unstable();
        Self {
            inner: Arc::new(Inner {
                lists,
                digest: sha256(&digests.concat()),
            }),
        }
    }
}

impl fmt::Debug for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocation")
            .field("lists", &self.len())
            .finish_non_exhaustive()
    }
}

impl List {
    /// Reads a list, or says why it cannot be used.
    fn read(octets: &[u8]) -> Result<Self, String> {
        let Ok(([], read)) = CertificateRevocationList::from_der(octets) else {
            return Err("is not a valid X.509 revocation list".to_owned());
        };
        let list = &read.tbs_cert_list;
        // RFC 5280 §5.1.1.2: else the algorithm itself would not be signed.
        if list.signature != read.signature_algorithm {
            return Err("names two signature algorithms".to_owned());
        }
        // RFC 5280 §5.1.2.5. Without it an old list could be shown for ever.
        let Some(next_update) = list.next_update else {
            return Err("does not say when the next one is due".to_owned());
        };
        let mut revoked = HashSet::new();
        for entry in &list.revoked_certificates {
            if let Some(rule) = entry.iter_extensions().find(|it| it.critical) {
                let oid = rule.oid.to_id_string();
                return Err(format!("has an entry with an unknown rule ({oid})"));
            }
            revoked.insert(number(entry.raw_serial()).to_vec());
        }
        Ok(Self {
            digest: sha256(octets),
            issuer: list.issuer.as_raw().to_vec(),
            issuer_text: list.issuer.to_string(),
            this_update: list.this_update,
            next_update,
            revoked,
            scope: Scope::read(&read)?,
            signed: list.as_ref().to_vec(),
            algorithm: read.signature_algorithm.algorithm.as_bytes().to_vec(),
            signature: read.signature_value.data.to_vec(),
        })
    }

    /// Whether it comes from the authority that a certificate names as its issuer.
    pub(crate) fn is_of_issuer(&self, certificate: &X509Certificate<'_>) -> bool {
        self.issuer == certificate.issuer().as_raw()
    }

    /// Whether it is about a certificate of its authority (RFC 5280 §6.3.3 (b)).
    pub(crate) fn covers(&self, certificate: &X509Certificate<'_>) -> bool {
        let is_authority = matches!(permissions::authority(certificate), Authority::Yes { .. });
        let kind = match is_authority {
            true => !self.scope.users_only,
            false => !self.scope.authorities_only,
        };
        let place = match &self.scope.places {
            Some(places) => places_of(certificate).any(|it| places.iter().any(|of| of == it)),
            None => true,
        };
        kind && place
    }

    /// Whether a certificate of its authority is on it.
    pub(crate) fn holds(&self, certificate: &X509Certificate<'_>) -> bool {
        self.revoked.contains(number(certificate.raw_serial()))
    }

    /// Whether it is made already, and the next one is not due (RFC 5280 §5.1.2.4, §5.1.2.5).
    pub(crate) fn is_current(&self, now: UnixTime) -> bool {
        self.has_begun(now) && seconds(now) < self.next_update.timestamp()
    }

    /// Whether it is made already.
    pub(crate) fn has_begun(&self, now: UnixTime) -> bool {
        self.this_update.timestamp() <= seconds(now)
    }

    /// What is signed, the algorithm's object identifier as in DER, and the signature.
    pub(crate) fn proof(&self) -> (&[u8], &[u8], &[u8]) {
        (&self.signed, &self.algorithm, &self.signature)
    }
}

impl Scope {
    /// Reads the rules of a list, or says which of them cannot be kept.
    fn read(list: &CertificateRevocationList<'_>) -> Result<Self, String> {
        let mut scope = Self::default();
        if list.tbs_cert_list.extensions_map().is_err() {
            return Err("has the same extension twice".to_owned());
        }
        for extension in list.extensions() {
            match extension.oid.to_id_string().as_str() {
                // Marked critical or not: overlooked, a part would be taken for the whole.
                POINT => scope = Self::of_point(extension.value)?,
                DELTA => return Err("is a delta list, which is not supported".to_owned()),
                oid if extension.critical => return Err(format!("has an unknown rule ({oid})")),
                _ => {}
            }
        }
        Ok(scope)
    }

    /// Reads an IssuingDistributionPoint, strictly: its fields are all optional, so a reader that
    /// passes over one takes a list of few certificates for one of all.
    fn of_point(octets: &[u8]) -> Result<Self, String> {
        let malformed = || "says in a malformed way what it is about".to_owned();
        let unsupported = |what| Err(format!("{what}, which is not supported"));
        let mut scope = Self::default();
        let mut fields = match Any::from_der(octets) {
            Ok(([], point)) if point.tag() == Tag::Sequence => point.data,
            _ => return Err(malformed()),
        };
        while !fields.is_empty() {
            let (rest, field) = Any::from_der(fields).map_err(|_| malformed())?;
            fields = rest;
            let flag = match field.data {
                [0] => Some(false),
                [0xff] => Some(true),
                _ => None,
            };
            match (field.class(), field.tag().0, flag) {
                (Class::ContextSpecific, 0, _) => {
                    scope.places = Some(full_names(field.data).ok_or_else(malformed)?);
                }
                (Class::ContextSpecific, 1, Some(flag)) => scope.users_only = flag,
                (Class::ContextSpecific, 2, Some(flag)) => scope.authorities_only = flag,
                (Class::ContextSpecific, 3, _) => {
                    return unsupported("is for some reasons of revocation only");
                }
                (Class::ContextSpecific, 4, Some(false)) => {}
                (Class::ContextSpecific, 4, Some(true)) => {
                    return unsupported("is an indirect list");
                }
                (Class::ContextSpecific, 5, Some(false)) => {}
                (Class::ContextSpecific, 5, Some(true)) => {
                    return unsupported("is for attribute certificates");
                }
                _ => return Err(malformed()),
            }
        }
        Ok(scope)
    }
}

/// The URIs of a DistributionPointName that is a fullName; one that is relative is not read.
fn full_names(octets: &[u8]) -> Option<Vec<String>> {
    let mut names = match Any::from_der(octets) {
        Ok(([], names)) if (names.class(), names.tag().0) == (Class::ContextSpecific, 0) => {
            names.data
        }
        _ => return None,
    };
    let mut found = Vec::new();
    while !names.is_empty() {
        let (rest, name) = Any::from_der(names).ok()?;
        names = rest;
        if (name.class(), name.tag().0) == (Class::ContextSpecific, 6) {
            found.push(std::str::from_utf8(name.data).ok()?.to_owned());
        }
    }
    Some(found)
}

/// The places that a certificate names as those of its lists (RFC 5280 §4.2.1.13).
fn places_of<'a>(certificate: &'a X509Certificate<'_>) -> impl Iterator<Item = &'a str> {
    let extensions = certificate.iter_extensions();
    let points = extensions.filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CRLDistributionPoints(points) => Some(points.iter()),
        _ => None,
    });
    let names = points
        .flatten()
        .filter_map(|point| match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(uris(names)),
            _ => None,
        });
    names.flatten()
}

/// The URIs among some names.
fn uris<'a>(names: &'a [GeneralName<'_>]) -> impl Iterator<Item = &'a str> {
    names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    })
}

/// A serial number without leading zeros: some authorities write one more than DER allows.
fn number(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    &octets[zeros..]
}

/// A moment as dates of certificates count.
fn seconds(now: UnixTime) -> i64 {
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// A refusal that names our option, with the words of the https module.
fn refusal(reason: &str) -> OptionError {
    let reason = format!("Failed to parse CRL: {reason}");
    OptionError::new("crl", "ERR_CRYPTO_OPERATION_FAILED", reason)
}

/// The extension of a list that only says what changed since another (RFC 5280 §5.2.4).
const DELTA: &str = "2.5.29.27";

/// The extension of a list that says what it is about (RFC 5280 §5.2.5).
const POINT: &str = "2.5.29.28";

#[cfg(test)]
mod tests;
