//! From what was said to what rustls takes: everything is read, and checked against each other.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::sign::CertifiedKey;
use rustls::{ProtocolVersion, Side, SupportedCipherSuite, SupportedProtocolVersion};

use super::ciphers::Ciphers;
use super::protocol::{Range, conflict};
use super::schemes::Schemes;
use super::secure_options::Effects;
use super::{TlsParameters, TlsVersion, groups, unsupported};
use crate::crypto::Crypto;
use crate::digest::Fields;
use crate::error::OptionError;

/// What a context may use, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    /// The cryptography, with the suites, groups and schemes that were chosen, in their order.
    provider: Arc<CryptoProvider>,
    /// Whether it is the built-in one, which can seal tickets.
    built_in: bool,
    /// The versions to speak.
    range: Range,
    /// Whether our order of suites decides.
    honor_cipher_order: bool,
    /// Whether session tickets may be used.
    tickets: bool,
    /// Scope of resumable sessions, if one was named.
    session_id_context: Option<Vec<u8>>,
    /// What we may sign by, when that is limited.
    schemes: Option<Schemes>,
}

impl TlsParameters {
    /// Reads everything for a client or a server; the error names the option.
    pub(crate) fn settle(&self, side: Side) -> Result<Settled, OptionError> {
        let effects = Effects::of(self.secure_options.unwrap_or(0))?;
        let ciphers = self.ciphers.as_deref().map(Ciphers::parse).transpose()?;
        let mut range = self
            .range(side)?
            .without(effects.no_tls12, effects.no_tls13)?;
        if ciphers.as_ref().is_some_and(Ciphers::is_tls13_only) {
            range = only_tls13(range, "ciphers", "ERR_SSL_NO_CIPHER_MATCH", "suites")?;
        }
        let crypto = Crypto::choose(self.crypto_provider.as_ref())?;
        let suites = match &ciphers {
            Some(ciphers) => Some(ciphers.choose(&crypto.provider().cipher_suites)?),
            None => None,
        };
        let schemes = self.sigalgs.as_deref().map(Schemes::parse).transpose()?;
        self.refuse_engines()?;
        let curves = self.ecdh_curve.as_deref();
        let groups = match curves {
            Some(text) => groups::choose(text, &crypto.groups())?,
            None => None,
        };
        if groups.as_deref().is_some_and(is_tls13_only) {
            let code = "ERR_CRYPTO_OPERATION_FAILED";
            range = only_tls13(range, "ecdh_curve", code, "groups")?;
        }
        self.refuse_the_rest(side)?;
        let suites = of_versions(suites, crypto.provider(), range)?;
        Ok(Settled {
            provider: limit(crypto.provider(), suites, groups, schemes.as_ref())?,
            built_in: crypto.is_built_in(),
            range,
            honor_cipher_order: effects.server_preference
                || self.honor_cipher_order.unwrap_or(side == Side::Server),
            tickets: !effects.no_ticket,
            session_id_context: self.session_id_context.clone(),
            schemes,
        })
    }

    /// The versions, by bounds or by the name of a method.
    fn range(&self, side: Side) -> Result<Range, OptionError> {
        let Some(method) = &self.secure_protocol else {
            return Range::between(self.min_version, self.max_version);
        };
        match self.min_version.or(self.max_version) {
            Some(bound) => Err(conflict(bound, method)),
            None => Range::of_method(method, side),
        }
    }

    /// Refuses keys and certificates in engines.
    fn refuse_engines(&self) -> Result<(), OptionError> {
        let (engine, key) = ("private_key_engine", "private_key_identifier");
        match (&self.private_key_engine, &self.private_key_identifier) {
            (Some(_), Some(_)) => Err(unsupported::engine(engine)),
            (Some(_), None) => Err(unsupported::half_of_engine_key(engine, key)),
            (None, Some(_)) => Err(unsupported::half_of_engine_key(key, engine)),
            (None, None) if self.client_cert_engine.is_some() => {
                Err(unsupported::engine("client_cert_engine"))
            }
            (None, None) => Ok(()),
        }
    }

