//! Which address wins, and what is said when none does.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::dial;

/// An address where nobody listens: bound once, so that it is nobody else's.
async fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address")
}

#[tokio::test]
async fn an_address_that_refuses_gives_way_to_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let open = listener.local_addr().expect("an address");
    let stream = dial(vec![closed().await, open], "here").await;
    let stream = stream.expect("the second address answers");
    assert_eq!(stream.peer_addr().expect("an address"), open);
}

#[tokio::test]
async fn when_all_refuse_the_error_names_each() {
    let (one, other) = (closed().await, closed().await);
    let error = dial(vec![one, other], "a.example:1").await;
    let error = error.expect_err("nobody listens");
    assert_eq!(error.code(), Some("ECONNREFUSED"));
    let text = error.to_string();
    for part in ["a.example:1", &one.to_string(), &other.to_string()] {
        assert!(text.contains(part), "{text}");
    }
}
