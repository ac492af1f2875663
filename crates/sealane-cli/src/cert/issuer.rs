//! The authority behind `--ca` and `--ca-key`: read, judged, made to sign.
//!
//! What it signs is looked at again before it is written: clients compare the names of issuer and
//! authority octet by octet (RFC 5280 §6.1.3, §7.1). Who trusts the authority is not asked here.

mod constraints;

use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use crate::cert::name::Name;
use crate::error::{Failure, Result};
use crate::pem_file;

#[cfg(test)]
mod tests;

/// An authority that may sign now.
#[derive(Debug)]
pub struct Issuer {
    /// Name and key.
    inner: rcgen::Issuer<'static, KeyPair>,
    /// Its certificate and those of its chain that are known, in DER.
    certificates: Vec<Vec<u8>>,
    /// What a server has to send after its own certificate, in PEM.
    chain: String,
    /// The moment when the first certificate of its chain ends.
    ends: OffsetDateTime,
    /// Its certificate's file, for messages.
    file: PathBuf,
}

impl Issuer {
    /// Reads an authority and judges it.
    ///
    /// # Errors
    /// When a file cannot be read, the certificate is no authority's or not valid now, or the key
    /// is another one's.
    pub fn read(cert: &Path, key: &Path, now: OffsetDateTime) -> Result<Self> {
        let text = pem_file::read(cert, "authority's certificate")?;
        let blocks = certificates(&text, cert)?;
        let parsed = blocks
            .iter()
            .map(|block| parse(&block.contents, cert))
            .collect::<Result<Vec<_>>>()?;
        judge(&parsed[0], cert)?;
        linked(&parsed, cert)?;
        let ends = valid_until(&parsed, cert, now)?;
        let signer = private_key(key)?;
        if parsed[0].public_key().raw != signer.subject_public_key_info() {
            return Err(Failure::new(format!(
                "the key in {} does not belong to the authority in {}",
                key.display(),
                cert.display()
            )));
        }
        let inner = rcgen::Issuer::from_ca_cert_der(&blocks[0].contents.as_slice().into(), signer)
            .map_err(|error| unusable(cert, &format!("it cannot sign: {error}")))?;
        // A root is what clients have already; sending it would prove nothing to them.
        let sent = blocks.iter().zip(&parsed).filter(|(_, it)| !is_root(it));
        let chain = sent.map(|(block, _)| encode(&block.contents)).collect();
        drop(parsed);
        Ok(Self {
            inner,
            certificates: blocks.into_iter().map(|block| block.contents).collect(),
            chain,
            ends,
            file: cert.to_owned(),
        })
    }

    /// The moment when it ends: nothing that it signs is accepted later.
    pub fn ends(&self) -> OffsetDateTime {
        self.ends
    }

    /// Refuses names for which this authority may not sign (RFC 5280 §4.2.1.10).
    ///
    /// # Errors
    /// When there is such a name: every client would refuse the certificate.
    pub fn permits(&self, names: &[Name]) -> Result<()> {
        for der in &self.certificates {
            let certificate = parse(der, &self.file)?;
            let Ok(found) = certificate.name_constraints() else {
                return Err(unusable(&self.file, "its name constraints cannot be read"));
            };
            let Some(found) = found else { continue };
            if let Some(name) = names
                .iter()
                .find(|name| !constraints::allow(found.value, name))
            {
                return Err(unusable(&self.file, &format!("it may not sign for {name}"))
                    .hint("its name constraints say for which names it may"));
            }
        }
        Ok(())
    }

    /// Signs a certificate for this key and gives it with its chain, in PEM.
    ///
    /// # Errors
    /// When what was signed would not be accepted.
    pub fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Result<String> {
        let signed = params
            .signed_by(key, &self.inner)
            .map_err(|error| unusable(&self.file, &format!("it cannot sign: {error}")))?;
        let leaf = parse(signed.der(), &self.file)?;
        let authority = parse(&self.certificates[0], &self.file)?;
        if leaf.issuer().as_raw() != authority.subject().as_raw() {
            let why =
                "its name has a form that cannot be repeated here, such as one attribute twice";
            return Err(unusable(&self.file, why));
        }
        if !may_be_signed_by(&leaf, &authority) {
            return Err(unusable(&self.file, "its signature cannot be verified"));
        }
        Ok(signed.pem() + &self.chain)
    }
}

/// The certificates of a PEM file; at least one.
fn certificates(text: &[u8], file: &Path) -> Result<Vec<Pem>> {
    let blocks: std::result::Result<Vec<_>, _> = Pem::iter_from_buffer(text).collect();
    let blocks = blocks.map_err(|_| unusable(file, "it is not PEM"))?;
    let found: Vec<_> = blocks
        .into_iter()
        .filter(|block| block.label == "CERTIFICATE")
        .collect();
    if found.is_empty() {
        return Err(unusable(file, "there is no certificate in it"));
    }
    Ok(found)
}

