//! What is not in the agent stands around it: redirects, decompression, a time limit for the whole,
//! a limit on requests at the same time. All of it is tower's and tower-http's.
//!
//! `agent_layers URL [CAFILE]`

use std::time::Duration;

use http::{Request, header};
use http_body_util::BodyExt;
use sealane::{Agent, AgentOptions, Body, Roots};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::decompression::DecompressionLayer;
use tower_http::follow_redirect::{FollowRedirectLayer, RequestUri};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut words = std::env::args().skip(1);
    let url = words.next().ok_or("usage: agent_layers URL [CAFILE]")?;
    let mut options = AgentOptions::new().keep_alive(true);
    if let Some(file) = words.next() {
        options = options.ca(Roots::from_pem_file(file)?);
    }

    let service = ServiceBuilder::new()
        .timeout(Duration::from_secs(30))
        .concurrency_limit(64)
        .layer(DecompressionLayer::new())
        // At most ten, and credentials stay with the origin they were given for.
        .layer(FollowRedirectLayer::new())
        .service(Agent::new(options)?);

    let request = Request::get(url)
        .header(header::AUTHORIZATION, "Bearer secret")
        .body(Body::empty())?;
    let res = service.oneshot(request).await?;
    println!("statusCode: {}", res.status().as_u16());
    if let Some(RequestUri(uri)) = res.extensions().get() {
        println!("from: {uri}");
    }
    let body = res.into_body().collect().await?.to_bytes();
    println!("{}", String::from_utf8_lossy(&body));
    Ok(())
}
