//! The header of the PROXY protocol: is it read within bounds, and the same however it comes?

#[path = "../../crates/sealane/src/server/admission/proxy_protocol.rs"]
#[allow(dead_code, reason = "the facade uses all of it")]
mod header;

use header::{LONGEST, Progress, read};

/// Feeds the reader no octet more than it asks for, as the server does.
///
/// It must end, within its bound, and never ask for octets that a shorter beginning would not have
/// led to; and whatever it takes as a header, it takes only at its very end.
pub fn proxy_protocol(input: &[u8]) {
    let mut taken = 0;
    while taken <= input.len() {
        match read(&input[..taken]) {
            Ok(Progress::More(more)) => {
                assert!(more > 0, "asks for nothing");
                taken += more;
                assert!(taken <= LONGEST, "asks for {taken} octets");
            }
            Ok(Progress::Done(header)) => {
                assert!(matches!(header.version, 1 | 2));
                assert!(!header.local || header.ends.is_none());
                for cut in 0..taken {
                    let early = read(&input[..cut]);
                    let fits = matches!(early, Ok(Progress::More(more)) if cut + more <= taken);
                    assert!(fits, "cut at {cut}: {early:?}");
                }
                return;
            }
            Err(_) => return,
        }
    }
}
