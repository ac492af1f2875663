//! An axum router served as it is, with the facts of its connection in a handler.
//!
//! Takes certificate.pem and private-key.pem from the working folder, as `server_pem` does.

use axum::extract::{Path, Request};
use axum::routing::{get, post};
use axum::{Json, Router};
use sealane::{ConnectionInfo, Identity, Server, ServerOptions};

async fn greet(Path(name): Path<String>) -> String {
    format!("hello {name}\n")
}

async fn count(body: String) -> Json<usize> {
    Json(body.len())
}

async fn connection(request: Request) -> String {
    match request.extensions().get::<ConnectionInfo>() {
        Some(info) => format!("{} with {}\n", info.tls().protocol(), info.tls().cipher()),
        None => "no connection\n".to_owned(),
    }
}

#[tokio::main]
async fn main() -> sealane::Result<()> {
    let router = Router::new()
        .route("/greet/{name}", get(greet))
        .route("/count", post(count))
        .route("/connection", get(connection));

    let identity = Identity::from_pem_files("certificate.pem", "private-key.pem")?;
    let server = Server::with_service(ServerOptions::new(identity), router)?;
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "localhost:8000".to_owned());
    println!("listening on https://{}/", server.listen(address).await?);
    server.closed().await
}
