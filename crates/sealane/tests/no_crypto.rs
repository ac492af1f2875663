//! Built without the feature `aws-lc-rs`: does every entry point say that there is no cryptography,
//! until the program installs some? With the feature there is nothing to ask, and no test here.
//!
//! `cargo test -p sealane --no-default-features --test no_crypto`

#![cfg(not(feature = "aws-lc-rs"))]

use http::Response;
use sealane::{
    Agent, AgentOptions, Identity, RequestOptions, ServerOptions, create_server, crypto,
};
use sealane_testkit::certificates::TestCa;
use tokio_rustls::rustls::crypto::aws_lc_rs;

/// Code and text of a failure.
fn failure<T>(result: sealane::Result<T>) -> (String, String) {
    let Err(error) = result else {
        panic!("it worked without cryptography");
    };
    (
        error.code().unwrap_or_default().to_owned(),
        error.to_string(),
    )
}

/// One test, in this order: what a process installs stays installed.
#[tokio::test]
async fn every_entry_point_says_no_until_the_program_brings_its_own() {
    let pem = TestCa::new().issue(&["localhost"]);
    let identity = || Identity::from_pem(&pem.chain_pem, &pem.key_pem);
    let url = "https://localhost:1/";

    assert!(!crypto::is_available());
    let failures = [
        failure(identity()),
        failure(Agent::new(AgentOptions::new())),
        failure(sealane::global_agent()),
        failure(sealane::get(url).await),
        failure(sealane::request(url)),
        failure(sealane::request(RequestOptions::new(url).no_agent())),
    ];
    for (code, text) in failures {
        assert_eq!(code, "ERR_NO_CRYPTO", "{text}");
        assert!(text.contains("not compiled with crypto support"), "{text}");
    }

    aws_lc_rs::default_provider().install_default().unwrap();
    assert!(crypto::is_available());
    Agent::new(AgentOptions::new()).unwrap();
    let options = ServerOptions::new(identity().unwrap());
    create_server(options, |_req| async { Response::new("hello world\n") }).unwrap();
}
