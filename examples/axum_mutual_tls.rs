//! An axum application behind mutual TLS that knows who asks, and ends without losing an answer.
//!
//! `axum_mutual_tls [ADDRESS]`; takes certificate.pem, private-key.pem and the clients' authority,
//! clients-ca.pem, from the working folder. Ctrl-C lets what runs finish, for ten seconds at most.

use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::http::StatusCode;
use axum::routing::get;
use sealane::{ConnectionInfo, Identity, Roots, Server, ServerOptions};

/// Says whom the client's certificate names, and its fingerprint.
async fn whoami(Extension(connection): Extension<ConnectionInfo>) -> Result<String, StatusCode> {
    let client = connection.tls().peer_certificate();
    let client = client.ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(format!(
        "{} {}\n",
        client.subject_cn(),
        client.fingerprint256()
    ))
}

/// Takes its time, so that there is something to wait for when the server ends.
async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(1)).await;
    "done\n"
}

#[tokio::main]
async fn main() -> sealane::Result<()> {
    let router = Router::new()
        .route("/whoami", get(whoami))
        .route("/slow", get(slow));

    let identity = Identity::from_pem_files("certificate.pem", "private-key.pem")?;
    let options = ServerOptions::new(identity)
        .request_cert(true)
        .ca(Roots::from_pem_file("clients-ca.pem")?)
        .request_timeout(Duration::from_secs(60));
    let server = Server::with_service(options, router)?;
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "localhost:8000".to_owned());
    println!("listening on https://{}/", server.listen(address).await?);

    tokio::select! {
        ended = server.closed() => return ended,
        _ = tokio::signal::ctrl_c() => {}
    }
    let cut = server.close_within(Duration::from_secs(10)).await?;
    eprintln!("closed; connections cut: {cut}");
    Ok(())
}
