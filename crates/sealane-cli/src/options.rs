//! The options that every serving subcommand shares: addresses, certificate, limits.
//!
//! One table for all of them, so that `serve` and `echo` cannot drift apart. Only translation
//! happens here: what the values mean, and what contradicts what, the library says.

use std::path::{Path, PathBuf};

use clap::Args;
use sealane::{Identity, ServerOptions};

use crate::address::ListenAddress;
use crate::credentials::Files;
use crate::data_folder;
use crate::dev_ca;
use crate::error::Result;
use crate::key_log::KeyLogArgs;
use crate::options::admission::AdmissionArgs;
use crate::options::clients::ClientAuthArgs;
use crate::options::limits::LimitArgs;
use crate::options::protocol::ProtocolArgs;
use crate::options::sockets::SocketArgs;
use crate::parameters::ParameterArgs;
use crate::secret_file;
use crate::watch::WatchArgs;

pub mod admission;
pub mod clients;
pub mod limits;
pub mod protocol;
pub mod sockets;

#[cfg(test)]
mod tests;

/// Where to listen, how to prove who one is, and what to put up with.
#[derive(Debug, Clone, Default, Args)]
pub struct ServerArgs {
    /// Where to listen: a port for this machine only, or HOST:PORT. May be given several times.
    ///
    /// A port alone (9000 or :9000) means 127.0.0.1 and ::1. Port 0 lets the system choose; the
    /// port is printed. Any other address can be reached by others and needs --cert and --key.
    /// [default: 8443]
    #[arg(long = "addr", value_name = "[HOST:]PORT", help_heading = WHERE)]
    pub addresses: Vec<ListenAddress>,

    /// The certificate chain in PEM, the server's own certificate first. May be given several
    /// times, such as for RSA beside ECDSA: each client is shown the first that it can verify.
    ///
    /// Without it, a certificate for localhost is made at each start, signed by a local authority
    /// that is made at the first start.
    #[arg(long = "cert", value_name = "FILE", requires = "keys", help_heading = WHERE)]
    pub certs: Vec<PathBuf>,

    /// The private key that belongs to the certificate, in PEM (PKCS#8, SEC1 or PKCS#1), encrypted
    /// or not. One for each --cert, in the same order.
    #[arg(long = "key", value_name = "FILE", requires = "certs", help_heading = WHERE)]
    pub keys: Vec<PathBuf>,

    /// Certificate chain and private key in one PKCS#12 file (.pfx, .p12). May be given several
    /// times, beside --cert too.
    #[arg(long, value_name = "FILE", help_heading = WHERE)]
    pub pfx: Vec<PathBuf>,

    /// The file whose first line is the passphrase of --key and --pfx; - is standard input.
    #[arg(long, value_name = "FILE", help_heading = WHERE)]
    pub passphrase_file: Option<PathBuf>,

    /// Where the local authority is kept; there is none with --cert or --pfx. [default: sealane in
    /// the user's data folder] [env: SEALANE_DATA_DIR]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["certs", "pfx"], help_heading = WHERE)]
    pub data_dir: Option<PathBuf>,

    /// Who may come.
    #[command(flatten)]
    pub clients: ClientAuthArgs,

    /// What TLS may use.
    #[command(flatten)]
    pub parameters: ParameterArgs,

    /// Whether secrets are logged.
    #[command(flatten)]
    pub key_log: KeyLogArgs,

    /// The keys that seal the tickets of sessions: a file of 48 random octets, the same on every
    /// server that shall resume them. [default: random, and changed from time to time]
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub ticket_keys: Option<PathBuf>,

    /// The limits.
    #[command(flatten)]
    pub limits: LimitArgs,

    /// Who is turned away at the door.
    #[command(flatten)]
    pub admission: AdmissionArgs,

    /// What a request may look like.
    #[command(flatten)]
    pub protocol: ProtocolArgs,

    /// How sockets are bound and set.
    #[command(flatten)]
    pub sockets: SocketArgs,

    /// What is told of it.
    #[command(flatten)]
    pub watch: WatchArgs,
}

impl ServerArgs {
    /// The addresses to listen at.
    pub fn addresses(&self) -> &[ListenAddress] {
        const DEFAULT: &[ListenAddress] = &[ListenAddress::DEFAULT];
        if self.addresses.is_empty() && self.sockets.paths.is_empty() {
            DEFAULT
        } else {
            &self.addresses
        }
    }

    /// The files of certificates of one's own.
    pub fn identity(&self) -> Files<'_> {
        Files {
            certs: &self.certs,
            keys: &self.keys,
            pfx: &self.pfx,
            passphrase: self.passphrase_file.as_deref(),
        }
    }

    /// Whether certificates of one's own were given.
    pub fn has_identity(&self) -> bool {
        !self.certs.is_empty() || !self.pfx.is_empty()
    }

    /// Where private keys and logs stand, in use or not: a shared folder may have them in it.
    pub fn secrets(&self) -> Vec<PathBuf> {
        let data = self.data_dir().ok();
        let authority = data.iter().flat_map(|data| dev_ca::secrets(data));
        let own = [&self.keys, &self.pfx].into_iter().flatten();
        let own = own.chain(&self.passphrase_file).chain(&self.ticket_keys);
        let own = own.chain(&self.key_log.keylog);
        let log = self.watch.file().map(Path::to_owned);
        own.cloned().chain(log).chain(authority).collect()
    }

    /// Options for a server with this identity; what was not given stays at the library's default.
    ///
    /// # Errors
    /// When a file that an option names cannot be used.
    pub fn options(&self, identity: Identity) -> Result<ServerOptions> {
        let options = self.limits.add(ServerOptions::new(identity))?;
        let options = self.protocol.add(options);
        let options = self.admission.add(self.sockets.add(options))?;
        let options = self.clients.add(self.parameters.server(options))?;
        let options = match self.key_log.open()? {
            Some(log) => options.key_log(log),
            None => options,
        };
        Ok(match &self.ticket_keys {
            Some(file) => {
                let keys = secret_file::exactly::<TICKET_KEYS>(file, "keys of tickets")?;
                options.ticket_keys(keys.as_slice())
            }
            None => options,
        })
    }

    /// The folder of the local authority.
    ///
    /// # Errors
    /// When the system does not say where the user's data is kept.
    pub fn data_dir(&self) -> Result<PathBuf> {
        data_folder::find(self.data_dir.as_deref())
    }
}

/// Sets an option that was given.
fn set<T>(
    options: ServerOptions,
    given: Option<T>,
    to: impl FnOnce(ServerOptions, T) -> ServerOptions,
) -> ServerOptions {
    match given {
        Some(value) => to(options, value),
        None => options,
    }
}

/// The octets of the keys of tickets: two keys and a name, of 16 each.
const TICKET_KEYS: usize = 48;

/// The heading of the first group in `--help`.
const WHERE: &str = "Address and certificate";
