//! One certificate of a chain, as data.
//!
//! The fields are those of the certificate object; a date stands there as the module writes it.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pem::{EncodeConfig, LineEnding, Pem};
use sealane::PeerCertificate;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

#[cfg(test)]
mod tests;

/// What one certificate says.
#[derive(Debug, Serialize)]
pub(in crate::inspect) struct Certificate {
    /// Whom it is for.
    pub(in crate::inspect) subject: Name,
    /// Who issued it.
    pub(in crate::inspect) issuer: Name,
    /// The alternative names, each behind its kind: `DNS:localhost`, `IP Address:127.0.0.1`.
    pub(in crate::inspect) names: Vec<String>,
    /// Since when it is valid.
    pub(in crate::inspect) valid_from: String,
    /// Until when it is valid.
    pub(in crate::inspect) valid_to: String,
    /// The same in seconds of Unix time.
    pub(in crate::inspect) not_before: Option<i64>,
    /// The same in seconds of Unix time.
    pub(in crate::inspect) not_after: Option<i64>,
    /// How many whole days it is still valid; below zero once it has expired.
    pub(in crate::inspect) days_left: Option<i64>,
    /// How many whole days it is until it becomes valid, if it is not yet.
    #[serde(skip)]
    pub(in crate::inspect) begins_in: Option<i64>,
    /// Whether it is an authority's.
    pub(in crate::inspect) ca: bool,
    /// Whether it says that its holder issued it.
    pub(in crate::inspect) self_issued: bool,
    /// The public key.
    pub(in crate::inspect) key: Key,
    /// SHA-1 of the certificate.
    pub(in crate::inspect) fingerprint: String,
    /// SHA-256 of the certificate.
    pub(in crate::inspect) fingerprint256: String,
    /// SHA-512 of the certificate.
    pub(in crate::inspect) fingerprint512: String,
    /// SHA-256 of the SubjectPublicKeyInfo in base64: what `--pin sha256//` takes.
    pub(in crate::inspect) spki_sha256: String,
    /// SHA-256 of the public key in the module's form, in base64: what the module's pinning example
    /// prints. For keys on elliptic curves another value than `spki_sha256`.
    pub(in crate::inspect) pubkey_sha256: Option<String>,
    /// What the key may be used for.
    pub(in crate::inspect) ext_key_usage: Option<Vec<String>>,
    /// The serial number.
    pub(in crate::inspect) serial_number: String,
    /// The certificate itself.
    pub(in crate::inspect) pem: String,
}

/// What is known of a public key.
#[derive(Debug, Serialize)]
pub(in crate::inspect) struct Key {
    /// The kind: `RSA`, `EC` or `Ed25519`; nothing for others.
    pub(in crate::inspect) kind: Option<&'static str>,
    /// The size of an RSA modulus, or of the order of the curve's group.
    pub(in crate::inspect) bits: Option<u32>,
    /// The name of an elliptic curve.
    pub(in crate::inspect) curve: Option<&'static str>,
}

/// A distinguished name: attributes in order. In JSON an attribute that comes several times is a
/// list, as in the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inspect) struct Name {
    /// Short names and values.
    pub(in crate::inspect) attributes: Vec<(String, String)>,
}

