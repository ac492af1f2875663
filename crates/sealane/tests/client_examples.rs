//! Do the client programs in `examples/` do what the module's page says they do?

mod support;

use std::path::{Path, PathBuf};
use std::process::Output;

use http::{Request, Response};
use sealane::{Body, ConnectionInfo, Server, create_server};
use sealane_testkit::certificates::{Template, TestCa};
use support::scripted::{Scripted, read_request, recorder, say};
use support::{Ground, listen, soon, stdout};

/// Where cargo puts the examples that it builds along with the tests.
fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.ancestors().nth(2).unwrap().join("examples");
    folder.join(name)
}

/// Runs an example to its end in a folder.
async fn run_in(folder: &Path, name: &str, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(program(name));
    command
        .args(arguments)
        .current_dir(folder)
        .kill_on_drop(true);
    soon(command.output()).await.unwrap()
}

/// Runs an example with a URL and the authority's file, and gives what it prints.
async fn run(ground: &Ground, name: &str, url: &str) -> String {
    let file = ground.ca_file();
    stdout(&run_in(ground.folder(), name, &[url, file.to_str().unwrap()]).await)
}

/// A server that gives back what it is sent, and says which fields came along.
async fn telling(ground: &Ground) -> (Server, String) {
    let server = create_server(ground.options(), |mut request: Request<Body>| async move {
        let mut text = format!("{} {}\n", request.method(), request.uri());
        for (name, value) in request.headers() {
            text += &format!("{name}: {}\n", value.to_str().unwrap());
        }
        while let Some(piece) = request.body_mut().chunk().await? {
            text += &String::from_utf8_lossy(&piece);
        }
        Ok::<_, sealane::Error>(Response::new(text))
    })
    .unwrap();
    let url = format!("https://localhost:{}/", listen(&server).await.port());
    (server, url)
}

#[tokio::test]
async fn the_get_example_prints_status_fields_and_body() {
    let ground = Ground::new();
    let (_server, url) = telling(&ground).await;
    let text = run(&ground, "get", &(url.clone() + "page?one")).await;
    assert!(text.starts_with("statusCode: 200\nheaders: {"), "{text}");
    assert!(text.contains("GET /page?one\n"), "{text}");

    let alone = run_in(ground.folder(), "get", &[&url]).await;
    assert!(!alone.status.success(), "the authority is not a public one");
    let said = String::from_utf8_lossy(&alone.stderr).into_owned();
    assert!(said.contains("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "{said}");
}

#[tokio::test]
async fn request_upload_writes_piece_by_piece() {
    let ground = Ground::new();
    let (_server, url) = telling(&ground).await;
    let text = run(&ground, "request_upload", &url).await;
    assert!(text.starts_with("statusCode: 200\nPOST /\n"), "{text}");
    assert!(text.contains("transfer-encoding: chunked\n"), "{text}");
    assert!(text.ends_with("part one, part two"), "{text}");
}

#[tokio::test]
async fn request_options_shows_its_certificate() {
    let ground = Ground::new();
    let clients = TestCa::new();
    let pem = clients.issue_like(&Template::server(&["me"]).for_clients());
    std::fs::write(ground.folder().join("certificate.pem"), &pem.chain_pem).unwrap();
    std::fs::write(ground.folder().join("private-key.pem"), &pem.key_pem).unwrap();
    let config = ground.server_config_asking(&clients);
    let server = Scripted::start(config, |mut stream, _| async move {
        let certificates = stream.get_ref().1.peer_certificates().unwrap().len();
        let request = read_request(&mut stream).await.unwrap();
        let first = request.lines().next().unwrap();
        let body = format!("{first} with {certificates} certificate");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        say(&mut stream, head + &body).await;
    })
    .await;
    let (port, file) = (server.address().port().to_string(), ground.ca_file());
    let arguments = ["localhost", &port, file.to_str().unwrap()];
    let text = stdout(&run_in(ground.folder(), "request_options", &arguments).await);
    assert!(text.starts_with("statusCode: 200\nheaders: {"), "{text}");
    assert!(
        text.ends_with("GET / HTTP/1.1 with 1 certificate"),
        "{text}"
    );
}

#[tokio::test]
async fn request_no_agent_closes_its_connection() {
    let ground = Ground::new();
    let (_server, url) = telling(&ground).await;
    let text = run(&ground, "request_no_agent", &url).await;
    assert!(text.contains("statusCode: 200\n"), "{text}");
    assert!(text.contains("connection: close\n"), "{text}");
}

#[tokio::test]
async fn request_url_sends_its_credentials_decoded() {
    let ground = Ground::new();
    let (_server, url) = telling(&ground).await;
    let url = url.replace("https://", "https://user:pass%3Aword@");
    let text = run(&ground, "request_url", &url).await;
    // `user:pass:word`
    assert!(
        text.contains("authorization: Basic dXNlcjpwYXNzOndvcmQ=\n"),
        "{text}"
    );
}

#[tokio::test]
async fn agent_pool_uses_its_connection_again() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let text = run(&ground, "agent_pool", &server.url("/")).await;
    let lines: Vec<_> = text.lines().collect();
    let [first, second, open] = lines[..] else {
        panic!("{text}")
    };
    let port = first.strip_prefix("reused: false, from port ").unwrap();
    assert_eq!(second, format!("reused: true, from port {port}"));
    assert_eq!((open, server.accepted()), ("open: 1", 1));
}

#[tokio::test]
async fn agent_layer_adds_its_field() {
    let ground = Ground::new();
    let (_server, url) = telling(&ground).await;
    let text = run(&ground, "agent_layer", &url).await;
    assert!(text.contains("user-agent: sealane-example\n"), "{text}");
}

#[tokio::test]
async fn agent_layers_follows_a_redirect_with_tower() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let answer = Response::builder();
        let answer = match request.uri().path() {
            "/old" => answer.status(302).header("location", "/new"),
            _ => answer,
        };
        answer.body(request.uri().to_string()).unwrap()
    })
    .unwrap();
    let origin = format!("https://localhost:{}", listen(&server).await.port());
    let text = run(&ground, "agent_layers", &format!("{origin}/old")).await;
    let expected = format!("statusCode: 200\nfrom: {origin}/new\n/new\n");
    assert_eq!(text, expected);
}

