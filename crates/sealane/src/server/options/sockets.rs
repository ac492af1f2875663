//! How the sockets of accepted connections are set.

use crate::error::Result;

/// How accepted sockets are set.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct SocketOptions {}

impl SocketOptions {
    #[expect(clippy::unnecessary_wraps, reason = "options come in the next step")]
    #[expect(clippy::unused_self, reason = "options come in the next step")]
    pub(super) fn check(&self) -> Result<()> {
        Ok(())
    }
}
