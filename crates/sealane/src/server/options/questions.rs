//! What a program is asked, and may answer in place of its service.

use crate::error::Result;

/// What a program is asked.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct Questions {}

impl Questions {
    #[expect(clippy::unnecessary_wraps, reason = "options come in the next step")]
    #[expect(clippy::unused_self, reason = "options come in the next step")]
    pub(super) fn check(&self) -> Result<()> {
        Ok(())
    }
}
