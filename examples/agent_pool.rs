//! An agent keeps its connections: of two requests, the second goes out on the first one's.
//!
//! `agent_pool URL [CAFILE]`

use sealane::{Agent, AgentOptions, ConnectionInfo, Roots};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next().ok_or("usage: agent_pool URL [CAFILE]")?;
    let mut options = AgentOptions::new()
        .keep_alive(true)
        .max_cached_sessions(100);
    if let Some(file) = words.next() {
        options = options.ca(Roots::from_pem_file(file)?);
    }

    let agent = Agent::new(options)?;
    for _ in 0..2 {
        let mut res = agent.get(&url).await?;
        // Read to its end, a response sets its connection free for the next request.
        while res.body_mut().chunk().await?.is_some() {}
        let connection = res.extensions().get::<ConnectionInfo>().ok_or("no facts")?;
        let port = connection.local_addr().map_or(0, |address| address.port());
        println!("reused: {}, from port {port}", connection.reused());
    }
    println!("open: {}", agent.total_socket_count());
    Ok(())
}
