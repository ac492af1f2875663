//! A request whose body is written piece by piece; then its response is awaited.
//!
//! `request_upload URL [CAFILE]`

use http::Method;
use sealane::{RequestOptions, Roots};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next().ok_or("usage: request_upload URL [CAFILE]")?;
    let mut options = RequestOptions::new(url).method(Method::POST);
    if let Some(file) = words.next() {
        options = options.ca(Roots::from_pem_file(file)?);
    }

    let mut req = sealane::request(options)?;
    req.write("part one, ").await?;
    req.write("part two").await?;
    let mut res = req.end().await?;

    println!("statusCode: {}", res.status().as_u16());
    let mut stdout = tokio::io::stdout();
    while let Some(chunk) = res.body_mut().chunk().await? {
        stdout.write_all(&chunk).await?;
    }
    Ok(stdout.flush().await?)
}
