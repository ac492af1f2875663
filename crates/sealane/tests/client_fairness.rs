//! Are limits kept under a burst, and is everybody served, in order?

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use sealane::{Agent, AgentOptions, Body, Server, create_server};
use support::{Ground, body_of, listen};

/// Requests of the burst.
const BURST: usize = 5_000;

/// Origins, which take turns.
const ORIGINS: usize = 3;

const PER_KEY: usize = 10;
const IN_ALL: usize = 15;

/// What servers see: how many requests are with them, now and at most, and in which order.
#[derive(Default)]
struct Seen {
    now: AtomicUsize,
    most: AtomicUsize,
    order: Mutex<Vec<usize>>,
}

impl Seen {
    fn come(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn go(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An origin that counts for itself and for all.
fn origin(ground: &Ground, own: &Arc<Seen>, all: &Arc<Seen>) -> Server {
    let (own, all) = (Arc::clone(own), Arc::clone(all));
    create_server(ground.options(), move |request: Request<Body>| {
        let (own, all) = (Arc::clone(&own), Arc::clone(&all));
        async move {
            own.come();
            all.come();
            let number = request.uri().path()[1..].parse().unwrap();
            own.order.lock().unwrap().push(number);
            if number % 16 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            own.go();
            all.go();
            Response::new(number.to_string())
        }
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_requests_to_three_origins_keep_limits_and_order() {
    let ground = Ground::new();
    let all = Arc::new(Seen::default());
    let seen: Vec<_> = (0..ORIGINS).map(|_| Arc::new(Seen::default())).collect();
    let mut addresses = Vec::new();
    let servers: Vec<_> = seen.iter().map(|own| origin(&ground, own, &all)).collect();
    for server in &servers {
        addresses.push(listen(server).await);
    }
    let options = ground.agent_options().keep_alive(true).max_sockets(PER_KEY);
    let options = AgentOptions::max_total_sockets(options, IN_ALL);
    let agent = Agent::new(options.wait_timeout(None)).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let looking = tokio::spawn(look(agent.clone(), Arc::clone(&over)));

    // One task asks for all of them, so that it is known who came first.
    let asking = (0..BURST).map(|number| {
        let (agent, address) = (agent.clone(), addresses[number % ORIGINS]);
        async move {
            let number = number / ORIGINS;
            let url = format!("https://{address}/{number}");
            let mut response = agent.get(url).await.unwrap();
            assert_eq!(body_of(&mut response).await, number.to_string().as_bytes());
        }
    });
    let burst = futures_util::future::join_all(asking);
    tokio::time::timeout(Duration::from_secs(120), burst)
        .await
        .expect("all are served");
    over.store(true, Ordering::SeqCst);
    looking.await.unwrap();

    assert!(all.most.load(Ordering::SeqCst) <= IN_ALL);
    for (own, server) in seen.iter().zip(&servers) {
        assert!(own.most.load(Ordering::SeqCst) <= PER_KEY);
        in_order(&own.order.lock().unwrap());
        assert!(server.connections() <= PER_KEY);
    }
    let count = |seen: &Arc<Seen>| seen.order.lock().unwrap().len();
    assert_eq!(seen.iter().map(count).sum::<usize>(), BURST);
    assert!(agent.requests().is_empty() && agent.sockets().is_empty());
}

/// Looks at the agent until it is over.
async fn look(agent: Agent, over: Arc<AtomicBool>) {
    while !over.load(Ordering::SeqCst) {
        let now = agent.snapshot();
        assert!(now.total_socket_count() <= IN_ALL, "{now:?}");
        for (name, busy) in now.sockets() {
            let idle = now.free_sockets().get(name).unwrap_or(&0);
            assert!(busy + idle <= PER_KEY, "{now:?}");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A request is sent only when all before it have got their connections; of those no more than
/// there may be connections can still be on their way.
fn in_order(order: &[usize]) {
    for (came, &number) in order.iter().enumerate() {
        assert!(number <= came + PER_KEY, "{number} came as the {came}th");
    }
}
