//! What can be said about TLS, once for every place where it can be said.
//!
//! A server, one of its contexts, an agent and a single request take the same options under the
//! same words. Macros, because these are different types, and a trait would have to be imported to
//! find its methods. What an option means is `sealane-tls`' business.

/// Options of both sides. `self.tls` must take a change of the TLS options.
macro_rules! shared_tls_setters {
    () => {
        /// Certificate revocation lists; default none, and revocation is not asked about.
        ///
        /// With lists, every certificate of a chain below its anchor must be covered by a current
        /// one: a missing list is `UNABLE_TO_GET_CRL`, an old one `CRL_HAS_EXPIRED`.
        #[must_use]
        pub fn crl(self, lists: $crate::Revocation) -> Self {
            self.tls(|tls| tls.crl(lists.into_inner()))
        }

        /// Whether a certificate in `ca` that is not its own issuer may be a trust anchor; default
        /// false, and then it only helps to build chains.
        #[must_use]
        pub fn allow_partial_trust_chain(self, allow: bool) -> Self {
            self.tls(|tls| tls.allow_partial_trust_chain(allow))
        }

        /// Certificates and public keys of which the peer's verified chain must hold one, on full
        /// and on resumed handshakes; default none.
        ///
        /// Pooling and resumption stay on: what was pinned is part of what may be shared.
        #[must_use]
        pub fn pins(self, pins: impl Into<$crate::Pins>) -> Self {
            let pins = pins.into();
            self.tls(|tls| tls.pins(pins))
        }

        /// The application protocols (RFC 7301), most wanted first. HTTP/1.1 is spoken whatever is
        /// agreed on, so only its own names make sense here; an empty list turns ALPN off.
        #[must_use]
        pub fn alpn_protocols<I>(self, protocols: I) -> Self
        where
            I: IntoIterator,
            I::Item: AsRef<[u8]>,
        {
            self.tls(|tls| tls.alpn_protocols(protocols))
        }

        /// The oldest TLS version to speak; default TLS 1.2.
        #[must_use]
        pub fn min_version(self, version: $crate::TlsVersion) -> Self {
            self.tls(|tls| tls.parameters(|it| it.min_version(version)))
        }

        /// The newest TLS version to speak; default TLS 1.3.
        #[must_use]
        pub fn max_version(self, version: $crate::TlsVersion) -> Self {
            self.tls(|tls| tls.parameters(|it| it.max_version(version)))
        }

        /// The cipher suites as an OpenSSL expression, such as `ECDHE+AESGCM:!AES256`.
        ///
        /// Names starting with `TLS_` are TLS 1.3's. Suites that are known but not spoken here are
        /// passed over; if nothing is left, that is an error (`ERR_SSL_NO_CIPHER_MATCH`).
        #[must_use]
        pub fn ciphers(self, expression: impl Into<String>) -> Self {
            let expression = expression.into();
            self.tls(|tls| tls.parameters(|it| it.ciphers(expression)))
        }

        /// The signature schemes, such as `ECDSA+SHA256:rsa_pss_rsae_sha256`: what we sign with and
        /// what a peer may sign with.
        #[must_use]
        pub fn sigalgs(self, list: impl Into<String>) -> Self {
            let list = list.into();
            self.tls(|tls| tls.parameters(|it| it.sigalgs(list)))
        }

        /// The key exchange groups, most wanted first, such as `X25519:P-256`; `auto` is the
        /// default.
        #[must_use]
        pub fn ecdh_curve(self, list: impl Into<String>) -> Self {
            let list = list.into();
            self.tls(|tls| tls.parameters(|it| it.ecdh_curve(list)))
        }

        /// Whether the server's order of suites decides; default true at a server. A client has no
        /// say, and giving it there changes nothing, as in the module.
        #[must_use]
        pub fn honor_cipher_order(self, honor: bool) -> Self {
            self.tls(|tls| tls.parameters(|it| it.honor_cipher_order(honor)))
        }

        /// One protocol method by OpenSSL's name, such as `TLSv1_2_method`, instead of
        /// `min_version` and `max_version`.
        #[must_use]
        pub fn secure_protocol(self, method: impl Into<String>) -> Self {
            let method = method.into();
            self.tls(|tls| tls.parameters(|it| it.secure_protocol(method)))
        }

        /// OpenSSL's option bits (`SSL_OP_…`). Those that mean something here are honoured, those
        /// that are always so are accepted, all others refused by name.
        #[must_use]
        pub fn secure_options(self, bits: u64) -> Self {
            self.tls(|tls| tls.parameters(|it| it.secure_options(bits)))
        }

        /// Parameters for finite-field Diffie-Hellman: **refused**, since it is not offered here.
        #[must_use]
        pub fn dhparam(self, pem: impl Into<Vec<u8>>) -> Self {
            let pem = pem.into();
            self.tls(|tls| tls.parameters(|it| it.dhparam(pem)))
        }

        /// An OpenSSL engine for client certificates: **refused**, there are none here.
        #[must_use]
        pub fn client_cert_engine(self, name: impl Into<String>) -> Self {
            let name = name.into();
            self.tls(|tls| tls.parameters(|it| it.client_cert_engine(name)))
        }

        /// An OpenSSL engine for the private key: **refused**, there are none here.
        #[must_use]
        pub fn private_key_engine(self, name: impl Into<String>) -> Self {
            let name = name.into();
            self.tls(|tls| tls.parameters(|it| it.private_key_engine(name)))
        }

        /// The key within such an engine: **refused** with it.
        #[must_use]
        pub fn private_key_identifier(self, name: impl Into<String>) -> Self {
            let name = name.into();
            self.tls(|tls| tls.parameters(|it| it.private_key_identifier(name)))
        }

        /// The cryptography to use, instead of aws-lc: any provider of rustls, such as a FIPS one.
        ///
        /// A server then gives out no tickets unless its sessions are stored: only aws-lc's seal
        /// them.
        #[must_use]
        pub fn crypto_provider(
            self,
            provider: std::sync::Arc<rustls::crypto::CryptoProvider>,
        ) -> Self {
            self.tls(|tls| tls.parameters(|it| it.crypto_provider(provider)))
        }
    };
}

