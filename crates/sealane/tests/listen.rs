//! Does a server listen where it was told to, and say why when it cannot?

mod support;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sealane::{BoundAddress, Identity, ListenOptions, Server, ServerOptions, create_server};
use socket2::SockRef;
use support::places::{ask, ask_over, hello, tls_over};
use support::{Ground, left_out, listen, soon, until};
use tokio::sync::oneshot;

fn server(ground: &Ground) -> Server {
    create_server(ground.options(), hello).unwrap()
}

/// The IP address of what was bound.
fn ip(bound: &BoundAddress) -> SocketAddr {
    bound.ip().unwrap()
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[tokio::test]
async fn c275_port_0_is_any_free_port_and_listening_has_begun() {
    let ground = Ground::new();
    let server = server(&ground);
    assert!(!server.listening());
    let short = server.listen("127.0.0.1:0").await.unwrap();
    let named = ListenOptions::host_port("localhost", 0);
    let named = ip(&server.listen_on(named).await.unwrap());
    let any = ip(&server.listen_on(ListenOptions::port(0)).await.unwrap());
    for address in [short, named, any] {
        assert_ne!(address.port(), 0);
    }
    assert!(server.listening());
    assert_eq!(ask(&ground, short).await, "hello");
    assert_eq!(ask(&ground, named).await, "hello");
    assert_eq!(
        ask(&ground, (Ipv4Addr::LOCALHOST, any.port())).await,
        "hello"
    );
}

#[tokio::test]
async fn c278_without_a_host_clients_of_both_families_connect() {
    let ground = Ground::new();
    let server = server(&ground);
    let bound = ip(&server.listen_on(ListenOptions::port(0)).await.unwrap());
    if has_ipv6() {
        assert_eq!(bound.ip(), IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        assert_eq!(
            ask(&ground, (Ipv6Addr::LOCALHOST, bound.port())).await,
            "hello"
        );
    } else {
        assert_eq!(bound.ip(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    }
    assert_eq!(
        ask(&ground, (Ipv4Addr::LOCALHOST, bound.port())).await,
        "hello"
    );
}

#[tokio::test]
async fn c279_an_ipv6_address_alone_takes_no_ipv4_clients() {
    if !has_ipv6() {
        return left_out("this machine has no IPv6");
    }
    let ground = Ground::new();
    let server = server(&ground);
    let options = ListenOptions::host_port("::1", 0).ipv6_only(true);
    let bound = ip(&server.listen_on(options).await.unwrap());
    assert_eq!(bound.ip(), IpAddr::V6(Ipv6Addr::LOCALHOST));
    assert_eq!(ask(&ground, bound).await, "hello");

    let options = ListenOptions::port(0).ipv6_only(true);
    let any = ip(&server.listen_on(options).await.unwrap());
    assert_eq!(any.ip(), IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    assert_eq!(
        ask(&ground, (Ipv6Addr::LOCALHOST, any.port())).await,
        "hello"
    );
    TcpStream::connect((Ipv4Addr::LOCALHOST, any.port())).unwrap_err();
}

#[tokio::test]
async fn c282_ports_are_shared_by_those_who_all_ask_for_it() {
    let ground = Ground::new();
    let (one, other, third) = (server(&ground), server(&ground), server(&ground));
    let options = |port| ListenOptions::host_port("127.0.0.1", port);
    let bound = one.listen_on(options(0).reuse_port(true)).await.unwrap();
    let port = ip(&bound).port();
    let joined = other.listen_on(options(port).reuse_port(true)).await;
    assert_eq!(joined.unwrap(), bound);
    let error = third.listen_on(options(port)).await.unwrap_err();
    assert_eq!(error.code(), Some("EADDRINUSE"));
    assert!(
        error.to_string().contains(&ip(&bound).to_string()),
        "{error}"
    );

    // Either serves alone: that is how one process takes over from another.
    one.close().await.unwrap();
    assert_eq!(ask(&ground, ip(&bound)).await, "hello");
}

#[tokio::test]
async fn c283_a_signal_that_has_completed_closes_without_listening() {
    let ground = Ground::new();
    let server = server(&ground);
    let options = ListenOptions::port(0).signal(std::future::ready(()));
    let error = server.listen_on(options).await.unwrap_err();
    assert_eq!(error.code(), Some("ABORT_ERR"));
    assert!(!server.listening());
    assert_eq!(server.address(), None);
    soon(server.closed()).await.unwrap();
}

#[tokio::test]
async fn c098_a_signal_closes_the_server_when_it_completes() {
    let ground = Ground::new();
    let server = server(&ground);
    let (abort, aborted) = oneshot::channel::<()>();
    let options = ListenOptions::host_port("127.0.0.1", 0).signal(async {
        let _ = aborted.await;
    });
    let bound = ip(&server.listen_on(options).await.unwrap());
    assert_eq!(ask(&ground, bound).await, "hello");
    abort.send(()).unwrap();
    soon(server.closed()).await.unwrap();
    TcpStream::connect(bound).unwrap_err();
    let error = server.listen_on(ListenOptions::port(0)).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR_SERVER_NOT_RUNNING"));
}

#[tokio::test]
async fn c284_backlog_and_exclusive_are_taken_and_listening_lasts_until_close() {
    let ground = Ground::new();
    let server = server(&ground);
    let options = ListenOptions::host_port("127.0.0.1", 0);
    let options = options.backlog(3).exclusive(true);
    // In a task of its own, for whoever listens may be moved between threads.
    let listening = tokio::spawn({
        let server = server.clone();
        async move { server.listen_on(options).await }
    });
    let bound = ip(&listening.await.unwrap().unwrap());
    assert!(server.listening());
    assert_eq!(ask(&ground, bound).await, "hello");
    server.close().await.unwrap();
    assert!(!server.listening());
}

#[tokio::test]
async fn several_places_belong_to_one_server_and_end_with_it() {
    let ground = Ground::new();
    let server = server(&ground);
    let path = ground.folder().join("socket");
    let one = listen(&server).await;
    let two = listen(&server).await;
    server.listen_on(ListenOptions::path(&path)).await.unwrap();
    let all = [
        BoundAddress::Ip(one),
        BoundAddress::Ip(two),
        BoundAddress::Path(path.clone()),
    ];
    assert_eq!(server.addresses(), all);
    assert_eq!(server.address(), Some(one));
    soon(server.close()).await.unwrap();
    assert_eq!(server.addresses(), []);
    assert_eq!(server.address(), None);
    TcpStream::connect(one).unwrap_err();
    TcpStream::connect(two).unwrap_err();
    assert!(!path.exists());
}

#[tokio::test]
async fn what_cannot_be_bound_is_named_with_its_code() {
    let ground = Ground::new();
    let server = server(&ground);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let far = ListenOptions::host_port("203.0.113.1", 0);
    let nowhere = ListenOptions::host_port("no-such-host.invalid", 0);
    let cases = [
        (
            ListenOptions::host_port("127.0.0.1", port),
            "EADDRINUSE",
            "127.0.0.1",
        ),
        (ListenOptions::port(port), "EADDRINUSE", "of every address"),
        (far, "EADDRNOTAVAIL", "203.0.113.1"),
        (nowhere, "", "no-such-host.invalid"),
    ];
    for (options, code, text) in cases {
        let error = server.listen_on(options).await.unwrap_err();
        if !code.is_empty() {
            assert_eq!(error.code(), Some(code), "{error}");
        }
        assert!(error.to_string().contains(text), "{error}");
    }
    assert!(!server.listening());
}

#[tokio::test]
async fn options_without_effect_are_refused_by_name() {
    let ground = Ground::new();
    let server = server(&ground);
    let path = || ListenOptions::path(ground.folder().join("refused"));
    let host = |host| ListenOptions::host_port(host, 0);
    let adopted = || ListenOptions::tcp_listener(TcpListener::bind("127.0.0.1:0").unwrap());
    let refused = [
        (host("127.0.0.1").backlog(0), "backlog"),
        (
            host("127.0.0.1").reuse_port(true).exclusive(true),
            "reuse_port",
        ),
        (host("127.0.0.1").readable_all(true), "readable_all"),
        (host("127.0.0.1").ipv6_only(true), "ipv6_only"),
        (host(""), "host"),
        (path().ipv6_only(true), "ipv6_only"),
        (path().reuse_port(true), "reuse_port"),
        (adopted().exclusive(true), "exclusive"),
        (adopted().writable_all(true), "writable_all"),
        (ListenOptions::path(""), "path"),
        (ListenOptions::path("a\0b"), "path"),
        (
            ListenOptions::path("\0abstract").readable_all(true),
            "readable_all",
        ),
    ];
    for (options, name) in refused {
        let shown = format!("{options:?}");
        let error = server.listen_on(options).await.unwrap_err();
        assert!(error.to_string().contains(name), "{shown}: {error}");
        let codes = ["ERR_OUT_OF_RANGE", "ERR_INVALID_ARG_VALUE"];
        assert!(
            error.code().is_some_and(|code| codes.contains(&code)),
            "{error:?}"
        );
    }
    assert!(!ground.folder().join("refused").exists());
}

#[tokio::test]
async fn listeners_of_others_are_adopted_as_they_are() {
    let ground = Ground::new();
    let server = server(&ground);
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = BoundAddress::Ip(tcp.local_addr().unwrap());
    let bound = server
        .listen_on(ListenOptions::tcp_listener(tcp))
        .await
        .unwrap();
    assert_eq!(bound, address);
    assert_eq!(ask(&ground, ip(&bound)).await, "hello");

    let path = ground.folder().join("others");
    let unix = UnixListener::bind(&path).unwrap();
    let options = ListenOptions::unix_listener(unix).backlog(7);
    let bound = server.listen_on(options).await.unwrap();
    assert_eq!(bound, BoundAddress::Path(path.clone()));
    assert_eq!(support::places::ask_path(&ground, &path).await, "hello");
    server.close().await.unwrap();
    assert!(path.exists(), "whoever made the file removes it");
}

#[tokio::test]
async fn a_descriptor_that_does_not_listen_says_what_it_is() {
    let ground = Ground::new();
    let server = server(&ground);
    let file: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let datagrams: OwnedFd = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().into();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let cases = [
        (file, "no socket"),
        (datagrams, "another type"),
        (connected.into(), "does not listen"),
    ];
    for (descriptor, why) in cases {
        let error = server.listen_on(ListenOptions::fd(descriptor)).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), Some("EINVAL"));
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_listener_of_std_that_is_a_connection_is_refused() {
    let ground = Ground::new();
    let server = server(&ground);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (paired, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let cases = [
        ListenOptions::tcp_listener(OwnedFd::from(connected).into()),
        ListenOptions::unix_listener(OwnedFd::from(paired).into()),
    ];
    for options in cases {
        let error = server.listen_on(options).await.unwrap_err();
        assert_eq!(error.code(), Some("EINVAL"));
        assert!(error.to_string().contains("does not listen"), "{error}");
    }
    assert!(!server.listening());
}

/// Tells the process that this test starts that it is the other one.
const FOLDER: &str = "SEALANE_TEST_INHERITS";

/// The server of the next test, in a process of its own: serves on its standard input.
fn serve_what_was_inherited(folder: &Path) {
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    let identity = Identity::from_pem_files(chain, key).unwrap();
    let server = create_server(ServerOptions::new(identity), hello).unwrap();
    let listener = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let bound = server.listen_on(ListenOptions::fd(listener)).await.unwrap();
        std::fs::write(folder.join("bound"), bound.to_string()).unwrap();
        // Until its parent ends it, or has ended itself.
        tokio::time::sleep(Duration::from_secs(60)).await;
    });
}

#[test]
fn c285_a_descriptor_of_another_process_is_accepted_on() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return serve_what_was_inherited(Path::new(&folder));
    }
    let ground = Ground::new();
    let pem = ground.ca().issue(&["localhost"]);
    std::fs::write(ground.folder().join("chain.pem"), pem.chain_pem).unwrap();
    std::fs::write(ground.folder().join("key.pem"), pem.key_pem).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "c285_a_descriptor_of_another_process_is_accepted_on",
        ])
        .env(FOLDER, ground.folder())
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bound = || std::fs::read_to_string(ground.folder().join("bound")).unwrap_or_default();
    let answer = runtime.block_on(async {
        // Its queue is open already: nobody need wait until the other process has come up.
        let answer = ask(&ground, address).await;
        until(|| !bound().is_empty()).await;
        answer
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(answer, "hello");
    assert_eq!(bound(), address.to_string());
}

#[tokio::test]
async fn a_connection_on_a_unix_socket_can_be_adopted() {
    let ground = Ground::new();
    let server = server(&ground);
    let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
    server.adopt_unix(there).unwrap();
    here.set_nonblocking(true).unwrap();
    let here = tokio::net::UnixStream::from_std(here).unwrap();
    assert_eq!(ask_over(&ground, here).await, "hello");
}

/// Both ends of a connection.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (here, listener.accept().unwrap().0)
}

/// The server's socket of a connection that is up, as it was set.
async fn adopted_by(ground: &Ground, options: ServerOptions) -> TcpStream {
    let server = create_server(options, hello).unwrap();
    let (here, there) = pair();
    let looked_at = there.try_clone().unwrap();
    server.adopt(there).unwrap();
    here.set_nonblocking(true).unwrap();
    let here = tokio::net::TcpStream::from_std(here).unwrap();
    drop(tls_over(ground, here).await);
    looked_at
}

#[tokio::test]
async fn accepted_sockets_are_set_as_was_said() {
    let ground = Ground::new();
    let plain = adopted_by(&ground, ground.options()).await;
    let plain = SockRef::from(&plain);
    assert!(plain.tcp_nodelay().unwrap());
    assert!(!plain.keepalive().unwrap());

    let minute = Duration::from_millis(59_500);
    let options = ground.options().no_delay(false).tcp_keep_alive(minute);
    let options = options.receive_buffer_size(20_000).send_buffer_size(30_000);
    let set = adopted_by(&ground, options).await;
    let set = SockRef::from(&set);
    assert!(!set.tcp_nodelay().unwrap());
    assert!(set.keepalive().unwrap());
    assert_eq!(set.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
    // Linux says twice what it was told.
    assert!([20_000, 40_000].contains(&set.recv_buffer_size().unwrap()));
    assert!([30_000, 60_000].contains(&set.send_buffer_size().unwrap()));
}

#[tokio::test]
async fn what_no_socket_can_be_set_to_is_refused_by_name() {
    let ground = Ground::new();
    let options = || ground.options();
    let cases = [
        (
            options().tcp_keep_alive(Duration::from_millis(10)),
            "tcp_keep_alive",
        ),
        (
            options().tcp_keep_alive(Duration::from_secs(40_000)),
            "tcp_keep_alive",
        ),
        (options().receive_buffer_size(0), "receive_buffer_size"),
        (options().send_buffer_size(usize::MAX), "send_buffer_size"),
        (options().workers(0), "workers"),
        (options().workers(100_000), "workers"),
    ];
    for (options, name) in cases {
        let error = create_server(options, hello).unwrap_err();
        assert_eq!(error.code(), Some("ERR_OUT_OF_RANGE"));
        assert!(error.to_string().contains(name), "{error}");
    }
}
