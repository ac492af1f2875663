//! Which connections are used, waited for, kept and looked after, and by which runtime?

mod support;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc as threads};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{Method, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use sealane::{Agent, Body, ErrorKind, Phase, RequestOptions, Roots};
use sealane_testkit::certificates::PemIdentity;
use support::asking::OK;
use support::scripted::{
    Scripted, Stream, TLS12, TLS13, read_request, recorder, say, server_config,
};
use support::{Ground, body_of, facts, read_until, soon, until};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_rustls::rustls::SupportedProtocolVersion;
use tokio_rustls::rustls::crypto::aws_lc_rs::Ticketer;

/// What nobody has asked for.
const FORGED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// A runtime that serves in the background, for tests that keep a thread to themselves.
fn serving() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

async fn fetch(agent: &Agent, url: &str) -> Response<Body> {
    let mut response = soon(agent.get(url)).await.unwrap();
    assert_eq!(soon(body_of(&mut response)).await, b"ok");
    response
}

/// Sends a POST, which is never repeated, and gives what came and whether its connection had been
/// used before.
async fn post(agent: &Agent, url: &str) -> (Vec<u8>, bool) {
    let options = RequestOptions::new(url).method(Method::POST);
    let request = agent.request(options).unwrap();
    let mut response = soon(request.end_with("once")).await.unwrap();
    let body = soon(body_of(&mut response)).await;
    (body, facts(&response).reused())
}

/// Answers each request; behind the first answer of a connection it sends another one when told to,
/// and tells when it has.
async fn forging(ground: &Ground) -> (Scripted, Arc<Notify>, threads::Receiver<()>) {
    let go = Arc::new(Notify::new());
    let (told, hears) = threads::channel();
    let word = Arc::clone(&go);
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let (told, go) = (told.clone(), Arc::clone(&word));
        async move {
            while read_request(&mut stream).await.is_some() {
                say(&mut stream, OK).await;
                go.notified().await;
                say(&mut stream, FORGED).await;
                let _ = told.send(());
            }
        }
    })
    .await;
    (server, go, hears)
}

/// The runtime is busy between the moment when a connection is handed over and its use.
#[test]
fn a_connection_that_speaks_while_it_is_handed_over_is_not_used() {
    let ground = Ground::new();
    let serving = serving();
    let (server, go, hears) = serving.block_on(forging(&ground));
    let url = server.url("/");
    runtime().block_on(async {
        let options = ground.agent_options().keep_alive(true).max_sockets(1);
        let agent = Agent::new(options).unwrap();
        let holding = tokio::spawn({
            let (agent, url) = (agent.clone(), url.clone());
            async move {
                fetch(&agent, &url).await;
                // The other one has the connection now, and has not run yet.
                go.notify_one();
                hears.recv_timeout(PATIENCE).unwrap();
            }
        });
        // It runs next, before the runtime looks at its sockets.
        let waiting = tokio::spawn(async move { post(&agent, &url).await });
        soon(holding).await.unwrap();
        let (body, reused) = soon(waiting).await.unwrap();
        assert_eq!((body.as_slice(), reused), (&b"ok"[..], false));
    });
}

/// The runtime hides what sockets have from a task that has done much in one turn.
#[test]
fn a_task_that_has_done_much_does_not_use_a_connection_that_speaks_unasked() {
    let ground = Ground::new();
    let serving = serving();
    let (server, go, hears) = serving.block_on(forging(&ground));
    let url = server.url("/");
    let outcome = runtime().block_on(async {
        let agent = ground.agent();
        let (sender, mut ready) = tokio::sync::mpsc::unbounded_channel();
        (0..1000).for_each(|number| sender.send(number).unwrap());
        tokio::spawn(async move {
            fetch(&agent, &url).await;
            go.notify_one();
            hears.recv_timeout(PATIENCE).unwrap();
            // The runtime looks at its sockets, and this task begins a turn.
            tokio::task::yield_now().await;
            while tokio::task::coop::has_budget_remaining() {
                ready.recv().await;
            }
            post(&agent, &url).await
        })
        .await
    });
    let (body, reused) = outcome.unwrap();
    assert_eq!((body.as_slice(), reused), (&b"ok"[..], false));
}

