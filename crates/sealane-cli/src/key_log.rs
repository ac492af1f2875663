//! Where the secrets of connections are logged, for whoever decrypts a capture (RFC 9850).
//!
//! Asked for by an option or by the environment's `SSLKEYLOGFILE`, which the library does not heed.
//! Each time it is said: a log that was left on by accident undoes all that TLS is for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use sealane::{KeyLog, KeyLogConnection, KeyLogFile, KeyLogLine};

use crate::error::{Failure, Result};
use crate::flags;
use crate::terminal::{note, visible};

/// Whether secrets are logged.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "TLS")]
pub struct KeyLogArgs {
    /// Append the secrets of each connection to this file, for Wireshark. Whoever has it can read
    /// everything. [env: SSLKEYLOGFILE]
    #[arg(long, value_name = "FILE")]
    pub keylog: Option<PathBuf>,
}

/// A log that several agents can share.
#[derive(Debug, Clone)]
pub struct SharedLog(Arc<KeyLogFile>);

impl KeyLog for SharedLog {
    fn log(&self, line: &KeyLogLine, connection: &KeyLogConnection) {
        self.0.log(line, connection);
    }
}

impl KeyLogArgs {
    /// Opens the log and says so, if there is to be one.
    ///
    /// # Errors
    /// When the file of the option cannot be written. That of the environment is then left alone:
    /// it was hardly meant for this command.
    pub fn open(&self) -> Result<Option<SharedLog>> {
        if let Some(file) = &self.keylog {
            let log = KeyLogFile::append(file);
            let log = log.map_err(|error| Failure::new(flags::said(&error)))?;
            return Ok(Some(opened(log, file, "--keylog")));
        }
        // Set but empty means unset, as for other programs that know it.
        let named = std::env::var_os(NAME).filter(|file| !file.is_empty());
        let Some(file) = named.map(PathBuf::from) else {
            return Ok(None);
        };
        match KeyLogFile::append(&file) {
            Ok(log) => Ok(Some(opened(log, &file, NAME))),
            Err(error) => {
                let said = flags::said(&error);
                note(&format!(
                    "note: {NAME}: {}; nothing is logged",
                    visible(&said)
                ));
                Ok(None)
            }
        }
    }
}

/// Says that secrets are logged, where, and by whose word.
fn opened(log: KeyLogFile, file: &Path, why: &str) -> SharedLog {
    let file = file.display().to_string();
    note(&format!(
        "warning: {why}: the secrets of every connection go to {}; whoever has that file can \
         decrypt them",
        visible(&file)
    ));
    SharedLog(Arc::new(log))
}

/// The environment's word for `--keylog`, known to browsers and curl.
const NAME: &str = "SSLKEYLOGFILE";
