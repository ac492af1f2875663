//! Writes a PKCS#12 file: PBES2 with AES-256 for certificates and key, a MAC with SHA-256.
//!
//! What OpenSSL 3, Node 20, Java 8u301 and Windows Server 2019 read, and nothing older: weak
//! schemes are never written.

use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::PFX;
use crate::der::{self, element};
use crate::digest::sha1;
use crate::encryption::{self, Cost, Digest, Passphrase, Purpose, oid};
use crate::error::OptionError;

/// Writes a chain, end-entity certificate first, and its key as a PKCS#12 file.
///
/// `name` is what people are shown by tools that import the file. `random` must be fresh octets of
/// the system's generator for each file: salts and initialisation vectors are cut from it.
/// Passphrase and name may have any length; an empty passphrase protects nothing.
///
/// # Errors
///
/// The key is not PKCS#8, the chain is empty, or the name has characters beyond U+FFFF, which the
/// format cannot hold.
pub fn write_pkcs12(
    chain: &[CertificateDer<'_>],
    key: &PrivateKeyDer<'_>,
    name: &str,
    passphrase: &[u8],
    random: &[u8; 80],
) -> Result<Zeroizing<Vec<u8>>, OptionError> {
    let passphrase = Passphrase::new(passphrase);
    write_with(chain, key, name, &passphrase, random, ROUNDS)
}

/// The same with another number of rounds: tests do not wait for it.
pub(super) fn write_with(
    chain: &[CertificateDer<'_>],
    key: &PrivateKeyDer<'_>,
    name: &str,
    passphrase: &Passphrase,
    random: &[u8; 80],
    rounds: u32,
) -> Result<Zeroizing<Vec<u8>>, OptionError> {
    let refused = |reason| OptionError::new(PFX, "ERR_INVALID_ARG_VALUE", reason);
    let PrivateKeyDer::Pkcs8(key) = key else {
        return Err(refused("only a PKCS#8 key can be written as PKCS#12"));
    };
    let Some(leaf) = chain.first() else {
        return Err(refused("there is no certificate to be written"));
    };
    let mut units = Vec::with_capacity(2 * name.len());
    for unit in name.encode_utf16() {
        if (0xd800..0xe000).contains(&unit) {
            return Err(refused("the name has characters beyond U+FFFF"));
        }
        units.extend_from_slice(&unit.to_be_bytes());
    }
    // As OpenSSL ties them together: by the certificate's SHA-1, which is only a name here.
    let attributes = attributes(&units, &sha1(leaf));
    let (salts, mac_salt) = random.split_at(64);
    let certificates: Vec<_> = chain
        .iter()
        .enumerate()
        .map(|(index, der)| certificate_bag(der, if index == 0 { &attributes } else { &[] }))
        .collect();
    let certificates: Vec<_> = certificates.iter().map(Vec::as_slice).collect();
    let certificates = element(der::SEQUENCE, &certificates);
    let mut cost = Cost::of_one_file();
    let mut seal = |plain: &[u8], random: &[u8]| seal(plain, random, passphrase, rounds, &mut cost);
    let (scheme, sealed) = seal(&certificates, &salts[..32])?;
    let safe_of_certificates = encrypted_data(&scheme, &sealed);
    let (scheme, sealed) = seal(key.secret_pkcs8_der(), &salts[32..])?;
    let key_bag = bag(
        oid::BAG_SHROUDED_KEY,
        &element(
            der::SEQUENCE,
            &[&scheme, &element(der::OCTET_STRING, &[&sealed])],
        ),
        &attributes,
    );
    let safe_of_key = data(&element(der::SEQUENCE, &[&key_bag]));
    let safe = element(der::SEQUENCE, &[&safe_of_certificates, &safe_of_key]);
    let mac = mac(&safe, mac_salt, passphrase, rounds, &mut cost)?;
    let version = element(der::INTEGER, &[&[3]]);
    let file = element(der::SEQUENCE, &[&version, &data(&safe), &mac]);
    Ok(Zeroizing::new(file))
}

/// Encrypts with a key of PBKDF2: gives the AlgorithmIdentifier and the encrypted octets.
fn seal(
    plain: &[u8],
    random: &[u8],
    passphrase: &Passphrase,
    rounds: u32,
    cost: &mut Cost,
) -> Result<(Vec<u8>, Vec<u8>), OptionError> {
    let (salt, iv) = random.split_at(16);
    let iv: [u8; 16] = iv.try_into().expect("the callers give 32 octets");
    let mut key = Zeroizing::new([0; 32]);
    let digest = Digest::Sha256;
    encryption::pbkdf2(digest, passphrase, salt, rounds, cost, &mut *key)
        .map_err(|error| error.of_key(PFX))?;
    let sealed = encryption::seal_aes256(&key, &iv, plain);
    let derivation = algorithm(
        oid::PBKDF2,
        &element(
            der::SEQUENCE,
            &[
                &element(der::OCTET_STRING, &[salt]),
                &integer(rounds),
                &algorithm(oid::HMAC_SHA256, &element(der::NULL, &[])),
            ],
        ),
    );
    let cipher = algorithm(oid::AES_256_CBC, &element(der::OCTET_STRING, &[&iv]));
    let parameters = element(der::SEQUENCE, &[&derivation, &cipher]);
    Ok((algorithm(oid::PBES2, &parameters), sealed))
}

/// `MacData` by RFC 7292 appendix B: PBMAC1 is not read by OpenSSL before 3.4.
fn mac(
    content: &[u8],
    salt: &[u8],
    passphrase: &Passphrase,
    rounds: u32,
    cost: &mut Cost,
) -> Result<Vec<u8>, OptionError> {
    let digest = Digest::Sha256;
    let count = u64::from(rounds);
    let key = encryption::pkcs12(digest, Purpose::Mac, passphrase, salt, count, cost, 32)
        .map_err(|error| error.of_key(PFX))?;
    let value = encryption::hmac_sha256(&key, content);
    let info = element(
        der::SEQUENCE,
        &[
            &algorithm(oid::SHA256, &element(der::NULL, &[])),
            &element(der::OCTET_STRING, &[&value]),
        ],
    );
    let salt = element(der::OCTET_STRING, &[salt]);
    Ok(element(der::SEQUENCE, &[&info, &salt, &integer(rounds)]))
}

/// A part in clear: `ContentInfo` of `Data`.
fn data(content: &[u8]) -> Vec<u8> {
    let string = element(der::OCTET_STRING, &[content]);
    let kind = element(der::OID, &[oid::CONTENT_PLAIN]);
    element(
        der::SEQUENCE,
        &[&kind, &element(der::CONTEXT_0, &[&string])],
    )
}

/// An encrypted part: `ContentInfo` of `EncryptedData`.
fn encrypted_data(scheme: &[u8], sealed: &[u8]) -> Vec<u8> {
    let kind = element(der::OID, &[oid::CONTENT_PLAIN]);
    let sealed = element(der::IMPLICIT_0, &[sealed]);
    let info = element(der::SEQUENCE, &[&kind, scheme, &sealed]);
    let version = element(der::INTEGER, &[&[0]]);
    let content = element(der::SEQUENCE, &[&version, &info]);
    let kind = element(der::OID, &[oid::CONTENT_ENCRYPTED]);
    element(
        der::SEQUENCE,
        &[&kind, &element(der::CONTEXT_0, &[&content])],
    )
}

/// A bag with a certificate.
fn certificate_bag(certificate: &[u8], attributes: &[u8]) -> Vec<u8> {
    let kind = element(der::OID, &[oid::X509_CERTIFICATE]);
    let string = element(der::OCTET_STRING, &[certificate]);
    let value = element(
        der::SEQUENCE,
        &[&kind, &element(der::CONTEXT_0, &[&string])],
    );
    bag(oid::BAG_CERTIFICATE, &value, attributes)
}

/// A bag of this kind.
fn bag(kind: &[u8], value: &[u8], attributes: &[u8]) -> Vec<u8> {
    let kind = element(der::OID, &[kind]);
    element(
        der::SEQUENCE,
        &[&kind, &element(der::CONTEXT_0, &[value]), attributes],
    )
}

/// The attributes that key and certificate share: the name for people, if there is one, and the
/// tie between them.
fn attributes(name: &[u8], id: &[u8]) -> Vec<u8> {
    let attribute = |kind, value: &[u8]| {
        let kind = element(der::OID, &[kind]);
        element(der::SEQUENCE, &[&kind, &element(der::SET, &[value])])
    };
    let id = attribute(oid::LOCAL_KEY_ID, &element(der::OCTET_STRING, &[id]));
    if name.is_empty() {
        return element(der::SET, &[&id]);
    }
    let name = attribute(oid::FRIENDLY_NAME, &element(der::BMP_STRING, &[name]));
    // DER sorts the members of a SET (X.690 §11.6).
    let (first, second) = if name < id {
        (&name, &id)
    } else {
        (&id, &name)
    };
    element(der::SET, &[first, second])
}

/// An AlgorithmIdentifier.
fn algorithm(name: &[u8], parameters: &[u8]) -> Vec<u8> {
    element(der::SEQUENCE, &[&element(der::OID, &[name]), parameters])
}

/// A positive INTEGER.
fn integer(number: u32) -> Vec<u8> {
    let octets = u64::from(number).to_be_bytes();
    let first = octets.iter().position(|octet| *octet != 0).unwrap_or(7);
    // An octet with the highest bit set would be negative without a zero before it.
    let first = if octets[first] >= 0x80 {
        first - 1
    } else {
        first
    };
    element(der::INTEGER, &[&octets[first..]])
}

/// Rounds of each derivation, of the MAC's too, since the weakest one is what is attacked: what
/// OWASP asks for with HMAC-SHA-256 since 2023, less than a second for the three of them.
const ROUNDS: u32 = 600_000;
