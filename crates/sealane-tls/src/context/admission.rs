//! The gate's last question, and what is known of a peer once it is through.

use crate::check::IdentityCheck;
use crate::error::HandshakeError;
use crate::peer::Peer;

/// A peer whose chain, name, dates, revocation and pins were judged; the caller's own check is
/// still to be asked.
///
/// Nothing of an application may pass before [`Admission::ask`] has said who the peer is.
#[derive(Debug)]
pub struct Admission {
    /// What was judged so far.
    peer: Peer,
    /// What is still to be asked.
    check: Option<IdentityCheck>,
    /// Whether an answer against the peer ends the connection.
    rejects: bool,
}

impl Admission {
    /// What was judged, and what is still to be asked.
    pub(super) fn new(peer: Peer, check: Option<IdentityCheck>, rejects: bool) -> Self {
        Self {
            peer,
            check,
            rejects,
        }
    }

    /// Of a peer that nobody asks for its identity.
    pub(super) fn unasked() -> Self {
        Self::new(Peer::unasked(), None, false)
    }

    /// What was judged so far; only a caller's check can still change it.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Asks the caller's check, if there is one and all before it was well.
    ///
    /// Dropping the future asks nothing more; the connection must then be given up.
    ///
    /// # Errors
    ///
    /// The check refused the peer, unless that is allowed. Its error is the source.
    pub async fn ask(self, host: &str) -> Result<Peer, HandshakeError> {
        let Self {
            peer,
            check,
            rejects,
        } = self;
        let Some(check) = check.filter(|_| peer.authorized()) else {
            return Ok(peer);
        };
        let Some(certificate) = peer.certificate() else {
            return Err(HandshakeError::unproved(
                "the connection does not tell whom the check is to be asked about",
            ));
        };
        match check.ask(host, certificate).await {
            Ok(()) => Ok(peer),
            Err(error) if rejects => Err(error.into()),
            Err(error) => Ok(peer.refused_by_check(error)),
        }
    }
}
