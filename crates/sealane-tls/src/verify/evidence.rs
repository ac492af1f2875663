//! What was found in a chain that is not believed: the lines under the cause.
//!
//! Read from certificates once more, for refusals are rare and this must cost the others nothing.
//! Nothing is judged here. What the peer wrote is escaped and cut; how much is shown is bounded,
//! whatever was sent.

use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS;
use x509_parser::time::ASN1Time;

use super::chain::Parts;
use super::{diagnosis, show};
use crate::digest::sha256;
use crate::error::Refusal;
use crate::permissions;

/// Adds what was found: the chain as it was received, names, the anchor, what may be missing, the
/// lists, and the moment.
pub(super) fn add(mut refusal: Refusal, parts: &Parts<'_>, wanted: Option<String>) -> Refusal {
    let sent = std::iter::once(parts.end_entity).chain(parts.intermediates);
    for (index, der) in sent.take(MAX_CERTIFICATES).enumerate() {
        refusal = refusal.with(
            format!("certificate {}", index + 1),
            certificate(der, parts.now),
        );
    }
    let count = parts.intermediates.len() + 1;
    if let Some(more) = count.checked_sub(MAX_CERTIFICATES).filter(|more| *more > 0) {
        refusal = refusal.with("more certificates", more.to_string());
    }
    if let Some(wanted) = wanted {
        refusal = refusal.with("name wanted", wanted);
    }
    if let Ok((_, leaf)) = X509Certificate::from_der(parts.end_entity) {
        let names = show::names(&leaf);
        let names = match names.is_empty() {
            true => "none".to_owned(),
            false => show::list(&names),
        };
        refusal = refusal.with("names found", names);
    }
    if let Some(top) = top(parts) {
        refusal = about_top(refusal, parts, &top);
    }
    if let Some(watch) = parts.watch {
        for list in watch.lists().take(MAX_LISTS) {
            let text = format!(
                "of {}, made {}, due {}",
                show::quoted(&list.issuer_text),
                show::moment(list.this_update),
                show::moment(list.next_update)
            );
            refusal = refusal.with("revocation list", text);
        }
    }
    refusal.with("now", show::now(parts.now))
}

/// One certificate in one line.
fn certificate(der: &CertificateDer<'_>, now: UnixTime) -> String {
    let Ok((_, read)) = X509Certificate::from_der(der) else {
        return format!("({} octets that cannot be read)", der.len());
    };
    let digest: String = sha256(der)[..8]
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let dates = read.validity();
    format!(
        "{}, issued by {}, valid {} to {} ({}), SHA-256 {digest}…",
        show::subject(&read),
        show::issuer(&read),
        show::moment(dates.not_before),
        show::moment(dates.not_after),
        distance(dates.not_before, dates.not_after, now)
    )
}

/// How far now is from a certificate's dates.
fn distance(from: ASN1Time, to: ASN1Time, now: UnixTime) -> String {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < from.timestamp() {
        return format!("begins in {}", span(from.timestamp().saturating_sub(now)));
    }
    match to.timestamp().saturating_sub(now) {
        left if left >= 0 => format!("{} left", span(left)),
        passed => format!("ended {} ago", span(passed.saturating_neg())),
    }
}

/// A length of time, in the largest unit that says something.
fn span(seconds: i64) -> String {
    let (number, unit) = match seconds {
        0..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

/// The last certificate that is reached from the peer's by the issuers' names.
fn top<'a>(parts: &Parts<'a>) -> Option<X509Certificate<'a>> {
    let read = |der: &'a CertificateDer<'_>| Some(X509Certificate::from_der(der).ok()?.1);
    let mut last = read(parts.end_entity)?;
    for _ in 0..MAX_CERTIFICATES {
        let others = parts.intermediates.iter().take(MAX_CERTIFICATES);
        let mut issuers = others.filter_map(read);
        let wanted = last.issuer().as_raw();
        match issuers.find(|it| it.subject().as_raw() == wanted) {
            Some(next) if !permissions::is_self_issued(&last) => last = next,
            _ => break,
        }
    }
    Some(last)
}

/// Adds whether the issuer of the last certificate is known here, and what may be missing.
fn about_top(refusal: Refusal, parts: &Parts<'_>, top: &X509Certificate<'_>) -> Refusal {
    let issuer = show::issuer(top);
    let name = diagnosis::content(top.issuer().as_raw());
    let given = parts.roots.len();
    if let Some(known) = parts.roots.named(name).next() {
        let what = match (
            known.is_self_issued || parts.partial,
            known.signs(parts.purpose),
        ) {
            (true, Ok(_)) => "a trust anchor",
            (true, Err(_)) => "a given certificate that may not sign others",
            (false, _) => "a given intermediate authority, whose own issuer must be given too",
        };
        return refusal.with("trust anchor", format!("{issuer} is the name of {what}"));
    }
    let text = format!("none of the {given} that are given has the name {issuer}");
    let refusal = refusal.with("trust anchor", text);
    if permissions::is_self_issued(top) {
        return refusal;
    }
    let missing = format!("the certificate of {issuer} was not sent; it may be an intermediate's");
    let refusal = refusal.with("missing", missing);
    match issuer_place(top) {
        Some(place) => refusal.with("issuer's certificate", show::quoted(place)),
        None => refusal,
    }
}

/// Where a certificate says that its issuer's is to be found (RFC 5280 §4.2.2.1). Never fetched.
fn issuer_place<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a str> {
    let mut extensions = certificate.iter_extensions();
    extensions.find_map(|extension| {
        let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else {
            return None;
        };
        access
            .accessdescs
            .iter()
            .find_map(|it| match &it.access_location {
                GeneralName::URI(uri)
                    if it.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS =>
                {
                    Some(*uri)
                }
                _ => None,
            })
    })
}

/// Certificates that are shown: more than honest chains have.
const MAX_CERTIFICATES: usize = 8;

/// Revocation lists that are shown.
const MAX_LISTS: usize = 8;

#[cfg(test)]
mod tests;
