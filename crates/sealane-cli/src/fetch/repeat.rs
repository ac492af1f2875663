//! `--repeat`: the same request many times over kept connections, and what that took.
//!
//! Bodies are read and dropped. One line for each request, and a summary at the end, whatever the
//! end is.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::fetch::failure::without_secrets;
use crate::fetch::transfer::Transfer;
use crate::fetch::{Stop, show};
use crate::terminal::{note, say};

#[cfg(test)]
mod tests;

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Round {
    /// Its status line without the version.
    pub(super) status: String,
    /// Octets of its body.
    pub(super) octets: u64,
    /// How long it took, to its last octet.
    pub(super) took: Duration,
    /// Whether a connection was opened for it.
    pub(super) opened: bool,
}

/// Repeats a request; gives the exit code of the first failure.
pub(super) async fn run(
    transfer: &Transfer<'_>,
    url: &str,
    times: u32,
) -> Result<Option<u8>, Stop> {
    // Told when it goes out of scope: Ctrl-C ends the rounds, not their summary.
    let mut tally = Tally::begin(url);
    let mut code = None;
    for number in 1..=times {
        let begun = Instant::now();
        match transfer.round(begun).await {
            Ok(round) => {
                print(&round.line(number, times))?;
                tally.add(&round);
            }
            Err(Stop::Failed(failure)) => {
                tally.failed += 1;
                note(&format!("{number}: {failure}"));
                code.get_or_insert(failure.exit_code());
            }
            Err(Stop::Unread) => return Err(Stop::Unread),
        }
    }
    Ok(code)
}

impl Round {
    /// It as a line.
    fn line(&self, number: u32, times: u32) -> String {
        let width = times.to_string().len();
        format!(
            "{number:width$}  {}  {} octets  {}  {}\n",
            self.status,
            self.octets,
            show::milliseconds(self.took),
            if self.opened { "new" } else { "reused" }
        )
    }
}

/// All rounds so far; tells of them at its end.
struct Tally {
    /// What was asked.
    url: String,
    /// How long each took.
    took: Vec<Duration>,
    /// How many failed.
    failed: usize,
    /// How many connections were opened.
    opened: usize,
}

impl Tally {
    /// Begins to count.
    fn begin(url: &str) -> Self {
        Self {
            url: without_secrets(url),
            took: Vec::new(),
            failed: 0,
            opened: 0,
        }
    }

    /// Counts a round.
    fn add(&mut self, round: &Round) {
        self.took.push(round.took);
        self.opened += usize::from(round.opened);
    }

    /// All of it in two lines.
    fn summary(&self) -> String {
        let mut sorted = self.took.clone();
        sorted.sort_unstable();
        let mut text = format!(
            "{}: {} answered, {} failed; {} connections opened\n",
            crate::terminal::visible(&self.url),
            sorted.len(),
            self.failed,
            self.opened
        );
        if let (Some(least), Some(most)) = (sorted.first(), sorted.last()) {
            text.push_str(&format!(
                "min {}, median {}, p99 {}, max {}\n",
                show::milliseconds(*least),
                show::milliseconds(rank(&sorted, 50)),
                show::milliseconds(rank(&sorted, 99)),
                show::milliseconds(*most)
            ));
        }
        text
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        say(&self.summary());
    }
}

/// The value that so many in a hundred are not above (the nearest rank).
fn rank(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    let value = sorted.get(rank.saturating_sub(1));
    value.copied().unwrap_or_default()
}

/// Writes a line; when nobody reads any more, nothing more need be sent.
fn print(line: &str) -> Result<(), Stop> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    written.map_err(|_| Stop::Unread)
}
