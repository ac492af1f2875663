//! The extensions of a certificate that its object shows (RFC 5280 §4.2), in the https module's
//! text forms.
//!
//! Alternative names go into one line, where a name could pretend to be two. So a value that holds
//! a comma, a quote, a backslash or a control character is written as a JSON string, and the
//! identity check reads it back as one.

use core::net::Ipv4Addr;

use x509_parser::asn1_rs::{Any, FromDer as _, Oid, Tag};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::{
    OID_PKIX_AUTHORITY_INFO_ACCESS, OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_SUBJECT_ALT_NAME,
};

use super::{names, oid};

/// The alternative names in one line.
pub(super) fn subject_alt_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let ParsedExtension::SubjectAlternativeName(names) =
        first(certificate, &OID_X509_EXT_SUBJECT_ALT_NAME)?
    else {
        return None;
    };
    let texts = names.general_names.iter().map(|name| {
        let shown = Shown::of(name)?;
        Some(shown.text())
    });
    Some(texts.collect::<Option<Vec<_>>>()?.join(", "))
}

/// Where to ask for the certificate's status and its issuer (RFC 5280 §4.2.2.1).
pub(super) fn info_access(certificate: &X509Certificate<'_>) -> Option<Vec<(String, String)>> {
    let ParsedExtension::AuthorityInfoAccess(access) =
        first(certificate, &OID_PKIX_AUTHORITY_INFO_ACCESS)?
    else {
        return None;
    };
    let pairs = access.accessdescs.iter().map(|description| {
        let shown = Shown::of(&description.access_location)?;
        let method = access_method(&description.access_method);
        Some((format!("{method} - {}", shown.kind), shown.value))
    });
    pairs.collect()
}

/// Whether a certificate is an authority's.
pub(super) fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    let constraints = certificate.basic_constraints().ok().flatten();
    let says_so = constraints.is_some_and(|it| it.value.ca);
    let usage = certificate.key_usage();
    says_so && usage.is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()))
}

/// What the key may be used for, as numbers in their order.
pub(super) fn ext_key_usage(certificate: &X509Certificate<'_>) -> Option<Vec<String>> {
    let extension = certificate
        .get_extension_unique(&OID_X509_EXT_EXTENDED_KEY_USAGE)
        .ok()??;
    // Read again: the parser sorts the usages by kind and loses their order.
    let (_, all) = <Vec<Oid<'_>>>::from_der(extension.value).ok()?;
    Some(all.iter().map(oid::dotted).collect())
}

/// The first extension of a kind. A second one is forbidden (RFC 5280 §4.2), and the verifier
/// refuses such a certificate; the module shows the first.
fn first<'a, 'b>(
    certificate: &'b X509Certificate<'a>,
    kind: &Oid<'_>,
) -> Option<&'b ParsedExtension<'a>> {
    let mut all = certificate.iter_extensions();
    let found = all.find(|extension| extension.oid == *kind)?;
    Some(found.parsed_extension())
}

/// How a method of access is called.
fn access_method(method: &Oid<'_>) -> String {
    let name = match oid::dotted(method).as_str() {
        "1.3.6.1.5.5.7.48.1" => "OCSP",
        "1.3.6.1.5.5.7.48.2" => "CA Issuers",
        "1.3.6.1.5.5.7.48.3" => "AD Time Stamping",
        "1.3.6.1.5.5.7.48.4" => "ad dvcs",
        "1.3.6.1.5.5.7.48.5" => "CA Repository",
        other => return other.to_owned(),
    };
    name.to_owned()
}

/// A general name (RFC 5280 §4.2.1.6) on its way to text.
struct Shown {
    /// Its kind, as it stands before the colon.
    kind: &'static str,
    /// Its value, not yet quoted.
    value: String,
    /// Which values cannot stand there bare.
    script: Script,
}

/// What a value's octets mean.
#[derive(Clone, Copy)]
enum Script {
    /// One octet is one character; what is not ASCII is quoted.
    Octets,
    /// The value is Unicode, and only its control characters are quoted.
    Unicode,
    /// We wrote the value ourselves.
    Ours,
}