impl Certificate {
    /// Takes over what a certificate says.
    pub(super) fn new(of: &PeerCertificate, now: SystemTime) -> Self {
        let hash = |octets| STANDARD.encode(digest(&SHA256, octets));
        let issuer = of.issuer_certificate();
        Self {
            subject: of.subject().iter().collect(),
            issuer: of.issuer().iter().collect(),
            names: entries(of.subject_alt_name().unwrap_or_default()),
            valid_from: of.valid_from().to_owned(),
            valid_to: of.valid_to().to_owned(),
            not_before: of.not_before(),
            not_after: of.not_after(),
            days_left: of.days_left(now),
            begins_in: of.not_before().and_then(|begin| days_until(begin, now)),
            ca: of.ca(),
            self_issued: issuer.as_ref() == Some(of),
            key: Key::new(of),
            fingerprint: of.fingerprint(),
            fingerprint256: of.fingerprint256(),
            fingerprint512: of.fingerprint512(),
            spki_sha256: of.spki_sha256_base64(),
            pubkey_sha256: of.pubkey().map(hash),
            ext_key_usage: of.ext_key_usage().map(<[String]>::to_vec),
            serial_number: of.serial_number().to_owned(),
            pem: pem::encode_config(
                &Pem::new("CERTIFICATE", of.raw()),
                EncodeConfig::new().set_line_ending(LineEnding::LF),
            ),
        }
    }
}

impl Key {
    /// Tells kinds apart by what the certificate object has of each.
    fn new(of: &PeerCertificate) -> Self {
        let curve = of.nist_curve().or(of.asn1_curve());
        let is_ed25519 = || of.spki().is_some_and(|spki| spki.starts_with(ED25519));
        let kind = match of.modulus() {
            Some(_) => Some("RSA"),
            None if curve.is_some() => Some("EC"),
            None => is_ed25519().then_some("Ed25519"),
        };
        Self {
            kind,
            bits: of.bits(),
            curve,
        }
    }
}

impl Name {
    /// The first common name.
    pub(in crate::inspect) fn common_name(&self) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name == "CN");
        found.map(|(_, value)| value.as_str())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Name {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(attributes: I) -> Self {
        let attributes = attributes.into_iter();
        Self {
            attributes: attributes
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (index, (name, value)) in self.attributes.iter().enumerate() {
            if self.attributes[..index].iter().any(|(it, _)| it == name) {
                continue;
            }
            let all = self.attributes.iter().filter(|(it, _)| it == name);
            let all: Vec<_> = all.map(|(_, value)| value).collect();
            match all.len() {
                1 => map.serialize_entry(name, value)?,
                _ => map.serialize_entry(name, &all)?,
            }
        }
        map.end()
    }
}

/// The entries of a line of alternative names.
///
/// They are parted by a comma and a space, except within quotes: a value that holds such signs
/// stands there as a JSON string. It is taken out of its quotes here.
fn entries(line: &str) -> Vec<String> {
    let mut entries = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (entry, behind) = rest.split_at(end_of_entry(rest));
        entries.push(unquoted(entry));
        rest = behind.strip_prefix(SEPARATOR).unwrap_or(behind);
    }
    entries
}

/// Where the first entry of a line ends.
fn end_of_entry(line: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (index, letter) in line.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted && line[index..].starts_with(SEPARATOR) => return index,
            _ => {}
        }
    }
    line.len()
}

/// An entry without the quotes around its value, and with its address in the usual form.
fn unquoted(entry: &str) -> String {
    let parted = entry.split_once(':');
    let value = parted.and_then(|(kind, value)| {
        // The module writes all eight groups of an IPv6 address; people do not.
        let value = match value.parse::<IpAddr>() {
            Ok(address) if kind == "IP Address" => address.to_string(),
            _ => serde_json::from_str::<String>(value).ok()?,
        };
        Some(format!("{kind}:{value}"))
    });
    value.unwrap_or_else(|| entry.to_owned())
}

/// How many whole days it is until a second of Unix time; nothing if it has come.
fn days_until(begin: i64, now: SystemTime) -> Option<i64> {
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let left = begin.saturating_sub(i64::try_from(now).ok()?);
    (left > 0).then_some(left / SECONDS_OF_A_DAY)
}

/// What parts alternative names.
const SEPARATOR: &str = ", ";

/// How the SubjectPublicKeyInfo of an Ed25519 key begins (RFC 8410 §4).
const ED25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

/// The seconds of a day; certificates know no leap seconds.
const SECONDS_OF_A_DAY: i64 = 86_400;
