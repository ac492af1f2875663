//! What idle connections cost a server: opens many, asks once on each, and lets them rest.
//!
//! `idle_connections COUNT CAFILE URL PID` prints by how much the server's process has grown for
//! each connection (Linux), and how long new clients wait for an answer meanwhile. Both processes
//! need as many descriptors; the server must keep its connections long enough.

use std::time::{Duration, Instant};

use sealane::{Agent, AgentOptions, Roots};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The resident memory of a process, in KiB.
fn resident(pid: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no such line")?.parse()?)
}

/// Asks once, reads the answer to its end, and says how long that took.
async fn ask(agent: &Agent, url: &str) -> Result<Duration, Failure> {
    let start = Instant::now();
    let mut res = agent.get(url).await?;
    while res.body_mut().chunk().await?.is_some() {}
    Ok(start.elapsed())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [count, cafile, url, pid] = &words[..] else {
        return Err("usage: idle_connections COUNT CAFILE URL PID".into());
    };
    let count: usize = count.parse()?;
    let options = AgentOptions::new().ca(Roots::from_pem_file(cafile)?);
    let resting = options.clone().keep_alive(true).max_free_sockets(1);

    // What the first connection alone costs is not each one's.
    ask(&Agent::new(options.clone())?, url).await?;
    let before = resident(pid)?;
    // An agent for each connection: it holds it until the end.
    let mut agents = Vec::with_capacity(count);
    for _ in 0..count {
        let agent = Agent::new(resting.clone())?;
        ask(&agent, url).await?;
        agents.push(agent);
    }
    let after = resident(pid)?;

    let (fresh, mut waits) = (Agent::new(options)?, Vec::new());
    for _ in 0..500 {
        waits.push(ask(&fresh, url).await?);
    }
    waits.sort();
    let each = (after - before) / count as f64;
    println!("{count} connections: {before} to {after} KiB, {each:.2} KiB each");
    println!("a new client waits: {:?}, p99 {:?}", waits[250], waits[495]);
    Ok(())
}
