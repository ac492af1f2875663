//! Bodies that are sent, counted as they leave, with a bar on a terminal.

use std::io::{self, IsTerminal};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use sealane::Body;

use crate::fetch::asked::Upload;
use crate::fetch::output::progress::Progress;

/// A body that counts what leaves of it; the bar goes away with it.
struct Counted {
    /// The body.
    body: Body,
    /// How much has left.
    sent: Arc<AtomicU64>,
    /// The bar.
    progress: Option<Progress>,
}

/// The body of a request, counted.
///
/// # Errors
/// When the file cannot be read.
pub(super) async fn body(
    upload: &Upload,
    sent: &Arc<AtomicU64>,
    silent: bool,
) -> sealane::Result<Body> {
    let body = upload.body().await?;
    let watched = match upload {
        // Whole from the start; as it is, the library can send it again on a fresh connection.
        Upload::Nothing | Upload::Text(_) => {
            let length = body.size_hint().exact().unwrap_or_default();
            sent.fetch_add(length, Ordering::Relaxed);
            return Ok(body);
        }
        Upload::File(_) => true,
        // Who types it sees it already.
        Upload::StandardInput => !io::stdin().is_terminal(),
    };
    let bar = watched && !silent && io::stderr().is_terminal();
    Ok(Body::new(Counted {
        progress: bar.then(|| Progress::begin(0, body.size_hint().exact())),
        body,
        sent: Arc::clone(sent),
    }))
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = sealane::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<sealane::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(piece) = frame.data_ref()
        {
            this.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            if let Some(progress) = &this.progress {
                progress.add(piece.len());
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