    /// Refuses what cannot be honoured, and checks what needs nothing but a check.
    fn refuse_the_rest(&self, side: Side) -> Result<(), OptionError> {
        if let Some(text) = &self.dhparam {
            return Err(unsupported::dhparam(text));
        }
        if let Some(bits) = self.min_dh_size {
            unsupported::min_dh_size(bits)?;
        }
        if self.psk_identity_hint.is_some() {
            return Err(unsupported::psk_identity_hint());
        }
        if self.session.is_some() {
            return Err(unsupported::session());
        }
        match &self.session_id_context {
            Some(context) => check_session_id_context(context, side),
            None => Ok(()),
        }
    }
}

impl Settled {
    /// The cryptography, with what was chosen of it.
    pub(crate) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    /// Whether the cryptography is the built-in one. With another one tickets are off, unless
    /// their keys are given.
    pub(crate) fn is_built_in(&self) -> bool {
        self.built_in
    }

    /// The versions to speak, the newest first.
    pub(crate) fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        self.range.versions()
    }

    /// Whether our order of suites decides.
    pub(crate) fn honor_cipher_order(&self) -> bool {
        self.honor_cipher_order
    }

    /// Whether session tickets may be used at all.
    pub(crate) fn tickets(&self) -> bool {
        self.tickets
    }

    /// The scope of resumable sessions, if one was named.
    pub(crate) fn session_id_context(&self) -> Option<&[u8]> {
        self.session_id_context.as_deref()
    }

    /// Whether signature schemes were chosen at all.
    pub(crate) fn limits_schemes(&self) -> bool {
        self.schemes.is_some()
    }

    /// A chain with a key that signs by the schemes that were chosen only.
    pub(crate) fn certified(&self, pair: Arc<CertifiedKey>) -> Arc<CertifiedKey> {
        match &self.schemes {
            Some(schemes) => Arc::new(schemes.certified(&pair)),
            None => pair,
        }
    }

    /// A digest of all that decides what a connection proves.
    pub(crate) fn digest(&self) -> [u8; 32] {
        // Without `..`: what is added must be placed here.
        let Self {
            provider,
            built_in,
            range: Range { min, max },
            honor_cipher_order,
            tickets,
            session_id_context,
            schemes,
        } = self;
        let mut fields = Fields::new(b"sealane parameters 1");
        put_provider(&mut fields, provider);
        fields.put(&[
            u8::from(*built_in),
            u8::from(*min == TlsVersion::V1_2),
            u8::from(*max == TlsVersion::V1_3),
            u8::from(*honor_cipher_order),
            u8::from(*tickets),
            u8::from(session_id_context.is_some()),
            u8::from(schemes.is_some()),
        ]);
        fields.put(session_id_context.as_deref().unwrap_or_default());
        fields.put(format!("{schemes:?}").as_bytes());
        fields.finish()
    }
}

/// Puts what a provider does, and who it is: two may have suites of the same names.
fn put_provider(fields: &mut Fields, provider: &CryptoProvider) {
    let CryptoProvider {
        cipher_suites,
        kx_groups,
        signature_verification_algorithms,
        secure_random,
        key_provider,
    } = provider;
    let suites: Vec<_> = cipher_suites
        .iter()
        .map(|suite| u16::from(suite.suite()).to_be_bytes())
        .collect();
    fields.put_list(suites.iter().map(<[u8; 2]>::as_slice));
    let groups: Vec<_> = kx_groups
        .iter()
        .map(|group| u16::from(group.name()).to_be_bytes())
        .collect();
    fields.put_list(groups.iter().map(<[u8; 2]>::as_slice));
    // What stands in a static lives for ever, so its address is nobody else's; a type without
    // content has none of its own, and shows its name.
    let who = format!(
        "{:p} {:p} {:?} {:?}",
        signature_verification_algorithms.all.as_ptr(),
        signature_verification_algorithms.mapping.as_ptr(),
        secure_random,
        key_provider,
    );
    fields.put(who.as_bytes());
}

