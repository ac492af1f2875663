//! A certificate authority for tests: fresh keys on every run, nothing checked in, nothing trusted.
//!
//! Certificates are valid from 2000 to 2049 unless a test asks for other dates, so no test ends
//! with a calendar. Files are written only where a test says so. Making them cannot fail with the
//! arguments tests give, so everything here panics instead of returning errors.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SignatureAlgorithm, date_time_ymd,
};

/// A kind of key a certificate can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256: the default, small and fast.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// Ed25519.
    Ed25519,
    /// RSA with 2048 bits; making one takes a noticeable part of a second.
    Rsa2048,
}

impl KeyKind {
    /// Every kind there is.
    pub const ALL: [Self; 5] = [
        Self::P256,
        Self::P384,
        Self::P521,
        Self::Ed25519,
        Self::Rsa2048,
    ];

    /// The algorithm by which a key of this kind is made and signs.
    fn algorithm(self) -> &'static SignatureAlgorithm {
        match self {
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::P521 => &rcgen::PKCS_ECDSA_P521_SHA512,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
            Self::Rsa2048 => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

/// A day in the proleptic Gregorian calendar, at 00:00 UTC: year, month, day.
pub type Day = (i32, u8, u8);

/// A certificate authority: a self-signed root, or an intermediate below one.
pub struct TestCa {
    /// Name and key that sign.
    issuer: Issuer<'static, KeyPair>,
    /// Our own certificate.
    certificate: Certificate,
    /// What a server must send after its own certificate; empty for a root.
    chain_pem: String,
}

impl TestCa {
    /// Makes a self-signed root.
    pub fn new() -> Self {
        let params = authority("Sealane test root");
        let key = KeyPair::generate().expect("a P-256 key is made from random octets");
        let certificate = params
            .self_signed(&key)
            .expect("the parameters are complete");
        Self {
            issuer: Issuer::new(params, key),
            certificate,
            chain_pem: String::new(),
        }
    }

    /// Makes an intermediate authority that this one signs; what it issues carries its chain.
    pub fn intermediate(&self) -> Self {
        let params = authority("Sealane test intermediate");
        let key = KeyPair::generate().expect("a P-256 key is made from random octets");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("the parameters are complete");
        let chain_pem = certificate.pem() + &self.chain_pem;
        Self {
            issuer: Issuer::new(params, key),
            certificate,
            chain_pem,
        }
    }

    /// Issues a server certificate with a P-256 key for these host names and IP addresses.
    pub fn issue(&self, names: &[&str]) -> PemIdentity {
        self.issue_with_key(KeyKind::P256, names)
    }

    /// Issues a server certificate with another kind of key.
    pub fn issue_with_key(&self, kind: KeyKind, names: &[&str]) -> PemIdentity {
        self.issue_between(kind, names, (2000, 1, 1), (2049, 12, 31))
    }

    /// Issues a server certificate that is valid between two days.
    pub fn issue_between(
        &self,
        kind: KeyKind,
        names: &[&str],
        (year, month, day): Day,
        (end_year, end_month, end_day): Day,
    ) -> PemIdentity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let common_name = names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(names).expect("the names are ASCII");
        params.not_before = date_time_ymd(year, month, day);
        params.not_after = date_time_ymd(end_year, end_month, end_day);
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(kind.algorithm()).expect("the kind of key is supported");
        let leaf = params
            .signed_by(&key, &self.issuer)
            .expect("the parameters are complete");
        PemIdentity {
            chain_pem: leaf.pem() + &self.chain_pem,
            key_pem: key.serialize_pem(),
        }
    }

    /// Our own certificate in PEM: what a client must trust, when we are the root.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// Our own certificate in DER.
    pub fn certificate_der(&self) -> &[u8] {
        self.certificate.der()
    }

    /// Writes our own certificate to `ca.pem` in a folder and says where it is.
    pub fn write_to(&self, folder: &Path) -> PathBuf {
        let path = folder.join("ca.pem");
        fs::write(&path, self.certificate_pem()).expect("the test's folder is writable");
        path
    }
}

impl Default for TestCa {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for TestCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestCa").finish_non_exhaustive()
    }
}

/// A certificate chain and its PKCS#8 key, as PEM text.
#[derive(Clone)]
pub struct PemIdentity {
    /// The end-entity certificate first, then the intermediates, without the root.
    pub chain_pem: String,
    /// The private key of the first certificate.
    pub key_pem: String,
}

impl PemIdentity {
    /// Writes `cert.pem` and `key.pem` to a folder and says where they are.
    pub fn write_to(&self, folder: &Path) -> PemFiles {
        let files = PemFiles {
            cert: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        };
        fs::write(&files.cert, &self.chain_pem).expect("the test's folder is writable");
        fs::write(&files.key, &self.key_pem).expect("the test's folder is writable");
        files
    }
}

impl std::fmt::Debug for PemIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key stays out of test logs, so that a log never looks like a leak.
        f.debug_struct("PemIdentity")
            .field("chain_pem", &self.chain_pem)
            .finish_non_exhaustive()
    }
}

/// Where an identity was written.
#[derive(Clone, Debug)]
pub struct PemFiles {
    /// The file with the certificate chain.
    pub cert: PathBuf,
    /// The file with the private key.
    pub key: PathBuf,
}

/// The parameters of an authority with this name.
fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}
