//! Who we are: certificate chains, each with the private key of its first certificate, matched.
//!
//! From PEM, DER or PKCS#12 octets; files are read by the facade. Keys may be PKCS#8 (RFC 5958),
//! SEC1 (RFC 5915) or PKCS#1 (RFC 8017), in clear or encrypted. Certificates are read for their
//! public key and dates only: whether a peer will trust them is its decision (RFC 5280 §6), and
//! X.509 v1 is served too.

use std::fmt;
use std::sync::Arc;

use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use zeroize::Zeroizing;

use crate::digest::Fields;
use crate::error::OptionError;
use crate::pkcs12;

use pair::Pair;

/// One certificate chain with its private key, or several: RSA beside ECDSA, say.
///
/// The order counts: a peer is shown the first whose key can sign in a way the peer accepts.
/// Cloning shares; keys are never shown.
#[derive(Clone)]
pub struct Identity {
    /// At least one pair, most wanted first; shared by all clones.
    pairs: Arc<[Arc<Pair>]>,
}

impl Identity {
    /// Reads a chain, end-entity certificate first, and its key from PEM text.
    ///
    /// Text around the blocks is skipped, and one text that holds both chain and key may be given
    /// twice.
    ///
    /// # Errors
    ///
    /// The error names the option `cert` or `key`: nothing found, swapped, cut off, not base64
    /// (with the line), not a certificate, encrypted, several keys, a kind of key that is not
    /// supported, or a key that belongs to another certificate.
    pub fn from_pem(chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, OptionError> {
        Self::from_pem_lists(&[chain_pem], &[(key_pem, None)])
    }

    /// The same with a key that is encrypted: PKCS#8 (RFC 5958 §3), or the style of RFC 1421 with
    /// `Proc-Type` and `DEK-Info`. For a key in clear the passphrase is not needed.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem`]; a wrong passphrase has the code `ERR_OSSL_BAD_DECRYPT`, and a
    /// key whose opening would cost more than a few seconds or 64 MiB has `ERR_OUT_OF_RANGE`.
    pub fn from_pem_encrypted(
        chain_pem: &[u8],
        key_pem: &[u8],
        passphrase: &[u8],
    ) -> Result<Self, OptionError> {
        Self::from_pem_lists(&[chain_pem], &[(key_pem, Some(passphrase))])
    }

    /// Reads several chains, and their keys in any order, each with its passphrase if it has one.
    /// The chains' order is the order of the pairs.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem_encrypted`]; a chain without its key and a key without its chain
    /// are errors too, told by their places in the lists.
    pub fn from_pem_lists(
        chains: &[&[u8]],
        keys: &[(&[u8], Option<&[u8]>)],
    ) -> Result<Self, OptionError> {
        let read_chains: Result<Vec<_>, _> =
            chains.iter().map(|text| reading::chain(text)).collect();
        let read_keys: Result<Vec<_>, _> = keys
            .iter()
            .map(|(text, passphrase)| reading::key(text, *passphrase))
            .collect();
        // The chains' errors first: they are looked at first.
        let chains = read_chains?;
        matching::lists(chains, &read_keys?).map(Self::of)
    }

    /// Takes a chain, end-entity certificate first, and its key in DER.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem`], as far as they can occur.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, OptionError> {
        // Our copy of the secret is wiped on every way out.
        let key = Zeroizing::new(key);
        let pair = Pair::new(chain, pair::load(&key)?)?;
        Ok(Self::of(vec![pair]))
    }

    /// Takes a chain, end-entity certificate first, and its key in DER of whatever form: PKCS#8,
    /// also encrypted, SEC1 or PKCS#1.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem_encrypted`], as far as they can occur.
    pub fn from_der_octets(
        chain: &[&[u8]],
        key: &[u8],
        passphrase: Option<&[u8]>,
    ) -> Result<Self, OptionError> {
        let chain = chain.iter().map(|der| CertificateDer::from(der.to_vec()));
        let key = reading::key_from_der(key, passphrase)?;
        let pair = Pair::new(chain.collect(), pair::load(&key)?)?;
        Ok(Self::of(vec![pair]))
    }

