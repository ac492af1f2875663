//! Do we agree with real servers: nginx, `openssl s_server`, Node? They say what they saw.
//!
//! A program that is not installed is left out, and that is printed. `SEALANE_BULK_MIB` sets how
//! much the memory tests move (64 otherwise; 1024 is what is promised).

mod support;

use std::path::PathBuf;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use sealane::{Agent, Body, ErrorKind, Identity, RequestOptions, TlsVersion, create_server};
use sealane_testkit::certificates::{Template, TestCa};
use support::octets::{in_pieces, octets_of};
use support::program::Program;
use support::{Ground, body_of, facts, listen, soon, stdout, until};
use tokio::process::Command;

const VERSIONS: [(TlsVersion, &str); 2] =
    [(TlsVersion::V1_2, "TLSv1.2"), (TlsVersion::V1_3, "TLSv1.3")];

/// A ground whose server identity is written where programs find it.
fn written() -> Ground {
    let ground = Ground::new();
    ground.write_identity();
    ground
}

/// An authority for clients, its file beside the others, and a client's identity.
fn clients(ground: &Ground) -> Identity {
    let clients = TestCa::new();
    let file = ground.folder().join("clients.pem");
    std::fs::write(file, clients.certificate_pem()).unwrap();
    let pem = clients.issue_like(&Template::server(&["a client of sealane"]).for_clients());
    Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap()
}

/// An agent that keeps sessions, but no connections, in one version.
fn resuming(ground: &Ground, version: TlsVersion) -> Agent {
    let options = ground
        .agent_options()
        .min_version(version)
        .max_version(version);
    Agent::new(options).unwrap()
}

async fn fetch(agent: &Agent, options: impl Into<RequestOptions>) -> (Response<Body>, String) {
    let mut response = soon(agent.get(options)).await.unwrap();
    let text = String::from_utf8_lossy(&soon(body_of(&mut response)).await).into_owned();
    (response, text)
}

/// Two connections: the second is resumed, says the server, and so do we.
async fn assert_resumes(ground: &Ground, url: &str, resumed: impl Fn(&str) -> Option<bool>) {
    for (version, name) in VERSIONS {
        let agent = resuming(ground, version);
        for round in 0..3 {
            let (response, text) = fetch(&agent, url).await;
            let tls = facts(&response).tls();
            assert_eq!((tls.protocol(), tls.resumed()), (name, round > 0), "{text}");
            assert_eq!(resumed(&text), Some(round > 0), "{name}: {text}");
        }
    }
}

#[tokio::test]
async fn openssl_says_that_our_sessions_are_resumed() {
    let ground = written();
    let server = Program::openssl(&ground, &["-www"]).await;
    assert_resumes(&ground, &server.url("/"), |page| {
        let line = page.lines().find(|line| line.contains(", Cipher is "))?;
        match line.split(',').next()? {
            "New" => Some(false),
            "Reused" => Some(true),
            _ => None,
        }
    })
    .await;
}

