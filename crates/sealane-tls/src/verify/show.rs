//! What a certificate says, made fit for one line of text: escaped, quoted and cut.

use core::net::{Ipv4Addr, Ipv6Addr};

use rustls_pki_types::{ServerName, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::time::ASN1Time;

/// A certificate's subject, quoted.
pub(super) fn subject(certificate: &X509Certificate<'_>) -> String {
    quoted(&certificate.subject().to_string())
}

/// A certificate's issuer, quoted.
pub(super) fn issuer(certificate: &X509Certificate<'_>) -> String {
    quoted(&certificate.issuer().to_string())
}

/// A moment, to the second, in UTC.
pub(super) fn moment(time: ASN1Time) -> String {
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// The moment at which something is judged.
pub(super) fn now(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match ASN1Time::from_timestamp(seconds) {
        Ok(time) => moment(time),
        Err(_) => format!("second {seconds} of Unix time"),
    }
}

/// The name that was wanted.
pub(super) fn wanted(name: &ServerName<'_>) -> String {
    escaped(&name.to_str())
}

/// The DNS names and addresses a certificate is for, as the https module lists them.
pub(super) fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    names.filter_map(general_name).collect()
}

/// A list of names in one line; long ones end in their number.
pub(super) fn list(names: &[String]) -> String {
    let mut shown = names[..names.len().min(MAX_NAMES)].join(", ");
    if names.len() > MAX_NAMES {
        shown += &format!(" and {} more", names.len() - MAX_NAMES);
    }
    shown
}

/// One name, if it is of a kind that servers are known by.
fn general_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(format!("DNS:{}", escaped(name))),
        GeneralName::IPAddress(octets) => Some(format!("IP Address:{}", address(octets))),
        _ => None,
    }
}

/// An address from its octets.
fn address(octets: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        Ipv4Addr::from(octets).to_string()
    } else if let Ok(octets) = <[u8; 16]>::try_from(octets) {
        Ipv6Addr::from(octets).to_string()
    } else {
        format!("({} octets)", octets.len())
    }
}

/// A text of the peer in quotes, escaped and cut.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A text of the peer without quotes, escaped and cut.
fn escaped(text: &str) -> String {
    let mut out: String = text.escape_default().take(MAX_TEXT).collect();
    if text.escape_default().nth(MAX_TEXT).is_some() {
        out.push('…');
    }
    out
}

/// Characters of one text of the peer that are shown: names in use are shorter.
const MAX_TEXT: usize = 100;

/// Names of a list that are shown; some certificates have hundreds.
const MAX_NAMES: usize = 8;
