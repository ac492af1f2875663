//! The option `ciphers`: an expression as OpenSSL reads it (openssl-ciphers(1)), and what it
//! leaves of the suites there are.
//!
//! Names starting with `TLS_` that belong to TLS 1.3 choose among its suites; everything else is
//! an expression for TLS 1.2. Names that are known but not offered are taken and simply not there;
//! unknown ones are skipped, as OpenSSL skips them, and only when nothing is left it is an error.

use rustls::{CipherSuite, SupportedCipherSuite};

use crate::error::OptionError;

mod expression;
mod list;
mod suites;

/// What an expression chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ciphers {
    /// Suites of TLS 1.2 by code point, most wanted first; `None` when the expression does not
    /// speak of them.
    tls12: Option<Vec<u16>>,
    /// Suites of TLS 1.3, likewise; `None` leaves the defaults.
    tls13: Option<Vec<u16>>,
}

impl Ciphers {
    /// Reads an expression.
    pub(super) fn parse(text: &str) -> Result<Self, OptionError> {
        if text.len() > LONGEST {
            return Err(refused(
                "ERR_INVALID_ARG_VALUE",
                format!(
                    "the expression has {} octets; {LONGEST} are allowed",
                    text.len()
                ),
            ));
        }
        let chosen = expression::read(text)?;
        if chosen == Self::default() {
            return Err(refused(
                "ERR_INVALID_ARG_VALUE",
                "the expression is empty; leave the option out for the defaults",
            ));
        }
        Ok(chosen)
    }

    /// Whether the expression names suites of TLS 1.3 only, which then is the oldest version.
    pub(super) fn is_tls13_only(&self) -> bool {
        self.tls12.is_none()
    }

    /// What is left of the suites a provider has, most wanted first.
    pub(super) fn choose(
        &self,
        from: &[SupportedCipherSuite],
    ) -> Result<Vec<SupportedCipherSuite>, OptionError> {
        let (newer, older): (Vec<_>, Vec<_>) = from
            .iter()
            .copied()
            .partition(|suite| suite.tls13().is_some());
        let mut chosen = match &self.tls13 {
            Some(wanted) => picked(wanted, &newer).ok_or_else(|| no_match("TLS 1.3", wanted))?,
            None => newer,
        };
        if let Some(wanted) = &self.tls12 {
            chosen.extend(picked(wanted, &older).ok_or_else(|| no_match("TLS 1.2", wanted))?);
        }
        Ok(chosen)
    }
}

/// The suites with these code points in this order; `None` when there is none of them.
fn picked(wanted: &[u16], from: &[SupportedCipherSuite]) -> Option<Vec<SupportedCipherSuite>> {
    let find = |id: &u16| {
        let named = CipherSuite::from(*id);
        from.iter().find(|suite| suite.suite() == named).copied()
    };
    let found: Vec<_> = wanted.iter().filter_map(find).collect();
    (!found.is_empty()).then_some(found)
}

/// The refusal of an expression that leaves nothing, with what it named in vain.
fn no_match(version: &str, wanted: &[u16]) -> OptionError {
    let known = suites::known();
    let names = wanted.iter().filter_map(|id| known.name(*id));
    let names: Vec<_> = names.take(SHOWN).collect();
    let reason = match names.as_slice() {
        [] => format!("no cipher match: no known suite of {version} is left"),
        names => format!(
            "no cipher match: of {version} only suites are left that are known but not offered \
             ({}{}); offered are those with ephemeral keys and authenticated encryption",
            names.join(", "),
            if wanted.len() > names.len() {
                " …"
            } else {
                ""
            }
        ),
    };
    refused("ERR_SSL_NO_CIPHER_MATCH", reason)
}

/// The refusal of the option.
fn refused(code: &'static str, reason: impl Into<std::borrow::Cow<'static, str>>) -> OptionError {
    OptionError::new("ciphers", code, reason)
}

/// Octets an expression may have: forty times OpenSSL's default list, and little work to read.
const LONGEST: usize = 16 * 1024;

/// Suites a message names at most.
const SHOWN: usize = 3;

#[cfg(test)]
mod tests;
