//! The client contract of the conformance suites.
//!
//! `contract_client CAFILE METHOD BODY URL [URL2 …]`: fetches each URL in turn over one keep-alive
//! agent, writes the bodies to standard output, and exits 0 only if every exchange was complete.

use std::io::Write;
use std::time::Duration;

use http::Method;
use sealane::{Agent, AgentOptions, Body, RequestOptions, Roots};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [cafile, method, body, urls @ ..] = &words[..] else {
        return Err("usage: contract_client CAFILE METHOD BODY URL [URL2 …]".into());
    };
    let roots = Roots::from_pem_file(cafile)?;
    let agent = Agent::new(AgentOptions::new().keep_alive(true).ca(roots))?;
    let method = Method::from_bytes(method.as_bytes())?;
    for url in urls {
        let options = RequestOptions::new(url).method(method.clone());
        tokio::time::timeout(LIMIT, fetch(&agent, options, body)).await??;
    }
    Ok(())
}

/// One exchange: the body sent if there is one, the response's body written as it arrives.
async fn fetch(
    agent: &Agent,
    options: RequestOptions,
    body: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let request = agent.request(options)?;
    let mut response = request.end_with(Body::from(body.to_owned())).await?;
    while let Some(chunk) = response.body_mut().chunk().await? {
        std::io::stdout().write_all(&chunk)?;
    }
    Ok(std::io::stdout().flush()?)
}

/// For one whole exchange.
const LIMIT: Duration = Duration::from_secs(8);
