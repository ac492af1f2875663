//! Versions, suites, groups and signature schemes: what was said, and what comes of it.
//!
//! [`TlsParameters`] holds what the user said, as text where the module has text. Settling reads
//! it all, once for each context, and hands out what rustls takes. Options that rustls cannot
//! honour are here too, so that they are refused by name and never dropped. Who we are and whom we
//! believe are not here.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;

mod ciphers;
mod groups;
mod protocol;
mod schemes;
pub mod secure_options;
mod settle;
mod unsupported;

pub use protocol::TlsVersion;
pub(crate) use settle::Settled;

/// What a client's or a server's TLS may use. Nothing is set at first.
///
/// Setters take what they are given; it is read, and refused if it must be, when the context is
/// built.
#[derive(Clone, Default)]
pub struct TlsParameters {
    /// Suites, as an expression.
    ciphers: Option<String>,
    /// Signature schemes, as a list.
    sigalgs: Option<String>,
    /// Groups, as a list.
    ecdh_curve: Option<String>,
    /// Whether our order of suites decides.
    honor_cipher_order: Option<bool>,
    /// The oldest version.
    min_version: Option<TlsVersion>,
    /// The newest version.
    max_version: Option<TlsVersion>,
    /// The versions, by the name of a method.
    secure_protocol: Option<String>,
    /// OpenSSL's option bits.
    secure_options: Option<u64>,
    /// Scope of resumable sessions.
    session_id_context: Option<Vec<u8>>,
    /// Where cryptography comes from.
    crypto_provider: Option<Arc<CryptoProvider>>,
    /// Parameters of finite-field Diffie-Hellman, which are refused.
    dhparam: Option<Vec<u8>>,
    /// The smallest such parameter a client takes.
    min_dh_size: Option<u32>,
    /// An engine for client certificates, which is refused.
    client_cert_engine: Option<String>,
    /// An engine for the private key, which is refused.
    private_key_engine: Option<String>,
    /// The name of the key in that engine.
    private_key_identifier: Option<String>,
    /// A hint for external pre-shared keys, which are refused.
    psk_identity_hint: Option<String>,
    /// A session as octets, which is refused.
    session: Option<Vec<u8>>,
}

impl TlsParameters {
    /// Starts with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The cipher suites, as an OpenSSL expression. Default: AES-128-GCM, AES-256-GCM and
    /// ChaCha20-Poly1305 in this order, the fastest first, with ephemeral keys.
    ///
    /// Names are OpenSSL's or the registered ones; aliases, `!`, `-`, `+`, `@STRENGTH` and
    /// `@SECLEVEL=0` to `2` mean what they mean there. Names of TLS 1.3 suites choose among those;
    /// when there are only such names, TLS 1.3 is the oldest version. A suite that is known but not
    /// offered is simply not there; when none is left, the error is `ERR_SSL_NO_CIPHER_MATCH`.
    #[must_use]
    pub fn ciphers(mut self, expression: impl Into<String>) -> Self {
        self.ciphers = Some(expression.into());
        self
    }

    /// The signature schemes to sign handshakes with and to take from peers, most wanted first,
    /// separated by colons: `ECDSA+SHA256`, `rsa_pss_rsae_sha384`, `ed25519` … Default: all there
    /// are.
    #[must_use]
    pub fn sigalgs(mut self, list: impl Into<String>) -> Self {
        self.sigalgs = Some(list.into());
        self
    }

    /// The key exchange groups, most wanted first, separated by colons: `X25519`, `P-256`,
    /// `P-384`, `P-521`, `X25519MLKEM768`, `SecP256r1MLKEM768`. Default, and the meaning of
    /// `auto`: X25519, P-256, P-384, X25519MLKEM768; a client sends a key for the first.
    #[must_use]
    pub fn ecdh_curve(mut self, list: impl Into<String>) -> Self {
        self.ecdh_curve = Some(list.into());
        self
    }

    /// Whether a server's order of suites decides, not the client's. Default: true, since ours is
    /// chosen for speed on servers. Clients take no notice.
    #[must_use]
    pub fn honor_cipher_order(mut self, honor: bool) -> Self {
        self.honor_cipher_order = Some(honor);
        self
    }

    /// The oldest protocol version to speak. Default: TLS 1.2; older ones are broken (RFC 8996).
    #[must_use]
    pub fn min_version(mut self, version: TlsVersion) -> Self {
        self.min_version = Some(version);
        self
    }

