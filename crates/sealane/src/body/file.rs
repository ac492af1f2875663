//! A file as the source of a body: opened once, read as the reader asks, of fixed length.

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use crate::error::{Error, ErrorKind, Phase, Result};

/// Reads a file from its start to the length it had when it was opened.
pub(super) struct FileReader {
    file: File,
    remaining: u64,
    buffer: Vec<u8>,
}

impl FileReader {
    pub(super) async fn open(path: &Path) -> Result<Self> {
        let shown = format!("body file {:?}", path.display().to_string());
        let failed = |error| Error::io(Phase::Setup, &shown, error);
        let file = File::open(path).await.map_err(failed)?;
        let metadata = file.metadata().await.map_err(failed)?;
        if !metadata.is_file() {
            let kind = std::io::ErrorKind::IsADirectory;
            return Err(failed(kind.into()));
        }
        Ok(Self {
            file,
            remaining: metadata.len(),
            buffer: Vec::new(),
        })
    }

    pub(super) fn remaining(&self) -> u64 {
        self.remaining
    }

    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(self.remaining).unwrap_or(PIECE).min(PIECE);
        self.buffer.resize(wanted, 0);
        let mut space = ReadBuf::new(&mut self.buffer);
        if let Err(error) = ready!(Pin::new(&mut self.file).poll_read(context, &mut space)) {
            return Poll::Ready(Some(Err(Error::io(
                Phase::SendBody,
                "reading the body file",
                error,
            ))));
        }
        let read = space.filled().len();
        if read == 0 {
            let text = format!("the body file ended {} octets short", self.remaining);
            self.remaining = 0;
            let error = Error::new(ErrorKind::Body, Phase::SendBody, text);
            return Poll::Ready(Some(Err(error)));
        }
        self.remaining -= read as u64;
        self.buffer.truncate(read);
        Poll::Ready(Some(Ok(Bytes::from(std::mem::take(&mut self.buffer)))))
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReader")
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

/// Octets read at a time: one turn's worth of a connection (engine decision 6).
const PIECE: usize = 64 * 1024;
