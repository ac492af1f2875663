//! What TLS may use: versions, cipher suites, groups, signature schemes; the same for both sides.
//!
//! What the texts mean, and which of them say nothing, the library says.

use clap::{Args, ValueEnum};
use sealane::{AgentOptions, ServerOptions, TlsVersion};

/// What TLS may use.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "TLS")]
pub struct ParameterArgs {
    /// The oldest TLS version to speak. [default: 1.2]
    #[arg(long, value_name = "VERSION")]
    pub tls_min: Option<Version>,

    /// The newest TLS version to speak. [default: 1.3]
    #[arg(long, value_name = "VERSION")]
    pub tls_max: Option<Version>,

    /// The cipher suites, as openssl ciphers takes them: 'ECDHE+AESGCM:!AES256', or names.
    ///
    /// Names that begin with TLS_ are suites of TLS 1.3.
    #[arg(long, value_name = "EXPRESSION")]
    pub ciphers: Option<String>,

    /// The groups of the key exchange, most wanted first, such as X25519:P-256.
    #[arg(long, value_name = "LIST")]
    pub curves: Option<String>,

    /// The signature schemes, such as ECDSA+SHA256:rsa_pss_rsae_sha256.
    #[arg(long, value_name = "LIST")]
    pub sigalgs: Option<String>,
}

/// A version of TLS that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Version {
    /// RFC 5246.
    #[value(name = "1.2")]
    Tls12,
    /// RFC 8446.
    #[value(name = "1.3")]
    Tls13,
}

impl From<Version> for TlsVersion {
    fn from(version: Version) -> Self {
        match version {
            Version::Tls12 => Self::V1_2,
            Version::Tls13 => Self::V1_3,
        }
    }
}

impl ParameterArgs {
    /// Adds what was given to a client's options.
    pub fn client(&self, mut options: AgentOptions) -> AgentOptions {
        if let Some(version) = self.tls_min {
            options = options.min_version(version.into());
        }
        if let Some(version) = self.tls_max {
            options = options.max_version(version.into());
        }
        if let Some(expression) = &self.ciphers {
            options = options.ciphers(expression);
        }
        if let Some(list) = &self.curves {
            options = options.ecdh_curve(list);
        }
        if let Some(list) = &self.sigalgs {
            options = options.sigalgs(list);
        }
        options
    }

    /// Adds what was given to a server's options.
    pub fn server(&self, mut options: ServerOptions) -> ServerOptions {
        if let Some(version) = self.tls_min {
            options = options.min_version(version.into());
        }
        if let Some(version) = self.tls_max {
            options = options.max_version(version.into());
        }
        if let Some(expression) = &self.ciphers {
            options = options.ciphers(expression);
        }
        if let Some(list) = &self.curves {
            options = options.ecdh_curve(list);
        }
        if let Some(list) = &self.sigalgs {
            options = options.sigalgs(list);
        }
        options
    }
}
