//! The client that the paired benchmark measures: `bench_client MODE PORT CAFILE SECONDS`.
//!
//! MODE is `seq`, `par` (64 in flight), `new` (a connection per request, TLS sessions resumed) or
//! `bulk` (64 MiB downloads). After half a second of warm-up it measures, prints one line of JSON
//! and ends. One thread, so that CPU time per request compares with peers of one thread.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http::Uri;
use rustix::time::{ClockId, clock_gettime};
use sealane::{Agent, AgentOptions, Roots};

type Failure = Box<dyn std::error::Error>;

/// What has been done since the start.
#[derive(Default)]
struct Tally {
    requests: Cell<u64>,
    octets: Cell<u64>,
    resumed: Cell<u64>,
}

/// What is known at one moment.
struct Mark {
    requests: u64,
    octets: u64,
    resumed: u64,
    /// Seconds of CPU time of this process.
    cpu: f64,
    /// Ticks of CPU time, in user mode and in all.
    ticks: (f64, f64),
    at: Instant,
}

impl Tally {
    fn mark(&self) -> Result<Mark, Failure> {
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

/// Sends one request after the other for ever.
async fn work(agent: Agent, url: Uri, tally: Rc<Tally>) -> Result<(), Failure> {
    loop {
        let mut response = agent.get(url.clone()).await?;
        if response.status() != 200 {
            return Err(response.status().to_string().into());
        }
        let mut first = None;
        while let Some(chunk) = response.body_mut().chunk().await? {
            first = first.or_else(|| chunk.first().copied());
            tally.octets.set(tally.octets.get() + chunk.len() as u64);
        }
        tally.requests.set(tally.requests.get() + 1);
        tally
            .resumed
            .set(tally.resumed.get() + u64::from(first == Some(b'r')));
    }
}

/// Opens the window after the warm-up, closes it after `seconds` and prints what happened in it.
async fn measure(tally: Rc<Tally>, seconds: f64, workers: usize) -> Result<(), Failure> {
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [mode, port, cafile, seconds] = &words[..] else {
        return Err("usage: bench_client seq|par|new|bulk PORT CAFILE SECONDS".into());
    };
    let (path, workers, keep) = match &mode[..] {
        "seq" => ("/", 1, true),
        "par" => ("/", 64, true),
        "new" => ("/reused", 1, false),
        "bulk" => ("/64m", 1, true),
        _ => return Err(format!("no such mode: {mode:?}").into()),
    };
    let options = AgentOptions::new().ca(Roots::from_pem_file(cafile)?);
    let agent = Agent::new(options.keep_alive(keep))?;
    let url: Uri = format!("https://127.0.0.1:{port}{path}").parse()?;
    let tally = Rc::<Tally>::default();
    let work = (0..workers).map(|_| work(agent.clone(), url.clone(), tally.clone()));
    tokio::select! {
        done = measure(tally.clone(), seconds.parse()?, workers) => done,
        failed = futures_util::future::try_join_all(work) => failed.map(drop),
    }
}
