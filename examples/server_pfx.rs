//! The page's server from a PKCS#12 file.
//!
//! Make the file first, from the two of `server_pem`: `openssl pkcs12 -certpbe AES-256-CBC -export
//! -out test_cert.pfx -inkey private-key.pem -in certificate.pem -passout pass:sample`. Another
//! address may be given as an argument.

use http::Response;
use sealane::{Identity, ServerOptions, create_server};

#[tokio::main]
async fn main() -> sealane::Result<()> {
    let identity = Identity::from_pfx_file("test_cert.pfx", "sample")?;
    let server = create_server(ServerOptions::new(identity), |_req| async {
        Response::new("hello world\n")
    })?;
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "localhost:8000".to_owned());
    println!("listening on https://{}/", server.listen(address).await?);
    server.closed().await
}