/// Reads one certificate.
fn parse<'a>(der: &'a [u8], file: &Path) -> Result<X509Certificate<'a>> {
    match X509Certificate::from_der(der) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(unusable(file, "its certificate cannot be read")),
    }
}

/// Refuses a certificate that may not sign others (RFC 5280 §4.2.1.3, §4.2.1.9).
fn judge(authority: &X509Certificate<'_>, file: &Path) -> Result<()> {
    let is_ca = matches!(authority.basic_constraints(), Ok(Some(found)) if found.value.ca);
    if !is_ca {
        return Err(unusable(file, "it is the certificate of no authority")
            .hint("without --ca the certificate is signed by itself"));
    }
    match authority.key_usage() {
        Ok(None) => {}
        Ok(Some(usage)) if usage.value.key_cert_sign() => {}
        _ => return Err(unusable(file, "its key may not sign certificates")),
    }
    let mut parts = authority.subject().iter();
    if authority.subject().as_raw() == EMPTY_NAME || parts.any(|part| part.iter().count() != 1) {
        return Err(unusable(
            file,
            "its name is empty or has parts of several values",
        ));
    }
    Ok(())
}

/// Refuses certificates of which each was not signed by the next one.
fn linked(chain: &[X509Certificate<'_>], file: &Path) -> Result<()> {
    let broken = chain
        .windows(2)
        .any(|pair| !may_be_signed_by(&pair[0], &pair[1]));
    if broken {
        let why = "it holds several certificates, and each is not signed by the next one";
        return Err(unusable(file, why).hint("leave the signing authority's certificate in it"));
    }
    Ok(())
}

/// When the first of these certificates ends, if all are valid now.
fn valid_until(
    chain: &[X509Certificate<'_>],
    file: &Path,
    now: OffsetDateTime,
) -> Result<OffsetDateTime> {
    let begins = chain
        .iter()
        .map(|it| it.validity().not_before.to_datetime());
    if let Some(begins) = begins.max().filter(|begins| *begins > now) {
        let why = format!("it begins on {}, which is still to come", begins.date());
        return Err(unusable(file, &why).hint("is the clock of this machine right?"));
    }
    let ends = chain.iter().map(|it| it.validity().not_after.to_datetime());
    match ends.min() {
        Some(ends) if ends > now => Ok(ends),
        Some(ends) => Err(unusable(file, &format!("it ended on {}", ends.date()))),
        None => Err(unusable(file, "there is no certificate in it")),
    }
}

/// Whether a certificate is signed by itself.
fn is_root(certificate: &X509Certificate<'_>) -> bool {
    may_be_signed_by(certificate, certificate)
}

/// Whether nothing speaks against one certificate having been signed by another one.
///
/// Signatures of kinds that cannot be verified here, such as by keys on P-521, are left to those
/// who rely on them.
fn may_be_signed_by(certificate: &X509Certificate<'_>, by: &X509Certificate<'_>) -> bool {
    let verified = certificate.verify_signature(Some(by.public_key()));
    let contradicted = matches!(verified, Err(X509Error::SignatureVerificationError));
    certificate.issuer().as_raw() == by.subject().as_raw() && !contradicted
}

/// Reads the authority's key.
fn private_key(file: &Path) -> Result<KeyPair> {
    let text = pem_file::read(file, "authority's private key")?;
    let wrong = |why: &str| Failure::new(format!("cannot use the key {}: {why}", file.display()));
    let holds = |sign: &&str| text.windows(sign.len()).any(|part| part == sign.as_bytes());
    if ENCRYPTED.iter().any(holds) {
        let hint = "decrypt it first: openssl pkey -in ENCRYPTED -out KEY";
        return Err(wrong("it is encrypted").hint(hint));
    }
    // Parameters of a curve may stand before the key; openssl writes them.
    let blocks = Pem::iter_from_buffer(&text).flatten();
    let mut found = blocks.filter(|block| block.label.ends_with("PRIVATE KEY"));
    let Some(block) = found.next() else {
        return Err(wrong("there is no private key in PEM in it"));
    };
    let contents = Zeroizing::new(block.contents);
    KeyPair::try_from(contents.as_slice())
        .map_err(|_| wrong("its kind is unknown, or it is damaged"))
}

/// Writes a certificate in PEM (RFC 7468 §2: 64 characters a line).
fn encode(der: &[u8]) -> String {
    let block = pem::Pem::new("CERTIFICATE", der);
    // The default would end lines as Windows does, other than in the certificate before it.
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&block, config)
}

/// Says why an authority cannot be used.
fn unusable(file: &Path, why: &str) -> Failure {
    Failure::new(format!(
        "cannot use the authority {}: {why}",
        file.display()
    ))
}

/// The marks of an encrypted key, of PKCS#8 and of the older kinds (RFC 7468 §11, RFC 1421
/// §4.6.1.1).
const ENCRYPTED: [&str; 2] = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];

/// A distinguished name without parts, in DER.
const EMPTY_NAME: &[u8] = &[0x30, 0x00];
