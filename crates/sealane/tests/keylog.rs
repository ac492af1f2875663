//! Do both sides give out the secrets of their connections, and only where they are told to?
//!
//! `openssl s_client` keeps a log of its own; it must hold the same lines, octet for octet.

mod support;

use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use http::Response;
use sealane::{
    Agent, AgentOptions, KeyLogConnection, KeyLogFile, KeyLogLine, Server, ServerOptions,
    TlsVersion, create_server,
};
use support::{Ground, body_of, facts, left_out, listen, soon, until};

/// The lines that one side gave out, each with its connection.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(KeyLogLine, KeyLogConnection)>>>);

impl Lines {
    /// What takes the lines.
    fn log(&self) -> impl Fn(&KeyLogLine, &KeyLogConnection) + Send + Sync + use<> {
        let lines = Arc::clone(&self.0);
        move |line, connection| lines.lock().unwrap().push((line.clone(), *connection))
    }

    fn all(&self) -> Vec<(KeyLogLine, KeyLogConnection)> {
        self.0.lock().unwrap().clone()
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn labels(&self) -> Vec<String> {
        let all = self.all();
        all.iter()
            .map(|(line, _)| line.label().to_owned())
            .collect()
    }

    /// The lines of connections from or to a client's port, in an order of their own.
    fn of_port(&self, port: u16) -> Vec<String> {
        let ours = |address: Option<SocketAddr>| address.is_some_and(|it| it.port() == port);
        let mut texts: Vec<_> = self
            .all()
            .iter()
            .filter(|(_, at)| ours(at.local_addr()) || ours(at.remote_addr()))
            .map(|(line, _)| line.text().to_owned())
            .collect();
        texts.sort_unstable();
        texts
    }
}

/// A server whose lines go into `lines`.
fn server(options: ServerOptions, lines: &Lines) -> Server {
    let options = options.key_log(lines.log());
    create_server(options, |_req| async { Response::new("x") }).unwrap()
}

/// One request on a connection of its own; gives the client's port, and whether it was resumed.
async fn get(agent: &Agent, address: SocketAddr) -> (u16, bool) {
    let url = format!("https://localhost:{}/", address.port());
    let mut response = soon(agent.get(&url)).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"x");
    let facts = facts(&response);
    (facts.local_addr().unwrap().port(), facts.tls().resumed())
}

#[tokio::test]
async fn c058_an_agents_log_gets_five_lines_of_a_connection_in_tls_13() {
    let (ground, lines) = (Ground::new(), Lines::default());
    let server = create_server(ground.options(), |_req| async { Response::new("x") }).unwrap();
    let address = listen(&server).await;
    let agent = Agent::new(ground.agent_options().key_log(lines.log())).unwrap();
    let (port, _) = get(&agent, address).await;
    let mut labels = lines.labels();
    labels.sort_unstable();
    assert_eq!(labels, TLS_13);
    for (line, connection) in lines.all() {
        assert!(line.text().ends_with('\n'), "{line:?}");
        assert_eq!(connection.remote_addr(), Some(address));
        assert_eq!(connection.local_addr().unwrap().port(), port);
    }
}

#[tokio::test]
async fn c059_two_connections_of_which_one_is_resumed_give_ten_lines_on_each_side() {
    let (ground, ours, theirs) = (Ground::new(), Lines::default(), Lines::default());
    let server = server(ground.options(), &theirs);
    let address = listen(&server).await;
    let agent = Agent::new(ground.agent_options().key_log(ours.log())).unwrap();
    let (first, full) = get(&agent, address).await;
    let (second, resumed) = get(&agent, address).await;
    assert_eq!((full, resumed), (false, true));
    assert_eq!((ours.len(), theirs.len()), (10, 10));
    for port in [first, second] {
        let lines = ours.of_port(port);
        assert_eq!((lines.len(), &lines), (5, &theirs.of_port(port)));
    }
    assert_ne!(ours.of_port(first), ours.of_port(second));
}