#[tokio::test]
async fn openssl_sees_our_certificate_and_refuses_who_has_none() {
    let ground = written();
    let identity = clients(&ground);
    let asking = [
        "-www",
        "-Verify",
        "1",
        "-verify_return_error",
        "-CAfile",
        "clients.pem",
    ];
    let server = Program::openssl(&ground, &asking).await;
    for (version, _) in VERSIONS {
        let agent = resuming(&ground, version);
        let known = RequestOptions::new(server.url("/")).identity(identity.clone());
        for round in 0..2 {
            let (response, page) = fetch(&agent, known.clone()).await;
            assert!(page.contains("a client of sealane"), "{page}");
            assert_eq!(facts(&response).tls().resumed(), round > 0);
        }
        let error = soon(agent.get(server.url("/"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
        let code = match version {
            TlsVersion::V1_2 => "EPROTO",
            _ => "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
        };
        assert_eq!(error.code(), Some(code), "{error:?}");
    }
}

#[tokio::test]
async fn openssl_sends_a_file_until_it_closes() {
    let ground = written();
    let octets: Vec<_> = (0..5_000_000_u32)
        .map(|place| (place % 251) as u8)
        .collect();
    std::fs::write(ground.folder().join("file.bin"), &octets).unwrap();
    let server = Program::openssl(&ground, &["-WWW"]).await;
    for (version, _) in VERSIONS {
        let agent = resuming(&ground, version);
        let mut response = soon(agent.get(server.url("/file.bin"))).await.unwrap();
        assert!(!response.headers().contains_key("content-length"));
        assert!(soon(body_of(&mut response)).await == octets);
    }
}

#[tokio::test]
async fn openssl_with_another_taste_is_understood() {
    let ground = written();
    for (arguments, group, cipher) in [
        (["-groups", "P-384"], "secp384r1", "TLS_AES_128_GCM_SHA256"),
        (
            ["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
            "X25519",
            "TLS_CHACHA20_POLY1305_SHA256",
        ),
    ] {
        let server = Program::openssl(&ground, &[&["-www"], &arguments[..]].concat()).await;
        let agent = resuming(&ground, TlsVersion::V1_3);
        for _ in 0..2 {
            let (response, page) = fetch(&agent, server.url("/")).await;
            let tls = facts(&response).tls();
            assert_eq!(tls.cipher(), cipher, "{page}");
            assert!(page.contains(cipher), "{page}");
            assert_eq!(
                tls.group().map(str::to_lowercase),
                Some(group.to_lowercase())
            );
        }
    }
}

#[tokio::test]
async fn openssl_without_our_versions_is_told_apart() {
    let ground = written();
    let server = Program::openssl(&ground, &["-www", "-tls1_2"]).await;
    let agent = resuming(&ground, TlsVersion::V1_3);
    let error = soon(agent.get(server.url("/"))).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Tls, Some("EPROTO")),
        "{error:?}"
    );
    assert!(error.replay_safe(), "{error:?}");
}

#[tokio::test]
async fn nginx_counts_our_requests_on_one_connection() {
    let ground = written();
    let text = r#"location / { return 200 "$connection $connection_requests"; }
                  keepalive_requests 3;"#;
    let Some(server) = Program::nginx(&ground, text).await else {
        return;
    };
    let agent = ground.agent();
    let mut connections = Vec::new();
    for count in ["1", "2", "3", "1"] {
        let (_, text) = fetch(&agent, server.url("/")).await;
        let (connection, requests) = text.split_once(' ').unwrap();
        assert_eq!(requests, count, "{text}");
        connections.push(connection.to_owned());
    }
    assert!(
        connections[..3].iter().all(|one| *one == connections[0]),
        "{connections:?}"
    );
    assert_ne!(
        connections[2], connections[3],
        "nginx closes after the third"
    );
}

#[tokio::test]
async fn nginx_closes_idle_connections_and_that_is_seen() {
    let ground = written();
    let text = r#"location / { return 200 "ok"; } keepalive_timeout 1s;"#;
    let Some(server) = Program::nginx(&ground, text).await else {
        return;
    };
    let agent = ground.agent();
    fetch(&agent, server.url("/")).await;
    assert_eq!(agent.total_socket_count(), 1);
    until(|| agent.total_socket_count() == 0).await;
    let (response, _) = fetch(&agent, server.url("/")).await;
    assert!(!facts(&response).reused());
}

#[tokio::test]
async fn nginx_says_that_our_sessions_are_resumed() {
    let ground = written();
    let text = r#"location / { return 200 "$ssl_session_reused"; }"#;
    let Some(server) = Program::nginx(&ground, text).await else {
        return;
    };
    assert_resumes(&ground, &server.url("/"), |text| match text {
        "." => Some(false),
        "r" => Some(true),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn nginx_knows_our_certificate() {
    let ground = written();
    let identity = clients(&ground);
    let text = r#"ssl_verify_client on; ssl_client_certificate clients.pem;
                  location / { return 200 "$ssl_client_verify $ssl_client_s_dn"; }"#;
    let Some(server) = Program::nginx(&ground, text).await else {
        return;
    };
    for (version, _) in VERSIONS {
        let agent = resuming(&ground, version);
        let known = RequestOptions::new(server.url("/")).identity(identity.clone());
        let (_, text) = fetch(&agent, known).await;
        assert_eq!(text, "SUCCESS CN=a client of sealane");
        let (response, text) = fetch(&agent, server.url("/")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{text}");
    }
}

#[tokio::test]
async fn nginx_stores_what_we_upload_and_gives_it_back() {
    let ground = written();
    let text = "dav_methods PUT; sub_filter nowhere here; sub_filter_types *;";
    let Some(server) = Program::nginx(&ground, text).await else {
        return;
    };
    let agent = ground.agent();
    for seed in 0..20 {
        let octets = octets_of(seed);
        let options = RequestOptions::new(server.url(&format!("/{seed}"))).method(Method::PUT);
        let request = agent.request(options).unwrap();
        let body = match seed % 2 {
            0 => in_pieces(octets.clone()),
            _ => Body::from(octets.clone()),
        };
        let mut response = soon(request.end_with(body)).await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        body_of(&mut response).await;
        let mut response = soon(agent.get(server.url(&format!("/{seed}"))))
            .await
            .unwrap();
        assert!(soon(body_of(&mut response)).await == octets, "{seed}");
        assert!(facts(&response).reused());
    }
    assert_eq!(agent.total_socket_count(), 1);
}

/// What Node answers: echoes, counts, sends as much as it is asked for, or says what it has seen.
const NODE: &str = r#"
const fs = require('fs'), https = require('https');
const options = { key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem') };
if (fs.existsSync('clients.pem'))
  Object.assign(options, { ca: fs.readFileSync('clients.pem'), requestCert: true });
const server = https.createServer(options, (req, res) => {
  if (req.url === '/echo') return req.pipe(res);
  if (req.url === '/up') {
    let octets = 0;
    req.on('data', (piece) => { octets += piece.length; });
    return req.on('end', () => res.end(String(octets)));
  }
  if (req.url.startsWith('/down/')) {
    let left = Number(req.url.slice(6));
    const piece = Buffer.alloc(1 << 20, 'x');
    const more = () => {
      while (left-- > 0) if (!res.write(piece)) return res.once('drain', more);
      res.end();
    };
    return more();
  }
  const tls = req.socket;
  res.end([tls.remotePort, tls.getProtocol(), tls.isSessionReused(), tls.authorized].join(' '));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"#;

#[tokio::test]
async fn node_sees_one_connection_and_resumed_sessions() {
    let ground = written();
    let Some(server) = Program::node(&ground, NODE).await else {
        return;
    };
    let agent = ground.agent();
    let (first, text) = fetch(&agent, server.url("/")).await;
    let (second, again) = fetch(&agent, server.url("/")).await;
    assert_eq!(text, again, "one port");
    let port = facts(&first).local_addr().unwrap().port();
    assert_eq!(text, format!("{port} TLSv1.3 false false"));
    assert!(facts(&second).reused());
    assert_resumes(&ground, &server.url("/"), |text| {
        text.split(' ').nth(2)?.parse().ok()
    })
    .await;
}

#[tokio::test]
async fn node_authorizes_our_certificate() {
    let ground = written();
    let identity = clients(&ground);
    let Some(server) = Program::node(&ground, NODE).await else {
        return;
    };
    for (version, name) in VERSIONS {
        let agent = resuming(&ground, version);
        let known = RequestOptions::new(server.url("/")).identity(identity.clone());
        for round in 0..2 {
            let (_, text) = fetch(&agent, known.clone()).await;
            let facts = text.split_once(' ').unwrap().1;
            assert_eq!(facts, format!("{name} {} true", round > 0));
        }
    }
}

#[tokio::test]
async fn node_echoes_while_we_still_write() {
    let ground = written();
    let Some(server) = Program::node(&ground, NODE).await else {
        return;
    };
    let agent = ground.agent();
    for seed in 0..10 {
        // Long enough that neither side could hold it.
        let octets = octets_of(seed).repeat(if seed == 0 { 1 } else { 200 });
        let request = Request::post(server.url("/echo")).body(in_pieces(octets.clone()));
        let mut response = soon(agent.send(request.unwrap())).await.unwrap();
        assert!(soon(body_of(&mut response)).await == octets, "{seed}");
    }
    assert_eq!(agent.total_socket_count(), 1);
}

/// How much a body of the memory tests holds, in MiB.
fn bulk() -> u64 {
    let told = std::env::var("SEALANE_BULK_MIB").ok();
    told.map_or(64, |text| {
        text.parse().expect("SEALANE_BULK_MIB is a number")
    })
}

/// Sends and receives large bodies in a process of its own, which tells by how much it has grown.
async fn assert_stays_small(ground: &Ground, up: &str, down: &str) {
    let tests = std::env::current_exe().unwrap();
    let program: PathBuf = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/memory_bound");
    let mut command = Command::new(program);
    command
        .arg(bulk().to_string())
        .arg(ground.ca_file())
        .args([up, down]);
    let text = stdout(&command.kill_on_drop(true).output().await.unwrap());
    println!("{text}");
    assert!(text.contains("upload: 20"), "{text}");
    assert!(
        text.contains(&format!("download: {} octets", bulk() << 20)),
        "{text}"
    );
    let (_, growth) = text.split_once("growth: ").unwrap();
    let growth: u64 = growth.trim().trim_end_matches(" KiB").parse().unwrap();
    assert!(growth < 32 * 1024, "grown by {growth} KiB");
}

#[tokio::test]
async fn large_bodies_to_and_from_node_take_little_memory() {
    let ground = written();
    let Some(server) = Program::node(&ground, NODE).await else {
        return;
    };
    let down = server.url(&format!("/down/{}", bulk()));
    assert_stays_small(&ground, &server.url("/up"), &down).await;
}

#[tokio::test]
async fn large_bodies_to_and_from_nginx_take_little_memory() {
    let ground = written();
    let text = "dav_methods PUT; sub_filter nowhere here; sub_filter_types *;";
    let Some(server) = Program::nginx(&ground, text).await else {
        return;
    };
    let zeros = std::fs::File::create(ground.folder().join("zeros")).unwrap();
    zeros.set_len(bulk() << 20).unwrap();
    assert_stays_small(&ground, &server.url("/stored"), &server.url("/zeros")).await;
    let stored = std::fs::metadata(ground.folder().join("stored")).unwrap();
    assert_eq!(stored.len(), bulk() << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn large_bodies_to_and_from_our_server_take_little_memory() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |mut request: Request<Body>| async move {
        let mut octets = 0;
        while let Some(piece) = request.body_mut().chunk().await? {
            octets += piece.len() as u64;
        }
        if request.method() == Method::PUT {
            assert_eq!(octets, bulk() << 20);
            return Ok::<_, sealane::Error>(Response::new(Body::empty()));
        }
        Ok(Response::new(endless(bulk())))
    })
    .unwrap();
    let url = format!("https://{}/", listen(&server).await);
    assert_stays_small(&ground, &url, &url).await;
}

/// So many MiB, in pieces of one.
fn endless(mebibytes: u64) -> Body {
    let (mut sender, body) = Body::channel();
    tokio::spawn(async move {
        let piece = Bytes::from(vec![b'x'; 1 << 20]);
        for _ in 0..mebibytes {
            if sender.send(piece.clone()).await.is_err() {
                return;
            }
        }
    });
    body
}