/// Options of a client, for all of an agent's requests or for one.
macro_rules! client_tls_setters {
    () => {
        $crate::tls_options::shared_tls_setters!();

        /// Whom to trust, instead of the bundled public authorities.
        #[must_use]
        pub fn ca(self, roots: $crate::Roots) -> Self {
            self.tls(|tls| tls.ca(roots.into_inner()))
        }

        /// Who we are: the certificate to show to servers that ask for one.
        #[must_use]
        pub fn identity(self, identity: $crate::Identity) -> Self {
            self.tls(|tls| tls.identity(identity.into_inner()))
        }

        /// The name to ask for (SNI, RFC 6066 §3), and that the certificate must be valid for.
        ///
        /// Default: the host of the caller's own `Host` field if there is one, else of the URL. An
        /// empty name sends no SNI; the certificate is then checked against the host.
        #[must_use]
        pub fn servername(mut self, name: impl Into<String>) -> Self {
            let name = name.into();
            let send = !name.is_empty();
            self.servername = Some(name);
            self.tls(|tls| tls.send_servername(send))
        }

        /// The caller's own check of the server's identity, **instead of** the name check.
        ///
        /// It gets the host and the server's certificate, on full and on resumed handshakes, after
        /// the chain was verified and before an octet of a request leaves. A check that only adds
        /// something asks [`check_server_identity`](crate::check_server_identity) first.
        ///
        /// Two checks cannot be compared: connections and sessions are shared by requests with the
        /// very same one only, so make it once for an agent.
        #[must_use]
        pub fn check_server_identity<F>(self, check: F) -> Self
        where
            F: Fn(&str, &$crate::PeerCertificate) -> std::result::Result<(), $crate::IdentityError>
                + Send
                + Sync
                + 'static,
        {
            self.identity_check($crate::IdentityCheck::new(check))
        }

        /// The same with a check that was made before, such as one that takes its time
        /// ([`IdentityCheck::later`](crate::IdentityCheck::later)).
        #[must_use]
        pub fn identity_check(self, check: $crate::IdentityCheck) -> Self {
            self.tls(|tls| tls.check_server_identity(check))
        }

        /// Whether connections can derive secrets for other protocols
        /// ([`export_keying_material`](crate::ConnectionInfo::export_keying_material)). Default:
        /// false, for a slower engine serves such connections.
        #[must_use]
        pub fn exporter(self, wanted: bool) -> Self {
            self.tls(|tls| tls.exporter(wanted))
        }

        /// **Dangerous when false**: talks to servers that cannot prove who they are.
        ///
        /// The connection then goes on, and its facts say `authorized()` false with the reason's
        /// code. Anyone on the way can read and change what is sent. Default true.
        #[must_use]
        pub fn reject_unauthorized(self, reject: bool) -> Self {
            self.tls(|tls| tls.reject_unauthorized(reject))
        }

        /// **Dangerous when true**: takes the subject's common name for a server's name where a
        /// certificate has no alternative names. Default false.
        ///
        /// Authorities do not check common names as they check alternative ones (RFC 9525 §6.3).
        #[must_use]
        pub fn accept_common_name(self, accept: bool) -> Self {
            self.tls(|tls| tls.accept_common_name(accept))
        }
    };
}

