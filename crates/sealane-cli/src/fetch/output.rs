//! Where a response goes: standard output, or a file that gets its name when it is whole.
//!
//! Every failure here is one of what was asked for, so its exit code is that of wrong arguments.

mod partial;
mod resume;
pub(super) mod progress;

use std::fs;
use std::io::{self, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue, Response};
use http_body::Body as _;
use sealane::Body;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, Stdout};

use crate::error::{Failure, Result, USAGE, reason};
use crate::fetch::Stop;
use crate::fetch::escape::Escape;
use crate::fetch::options::ClientArgs;
use crate::fetch::output::partial::{Growing, Next, Partial};
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
    /// What is here of a file that is gone on with, until an answer says what becomes of it.
    partial: Option<Partial>,
    /// The file that is gone on with.
    growing: Option<Box<Growing>>,
    /// Whether nothing is told beside errors.
    silent: bool,
    /// Whether a bar may show how far the file is.
    bar: bool,
    /// The bar.
    progress: Option<Progress>,
}

impl Output {
    /// Opens what these options name, for what is at a URL.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) async fn open(args: &ClientArgs, url: &str) -> Result<Self> {
        let (mut target, mut partial) = (None, None);
        match (file(args), args.shown.continue_at) {
            (Some(path), Some(at)) => partial = Some(Partial::find(path, at, url)?),
            (Some(path), None) => {
                let opened = Target::open(path).await;
                target = Some(opened.map_err(|it| it.exit(USAGE))?);
            }
            (None, _) => {}
        }
        let silent = args.shown.silent;
        Ok(Self {
            standard: tokio::io::stdout(),
            escape: io::stdout().is_terminal().then(Escape::default),
            bar: file(args).is_some() && !silent && io::stderr().is_terminal(),
            file: target,
            partial,
            growing: None,
            silent,
            progress: None,
        })
    }

    /// The fields that ask for what is missing.
    pub(super) fn fields(&self) -> Vec<(HeaderName, HeaderValue)> {
        let partial = self.partial.as_ref();
        partial.map_or_else(Vec::new, |partial| partial.kept.fields())
    }

    /// Makes of an answer what it means for a file that is gone on with.
    ///
    /// # Errors
    /// When it makes no sense, is none that brings the file, or the file cannot be written.
    pub(super) fn take(&mut self, response: &Response<Body>, url: &str) -> Result<Step> {
        let Some(partial) = &mut self.partial else {
            return Ok(Step::Write);
        };
        let length = response.body().size_hint().exact();
        let (status, fields) = (response.status(), response.headers());
        match partial.answered(status, fields, length, self.silent)? {
            Some(Next::Write(growing)) => self.growing = Some(growing),
            Some(Next::Again) => return Ok(Step::AskAgain),
            Some(Next::Done) => return Ok(Step::Done),
            None => {
                let status = super::show::status(response);
                return Err(Failure::new(format!("{url} was answered with {status}")));
            }
        }
        self.partial = None;
        Ok(Step::Write)
    }

    /// Writes the head, escaped already, to standard output.
    pub(super) async fn head(&mut self, text: &str) -> std::result::Result<(), Stop> {
        print(&mut self.standard, text.as_bytes()).await
    }

    /// Begins the body, of this length if it is known.
    pub(super) fn begin(&mut self, length: Option<u64>) {
        let (here, length) = match &self.growing {
            Some(growing) => (growing.length(), growing.total()),
            None => (0, length),
        };
        self.progress = self.bar.then(|| Progress::begin(here, length));
    }

    /// Writes a piece of the body.
    pub(super) async fn write(&mut self, piece: &[u8]) -> std::result::Result<(), Stop> {
        if let Some(progress) = &self.progress {
            progress.add(piece.len());
        }
        if let Some(growing) = &mut self.growing {
            return Ok(growing.write(piece).await?);
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
        if let Some(growing) = self.growing.take() {
            return Ok(growing.finish().await?);
        }
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

/// What is to be done with an answer.
pub(super) enum Step {
    /// Write its body.
    Write,
    /// Ask once more, for the whole.
    AskAgain,
    /// Nothing: all is here.
    Done,
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
