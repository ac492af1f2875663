//! An agent that shows a certificate of its own to servers that ask for one, and resumes sessions.
//!
//! `agent_client_cert URL [CAFILE]`; takes client.pem and client-key.pem, which show who we are,
//! from the working folder.

use sealane::{Agent, AgentOptions, ConnectionInfo, Identity, Roots};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let url = words
        .next()
        .ok_or("usage: agent_client_cert URL [CAFILE]")?;
    let client_identity = Identity::from_pem_files("client.pem", "client-key.pem")?;
    let mut options = AgentOptions::new()
        .keep_alive(true)
        .identity(client_identity)
        .max_cached_sessions(100);
    if let Some(file) = words.next() {
        options = options.ca(Roots::from_pem_file(file)?);
    }

    let agent = Agent::new(options)?;
    let mut res = agent.get(&url).await?;
    println!("statusCode: {}", res.status().as_u16());
    let connection = res.extensions().get::<ConnectionInfo>().ok_or("no facts")?;
    if let Some(ours) = connection.tls().certificate() {
        println!("we are: {}", ours.subject_cn());
    }
    let mut stdout = tokio::io::stdout();
    while let Some(chunk) = res.body_mut().chunk().await? {
        stdout.write_all(&chunk).await?;
    }
    Ok(stdout.flush().await?)
}
