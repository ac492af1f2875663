//! The caller's own check of a peer's identity, which may be asynchronous.
//!
//! It takes the place of the name check and comes after the chain and the pins, on full and on
//! resumed handshakes, before an octet of an application passes. Two checks cannot be compared, so
//! each stands for itself wherever connections are shared; clones of one are the same.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::certificate::PeerCertificate;
use crate::identity_check::IdentityError;

/// A check of a peer's identity that the caller makes.
#[derive(Clone)]
pub struct IdentityCheck {
    /// What is asked.
    ask: Ask,
    /// Tells checks apart.
    id: u64,
}

/// The two kinds of answers.
#[derive(Clone)]
enum Ask {
    /// At once.
    Now(Arc<Now>),
    /// Some time later.
    Later(Arc<Later>),
}

/// A check that answers at once.
type Now = dyn Fn(&str, &PeerCertificate) -> Result<(), IdentityError> + Send + Sync;

/// A check that answers some time later.
type Later = dyn Fn(String, PeerCertificate) -> Answer + Send + Sync;

/// An answer on its way.
type Answer = Pin<Box<dyn Future<Output = Result<(), IdentityError>> + Send>>;

impl IdentityCheck {
    /// A check that answers at once. It gets the host and the peer's certificate.
    pub fn new<F>(check: F) -> Self
    where
        F: Fn(&str, &PeerCertificate) -> Result<(), IdentityError> + Send + Sync + 'static,
    {
        Self::of(Ask::Now(Arc::new(check)))
    }

    /// A check that may take its time, within that of the handshake.
    pub fn later<F, Fut>(check: F) -> Self
    where
        F: Fn(String, PeerCertificate) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), IdentityError>> + Send + 'static,
    {
        Self::of(Ask::Later(Arc::new(move |host, certificate| {
            Box::pin(check(host, certificate))
        })))
    }

    /// What tells this check from every other.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(
        &self,
        host: &str,
        certificate: &PeerCertificate,
    ) -> Result<(), IdentityError> {
        match &self.ask {
            Ask::Now(check) => check(host, certificate),
            Ask::Later(check) => check(host.to_owned(), certificate.clone()).await,
        }
    }

    /// Numbers a check.
    fn of(ask: Ask) -> Self {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Self { ask, id }
    }
}

impl fmt::Debug for IdentityCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityCheck")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The number of the next check; no program makes 2⁶⁴ of them.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);
