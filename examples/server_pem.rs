//! The first program of the module's page: an HTTPS server from two PEM files.
//!
//! Make the files first: `openssl req -x509 -newkey rsa:2048 -nodes -sha256 -subj '/CN=localhost'
//! -keyout private-key.pem -out certificate.pem`. Another address may be given as an argument.

use http::Response;
use sealane::{Identity, ServerOptions, create_server};

#[tokio::main]
async fn main() -> sealane::Result<()> {
    let identity = Identity::from_pem_files("certificate.pem", "private-key.pem")?;
    let server = create_server(ServerOptions::new(identity), |_req| async {
        Response::new("hello world\n")
    })?;
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "localhost:8000".to_owned());
    println!("listening on https://{}/", server.listen(address).await?);
    server.closed().await
}