/// The provider with what was chosen; the same one when nothing was.
fn limit(
    provider: &Arc<CryptoProvider>,
    suites: Option<Vec<SupportedCipherSuite>>,
    groups: Option<Vec<&'static dyn SupportedKxGroup>>,
    schemes: Option<&Schemes>,
) -> Result<Arc<CryptoProvider>, OptionError> {
    if suites.is_none() && groups.is_none() && schemes.is_none() {
        return Ok(Arc::clone(provider));
    }
    let mut limited = CryptoProvider::clone(provider);
    if let Some(suites) = suites {
        limited.cipher_suites = suites;
    }
    if let Some(groups) = groups {
        limited.kx_groups = groups;
    }
    if let Some(schemes) = schemes {
        let all = limited.signature_verification_algorithms;
        limited.signature_verification_algorithms = schemes.limit(all)?;
    }
    Ok(Arc::new(limited))
}

/// Leaves the suites of the versions that are spoken; `None` where that is all of the provider's.
///
/// rustls would offer the others too, and a server's choice of a certificate goes by what is
/// offered: it could choose one for which no suite is left (RFC 5246 §7.4.2).
fn of_versions(
    chosen: Option<Vec<SupportedCipherSuite>>,
    provider: &CryptoProvider,
    range: Range,
) -> Result<Option<Vec<SupportedCipherSuite>>, OptionError> {
    if range.min != range.max {
        return Ok(chosen);
    }
    let mut left = chosen.unwrap_or_else(|| provider.cipher_suites.clone());
    left.retain(|suite| {
        let mut spoken = range.versions().iter();
        spoken.any(|version| version.version == suite.version().version)
    });
    match left.is_empty() {
        false => Ok(Some(left)),
        true => Err(OptionError::new(
            "ciphers",
            "ERR_SSL_NO_CIPHER_MATCH",
            format!("no cipher match: no suite is left for {}", range.max),
        )),
    }
}

/// Leaves only TLS 1.3, because what was chosen is of no use before it.
fn only_tls13(
    range: Range,
    option: &'static str,
    code: &'static str,
    what: &str,
) -> Result<Range, OptionError> {
    match range.max {
        TlsVersion::V1_3 => Ok(Range {
            min: TlsVersion::V1_3,
            max: TlsVersion::V1_3,
        }),
        older => Err(OptionError::new(
            option,
            code,
            format!("the {what} are of TLS 1.3 only, but the newest version to speak is {older}"),
        )),
    }
}

/// Whether no group can be used before TLS 1.3, as the hybrid ones cannot.
fn is_tls13_only(groups: &[&'static dyn SupportedKxGroup]) -> bool {
    let older = ProtocolVersion::TLSv1_2;
    !groups.iter().any(|group| group.usable_for_version(older))
}

/// Checks the scope of a server's sessions: at most what a session has room for.
fn check_session_id_context(context: &[u8], side: Side) -> Result<(), OptionError> {
    let option = "session_id_context";
    match (side, context.len()) {
        (Side::Client, _) => Err(OptionError::new(
            option,
            "ERR_INVALID_ARG_VALUE",
            "it is an option of servers",
        )),
        (Side::Server, 0..=MAX_SESSION_ID_CONTEXT) => Ok(()),
        (Side::Server, length) => Err(OptionError::new(
            option,
            "ERR_SSL_SSL_SESSION_ID_CONTEXT_TOO_LONG",
            format!("it has {length} octets; {MAX_SESSION_ID_CONTEXT} are allowed"),
        )),
    }
}

/// Octets of a session id context at most: OpenSSL's bound, so that what is valid there is here.
const MAX_SESSION_ID_CONTEXT: usize = 32;