#[tokio::test]
async fn contract_client_fetches_each_url_in_turn() {
    let ground = Ground::new();
    let (_server, url) = telling(&ground).await;
    let (file, other) = (ground.ca_file(), url.clone() + "other");
    let arguments = [file.to_str().unwrap(), "PUT", "content", &url, &other];
    let text = stdout(&run_in(ground.folder(), "contract_client", &arguments).await);
    assert!(
        text.starts_with("PUT /\n") && text.ends_with("content"),
        "{text}"
    );
    assert!(text.contains("contentPUT /other\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bench_client_keeps_its_contract() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let connection = request.extensions().get::<ConnectionInfo>().unwrap();
        match request.uri().path() {
            "/reused" if connection.tls().resumed() => Response::new(Body::from("r")),
            "/reused" => Response::new(Body::from("f")),
            "/64m" => Response::new(Body::from(vec![7; 1 << 20])),
            _ => Response::new(Body::from("hello world\n")),
        }
    })
    .unwrap();
    let port = listen(&server).await.port().to_string();
    let file = ground.ca_file();
    for (mode, inflight) in [("seq", 1), ("par", 64), ("new", 1), ("bulk", 1)] {
        let arguments = [mode, &port, file.to_str().unwrap(), "0.2"];
        let line = stdout(&run_in(ground.folder(), "bench_client", &arguments).await);
        let value = |name: &str| -> f64 {
            let (_, rest) = line.split_once(&format!("\"{name}\":")).expect(&line);
            let end = rest.find([',', '}']).unwrap();
            rest[..end].parse().expect(&line)
        };
        assert!(line.starts_with('{') && line.ends_with("}\n"), "{line}");
        assert!(value("reqs") >= 1.0 && value("rps") > 0.0, "{line}");
        assert!(value("cpu_us") > 0.0 && value("busy") > 0.0, "{line}");
        assert!((0.0..=1.0).contains(&value("user")), "{line}");
        assert_eq!(value("inflight"), f64::from(inflight), "{line}");
        assert_eq!(
            value("resumed"),
            if mode == "new" { 1.0 } else { 0.0 },
            "{line}"
        );
        assert!(mode != "bulk" || value("gbs") > 0.0, "{line}");
    }
}
