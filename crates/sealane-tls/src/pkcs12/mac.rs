//! The MAC of a PKCS#12 file: by RFC 7292 appendix B, or PBMAC1 (RFC 9579).
//!
//! It proves that whoever wrote the file knew the passphrase, nothing more.

use zeroize::Zeroizing;

use crate::der::{self, Element, Reader};
use crate::encryption::{
    self, Cost, Digest, EncryptionError, Passphrase, Pbkdf2, Purpose, algorithm, keyed_digest, oid,
};

/// A MAC as the file tells it.
pub(super) struct Mac<'a> {
    /// Its value.
    value: &'a [u8],
    /// How its key is made.
    kind: Kind<'a>,
}

/// How the key of a MAC is made.
enum Kind<'a> {
    /// By the derivation of PKCS#12.
    Own {
        /// The digest of derivation and HMAC.
        digest: Digest,
        /// The salt.
        salt: &'a [u8],
        /// How often the digest is taken.
        rounds: u64,
    },
    /// By PBKDF2.
    Pbmac1 {
        /// The derivation.
        derivation: Pbkdf2<'a>,
        /// Octets of the key, as the derivation says.
        octets: usize,
        /// The digest of the HMAC.
        digest: Digest,
    },
}

impl<'a> Mac<'a> {
    /// Reads `MacData` (RFC 7292 §4).
    pub(super) fn read(element: &Element<'a>) -> Result<Self, EncryptionError> {
        let mut members = element.members();
        let mut info = members.sequence()?;
        let (name, mut parameters) = algorithm(&mut info)?;
        let value = info.expect(der::OCTET_STRING)?.content;
        info.finish()?;
        let salt = members.expect(der::OCTET_STRING)?.content;
        let rounds = match members.optional(der::INTEGER)? {
            Some(rounds) => rounds.small()?.max(1),
            None => 1,
        };
        let digest = match name {
            oid::PBMAC1 => {
                let kind = pbmac1(&mut parameters)?;
                return Ok(Self { value, kind });
            }
            oid::SHA1 => Digest::Sha1,
            oid::SHA224 => Digest::Sha224,
            oid::SHA256 => Digest::Sha256,
            oid::SHA384 => Digest::Sha384,
            oid::SHA512 => Digest::Sha512,
            other => return Err(EncryptionError::Unsupported(oid::dotted(other))),
        };
        let kind = Kind::Own {
            digest,
            salt,
            rounds,
        };
        Ok(Self { value, kind })
    }

    /// Whether this is the MAC of that content under this passphrase.
    pub(super) fn verifies(
        &self,
        content: &[u8],
        passphrase: &Passphrase,
        cost: &mut Cost,
    ) -> Result<bool, EncryptionError> {
        Ok(match &self.kind {
            Kind::Own {
                digest,
                salt,
                rounds,
            } => {
                let octets = digest.octets();
                let purpose = Purpose::Mac;
                let key =
                    encryption::pkcs12(*digest, purpose, passphrase, salt, *rounds, cost, octets)?;
                digest.verifies(&key, content, self.value)
            }
            Kind::Pbmac1 {
                derivation,
                octets,
                digest,
            } => {
                let mut key = Zeroizing::new(vec![0; *octets]);
                derivation.fill(passphrase, cost, &mut key)?;
                digest.verifies(&key, content, self.value)
            }
        })
    }
}

/// Reads the parameters of PBMAC1 (RFC 8018 appendix A.5).
fn pbmac1<'a>(parameters: &mut Reader<'a>) -> Result<Kind<'a>, EncryptionError> {
    let mut parameters = parameters.sequence()?;
    let (name, mut derivation) = algorithm(&mut parameters)?;
    if name != oid::PBKDF2 {
        return Err(EncryptionError::Unsupported(oid::dotted(name)));
    }
    let derivation = Pbkdf2::read(&mut derivation)?;
    let digest = keyed_digest(&mut parameters)?;
    // RFC 9579 §5: without its length, or with less than 20 octets, the key proves nothing.
    match derivation.key_octets {
        Some(octets @ 20..=128) => Ok(Kind::Pbmac1 {
            derivation,
            octets: octets as usize,
            digest,
        }),
        _ => Err(EncryptionError::Malformed(
            "its MAC's key has not 20 to 128 octets".into(),
        )),
    }
}
