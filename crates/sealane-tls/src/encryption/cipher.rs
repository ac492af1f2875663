//! Block ciphers in CBC mode (SP 800-38A §6.2) with the padding of RFC 8018 §6.1.1.
//!
//! Knows keys, not passphrases. DES and RC2 are for reading what older tools wrote.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt as _, InnerIvInit as _, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use des::{Des, TdesEde2, TdesEde3};
use rc2::Rc2;
use zeroize::Zeroizing;

use super::EncryptionError;

/// A cipher that files in use are encrypted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cipher {
    /// AES with a key of 16 octets.
    Aes128,
    /// AES with a key of 24 octets.
    Aes192,
    /// AES with a key of 32 octets.
    Aes256,
    /// 3DES with three keys.
    TripleDes,
    /// 3DES whose first and third key are one.
    TwoKeyTripleDes,
    /// DES alone.
    Des,
    /// RC2 with a key of 16 octets.
    Rc2Of128,
    /// RC2 with a key of five octets, from the years when more could not be exported.
    Rc2Of40,
}

impl Cipher {
    /// Octets of its key.
    pub(crate) fn key_octets(self) -> usize {
        match self {
            Self::Aes256 => 32,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes128 | Self::TwoKeyTripleDes | Self::Rc2Of128 => 16,
            Self::Des => 8,
            Self::Rc2Of40 => 5,
        }
    }

    /// Octets of its block and of its initialisation vector.
    pub(crate) fn block_octets(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            _ => 8,
        }
    }

    /// Opens what was encrypted with this key and initialisation vector.
    pub(crate) fn open(
        self,
        key: &[u8],
        iv: &[u8],
        encrypted: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
        let rc2 = |bits| {
            let cipher = Rc2::new_with_eff_key_len(key, bits);
            let decryptor = Decryptor::inner_iv_slice_init(cipher, iv).map_err(|_| wrong_length());
            unpadded(decryptor?, encrypted)
        };
        match self {
            Self::Aes128 => open::<Decryptor<Aes128>>(key, iv, encrypted),
            Self::Aes192 => open::<Decryptor<Aes192>>(key, iv, encrypted),
            Self::Aes256 => open::<Decryptor<Aes256>>(key, iv, encrypted),
            Self::TripleDes => open::<Decryptor<TdesEde3>>(key, iv, encrypted),
            Self::TwoKeyTripleDes => open::<Decryptor<TdesEde2>>(key, iv, encrypted),
            Self::Des => open::<Decryptor<Des>>(key, iv, encrypted),
            Self::Rc2Of128 => rc2(128),
            Self::Rc2Of40 => rc2(40),
        }
    }
}

/// Encrypts with AES-256, the only cipher that is written.
pub(crate) fn seal_aes256(key: &[u8; 32], iv: &[u8; 16], plain: &[u8]) -> Vec<u8> {
    Encryptor::<Aes256>::new(key.into(), iv.into()).encrypt_padded_vec::<Pkcs7>(plain)
}

/// Opens with a cipher that is made of key and initialisation vector.
fn open<D: KeyIvInit + BlockModeDecrypt>(
    key: &[u8],
    iv: &[u8],
    encrypted: &[u8],
) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    let decryptor = D::new_from_slices(key, iv).map_err(|_| wrong_length())?;
    unpadded(decryptor, encrypted)
}

/// Opens and takes the padding away. A file has no reader who could be asked thousands of times,
/// so it does not matter that wrong padding is told from other failures.
fn unpadded<D: BlockModeDecrypt>(
    decryptor: D,
    encrypted: &[u8],
) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    let mut octets = Zeroizing::new(encrypted.to_vec());
    let length = decryptor
        .decrypt_padded::<Pkcs7>(&mut octets)
        .map_err(|_| EncryptionError::BadDecrypt)?
        .len();
    octets.truncate(length);
    Ok(octets)
}

/// The refusal of an initialisation vector that does not fit.
fn wrong_length() -> EncryptionError {
    EncryptionError::Malformed("its initialisation vector does not fit its cipher".into())
}
