//! Which derivation and which cipher an AlgorithmIdentifier asks for (RFC 8018 appendix A).
//!
//! Parameters are judged before anything is computed; what is not known is named.

use zeroize::Zeroizing;

use super::cipher::Cipher;
use super::derivation::{self, Digest, Purpose};
use super::{Cost, EncryptionError, Passphrase, oid};
use crate::der::{self, Element, Reader};

/// How something was encrypted with a passphrase.
pub(crate) enum Scheme<'a> {
    /// Derivation and cipher apart.
    Pbes2 {
        /// From passphrase to key.
        derivation: Derivation<'a>,
        /// What was encrypted with that key.
        cipher: Cipher,
        /// The initialisation vector.
        iv: &'a [u8],
    },
    /// DES in the oldest scheme.
    Pbes1 {
        /// MD5; otherwise SHA-1.
        with_md5: bool,
        /// Salt and rounds.
        stretch: Stretch<'a>,
    },
    /// The schemes that only PKCS#12 defines, all with SHA-1.
    Pkcs12 {
        /// The cipher.
        cipher: Cipher,
        /// Salt and rounds.
        stretch: Stretch<'a>,
    },
}

/// Salt and rounds of the older schemes.
pub(crate) struct Stretch<'a> {
    /// The salt.
    salt: &'a [u8],
    /// How often the digest is taken.
    rounds: u64,
}

/// How PBES2 makes keys.
pub(crate) enum Derivation<'a> {
    /// By repetition.
    Pbkdf2(Pbkdf2<'a>),
    /// By repetition and memory (RFC 7914).
    Scrypt {
        /// The salt.
        salt: &'a [u8],
        /// Cost, block size and parallelisation, judged.
        params: scrypt::Params,
    },
}

/// Parameters of PBKDF2 (RFC 8018 appendix A.2).
pub(crate) struct Pbkdf2<'a> {
    /// The digest of its pseudorandom function.
    digest: Digest,
    /// The salt.
    salt: &'a [u8],
    /// The number of rounds.
    rounds: u32,
    /// The length of the key, where the parameters tell it.
    pub(crate) key_octets: Option<u64>,
}

impl<'a> Scheme<'a> {
    /// Reads the AlgorithmIdentifier that comes next.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, EncryptionError> {
        let (name, mut parameters) = algorithm(reader)?;
        let mut pkcs12 = |cipher| {
            let stretch = Stretch::read(&mut parameters)?;
            Ok(Self::Pkcs12 { cipher, stretch })
        };
        match name {
            oid::PBE_3DES_3 => pkcs12(Cipher::TripleDes),
            oid::PBE_3DES_2 => pkcs12(Cipher::TwoKeyTripleDes),
            oid::PBE_RC2_128 => pkcs12(Cipher::Rc2Of128),
            oid::PBE_RC2_40 => pkcs12(Cipher::Rc2Of40),
            oid::PBE_MD5_DES | oid::PBE_SHA1_DES => Ok(Self::Pbes1 {
                with_md5: name == oid::PBE_MD5_DES,
                stretch: Stretch::read(&mut parameters)?,
            }),
            oid::PBES2 => {
                let mut parameters = parameters.sequence()?;
                let derivation = Derivation::read(&mut parameters)?;
                let (cipher, iv) = cipher(&mut parameters)?;
                Ok(Self::Pbes2 {
                    derivation,
                    cipher,
                    iv,
                })
            }
            _ => Err(EncryptionError::Unsupported(oid::dotted(name))),
        }
    }

    /// Opens what was encrypted in this way.
    pub(crate) fn open(
        &self,
        encrypted: &[u8],
        passphrase: &Passphrase,
        cost: &mut Cost,
    ) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
        match self {
            Self::Pbes2 {
                derivation,
                cipher,
                iv,
            } => {
                let key = derivation.key(passphrase, cost, cipher.key_octets())?;
                cipher.open(&key, iv, encrypted)
            }
            Self::Pbes1 { with_md5, stretch } => {
                let Stretch { salt, rounds } = *stretch;
                let both = derivation::pbkdf1(*with_md5, passphrase, salt, rounds, cost)?;
                Cipher::Des.open(&both[..8], &both[8..], encrypted)
            }
            Self::Pkcs12 { cipher, stretch } => {
                let Stretch { salt, rounds } = *stretch;
                let mut derive = |purpose, octets| {
                    let digest = Digest::Sha1;
                    derivation::pkcs12(digest, purpose, passphrase, salt, rounds, cost, octets)
                };
                let key = derive(Purpose::Key, cipher.key_octets())?;
                let iv = derive(Purpose::Iv, cipher.block_octets())?;
                cipher.open(&key, &iv, encrypted)
            }
        }
    }

    /// Why this scheme should no longer be used, if so.
    pub(crate) fn weakness(&self) -> Option<&'static str> {
        match self {
            Self::Pbes2 { cipher, .. } | Self::Pkcs12 { cipher, .. } => match cipher {
                Cipher::Rc2Of40 => Some("RC2 with 40 bits, which is broken in minutes"),
                Cipher::Rc2Of128 => Some("RC2, which is outdated"),
                Cipher::TripleDes | Cipher::TwoKeyTripleDes => Some("3DES, which is outdated"),
                Cipher::Des => Some("DES, which is broken in hours"),
                Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => None,
            },
            Self::Pbes1 { .. } => Some("DES, which is broken in hours"),
        }
    }
}