    /// The newest protocol version to speak. Default: TLS 1.3, the newest there is.
    #[must_use]
    pub fn max_version(mut self, version: TlsVersion) -> Self {
        self.max_version = Some(version);
        self
    }

    /// The versions by the name of an OpenSSL method, such as `TLSv1_2_method`; not together with
    /// bounds. Default: the bounds decide.
    #[must_use]
    pub fn secure_protocol(mut self, method: impl Into<String>) -> Self {
        self.secure_protocol = Some(method.into());
        self
    }

    /// OpenSSL's option bits; [`secure_options`] says what becomes of each. Default: 0, none.
    #[must_use]
    pub fn secure_options(mut self, bits: u64) -> Self {
        self.secure_options = Some(bits);
        self
    }

    /// The scope of a server's resumable sessions, at most 32 octets. Default: what else decides
    /// about a session decides alone.
    #[must_use]
    pub fn session_id_context(mut self, context: impl Into<Vec<u8>>) -> Self {
        self.session_id_context = Some(context.into());
        self
    }

    /// The cryptography to use instead of the built-in one, FIPS-approved for example. Default:
    /// see [`crypto::is_available`](crate::crypto::is_available).
    ///
    /// Its order of suites is taken as it is. Private keys stay where they were loaded.
    #[must_use]
    pub fn crypto_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.crypto_provider = Some(provider);
        self
    }

    /// Parameters of finite-field Diffie-Hellman: always refused, since that exchange is not
    /// offered; below 1024 bits with the module's own reason.
    #[must_use]
    pub fn dhparam(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.dhparam = Some(pem.into());
        self
    }

    /// The least bits of a server's finite-field Diffie-Hellman, at least 1. Every server passes:
    /// that exchange is not offered.
    #[must_use]
    pub fn min_dh_size(mut self, bits: u32) -> Self {
        self.min_dh_size = Some(bits);
        self
    }

    /// An engine that holds client certificates: always refused.
    #[must_use]
    pub fn client_cert_engine(mut self, name: impl Into<String>) -> Self {
        self.client_cert_engine = Some(name.into());
        self
    }

    /// An engine that holds the private key: always refused.
    #[must_use]
    pub fn private_key_engine(mut self, name: impl Into<String>) -> Self {
        self.private_key_engine = Some(name.into());
        self
    }

    /// The name of the private key in an engine: always refused.
    #[must_use]
    pub fn private_key_identifier(mut self, name: impl Into<String>) -> Self {
        self.private_key_identifier = Some(name.into());
        self
    }

    /// A hint for external pre-shared keys: always refused.
    #[must_use]
    pub fn psk_identity_hint(mut self, hint: impl Into<String>) -> Self {
        self.psk_identity_hint = Some(hint.into());
        self
    }

    /// A session to resume, as octets: always refused.
    #[must_use]
    pub fn session(mut self, octets: impl Into<Vec<u8>>) -> Self {
        self.session = Some(octets.into());
        self
    }

    /// Lays these parameters over others: what is set here wins, the rest comes from `base`.
    #[must_use]
    pub fn over(self, base: &Self) -> Self {
        // Without `..`: a parameter that is added must be laid over too.
        let Self {
            ciphers,
            sigalgs,
            ecdh_curve,
            honor_cipher_order,
            min_version,
            max_version,
            secure_protocol,
            secure_options,
            session_id_context,
            crypto_provider,
            dhparam,
            min_dh_size,
            client_cert_engine,
            private_key_engine,
            private_key_identifier,
            psk_identity_hint,
            session,
        } = self;
        let base = base.clone();
        Self {
            ciphers: ciphers.or(base.ciphers),
            sigalgs: sigalgs.or(base.sigalgs),
            ecdh_curve: ecdh_curve.or(base.ecdh_curve),
            honor_cipher_order: honor_cipher_order.or(base.honor_cipher_order),
            min_version: min_version.or(base.min_version),
            max_version: max_version.or(base.max_version),
            secure_protocol: secure_protocol.or(base.secure_protocol),
            secure_options: secure_options.or(base.secure_options),
            session_id_context: session_id_context.or(base.session_id_context),
            crypto_provider: crypto_provider.or(base.crypto_provider),
            dhparam: dhparam.or(base.dhparam),
            min_dh_size: min_dh_size.or(base.min_dh_size),
            client_cert_engine: client_cert_engine.or(base.client_cert_engine),
            private_key_engine: private_key_engine.or(base.private_key_engine),
            private_key_identifier: private_key_identifier.or(base.private_key_identifier),
            psk_identity_hint: psk_identity_hint.or(base.psk_identity_hint),
            session: session.or(base.session),
        }
    }
}