/// The runtime has not looked at its sockets since the connection was put aside.
#[test]
fn a_program_that_computes_between_requests_does_not_use_a_connection_that_spoke() {
    let ground = Ground::new();
    let serving = serving();
    let (server, go, hears) = serving.block_on(forging(&ground));
    runtime().block_on(async {
        let agent = ground.agent();
        fetch(&agent, &server.url("/")).await;
        go.notify_one();
        // This takes the thread as a long computation does.
        hears.recv_timeout(PATIENCE).unwrap();
        let (body, reused) = post(&agent, &server.url("/")).await;
        assert_eq!((body.as_slice(), reused), (&b"ok"[..], false));
    });
}

/// Two certificates of one key from one authority: one that ends soon, one that does not.
struct Renewal {
    soon: PemIdentity,
    renewed: PemIdentity,
    roots: Roots,
    /// When the first one ends.
    end: SystemTime,
}

/// An authority of which all is said here.
const AUTHORITY: &str = "
[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = keyCertSign
subjectKeyIdentifier = hash
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = names
certificate = root.pem
private_key = root.key
x509_extensions = server
[names]
commonName = supplied
[server]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth
";

/// Runs openssl in a folder; ours makes certificates that end on a day, not within seconds.
fn openssl(folder: &Path, command: &str) {
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder).args(command.split(' '));
    let output = openssl.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
}

/// A time as ASN.1 writes it.
fn asn1(time: SystemTime) -> String {
    let text = httpdate::fmt_http_date(time);
    let parts: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, clock, _] = parts[..] else {
        panic!("{text} is no date");
    };
    let month = "JanFebMarAprMayJunJulAugSepOctNovDec".find(month).unwrap() / 3 + 1;
    format!("{year}{month:02}{day}{}Z", clock.replace(':', ""))
}

impl Renewal {
    fn new(folder: &Path) -> Self {
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config a.cnf";
        std::fs::write(folder.join("a.cnf"), AUTHORITY).unwrap();
        std::fs::write(folder.join("index.txt"), "").unwrap();
        openssl(
            folder,
            &format!("req -x509 {key} -subj /CN=root -keyout root.key -out root.pem"),
        );
        openssl(
            folder,
            &format!("req -new {key} -subj /CN=localhost -keyout leaf.key -out leaf.csr"),
        );
        let issue = |name: &str, end: &str| {
            let from = "ca -batch -notext -config a.cnf -in leaf.csr -startdate 20000101000000Z";
            openssl(folder, &format!("{from} -enddate {end} -out {name}"));
            PemIdentity {
                chain_pem: read(name),
                key_pem: read("leaf.key"),
            }
        };
        let renewed = issue("renewed.pem", "20491231000000Z");
        let end = SystemTime::now() + Duration::from_secs(3);
        Self {
            soon: issue("soon.pem", &asn1(end)),
            renewed,
            roots: Roots::from_pem(read("root.pem")).unwrap(),
            end,
        }
    }
}

