//! Where a response goes: standard output, or a file that gets its name when it is whole.
//!
//! Every failure here is one of what was asked for, so its exit code is that of wrong arguments.

pub(super) mod progress;

use std::fs;
use std::io::{self, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::{AsyncWriteExt, Stdout};

use crate::error::{Failure, Result, USAGE, reason};
use crate::fetch::Stop;
use crate::fetch::escape::Escape;
use crate::fetch::options::ClientArgs;
use crate::fetch::output::progress::Progress;
use crate::new_file::{beside, file_of_mode};

/// The file that a body goes to; `-` is standard output, as without the option.
pub(super) fn file(args: &ClientArgs) -> Option<&Path> {
    let path = args.shown.output.as_deref();
    path.filter(|path| *path != Path::new("-"))
}

#[cfg(test)]
mod tests;

/// Where the parts of one response go.
pub(super) struct Output {
    /// The program's standard output.
    standard: Stdout,
    /// How octets are made harmless, when standard output is a terminal.
    escape: Option<Escape>,
    /// The file for the body, if there is one.
    file: Option<Target>,
    /// Whether a bar may show how far the file is.
    bar: bool,
    /// The bar.
    progress: Option<Progress>,
}

impl Output {
    /// Opens what these options name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) async fn open(args: &ClientArgs) -> Result<Self> {
        let file = match file(args) {
            Some(path) => Some(Target::open(path).await.map_err(|it| it.exit(USAGE))?),
            None => None,
        };
        Ok(Self {
            standard: tokio::io::stdout(),
            escape: io::stdout().is_terminal().then(Escape::default),
            bar: file.is_some() && !args.shown.silent && io::stderr().is_terminal(),
            file,
            progress: None,
        })
    }

    /// Writes the head, escaped already, to standard output.
    pub(super) async fn head(&mut self, text: &str) -> std::result::Result<(), Stop> {
        print(&mut self.standard, text.as_bytes()).await
    }

    /// Begins the body, of this length if it is known.
    pub(super) fn begin(&mut self, length: Option<u64>) {
        self.progress = self.bar.then(|| Progress::begin(length));
    }

    /// Writes a piece of the body.
    pub(super) async fn write(&mut self, piece: &[u8]) -> std::result::Result<(), Stop> {
        if let Some(progress) = &self.progress {
            progress.add(piece.len());
        }
        match (&mut self.file, &mut self.escape) {
            (Some(file), _) => file.write(piece).await,
            (None, None) => print(&mut self.standard, piece).await,
            (None, Some(escape)) => {
                let text = escape.piece(piece);
                print(&mut self.standard, text.as_bytes()).await
            }
        }
    }

    /// Ends a body that is whole: a file gets its name.
    pub(super) async fn finish(mut self) -> std::result::Result<(), Stop> {
        if let (None, Some(escape)) = (&self.file, &mut self.escape) {
            let text = escape.end();
            print(&mut self.standard, text.as_bytes()).await?;
        }
        if let Some(file) = self.file.take() {
            file.finish().await?;
        }
        Ok(())
    }
}

/// Writes to standard output, at once.
async fn print(out: &mut Stdout, octets: &[u8]) -> std::result::Result<(), Stop> {
    let written = async {
        out.write_all(octets).await?;
        out.flush().await
    };
    written.await.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Stop::Unread,
        _ => {
            let message = format!("cannot write to standard output: {}", reason(&error));
            Failure::new(message).exit(USAGE).into()
        }
    })
}

/// A file for a body.
struct Target {
    /// The open file.
    file: File,
    /// The name it gets, for messages too.
    path: PathBuf,
    /// The name it has until then; nothing when it is written in place.
    draft: Option<Draft>,
}

impl Target {
    /// Opens a file beside the one that was named; a device or a pipe itself.
    async fn open(path: &Path) -> Result<Self> {
        let denied = |error: &io::Error| Failure::io("write to", path, error);
        let there = match fs::metadata(path) {
            Ok(facts) => Some(facts),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(denied(&error)),
        };
        let Some(facts) = there else {
            if fs::symlink_metadata(path).is_ok() {
                let message = format!("{} is a link that leads to nothing", path.display());
                return Err(Failure::new(message));
            }
            return Self::draft(path, 0o666).map_err(|error| told(&error, path));
        };
        if facts.is_dir() {
            let message = format!("{} is a folder", path.display());
            return Err(Failure::new(message).hint("name the file, too"));
        }
        if !facts.is_file() {
            // What has no content of its own cannot be replaced, and must not: think of /dev/null.
            let opened = File::options().write(true).open(path).await;
            return Ok(Self {
                file: opened.map_err(|error| denied(&error))?,
                path: path.to_owned(),
                draft: None,
            });
        }
        // Renaming asks only for the folder: a file that may not be written stays what it is.
        fs::OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(|error| denied(&error))?;
        // Through a link, the file behind it is the one to replace.
        let real = fs::canonicalize(path).map_err(|error| denied(&error))?;
        let target = Self::draft(&real, 0o600).map_err(|error| told(&error, path))?;
        let permitted = target.file.set_permissions(facts.permissions()).await;
        permitted.map_err(|error| denied(&error))?;
        Ok(target)
    }

    /// Makes a file beside another one, of this mode less the umask.
    fn draft(path: &Path, mode: u32) -> std::result::Result<Self, Beside> {
        let draft = beside(path, "part").map_err(Beside::Name)?;
        let opened = file_of_mode(mode).create_new(true).write(true).open(&draft);
        Ok(Self {
            file: File::from_std(opened.map_err(Beside::Open)?),
            path: path.to_owned(),
            draft: Some(Draft { path: draft }),
        })
    }

    /// Writes a piece.
    async fn write(&mut self, piece: &[u8]) -> std::result::Result<(), Stop> {
        let written = self.file.write_all(piece).await;
        written.map_err(|error| self.broken(&error))
    }

    /// Lets the file have its name, when all of it is on the disk.
    async fn finish(mut self) -> std::result::Result<(), Stop> {
        let Some(draft) = self.draft.take() else {
            return self.file.flush().await.map_err(|error| self.broken(&error));
        };
        let whole = async {
            self.file.flush().await?;
            self.file.sync_data().await?;
            tokio::fs::rename(&draft.path, &self.path).await
        };
        whole.await.map_err(|error| self.broken(&error))?;
        draft.keep();
        Ok(())
    }

    /// Says why it cannot be written.
    fn broken(&self, error: &io::Error) -> Stop {
        match (error.kind(), &self.draft) {
            (ErrorKind::BrokenPipe, None) => Stop::Unread,
            _ => Failure::io("write to", &self.path, error)
                .exit(USAGE)
                .into(),
        }
    }
}

/// Why there is no file beside another one.
enum Beside {
    /// There is no name for it.
    Name(Failure),
    /// The system refused it.
    Open(io::Error),
}

/// Says so.
fn told(why: &Beside, path: &Path) -> Failure {
    match why {
        Beside::Name(failure) => failure.clone(),
        Beside::Open(error) => Failure::io("write to", path, error),
    }
}

/// A file that goes away again unless it got its name.
struct Draft {
    /// Where it stands.
    path: PathBuf,
}

impl Draft {
    /// Lets it stay.
    fn keep(mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // Nothing more can be done here: the failure that led here is what is told.
            let _ = fs::remove_file(&self.path);
        }
    }
}