/// Their fields in the name of a pool (reference §2.3).
impl TlsParameters {
    /// The field `ciphers`.
    pub(crate) fn ciphers_text(&self) -> Option<String> {
        self.ciphers.clone()
    }

    /// The fields from `minVersion` on; those of options that are refused stay empty.
    pub(crate) fn fields_of_name(&self, crl: Option<String>) -> [Option<String>; 12] {
        let version = |version: Option<TlsVersion>| version.map(|it| it.name().to_owned());
        [
            version(self.min_version),
            version(self.max_version),
            self.secure_protocol.clone(),
            crl,
            self.honor_cipher_order.map(|honor| honor.to_string()),
            self.ecdh_curve.clone(),
            None,
            self.secure_options.map(|bits| bits.to_string()),
            self.session_id_context
                .as_ref()
                .map(|octets| String::from_utf8_lossy(octets).into_owned()),
            self.sigalgs.as_ref().map(|list| format!("{list:?}")),
            None,
            None,
        ]
    }
}

impl PartialEq for TlsParameters {
    /// Providers are equal when they are the same one.
    fn eq(&self, other: &Self) -> bool {
        let provider = |of: &Self| of.crypto_provider.as_ref().map(Arc::as_ptr);
        let words = |of: &Self| {
            let texts = [
                &of.ciphers,
                &of.sigalgs,
                &of.ecdh_curve,
                &of.secure_protocol,
                &of.client_cert_engine,
                &of.private_key_engine,
                &of.private_key_identifier,
                &of.psk_identity_hint,
            ];
            texts.map(Clone::clone)
        };
        let octets =
            |of: &Self| [&of.session_id_context, &of.dhparam, &of.session].map(Clone::clone);
        provider(self) == provider(other)
            && words(self) == words(other)
            && octets(self) == octets(other)
            && (self.honor_cipher_order, self.min_version, self.max_version)
                == (
                    other.honor_cipher_order,
                    other.min_version,
                    other.max_version,
                )
            && (self.secure_options, self.min_dh_size) == (other.secure_options, other.min_dh_size)
    }
}

impl fmt::Debug for TlsParameters {
    /// Shows what is set, but of octets only how many: a session holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TlsParameters");
        let mut show = |name, value: Option<&dyn fmt::Debug>| {
            if let Some(value) = value {
                shown.field(name, value);
            }
        };
        let texts = [
            ("ciphers", &self.ciphers),
            ("sigalgs", &self.sigalgs),
            ("ecdh_curve", &self.ecdh_curve),
            ("secure_protocol", &self.secure_protocol),
            ("client_cert_engine", &self.client_cert_engine),
            ("private_key_engine", &self.private_key_engine),
            ("private_key_identifier", &self.private_key_identifier),
            ("psk_identity_hint", &self.psk_identity_hint),
        ];
        for (name, text) in texts {
            show(name, text.as_ref().map(|text| text as _));
        }
        let versions = [
            ("min_version", self.min_version),
            ("max_version", self.max_version),
        ];
        for (name, version) in versions {
            show(name, version.as_ref().map(|version| version as _));
        }
        let octets = [
            ("session_id_context", &self.session_id_context),
            ("dhparam", &self.dhparam),
            ("session", &self.session),
        ];
        for (name, octets) in octets {
            let length = octets.as_ref().map(Vec::len);
            show(name, length.as_ref().map(|length| length as _));
        }
        let honor = self.honor_cipher_order.as_ref();
        show("honor_cipher_order", honor.map(|honor| honor as _));
        let bits = self.secure_options.as_ref();
        show("secure_options", bits.map(|bits| bits as _));
        let size = self.min_dh_size.as_ref();
        show("min_dh_size", size.map(|size| size as _));
        let is_given = self.crypto_provider.is_some();
        show("crypto_provider", is_given.then_some(&"given" as _));
        shown.finish()
    }
}

#[cfg(test)]
mod tests;
