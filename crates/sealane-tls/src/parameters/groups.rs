//! The option `ecdh_curve`: key exchange groups by name, most wanted first (RFC 8446 §4.2.7).
//!
//! Names are taken in any case, since every tool writes them in another. Groups that are known but
//! not offered are skipped, and only when nothing is left it is an error; unknown ones always are.

use rustls::NamedGroup;
use rustls::crypto::SupportedKxGroup;

use crate::error::OptionError;

/// What rustls takes for a group.
type Group = &'static dyn SupportedKxGroup;

/// Reads a list separated by colons and takes its groups from those that a provider has; `None`
/// for `auto`, which means the defaults.
pub(super) fn choose(text: &str, from: &[Group]) -> Result<Option<Vec<Group>>, OptionError> {
    if text == "auto" {
        return Ok(None);
    }
    if text.len() > LONGEST {
        let reason = format!("the list has {} octets; {LONGEST} are allowed", text.len());
        return Err(OptionError::new(OPTION, "ERR_INVALID_ARG_VALUE", reason));
    }
    let mut chosen: Vec<Group> = Vec::new();
    for name in text.split(':').map(str::trim) {
        let id = find(name).ok_or_else(|| failed(&format!("unknown group {name:?}")))?;
        let is_new = chosen.iter().all(|group| group.name() != id);
        if let Some(group) = from.iter().find(|group| group.name() == id && is_new) {
            chosen.push(*group);
        }
    }
    match chosen.is_empty() {
        true => Err(failed("the groups are known, but none of them is offered")),
        false => Ok(Some(chosen)),
    }
}

/// The group of a name.
fn find(name: &str) -> Option<NamedGroup> {
    let row = KNOWN.iter().find(|(names, _)| {
        let mut names = names.split(' ');
        names.any(|known| known.eq_ignore_ascii_case(name))
    });
    row.map(|(_, code)| NamedGroup::from(*code))
}

/// The refusal of a list, with the words of the module.
fn failed(why: &str) -> OptionError {
    OptionError::new(
        OPTION,
        "ERR_CRYPTO_OPERATION_FAILED",
        format!(
            "Failed to set ECDH curve: {why} here; offered are X25519, P-256, P-384, P-521, \
             X25519MLKEM768 and SecP256r1MLKEM768"
        ),
    )
}

/// The option's name.
const OPTION: &str = "ecdh_curve";

/// Octets a list may have: far more than all names take.
const LONGEST: usize = 4096;

/// The groups that have a name, offered or not, with their code points; other names of a group
/// stand behind a space.
const KNOWN: &[(&str, u16)] = &[
    ("P-256 prime256v1 secp256r1", 23),
    ("P-384 secp384r1", 24),
    ("P-521 secp521r1", 25),
    ("X25519", 29),
    ("X448", 30),
    ("X25519MLKEM768", 0x11ec),
    ("SecP256r1MLKEM768", 0x11eb),
    ("SecP384r1MLKEM1024", 0x11ed),
    ("MLKEM512", 0x0200),
    ("MLKEM768", 0x0201),
    ("MLKEM1024", 0x0202),
    ("secp256k1", 22),
    ("P-224 secp224r1", 21),
    ("P-192 prime192v1 secp192r1", 19),
    ("brainpoolP256r1", 26),
    ("brainpoolP384r1", 27),
    ("brainpoolP512r1", 28),
    ("brainpoolP256r1tls13", 31),
    ("brainpoolP384r1tls13", 32),
    ("brainpoolP512r1tls13", 33),
    ("ffdhe2048", 256),
    ("ffdhe3072", 257),
    ("ffdhe4096", 258),
    ("ffdhe6144", 259),
    ("ffdhe8192", 260),
];
