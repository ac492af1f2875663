//! Does a dial serve whoever needs it, and does a request take what comes first?

mod support;

use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Waker};
use std::time::Duration;

use sealane::{Agent, AgentOptions, Lookup};
use support::asking::{OK, fetch};
use support::scripted::{Stream, read_request, say};
use support::{Ground, facts, soon, until};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A server whose handshakes are done one by one, by the test.
struct ByHand {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl ByHand {
    async fn new(ground: &Ground) -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(ground.server_config())),
        }
    }

    fn url(&self) -> String {
        format!("https://{}/", self.listener.local_addr().unwrap())
    }

    /// The next TCP connection, whose client waits for its handshake.
    async fn next(&self) -> TcpStream {
        soon(self.listener.accept()).await.unwrap().0
    }

    async fn shake(&self, socket: TcpStream) -> Stream {
        soon(self.acceptor.accept(socket)).await.unwrap()
    }
}

async fn answer(stream: &mut Stream) {
    soon(read_request(stream)).await.unwrap();
    say(stream, OK).await;
}

/// Whether the response's connection had rested.
type Asked = tokio::task::JoinHandle<sealane::Result<bool>>;

fn ask(agent: &Agent, url: String) -> Asked {
    let agent = agent.clone();
    tokio::spawn(async move { Ok(facts(&fetch(&agent, url).await?).reused()) })
}

fn idle(agent: &Agent) -> usize {
    agent.free_sockets().values().sum()
}

#[tokio::test]
async fn a_dial_whose_request_is_gone_goes_on_into_the_pool() {
    let ground = Ground::new();
    let server = ByHand::new(&ground).await;
    let agent = ground.agent();
    let first = ask(&agent, server.url());
    let socket = server.next().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(agent.total_socket_count(), 1, "it goes on");
    let mut stream = server.shake(socket).await;
    until(|| idle(&agent) == 1).await;
    let second = ask(&agent, server.url());
    answer(&mut stream).await;
    assert!(soon(second).await.unwrap().unwrap(), "it had rested");
    assert_eq!(agent.total_socket_count(), 1);
}

