//! The suites that are known by name, whether offered or not, and the words that stand for groups
//! of them.

use std::sync::LazyLock;

/// A suite of TLS 1.2 or below, by what its name and the aliases say of it.
#[derive(Clone, Debug)]
pub(super) struct Suite {
    /// The code point (RFC 8446 §B.4 and the registry).
    pub(super) id: u16,
    /// The name OpenSSL gives it.
    openssl: &'static str,
    /// The name it is registered under.
    registered: &'static str,
    /// The oldest version it may be used with.
    version: &'static str,
    /// How keys are exchanged.
    exchange: &'static str,
    /// How the server is authenticated.
    authentication: &'static str,
    /// The cipher and its mode, with its bits, as `AESGCM(128)`.
    cipher: &'static str,
    /// How much the cipher's key weighs, in bits.
    pub(super) bits: u16,
    /// How records are authenticated.
    mac: &'static str,
    /// Classes of strength, with a dash when OpenSSL leaves it out by default.
    classes: &'static str,
}

/// All that is known.
pub(super) struct Known {
    /// In the order in which an expression takes them.
    pub(super) suites: Vec<Suite>,
}

/// All that is known, read from the table once.
pub(super) fn known() -> &'static Known {
    static KNOWN: LazyLock<Known> = LazyLock::new(|| Known {
        suites: TABLE.lines().filter_map(row).collect(),
    });
    &KNOWN
}

impl Known {
    /// The name OpenSSL gives a suite.
    pub(super) fn name(&self, id: u16) -> Option<&'static str> {
        let newer = TLS13.iter().find(|(known, _)| *known == id);
        let mut older = self.suites.iter();
        newer.map(|(_, name)| *name).or_else(|| {
            older
                .find(|suite| suite.id == id)
                .map(|suite| suite.openssl)
        })
    }

    /// Which suites a word stands for: one suite's own name, of either kind, or an alias.
    pub(super) fn meaning(&self, word: &str) -> Option<Meaning> {
        let named = |suite: &&Suite| suite.openssl == word || suite.registered == word;
        match self.suites.iter().find(named) {
            Some(suite) => Some(Meaning::Suite(suite.id)),
            None => alias(word).map(Meaning::Alias),
        }
    }
}

/// What a word of an expression stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// One suite.
    Suite(u16),
    /// All suites of which this is true.
    Alias(Quality),
}

impl Meaning {
    /// Whether a suite is meant.
    pub(super) fn matches(self, suite: &Suite) -> bool {
        match self {
            Self::Suite(id) => suite.id == id,
            Self::Alias(quality) => quality.holds(suite),
        }
    }
}

