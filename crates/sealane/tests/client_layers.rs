//! Do tower's and tower-http's layers do around an agent what they are there for?

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use sealane::{Body, Server, create_server};
use support::{Ground, listen, soon};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::decompression::DecompressionLayer;
use tower_http::follow_redirect::{FollowRedirectLayer, RequestUri};

/// "hello from behind gzip", compressed.
const GZIP: [u8; 42] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57,
    0x48, 0x2b, 0xca, 0xcf, 0x55, 0x48, 0x4a, 0xcd, 0xc8, 0xcc, 0x4b, 0x51, 0x48, 0xaf, 0xca, 0x2c,
    0x00, 0x00, 0x21, 0xab, 0x95, 0x3f, 0x16, 0x00, 0x00, 0x00,
];

/// A server that tells which credentials came, and leads from `/to?URL` to that URL.
async fn leading(ground: &Ground) -> (Server, String) {
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        if let ("/to", Some(place)) = (request.uri().path(), request.uri().query()) {
            return Response::builder()
                .status(StatusCode::FOUND)
                .header(header::LOCATION, place)
                .body(String::new())
                .unwrap();
        }
        let told = |name| match request.headers().get(&name) {
            Some(value) => format!("{name}: {}\n", value.to_str().unwrap()),
            None => String::new(),
        };
        let text = told(header::AUTHORIZATION) + &told(header::COOKIE);
        Response::new(format!("{}\n{text}", request.uri()))
    })
    .unwrap();
    let url = format!("https://localhost:{}", listen(&server).await.port());
    (server, url)
}

fn asking(url: &str) -> Request<Body> {
    Request::get(url)
        .header(header::AUTHORIZATION, "Bearer secret")
        .header(header::COOKIE, "id=secret")
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn redirects_are_followed_and_credentials_stay_with_their_origin() {
    let ground = Ground::new();
    let (_one, one) = leading(&ground).await;
    let (_other, other) = leading(&ground).await;
    let service = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .service(ground.agent());

    let res = soon(service.clone().oneshot(asking(&format!("{one}/to?/here")))).await;
    let res = res.unwrap();
    let RequestUri(from) = res.extensions().get().unwrap();
    assert_eq!(from.to_string(), format!("{one}/here"));
    let text = res.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        text,
        "/here\nauthorization: Bearer secret\ncookie: id=secret\n"
    );

    let far = asking(&format!("{one}/to?{other}/there"));
    let res = soon(service.clone().oneshot(far)).await.unwrap();
    let text = res.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, "/there\n", "another port is another origin");

    let back = format!("{one}/to?{other}/to?{one}/back");
    let res = soon(service.oneshot(asking(&back))).await.unwrap();
    let text = res.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, "/back\n", "what was dropped once does not come back");
}

#[tokio::test]
async fn a_redirect_out_of_https_is_refused_by_the_agent() {
    let ground = Ground::new();
    let (_server, url) = leading(&ground).await;
    let service = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .service(ground.agent());
    let asked = asking(&format!("{url}/to?http://localhost/"));
    let error = soon(service.oneshot(asked)).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR_INVALID_PROTOCOL"));
}

#[tokio::test]
async fn a_compressed_body_is_read_as_it_was() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let wanted = request.headers().get(header::ACCEPT_ENCODING);
        assert!(wanted.unwrap().to_str().unwrap().contains("gzip"));
        Response::builder()
            .header(header::CONTENT_ENCODING, "gzip")
            .body(Body::from(GZIP.to_vec()))
            .unwrap()
    })
    .unwrap();
    let url = format!("https://localhost:{}/", listen(&server).await.port());
    let service = ServiceBuilder::new()
        .layer(DecompressionLayer::new())
        .service(ground.agent());
    let res = soon(service.oneshot(asking(&url))).await.unwrap();
    assert!(!res.headers().contains_key(header::CONTENT_ENCODING));
    let text = soon(res.into_body().collect()).await.unwrap().to_bytes();
    assert_eq!(text, "hello from behind gzip");
}

#[tokio::test]
async fn a_limit_on_requests_at_a_time_holds_at_the_server() {
    let ground = Ground::new();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&now), Arc::clone(&most));
    let server = create_server(ground.options(), move |_: Request<Body>| {
        let (now, most) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Response::new("done")
        }
    })
    .unwrap();
    let url = format!("https://localhost:{}/", listen(&server).await.port());
    let service = ServiceBuilder::new()
        .concurrency_limit(2)
        .service(ground.agent());
    let tasks = (0..8).map(|_| {
        let (service, url) = (service.clone(), url.clone());
        tokio::spawn(async move { service.oneshot(asking(&url)).await.unwrap().status() })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(soon(task).await.unwrap(), 200);
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_time_limit_around_the_agent_gives_the_request_up() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_: Request<Body>| async move {
        std::future::pending::<Response<Body>>().await
    })
    .unwrap();
    let url = format!("https://localhost:{}/", listen(&server).await.port());
    let agent = ground.agent();
    let service = ServiceBuilder::new()
        .timeout(Duration::from_millis(200))
        .service(agent.clone());
    let error = soon(service.oneshot(asking(&url))).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
    assert_eq!(agent.total_socket_count(), 0, "its connection is closed");
}
