//! `sealane cert`: a certificate and its private key for names of one's own, as PEM files or
//! PKCS#12.
//!
//! Self-signed, or signed by an authority that is given. What an authority has to be is judged in
//! `issuer`, what a name may be in `name`, how the two files come to be in `files`.

pub mod files;
pub mod issuer;
pub mod name;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use rcgen::{CertificateParams, KeyPair};
use sealane::write_pfx;
use time::{Date, Duration, OffsetDateTime};
use zeroize::{Zeroize, Zeroizing};

use crate::cert::files::Pair;
use crate::cert::issuer::Issuer;
use crate::cert::name::Name;
use crate::certificate;
use crate::error::{Ended, Failure, Result};
use crate::flags;
use crate::secret_file;
use crate::terminal::{note, say, shell_quote};

#[cfg(test)]
mod tests;

/// The options of `sealane cert`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CertArgs {
    /// What the certificate is for: host names, *.example.com, IP addresses; at most 100.
    ///
    /// The first one also becomes the subject's common name and the name of the files.
    #[arg(value_name = "NAME", required = true)]
    names: Vec<Name>,

    /// How many days it is valid, 1 to 3650; never longer than the authority that signs it.
    #[arg(long, value_name = "DAYS", default_value_t = 365, help_heading = WHAT,
          value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,

    /// Make an RSA key of 2048 bits, for clients that know no ECDSA. [default: ECDSA on P-256]
    #[arg(long, help_heading = WHAT)]
    rsa: bool,

    /// The certificate of the authority that signs, in PEM; intermediates may follow it.
    #[arg(long, value_name = "FILE", requires = "ca_key", help_heading = WHAT)]
    ca: Option<PathBuf>,

    /// The private key of that authority, in PEM (PKCS#8, SEC1 or PKCS#1), not encrypted.
    #[arg(long, value_name = "FILE", requires = "ca", help_heading = WHAT)]
    ca_key: Option<PathBuf>,

    /// The folder for both files, NAME.pem and NAME-key.pem. [default: this folder]
    #[arg(long, value_name = "DIR", help_heading = WHERE)]
    out_dir: Option<PathBuf>,

    /// Where the certificate goes, instead of NAME.pem in the folder.
    #[arg(long, value_name = "FILE", help_heading = WHERE)]
    cert_out: Option<PathBuf>,

    /// Where the private key goes, instead of NAME-key.pem in the folder.
    #[arg(long, value_name = "FILE", help_heading = WHERE)]
    key_out: Option<PathBuf>,

    /// Put certificate and private key into this PKCS#12 file (.pfx, .p12) instead of writing the
    /// key as PEM. Clients still get the certificate from NAME.pem.
    #[arg(long, value_name = "FILE", requires = "passphrase_file", conflicts_with = "key_out",
          help_heading = WHERE)]
    pfx: Option<PathBuf>,

    /// The file whose first line is the passphrase for --pfx; - is standard input.
    #[arg(long, value_name = "FILE", requires = "pfx", help_heading = WHERE)]
    passphrase_file: Option<PathBuf>,
}

/// What a person tries first.
const EXAMPLES: &str = "\
Examples:
  sealane cert localhost 127.0.0.1 ::1       localhost.pem and localhost-key.pem
  sealane serve --cert localhost.pem --key localhost-key.pem
  sealane get --cacert localhost.pem https://localhost:8443/

  sealane cert files.example '*.files.example' --days 90 --out-dir /etc/ssl/own
  sealane cert files.example --ca authority.pem --ca-key authority-key.pem
  sealane cert files.example --pfx files.pfx --passphrase-file passphrase

The private key can be read by its owner only. Exit codes: 0 made, 1 not made, 2 wrong arguments.";

/// The heading of the options that say what is made.
const WHAT: &str = "Certificate";

/// The heading of the options that say where it goes.
const WHERE: &str = "Files";

/// Makes and writes the pair.
///
/// # Errors
/// When a name, the authority or a file cannot be used; then nothing is left behind.
pub fn run(args: &CertArgs) -> Result<Ended> {
    let now = OffsetDateTime::now_utc();
    let names = name::distinct(&args.names)?;
    let [cert, key] = args.paths(&names[0])?;
    let issuer = args.issuer(now)?;
    if let Some(issuer) = &issuer {
        issuer.permits(&names)?;
    }
    // Refused before the work is done, and again, without a gap, when the files are made.
    files::must_be_free(&[&cert, &key])?;
    let passphrase = args.passphrase()?;
    let made = make(&names, args.rsa, args.days, issuer.as_ref(), now)?;
    let packed = match &passphrase {
        Some(passphrase) => Some(made.pack(&names[0], passphrase)?),
        None => None,
    };
    Pair {
        cert: &cert,
        cert_text: &made.cert,
        key: &key,
        key_octets: packed.as_deref().unwrap_or(made.key.as_bytes()),
    }
    .write()?;
    if let Some(wanted) = made.wanted {
        note(&format!(
            "note: it ends on {}, not on {wanted}, because the authority ends then",
            made.ends
        ));
    }
    say(&told(&names, [&cert, &key], args, made.ends));
    Ok(Ended::Done)
}

