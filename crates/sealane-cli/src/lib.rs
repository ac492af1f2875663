//! The sealane command line: arguments in, an exit code out.
//!
//! A front: it translates and decides nothing about HTTP or TLS. Reading the environment, printing
//! and waiting for Ctrl-C happen here and nowhere else in the project. One file per subcommand;
//! what the subcommands share lies below them.

// A module uses what is declared below it, never above.
pub mod serve;
pub mod echo;
pub mod get;
pub mod request;
pub mod inspect;
pub mod fetch;
pub mod cert;
pub mod launch;
pub mod banner;
pub mod options;
pub mod watch;
pub mod folder;
pub mod dev_ca;
pub mod certificate;
pub mod credentials;
pub mod parameters;
pub mod key_log;
pub mod inherited;
pub mod secret_file;
pub mod pem_file;
mod new_file;
mod interrupt;
pub mod data_folder;
pub mod address;
pub mod quantity;
pub mod flags;
pub mod error;
pub mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::error::{Ended, Failure, Result};
use crate::terminal::{note, visible};

#[cfg(test)]
mod tests;

/// HTTPS from the command line: serve a folder, debug a client, ask a server, make a certificate.
#[derive(Debug, Parser)]
#[command(name = "sealane", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// The subcommands; what is said of them here is what their help begins with.
#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a folder over HTTPS.
    ///
    /// Files are served with their types, ranges and conditions; a folder shows its index.html, or
    /// a list of what is in it. Nothing outside the folder can be reached: links that lead out do
    /// not exist for clients, nor do names that begin with a dot, unless --hidden is given. The
    /// server's own private keys are never served.
    Serve(serve::ServeArgs),
    /// Answer every request with what it was, over HTTPS.
    ///
    /// The answer is one line of text, METHOD TARGET LENGTH, where TARGET is the request target as
    /// it stood in the request line and LENGTH the octets of the body. A client that accepts
    /// application/json gets a description instead: the field lines in their order and letter case,
    /// the body's length and SHA-256, the trailer section, and what TLS agreed on.
    ///
    /// GET /bytes/N answers with N octets, GET /big with 8 MiB.
    Echo(echo::EchoArgs),
    /// Get what is at these URLs, over HTTPS.
    ///
    /// The bodies go to standard output, one after the other, as they arrive; on a terminal their
    /// control characters are shown, not obeyed. Connections are kept for the next URL. Redirects
    /// are followed with --location, and proxies of the environment are used with --proxy-env. All
    /// URLs are tried, whatever becomes of one of them.
    Get(get::GetArgs),
    /// Send one request of any method, over HTTPS.
    ///
    /// The body of the response goes to standard output as it arrives; on a terminal its control
    /// characters are shown, not obeyed. Redirects are followed with --location, and proxies of the
    /// environment are used with --proxy-env.
    Request(request::RequestArgs),
    /// Show who a server says it is, what TLS agrees on with it, and what is wrong.
    ///
    /// The certificates are shown even if the server cannot prove who it is: the reason stands
    /// beside them, and the exit code is 3. Two connections are opened, the second to see whether
    /// it resumes the session of the first; on each of them one request is sent, GET / with
    /// Connection: close, and nothing of its answer is read but the head.
    Inspect(inspect::InspectArgs),
    /// Make a certificate and its private key, as PEM files or PKCS#12.
    ///
    /// Without --ca the certificate is signed by itself: a client has to be given the file to trust
    /// it (sealane get --cacert). With --ca and --ca-key it is signed by that authority, and
    /// clients that trust the authority accept it. Either way it is for servers and can sign no
    /// other certificates.
    ///
    /// Files that exist are never overwritten.
    Cert(cert::CertArgs),
}

/// Runs the program with these arguments, the first of which is its own name.
///
/// The exit code is 0 after a proper end, 1 when something failed, 2 for a wrong command line, and
/// 130 when Ctrl-C cut what was running: the second one a server, the first one a client. Clients
/// also end with 3 and 4; their help says when.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            refuse(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match perform(&cli.command) {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Cut) => ExitCode::from(130),
        Ok(Ended::Failed(code)) => ExitCode::from(code),
        Err(failure) => {
            note(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Prints why arguments were not taken; help and the version come this way too.
fn refuse(error: &clap::Error) {
    let asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if asked_for {
        // A closed output is not our failure.
        let _ = error.print();
    } else {
        note(&harmless(error));
    }
}

/// The text of an error of clap's without control characters.
///
/// It repeats arguments as they came, and those may be names of files that somebody else made.
fn harmless(error: &clap::Error) -> String {
    let said = error.render().to_string();
    let lines: Vec<_> = said.trim_end().split('\n').map(visible).collect();
    lines.join("\n")
}

/// Performs a subcommand on a runtime of its own.
fn perform(command: &Command) -> Result<Ended> {
    // Before there are threads, and for those who listen only.
    let handed = match command {
        Command::Serve(_) | Command::Echo(_) => inherited::take()?,
        _ => Vec::new(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start the runtime: {error}")))?;
    let ended = runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::run(args, handed).await,
            Command::Echo(args) => echo::run(args, handed).await,
            Command::Get(args) => get::run(args).await,
            Command::Request(args) => request::run(args).await,
            Command::Inspect(args) => inspect::run(args).await,
            Command::Cert(args) => cert::run(args),
        }
    });
    // A read that hangs on a broken disk must not keep a program that was told to end.
    runtime.shutdown_background();
    ended
}

/// What a person tries first.
const EXAMPLES: &str = "\
Examples:
  sealane serve          this folder at https://localhost:8443/
  sealane echo           a server that says what it was asked
  sealane get https://localhost:8443/      what a server gives
  sealane inspect localhost:8443           its certificates, and what is wrong with them
  sealane cert localhost                   a certificate and its private key
  sealane serve --help   all about serving";
