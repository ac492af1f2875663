//! How a ticket is sealed: AES-256-GCM under a key of its own (NIST SP 800-38D).
//!
//! That key is made from the ring's secret and random octets with HMAC-SHA-256. Keys that many
//! machines share for years would else come near the number of tickets, 2³², after which random
//! nonces under one key may repeat and the seal is worth nothing.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

/// What sealing adds, in octets: salt, nonce and tag.
pub(super) const OVERHEAD: usize = SALT + NONCE_LEN + 16;

/// Fills octets with random ones.
pub(super) fn fill(octets: &mut [u8]) -> Option<()> {
    rand::fill(octets).ok()
}

/// Seals; `covered` must be the same when it is opened.
pub(super) fn seal(secret: &[u8], covered: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let mut salt = [0; SALT];
    fill(&mut salt)?;
    let mut sealed = Zeroizing::new(Vec::with_capacity(plain.len() + 16));
    sealed.extend_from_slice(plain);
    let nonce = key(secret, &salt)?
        .seal_in_place_append_tag(Aad::from(covered), &mut *sealed)
        .ok()?;
    Some([&salt[..], nonce.as_ref(), &sealed].concat())
}

/// Opens what was sealed; `None` for anything else, whatever it is.
pub(super) fn open(secret: &[u8], covered: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (salt, rest) = sealed.split_first_chunk::<SALT>()?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
    let mut octets = Zeroizing::new(rest.to_vec());
    let length = key(secret, salt)?
        .open_in_place(Nonce::from(nonce), Aad::from(covered), &mut octets)
        .ok()?
        .len();
    octets.truncate(length);
    Some(octets)
}

/// The key of one ticket.
fn key(secret: &[u8], salt: &[u8; SALT]) -> Option<RandomizedNonceKey> {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut octets = Zeroizing::new([0; 32]);
    octets.copy_from_slice(hmac::sign(&secret, salt).as_ref());
    RandomizedNonceKey::new(&AES_256_GCM, octets.as_slice()).ok()
}

/// Octets that make a ticket's key its own.
const SALT: usize = 16;
