//! What the system passes on: the wish to end (Ctrl-C, and SIGTERM where there is one), and wishes
//! that a server goes on after.
//!
//! Both ways to end mean the same, as often as they come. From the moment somebody listens, the
//! system's own way of ending us is off; so listening begins before there is anything to clean up.

use crate::error::{Failure, Result};

/// The stream of wishes to end.
#[derive(Debug)]
pub(crate) struct Interrupts {
    /// Ctrl-C.
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// What a service manager sends.
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// Ctrl-C.
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(unix)]
impl Interrupts {
    /// Begins to listen.
    pub(crate) fn begin() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(deaf)?,
            terminate: signal(SignalKind::terminate()).map_err(deaf)?,
        })
    }

    /// Waits for the next wish.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            Some(()) = self.interrupt.recv() => {}
            Some(()) = self.terminate.recv() => {}
            else => std::future::pending().await,
        }
    }
}

#[cfg(windows)]
impl Interrupts {
    /// Begins to listen.
    pub(crate) fn begin() -> Result<Self> {
        Ok(Self {
            interrupt: tokio::signal::windows::ctrl_c().map_err(deaf)?,
        })
    }

    /// Waits for the next wish.
    pub(crate) async fn next(&mut self) {
        if self.interrupt.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

/// What a running server may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// SIGHUP: open the access log anew.
    Reopen,
    /// SIGUSR1: tell what was counted.
    Tell,
}

/// The stream of wishes that do not end a server.
#[derive(Debug)]
pub(crate) struct Wishes {
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    user: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Wishes {
    /// Begins to listen. A terminal that is closed sends SIGHUP too, and must end us, unless there
    /// is a log that somebody may want to have opened anew.
    pub(crate) fn begin(logs: bool) -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = logs.then(|| signal(SignalKind::hangup())).transpose();
        Ok(Self {
            hangup: hangup.map_err(deaf)?,
            user: signal(SignalKind::user_defined1()).map_err(deaf)?,
        })
    }

    /// Waits for the next wish.
    pub(crate) async fn next(&mut self) -> Wish {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => signal.recv().await,
                None => None,
            }
        };
        tokio::select! {
            Some(()) = hangup => Wish::Reopen,
            Some(()) = self.user.recv() => Wish::Tell,
            else => std::future::pending().await,
        }
    }
}

#[cfg(windows)]
impl Wishes {
    /// There are none here.
    pub(crate) fn begin(_logs: bool) -> Result<Self> {
        Ok(Self {})
    }

    /// Waits for ever.
    pub(crate) async fn next(&mut self) -> Wish {
        std::future::pending().await
    }
}

/// Says that no wish would be heard.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it stands where a mapping of errors is wanted"
)]
fn deaf(error: std::io::Error) -> Failure {
    Failure::new(format!("cannot listen for signals: {error}"))
}
