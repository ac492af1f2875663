//! The server that the paired benchmark measures: `bench_server PORT CERTIFICATE KEY [WORKERS]`.
//!
//! `/` is small, `/1m` and `/64m` are large, `POST /echo` gives its body back. One thread, so that
//! CPU time per request compares with peers of one thread; with WORKERS, so many of its own.

use bytes::Bytes;
use http::{Request, Response};
use sealane::{Body, Identity, ServerOptions, create_server};

static LARGE: &[u8] = &[b'z'; 64 << 20];

async fn answer(mut request: Request<Body>) -> sealane::Result<Response<Body>> {
    let body = match request.uri().path() {
        "/1m" => Bytes::from_static(&LARGE[..1 << 20]),
        "/64m" => Bytes::from_static(LARGE),
        "/echo" => {
            let mut octets = Vec::new();
            while let Some(chunk) = request.body_mut().chunk().await? {
                octets.extend_from_slice(&chunk);
            }
            octets.into()
        }
        _ => Bytes::from_static(b"hello world\n"),
    };
    Ok(Response::new(body.into()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, certificate, key, workers @ ..] = arguments.as_slice() else {
        return Err("usage: bench_server PORT CERTIFICATE KEY [WORKERS]".into());
    };
    let mut options = ServerOptions::new(Identity::from_pem_files(certificate, key)?);
    if let [workers] = workers {
        options = options.workers(workers.parse()?);
    }
    let server = create_server(options, answer)?;
    server.listen(("127.0.0.1", port.parse()?)).await?;
    Ok(server.closed().await?)
}