#[tokio::test]
async fn c060_tls_12_gives_one_line_of_a_connection_resumed_or_not() {
    let (ground, ours, theirs) = (Ground::new(), Lines::default(), Lines::default());
    let server = server(ground.options().max_version(TlsVersion::V1_2), &theirs);
    let address = listen(&server).await;
    let agent = Agent::new(ground.agent_options().key_log(ours.log())).unwrap();
    for (count, resumed) in [(1, false), (2, true)] {
        let (port, was_resumed) = get(&agent, address).await;
        assert_eq!(was_resumed, resumed);
        assert_eq!((ours.len(), theirs.len()), (count, count));
        assert_eq!(ours.of_port(port), theirs.of_port(port));
        assert_eq!(ours.of_port(port).len(), 1);
    }
    assert!(ours.labels().iter().all(|label| label == "CLIENT_RANDOM"));
}

#[tokio::test]
async fn a_log_gets_the_lines_of_its_own_agent_only() {
    let (ground, ours, theirs) = (Ground::new(), Lines::default(), Lines::default());
    let server = create_server(ground.options(), |_req| async { Response::new("x") }).unwrap();
    let address = listen(&server).await;
    let options = || ground.agent_options();
    let silent = Agent::new(options()).unwrap();
    let one = Agent::new(options().key_log(ours.log())).unwrap();
    let other = Agent::new(options().key_log(theirs.log())).unwrap();
    get(&silent, address).await;
    assert_eq!((ours.len(), theirs.len()), (0, 0));
    get(&one, address).await;
    assert_eq!((ours.len(), theirs.len()), (5, 0));
    get(&other, address).await;
    assert_eq!((ours.len(), theirs.len()), (5, 5));
}

#[tokio::test]
async fn several_agents_and_a_server_append_to_one_file() {
    let ground = Ground::new();
    let path = ground.folder().join("keys.log");
    fs::write(&path, "# from before\n").unwrap();
    let options = ground.options().key_log(KeyLogFile::append(&path).unwrap());
    let server = create_server(options, |_req| async { Response::new("x") }).unwrap();
    let address = listen(&server).await;
    let agents: Vec<_> = (0..3)
        .map(|_| KeyLogFile::append(&path).unwrap())
        .map(|log| Agent::new(ground.agent_options().key_log(log)).unwrap())
        .collect();
    let asked: Vec<_> = agents.iter().map(|agent| get(agent, address)).collect();
    futures_util::future::join_all(asked).await;

    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.remove(0), "# from before");
    assert_eq!(lines.len(), 3 * 2 * 5);
    for line in &lines {
        assert_eq!(line.split(' ').count(), 3, "no line is cut: {line}");
    }
    // What a client logs its server logs too.
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 3 * 5);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_handshake_that_fails_has_given_its_lines_too() {
    // What went wrong is in the capture, so its secrets are what one wants.
    let (ground, lines) = (Ground::new(), Lines::default());
    let server = server(ground.options(), &lines);
    let address = listen(&server).await;
    let agent = Agent::new(AgentOptions::new().key_log(lines.log())).unwrap();
    let url = format!("https://localhost:{}/", address.port());
    let error = soon(agent.get(&url)).await.unwrap_err();
    assert_eq!(error.code(), Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"));
    let label = "SERVER_HANDSHAKE_TRAFFIC_SECRET".to_owned();
    assert!(lines.labels().contains(&label), "{:?}", lines.labels());
}

#[tokio::test]
async fn openssl_logs_the_same_lines_octet_for_octet() {
    for (version, count) in [("-tls1_3", 5), ("-tls1_2", 1)] {
        let (ground, lines) = (Ground::new(), Lines::default());
        let server = server(ground.options(), &lines);
        let address = listen(&server).await;
        let mut command = tokio::process::Command::new("openssl");
        command
            .args(["s_client", "-connect", &address.to_string(), version])
            .args(["-servername", "localhost", "-keylogfile", "openssl.log"])
            .current_dir(ground.folder())
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let Ok(status) = soon(command.status()).await else {
            return left_out("openssl is not installed");
        };
        assert!(status.success(), "{version}: {status}");
        until(|| lines.len() == count).await;
        let log = fs::read_to_string(ground.folder().join("openssl.log")).unwrap();
        let mut theirs: Vec<_> = log
            .split_inclusive('\n')
            .filter(|line| !line.starts_with('#'))
            .collect();
        theirs.sort_unstable();
        let all = lines.all();
        let mut ours: Vec<_> = all.iter().map(|(line, _)| line.text()).collect();
        ours.sort_unstable();
        assert_eq!(ours, theirs, "{version}");
    }
}

/// The labels of a connection in TLS 1.3, in alphabetical order.
const TLS_13: [&str; 5] = [
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "EXPORTER_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_TRAFFIC_SECRET_0",
];