impl<'a> Stretch<'a> {
    /// Reads the parameters of an older scheme.
    fn read(parameters: &mut Reader<'a>) -> Result<Self, EncryptionError> {
        let mut parameters = parameters.sequence()?;
        let salt = parameters.expect(der::OCTET_STRING)?.content;
        let rounds = rounds(parameters.expect(der::INTEGER)?)?;
        Ok(Self { salt, rounds })
    }
}

impl<'a> Derivation<'a> {
    /// Reads the AlgorithmIdentifier of a derivation.
    fn read(reader: &mut Reader<'a>) -> Result<Self, EncryptionError> {
        let (name, mut parameters) = algorithm(reader)?;
        match name {
            oid::PBKDF2 => Ok(Self::Pbkdf2(Pbkdf2::read(&mut parameters)?)),
            oid::SCRYPT => {
                let mut parameters = parameters.sequence()?;
                let salt = parameters.expect(der::OCTET_STRING)?.content;
                let mut number = || Ok::<_, EncryptionError>(parameters.any()?.small()?);
                let params = scrypt_params(number()?, number()?, number()?)?;
                Ok(Self::Scrypt { salt, params })
            }
            _ => Err(EncryptionError::Unsupported(oid::dotted(name))),
        }
    }

    /// The key that a passphrase gives.
    fn key(
        &self,
        passphrase: &Passphrase,
        cost: &mut Cost,
        octets: usize,
    ) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
        let mut key = Zeroizing::new(vec![0; octets]);
        match self {
            Self::Pbkdf2(parameters) => parameters.fill(passphrase, cost, &mut key)?,
            Self::Scrypt { salt, params } => {
                // Each of the 2·N·r·p cores of Salsa20/8 is about as dear as half a round of HMAC.
                let cores = params
                    .n()
                    .saturating_mul(u64::from(params.r()) * u64::from(params.p()));
                cost.spend(cores)?;
                scrypt::scrypt(&passphrase.octets, salt, params, &mut key)
                    .map_err(|_| EncryptionError::Malformed("its key has no octets".into()))?;
            }
        }
        Ok(key)
    }
}

impl<'a> Pbkdf2<'a> {
    /// Reads the parameters.
    pub(crate) fn read(parameters: &mut Reader<'a>) -> Result<Self, EncryptionError> {
        let mut parameters = parameters.sequence()?;
        let salt = parameters.expect(der::OCTET_STRING)?.content;
        let asked = rounds(parameters.expect(der::INTEGER)?)?;
        let key_octets = parameters.optional(der::INTEGER)?;
        let key_octets = key_octets.map(|octets| octets.small()).transpose()?;
        let digest = if parameters.is_empty() {
            // The default, and what OpenSSL 1.0 wrote (RFC 8018 appendix A.2).
            Digest::Sha1
        } else {
            keyed_digest(&mut parameters)?
        };
        // What does not fit would be refused for its cost in any case.
        let rounds = u32::try_from(asked).unwrap_or(u32::MAX);
        Ok(Self {
            digest,
            salt,
            rounds,
            key_octets,
        })
    }

    /// Fills a key.
    pub(crate) fn fill(
        &self,
        passphrase: &Passphrase,
        cost: &mut Cost,
        key: &mut [u8],
    ) -> Result<(), EncryptionError> {
        derivation::pbkdf2(self.digest, passphrase, self.salt, self.rounds, cost, key)
    }
}

