//! What a stranger's first octets are: TLS, or HTTP without it.
//!
//! Only the server meets strangers. Nothing is decided here about how they are answered
//! (RFC 9110 §9.1 for the method, RFC 8446 §5.1 for the record).

/// What the first octets of a connection look like.
pub(super) enum Opening {
    Tls,
    PlainHttp,
    /// Too few octets to tell.
    Unclear,
}

/// Tells a plain HTTP request from everything else by a method and a space.
///
/// No TLS record begins with a capital letter, so nothing is taken from rustls by looking.
pub(super) fn opening(octets: &[u8]) -> Opening {
    let method = octets
        .iter()
        .take(LONGEST_METHOD)
        .take_while(|octet| octet.is_ascii_uppercase() || **octet == b'-');
    match (method.count(), octets) {
        (0, _) => Opening::Tls,
        (length, _) if octets.get(length) == Some(&b' ') => Opening::PlainHttp,
        (length, _) if length == octets.len() && length < LONGEST_METHOD => Opening::Unclear,
        _ => Opening::Tls,
    }
}

/// No registered method is longer (RFC 9110 §16.1.1; `UPDATEREDIRECTREF` has 17 letters).
const LONGEST_METHOD: usize = 17;
