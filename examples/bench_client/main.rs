//! The client that the paired benchmark measures: `bench_client MODE PORT CAFILE SECONDS`.
//!
//! MODE is `seq`, `par` (64 in flight), `new` (a connection per request, TLS sessions resumed) or
//! `bulk` (64 MiB downloads). After half a second of warm-up it measures, prints one line of JSON
//! and ends. One thread, so that CPU time per request compares with peers of one thread.

mod report;
mod tally;

use std::rc::Rc;

use http::Uri;
use sealane::{Agent, AgentOptions, Roots};

use tally::Tally;

type Failure = Box<dyn std::error::Error>;

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
        done = report::measure(tally.clone(), seconds.parse()?, workers) => done,
        failed = futures_util::future::try_join_all(work) => failed.map(drop),
    }
}
