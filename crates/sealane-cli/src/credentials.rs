//! Certificates and keys that say who we are, as both sides name them on the command line.
//!
//! Which files there are, a server's options and a client's say; how they are read, and what is
//! said of them, is the same for both. A certificate that is out of its time is used with a
//! warning: whether it is refused the peer decides.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sealane::{Identity, Revocation};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use crate::error::{Failure, Result};
use crate::flags;
use crate::secret_file;
use crate::terminal::{note, visible};

#[cfg(test)]
mod tests;

/// The files of an identity.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files<'a> {
    /// Certificate chains in PEM.
    pub certs: &'a [PathBuf],
    /// Their keys, in the same order.
    pub keys: &'a [PathBuf],
    /// PKCS#12 files.
    pub pfx: &'a [PathBuf],
    /// The file with the passphrase of every encrypted one of them.
    pub passphrase: Option<&'a Path>,
}

impl Files<'_> {
    /// Reads all of them into one identity, chains in PEM first; nothing when none were given.
    ///
    /// # Errors
    /// When a file cannot be read or used, when there are not as many keys as certificates, and
    /// for a passphrase of nothing.
    pub fn read(self) -> Result<Option<Credentials>> {
        if self.certs.len() != self.keys.len() {
            let (certs, keys) = (self.certs.len(), self.keys.len());
            let message = format!("--cert was given {certs} times and --key {keys} times");
            return Err(
                Failure::usage(message).hint("give one --key for each --cert, in the same order")
            );
        }
        if self.certs.is_empty() && self.pfx.is_empty() {
            return match self.passphrase {
                None => Ok(None),
                Some(_) => Err(Failure::usage(
                    "--passphrase-file has no use without --key or --pfx",
                )),
            };
        }
        let passphrase = self.passphrase.map(secret_file::passphrase).transpose()?;
        let mut all: Option<Credentials> = None;
        for (file, one) in self.each(passphrase.as_ref()) {
            let one = one.map_err(|error| unusable(&error, self.passphrase.is_some()))?;
            let one = Credentials::of(file, one);
            all = Some(match all {
                Some(before) => before.and(one),
                None => one,
            });
        }
        Ok(all)
    }

    /// Reads one after the other, and gives them the name of the file with the certificate.
    fn each<'a>(
        &'a self,
        passphrase: Option<&'a Zeroizing<Vec<u8>>>,
    ) -> impl Iterator<Item = (&'a Path, sealane::Result<Identity>)> {
        let pairs = self.certs.iter().zip(self.keys).map(move |(cert, key)| {
            let read = match passphrase {
                None => Identity::from_pem_files(cert, key),
                Some(phrase) => Identity::from_pem_files_encrypted(cert, key, phrase),
            };
            (cert.as_path(), read)
        });
        // Many files have no passphrase of their own; for the format that is an empty one.
        let phrase = passphrase.map_or(&b""[..], |phrase| phrase.as_slice());
        let files = self.pfx.iter();
        let files = files.map(move |file| (file.as_path(), Identity::from_pfx_file(file, phrase)));
        pairs.chain(files)
    }
}

/// An identity, and what people are told of it.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Certificates and keys.
    pub identity: Identity,
    /// What is told of each certificate.
    pub facts: Vec<Facts>,
}

impl Credentials {
    /// Takes the identity of one file.
    fn of(file: &Path, identity: Identity) -> Self {
        for warning in identity.warnings() {
            let file = file.display().to_string();
            note(&format!(
                "warning: {}: {}",
                visible(&file),
                visible(warning)
            ));
        }
        let certificates = identity.certificates();
        let facts = certificates
            .map(|found| Facts::of(file, found.raw()))
            .collect();
        Self { identity, facts }
    }

    /// Adds another one behind it.
    fn and(mut self, other: Self) -> Self {
        self.facts.extend(other.facts);
        Self {
            identity: self.identity.and(other.identity),
            facts: self.facts,
        }
    }

    /// Says when a certificate is out of its time: every peer is going to refuse it.
    pub fn warn(&self, peers: &str, now: OffsetDateTime) {
        for facts in &self.facts {
            if let Some(said) = facts.out_of_time(now) {
                note(&format!("warning: {said}; {peers} refuse it"));
            }
        }
    }
}

/// What is read out of a certificate to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its file.
    pub file: PathBuf,
    /// Its names.
    pub names: Vec<String>,
    /// When it begins.
    pub begins: Option<OffsetDateTime>,
    /// When it ends.
    pub ends: Option<OffsetDateTime>,
}

impl Facts {
    /// Reads a certificate in DER; what cannot be read is not told.
    fn of(file: &Path, der: &[u8]) -> Self {
        let file = file.to_owned();
        let Ok((_, parsed)) = X509Certificate::from_der(der) else {
            return Self {
                file,
                ..Self::default()
            };
        };
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|found| &found.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(octets) => address(octets).map(|address| address.to_string()),
            _ => None,
        });
        Self {
            file,
            names: names.collect(),
            begins: Some(parsed.validity().not_before.to_datetime()),
            ends: Some(parsed.validity().not_after.to_datetime()),
        }
    }

    /// Why a certificate is not valid at this moment, if it is not.
    fn out_of_time(&self, now: OffsetDateTime) -> Option<String> {
        let file = self.file.display().to_string();
        let file = visible(&file);
        if let Some(ends) = self.ends.filter(|ends| *ends < now) {
            return Some(format!("the certificate {file} ended on {}", ends.date()));
        }
        let begins = self.begins.filter(|begins| *begins > now)?;
        Some(format!(
            "the certificate {file} begins on {}",
            begins.date()
        ))
    }
}

/// An address out of its octets.
fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

/// Reads lists of revoked certificates; nothing when there are none.
///
/// # Errors
/// When a file cannot be used.
pub fn crl(files: &[PathBuf]) -> sealane::Result<Option<Revocation>> {
    let mut all: Option<Revocation> = None;
    for file in files {
        let one = Revocation::from_pem_file(file)?;
        all = Some(match all {
            Some(before) => before.and(one),
            None => one,
        });
    }
    Ok(all)
}

/// Says why a file cannot be used, and what to do.
fn unusable(error: &sealane::Error, has_passphrase: bool) -> Failure {
    let failure = Failure::new(flags::said(error));
    match error.code() {
        Some("ERR_OSSL_BAD_DECRYPT" | "ERR_OSSL_PKCS12_MAC_VERIFY_FAILURE") if !has_passphrase => {
            failure.hint("give its passphrase with --passphrase-file FILE")
        }
        _ => failure,
    }
}
