//! Pins a public key as data, so that pooling and resumption stay on, and prints the chain.
//!
//! `pin_public_key URL PIN [CAFILE]`, the pin as base64 of the SHA-256 of the public key
//! (`sealane inspect HOST` prints it). Give the one in use and a backup, separated by a comma.

use sealane::{Agent, AgentOptions, ConnectionInfo, Pin, Pins, Roots};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [url, wanted, rest @ ..] = &words[..] else {
        return Err("usage: pin_public_key URL PIN[,PIN] [CAFILE]".into());
    };
    let pins = wanted.split(',').map(Pin::spki_sha256);
    let mut options = AgentOptions::new().pins(pins.collect::<Result<Pins, _>>()?);
    if let [file, ..] = rest {
        options = options.ca(Roots::from_pem_file(file)?);
    }

    let agent = Agent::new(options)?;
    let res = agent.get(url).await?;
    let connection = res.extensions().get::<ConnectionInfo>().ok_or("no facts")?;
    let server = connection
        .tls()
        .peer_certificate()
        .ok_or("no certificate")?;
    for cert in server.chain() {
        println!("Subject Common Name: {}", cert.subject_cn());
        println!(
            "  Certificate SHA256 fingerprint: {}",
            cert.fingerprint256()
        );
        println!("  Public key ping-sha256: {}", cert.spki_sha256_base64());
    }
    println!("All OK. Server matched our pinned cert or public key");
    println!("statusCode: {}", res.status().as_u16());
    Ok(())
}
