//! The wish to end: Ctrl-C, and SIGTERM where there is one.
//!
//! Both mean the same, as often as they come. From the moment somebody listens, the system's own
//! way of ending us is off; so listening begins before there is anything to clean up.

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

/// Says that no wish would be heard.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it stands where a mapping of errors is wanted"
)]
fn deaf(error: std::io::Error) -> Failure {
    Failure::new(format!("cannot listen for Ctrl-C: {error}"))
}
