//! A server's half of the handshake: choose a context, bring TLS up, and admit the client.
//!
//! All of it within the handshake's deadline, what the program is asked on the way included. The
//! gate comes last, on full and resumed handshakes alike: nothing of a request is looked at before
//! the client is known (engine decision 2).

use std::sync::Arc;

use bytes::BytesMut;
use sealane_tls::{Admission, HandshakeError, SecureContext, TlsInfo};

use super::choice::Chosen;
use super::connection::{Clock, PARTING, part};
use super::misdirection::Misdirection;
use super::plain;
use crate::event::Event;
use crate::info::ConnectionInfo;
use crate::transport::{Greeting, Parting, ServerStream, Socket, TransportError};
use crate::wheel::Order;

mod class;
mod patience;

use class::Failure;
pub(super) use patience::{GivenUp, Patience};

/// A connection whose client may ask.
pub(super) struct Opened {
    pub(super) stream: Box<ServerStream>,
    /// What came right behind the handshake.
    pub(super) early: BytesMut,
    pub(super) info: ConnectionInfo,
    pub(super) misdirection: Box<Misdirection>,
}

/// Opens a connection; `None` when there is nothing to serve.
pub(super) async fn run(socket: Socket, clock: &Clock, mut patience: Patience) -> Option<Opened> {
    let opened = match clock.server.rules.choosing.only() {
        // Boxed: it is moved from phase to phase, and a task keeps room for every place of a move.
        Some(context) => {
            let config = Arc::clone(context.server_config());
            let exporter = clock.server.rules.exporter;
            let stream = ServerStream::accept(socket, config, exporter)
                .map(Box::new)
                .ok()?;
            finish(stream, context, clock, &mut patience).await
        }
        None => Box::pin(choose(socket, clock, &mut patience)).await,
    }?;
    clock.registered.handshake_over();
    let observers = &clock.server.rules.observers;
    observers.tell(Event::SecureConnection(&opened.info));
    if patience.is_draining() {
        // The order was for the exchange that comes now: it is the last one.
        clock.link.order(Order::Drain);
    }
    Some(opened)
}

/// Reads the ClientHello, asks which context answers it, and goes on with that.
async fn choose(socket: Socket, clock: &Clock, patience: &mut Patience) -> Option<Opened> {
    let mut greeting = Greeting::new(socket);
    match try_choose(&mut greeting, clock, patience).await {
        Ok(Chosen { context, config }) => {
            let stream = greeting.answer(config, clock.server.rules.exporter);
            finish(Box::new(stream.ok()?), context, clock, patience).await
        }
        Err(failure) => {
            if let Failure::Choice(refused) = &failure {
                greeting.refuse(refused.told);
            }
            part_with(&mut greeting, failure, clock).await;
            None
        }
    }
}

async fn try_choose(
    greeting: &mut Greeting,
    clock: &Clock,
    patience: &mut Patience,
) -> Result<Chosen, Failure> {
    let hello = patience
        .with_client(clock, |context| {
            (greeting.poll_hello(context), greeting.has_heard())
        })
        .await?
        .map_err(Failure::Transport)?;
    let choice = clock.server.rules.choosing.choose(&hello);
    let chosen = patience.with_program(clock, choice).await?;
    chosen.map_err(Failure::Choice)
}

/// Brings TLS up and admits the client.
async fn finish(
    mut stream: Box<ServerStream>,
    context: SecureContext,
    clock: &Clock,
    patience: &mut Patience,
) -> Option<Opened> {
    let mut early = BytesMut::new();
    let outcome = patience
        .with_client(clock, |context| {
            let mut sink = |octets: &[u8]| early.extend_from_slice(octets);
            let outcome = stream.poll_handshake(context, &mut sink);
            (outcome, stream.has_heard())
        })
        .await;
    if let Some(log) = &clock.server.rules.key_log {
        log.deliver(
            &stream.take_key_log(),
            clock.accepted.addresses().for_key_log(),
        );
    }
    let outcome = match outcome {
        Ok(outcome) => outcome.map_err(Failure::Transport),
        Err(why) => Err(Failure::GivenUp(why)),
    };
    if let Err(failure) = outcome {
        part_with(&mut *stream, failure, clock).await;
        return None;
    }
    let (tls, admission) = facts(&stream, &context)?;
    let admitted = match admission {
        Ok(admission) => patience.with_program(clock, admission.ask("")).await,
        Err(error) => Ok(Err(error)),
    };
    let admitted = match admitted {
        Ok(admitted) => admitted.map_err(Failure::Certificate),
        Err(why) => Err(Failure::GivenUp(why)),
    };
    let peer = match admitted {
        Ok(peer) => peer,
        Err(failure) => {
            // Without close_notify: nothing was answered, and nothing must look answered.
            stream.cut_short();
            part_with(&mut *stream, failure, clock).await;
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
///
/// It is told first, and its place among the handshakes is free: a goodbye may take its time.
async fn part_with(stream: &mut impl Parting, failure: Failure, clock: &Clock) {
    clock.registered.handshake_over();
    let goodbye = Goodbye::of(&failure);
    failure.tell(clock);
    match goodbye {
        Goodbye::None => {}
        Goodbye::Tls => part(stream, clock, PARTING).await,
        Goodbye::Plain => {
            let answer = plain::answer();
            let said = stream.answer_in_the_clear(&answer);
            if let Ok(Ok(())) = tokio::time::timeout(PARTING, said).await {
                part(stream, clock, PARTING).await;
            }
        }
    }
}

/// How a client that is not served hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goodbye {
    /// Not at all: it is gone, or has been silent.
    None,
    /// By the alert that waits, if any does.
    Tls,
    /// By an answer it can read.
    Plain,
}

impl Goodbye {
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::GivenUp(_) | Failure::Transport(TransportError::Io(_)) => Self::None,
            Failure::Transport(TransportError::PlainHttp) => Self::Plain,
            Failure::Transport(TransportError::Tls(_))
            | Failure::Choice(_)
            | Failure::Certificate(_) => Self::Tls,
        }
    }
}
