//! Are observers told of the ends of exchanges while a client pipelines faster than it reads?

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use sealane::{Body, Ended, Event, Responder, create_server};
use support::{Ground, listen, soon, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

/// How many exchanges have begun and ended, and how many were open at most.
#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
    most: AtomicUsize,
}

impl Counts {
    fn note(&self, event: &Event<'_>) {
        match event {
            Event::Request(_) => {
                let begun = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
                let open = begun - self.ended.load(Ordering::Relaxed);
                self.most.fetch_max(open, Ordering::Relaxed);
            }
            Event::Finish(finished) => {
                assert!(finished.is_complete());
                self.ended.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn ends_are_told_while_a_slow_reader_pipelines_without_pause() {
    let ground = Ground::new();
    let counts = Arc::new(Counts::default());
    let noted = Arc::clone(&counts);
    let options = ground
        .options()
        .max_requests_per_socket(None)
        .observer(move |event: &Event<'_>| noted.note(event));
    let (ends, mut ended) = mpsc::unbounded_channel();
    let server = create_server(options, move |request: Request<Body>| {
        if request.uri() == "/asks" {
            let (responder, ends) = (Responder::of(&request).unwrap(), ends.clone());
            tokio::spawn(async move { ends.send(responder.ended().await) });
        }
        async { Response::new("x".repeat(2000)) }
    })
    .unwrap();
    let address = listen(&server).await;
    let (mut reader, mut writer) = tokio::io::split(ground.connect(address).await);
    let pipelining = tokio::spawn(async move {
        let requests = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
        let asking = b"GET /asks HTTP/1.1\r\nHost: a\r\n\r\n";
        loop {
            writer.write_all(&requests).await.unwrap();
            writer.write_all(asking).await.unwrap();
        }
    });
    let reading = tokio::spawn(async move {
        let mut octets = vec![0; 16 * 1024];
        loop {
            reader.read_exact(&mut octets).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    // Long after the system's own buffers are full.
    let enough = Arc::clone(&counts);
    until(move || enough.ended.load(Ordering::Relaxed) >= 5000).await;
    assert_eq!(soon(ended.recv()).await, Some(Ended::Finished));
    assert!(!pipelining.is_finished() && !reading.is_finished());
    let most = counts.most.load(Ordering::Relaxed);
    assert!(most < 200, "{most} responses were made and had not left");
    pipelining.abort();
    reading.abort();
}
