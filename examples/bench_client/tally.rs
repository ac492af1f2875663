//! What has been done, and at what cost.

use std::cell::Cell;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

use crate::Failure;

/// What has been done since the start.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) requests: Cell<u64>,
    pub(crate) octets: Cell<u64>,
    pub(crate) resumed: Cell<u64>,
}

/// What is known at one moment.
pub(crate) struct Mark {
    pub(crate) requests: u64,
    pub(crate) octets: u64,
    pub(crate) resumed: u64,
    /// Seconds of CPU time of this process.
    pub(crate) cpu: f64,
    /// Ticks of CPU time, in user mode and in all.
    pub(crate) ticks: (f64, f64),
    pub(crate) at: Instant,
}

impl Tally {
    /// Takes the present figures down.
    pub(crate) fn mark(&self) -> Result<Mark, Failure> {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        // Behind the name, which may hold anything, utime and stime are the 12th and 13th word.
        let words = stat.rsplit_once(')').ok_or("no name in stat")?.1;
        let mut words = words.split_whitespace().skip(11);
        let mut tick = || words.next().unwrap_or("0").parse::<f64>();
        let (user, system) = (tick()?, tick()?);
        Ok(Mark {
            requests: self.requests.get(),
            octets: self.octets.get(),
            resumed: self.resumed.get(),
            cpu: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            ticks: (user, user + system),
            at: Instant::now(),
        })
    }
}
