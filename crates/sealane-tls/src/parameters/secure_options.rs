//! The option `secure_options`: the bits `SSL_OP_…` of OpenSSL 3, by the values they have there.
//!
//! A bit is honoured, or asks for what is always so, or is refused by its name: none is dropped.
//! Names that are 0 in OpenSSL 3 (`SSL_OP_NO_SSLv2`, `SSL_OP_SINGLE_DH_USE`,
//! `SSL_OP_SINGLE_ECDH_USE`) are 0 here too, and what they ask for is always so.

use crate::error::OptionError;

/// No session tickets: a server gives none and takes none.
pub const SSL_OP_NO_TICKET: u64 = 1 << 14;
/// The server's order of cipher suites decides, as `honor_cipher_order(true)` says it.
pub const SSL_OP_CIPHER_SERVER_PREFERENCE: u64 = 1 << 22;
/// TLS 1.2 is not spoken.
pub const SSL_OP_NO_TLSV1_2: u64 = 1 << 27;
/// TLS 1.3 is not spoken.
pub const SSL_OP_NO_TLSV1_3: u64 = 1 << 29;

/// What the bits come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// No session tickets.
    pub(super) no_ticket: bool,
    /// Our order of suites decides.
    pub(super) server_preference: bool,
    /// No TLS 1.2.
    pub(super) no_tls12: bool,
    /// No TLS 1.3.
    pub(super) no_tls13: bool,
}

impl Effects {
    /// Reads the bits.
    pub(super) fn of(bits: u64) -> Result<Self, OptionError> {
        let rest = bits & !(HONOURED | ALWAYS_SO);
        if rest != 0 {
            return Err(refused(rest.trailing_zeros()));
        }
        Ok(Self {
            no_ticket: bits & SSL_OP_NO_TICKET != 0,
            server_preference: bits & SSL_OP_CIPHER_SERVER_PREFERENCE != 0,
            no_tls12: bits & SSL_OP_NO_TLSV1_2 != 0,
            no_tls13: bits & SSL_OP_NO_TLSV1_3 != 0,
        })
    }
}

/// The refusal of one bit, by its name.
fn refused(bit: u32) -> OptionError {
    let known = REFUSED.iter().find(|(number, _, _)| *number == bit);
    let reason = match known {
        Some((_, name, why)) => format!("SSL_OP_{name} (bit {bit}) is not supported: {why}"),
        None => format!("bit {bit} has no meaning in OpenSSL 3.0"),
    };
    OptionError::new("secure_options", "ERR_INVALID_ARG_VALUE", reason)
}

/// Bits that change something here.
const HONOURED: u64 =
    SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TLSV1_2 | SSL_OP_NO_TLSV1_3;

/// Bits that ask for what is always so, or step around faults that cannot occur here.
const ALWAYS_SO: u64 = 1 << 2 // LEGACY_SERVER_CONNECT: nothing renegotiates, so it is harmless
    | 1 << 4 // TLSEXT_PADDING, part of ALL: pads for one old product
    | 1 << 6 // SAFARI_ECDHE_ECDSA_BUG, part of ALL
    | 1 << 11 // DONT_INSERT_EMPTY_FRAGMENTS, part of ALL: of TLS 1.0
    | 1 << 16 // NO_SESSION_RESUMPTION_ON_RENEGOTIATION: nothing renegotiates
    | 1 << 17 // NO_COMPRESSION
    | 1 << 19 // NO_ENCRYPT_THEN_MAC: no suite has a separate MAC
    | 1 << 20 // ENABLE_MIDDLEBOX_COMPAT
    | 1 << 25 // NO_SSLv3
    | 1 << 26 // NO_TLSv1
    | 1 << 28 // NO_TLSv1_1
    | 1 << 30 // NO_RENEGOTIATION
    | 1 << 31; // CRYPTOPRO_TLSEXT_BUG, part of ALL: of GOST suites

/// Bits that are refused, with their names and the reason.
const REFUSED: &[(u32, &str, &str)] = &[
    (
        0,
        "NO_EXTENDED_MASTER_SECRET",
        "it would weaken TLS 1.2 (RFC 7627)",
    ),
    (
        1,
        "CLEANSE_PLAINTEXT",
        "content is not wiped after it was read",
    ),
    (3, "ENABLE_KTLS", "records are not handed to the kernel"),
    (
        7,
        "IGNORE_UNEXPECTED_EOF",
        "whether a message was cut off is never ignored",
    ),
    (8, "ALLOW_CLIENT_RENEGOTIATION", "there is no renegotiation"),
    (
        9,
        "DISABLE_TLSEXT_CA_NAMES",
        "the names of authorities cannot be left out",
    ),
    (10, "ALLOW_NO_DHE_KEX", "every resumption has fresh keys"),
    (12, "NO_QUERY_MTU", "it concerns DTLS"),
    (13, "COOKIE_EXCHANGE", "it concerns DTLS"),
    (15, "CISCO_ANYCONNECT", "it concerns DTLS"),
    (
        18,
        "ALLOW_UNSAFE_LEGACY_RENEGOTIATION",
        "there is no renegotiation",
    ),
    (
        21,
        "PRIORITIZE_CHACHA",
        "the order of suites is one for all clients",
    ),
    (
        23,
        "TLS_ROLLBACK_BUG",
        "versions are protected against rollback, always",
    ),
    (24, "NO_ANTI_REPLAY", "early data is never accepted"),
];
