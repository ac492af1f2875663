//! Whom a client trusts and who it is: the options that every client subcommand shares.
//!
//! One table, so that they cannot drift apart. What the values mean the library says; how they
//! become options of agents is `trust`'s work.

use std::path::PathBuf;

use clap::Args;

use crate::credentials::Files;

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

/// The heading of trust and identity.
pub(super) const TRUST: &str = "Trust and identity";
