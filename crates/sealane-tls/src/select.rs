//! Which identity answers a ClientHello, and what resolver and verifier saw (RFC 6066 §3).
//!
//! rustls' unbuffered connections do not tell the host name the client asked for; only the
//! resolver sees it. It leaves the name in a slot of the current thread, set around one call of
//! `process_tls_records`, which is synchronous: nothing else of the thread can come between.
//! The resolver runs on resumed handshakes too, so the name is never an old session's. A client's
//! verifier leaves its verdict there in the same way; it runs on full handshakes only. So do the
//! secrets of a connection whose context keeps a key log.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::KeyLog;

use crate::certificate::PeerCertificate;
use crate::keylog::KeyLogLine;
use crate::peer::Verdict;

/// What the resolver of a server, the verifier of a client, or the key log of either saw during
/// one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observation {
    /// The host name the client asked for, in lower case; `None` when it asked for none, or when
    /// no ClientHello was complete in this call.
    pub servername: Option<String>,
    /// What the verifier judged about the server; `None` when no certificate came in this call.
    pub verdict: Option<Verdict>,
    /// Our own certificate, if one was chosen to be shown.
    pub certificate: Option<PeerCertificate>,
    /// What the server has stapled to its certificate (RFC 6066 §8).
    pub ocsp_response: Option<Arc<[u8]>>,
    /// The connection's secrets, in the order they were made; empty unless the context keeps a key
    /// log. At most five come from one connection.
    pub key_log: Vec<KeyLogLine>,
}

impl Observation {
    /// Takes over what a later call of the same connection saw.
    pub fn add(&mut self, later: Self) {
        let Self {
            servername,
            verdict,
            certificate,
            ocsp_response,
            key_log,
        } = later;
        self.servername = servername.or(self.servername.take());
        self.verdict = verdict.or(self.verdict.take());
        self.certificate = certificate.or(self.certificate.take());
        self.ocsp_response = ocsp_response.or(self.ocsp_response.take());
        self.key_log.extend(key_log);
    }
}

/// Runs one synchronous call into rustls and tells what was seen during it.
///
/// Calls may be nested; each sees only its own.
pub fn observe<R>(call: impl FnOnce() -> R) -> (R, Observation) {
    let mut slot = SlotGuard {
        outer: SLOT.replace(Some(Observation::default())),
        restored: false,
    };
    let result = call();
    (result, slot.close())
}

/// A key log that leaves its lines in the slot, for a context that was told to keep one.
///
/// Outside of [`observe`] there is nobody to take them, so no secret is even derived.
#[derive(Debug)]
pub(crate) struct ObservedKeyLog;

impl KeyLog for ObservedKeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        SLOT.with_borrow_mut(|slot| {
            if let Some(observation) = slot {
                let line = KeyLogLine::new(label, client_random, secret);
                observation.key_log.push(line);
            }
        });
    }

    /// The secret of early data is left out: rustls derives it for every resumption, but no early
    /// data is ever sent here, so it protects nothing and tools have no use for it.
    fn will_log(&self, label: &str) -> bool {
        label != "CLIENT_EARLY_TRAFFIC_SECRET" && SLOT.with_borrow(Option::is_some)
    }
}

/// Leaves the name in the slot, when someone observes.
fn note_servername(name: Option<&str>) {
    SLOT.with_borrow_mut(|slot| {
        if let Some(observation) = slot {
            observation.servername = name.map(str::to_owned);
        }
    });
}

/// Leaves our own certificate in the slot, when someone observes.
fn note_certificate(certificate: &PeerCertificate) {
    SLOT.with_borrow_mut(|slot| {
        if let Some(observation) = slot {
            observation.certificate = Some(certificate.clone());
        }
    });
}

/// Leaves what was stapled in the slot, when someone observes.
pub(crate) fn note_ocsp_response(octets: &[u8]) {
    SLOT.with_borrow_mut(|slot| {
        if let Some(observation) = slot {
            observation.ocsp_response = (!octets.is_empty()).then(|| octets.into());
        }
    });
}

/// Leaves the verdict in the slot, when someone observes.
pub(crate) fn note_verdict(verdict: &Verdict) {
    SLOT.with_borrow_mut(|slot| {
        if let Some(observation) = slot {
            observation.verdict = Some(verdict.clone());
        }
    });
}

/// Puts the outer observation back, also when the call panics.
struct SlotGuard {
    /// What was observed around this call, if this call is nested.
    outer: Option<Observation>,
    /// Whether the slot was given back already.
    restored: bool,
}

impl SlotGuard {
    /// Ends this observation and puts the outer one back.
    fn close(&mut self) -> Observation {
        self.restored = true;
        SLOT.replace(self.outer.take()).unwrap_or_default()
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        if !self.restored {
            self.close();
        }
    }
}

thread_local! {
    /// The observation of the call that runs on this thread now.
    static SLOT: RefCell<Option<Observation>> = const { RefCell::new(None) };
}

mod resolver;

pub(crate) use resolver::IdentityResolver;

#[cfg(test)]
mod tests;
