//! No pooling at all: a connection for this request alone, closed afterwards.
//!
//! `request_no_agent URL [CAFILE]`

use sealane::{RequestOptions, Roots};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next().ok_or("usage: request_no_agent URL [CAFILE]")?;
    let mut options = RequestOptions::new(url).no_agent();
    if let Some(file) = words.next() {
        options = options.ca(Roots::from_pem_file(file)?);
    }

    let mut res = sealane::request(options)?.end().await?;
    println!("statusCode: {}", res.status().as_u16());
    let mut stdout = tokio::io::stdout();
    while let Some(chunk) = res.body_mut().chunk().await? {
        stdout.write_all(&chunk).await?;
    }
    Ok(stdout.flush().await?)
}
