//! What path building is given: the few certificates that can be on a path, and in few orders.
//!
//! webpki reads all it is given again at each step, and tries every order. A few hundred small
//! certificates that name each other in a ring, none of them signed, kept a processor busy for
//! many seconds, and no deadline can interrupt it. So the steps are counted here before webpki
//! takes them; to count one costs a comparison of names.

use std::collections::{HashMap, HashSet};

use rustls_pki_types::CertificateDer;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

/// Why path building is not even begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// More certificates could stand above the peer's than any honest chain has.
    Certificates,
    /// They name each other in too many ways.
    Orders,
}

/// The certificates that can be on a path: who is named as issuer by the peer's certificate, by
/// those issuers, and so on; each once.
pub(super) fn reachable<'a>(
    end_entity: &'a CertificateDer<'_>,
    sent: impl IntoIterator<Item = &'a CertificateDer<'a>>,
) -> Result<Vec<CertificateDer<'a>>, Excess> {
    let Some(leaf) = Link::read(end_entity) else {
        return Ok(Vec::new());
    };
    let mut known = HashSet::from([leaf.octets]);
    let mut by_subject: HashMap<&[u8], Vec<Link<'_>>> = HashMap::new();
    for der in sent {
        // One that cannot be read could not be on a path anyway: its key usage is asked for.
        if known.insert(der.as_ref())
            && let Some(link) = Link::read(der)
        {
            by_subject.entry(link.subject).or_default().push(link);
        }
    }
    let mut found = Vec::new();
    let mut wanted = vec![leaf.issuer];
    while let Some(name) = wanted.pop() {
        for link in by_subject.remove(name).unwrap_or_default() {
            wanted.push(link.issuer);
            found.push(link);
        }
        if found.len() > MAX_REACHABLE {
            return Err(Excess::Certificates);
        }
    }
    let mut steps = MAX_STEPS;
    count(&mut vec![leaf], &found, &mut steps)?;
    let octets = found.iter().map(|link| CertificateDer::from(link.octets));
    Ok(octets.collect())
}

/// What path building compares of a certificate.
#[derive(Clone, Copy)]
struct Link<'a> {
    /// All of it.
    octets: &'a [u8],
    /// Its subject's name.
    subject: &'a [u8],
    /// Its issuer's name.
    issuer: &'a [u8],
    /// Its public key.
    key: &'a [u8],
}

impl<'a> Link<'a> {
    /// Reads a certificate.
    fn read(der: &'a CertificateDer<'_>) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        let read = read.tbs_certificate;
        Some(Self {
            octets: der.as_ref(),
            subject: read.subject.as_raw(),
            issuer: read.issuer.as_raw(),
            key: read.subject_pki.raw,
        })
    }
}

/// Counts the steps by which a path grows, as webpki takes them when nothing is ever believed: to
/// each certificate of the issuer's name whose name and key are not on the path yet
/// (RFC 4158 §5.2).
fn count<'a>(path: &mut Vec<Link<'a>>, links: &[Link<'a>], left: &mut usize) -> Result<(), Excess> {
    let Some(last) = path.last().copied().filter(|_| path.len() <= MAX_DEPTH) else {
        return Ok(());
    };
    for link in links.iter().filter(|link| link.subject == last.issuer) {
        let mut before = path.iter();
        if before.any(|it| it.subject == link.subject && it.key == link.key) {
            continue;
        }
        *left = left.checked_sub(1).ok_or(Excess::Orders)?;
        path.push(*link);
        count(path, links, left)?;
        path.pop();
    }
    Ok(())
}

/// Certificates above a server's that are tried. Public chains have one or two, the longest of
/// private authorities a handful, with as many again for those that are being replaced.
pub(super) const MAX_REACHABLE: usize = 16;

/// Steps of path building: an honest chain takes one for each certificate, a few more where
/// authorities have signed each other. webpki itself stops at 200,000, which takes seconds.
const MAX_STEPS: usize = 500;

/// Certificates above a server's that webpki puts on one path.
const MAX_DEPTH: usize = 6;

#[cfg(test)]
mod tests;