/// Options of a server, or of one of its contexts.
macro_rules! server_tls_setters {
    () => {
        $crate::tls_options::shared_tls_setters!();

        /// Whether clients are asked for a certificate; default no. True requires one.
        ///
        /// Its authorities must be given with `ca`.
        #[must_use]
        pub fn request_cert(self, request: impl Into<$crate::RequestCert>) -> Self {
            let request = request.into();
            self.tls(|tls| tls.request_cert(request))
        }

        /// Whom to trust about clients' certificates; there is no default.
        #[must_use]
        pub fn ca(self, roots: $crate::Roots) -> Self {
            self.tls(|tls| tls.ca(roots.into_inner()))
        }

        /// The program's own check of a client's identity, after its chain was verified, on full
        /// and on resumed handshakes. Its host is empty; a client without a certificate is not
        /// asked about.
        #[must_use]
        pub fn check_client_identity(self, check: $crate::IdentityCheck) -> Self {
            self.tls(|tls| tls.check_client_identity(check))
        }

        /// How long a TLS session may be resumed after it was made, or taken up by a ticket, which
        /// gives a new one with its own time; default 2 hours, at most a week, zero turns
        /// resumption off.
        #[must_use]
        pub fn session_timeout(self, limit: std::time::Duration) -> Self {
            self.tls(|tls| tls.session_timeout(limit))
        }

        /// Keeps TLS sessions in a store of the program's instead of in the clients' tickets.
        #[must_use]
        pub fn session_store(self, store: std::sync::Arc<dyn $crate::SessionStore>) -> Self {
            self.tls(|tls| tls.session_store(store))
        }

        /// What sessions are for, at most 32 octets: one made under another value is not resumed.
        #[must_use]
        pub fn session_id_context(self, context: impl Into<Vec<u8>>) -> Self {
            let context = context.into();
            self.tls(|tls| tls.parameters(|it| it.session_id_context(context)))
        }

        /// A hint for pre-shared keys: **refused**, since they are not offered here.
        #[must_use]
        pub fn psk_identity_hint(self, hint: impl Into<String>) -> Self {
            let hint = hint.into();
            self.tls(|tls| tls.parameters(|it| it.psk_identity_hint(hint)))
        }

        /// An OCSP response in DER to staple for clients that ask for one; default none.
        #[must_use]
        pub fn ocsp_response(self, der: impl Into<Vec<u8>>) -> Self {
            let der = der.into();
            self.tls(|tls| tls.ocsp_response(der))
        }

        /// **Dangerous when false**, where clients are asked for certificates: lets those in that
        /// cannot prove who they are.
        ///
        /// The facts of their requests say `authorized()` false with the reason's code. Default
        /// true.
        #[must_use]
        pub fn reject_unauthorized(self, reject: bool) -> Self {
            self.tls(|tls| tls.reject_unauthorized(reject))
        }
    };
}

pub(crate) use {client_tls_setters, server_tls_setters, shared_tls_setters};