/// Sessions that were made with a certificate do not outlive it, nor keep its successor out.
async fn renews(versions: &[&'static SupportedProtocolVersion]) {
    let ground = Ground::new();
    let renewal = Renewal::new(ground.folder());
    let tickets = Ticketer::new().unwrap();
    let config = |identity| {
        let mut config = server_config(identity, versions);
        config.ticketer = Arc::clone(&tickets);
        config
    };
    let (server, _seen) = recorder(config(&renewal.soon)).await;
    let agent = Agent::new(sealane::AgentOptions::new().ca(renewal.roots)).unwrap();
    let url = server.url("/");
    for resumes in [false, true] {
        let response = fetch(&agent, &url).await;
        assert_eq!(facts(&response).tls().resumed(), resumes);
    }
    server.replace(config(&renewal.renewed));
    // Certificates know seconds, and are good until the end of their last one.
    let over = renewal.end + Duration::from_secs(1);
    let rest = over.duration_since(SystemTime::now()).unwrap_or_default();
    tokio::time::sleep(rest).await;
    let before = server.accepted();
    let response = fetch(&agent, &url).await;
    assert!(!facts(&response).tls().resumed());
    assert!(server.accepted() <= before + 2, "one try in vain at most");
    let before = server.accepted();
    let response = fetch(&agent, &url).await;
    assert!(facts(&response).tls().resumed(), "the new session is good");
    assert_eq!(server.accepted(), before + 1);
}

#[tokio::test]
async fn a_renewed_certificate_is_met_without_a_failure_in_tls_12() {
    renews(TLS12).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_met_without_a_failure_in_tls_13() {
    renews(TLS13).await;
}

/// What a panic would be, also one of a destructor.
fn calmly<T>(what: &str, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| panic!("{what}: it panicked"))
}

/// Answers its first request in part before that is whole, tells, and says the rest when told to.
async fn prompt(ground: &Ground) -> (Scripted, threads::Receiver<()>, Arc<Notify>) {
    let go = Arc::new(Notify::new());
    let (told, hears) = threads::channel();
    let word = Arc::clone(&go);
    let server = Scripted::start(ground.server_config(), move |mut stream: Stream, _| {
        let (told, go) = (told.clone(), Arc::clone(&word));
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            say(&mut stream, OK.strip_suffix('k').unwrap()).await;
            told.send(()).unwrap();
            read_until(&mut stream, "0\r\n\r\n").await;
            go.notified().await;
            say(&mut stream, "k").await;
            while read_request(&mut stream).await.is_some() {
                say(&mut stream, OK).await;
            }
        }
    })
    .await;
    (server, hears, go)
}

/// Sends a request whose answer is there when it is looked for the first time, so that nothing has
/// waited on its connection yet. Another thread must run the runtime.
async fn prompted(agent: &Agent, url: String, hears: threads::Receiver<()>) -> Response<Body> {
    // Too large to wait for what follows it, so it leaves first.
    let first = stream::once(async { Bytes::from_static(&[7; 10_000]) });
    let second = stream::once(async move {
        hears.recv_timeout(PATIENCE).unwrap();
        // Until the runtime has seen it, too, which nobody tells.
        std::thread::sleep(Duration::from_millis(5));
        Bytes::from_static(b"end")
    });
    let frames = first.chain(second).map(Frame::data).map(Ok::<_, io::Error>);
    let options = RequestOptions::new(url).method(Method::POST);
    let request = agent.request(options).unwrap();
    let sent = request.end_with(Body::new(StreamBody::new(frames.boxed())));
    soon(sent).await.unwrap()
}

#[test]
fn a_half_read_response_may_be_polled_and_dropped_outside_of_any_runtime() {
    let ground = Ground::new();
    let serving = serving();
    for polled in [true, false] {
        let (server, hears, _go) = serving.block_on(prompt(&ground));
        let agent = ground.agent();
        let mut response = serving.block_on(prompted(&agent, server.url("/"), hears));
        if polled {
            calmly("polled", || {
                let body = response.body_mut();
                assert_eq!(body.chunk().now_or_never().unwrap().unwrap().unwrap(), "o");
                assert!(body.chunk().now_or_never().is_none());
            });
        }
        calmly("dropped", || drop(response));
        assert_eq!(agent.total_socket_count(), 0);
    }
}

#[test]
fn a_response_that_is_read_in_a_second_runtime_gives_back_a_connection_that_works() {
    let ground = Ground::new();
    let serving = serving();
    let (server, hears, go) = serving.block_on(prompt(&ground));
    let agent = ground.agent();
    let mut response = serving.block_on(prompted(&agent, server.url("/"), hears));
    let second = runtime();
    second.block_on(async {
        let first = soon(response.body_mut().chunk()).await.unwrap();
        assert_eq!(first.unwrap(), "o");
        // It waits here first, and with it whatever belongs to the runtime that waits.
        assert!(response.body_mut().chunk().now_or_never().is_none());
        go.notify_one();
        assert_eq!(soon(body_of(&mut response)).await, b"k");
    });
    drop(second);
    assert_eq!(agent.total_socket_count(), 1);
    let next = calmly("used again", || {
        serving.block_on(fetch(&agent, &server.url("/")))
    });
    assert!(facts(&next).reused());
}

