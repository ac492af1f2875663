//! A server that lets in only clients with a certificate of our authority, and greets them by name.
//!
//! `mutual_tls [ADDRESS]`; takes certificate.pem, private-key.pem and the clients' authority,
//! clients-ca.pem, from the working folder.

use http::{Request, Response};
use sealane::{Body, ConnectionInfo, Identity, Roots, ServerOptions, create_server};

#[tokio::main]
async fn main() -> sealane::Result<()> {
    let identity = Identity::from_pem_files("certificate.pem", "private-key.pem")?;
    let options = ServerOptions::new(identity)
        .request_cert(true)
        .ca(Roots::from_pem_file("clients-ca.pem")?);
    let server = create_server(options, |req: Request<Body>| async move {
        let connection = req.extensions().get::<ConnectionInfo>();
        let client = connection.and_then(|it| it.tls().peer_certificate());
        let name = client.map_or("nobody", |certificate| certificate.subject_cn());
        Response::new(format!("hello {name}\n"))
    })?;
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "localhost:8000".to_owned());
    println!("listening on https://{}/", server.listen(address).await?);
    server.closed().await
}
