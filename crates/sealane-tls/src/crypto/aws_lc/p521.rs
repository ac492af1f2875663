//! Key agreement on P-521 (RFC 8446 §4.2.8.2), which rustls leaves out and some policies ask for.

use std::fmt;

use aws_lc_rs::agreement::{
    ECDH_P521, EphemeralPrivateKey, PublicKey, UnparsedPublicKey, agree_ephemeral,
};
use aws_lc_rs::rand::SystemRandom;
use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error as TlsError, NamedGroup, PeerMisbehaved};

/// The group, as rustls takes it.
pub(super) static SECP521R1: &dyn SupportedKxGroup = &P521;

/// Key agreement on P-521 by aws-lc.
struct P521;

impl SupportedKxGroup for P521 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, TlsError> {
        let random = SystemRandom::new();
        let private = EphemeralPrivateKey::generate(&ECDH_P521, &random);
        let private = private.map_err(|_| GetRandomFailed)?;
        let public = private.compute_public_key().map_err(|_| GetRandomFailed)?;
        Ok(Box::new(Exchange { private, public }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }

    fn fips(&self) -> bool {
        aws_lc_rs::try_fips_mode().is_ok()
    }
}

impl fmt::Debug for P521 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

/// A key exchange under way.
struct Exchange {
    /// Ours alone; the library wipes it.
    private: EphemeralPrivateKey,
    /// What the peer gets.
    public: PublicKey,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, theirs: &[u8]) -> Result<SharedSecret, TlsError> {
        // aws-lc reads compressed points too, which TLS 1.3 forbids and TLS 1.2 must negotiate;
        // whether the point lies on the curve is the library's to check.
        if theirs.len() != POINT_OCTETS || theirs[0] != UNCOMPRESSED {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        let theirs = UnparsedPublicKey::new(&ECDH_P521, theirs);
        let invalid = TlsError::from(PeerMisbehaved::InvalidKeyShare);
        agree_ephemeral(self.private, theirs, invalid, |secret| {
            Ok(SharedSecret::from(secret))
        })
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

/// Octets of an uncompressed point: its form and two coordinates of 521 bits (SEC 1 §2.3.3).
const POINT_OCTETS: usize = 1 + 2 * 66;

/// The form of an uncompressed point (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;