impl CertArgs {
    /// Where certificate and key go.
    fn paths(&self, first: &Name) -> Result<[PathBuf; 2]> {
        let both = self.cert_out.is_some() && (self.key_out.is_some() || self.pfx.is_some());
        if self.out_dir.is_some() && both {
            let message = "--out-dir has no use when the places of both files are given";
            return Err(Failure::usage(message));
        }
        let folder = self.out_dir.as_deref().unwrap_or(Path::new(""));
        let stem = first.stem();
        let place = |given: &Option<PathBuf>, end: &str| {
            let own = || folder.join(format!("{stem}{end}"));
            given.clone().unwrap_or_else(own)
        };
        let cert = place(&self.cert_out, ".pem");
        let key = match &self.pfx {
            Some(file) => file.clone(),
            None => place(&self.key_out, "-key.pem"),
        };
        if cert == key {
            let message = "certificate and private key cannot go to the same file";
            return Err(Failure::usage(message).hint("only the certificate is for others to read"));
        }
        Ok([cert, key])
    }

    /// The passphrase for a PKCS#12 file, if there is to be one.
    fn passphrase(&self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let read = self.passphrase_file.as_deref().map(secret_file::passphrase);
        match read.transpose()? {
            Some(empty) if empty.is_empty() => Err(Failure::new(
                "the passphrase is empty, and would protect no private key",
            )),
            other => Ok(other),
        }
    }

    /// The authority that signs, if there is to be one.
    fn issuer(&self, now: OffsetDateTime) -> Result<Option<Issuer>> {
        let files = self.ca.as_deref().zip(self.ca_key.as_deref());
        files
            .map(|(cert, key)| Issuer::read(cert, key, now))
            .transpose()
    }
}

/// A certificate and its key, not yet written.
struct Made {
    /// The certificate, followed by what a server has to send with it.
    cert: String,
    /// The private key.
    key: Zeroizing<String>,
    /// The last day.
    ends: Date,
    /// The last day that was asked for, where the authority ends earlier.
    wanted: Option<Date>,
}

impl Made {
    /// Packs both into a PKCS#12 file.
    fn pack(&self, name: &Name, passphrase: &[u8]) -> Result<Vec<u8>> {
        let packed = write_pfx(
            &self.cert,
            self.key.as_bytes(),
            &name.to_string(),
            passphrase,
        );
        packed.map_err(|error| Failure::new(flags::said(&error)))
    }
}

/// Makes a key and a certificate for these names.
fn make(
    names: &[Name],
    rsa: bool,
    days: u16,
    issuer: Option<&Issuer>,
    now: OffsetDateTime,
) -> Result<Made> {
    let wanted = now + Duration::days(days.into());
    let ends = issuer.map_or(wanted, |issuer| issuer.ends().min(wanted));
    let text = names[0].to_string();
    let params = certificate::for_server(&text, name::alternatives(names)?, now, ends);
    let algorithm = if rsa {
        &rcgen::PKCS_RSA_SHA256
    } else {
        &rcgen::PKCS_ECDSA_P256_SHA256
    };
    let mut key = KeyPair::generate_for(algorithm)
        .map_err(|error| Failure::new(format!("cannot make a private key: {error}")))?;
    let cert = sign(&params, &key, issuer)?;
    let made = Made {
        cert,
        key: Zeroizing::new(key.serialize_pem()),
        ends: ends.date(),
        wanted: (ends < wanted).then(|| wanted.date()),
    };
    key.zeroize();
    Ok(made)
}

/// Signs a certificate for a key, by that key or by an authority.
fn sign(params: &CertificateParams, key: &KeyPair, issuer: Option<&Issuer>) -> Result<String> {
    let Some(issuer) = issuer else {
        let signed = params.self_signed(key);
        return signed
            .map(|certificate| certificate.pem())
            .map_err(|error| Failure::new(format!("cannot sign the certificate: {error}")));
    };
    issuer.sign(params, key)
}

/// What is said when both files stand.
fn told(names: &[Name], [cert, key]: [&Path; 2], args: &CertArgs, ends: Date) -> String {
    let list: Vec<_> = names.iter().map(Name::to_string).collect();
    let (cert, key) = (shell_quote(cert), shell_quote(key));
    let (what, how) = match &args.passphrase_file {
        None => ("its private key", format!("--cert {cert} --key {key}")),
        Some(file) => (
            "with its private key the PKCS#12 file",
            format!("--pfx {key} --passphrase-file {}", shell_quote(file)),
        ),
    };
    let mut out = format!(
        "Wrote the certificate {cert} and {what} {key}.\n\
         It is for {} and ends on {ends}.\n\nTry it:\n  sealane serve {how}\n",
        list.join(", "),
    );
    if names[0].is_local() {
        let trusted = args.ca.as_deref().map_or(cert, shell_quote);
        let host = names[0].in_url();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  sealane get --cacert {trusted} https://{host}:8443/");
    }
    out
}