impl Shown {
    /// Reads a general name; `None` if it cannot be read, and then neither can those beside it.
    fn of(name: &GeneralName<'_>) -> Option<Self> {
        Some(match name {
            GeneralName::DNSName(name) => Self::octets("DNS", name.as_bytes()),
            GeneralName::RFC822Name(name) => Self::octets("email", name.as_bytes()),
            GeneralName::URI(name) => Self::octets("URI", name.as_bytes()),
            GeneralName::IPAddress(octets) => Self::ours("IP Address", address(octets)),
            GeneralName::RegisteredID(number) => Self::ours("Registered ID", oid::dotted(number)),
            GeneralName::DirectoryName(name) => Self {
                kind: "DirName",
                value: names::rfc2253(name),
                script: Script::Unicode,
            },
            GeneralName::OtherName(number, value) => other_name(number, value),
            GeneralName::X400Address(_) => Self::ours("X400Name", UNSUPPORTED),
            GeneralName::EDIPartyName(_) => Self::ours("EdiPartyName", UNSUPPORTED),
            // The parser asks for UTF-8 where any octets may stand.
            GeneralName::Invalid(Tag(1), octets) => Self::octets("email", octets),
            GeneralName::Invalid(Tag(2), octets) => Self::octets("DNS", octets),
            GeneralName::Invalid(Tag(6), octets) => Self::octets("URI", octets),
            GeneralName::Invalid(..) => return None,
        })
    }

    /// A value of which each octet is a character.
    fn octets(kind: &'static str, octets: &[u8]) -> Self {
        Self {
            kind,
            value: octets.iter().copied().map(char::from).collect(),
            script: Script::Octets,
        }
    }

    /// A value that we wrote ourselves.
    fn ours(kind: &'static str, value: impl Into<String>) -> Self {
        Self {
            kind,
            value: value.into(),
            script: Script::Ours,
        }
    }

    /// The name as it stands in the line.
    fn text(&self) -> String {
        let Self {
            kind,
            value,
            script,
        } = self;
        if value.chars().all(|character| script.is_safe(character)) {
            format!("{kind}:{value}")
        } else {
            format!("{kind}:{}", script.quoted(value))
        }
    }
}

impl Script {
    /// Whether a character may stand in the line without quotes around its value.
    fn is_safe(self, character: char) -> bool {
        match (self, character) {
            (Self::Ours, _) => true,
            (_, '"' | '\\' | ',' | '\'') => false,
            (_, ' '..='~') => true,
            (Self::Unicode, _) => !character.is_ascii(),
            (Self::Octets, _) => false,
        }
    }

    /// A value as a JSON string. Commas too are escaped, so that those who split the line at them
    /// are not deceived.
    fn quoted(self, value: &str) -> String {
        let mut out = String::from("\"");
        for character in value.chars() {
            match (self, character) {
                (_, '"' | '\\') => out.extend(['\\', character]),
                (_, ',') => out.push_str("\\u002c"),
                (_, ' '..='~') => out.push(character),
                (Self::Unicode, _) if !character.is_ascii() => out.push(character),
                _ => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            }
        }
        out.push('"');
        out
    }
}

/// A name of a kind that is known by a number only.
fn other_name(number: &Oid<'_>, value: &[u8]) -> Shown {
    let unsupported = Shown::ours("othername", UNSUPPORTED);
    let (prefix, script) = match oid::dotted(number).as_str() {
        "1.3.6.1.5.5.7.8.9" => ("SmtpUTF8Mailbox", Script::Unicode),
        "1.3.6.1.5.5.7.8.5" => ("XmppAddr", Script::Unicode),
        "1.3.6.1.5.5.7.8.7" => ("SRVName", Script::Octets),
        "1.3.6.1.4.1.311.20.2.3" => ("UPN", Script::Unicode),
        "1.3.6.1.5.5.7.8.8" => ("NAIRealm", Script::Unicode),
        _ => return unsupported,
    };
    // The value stands behind an explicit tag [0].
    let inner = Any::from_der(value).map(|(_, outer)| outer.data);
    let Ok((_, inner)) = inner.and_then(Any::from_der) else {
        return unsupported;
    };
    let text = match (script, inner.tag()) {
        (Script::Octets, Tag::Ia5String) => inner.data.iter().copied().map(char::from).collect(),
        (Script::Unicode, Tag::Utf8String) => String::from_utf8_lossy(inner.data).into_owned(),
        _ => return unsupported,
    };
    Shown {
        kind: "othername",
        value: format!("{prefix}:{text}"),
        script,
    }
}

/// An address from its octets; one of version 6 is not shortened.
fn address(octets: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Ipv4Addr::from(octets).to_string();
    }
    if octets.len() != 16 {
        return format!("<invalid length={}>", octets.len());
    }
    let groups = octets.chunks(2).map(|pair| {
        let group = pair
            .iter()
            .fold(0, |sum, octet| sum << 8 | u16::from(*octet));
        format!("{group:X}")
    });
    groups.collect::<Vec<_>>().join(":")
}

/// What stands for a name of a kind that has no text form.
const UNSUPPORTED: &str = "<unsupported>";