#[tokio::test]
async fn the_agent_that_options_name_wins_over_the_one_that_is_asked() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let (asked, named) = (ground.agent(), ground.agent());
    let options = || RequestOptions::new(server.url("/"));
    let mut response = soon(asked.get(options().agent(&named))).await.unwrap();
    body_of(&mut response).await;
    let counts = (asked.total_socket_count(), named.total_socket_count());
    assert_eq!(counts, (0, 1));
    // No agent is none, also where one has a connection that could be used.
    let alone = options().no_agent().ca(ground.roots());
    let mut response = soon(named.get(alone)).await.unwrap();
    body_of(&mut response).await;
    assert!(!facts(&response).reused());
    assert_eq!((server.accepted(), named.total_socket_count()), (2, 1));
}

/// Begins a body, says the rest of it when told to, and goes on serving.
async fn hesitating(ground: &Ground) -> (Scripted, Arc<Notify>) {
    let go = Arc::new(Notify::new());
    let word = Arc::clone(&go);
    let server = Scripted::start(ground.server_config(), move |mut stream: Stream, _| {
        let go = Arc::clone(&word);
        async move {
            while read_request(&mut stream).await.is_some() {
                say(&mut stream, OK.strip_suffix('k').unwrap()).await;
                go.notified().await;
                say(&mut stream, "k").await;
            }
        }
    })
    .await;
    (server, go)
}

#[tokio::test]
async fn a_request_does_not_wait_for_ever_for_a_connection_that_is_held() {
    let ground = Ground::new();
    let (server, go) = hesitating(&ground).await;
    let limit = Duration::from_millis(100);
    let options = ground.agent_options().keep_alive(true).max_sockets(1);
    let agent = Agent::new(options.connect_timeout(limit)).unwrap();
    let mut held = soon(agent.get(server.url("/"))).await.unwrap();
    let error = soon(agent.get(server.url("/"))).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.phase(), error.code()),
        (ErrorKind::Timeout, Phase::Connect, Some("ETIMEDOUT")),
        "{error:?}"
    );
    assert!(error.replay_safe(), "{error:?}");
    assert!(error.to_string().contains("100ms"), "{error}");
    // Whoever has given up is in nobody's way.
    go.notify_one();
    assert_eq!(soon(body_of(&mut held)).await, b"ok");
    go.notify_one();
    assert!(facts(&fetch(&agent, &server.url("/")).await).reused());
}

#[test]
fn idle_connections_are_looked_after_though_another_runtime_stands_still() {
    let ground = Ground::new();
    let serving = serving();
    let (server, _seen) = serving.block_on(recorder(ground.server_config()));
    let url = server.url("/");
    let options = ground.agent_options().keep_alive(true);
    let agent = Agent::new(options.timeout(Duration::from_millis(100))).unwrap();
    let (standing, driven) = (runtime(), runtime());
    standing.block_on(fetch(&agent, &url));
    driven.block_on(async {
        fetch(&agent, &url).await;
        assert_eq!(server.accepted(), 2, "runtimes share no connection");
        until(|| agent.total_socket_count() == 0).await;
    });
}

#[tokio::test]
async fn a_server_name_that_was_not_sent_is_not_told() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let url = format!("https://localhost:{}/", server.address().port());
    for (options, name) in [
        (RequestOptions::new(&url), Some("localhost")),
        (RequestOptions::new(&url).servername(""), None),
    ] {
        let agent = ground.agent();
        let mut response = soon(agent.get(options)).await.unwrap();
        body_of(&mut response).await;
        assert_eq!(facts(&response).tls().servername(), name);
        assert_eq!(seen.recv().await.unwrap().servername.as_deref(), name);
    }
}
