//! Who gets in: limits on connections and handshakes, and who is turned away at the door.

use crate::error::Result;

/// Who gets in.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct AdmissionOptions {}

impl AdmissionOptions {
    #[expect(clippy::unnecessary_wraps, reason = "options come in the next step")]
    #[expect(clippy::unused_self, reason = "options come in the next step")]
    pub(super) fn check(&self) -> Result<()> {
        Ok(())
    }
}
