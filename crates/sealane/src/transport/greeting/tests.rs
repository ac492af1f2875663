//! A ClientHello read first, in any pieces, and answered as if nobody had looked.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rustls::AlertDescription;
use rustls::client::ClientConnection;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::pair::{
    VERSIONS, World, handshake, handshake_into, name, part, raw, read_all, sockets,
};
use super::super::{Parting as _, Received, TransportError};
use super::{Greeting, Hello, Refusal};

/// A client of rustls, and the ClientHello it wants to send.
fn client(world: &World) -> (ClientConnection, Vec<u8>) {
    let mut config = world.client(&VERSIONS);
    config.alpn_protocols = vec![b"h7".to_vec(), b"http/1.1".to_vec()];
    let mut client = ClientConnection::new(Arc::new(config), name()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    (client, hello)
}

/// Brings a client's handshake to its end, then says `ask` and close_notify.
async fn finish(mut client: ClientConnection, socket: &mut TcpStream) -> Result<(), rustls::Error> {
    use std::io::Write as _;
    while client.is_handshaking() {
        let mut octets = vec![0; 4096];
        let count = socket.read(&mut octets).await.unwrap();
        assert_ne!(count, 0, "the server says nothing more");
        let mut rest = &octets[..count];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
        write(&mut client, socket).await;
    }
    client.writer().write_all(b"ask").unwrap();
    client.send_close_notify();
    write(&mut client, socket).await;
    Ok(())
}

async fn write(client: &mut ClientConnection, socket: &mut TcpStream) {
    let mut octets = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut octets).unwrap();
    }
    socket.write_all(&octets).await.unwrap();
}

/// Sends a ClientHello octet by octet, each of which the greeting looks at alone.
async fn trickle(greeting: &mut Greeting, here: &mut TcpStream, octets: &[u8]) -> Hello {
    let mut seen = Vec::new();
    for octet in octets {
        here.write_all(&[*octet]).await.unwrap();
        greeting.socket.readable().await.unwrap();
        let mut context = Context::from_waker(Waker::noop());
        seen.push(greeting.poll_hello(&mut context));
    }
    let Some(Poll::Ready(Ok(hello))) = seen.pop() else {
        panic!("no ClientHello with its last octet");
    };
    assert!(seen.iter().all(Poll::is_pending), "it was not whole before");
    hello
}

#[tokio::test]
async fn a_hello_that_comes_octet_by_octet_is_read_and_answered() {
    let world = World::new();
    for (exports, version) in [
        (false, VERSIONS[0]),
        (false, VERSIONS[1]),
        (true, VERSIONS[0]),
        (true, VERSIONS[1]),
    ] {
        let (mut here, there) = sockets().await;
        let (client, octets) = client(&world);
        let mut greeting = Greeting::new(there);
        let hello = trickle(&mut greeting, &mut here, &octets).await;
        assert_eq!(hello.servername.as_deref(), Some("localhost"));
        assert_eq!(hello.alpn, [b"h7".to_vec(), b"http/1.1".to_vec()]);
        let mut server = greeting.answer(world.server(version), exports).unwrap();
        let serve = async {
            let mut asked = Vec::new();
            handshake_into(&mut server, &mut asked).await.unwrap();
            let (more, end) = read_all(&mut server).await.unwrap();
            asked.extend(more);
            (asked, end)
        };
        let (done, asked) = tokio::join!(finish(client, &mut here), serve);
        done.unwrap();
        assert_eq!(asked, (b"ask".to_vec(), Received::CloseNotify));
    }
}

