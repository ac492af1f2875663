//! Does one server take over from another under load, without a request that fails?

mod support;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use sealane::{Agent, ListenOptions, RequestOptions, Server, ServerOptions, create_server};
use support::places::hello;
use support::{Ground, body_of, soon};
use tokio::task::JoinHandle;

/// What became of a client's requests.
#[derive(Default)]
struct Tally {
    answered: usize,
    /// Sent again, for no octet of them had left.
    repeated: usize,
    failed: Vec<String>,
}

/// Asks until told to stop, and again only what may be sent again without risk.
async fn keep_asking(agent: Agent, request: RequestOptions, stop: Arc<AtomicBool>) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        match soon(ask(&agent, &request)).await {
            Ok(()) => tally.answered += 1,
            Err(error) if error.replay_safe() => tally.repeated += 1,
            Err(error) => tally.failed.push(format!("{error:?}")),
        }
    }
    tally
}

async fn ask(agent: &Agent, request: &RequestOptions) -> sealane::Result<()> {
    let mut response = agent.request(request.clone())?.end().await?;
    assert_eq!(body_of(&mut response).await, b"hello");
    Ok(())
}

/// Clients of both kinds: those that keep connections ask what may be repeated, the others post.
fn clients(ground: &Ground, address: SocketAddr, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<Tally>> {
    let url = format!("https://localhost:{}/", address.port());
    let client = |agent: Agent, method: Method| {
        let request = RequestOptions::new(&url).method(method);
        tokio::spawn(keep_asking(agent, request, Arc::clone(stop)))
    };
    let keeping = (0..8).map(|_| client(ground.agent(), Method::GET));
    let fresh = (0..8).map(|_| {
        let agent = Agent::new(ground.agent_options()).unwrap();
        client(agent, Method::POST)
    });
    keeping.chain(fresh).collect()
}

/// Restarts a server under load; each of `servers` listens as `place` says.
async fn restarts(
    ground: &Ground,
    options: impl Fn() -> ServerOptions,
    address: SocketAddr,
    place: impl Fn() -> ListenOptions,
) {
    let start = async || {
        let server = create_server(options(), hello).unwrap();
        server.listen_on(place()).await.unwrap();
        server
    };
    let mut server: Server = start().await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients = clients(ground, address, &stop);
    for _ in 0..RESTARTS {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let next = start().await;
        soon(server.close()).await.unwrap();
        server = next;
    }
    stop.store(true, Ordering::Relaxed);
    let mut total = Tally::default();
    for client in clients {
        let tally = client.await.unwrap();
        total.answered += tally.answered;
        total.repeated += tally.repeated;
        total.failed.extend(tally.failed);
    }
    assert!(total.failed.is_empty(), "{:#?}", total.failed);
    // Each client was served by more than one server.
    assert!(total.answered > 16 * 2, "{}", total.answered);
}

/// How often a server gives way to the next.
const RESTARTS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_both_bind_goes_from_one_to_the_next() {
    let ground = Ground::new();
    // Holds the port for both without listening, so that it is nobody else's.
    let held = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    held.set_reuse_port(true).unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    held.bind(&any.into()).unwrap();
    let address = held.local_addr().unwrap().as_socket().unwrap();
    let place = || ListenOptions::host_port("127.0.0.1", address.port()).reuse_port(true);
    restarts(&ground, || ground.options(), address, place).await;
    restarts(&ground, || ground.options().workers(2), address, place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_is_handed_over_loses_nobody() {
    let ground = Ground::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let place = || ListenOptions::tcp_listener(listener.try_clone().unwrap());
    restarts(&ground, || ground.options(), address, place).await;
    restarts(&ground, || ground.options().workers(2), address, place).await;
}
