//! Which certificate belongs to which key, where several were given.
//!
//! By their public halves, which cannot be wrong, as OpenSSL does it; the ties that PKCS#12 files
//! carry only choose between certificates of one key. Nothing is dropped: what finds no partner is
//! an error, or an authority.

use std::sync::Arc;

use rustls::sign::SigningKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::certificate::X509Certificate;
use zeroize::Zeroizing;

use super::pair::{self, Pair, belongs, no_certificate};
use super::{CERT, Identity, KEY, Pkcs12};
use crate::error::OptionError;
use crate::pkcs12::{Certificate, Contents, Key, PFX};

/// Matches lists of chains and of keys; the order of the chains stays.
pub(super) fn lists(
    chains: Vec<Vec<CertificateDer<'static>>>,
    keys: &[Zeroizing<PrivateKeyDer<'static>>],
) -> Result<Vec<Pair>, OptionError> {
    let keys: Result<Vec<_>, _> = keys.iter().map(|key| pair::load(key)).collect();
    let mut keys: Vec<_> = keys?.into_iter().map(Some).collect();
    match (&chains[..], &mut keys[..]) {
        ([], _) => return Err(no_certificate("")),
        // One of each: the pair itself knows best what does not fit.
        ([_], [key]) => {
            let chain = chains.into_iter().next().unwrap_or_default();
            return key
                .take()
                .map(|key| Pair::new(chain, key))
                .into_iter()
                .collect();
        }
        _ => {}
    }
    let count = chains.len();
    let mut pairs = Vec::with_capacity(count);
    for (index, chain) in chains.into_iter().enumerate() {
        let parsed = pair::parse_chain(&chain)?;
        let leaf = &parsed[0];
        let fits = |key: &Option<Arc<dyn SigningKey>>| {
            key.as_ref().is_some_and(|key| belongs(key.as_ref(), leaf))
        };
        let Some(key) = keys.iter_mut().find(|key| fits(key)).and_then(Option::take) else {
            let subject = leaf.subject().to_string();
            let reason = format!(
                "certificate {} of {count}, \"{}\", has no key among those given",
                index + 1,
                subject.escape_debug()
            );
            return Err(OptionError::new(KEY, MISMATCH, reason));
        };
        drop(parsed);
        pairs.push(Pair::new(chain, key)?);
    }
    match keys.iter().position(Option::is_some) {
        None => Ok(pairs),
        Some(index) => {
            let reason = format!(
                "key {} of {} belongs to no certificate given",
                index + 1,
                keys.len()
            );
            Err(OptionError::new(CERT, MISMATCH, reason))
        }
    }
}

/// Puts together what a PKCS#12 file holds.
pub(super) fn contents(contents: Contents) -> Result<Pkcs12, OptionError> {
    assemble(contents).map_err(|error| {
        // What is wrong was found by those who read `cert` and `key`; the user gave one file.
        OptionError::new(PFX, error.code(), error.reason().to_owned())
    })
}

/// The same, with the names of other options in its errors.
fn assemble(contents: Contents) -> Result<Pkcs12, OptionError> {
    let Contents {
        mut keys,
        mut certificates,
        weakness,
        proved,
    } = contents;
    without_repetitions(&mut keys, |key| &**key.octets);
    without_repetitions(&mut certificates, |certificate| &certificate.octets);
    if keys.is_empty() {
        let reason = format!(
            "the file holds no private key, only {} certificates",
            certificates.len()
        );
        return Err(OptionError::new(PFX, "ERR_INVALID_ARG_VALUE", reason));
    }
    let chain: Vec<_> = certificates
        .iter()
        .map(|certificate| CertificateDer::from(certificate.octets.clone()))
        .collect();
    let parsed = match chain.as_slice() {
        [] => Vec::new(),
        _ => pair::parse_chain(&chain)?,
    };
    let leaves = leaves(&keys, &certificates, &parsed)?;
    let mut used: Vec<bool> = vec![false; parsed.len()];
    leaves.iter().for_each(|(_, leaf)| used[*leaf] = true);
    let own = used.clone();
    let mut pairs = Vec::with_capacity(leaves.len());
    for (signing, leaf) in leaves {
        let path = path(leaf, &parsed, &own);
        path.iter().for_each(|index| used[*index] = true);
        let chain = path.iter().map(|index| chain[*index].clone()).collect();
        pairs.push(Pair::new(chain, signing)?);
    }
    drop(parsed);
    let others = chain.into_iter().zip(&used);
    let mut authorities: Vec<_> = others
        .filter_map(|(der, used)| (!used).then_some(der))
        .collect();
    let ignored = if proved {
        None
    } else {
        Some(authorities.len())
    };
    if ignored.is_some() {
        authorities.clear();
    }
    Ok(Pkcs12 {
        identity: Identity::of(pairs),
        authorities,
        warnings: warnings(weakness, ignored),
    })
}

/// A key, ready to sign, and the place of its certificate.
type Leaf = (Arc<dyn SigningKey>, usize);

/// Every key, ready to sign, with the place of its certificate.
fn leaves(
    keys: &[Key],
    certificates: &[Certificate],
    parsed: &[X509Certificate<'_>],
) -> Result<Vec<Leaf>, OptionError> {
    let mut leaves = Vec::with_capacity(keys.len());
    let count = keys.len();
    for (index, key) in keys.iter().enumerate() {
        let der = PrivatePkcs8KeyDer::from(key.octets.to_vec());
        let signing = pair::load(&Zeroizing::new(der.into()))?;
        let id = key.id.as_deref();
        let leaf = leaf(signing.as_ref(), id, certificates, parsed).map_err(|reason| {
            let reason = format!("private key {} of {count} in the file {reason}", index + 1);
            OptionError::new(PFX, MISMATCH, reason)
        })?;
        leaves.push((signing, leaf));
    }
    Ok(leaves)
}

/// What to warn of: outdated encryption, and a missing MAC with the number of certificates that
/// are therefore not trusted.
fn warnings(weakness: Option<&str>, ignored: Option<usize>) -> Vec<String> {
    let outdated = weakness.map(|weakness| {
        format!(
            "the PKCS#12 file is encrypted with {weakness}; write it anew, with OpenSSL 3 or \
             `sealane cert`"
        )
    });
    let unproved = ignored.map(|ignored| {
        format!(
            "the PKCS#12 file has no MAC, so anyone can have changed it; {ignored} certificates \
             in it that belong to no chain are not trusted"
        )
    });
    outdated.into_iter().chain(unproved).collect()
}

/// Leaves out what was there before: some tools write a certificate twice.
fn without_repetitions<T>(items: &mut Vec<T>, octets: impl Fn(&T) -> &[u8]) {
    let mut kept: Vec<T> = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        if !kept.iter().any(|known| octets(known) == octets(&item)) {
            kept.push(item);
        }
    }
    *items = kept;
}

/// The place of the certificate that belongs to a key; of several, the one that is tied to it.
fn leaf(
    key: &dyn SigningKey,
    id: Option<&[u8]>,
    certificates: &[Certificate],
    parsed: &[X509Certificate<'_>],
) -> Result<usize, &'static str> {
    let tied = |index: &usize| id.is_some() && certificates[*index].id.as_deref() == id;
    let fitting = || (0..parsed.len()).filter(|index| belongs(key, &parsed[*index]));
    match fitting().find(tied).or(fitting().next()) {
        Some(index) => Ok(index),
        None if (0..parsed.len()).any(|index| tied(&index)) => {
            Err("does not belong to the certificate it is tied to")
        }
        None => Err("has no certificate there"),
    }
}

/// The places of a chain: the certificate, its issuer, and so on; roots stay out, as peers know
/// them (RFC 8446 §4.4.2), and so do the other keys' own certificates.
fn path(leaf: usize, parsed: &[X509Certificate<'_>], own: &[bool]) -> Vec<usize> {
    let mut path = vec![leaf];
    let self_issued =
        |index: usize| parsed[index].subject().as_raw() == parsed[index].issuer().as_raw();
    let mut last = leaf;
    while !self_issued(last) {
        let issuer = parsed[last].issuer().as_raw();
        let next = (0..parsed.len()).find(|index| {
            let candidate = &parsed[*index];
            candidate.subject().as_raw() == issuer
                && !self_issued(*index)
                && !own[*index]
                && !path.contains(index)
        });
        let Some(next) = next else { break };
        path.push(next);
        last = next;
    }
    path
}

/// The code of a key and a certificate that do not belong together.
const MISMATCH: &str = "ERR_OSSL_X509_KEY_VALUES_MISMATCH";
