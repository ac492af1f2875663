//! A certificate authority for tests: fresh keys on every run, nothing checked in, nothing trusted.
//!
//! Certificates are valid from 2000 to 2049 unless a test asks for other dates, so no test ends
//! with a calendar. Files are written only where a test says so. Making them cannot fail with the
//! arguments tests give, so everything here panics instead of returning errors.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CrlDistributionPoint, CustomExtension,
    DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, SanType, SignatureAlgorithm, date_time_ymd,
};

pub use self::list::ListTemplate;

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

/// What a certificate says. The two constructors say what is right; the rest makes it wrong.
#[derive(Clone, Debug)]
pub struct Template {
    /// Subject, alternative names, dates, uses and constraints.
    params: CertificateParams,
    /// The kind of its key.
    key: KeyKind,
}

impl Template {
    /// A server's certificate for these host names and IP addresses; the first is its common name.
    pub fn server(names: &[&str]) -> Self {
        let common_name = names.first().copied().unwrap_or_default();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("the names are ASCII");
        let mut template = Self::of(params, common_name);
        template.params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        template.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        template
    }

    /// The certificate of an authority with this name.
    pub fn authority(name: &str) -> Self {
        let mut template = Self::of(CertificateParams::default(), name);
        template.params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        template.params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        template
    }

