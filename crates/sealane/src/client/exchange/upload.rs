//! The request's way out: from its body through the outbox to the socket.

use std::pin::Pin;
use std::task::{Context, Poll};

use sealane_proto::{CloseReason, ProtocolError};
use tokio::time::Instant;

use super::{Exchange, Progress, lost};
use crate::client::connection::Connection;
use crate::driver::{Outbox, TURN, let_others_run};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::transport::TransportError;

impl Exchange {
    /// Sends the rest of the request though its response has begun; ready when it has left, or when
    /// the server takes no more.
    pub(super) fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let mut budget = TURN;
        self.poll_upload(context, &mut budget)?;
        let outbox = self.held.as_ref().map(|(connection, _)| &connection.outbox);
        if self.upload.is_none() && outbox.is_none_or(Outbox::is_empty) {
            return Poll::Ready(Ok(()));
        }
        if budget < TURN {
            self.still_since = None;
        }
        if budget == 0 {
            let_others_run(context);
            return Poll::Pending;
        }
        if let Poll::Ready(Err(error)) = self.poll_alarm(context) {
            self.give_up_upload(error);
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }

    /// Sends what is left of the request, as far as body, socket and budget allow.
    pub(super) fn poll_upload(
        &mut self,
        context: &mut Context<'_>,
        budget: &mut usize,
    ) -> Result<()> {
        loop {
            self.fill_outbox(context)?;
            let Some((connection, _)) = &mut self.held else {
                return Ok(());
            };
            let Connection { stream, outbox, .. } = &mut **connection;
            let waiting = !outbox.is_empty();
            self.sent |= waiting;
            match outbox.poll_send(stream, context, budget) {
                Poll::Ready(Ok(true)) if !waiting => break,
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Ok(()),
                Poll::Pending => return Ok(()),
                Poll::Ready(Err(error)) => {
                    self.upload_broke(error);
                    return Ok(());
                }
            }
        }
        if self.upload.is_none() && self.head_by.is_none() && self.progress == Progress::Head {
            let limit = self.limits.head;
            self.head_by = limit.and_then(|limit| Instant::now().checked_add(limit));
        }
        Ok(())
    }

    /// Takes from the request's body what there is room for.
    fn fill_outbox(&mut self, context: &mut Context<'_>) -> Result<()> {
        while let (Some(body), Some((connection, _))) = (&mut self.upload, &mut self.held) {
            let Connection { http, outbox, .. } = &mut **connection;
            if !outbox.has_room() {
                return Ok(());
            }
            match http_body::Body::poll_frame(Pin::new(body), context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(Err(error))) => return Err(error),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) => {
                        let sized = http.send_data(piece.len(), outbox.plain());
                        outbox.push(piece, sized.map_err(misfit)?);
                    }
                    Err(frame) => {
                        let trailers = frame.into_trailers().ok();
                        let ended = http.send_end(trailers.as_ref(), outbox.plain());
                        ended.map_err(misfit)?;
                        self.upload = None;
                    }
                },
                Poll::Ready(None) => {
                    http.send_end(None, outbox.plain()).map_err(misfit)?;
                    self.upload = None;
                }
            }
        }
        Ok(())
    }

    /// The request cannot be sent any further; its answer may still be on its way.
    fn upload_broke(&mut self, error: TransportError) {
        if let Some((_, lease)) = &self.held {
            let what = format!("sending a request to {}", lease.key());
            let error = lost(Phase::SendBody, &what, error);
            self.give_up_upload(error);
        }
        self.died = true;
    }

    fn give_up_upload(&mut self, why: Error) {
        self.upload = None;
        self.broken = Some(why);
        if let Some((connection, _)) = &mut self.held {
            connection.outbox = Outbox::default();
            connection.http.abandon_body();
            let why = CloseReason::BodyAbandoned;
            connection.http.close_after_exchange(why);
        }
    }
}

/// A body that contradicts what its request's head has said of it.
fn misfit(error: ProtocolError) -> Error {
    Error::new(ErrorKind::Body, Phase::SendBody, error.to_string())
        .with_code(error.code())
        .with_source(error)
}
