//! One server, several names: its own context, one for a pattern of names, and one that is asked
//! for when a client comes.
//!
//! `sni_contexts [ADDRESS]`; takes certificate.pem and private-key.pem, wild.pem and wild-key.pem,
//! late.pem and late-key.pem from the working folder.

use http::{Request, Response};
use sealane::{Body, ConnectionInfo, Identity, SecureContext, ServerOptions, create_server};

/// The context for a name that is known only while a client waits for it.
async fn context_of(name: String) -> Result<Option<SecureContext>, sealane::Error> {
    if name != "late.example.org" {
        // The server's own contexts decide.
        return Ok(None);
    }
    let identity = Identity::from_pem_files("late.pem", "late-key.pem")?;
    SecureContext::new(identity).map(Some)
}

#[tokio::main]
async fn main() -> sealane::Result<()> {
    let identity = Identity::from_pem_files("certificate.pem", "private-key.pem")?;
    let options = ServerOptions::new(identity).sni_callback(context_of);
    let server = create_server(options, |req: Request<Body>| async move {
        let tls = req
            .extensions()
            .get::<ConnectionInfo>()
            .map(ConnectionInfo::tls);
        let shown = tls.and_then(|tls| tls.certificate());
        let name = shown.map_or("nobody", |certificate| certificate.subject_cn());
        Response::new(format!("shown as {name}\n"))
    })?;
    let wild = Identity::from_pem_files("wild.pem", "wild-key.pem")?;
    server.add_context("*.example.com", &SecureContext::new(wild)?)?;
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "localhost:8000".to_owned());
    println!("listening on https://{}/", server.listen(address).await?);
    server.closed().await
}
