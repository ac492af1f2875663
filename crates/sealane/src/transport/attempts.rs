//! What became of each address that a connection was tried with.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{ConnectAttempt, Error, ErrorKind, Phase, code_of, reason_of};

/// Why an address is not the one.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing could be sent from this address of ours.
    Bind(SocketAddr, io::Error),
    /// The system, or whoever is there, refused.
    Connect(io::Error),
    /// Nobody answered within the time of one attempt.
    Late(Duration),
}

/// The addresses tried so far, in order.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Vec<Started>>);

#[derive(Debug)]
struct Started {
    address: SocketAddr,
    failure: Option<Failure>,
}

impl Attempts {
    /// Notes that an address is being tried, under this number.
    pub(super) fn start(&self, address: SocketAddr) -> usize {
        let mut all = self.lock();
        all.push(Started {
            address,
            failure: None,
        });
        all.len() - 1
    }

    /// Notes why it came to nothing.
    pub(super) fn fail(&self, number: usize, failure: Failure) {
        if let Some(started) = self.lock().get_mut(number) {
            started.failure = Some(failure);
        }
    }

    /// What has been noted, which is forgotten here.
    pub(crate) fn take(&self) -> Self {
        Self(Mutex::new(std::mem::take(&mut *self.lock())))
    }

    /// The error of a connection that no address could give: the first failure gives the code, all
    /// of them the text. `what` names the goal.
    pub(crate) fn into_error(self, what: &str) -> Error {
        let mut all = self.into_inner();
        if all.is_empty() {
            let nothing = io::ErrorKind::AddrNotAvailable.into();
            return Error::io(Phase::Connect, what, nothing);
        }
        let attempts: Vec<_> = all.iter().map(Started::told).collect();
        let first = all.swap_remove(0);
        let goal = match first.address.to_string() {
            address if address == what => address,
            address => format!("{what} at {address}"),
        };
        let mut text = format!("cannot connect to {goal}: {}", attempts[0].reason());
        list(&mut text, &attempts[1..]);
        let kind = match first.failure {
            Some(Failure::Late(_)) | None => ErrorKind::Timeout,
            Some(_) => ErrorKind::Io,
        };
        let mut error = Error::new(kind, Phase::Connect, text);
        if let Some(code) = attempts[0].code() {
            error = error.with_code(code);
        }
        if let Some(Failure::Bind(_, source) | Failure::Connect(source)) = first.failure {
            error = error.with_source(source);
        }
        error.with_attempts(attempts)
    }

    /// The same error, with what became of the addresses until its time was up.
    pub(crate) fn explain(self, error: Error) -> Error {
        let all = self.into_inner();
        let attempts: Vec<_> = all.iter().map(Started::told).collect();
        let mut text = String::new();
        list(&mut text, &attempts);
        error.with_more(&text).with_attempts(attempts)
    }

    fn into_inner(self) -> Vec<Started> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Started>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Started {
    fn told(&self) -> ConnectAttempt {
        let (reason, code) = match &self.failure {
            Some(Failure::Bind(local, error)) => {
                let reason = format!("cannot bind to {local}: {}", reason_of(error));
                (reason, code_of(error))
            }
            Some(Failure::Connect(error)) => (reason_of(error), code_of(error)),
            Some(Failure::Late(limit)) => {
                (format!("no answer within {limit:?}"), Some("ETIMEDOUT"))
            }
            None => ("no answer yet".to_owned(), Some("ETIMEDOUT")),
        };
        ConnectAttempt::new(self.address, reason, code)
    }
}

fn list(text: &mut String, attempts: &[ConnectAttempt]) {
    for attempt in attempts {
        // Writing to a String does not fail.
        let _ = write!(text, "; {attempt}");
    }
}
