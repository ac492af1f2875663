//! Built without a provider: nothing is sealed, so there are no tickets.

use zeroize::Zeroizing;

/// Nothing is added.
pub(super) const OVERHEAD: usize = 0;

/// There are no random numbers.
pub(super) fn fill(_octets: &mut [u8]) -> Option<()> {
    None
}

/// Seals nothing.
pub(super) fn seal(_secret: &[u8], _covered: &[u8], _plain: &[u8]) -> Option<Vec<u8>> {
    None
}

/// Opens nothing.
pub(super) fn open(_secret: &[u8], _covered: &[u8], _sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    None
}
