//! From passphrases to keys: PBKDF1 and PBKDF2 (RFC 8018 §5), the derivation of PKCS#12 (RFC 7292
//! appendix B.2) and that of OpenSSL's traditional style.
//!
//! Every round is paid before it is done.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::block_api::EagerHash;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::{Cost, EncryptionError, Passphrase};

/// A digest that files in use are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// Octets of its value.
    pub(crate) fn octets(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Whether the keyed digest of a message is this one, without telling where it differs.
    pub(crate) fn verifies(self, key: &[u8], message: &[u8], expected: &[u8]) -> bool {
        match self {
            Self::Sha1 => verifies::<Sha1>(key, message, expected),
            Self::Sha224 => verifies::<Sha224>(key, message, expected),
            Self::Sha256 => verifies::<Sha256>(key, message, expected),
            Self::Sha384 => verifies::<Sha384>(key, message, expected),
            Self::Sha512 => verifies::<Sha512>(key, message, expected),
        }
    }
}

/// What a key of PKCS#12 is for (RFC 7292 appendix B.3).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Encryption.
    Key = 1,
    /// An initialisation vector.
    Iv = 2,
    /// The file's MAC.
    Mac = 3,
}

/// Fills a key by PBKDF2.
pub(crate) fn pbkdf2(
    digest: Digest,
    passphrase: &Passphrase,
    salt: &[u8],
    rounds: u32,
    cost: &mut Cost,
    key: &mut [u8],
) -> Result<(), EncryptionError> {
    // Every block of the key takes all rounds.
    let blocks = key.len().div_ceil(digest.octets());
    cost.spend(u64::from(rounds).saturating_mul(blocks as u64))?;
    let octets = &passphrase.octets;
    match digest {
        Digest::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(octets, salt, rounds, key),
        Digest::Sha224 => pbkdf2::pbkdf2_hmac::<Sha224>(octets, salt, rounds, key),
        Digest::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(octets, salt, rounds, key),
        Digest::Sha384 => pbkdf2::pbkdf2_hmac::<Sha384>(octets, salt, rounds, key),
        Digest::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(octets, salt, rounds, key),
    }
    Ok(())
}

/// Derives a key as PKCS#12 does it.
pub(crate) fn pkcs12(
    digest: Digest,
    purpose: Purpose,
    passphrase: &Passphrase,
    salt: &[u8],
    rounds: u64,
    cost: &mut Cost,
    octets: usize,
) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    let blocks = octets.div_ceil(digest.octets());
    cost.spend(rounds.saturating_mul(blocks as u64))?;
    let wide = &passphrase.wide;
    Ok(match digest {
        Digest::Sha1 => stretch::<Sha1>(64, purpose, wide, salt, rounds, octets),
        Digest::Sha224 => stretch::<Sha224>(64, purpose, wide, salt, rounds, octets),
        Digest::Sha256 => stretch::<Sha256>(64, purpose, wide, salt, rounds, octets),
        Digest::Sha384 => stretch::<Sha384>(128, purpose, wide, salt, rounds, octets),
        Digest::Sha512 => stretch::<Sha512>(128, purpose, wide, salt, rounds, octets),
    })
}

/// The steps of RFC 7292 appendix B.2; `block` is `v` there.
fn stretch<D: sha2::Digest>(
    block: usize,
    purpose: Purpose,
    wide: &[u8],
    salt: &[u8],
    rounds: u64,
    octets: usize,
) -> Zeroizing<Vec<u8>> {
    let filled = |text: &[u8]| {
        let length = text.len().div_ceil(block) * block;
        text.iter()
            .copied()
            .cycle()
            .take(length)
            .collect::<Vec<_>>()
    };
    let diversifier = vec![purpose as u8; block];
    let mut input = Zeroizing::new(filled(salt));
    input.extend_from_slice(&Zeroizing::new(filled(wide)));
    let mut out = Zeroizing::new(Vec::with_capacity(octets + 64));
    loop {
        let mut value = D::new()
            .chain_update(&diversifier)
            .chain_update(&*input)
            .finalize();
        for _ in 1..rounds {
            value = D::digest(&value);
        }
        out.extend_from_slice(&value);
        if out.len() >= octets {
            out.truncate(octets);
            return out;
        }
        for part in input.chunks_exact_mut(block) {
            add_and_one(part, &value);
        }
    }
}

/// Adds the repeated value and one to a number of the same length, most significant octet first.
fn add_and_one(number: &mut [u8], value: &[u8]) {
    let mut carry = 1_u16;
    for index in (0..number.len()).rev() {
        let sum = u16::from(number[index]) + u16::from(value[index % value.len()]) + carry;
        // The rest of a division by 256 fits.
        number[index] = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
}

/// Sixteen octets by PBKDF1: key and initialisation vector of the DES schemes of PBES1.
pub(super) fn pbkdf1(
    with_md5: bool,
    passphrase: &Passphrase,
    salt: &[u8],
    rounds: u64,
    cost: &mut Cost,
) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    cost.spend(rounds)?;
    let mut value = if with_md5 {
        once::<Md5>(&[&passphrase.octets, salt])
    } else {
        once::<Sha1>(&[&passphrase.octets, salt])
    };
    for _ in 1..rounds {
        value = if with_md5 {
            once::<Md5>(&[&value])
        } else {
            once::<Sha1>(&[&value])
        };
    }
    value.truncate(16);
    Ok(value)
}

/// A key of the traditional style: MD5 once per sixteen octets, which protects little.
pub(super) fn traditional(
    passphrase: &Passphrase,
    salt: &[u8],
    octets: usize,
) -> Zeroizing<Vec<u8>> {
    let mut key = once::<Md5>(&[&passphrase.octets, salt]);
    let mut last = key.clone();
    while key.len() < octets {
        last = once::<Md5>(&[&last, &passphrase.octets, salt]);
        key.extend_from_slice(&last);
    }
    key.truncate(octets);
    key
}

/// One digest of parts, one behind the other.
fn once<D: sha2::Digest>(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut digest = D::new();
    parts.iter().for_each(|part| digest.update(part));
    // Room for every key of the traditional style, so that no copy stays behind when it grows.
    let mut value = Zeroizing::new(Vec::with_capacity(64));
    value.extend_from_slice(&digest.finalize());
    value
}

/// HMAC with SHA-256 (RFC 2104).
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.chain_update(message).finalize().into_bytes().into()
}

/// Whether an HMAC fits.
fn verifies<D: EagerHash>(key: &[u8], message: &[u8], expected: &[u8]) -> bool {
    Hmac::<D>::new_from_slice(key)
        .is_ok_and(|mac| mac.chain_update(message).verify_slice(expected).is_ok())
}