    /// What both have in common.
    fn of(mut params: CertificateParams, common_name: &str) -> Self {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2049, 12, 31);
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.use_authority_key_identifier_extension = true;
        let key = KeyKind::P256;
        Self { params, key }
    }

    /// With another common name; alternative names stay.
    pub fn common_name(mut self, name: &str) -> Self {
        let subject = &mut self.params.distinguished_name;
        subject.remove(DnType::CommonName);
        subject.push(DnType::CommonName, name);
        self
    }

    /// With another kind of key.
    pub fn key(mut self, kind: KeyKind) -> Self {
        self.key = kind;
        self
    }

    /// Valid between two days only.
    pub fn between(mut self, from: Day, to: Day) -> Self {
        self.params.not_before = date_time_ymd(from.0, from.1, from.2);
        self.params.not_after = date_time_ymd(to.0, to.1, to.2);
        self
    }

    /// Says CA:TRUE or CA:FALSE, whatever it is used for.
    pub fn says_authority(mut self, yes: bool) -> Self {
        self.params.is_ca = match yes {
            true => IsCa::Ca(BasicConstraints::Unconstrained),
            false => IsCa::ExplicitNoCa,
        };
        self
    }

    /// Allows this many authorities between itself and a server.
    pub fn path_length(mut self, length: u8) -> Self {
        self.params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
        self
    }

    /// Says nothing of being an authority or none.
    pub fn without_basic_constraints(mut self) -> Self {
        self.params.is_ca = IsCa::NoCa;
        self
    }

    /// With a key usage for key transport only, which signs nothing.
    pub fn may_not_sign(mut self) -> Self {
        self.params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
        self
    }

    /// With these octets where the key usage belongs.
    pub fn usage_octets(mut self, octets: &[u8]) -> Self {
        self.params.key_usages.clear();
        let extension = CustomExtension::from_oid_content(&[2, 5, 29, 15], octets.to_vec());
        self.params.custom_extensions.push(extension);
        self
    }

    /// With an extended key usage for everything.
    pub fn for_anything(mut self) -> Self {
        self.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
        self
    }

    /// With a key usage that lets it sign handshakes and no certificates.
    pub fn may_not_certify(mut self) -> Self {
        self.params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        self
    }

    /// Without key usage and extended key usage.
    pub fn without_uses(mut self) -> Self {
        self.params.key_usages.clear();
        self.params.extended_key_usages.clear();
        self
    }

    /// With an extended key usage for clients only.
    pub fn for_clients(mut self) -> Self {
        self.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self
    }

    /// Allowed to speak for this domain and what is below it, and for no other.
    pub fn permits(mut self, domain: &str) -> Self {
        self.params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(domain.to_owned())],
            excluded_subtrees: Vec::new(),
        });
        self
    }

    /// With this serial number, so that a revocation list can name it.
    pub fn serial(mut self, number: u64) -> Self {
        self.params.serial_number = Some(number.into());
        self
    }

    /// With a key usage that lets it sign certificates and no revocation lists.
    pub fn may_not_sign_lists(mut self) -> Self {
        self.params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        self
    }

    /// Names this as the place of its revocation list.
    pub fn list_place(mut self, uri: &str) -> Self {
        let uris = vec![uri.to_owned()];
        self.params
            .crl_distribution_points
            .push(CrlDistributionPoint { uris });
        self
    }

    /// Names this as the place of its issuer's certificate.
    pub fn issuer_place(mut self, uri: &str) -> Self {
        // SEQUENCE of one SEQUENCE: id-ad-caIssuers, and the URI (RFC 5280 §4.2.2.1).
        let length = |octets: &[u8]| u8::try_from(octets.len()).expect("the URI is short");
        let method = [0x06, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 2];
        let access = [&method[..], &[0x86, length(uri.as_bytes())], uri.as_bytes()].concat();
        let octets = [
            &[0x30, length(&access) + 2, 0x30, length(&access)],
            &access[..],
        ]
        .concat();
        let extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], octets);
        self.params.custom_extensions.push(extension);
        self
    }

    /// With a critical extension that nobody knows.
    pub fn with_unknown_rule(mut self) -> Self {
        let mut extension =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        self.params.custom_extensions.push(extension);
        self
    }

    /// With a mail address among its alternative names.
    pub fn alternative_email(mut self, address: &str) -> Self {
        let address = address.try_into().expect("the address is ASCII");
        self.params
            .subject_alt_names
            .push(SanType::Rfc822Name(address));
        self
    }

    /// With these octets where the list of alternative names belongs.
    pub fn alternative_octets(mut self, octets: &[u8]) -> Self {
        let extension = CustomExtension::from_oid_content(&[2, 5, 29, 17], octets.to_vec());
        self.params.custom_extensions.push(extension);
        self
    }

    /// Makes the certificate, signed with its own key.
    pub fn self_signed(&self) -> PemIdentity {
        let key = self.new_key();
        let certificate = self
            .params
            .self_signed(&key)
            .expect("the parameters are complete");
        PemIdentity {
            chain_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    /// A fresh key of the kind that is wanted.
    fn new_key(&self) -> KeyPair {
        KeyPair::generate_for(self.key.algorithm()).expect("the kind of key is supported")
    }
}

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
        Self::root(&Template::authority("Sealane test root"))
    }

    /// Makes a self-signed root that says this.
    pub fn root(template: &Template) -> Self {
        let params = template.params.clone();
        let key = template.new_key();
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
        self.intermediate_like(&Template::authority("Sealane test intermediate"))
    }

    /// Makes an intermediate that says this.
    pub fn intermediate_like(&self, template: &Template) -> Self {
        let params = template.params.clone();
        let key = template.new_key();
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

    /// Certifies the key and name of another authority once more, and gives that certificate.
    pub fn cross_sign(&self, other: &Self, template: &Template) -> String {
        let certificate = template
            .params
            .signed_by(other.issuer.key(), &self.issuer)
            .expect("the parameters are complete");
        certificate.pem()
    }

    /// Issues a server certificate with a P-256 key for these host names and IP addresses.
    pub fn issue(&self, names: &[&str]) -> PemIdentity {
        self.issue_with_key(KeyKind::P256, names)
    }

    /// Issues a server certificate with another kind of key.
    pub fn issue_with_key(&self, kind: KeyKind, names: &[&str]) -> PemIdentity {
        self.issue_like(&Template::server(names).key(kind))
    }

    /// Issues a server certificate that is valid between two days.
    pub fn issue_between(&self, kind: KeyKind, names: &[&str], from: Day, to: Day) -> PemIdentity {
        self.issue_like(&Template::server(names).key(kind).between(from, to))
    }

    /// Issues a certificate that says this.
    pub fn issue_like(&self, template: &Template) -> PemIdentity {
        let key = template.new_key();
        let leaf = template
            .params
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

mod first_version;
mod list;