    /// Reads a PKCS#12 file: one or several keys, each with its certificate, and what else is in
    /// it.
    ///
    /// # Errors
    ///
    /// The error names the option `pfx`. A wrong or missing passphrase says "mac verify failure",
    /// octets that are no such file, or not the whole of it, say "not enough data"; what is
    /// encrypted in a way that is not supported has the code `ERR_CRYPTO_UNSUPPORTED_OPERATION`;
    /// then as [`Identity::from_pem_encrypted`]. A key without a certificate is an error, and so
    /// is a file without a key.
    pub fn from_pkcs12(octets: &[u8], passphrase: &[u8]) -> Result<Pkcs12, OptionError> {
        matching::contents(pkcs12::read(octets, passphrase)?)
    }

    /// Shares these pairs, of which there is at least one.
    fn of(pairs: Vec<Pair>) -> Self {
        Self {
            pairs: pairs.into_iter().map(Arc::new).collect(),
        }
    }

    /// Adds another identity's pairs behind the own ones.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let others = other.pairs;
        Self {
            pairs: self.pairs.iter().chain(&*others).cloned().collect(),
        }
    }

    /// The certificates of the first pair in DER, end-entity certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        // Every constructor puts one in; none would mean no certificate.
        self.chains().next().unwrap_or_default()
    }

    /// The certificates of each pair in DER, end-entity certificate first.
    pub fn chains(&self) -> impl ExactSizeIterator<Item = &[CertificateDer<'static>]> {
        self.pairs.iter().map(|pair| &*pair.certified.cert)
    }

    /// The first and the last moment at which each end-entity certificate is valid, in seconds of
    /// Unix time, in the order of the pairs.
    ///
    /// Nothing is refused here for being out of date: this crate does not ask for the time.
    pub fn validity(&self) -> impl ExactSizeIterator<Item = (i64, i64)> {
        self.pairs.iter().map(|pair| pair.validity)
    }

    /// What to warn of at this moment: end-entity certificates that expired or are not valid yet.
    /// One line each, with the date.
    pub fn warnings(&self, now: UnixTime) -> impl Iterator<Item = String> {
        // Seconds beyond what is signed are later than every certificate.
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        self.pairs.iter().filter_map(move |pair| pair.warning(now))
    }

    /// Chains and keys as rustls takes them, most wanted first.
    pub(crate) fn certified(&self) -> impl ExactSizeIterator<Item = Arc<CertifiedKey>> {
        self.pairs.iter().map(|pair| Arc::clone(&pair.certified))
    }

    /// A digest of all chains in their order. A chain's first certificate names its key, which was
    /// matched with it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut fields = Fields::new(b"sealane identity 1");
        for chain in self.chains() {
            fields.put_list(chain.iter().map(AsRef::as_ref));
        }
        fields.finish()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity ")?;
        f.debug_list().entries(&*self.pairs).finish()
    }
}

/// What a PKCS#12 file holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pkcs12 {
    /// Every key with its certificate, in the file's order; certificates of issuers that the file
    /// holds stand in the chains.
    pub identity: Identity,
    /// Certificates that belong to no chain: roots, as a rule. The https module trusts them.
    ///
    /// Empty without a MAC, since anyone could have put them there.
    pub authorities: Vec<CertificateDer<'static>>,
    /// What to warn of, one line each: outdated encryption, no proof of integrity.
    pub warnings: Vec<String>,
}

/// The name of the option that holds the chain.
const CERT: &str = "cert";

/// The name of the option that holds the private key.
const KEY: &str = "key";

mod matching;
mod pair;
mod reading;

#[cfg(test)]
mod tests;
