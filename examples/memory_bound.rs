//! How much memory large bodies take: sends many octets chunked, then receives as many.
//!
//! `memory_bound MEBIBYTES CAFILE UPLOAD-URL DOWNLOAD-URL` prints by how much the process has
//! grown at its largest (Linux).

use bytes::Bytes;
use http::Method;
use sealane::{Agent, AgentOptions, RequestOptions, Roots};

type Failure = Box<dyn std::error::Error>;

/// A line of `/proc/self/status`, in KiB.
fn memory(name: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.ok_or("no such line")?.parse()?)
}

async fn receive(agent: &Agent, url: &str) -> Result<u64, Failure> {
    let (mut octets, mut res) = (0, agent.get(url).await?);
    while let Some(chunk) = res.body_mut().chunk().await? {
        octets += chunk.len() as u64;
    }
    Ok(octets)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [mebibytes, cafile, up, down] = &words[..] else {
        return Err("usage: memory_bound MEBIBYTES CAFILE UPLOAD-URL DOWNLOAD-URL".into());
    };
    let options = AgentOptions::new().ca(Roots::from_pem_file(cafile)?);
    let agent = Agent::new(options.keep_alive(true))?;
    let mebibyte = Bytes::from(vec![b'x'; 1 << 20]);
    let before = memory("VmRSS")?;

    let mut req = agent.request(RequestOptions::new(up).method(Method::PUT))?;
    for _ in 0..mebibytes.parse()? {
        req.write(mebibyte.clone()).await?;
    }
    let mut res = req.end().await?;
    println!("upload: {}", res.status());
    while res.body_mut().chunk().await?.is_some() {}

    println!("download: {} octets", receive(&agent, down).await?);
    println!("growth: {} KiB", memory("VmHWM")?.saturating_sub(before));
    Ok(())
}
