//! Why an identity was not believed: cause, evidence, next step, and the stable code.
//!
//! One text for the library and the command line: `Display` writes it in several lines, `cause()`
//! is the one line that errors show. Nothing is judged here, and nothing is read from
//! certificates: whoever refuses puts the words together, escaped. The codes are those of OpenSSL
//! and of the https module.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What is known about an identity that was not believed. Cloning shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Shared by all clones, so that a verdict stays small.
    inner: Arc<Inner>,
}

/// What clones share.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    /// The stable name of the reason.
    code: &'static str,
    /// What is wrong and with what, in one line; nothing of a peer unescaped.
    cause: Cow<'static, str>,
    /// What was found, each with the name of what it is; nothing of a peer unescaped.
    evidence: Vec<(Cow<'static, str>, String)>,
}

impl Diagnosis {
    /// Names the code and the cause.
    pub(crate) fn new(code: &'static str, cause: impl Into<Cow<'static, str>>) -> Self {
        let inner = Inner {
            code,
            cause: cause.into(),
            evidence: Vec::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Adds a piece of evidence; both texts must be escaped already.
    #[must_use]
    pub(crate) fn with(mut self, label: impl Into<Cow<'static, str>>, text: String) -> Self {
        let inner = Arc::make_mut(&mut self.inner);
        inner.evidence.push((label.into(), text));
        self
    }

    /// The stable name of the reason, such as `CERT_HAS_EXPIRED`.
    pub fn code(&self) -> &'static str {
        self.inner.code
    }

    /// What is wrong and with what, in one line.
    pub fn cause(&self) -> &str {
        &self.inner.cause
    }

    /// What was found: the name of each thing, and what it says, each in one line.
    ///
    /// The chain as it was received, the names wanted and found, the dates, the trust anchor or
    /// its absence. Which of them there are depends on the cause.
    pub fn evidence(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let all = self.inner.evidence.iter();
        all.map(|(label, text)| (label.as_ref(), text.as_str()))
    }

    /// What to do about it: at the peer, and here.
    pub fn next_step(&self) -> &'static str {
        next_step(self.inner.code)
    }
}

/// All of it: the cause, then a line for the code, for each piece of evidence and for the next
/// step, without a line end after the last.
impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.cause())?;
        writeln!(f, "  code: {}", self.code())?;
        for (label, text) in self.evidence() {
            writeln!(f, "  {label}: {text}")?;
        }
        write!(f, "  next step: {}", self.next_step())
    }
}

/// What usually mends a failure of this name. Both sides are told, for either may read it.
fn next_step(code: &str) -> &'static str {
    match code {
        "DEPTH_ZERO_SELF_SIGNED_CERT" => {
            "here: if this is the very certificate you expect, compare its fingerprint with its \
             owner and give it as `ca`; at the peer: use a certificate that an authority signed"
        }
        "SELF_SIGNED_CERT_IN_CHAIN" => {
            "here: if you trust the root that was sent, compare its fingerprint with its owner and \
             give it as `ca`; at the peer: use an authority that is trusted here"
        }
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE" | "UNABLE_TO_GET_ISSUER_CERT_LOCALLY" => {
            "at the peer: send all intermediate certificates after its own; here: if the authority \
             is a private one, give its root as `ca`"
        }
        "UNABLE_TO_GET_ISSUER_CERT" => {
            "here: give the root above the intermediate authority as `ca`, or allow partial trust \
             chains; a client without a certificate must be given one that leads to `ca`"
        }
        "CERT_HAS_EXPIRED" => {
            "at the peer: renew the certificate and load the new one; here: see that the clock is \
             right"
        }
        "CERT_NOT_YET_VALID" => {
            "here and at the peer: see that the clocks are right; else wait for the first day, or \
             use the certificate before it"
        }
        "CERT_REVOKED" => {
            "at the peer: ask the authority for a new certificate with a new key; here: do not go \
             on, whoever has the old key can pose as the peer"
        }
        "UNABLE_TO_GET_CRL" => {
            "here: give a current list of every authority of the chain as `crl`, or none at all to \
             leave revocation unasked"
        }
        "CRL_HAS_EXPIRED" | "CRL_NOT_YET_VALID" => {
            "here: fetch the authority's newest list, give it as `crl`, and see that the clock is \
             right"
        }
        "CRL_SIGNATURE_FAILURE" => {
            "here: fetch the list again from the authority that signed the certificate; it may be \
             another authority's of the same name, or changed on the way"
        }
        other => next_step_of_rules(other),
    }
}

/// The same for rules that a certificate breaks, and for names and keys.
fn next_step_of_rules(code: &str) -> &'static str {
    match code {
        "INVALID_PURPOSE" | "INVALID_CA" => {
            "at the peer: use a certificate made for this use, below authorities that may sign; \
             the extended key usage, key usage and basic constraints say what each is for"
        }
        "PATH_LENGTH_EXCEEDED" | "CERT_CHAIN_TOO_LONG" => {
            "at the peer: send the certificate and the few intermediates above it and nothing \
             else, below authorities that allow as many"
        }
        "PERMITTED_VIOLATION" => {
            "at the peer: use a certificate of an authority that may speak for these names"
        }
        "UNHANDLED_CRITICAL_EXTENSION" => {
            "at the peer: use a certificate without critical extensions that are unknown here"
        }
        "CERT_SIGNATURE_FAILURE" => {
            "at the peer: see that chain and key belong together and use SHA-256 or better; here: \
             see that the given authority is the one that signed, not one of its name"
        }
        "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE" => {
            "at the peer: give the client a certificate and key of an authority that is believed \
             here; here: ask for certificates without requiring them"
        }
        "EE_KEY_TOO_SMALL" => "at the peer: make a key of at least 2048 bits (RSA) or on P-256",
        "ERR_TLS_CERT_ALTNAME_INVALID" => {
            "here: connect by one of the names that the certificate has; at the peer: add the \
             wanted name to the certificate's alternative names"
        }
        "CERT_REJECTED" => {
            "at the peer: use a certificate of X.509 version 3 that `openssl x509 -text` can read"
        }
        _ => "compare the evidence with what you expect of the peer",
    }
}

#[cfg(test)]
mod tests;
