//! Pins one exact certificate with a check of the program's own, and prints the chain.
//!
//! `pin_fingerprint URL AA:BB:… [CAFILE]`. The line of the public key has the hash of the whole
//! key, as everybody pins it; on elliptic curves the page's program prints the bare point's.

use sealane::{Agent, AgentOptions, IdentityError, Roots, check_server_identity};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [url, expected, rest @ ..] = &words[..] else {
        return Err("usage: pin_fingerprint URL FINGERPRINT [CAFILE]".into());
    };
    let expected = expected.clone();
    let mut options = AgentOptions::new().check_server_identity(move |host, cert| {
        // Make sure the certificate is issued to the host we are connected to.
        check_server_identity(host, cert)?;
        // Pin the exact certificate, rather than its public key.
        if cert.fingerprint256() != expected {
            return Err(IdentityError::pin_mismatch(cert));
        }
        // This loop is informational only. It is common to pin the public key of the issuer on the
        // public internet, and that of the service in sensitive environments.
        for cert in cert.chain() {
            println!("Subject Common Name: {}", cert.subject_cn());
            println!(
                "  Certificate SHA256 fingerprint: {}",
                cert.fingerprint256()
            );
            println!("  Public key ping-sha256: {}", cert.spki_sha256_base64());
        }
        Ok(())
    });
    if let [file, ..] = rest {
        options = options.ca(Roots::from_pem_file(file)?);
    }

    let agent = Agent::new(options)?;
    let res = agent.get(url).await?;
    println!("All OK. Server matched our pinned cert or public key");
    println!("statusCode: {}", res.status().as_u16());
    Ok(())
}
