//! Whom a client trusts and who it is: the options that every client subcommand shares.
//!
//! One table, so that they cannot drift apart. What the values mean the library says; how they
//! become options of agents is `trust`'s work.

use std::path::PathBuf;

use clap::Args;
use sealane::Pin;

use crate::credentials::Files;
use crate::key_log::KeyLogArgs;
use crate::parameters::ParameterArgs;
use crate::terminal::visible;

#[cfg(test)]
mod tests;

/// Whom to trust, and who to be.
#[derive(Debug, Clone, Default, Args)]
pub struct TlsArgs {
    /// Trust these certificates in PEM and no others.
    ///
    /// Without it, those are trusted that come with the program (Mozilla's), those of this system,
    /// and for localhost the local authority of sealane serve.
    #[arg(long, alias = "ca", value_name = "FILE", help_heading = TRUST)]
    pub cacert: Option<PathBuf>,

    /// Where the local authority is. [default: sealane in the user's data folder] [env:
    /// SEALANE_DATA_DIR]
    #[arg(long, value_name = "DIR", conflicts_with = "cacert", help_heading = TRUST)]
    pub data_dir: Option<PathBuf>,

    /// Refuse certificates that one of these lists revokes (CRL, in PEM). May be given several
    /// times; every authority of a chain then needs a current list.
    #[arg(long = "crl", value_name = "FILE", help_heading = TRUST)]
    pub crls: Vec<PathBuf>,

    /// Take every certificate of --cacert for an anchor, even one that another one signed.
    #[arg(long, requires = "cacert", help_heading = TRUST)]
    pub allow_partial_chain: bool,

    /// The public key that the server must have: sha256//BASE64, or the SHA-256 fingerprint of its
    /// certificate (AB:CD:…). May be given several times; any one is enough.
    #[arg(long = "pin", value_name = "PIN", value_parser = pin, help_heading = TRUST)]
    pub pins: Vec<Pin>,

    /// Ask for this name instead of the URL's, and have the certificate prove it.
    #[arg(long, value_name = "NAME", help_heading = TRUST)]
    pub servername: Option<String>,

    /// The certificate chain to show to a server that asks for one, in PEM.
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "pfx",
          help_heading = TRUST)]
    pub cert: Option<PathBuf>,

    /// The private key that belongs to it, in PEM (PKCS#8, SEC1 or PKCS#1), encrypted or not.
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = TRUST)]
    pub key: Option<PathBuf>,

    /// Certificate chain and private key in one PKCS#12 file (.pfx, .p12).
    #[arg(long, value_name = "FILE", help_heading = TRUST)]
    pub pfx: Option<PathBuf>,

    /// The file whose first line is the passphrase of --key or --pfx; - is standard input.
    #[arg(long, value_name = "FILE", help_heading = TRUST)]
    pub passphrase_file: Option<PathBuf>,

    /// What TLS may use.
    #[command(flatten)]
    pub parameters: ParameterArgs,

    /// Whether secrets are logged.
    #[command(flatten)]
    pub key_log: KeyLogArgs,
}

impl TlsArgs {
    /// The files of the client's own identity.
    pub fn identity(&self) -> Files<'_> {
        Files {
            certs: self.cert.as_slice(),
            keys: self.key.as_slice(),
            pfx: self.pfx.as_slice(),
            passphrase: self.passphrase_file.as_deref(),
        }
    }

    /// Whether standard input is the passphrase's.
    pub fn takes_standard_input(&self) -> bool {
        self.passphrase_file.as_deref() == Some("-".as_ref())
    }
}

/// Reads a pin: of a public key, or of a certificate where it is in hexadecimal.
fn pin(text: &str) -> Result<Pin, String> {
    let hexadecimal = |octet: u8| octet.is_ascii_hexdigit() || octet == b':';
    // 32 octets in base64 are 44 characters, in hexadecimal 64 and more.
    let read = if text.len() >= 64 && text.bytes().all(hexadecimal) {
        Pin::certificate_sha256(text)
    } else {
        Pin::spki_sha256(text)
    };
    read.map_err(|error| {
        let said = error.to_string();
        let reason = said.strip_prefix("option pins: ").unwrap_or(&said);
        visible(reason).into_owned()
    })
}

/// The heading of trust and identity.
pub(super) const TRUST: &str = "Trust and identity";