#[tokio::test]
async fn a_dial_whose_request_is_gone_goes_on_for_the_next_in_the_queue() {
    let ground = Ground::new();
    let server = ByHand::new(&ground).await;
    let agent = Agent::new(ground.agent_options().max_sockets(1)).unwrap();
    let first = ask(&agent, server.url());
    let socket = server.next().await;
    let second = ask(&agent, server.url());
    until(|| agent.requests().len() == 1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let mut stream = server.shake(socket).await;
    answer(&mut stream).await;
    assert!(!soon(second).await.unwrap().unwrap());
    until(|| agent.total_socket_count() == 0).await;
}

#[tokio::test]
async fn a_dial_that_nobody_needs_is_given_up_where_nothing_is_kept() {
    let ground = Ground::new();
    let server = ByHand::new(&ground).await;
    let agent = Agent::new(ground.agent_options()).unwrap();
    let first = ask(&agent, server.url());
    let socket = server.next().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    until(|| agent.total_socket_count() == 0).await;
    let refused = soon(server.acceptor.accept(socket)).await;
    assert!(refused.is_err(), "it was closed in its handshake");
}

#[tokio::test]
async fn a_dial_without_a_request_makes_room_for_another_origin() {
    let ground = Ground::new();
    let (slow, other) = (ByHand::new(&ground).await, ByHand::new(&ground).await);
    let options = AgentOptions::max_total_sockets(ground.agent_options(), 1);
    let agent = Agent::new(options.keep_alive(true)).unwrap();
    let first = ask(&agent, slow.url());
    let _stuck = slow.next().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(agent.total_socket_count(), 1, "it goes on");
    let second = ask(&agent, other.url());
    let mut stream = other.shake(other.next().await).await;
    answer(&mut stream).await;
    soon(second).await.unwrap().unwrap();
    assert_eq!(agent.total_socket_count(), 1);
}

#[tokio::test]
async fn a_request_takes_a_connection_that_is_free_before_its_own_is_open() {
    let ground = Ground::new();
    let server = ByHand::new(&ground).await;
    let agent = ground.agent();
    let first = ask(&agent, server.url());
    let mut stream = server.shake(server.next().await).await;
    soon(read_request(&mut stream)).await.unwrap();
    let second = ask(&agent, server.url());
    let slow = server.next().await;
    say(&mut stream, OK).await;
    assert!(!soon(first).await.unwrap().unwrap());
    answer(&mut stream).await;
    assert!(!soon(second).await.unwrap().unwrap(), "it never rested");
    assert_eq!((idle(&agent), agent.total_socket_count()), (1, 2));
    // What it had begun to open is for a later one.
    let _late = server.shake(slow).await;
    until(|| idle(&agent) == 2).await;
}

#[tokio::test]
async fn a_dial_that_panics_fails_its_request_and_leaves_no_place_taken() {
    let ground = Ground::new();
    let lookup = Lookup::new(|_, _| async { panic!("expected by the test") });
    let options = ground.agent_options().max_sockets(1).lookup(lookup);
    let agent = Agent::new(options).unwrap();
    let asking = (0..3).map(|_| agent.get("https://nowhere.test/"));
    for outcome in soon(futures_util::future::join_all(asking)).await {
        assert!(outcome.unwrap_err().replay_safe());
    }
    assert_eq!(agent.total_socket_count(), 0);
}

#[test]
fn a_dial_ends_with_its_runtime_and_its_place_is_free() {
    let ground = Ground::new();
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let serving = runtime();
    let server = serving.block_on(ByHand::new(&ground));
    let agent = Agent::new(ground.agent_options().keep_alive(true).max_sockets(1)).unwrap();
    let short_lived = runtime();
    short_lived.block_on(async {
        let first = ask(&agent, server.url());
        while agent.total_socket_count() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(first);
    });
    drop(short_lived);
    assert_eq!(agent.total_socket_count(), 0);
}

/// A request under way that is driven by hand.
type ByTheWay = Pin<Box<dyn Future<Output = sealane::Result<()>> + Send>>;

/// Whoever has a place keeps it, though the connection in it was no longer fit to be used.
#[tokio::test]
async fn a_dead_idle_connection_does_not_cost_a_request_its_turn() {
    let ground = Ground::new();
    let server =
        support::scripted::Scripted::start(ground.server_config(), |mut stream, _| async move {
            while read_request(&mut stream).await.is_some() {
                say(&mut stream, OK).await;
            }
        })
        .await;
    let shared: Arc<OnceLock<Agent>> = Arc::default();
    let later: Arc<Mutex<Option<ByTheWay>>> = Arc::default();
    let (theirs, url) = (Arc::clone(&shared), server.url("/later"));
    let kept = Arc::clone(&later);
    let options = ground.agent_options().keep_alive(true).max_sockets(1);
    let options = options.reuse_socket(move |_| {
        let (agent, url) = (theirs.get().unwrap().clone(), url.clone());
        let mut request: ByTheWay = Box::pin(async move { fetch(&agent, url).await.map(drop) });
        let polled = request
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "it waits in the queue");
        *kept.lock().unwrap() = Some(request);
        false
    });
    let agent = shared.get_or_init(|| Agent::new(options).unwrap());
    fetch(agent, server.url("/")).await.unwrap();
    assert_eq!(idle(agent), 1);
    // Nobody drives the later one: had it got the place, this one would wait in vain.
    let first = soon(fetch(agent, server.url("/first"))).await.unwrap();
    assert!(!facts(&first).reused());
    let later = later.lock().unwrap().take().unwrap();
    soon(later).await.unwrap();
    assert_eq!(server.accepted(), 2);
}