/// Opens a key in the traditional style: `AES-256-CBC,` and the initialisation vector in hex,
/// whose first eight octets are the salt too.
pub(super) fn open_traditional(
    dek_info: &str,
    octets: &[u8],
    passphrase: &Passphrase,
) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    let malformed = || EncryptionError::Malformed("its DEK-Info line cannot be read".into());
    let (name, iv) = dek_info.split_once(',').ok_or_else(malformed)?;
    let cipher = match name.trim() {
        "AES-128-CBC" => Cipher::Aes128,
        "AES-192-CBC" => Cipher::Aes192,
        "AES-256-CBC" => Cipher::Aes256,
        "DES-EDE3-CBC" => Cipher::TripleDes,
        "DES-CBC" => Cipher::Des,
        other => {
            let shown: String = other.chars().take(32).collect();
            let shown = format!("the cipher \"{}\"", shown.escape_default());
            return Err(EncryptionError::Unsupported(shown));
        }
    };
    let iv = hex(iv.trim()).ok_or_else(malformed)?;
    if iv.len() != cipher.block_octets() {
        return Err(malformed());
    }
    let key = derivation::traditional(passphrase, &iv[..8], cipher.key_octets());
    cipher.open(&key, &iv, octets)
}

/// The octets of a hexadecimal text of at most 64 digits.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() > 64 || !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |octet: u8| char::from(octet).to_digit(16);
    digits
        .chunks_exact(2)
        // Two digits make an octet.
        .map(|pair| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8))
        .collect()
}

/// The digest of the HMAC that an AlgorithmIdentifier names.
pub(crate) fn keyed_digest(reader: &mut Reader<'_>) -> Result<Digest, EncryptionError> {
    match algorithm(reader)?.0 {
        oid::HMAC_SHA1 => Ok(Digest::Sha1),
        oid::HMAC_SHA224 => Ok(Digest::Sha224),
        oid::HMAC_SHA256 => Ok(Digest::Sha256),
        oid::HMAC_SHA384 => Ok(Digest::Sha384),
        oid::HMAC_SHA512 => Ok(Digest::Sha512),
        other => Err(EncryptionError::Unsupported(oid::dotted(other))),
    }
}

/// Name and parameters of an AlgorithmIdentifier.
pub(crate) fn algorithm<'a>(
    reader: &mut Reader<'a>,
) -> Result<(&'a [u8], Reader<'a>), EncryptionError> {
    let mut members = reader.sequence()?;
    let name = members.expect(der::OID)?.content;
    Ok((name, members))
}

/// Cipher and initialisation vector of PBES2.
fn cipher<'a>(reader: &mut Reader<'a>) -> Result<(Cipher, &'a [u8]), EncryptionError> {
    let (name, mut parameters) = algorithm(reader)?;
    let cipher = match name {
        oid::AES_128_CBC => Cipher::Aes128,
        oid::AES_192_CBC => Cipher::Aes192,
        oid::AES_256_CBC => Cipher::Aes256,
        oid::DES_EDE3_CBC => Cipher::TripleDes,
        oid::DES_CBC => Cipher::Des,
        other => return Err(EncryptionError::Unsupported(oid::dotted(other))),
    };
    Ok((cipher, parameters.expect(der::OCTET_STRING)?.content))
}

/// A number of rounds: one at least.
fn rounds(number: Element<'_>) -> Result<u64, EncryptionError> {
    match number.small() {
        Ok(0) | Err(_) => Err(EncryptionError::Malformed(
            "its number of rounds is not positive, or has more than 64 bits".into(),
        )),
        Ok(rounds) => Ok(rounds),
    }
}

/// Judges the parameters of scrypt: cost, block size and parallelisation.
fn scrypt_params(n: u64, r: u64, p: u64) -> Result<scrypt::Params, EncryptionError> {
    let octets = n.saturating_mul(r).saturating_mul(128);
    let work = octets.saturating_mul(p);
    if octets > SCRYPT_MEMORY || work > SCRYPT_WORK || r > u64::from(u16::MAX) {
        return Err(EncryptionError::TooCostly(format!(
            "scrypt with N={n}, r={r}, p={p} is beyond 64 MiB of memory, or beyond four times that \
             in work"
        )));
    }
    let malformed = || EncryptionError::Malformed("its scrypt parameters make no sense".into());
    if !n.is_power_of_two() || n < 2 {
        return Err(malformed());
    }
    let narrow = |number| u32::try_from(number).map_err(|_| malformed());
    // The logarithm of a number of 64 bits fits.
    scrypt::Params::new(n.ilog2() as u8, narrow(r)?, narrow(p)?).map_err(|_| malformed())
}

/// Octets of memory that scrypt may take: OpenSSL writes 16 MiB and reads up to 32.
const SCRYPT_MEMORY: u64 = 64 * 1024 * 1024;

/// Octets that scrypt may go through: memory times parallelisation, about a second.
const SCRYPT_WORK: u64 = 4 * SCRYPT_MEMORY;
