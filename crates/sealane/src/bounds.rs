//! What times and sizes an option may be set to, for both sides.
//!
//! An option out of its bounds is refused with its name, before anything is opened.

use std::time::Duration;

use sealane_proto::{Limits, MOST_FIELDS};

use crate::error::{Error, Result};

/// Checks times: `None` is no limit, and 0 would be a limit that nobody can meet.
pub(crate) fn check_times(times: &[(&str, Option<Duration>)]) -> Result<()> {
    for (name, time) in times {
        if let Some(time) = time
            && *time < SHORTEST_TIME
        {
            let text =
                format!("{name} is {time:?}, which no peer can meet; give None for no limit");
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
    }
    Ok(())
}

/// Checks the bounds on what a peer's head may be.
pub(crate) fn check_limits(limits: &Limits) -> Result<()> {
    let sizes = [
        (
            "max_header_size",
            limits.head_octets,
            SMALLEST_HEAD..=LARGEST_HEAD,
        ),
        ("max_headers_count", limits.field_count, 1..=MOST_FIELDS),
    ];
    for (name, size, range) in sizes {
        if !range.contains(&size) {
            let text = format!(
                "{name} is {size}, but must lie between {} and {}",
                range.start(),
                range.end()
            );
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
    }
    Ok(())
}

/// Deadlines are kept in milliseconds.
const SHORTEST_TIME: Duration = Duration::from_millis(1);

/// No request line with a `Host` fits in less.
const SMALLEST_HEAD: usize = 64;

/// A head is held in memory whole.
const LARGEST_HEAD: usize = 1 << 20;
