//! The certificates of the local authority: making the three kinds, and judging stored ones.
//!
//! No files here; time is an argument. RFC 5280 §4.2.1 for the extensions, §6.1 for what a stored
//! chain has to satisfy before anything is signed with it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData, SanType,
};
use time::{Date, Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use zeroize::{Zeroize, Zeroizing};

use crate::certificate::{self, BACKDATED, named};

/// An authority as it is stored: three PEM texts, of which the last is secret.
pub struct Stored {
    /// The root certificate.
    pub root: String,
    /// The intermediate certificate.
    pub intermediate: String,
    /// The intermediate's private key.
    pub key: Zeroizing<String>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stored")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// Why a stored authority cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its time is over since that day.
    Ended(Date),
    /// Its time has not begun.
    NotYet(Date),
    /// It is not what was once written; the text says in which way.
    Damaged(&'static str),
}

/// An end-entity certificate with its chain and its key.
pub struct Leaf {
    /// The certificate and the intermediate, in the order a server sends them.
    pub chain: String,
    /// The private key.
    pub key: Zeroizing<String>,
    /// The moment after which no client accepts it.
    pub ends: OffsetDateTime,
}

impl fmt::Debug for Leaf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Leaf")
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// A judged authority: it may sign.
pub struct Authority {
    /// The intermediate's name and key.
    issuer: Issuer<'static, KeyPair>,
    /// The intermediate certificate, sent along with every leaf.
    intermediate: String,
    /// The common name of the root.
    root_name: String,
    /// The moment when the first of root and intermediate ends.
    ends: OffsetDateTime,
}

impl fmt::Debug for Authority {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Authority");
        out.field("root_name", &self.root_name)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Signs a certificate for localhost, 127.0.0.1, ::1 and the given addresses.
    pub(super) fn leaf(
        &self,
        addresses: &[IpAddr],
        now: OffsetDateTime,
    ) -> std::result::Result<Leaf, rcgen::Error> {
        let mut names = vec![SanType::DnsName("localhost".try_into()?)];
        let ours = [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        for &address in ours.iter().chain(addresses) {
            let name = SanType::IpAddress(address);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let ends = (now + LEAF_LIFE).min(self.ends);
        let params = certificate::for_server("localhost", names, now, ends);
        let mut key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let leaf = Leaf {
            chain: certificate.pem() + &self.intermediate,
            key: Zeroizing::new(key.serialize_pem()),
            ends: params.not_after,
        };
        key.zeroize();
        Ok(leaf)
    }

    /// The common name of the root.
    pub(super) fn root_name(&self) -> &str {
        &self.root_name
    }

    /// The moment when the authority ends.
    pub(super) fn ends(&self) -> OffsetDateTime {
        self.ends
    }
}

/// Makes a root and one intermediate; the root's key is gone when this returns.
pub(super) fn make(label: &str, now: OffsetDateTime) -> std::result::Result<Stored, rcgen::Error> {
    let mut root_key = KeyPair::generate()?;
    let key = KeyPair::generate()?;
    // Roots of the same name would shadow each other in trust stores; the key tells them apart.
    let mark = mark(&root_key);
    let root_params = authority(&format!("Sealane local root {mark} ({label})"), 1, now);
    let root = root_params.self_signed(&root_key)?;
    let mut params = authority(&format!("Sealane local intermediate {mark}"), 0, now);
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // rcgen marks name constraints critical, as RFC 5280 §4.2.1.10 demands; `read` checks it.
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted(),
        excluded_subtrees: Vec::new(),
    });
    let intermediate = params.signed_by(&key, &Issuer::from_params(&root_params, &root_key))?;
    root_key.zeroize();
    Ok(Stored {
        root: root.pem(),
        intermediate: intermediate.pem(),
        key: Zeroizing::new(key.serialize_pem()),
    })
}

/// Judges a stored authority.
pub(super) fn read(stored: &Stored, now: OffsetDateTime) -> std::result::Result<Authority, Fault> {
    let root_pem = pem(&stored.root, "its root certificate cannot be read")?;
    let root = root_pem
        .parse_x509()
        .map_err(|_| Fault::Damaged("its root is no certificate"))?;
    let intermediate_pem = pem(&stored.intermediate, "its intermediate cannot be read")?;
    let intermediate = intermediate_pem
        .parse_x509()
        .map_err(|_| Fault::Damaged("its intermediate is no certificate"))?;
    let key =
        KeyPair::from_pem(&stored.key).map_err(|_| Fault::Damaged("its key cannot be read"))?;
    if root.verify_signature(None).is_err() {
        return Err(Fault::Damaged("its root is not signed by itself"));
    }
    let signed = intermediate
        .verify_signature(Some(root.public_key()))
        .is_ok();
    if !signed || intermediate.issuer().as_raw() != root.subject().as_raw() {
        return Err(Fault::Damaged(
            "its intermediate was not signed by its root",
        ));
    }
    if intermediate.public_key().raw != key.subject_public_key_info() {
        return Err(Fault::Damaged(
            "its key does not belong to its intermediate",
        ));
    }
    if !only_for_this_machine(&intermediate) {
        return Err(Fault::Damaged(
            "its intermediate is not limited to localhost",
        ));
    }
    let ends = lifetime(&[&root, &intermediate], now)?;
    let root_name = root.subject().iter_common_name().next();
    let root_name = root_name
        .and_then(|name| name.as_str().ok())
        .unwrap_or("without a name");
    let issuer = Issuer::from_ca_cert_der(&intermediate_pem.contents.as_slice().into(), key)
        .map_err(|_| Fault::Damaged("its intermediate cannot sign"))?;
    Ok(Authority {
        issuer,
        intermediate: stored.intermediate.clone(),
        root_name: root_name.to_owned(),
        ends,
    })
}

/// Reads one PEM block.
fn pem(text: &str, fault: &'static str) -> std::result::Result<x509_parser::pem::Pem, Fault> {
    match x509_parser::pem::parse_x509_pem(text.as_bytes()) {
        Ok((_, pem)) if pem.label == "CERTIFICATE" => Ok(pem),
        _ => Err(Fault::Damaged(fault)),
    }
}

/// When the first of these certificates ends, if all of them are valid now.
fn lifetime(
    certificates: &[&X509Certificate<'_>],
    now: OffsetDateTime,
) -> std::result::Result<OffsetDateTime, Fault> {
    let mut ends: Option<OffsetDateTime> = None;
    for certificate in certificates {
        let validity = certificate.validity();
        let (first, last) = (
            validity.not_before.to_datetime(),
            validity.not_after.to_datetime(),
        );
        if now < first {
            return Err(Fault::NotYet(first.date()));
        }
        if now + SHORTEST_LEAF > last {
            return Err(Fault::Ended(last.date()));
        }
        ends = Some(ends.map_or(last, |earlier| earlier.min(last)));
    }
    ends.ok_or(Fault::Damaged("it is empty"))
}

/// Whether an intermediate is bound as ours are: one level, servers only, this machine only.
///
/// A stored one without these bounds would make the root that people trusted worth an attack.
fn only_for_this_machine(intermediate: &X509Certificate<'_>) -> bool {
    let one_level = matches!(intermediate.basic_constraints(),
        Ok(Some(found)) if found.critical && found.value.ca
            && found.value.path_len_constraint == Some(0));
    let servers_only = matches!(intermediate.extended_key_usage(),
        Ok(Some(found)) if found.value.server_auth && !found.value.any
            && !found.value.client_auth && !found.value.code_signing
            && !found.value.email_protection && found.value.other.is_empty());
    let Ok(Some(names)) = intermediate.name_constraints() else {
        return false;
    };
    let Some(allowed) = &names.value.permitted_subtrees else {
        return false;
    };
    let local = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => *name == "localhost",
        GeneralName::IPAddress(subnet) => SUBNETS.contains(subnet),
        _ => false,
    };
    // Both kinds have to be bounded: a kind that is absent is free (RFC 5280 §4.2.1.10).
    let kinds =
        |wanted: fn(&GeneralName<'_>) -> bool| allowed.iter().any(|tree| wanted(&tree.base));
    one_level
        && servers_only
        && names.critical
        && allowed.iter().all(|tree| local(&tree.base))
        && kinds(|name| matches!(name, GeneralName::DNSName(_)))
        && kinds(|name| matches!(name, GeneralName::IPAddress(_)))
}

/// The parameters that root and intermediate share.
fn authority(name: &str, below: u8, now: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - BACKDATED;
    params.not_after = now + AUTHORITY_LIFE;
    params
}

/// What the intermediate may vouch for: localhost with all names below it, and loopback addresses.
fn permitted() -> Vec<GeneralSubtree> {
    vec![
        GeneralSubtree::DnsName("localhost".to_owned()),
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
            Ipv6Addr::LOCALHOST.octets(),
            128,
        )),
    ]
}

/// Eight hexadecimal digits that stand for a public key.
fn mark(key: &KeyPair) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.public_key_raw());
    digest
        .as_ref()
        .iter()
        .take(4)
        .map(|octet| format!("{octet:02x}"))
        .collect()
}

/// The address ranges of [`permitted`] in their encoded form: address, then mask.
const SUBNETS: [&[u8]; 2] = [
    &[127, 0, 0, 0, 255, 0, 0, 0],
    &[
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255,
    ],
];

/// How long an authority lives: two years, so that trusting it is rare and forgetting it is
/// harmless.
const AUTHORITY_LIFE: Duration = Duration::days(730);

/// How long a leaf lives: a week. It is made anew at each start and its key is never stored, so
/// this bounds only a server that runs on and on; such a server says when the week is nearly over.
const LEAF_LIFE: Duration = Duration::days(7);

/// The least life a leaf must be able to have: an authority that ends sooner counts as ended.
const SHORTEST_LEAF: Duration = Duration::hours(1);
