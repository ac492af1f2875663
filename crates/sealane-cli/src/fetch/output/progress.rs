//! How far a download or an upload is: octets, rate and time to go, on a terminal.
//!
//! Only numbers of ours are shown, nothing of the peer's. It goes away with the body.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error.
pub(in crate::fetch) struct Progress {
    /// The bar.
    bar: ProgressBar,
}

impl Progress {
    /// Begins with so many octets here; without a length only octets and rate are shown.
    pub(in crate::fetch) fn begin(here: u64, length: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
        let template = if length.is_some() { KNOWN } else { UNKNOWN };
        // The default style stands in for a template that cannot be read; a test reads both.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_position(here);
        bar.reset_eta();
        Self { bar }
    }

    /// Adds octets that came or left.
    pub(in crate::fetch) fn add(&self, octets: usize) {
        self.bar.inc(octets as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What is shown when the length is known.
const KNOWN: &str =
    "{wide_bar} {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";

/// What is shown when it is not.
const UNKNOWN: &str = "{spinner} {binary_bytes}  {binary_bytes_per_sec}  {elapsed}";

#[cfg(test)]
mod tests;
