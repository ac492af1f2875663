//! Do names have the module's fields, and nothing that is secret?

use super::*;
use crate::options::ClientTlsOptions;
use crate::parameters::TlsVersion;

fn name(options: ClientTlsOptions) -> String {
    let context = options.build().unwrap();
    context.pool_name().with_servername("")
}

#[test]
fn nothing_said_is_twenty_empty_fields() {
    assert_eq!(name(ClientTlsOptions::new()), ":".repeat(20));
}

#[test]
fn what_is_said_stands_in_its_field() {
    let options = ClientTlsOptions::new()
        .min_version(TlsVersion::V1_2)
        .max_version(TlsVersion::V1_3)
        .parameters(|it| {
            it.ciphers("TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384")
                .sigalgs("ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256")
                .honor_cipher_order(false)
                .ecdh_curve("X25519")
                .secure_options(0)
        })
        .reject_unauthorized(false);
    let context = options.build().unwrap();
    assert_eq!(
        context.pool_name().with_servername("b.test"),
        concat!(
            "::::TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:::false:b.test",
            ":TLSv1.2:TLSv1.3:::false:X25519::0::",
            "\"ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256\"::"
        )
    );
}

#[test]
fn material_is_a_short_digest() {
    assert_eq!(short(&[0xab; 32]), "ab".repeat(8));
}
