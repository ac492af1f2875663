//! The request's way out: from its body through the outbox to the socket.

use std::pin::Pin;
use std::task::{Context, Poll};

use sealane_proto::{CloseReason, ProtocolError};
use tokio::time::Instant;

use super::failing::lost;
use super::{Exchange, LEAST_COST, Progress};
use crate::client::connection::Connection;
use crate::driver::{Outbox, TURN, let_others_run};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::transport::TransportError;

impl Exchange {
    /// Sends the rest of the request though its response has begun; ready when it has left, or when
    /// the server takes no more.
    pub(super) fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        if let Some(stopped) = self.stopped() {
            return Poll::Ready(Err(stopped));
        }
        let mut budget = TURN;
        self.poll_upload(context, &mut budget)?;
        self.watch_for_the_end(context, &mut budget);
        if self.ceased || (self.upload.is_none() && !self.is_leaving()) {
            return Poll::Ready(Ok(()));
        }
        if budget < TURN {
            self.still_since = None;
        }
        if budget == 0 {
            let_others_run(context);
            return Poll::Pending;
        }
        self.poll_end(context).map(Err)
    }

    /// Where the response is complete, all that can still come is the peer's end, or a fault;
    /// either way it takes no more of the request. A pending body would hide it otherwise.
    fn watch_for_the_end(&mut self, context: &mut Context<'_>, budget: &mut usize) {
        while matches!(self.progress, Progress::Early(_)) && !self.ceased && *budget > 0 {
            let received = self.poll_receive(context, budget);
            let held = self.held.as_ref();
            let silent = held.is_some_and(|(connection, _)| connection.http.buffered() == 0);
            match received {
                Ok(Poll::Pending) => return,
                // Only TLS itself had something to say.
                Ok(Poll::Ready(())) if silent && !self.died => {}
                Ok(Poll::Ready(())) | Err(_) => self.give_up_upload(),
            }
        }
    }

    /// Sends what is left of the request, as far as body, socket and budget allow.
    pub(super) fn poll_upload(
        &mut self,
        context: &mut Context<'_>,
        budget: &mut usize,
    ) -> Result<()> {
        // What was given up is not sent any further, whatever of it still waits.
        while !self.ceased {
            self.fill_outbox(context, budget)?;
            let Some((connection, _)) = &mut self.held else {
                return Ok(());
            };
            let Connection { stream, outbox, .. } = &mut **connection;
            let waiting = !outbox.is_empty();
            let outcome = outbox.poll_send(stream, context, budget);
            self.sent |= stream.sent() > self.ahead_of_it;
            match outcome {
                Poll::Ready(Ok(true)) if !waiting => break,
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) | Poll::Pending => return Ok(()),
                Poll::Ready(Err(error)) => {
                    self.upload_broke(error);
                    return Ok(());
                }
            }
        }
        if let Some(hold) = &mut self.hold {
            hold.start();
        }
        if self.upload.is_none() && self.head_by.is_none() && self.progress == Progress::Head {
            let limit = self.terms.timeouts.head;
            self.head_by = limit.and_then(|limit| Instant::now().checked_add(limit));
        }
        Ok(())
    }

    /// Takes from the request's body what there is room for.
    fn fill_outbox(&mut self, context: &mut Context<'_>, budget: &mut usize) -> Result<()> {
        while let (Some(body), Some((connection, _))) = (&mut self.upload, &mut self.held) {
            let Connection { http, outbox, .. } = &mut **connection;
            if self.hold.is_some() || !outbox.has_room() || *budget == 0 {
                return Ok(());
            }
            if http_body::Body::is_end_stream(body) {
                http.send_end(None, outbox.plain()).map_err(misfit)?;
                self.upload = None;
                return Ok(());
            }
            match http_body::Body::poll_frame(Pin::new(body), context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(Err(error))) => {
                    self.producer_failed = true;
                    // What it says of its own request is not true of this one.
                    return Err(error.left());
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    // Nothing leaves for it, so it costs its turn here: it may go on for ever.
                    Ok(piece) if piece.is_empty() => *budget = budget.saturating_sub(LEAST_COST),
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
        self.died = matches!(error, TransportError::Io(_));
        if let Some((_, lease)) = &self.held {
            let what = format!("sending a request to {}", lease.key());
            let error = lost(Phase::SendBody, &what, error);
            self.broken.get_or_insert(error);
        }
        self.give_up_upload();
    }

    /// Sends no more of the request; the connection ends with its response.
    pub(super) fn give_up_upload(&mut self) {
        (self.upload, self.hold) = (None, None);
        self.ceased = true;
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
