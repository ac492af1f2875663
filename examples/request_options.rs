//! A request from options alone, with a client certificate and an agent of its own.
//!
//! `request_options [HOSTNAME PORT CAFILE]`; takes certificate.pem and private-key.pem, which show
//! who we are, from the working folder.

use http::Method;
use sealane::{Agent, AgentOptions, Identity, RequestOptions, Roots};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let (hostname, port, roots) = match &words[..] {
        [hostname, port, file] => (&hostname[..], port.parse()?, Roots::from_pem_file(file)?),
        _ => ("encrypted.example.com", 443, Roots::bundled()),
    };

    let identity = Identity::from_pem_files("certificate.pem", "private-key.pem")?;
    let agent = Agent::new(AgentOptions::new().identity(identity).ca(roots))?;
    let options = RequestOptions::default()
        .hostname(hostname)
        .port(port)
        .path("/")
        .method(Method::GET)
        .agent(&agent);
    let mut res = sealane::request(options)?.end().await?;

    println!("statusCode: {}", res.status().as_u16());
    println!("headers: {:?}", res.headers());
    let mut stdout = tokio::io::stdout();
    while let Some(chunk) = res.body_mut().chunk().await? {
        stdout.write_all(&chunk).await?;
    }
    Ok(stdout.flush().await?)
}
