//! Who may come: the certificates that a server asks of its clients.
//!
//! Which policies there are; how certificates are verified the library knows.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sealane::{RequestCert, Roots, ServerOptions};

use crate::credentials::crl;
use crate::error::{Failure, Result};
use crate::flags;

/// Who may come.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Client certificates")]
pub struct ClientAuthArgs {
    /// Ask clients for a certificate that these authorities signed, in PEM.
    #[arg(long, value_name = "FILE")]
    pub client_ca: Option<PathBuf>,

    /// What becomes of clients without one. [default: required with --client-ca]
    #[arg(long, value_name = "POLICY")]
    pub client_cert: Option<ClientCert>,

    /// Refuse client certificates that one of these lists revokes (CRL, in PEM). May be given
    /// several times; every authority of a chain then needs a current list.
    #[arg(long = "client-crl", value_name = "FILE", requires = "client_ca")]
    pub client_crls: Vec<PathBuf>,
}

/// What becomes of clients without a certificate that convinces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClientCert {
    /// Without one nobody comes in; a wrong one is refused.
    Required,
    /// Without one anybody comes in; a wrong one is refused.
    Optional,
    /// Anybody comes in; what is wrong with the certificate is told to the application.
    Unverified,
}

impl ClientAuthArgs {
    /// Adds what was given to a server's options.
    ///
    /// # Errors
    /// When a file cannot be used, and when certificates are to be verified by nobody.
    pub(super) fn add(&self, mut options: ServerOptions) -> Result<ServerOptions> {
        let failed = |error: sealane::Error| Failure::new(flags::said(&error));
        let policy = match (&self.client_ca, self.client_cert) {
            (None, None) => return Ok(options),
            (None, Some(ClientCert::Required | ClientCert::Optional)) => {
                return Err(Failure::usage(
                    "--client-cert needs to know who signs them: give --client-ca FILE",
                ));
            }
            (_, policy) => policy.unwrap_or(ClientCert::Required),
        };
        if let Some(file) = &self.client_ca {
            options = options.ca(Roots::from_pem_file(file).map_err(failed)?);
        }
        if let Some(crl) = crl(&self.client_crls).map_err(failed)? {
            options = options.crl(crl);
        }
        Ok(match policy {
            ClientCert::Required => options.request_cert(RequestCert::Required),
            ClientCert::Optional => options.request_cert(RequestCert::Optional),
            ClientCert::Unverified => options
                .request_cert(RequestCert::Optional)
                .reject_unauthorized(false),
        })
    }
}