/// What an alias asks of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quality {
    /// Anything that encrypts.
    All,
    /// One of these key exchanges.
    Exchange(&'static [&'static str]),
    /// This authentication.
    Authentication(&'static str),
    /// This key exchange, and a server that is authenticated.
    Authenticated(&'static str),
    /// This key exchange and this authentication.
    Both(&'static str, &'static str),
    /// A cipher whose name begins and ends so; a mode may stand between.
    Cipher(&'static str, &'static str),
    /// A cipher with separate authentication, in the mode CBC.
    Chained,
    /// This way to authenticate records.
    Mac(&'static str),
    /// This oldest version.
    Version(&'static str),
    /// This class.
    Class(&'static str),
}

impl Quality {
    /// Whether it is true of a suite.
    fn holds(self, suite: &Suite) -> bool {
        match self {
            Self::All => suite.cipher != "None",
            Self::Exchange(any) => any.contains(&suite.exchange),
            Self::Authentication(one) => suite.authentication == one,
            Self::Authenticated(one) => suite.exchange == one && suite.authentication != "None",
            Self::Both(exchange, authentication) => {
                suite.exchange == exchange && suite.authentication == authentication
            }
            Self::Cipher(start, end) => {
                suite.cipher.starts_with(start) && suite.cipher.ends_with(end)
            }
            Self::Chained => suite.mac != "AEAD" && !matches!(suite.cipher, "None" | "RC4(128)"),
            Self::Mac(one) => suite.mac == one,
            Self::Version(one) => suite.version == one,
            Self::Class(one) => suite.classes.split(',').any(|class| class == one),
        }
    }
}

/// The suites of TLS 1.3 (RFC 8446 §B.4), whose two names are the same.
pub(super) const TLS13: [(u16, &str); 5] = [
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1304, "TLS_AES_128_CCM_SHA256"),
    (0x1305, "TLS_AES_128_CCM_8_SHA256"),
];

/// The aliases of openssl-ciphers(1), and the older ones it still takes. Words for what is not in
/// the table (export grade, single DES, GOST) are unknown, as they are to OpenSSL since 1.1.
fn alias(word: &str) -> Option<Quality> {
    exchange_alias(word)
        .or_else(|| cipher_alias(word))
        .or_else(|| other_alias(word))
}

/// Aliases for key exchange and authentication.
fn exchange_alias(word: &str) -> Option<Quality> {
    Some(match word {
        "kRSA" => Quality::Exchange(&["RSA"]),
        "kEDH" | "kDHE" | "DH" => Quality::Exchange(&["DH"]),
        "kEECDH" | "kECDHE" | "ECDH" => Quality::Exchange(&["ECDH"]),
        "kPSK" => Quality::Exchange(&["PSK"]),
        "kRSAPSK" => Quality::Exchange(&["RSAPSK"]),
        "kECDHEPSK" => Quality::Exchange(&["ECDHEPSK"]),
        "kDHEPSK" => Quality::Exchange(&["DHEPSK"]),
        "PSK" => Quality::Exchange(&["PSK", "RSAPSK", "ECDHEPSK", "DHEPSK"]),
        "kSRP" | "SRP" => Quality::Exchange(&["SRP"]),
        "aRSA" => Quality::Authentication("RSA"),
        "aDSS" | "DSS" => Quality::Authentication("DSS"),
        "aNULL" => Quality::Authentication("None"),
        "aECDSA" | "ECDSA" => Quality::Authentication("ECDSA"),
        "aPSK" => Quality::Authentication("PSK"),
        "aSRP" => Quality::Authentication("SRP"),
        "EDH" | "DHE" => Quality::Authenticated("DH"),
        "EECDH" | "ECDHE" => Quality::Authenticated("ECDH"),
        "RSA" => Quality::Both("RSA", "RSA"),
        "ADH" => Quality::Both("DH", "None"),
        "AECDH" => Quality::Both("ECDH", "None"),
        _ => return None,
    })
}

/// Aliases for ciphers.
fn cipher_alias(word: &str) -> Option<Quality> {
    Some(match word {
        "NULL" | "eNULL" => Quality::Cipher("None", ""),
        "AES" => Quality::Cipher("AES", ""),
        "AES128" => Quality::Cipher("AES", "(128)"),
        "AES256" => Quality::Cipher("AES", "(256)"),
        "AESGCM" => Quality::Cipher("AESGCM", ""),
        "AESCCM" => Quality::Cipher("AESCCM", ""),
        "AESCCM8" => Quality::Cipher("AESCCM8", ""),
        "CHACHA20" => Quality::Cipher("CHACHA20", ""),
        "CAMELLIA" => Quality::Cipher("Camellia", ""),
        "CAMELLIA128" => Quality::Cipher("Camellia", "(128)"),
        "CAMELLIA256" => Quality::Cipher("Camellia", "(256)"),
        "ARIA" | "ARIAGCM" => Quality::Cipher("ARIA", ""),
        "ARIA128" => Quality::Cipher("ARIA", "(128)"),
        "ARIA256" => Quality::Cipher("ARIA", "(256)"),
        "3DES" => Quality::Cipher("3DES", ""),
        "RC4" => Quality::Cipher("RC4", ""),
        "IDEA" => Quality::Cipher("IDEA", ""),
        "SEED" => Quality::Cipher("SEED", ""),
        "CBC" => Quality::Chained,
        _ => return None,
    })
}

/// Aliases for everything else.
fn other_alias(word: &str) -> Option<Quality> {
    Some(match word {
        "ALL" => Quality::All,
        "COMPLEMENTOFALL" => Quality::Cipher("None", ""),
        "COMPLEMENTOFDEFAULT" => Quality::Class("-"),
        "MD5" => Quality::Mac("MD5"),
        "SHA" | "SHA1" => Quality::Mac("SHA1"),
        "SHA256" => Quality::Mac("SHA256"),
        "SHA384" => Quality::Mac("SHA384"),
        "SSLv3" => Quality::Version("SSLv3"),
        "TLSv1" | "TLSv1.0" => Quality::Version("TLSv1"),
        "TLSv1.2" => Quality::Version("TLSv1.2"),
        "LOW" => Quality::Class("LOW"),
        "MEDIUM" => Quality::Class("MEDIUM"),
        "HIGH" => Quality::Class("HIGH"),
        "FIPS" => Quality::Class("FIPS"),
        _ => return None,
    })
}

/// Reads one row of the table; `None` for a comment. A test reads them all.
fn row(line: &'static str) -> Option<Suite> {
    let mut words = line.split_whitespace();
    let id = u16::from_str_radix(words.next()?, 16).ok()?;
    let (openssl, registered) = (words.next()?, words.next()?);
    let (version, exchange, authentication) = (words.next()?, words.next()?, words.next()?);
    let (cipher, bits) = (words.next()?, words.next()?.parse().ok()?);
    Some(Suite {
        id,
        openssl,
        registered,
        version,
        exchange,
        authentication,
        cipher,
        bits,
        mac: words.next()?,
        classes: words.next()?,
    })
}

/// The table.
const TABLE: &str = include_str!("suites.txt");
