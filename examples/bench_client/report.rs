//! The line of JSON.

use std::rc::Rc;
use std::time::Duration;

use crate::Failure;
use crate::tally::Tally;

/// Opens the window after the warm-up, closes it after `seconds` and prints what happened in it.
pub(crate) async fn measure(tally: Rc<Tally>, seconds: f64, workers: usize) -> Result<(), Failure> {
    tokio::time::sleep(Duration::from_millis(500)).await;
    let from = tally.mark()?;
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let to = tally.mark()?;
    let (reqs, octets) = (to.requests - from.requests, to.octets - from.octets);
    let (cpu, wall) = (to.cpu - from.cpu, (to.at - from.at).as_secs_f64());
    let (one, gigabytes) = (reqs.max(1) as f64, octets as f64 / 1e9);
    println!(
        "{{\"reqs\":{reqs},\"rps\":{:.0},\"cpu_us\":{:.3},\"user\":{:.2},\"busy\":{:.3},\
         \"gbs\":{:.4},\"cpu_s_gb\":{:.4},\"resumed\":{:.3},\"inflight\":{workers}}}",
        reqs as f64 / wall,
        cpu * 1e6 / one,
        (to.ticks.0 - from.ticks.0) / (to.ticks.1 - from.ticks.1).max(1.0),
        cpu / wall,
        gigabytes / wall,
        cpu / gigabytes.max(1e-9),
        (to.resumed - from.resumed) as f64 / one,
    );
    Ok(())
}
