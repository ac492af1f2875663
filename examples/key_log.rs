//! A key log: appended to a file that only its owner can read, for tools that decrypt captures.
//!
//! `key_log URL [CAFILE]` writes ssl-keys.log into the working folder. **Whoever reads that file
//! reads everything that was sent**: it is for looking at one's own traffic, and only then.

use sealane::{Agent, AgentOptions, KeyLogFile, Roots};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next().ok_or("usage: key_log URL [CAFILE]")?;
    let mut options = AgentOptions::new().key_log(KeyLogFile::append("ssl-keys.log")?);
    if let Some(file) = words.next() {
        options = options.ca(Roots::from_pem_file(file)?);
    }

    let agent = Agent::new(options)?;
    let res = agent.get(&url).await?;
    println!("statusCode: {}", res.status().as_u16());
    println!("keys: ssl-keys.log (tshark -o tls.keylog_file:ssl-keys.log -r capture.pcap)");
    Ok(())
}