#[tokio::test]
async fn octets_behind_the_hello_are_kept() {
    let world = World::new();
    let (mut here, there) = sockets().await;
    let (_, mut octets) = client(&world);
    octets.extend_from_slice(&[23, 3, 3, 0, 1, 7]);
    here.write_all(&octets).await.unwrap();
    let mut greeting = Greeting::new(there);
    poll_fn(|context| greeting.poll_hello(context))
        .await
        .unwrap();
    let mut server = greeting.answer(world.server(VERSIONS[1]), false).unwrap();
    let outcome = handshake(&mut server).await;
    assert!(
        matches!(outcome, Err(TransportError::Tls(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_refused_choice_tells_the_client_why() {
    let world = World::new();
    for (refusal, alert) in [
        (
            Refusal::NoApplicationProtocol,
            AlertDescription::NoApplicationProtocol,
        ),
        (Refusal::InternalError, AlertDescription::InternalError),
    ] {
        let (mut here, there) = sockets().await;
        let (client, octets) = client(&world);
        here.write_all(&octets).await.unwrap();
        let mut greeting = Greeting::new(there);
        poll_fn(|context| greeting.poll_hello(context))
            .await
            .unwrap();
        greeting.refuse(refusal);
        greeting.refuse(Refusal::InternalError);
        let ask = async move { finish(client, &mut here).await };
        let (answered, ()) = tokio::join!(ask, part(&mut greeting));
        assert_eq!(answered, Err(rustls::Error::AlertReceived(alert)));
    }
}

/// A ClientHello of 60,000 octets, in records of 15,000.
fn endless() -> Vec<u8> {
    let mut octets = Vec::new();
    for record in 0..4 {
        octets.extend_from_slice(&[22, 3, 1, 0x3a, 0x98]);
        let mut part = vec![0; 15_000];
        if record == 0 {
            part[..4].copy_from_slice(&[1, 0, 0xea, 0x60]);
        }
        octets.extend(part);
    }
    octets
}

#[tokio::test]
async fn what_is_no_client_hello_is_refused_with_an_alert() {
    for (what, octets, alerted) in [
        ("a broken hello", vec![22, 3, 1, 0, 5, 1, 0, 0, 1, 0], true),
        (
            "a server's message",
            vec![22, 3, 1, 0, 5, 2, 0, 0, 1, 0],
            true,
        ),
        ("too much", endless(), true),
        (
            "no TLS",
            b"\x00\x01\x02\x03\x04\x05\x06\x07".to_vec(),
            false,
        ),
    ] {
        let (mut here, there) = sockets().await;
        let mut greeting = Greeting::new(there);
        let serve = async {
            let outcome = poll_fn(|context| greeting.poll_hello(context)).await;
            part(&mut greeting).await;
            drop(greeting);
            outcome
        };
        let ask = async {
            // The server may have refused it before all is sent.
            let _ = here.write_all(&octets).await;
            let _ = here.shutdown().await;
            raw(&mut here).await
        };
        let (outcome, said) = tokio::join!(serve, ask);
        assert!(
            matches!(outcome, Err(TransportError::Tls(_))),
            "{what}: {outcome:?}"
        );
        if alerted {
            assert_eq!(
                (said.len(), &said[..6]),
                (7, &[21, 3, 3, 0, 2, 2][..]),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn plain_http_is_found_before_a_choice_is_made() {
    let (mut here, there) = sockets().await;
    let mut greeting = Greeting::new(there);
    here.write_all(b"GE").await.unwrap();
    greeting.socket.readable().await.unwrap();
    let mut context = Context::from_waker(Waker::noop());
    assert!(
        greeting.poll_hello(&mut context).is_pending(),
        "it may be anything still"
    );
    here.write_all(b"T / HTTP/1.1\r\n\r\n").await.unwrap();
    let outcome = poll_fn(|context| greeting.poll_hello(context)).await;
    assert!(
        matches!(outcome, Err(TransportError::PlainHttp)),
        "{outcome:?}"
    );
    greeting
        .answer_in_the_clear(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .unwrap();
    let ask = async {
        here.shutdown().await.unwrap();
        raw(&mut here).await
    };
    let (said, ()) = tokio::join!(ask, async {
        part(&mut greeting).await;
        drop(greeting);
    });
    assert!(said.starts_with(b"HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_client_that_goes_before_its_hello_is_whole_is_told_as_an_end() {
    let world = World::new();
    let (mut here, there) = sockets().await;
    let (_, octets) = client(&world);
    here.write_all(&octets[..octets.len() / 2]).await.unwrap();
    drop(here);
    let mut greeting = Greeting::new(there);
    let outcome = poll_fn(|context| greeting.poll_hello(context)).await;
    assert!(matches!(outcome, Err(TransportError::Io(_))), "{outcome:?}");
}
