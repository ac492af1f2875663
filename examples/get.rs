//! The page's GET: status and fields, then the body to standard output as it arrives.
//!
//! `get [URL [CAFILE]]`: a CA file replaces the public authorities.

use sealane::{Agent, AgentOptions, Roots, set_global_agent};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next();
    if let Some(file) = words.next() {
        let options = AgentOptions::new().ca(Roots::from_pem_file(file)?);
        set_global_agent(Agent::new(options.keep_alive(true))?);
    }

    let mut res = sealane::get(url.as_deref().unwrap_or("https://encrypted.example.com/")).await?;
    println!("statusCode: {}", res.status().as_u16());
    println!("headers: {:?}", res.headers());
    let mut stdout = tokio::io::stdout();
    while let Some(chunk) = res.body_mut().chunk().await? {
        stdout.write_all(&chunk).await?;
    }
    Ok(stdout.flush().await?)
}
