//! A server's half of the handshake: choose a context, bring TLS up, and admit the client.
//!
//! All of it within the handshake's deadline, what the program is asked on the way included. The
//! gate comes last, on full and resumed handshakes alike: nothing of a request is looked at before
//! the client is known (engine decision 2).

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::BytesMut;
use sealane_proto::Moment;
use sealane_tls::{Admission, HandshakeError, SecureContext, TlsInfo};

use super::choice::{Chosen, Refused};
use super::connection::{Clock, PARTING, part};
use super::misdirection::Misdirection;
use super::plain;
use crate::info::ConnectionInfo;
use crate::transport::{Greeting, Parting, ServerStream, Socket, TransportError};
use crate::wheel::Order;

/// A connection whose client may ask.
pub(super) struct Opened {
    pub(super) stream: Box<ServerStream>,
    /// What came right behind the handshake.
    pub(super) early: BytesMut,
    pub(super) info: ConnectionInfo,
    pub(super) misdirection: Box<Misdirection>,
}

/// Opens a connection; `None` when there is nothing to serve.
pub(super) async fn run(socket: Socket, clock: &Clock) -> Option<Opened> {
    let limit = clock.server.rules.deadlines.handshake;
    let deadline = limit.map(|limit| clock.now().after(limit));
    match clock.server.rules.choosing.only() {
        // Boxed: it is moved from phase to phase, and a task keeps room for every place of a move.
        Some(context) => {
            let config = Arc::clone(context.server_config());
            let exporter = clock.server.rules.exporter;
            let stream = ServerStream::accept(socket, config, exporter)
                .map(Box::new)
                .ok()?;
            finish(stream, context, clock, deadline).await
        }
        None => Box::pin(choose(socket, clock, deadline)).await,
    }
}

/// Reads the ClientHello, asks which context answers it, and goes on with that.
async fn choose(socket: Socket, clock: &Clock, deadline: Option<Moment>) -> Option<Opened> {
    let mut greeting = Greeting::new(socket);
    let hello = match in_time(clock, deadline, poll_fn(|it| greeting.poll_hello(it))).await? {
        Ok(hello) => hello,
        Err(error) => {
            part_with(&mut greeting, error, clock).await;
            return None;
        }
    };
    let choosing = &clock.server.rules.choosing;
    match in_time(clock, deadline, choosing.choose(&hello)).await? {
        Ok(Chosen { context, config }) => {
            let stream = greeting.answer(config, clock.server.rules.exporter);
            finish(Box::new(stream.ok()?), context, clock, deadline).await
        }
        Err(Refused { told, error }) => {
            tracing::debug!(%error, "no context was chosen for a connection");
            greeting.refuse(told);
            part(&mut greeting, clock, PARTING).await;
            None
        }
    }
}

/// Brings TLS up and admits the client.
async fn finish(
    mut stream: Box<ServerStream>,
    context: SecureContext,
    clock: &Clock,
    deadline: Option<Moment>,
) -> Option<Opened> {
    let mut early = BytesMut::new();
    let handshake = poll_fn(|context| {
        stream.poll_handshake(context, &mut |octets| early.extend_from_slice(octets))
    });
    let outcome = in_time(clock, deadline, handshake).await;
    if let Some(log) = &clock.server.rules.key_log {
        log.deliver(
            &stream.take_key_log(),
            clock.accepted.addresses().for_key_log(),
        );
    }
    if let Err(error) = outcome? {
        part_with(&mut *stream, error, clock).await;
        return None;
    }
    let (tls, admission) = facts(&stream, &context)?;
    let admitted = match admission {
        Ok(admission) => in_time(clock, deadline, admission.ask("")).await?,
        Err(error) => Err(error),
    };
    let peer = match admitted {
        Ok(peer) => peer,
        Err(error) => {
            tracing::debug!(%error, "a client was not admitted");
            // Without close_notify: nothing was answered, and nothing must look answered.
            stream.cut_short();
            part(&mut *stream, clock, PARTING).await;
            return None;
        }
    };
    if let Some(report) = peer.pin_report() {
        tracing::warn!(%report, "a client's certificate has none of the pins");
    }
    let choosing = Arc::clone(&clock.server.rules.choosing);
    let misdirection = Misdirection::new(choosing, context.policy(), tls.servername());
    let exporter = stream.exporter();
    Some(Opened {
        early,
        info: ConnectionInfo::new(clock.accepted.clone(), tls.with_peer(&peer), exporter),
        misdirection: Box::new(misdirection),
        stream,
    })
}

/// What the handshake has settled, and what its gate says so far.
fn facts(
    stream: &ServerStream,
    context: &SecureContext,
) -> Option<(TlsInfo, Result<Admission, HandshakeError>)> {
    let (common, seen) = stream.facts();
    let tls = TlsInfo::new(&common, seen.servername.as_deref())?;
    let tls = tls.with_shown(seen.certificate.clone(), None);
    Some((tls, context.admit(&common, seen, context.now())))
}

/// Takes leave of a client whose handshake failed, as far as there is something to say.
async fn part_with(stream: &mut impl Parting, error: TransportError, clock: &Clock) {
    match error {
        TransportError::Io(error) => {
            tracing::debug!(%error, "a connection ended in its handshake");
        }
        TransportError::Tls(error) => {
            tracing::debug!(%error, "a handshake failed");
            part(stream, clock, PARTING).await;
        }
        TransportError::PlainHttp => {
            tracing::debug!("a client speaks plain HTTP to the TLS port");
            let answer = plain::answer();
            let said = stream.answer_in_the_clear(&answer);
            if let Ok(Ok(())) = tokio::time::timeout(PARTING, said).await {
                part(stream, clock, PARTING).await;
            }
        }
    }
}

/// Runs a step of a handshake until its deadline, or until the server's patience ends.
async fn in_time<T>(
    clock: &Clock,
    deadline: Option<Moment>,
    step: impl Future<Output = T>,
) -> Option<T> {
    let mut step = pin!(step);
    poll_fn(|context| {
        clock.link.register(context);
        let orders = clock.link.take_orders();
        if orders.has(Order::Abort) || orders.has(Order::Drain) {
            return Poll::Ready(None);
        }
        if deadline.is_some_and(|deadline| clock.now() >= deadline) {
            tracing::debug!("a handshake took too long");
            return Poll::Ready(None);
        }
        clock.arm(deadline);
        step.as_mut().poll(context).map(Some)
    })
    .await
}
