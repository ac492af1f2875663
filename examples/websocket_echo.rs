//! A WebSocket echo over the upgrade handle: HTTP ends, the same TLS connection goes on.
//!
//! Takes certificate.pem and private-key.pem from the working folder, as `server_pem` does.

use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode, header};
use sealane::{Body, Identity, ServerOptions, Upgrade, create_server};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

async fn handle(mut request: Request<Body>) -> Result<Response<Body>, http::Error> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned();
    let (Some(upgrade), Some(key)) = (Upgrade::of(&mut request), key) else {
        let response = Response::builder().status(StatusCode::UPGRADE_REQUIRED);
        return response
            .header(header::UPGRADE, "websocket")
            .body("a WebSocket lives here\n".into());
    };
    tokio::spawn(echo(upgrade));
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "upgrade")
        .header(
            header::SEC_WEBSOCKET_ACCEPT,
            derive_accept_key(key.as_bytes()),
        )
        .body(Body::empty())
}

async fn echo(upgrade: Upgrade) {
    // Not upgraded: the client went away before the answer had left.
    let Ok(connection) = upgrade.await else {
        return;
    };
    let mut socket = WebSocketStream::from_raw_socket(connection, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        let echoed = message.is_text() || message.is_binary();
        if echoed && socket.send(message).await.is_err() {
            return;
        }
    }
}

#[tokio::main]
async fn main() -> sealane::Result<()> {
    let identity = Identity::from_pem_files("certificate.pem", "private-key.pem")?;
    let server = create_server(ServerOptions::new(identity), handle)?;
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "localhost:8000".to_owned());
    println!("listening on https://{}/", server.listen(address).await?);
    server.closed().await
}
