//! An agent is a tower service: what wraps services wraps it, here with a field for each request.
//!
//! `agent_layer URL [CAFILE]`

use std::task::{Context, Poll};

use http::{HeaderValue, Request, header};
use sealane::{Agent, AgentOptions, Body, Roots};
use tower_service::Service;

/// Adds a User-Agent field to each request.
struct Named<S>(S);

impl<S: Service<Request<Body>>> Service<Request<Body>> for Named<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> S::Future {
        let name = HeaderValue::from_static("sealane-example");
        request.headers_mut().insert(header::USER_AGENT, name);
        self.0.call(request)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next().ok_or("usage: agent_layer URL [CAFILE]")?;
    let mut options = AgentOptions::new().keep_alive(true);
    if let Some(file) = words.next() {
        options = options.ca(Roots::from_pem_file(file)?);
    }

    let mut service = Named(Agent::new(options)?);
    std::future::poll_fn(|context| service.poll_ready(context)).await?;
    let mut res = service.call(Request::get(url).body(Body::empty())?).await?;
    println!("statusCode: {}", res.status().as_u16());
    while let Some(chunk) = res.body_mut().chunk().await? {
        println!("{}", String::from_utf8_lossy(&chunk));
    }
    Ok(())
}
