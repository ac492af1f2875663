//! rustls' unbuffered API: its states, one after another.
//!
//! Two rules of this API are kept here and nowhere else. It may hold offsets into octets that it
//! has not discarded, so every call gets all of them. After an error it must not read again, so
//! only its alert is fetched (RFC 8446 §6.2).

use std::io;

use rustls::unbuffered::{
    AppDataRecord, ConnectionState, EncryptError, UnbufferedStatus, WriteTraffic,
};
use sealane_tls::{Observation, observe};

use super::super::sealed::Sealed;
use super::super::session::Session;
use super::{Outgoing, SealError, Taken};

/// Lets rustls work until it needs more octets.
pub(super) fn take_in<S: Session>(
    session: &mut S,
    octets: &mut [u8],
    sink: &mut dyn FnMut(&[u8]),
    sealed: &mut Sealed,
    seen: &mut Observation,
) -> Result<Taken, rustls::Error> {
    let mut taken = Taken {
        octets: 0,
        peer_closed: false,
    };
    loop {
        let rest = &mut octets[taken.octets..];
        let (discard, step) = if session.common().is_handshaking() {
            let (status, now) = observe(|| session.process(rest));
            seen.add(now);
            digest(status, sink, sealed)?
        } else {
            digest(session.process(rest), sink, sealed)?
        };
        taken.octets += discard;
        match step {
            Step::Again => {}
            Step::PeerClosed => taken.peer_closed = true,
            Step::Blocked => return Ok(taken),
        }
    }
}

/// Puts rustls' alert with the octets to be sent; false when it has none.
pub(super) fn fetch_alert<S: Session>(session: &mut S, sealed: &mut Sealed) -> bool {
    let has_one = session.common().wants_write();
    while session.common().wants_write() {
        let UnbufferedStatus { state, .. } = session.process(&mut []);
        let Ok(ConnectionState::EncodeTlsData(mut record)) = state else {
            break;
        };
        if sealed.append(&mut record).is_err() {
            break;
        }
    }
    has_one
}

/// Seals one record; true when the peer's close_notify was found on the way.
pub(super) fn seal<S: Session>(
    session: &mut S,
    incoming: &mut Vec<u8>,
    outgoing: Outgoing<'_>,
    sealed: &mut Sealed,
) -> Result<bool, SealError> {
    let mut peer_closed = false;
    loop {
        let UnbufferedStatus { discard, state } = session.process(incoming);
        let mut done = false;
        let step = match state.map_err(SealError::Tls)? {
            ConnectionState::WriteTraffic(mut writer) => {
                done = true;
                sealed.fill(|space| write(&mut writer, outgoing, space))
            }
            ConnectionState::EncodeTlsData(mut record) => sealed.append(&mut record),
            ConnectionState::TransmitTlsData(sent) => {
                sent.done();
                Ok(())
            }
            ConnectionState::PeerClosed => {
                peer_closed = true;
                Ok(())
            }
            _ => Err(io::ErrorKind::NotConnected.into()),
        };
        incoming.drain(..discard);
        step?;
        if done {
            return Ok(peer_closed);
        }
    }
}

/// Seals into `space`, or tells how much more it takes.
fn write<Data>(
    writer: &mut WriteTraffic<'_, Data>,
    outgoing: Outgoing<'_>,
    space: &mut [u8],
) -> Result<usize, EncryptError> {
    match outgoing {
        Outgoing::Plain(record) => writer.encrypt(record, space),
        Outgoing::CloseNotify => writer.queue_close_notify(space),
    }
}

/// What to do after one state of rustls was dealt with.
enum Step {
    /// There may be another state without more octets.
    Again,
    /// The peer has said close_notify.
    PeerClosed,
    /// Nothing more happens without more octets.
    Blocked,
}

/// Deals with one state of rustls: data into `sink`, records to be sent into `sealed`.
fn digest<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    sink: &mut dyn FnMut(&[u8]),
    sealed: &mut Sealed,
) -> Result<(usize, Step), rustls::Error> {
    let UnbufferedStatus { mut discard, state } = status;
    let step = match state? {
        ConnectionState::ReadTraffic(mut records) => {
            while let Some(record) = records.next_record() {
                let AppDataRecord {
                    discard: more,
                    payload,
                } = record?;
                discard += more;
                sink(payload);
            }
            Step::Again
        }
        ConnectionState::EncodeTlsData(mut record) => {
            sealed.append(&mut record).map_err(|_| {
                rustls::Error::General("a handshake record could not be encoded".into())
            })?;
            Step::Again
        }
        ConnectionState::TransmitTlsData(sent) => {
            // The octets are ours now and leave with the next flush, in order.
            sent.done();
            Step::Again
        }
        ConnectionState::PeerClosed => Step::PeerClosed,
        ConnectionState::BlockedHandshake
        | ConnectionState::WriteTraffic(_)
        | ConnectionState::Closed => Step::Blocked,
        ConnectionState::ReadEarlyData(_) | _ => {
            return Err(rustls::Error::General(
                "early data, which was never offered".into(),
            ));
        }
    };
    Ok((discard, step))
}
