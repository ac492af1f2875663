//! Secrets for other protocols (RFC 5705, RFC 8446 §7.5): do both ends derive the same?

mod support;

use http::{Request, Response};
use sealane::{Agent, Body, ConnectionInfo, ServerOptions, TlsVersion, create_server};
use support::{Ground, body_of, facts, listen, soon};

/// What is asked for: length, label and context.
type Wish = (usize, &'static [u8], Option<&'static [u8]>);

const WISHES: [Wish; 6] = [
    (32, b"EXPORTER-sealane-test", None),
    (32, b"EXPORTER-sealane-test", Some(b"")),
    (32, b"EXPORTER-sealane-test", Some(b"context")),
    (32, b"EXPORTER-sealane-other", Some(b"context")),
    (1, b"EXPORTER-sealane-test", None),
    (300, b"EXPORTER-sealane-test", None),
];

fn all_of(info: &ConnectionInfo) -> sealane::Result<Vec<Vec<u8>>> {
    let one =
        |&(length, label, context): &Wish| info.export_keying_material(length, label, context);
    WISHES.iter().map(one).collect()
}

/// A server that answers with its own secrets, or with the code of its error.
async fn telling(options: ServerOptions) -> (sealane::Server, String) {
    let server = create_server(options, |request: Request<Body>| {
        let info: &ConnectionInfo = request.extensions().get().unwrap();
        let said = match all_of(info) {
            Ok(secrets) => secrets.concat(),
            Err(error) => error.code().unwrap().into(),
        };
        async { Response::new(Body::from(said)) }
    });
    let server = server.unwrap();
    let url = format!("https://localhost:{}/", listen(&server).await.port());
    (server, url)
}

#[tokio::test]
async fn both_ends_derive_the_same_and_each_connection_its_own() {
    let ground = Ground::new();
    let (_server, url) = telling(ground.options().exporter(true)).await;
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let options = ground.agent_options().exporter(true).max_version(version);
        let agent = Agent::new(options).unwrap();
        let mut seen = Vec::new();
        for round in 0..3 {
            let mut response = soon(agent.get(&url)).await.unwrap();
            let theirs = body_of(&mut response).await;
            assert_eq!(facts(&response).tls().resumed(), round > 0);
            let ours = all_of(facts(&response)).unwrap();
            assert_eq!(ours.concat(), theirs, "{version:?}");
            for (secret, (length, ..)) in ours.iter().zip(&WISHES) {
                assert_eq!(secret.len(), *length);
            }
            // No context and an empty one differ in TLS 1.2 only (RFC 8446 §7.5).
            assert_eq!(ours[0] == ours[1], version == TlsVersion::V1_3);
            assert!(ours[0] != ours[2] && ours[2] != ours[3]);
            assert!(
                !seen.contains(&ours[0]),
                "a connection told another one's secret"
            );
            seen.push(ours[0].clone());
        }
    }
}

#[tokio::test]
async fn without_the_option_nothing_is_derived() {
    let ground = Ground::new();
    for (at_server, at_client) in [(true, false), (false, true), (false, false)] {
        let (_server, url) = telling(ground.options().exporter(at_server)).await;
        let agent = Agent::new(ground.agent_options().exporter(at_client)).unwrap();
        let mut response = soon(agent.get(&url)).await.unwrap();
        let theirs = body_of(&mut response).await;
        assert_eq!(theirs != b"ERR_TLS_INVALID_STATE", at_server);
        match all_of(facts(&response)) {
            Ok(_) => assert!(at_client),
            Err(error) => {
                assert!(!at_client, "{error:?}");
                assert_eq!(error.code(), Some("ERR_TLS_INVALID_STATE"), "{error:?}");
                assert!(error.to_string().contains("exporter"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn more_than_tls_can_derive_is_an_error() {
    let ground = Ground::new();
    let (_server, url) = telling(ground.options().exporter(true)).await;
    let options = ground.agent_options().exporter(true).keep_alive(true);
    let agent = Agent::new(options).unwrap();
    let response = soon(agent.get(&url)).await.unwrap();
    let info = facts(&response);
    let cases: [Wish; 6] = [
        // No allocation comes before the refusal.
        (usize::MAX, b"EXPORTER-x", None),
        (65_536, b"EXPORTER-x", None),
        // 255 blocks of the suite's hash at most (RFC 5869 §2.3).
        (255 * 48 + 1, b"EXPORTER-x", None),
        (0, b"EXPORTER-x", None),
        (32, b"", None),
        (32, &[b'x'; 250], None),
    ];
    for (length, label, context) in cases {
        let error = info.export_keying_material(length, label, context);
        let error = error.unwrap_err();
        assert_eq!(error.code(), Some("ERR_OUT_OF_RANGE"), "{error:?}");
    }
}
