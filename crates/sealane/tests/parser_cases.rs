//! Is a message refused for what is wrong with it, by the name that users know, over real TLS?
//!
//! The area `parser` of the module's cases. What one octet more or less does is asked in the wire
//! vectors; here: does the server answer, is its program told, does the client say why.

mod support;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::{HeaderValue, Request, Response};
use sealane::{
    Agent, Body, ClientError, ErrorKind, RawFields, Server, ServerOptions, create_server,
};
use support::scripted::{Scripted, read_request, say};
use support::{Ground, listen, read_to_end, soon};
use tokio::io::AsyncWriteExt;

/// A server, and what it saw: requests that reached the handler, and errors of clients.
struct Watched {
    address: SocketAddr,
    served: Arc<AtomicUsize>,
    errors: Arc<Mutex<Vec<&'static str>>>,
    _server: Server,
}

impl Watched {
    /// A server that answers with the value of `X-A`, and says nothing of errors.
    async fn start(options: ServerOptions) -> Self {
        let served = Arc::new(AtomicUsize::new(0));
        let errors = Arc::new(Mutex::new(Vec::new()));
        let (counted, kept) = (Arc::clone(&served), Arc::clone(&errors));
        let options = options.client_error(move |error: &ClientError<'_>| {
            assert!(error.parsed() <= error.octets().len());
            kept.lock().unwrap().push(error.error().code().unwrap());
            None::<Response<&str>>
        });
        let handler = move |mut request: Request<Body>| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move {
                while request.body_mut().chunk().await?.is_some() {}
                let value = request.headers().get("x-a");
                let value = value.map_or(&b"none"[..], HeaderValue::as_bytes);
                Ok::<_, sealane::Error>(Response::new(value.to_vec()))
            }
        };
        let server = create_server(options, handler).unwrap();
        Self {
            address: listen(&server).await,
            served,
            errors,
            _server: server,
        }
    }

    /// What these octets get; the program is told of this error, and of no other.
    async fn refuses(&self, ground: &Ground, octets: &[u8], code: &str) -> String {
        self.errors.lock().unwrap().clear();
        let answer = soon(ground.say(self.address, octets)).await;
        let shown = octets.escape_ascii();
        assert_eq!(*self.errors.lock().unwrap(), [code], "{shown}: {answer}");
        answer
    }

    /// Requests that the handler saw since the last time.
    fn served(&self) -> usize {
        self.served.swap(0, Ordering::SeqCst)
    }
}

/// A server that is asked nothing: what it answers on its own.
async fn plain(options: ServerOptions) -> (SocketAddr, Server) {
    let handler = |request: Request<Body>| async move {
        let lines = request.extensions().get::<RawFields>();
        let lines = lines.map_or(0, |raw| raw.iter().count());
        Response::new(format!("{lines} lines"))
    };
    let server = create_server(options, handler).unwrap();
    (listen(&server).await, server)
}

/// What is refused with 400 whatever the parser: leniency does not reach it.
async fn refused_leniently_too(ground: &Ground, octets: &[u8], code: &str) {
    refused(ground, octets, code, 400).await;
    let lenient = Watched::start(ground.options().insecure_http_parser(true)).await;
    lenient.refuses(ground, octets, code).await;
}

/// Asks both kinds of server: the program is told `code`, and without one the answer is `status`.
async fn refused(ground: &Ground, octets: &[u8], code: &str, status: u16) {
    let watched = Watched::start(ground.options()).await;
    let silent = watched.refuses(ground, octets, code).await;
    assert_eq!(silent, "", "a program that says nothing says nothing");
    assert_eq!(watched.served(), 0, "no handler saw the request");
    let (address, _server) = plain(ground.options()).await;
    let answer = soon(ground.say(address, octets)).await;
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

/// A server that answers every request with these octets.
async fn answering(ground: &Ground, answer: impl Into<Vec<u8>>) -> Scripted {
    let answer = Arc::new(answer.into());
    Scripted::start(ground.server_config(), move |mut stream, _| {
        let answer = Arc::clone(&answer);
        async move {
            while read_request(&mut stream).await.is_some() {
                say(&mut stream, &answer[..]).await;
            }
        }
    })
    .await
}

/// The code of the error that this answer is to our client.
async fn code_of(ground: &Ground, agent: &Agent, answer: &str) -> &'static str {
    let server = answering(ground, answer).await;
    let error = soon(agent.get(server.url("/"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
    error.code().expect("a code")
}

/// A head with this request line and these field lines, and what follows it.
fn request(line: &str, fields: &[&str], body: &str) -> Vec<u8> {
    let fields = fields.concat();
    format!("{line}\r\nHost: a\r\nConnection: close\r\n{fields}\r\n{body}").into_bytes()
}

#[tokio::test]
async fn c099_line_feeds_alone_are_refused() {
    let ground = Ground::new();
    let octets = b"GET / HTTP/1.1\nHost: a\n\n";
    refused(&ground, octets, "HPE_INVALID_VERSION", 400).await;
    let lenient = ground.options().insecure_http_parser(true);
    let (address, _server) = plain(lenient).await;
    let octets = b"GET / HTTP/1.1\nHost: a\nConnection: close\n\n";
    let answer = soon(ground.say(address, octets)).await;
    assert!(answer.ends_with("\r\n\r\n2 lines"), "{answer}");
}

#[tokio::test]
async fn c100_a_space_before_the_colon_is_refused_in_both_modes() {
    let ground = Ground::new();
    let octets = b"GET / HTTP/1.1\r\nHost : a\r\n\r\n";
    refused(&ground, octets, "HPE_INVALID_HEADER_TOKEN", 400).await;
    let lenient = Watched::start(ground.options().insecure_http_parser(true)).await;
    lenient
        .refuses(&ground, octets, "HPE_INVALID_HEADER_TOKEN")
        .await;
    let (address, _server) = plain(ground.options().insecure_http_parser(true)).await;
    let answer = soon(ground.say(address, octets)).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn c101_a_folded_line_is_refused_or_joined_with_one_space() {
    let ground = Ground::new();
    let octets = request("GET / HTTP/1.1", &["X-A: b\r\n", " \t c\r\n"], "");
    refused(&ground, &octets, "HPE_INVALID_HEADER_TOKEN", 400).await;
    let lenient = Watched::start(ground.options().insecure_http_parser(true)).await;
    let answer = soon(ground.say(lenient.address, &octets)).await;
    assert!(answer.ends_with("\r\n\r\nb c"), "{answer}");
}

#[tokio::test]
async fn folds_that_would_hide_a_body_are_refused_in_both_modes() {
    let ground = Ground::new();
    let fields = ["Transfer-Encoding:\r\n", " chunked\r\n"];
    let octets = request("POST / HTTP/1.1", &fields, "0\r\n\r\n");
    let lenient = Watched::start(ground.options().insecure_http_parser(true)).await;
    lenient
        .refuses(&ground, &octets, "HPE_INVALID_HEADER_TOKEN")
        .await;
    assert_eq!(lenient.served(), 0);
}

#[tokio::test]
async fn c102_control_octets_in_values_are_taken_on_request() {
    let ground = Ground::new();
    let answer = "HTTP/1.1 200 OK\r\nX-A: b\u{8}c\r\nContent-Length: 0\r\n\r\n";
    let strict = code_of(&ground, &ground.agent(), answer).await;
    assert_eq!(strict, "HPE_INVALID_HEADER_TOKEN");
    let server = answering(&ground, answer).await;
    let options = ground.agent_options().insecure_http_parser(true);
    let agent = Agent::new(options).unwrap();
    let response = soon(agent.get(server.url("/"))).await.unwrap();
    assert_eq!(response.headers()["x-a"], "b c", "SP stands for it");
    let raw: &RawFields = response.extensions().get().unwrap();
    let kept = raw.iter().any(|(_, value)| value == b"b\x08c");
    assert!(kept, "the raw line keeps it");
}

#[tokio::test]
async fn c104_tabs_and_high_octets_in_values_are_taken_octet_for_octet() {
    let ground = Ground::new();
    let watched = Watched::start(ground.options()).await;
    let octets = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-A: b\tc\x80\xff\r\n\r\n";
    let mut stream = ground.connect(watched.address).await;
    stream.write_all(octets).await.unwrap();
    // Read as text each high octet is one replacement character.
    let answer = soon(read_to_end(&mut stream)).await;
    assert!(
        answer.ends_with("\r\n\r\nb\tc\u{fffd}\u{fffd}"),
        "{answer:?}"
    );
    assert!(answer.contains("content-length: 5\r\n"), "{answer:?}");
}

#[tokio::test]
async fn c105_two_lengths_are_refused_equal_or_not() {
    let ground = Ground::new();
    for second in ["5", "6"] {
        let second = format!("Content-Length: {second}\r\n");
        let octets = request(
            "POST / HTTP/1.1",
            &["Content-Length: 5\r\n", &second],
            "hello",
        );
        refused(&ground, &octets, "HPE_UNEXPECTED_CONTENT_LENGTH", 400).await;
    }
}

#[tokio::test]
async fn c107_a_coding_behind_a_length_is_refused_in_both_modes() {
    let ground = Ground::new();
    let fields = ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"];
    for fields in [fields, [fields[1], fields[0]]] {
        let octets = request("POST / HTTP/1.1", &fields, "0\r\n\r\n");
        refused_leniently_too(&ground, &octets, "HPE_INVALID_TRANSFER_ENCODING").await;
    }
}

#[tokio::test]
async fn c108_chunked_that_is_not_the_last_coding_or_stands_twice_is_refused() {
    let ground = Ground::new();
    for coding in ["chunked, identity", "chunked, chunked"] {
        let field = format!("Transfer-Encoding: {coding}\r\n");
        let octets = request("POST / HTTP/1.1", &[&field], "0\r\n\r\n");
        refused_leniently_too(&ground, &octets, "HPE_INVALID_TRANSFER_ENCODING").await;
    }
}

#[tokio::test]
async fn c110_a_chunk_size_that_is_none_is_found_after_the_request_began() {
    let ground = Ground::new();
    let field = ["Transfer-Encoding: chunked\r\n"];
    let octets = request("POST / HTTP/1.1", &field, "zz\r\n");
    let watched = Watched::start(ground.options()).await;
    watched
        .refuses(&ground, &octets, "HPE_INVALID_CHUNK_SIZE")
        .await;
    assert_eq!(watched.served(), 1, "the handler saw its beginning");
}

#[tokio::test]
async fn c111_a_head_beyond_the_limit_is_answered_431() {
    let ground = Ground::new();
    let field = format!("X-B: {}\r\n", "b".repeat(16_384));
    let octets = request("GET / HTTP/1.1", &[&field], "");
    refused(&ground, &octets, "HPE_HEADER_OVERFLOW", 431).await;
}

#[tokio::test]
async fn c112_a_server_can_take_larger_heads() {
    let ground = Ground::new();
    let field = format!("X-B: {}\r\n", "b".repeat(3 * 16_384));
    let octets = request("GET / HTTP/1.1", &[&field], "");
    let (address, _server) = plain(ground.options().max_header_size(4 * 16_384)).await;
    let answer = soon(ground.say(address, &octets)).await;
    assert!(answer.ends_with("\r\n\r\n3 lines"), "{answer}");
}

#[tokio::test]
async fn c113_a_client_can_take_larger_heads() {
    let ground = Ground::new();
    let long = "b".repeat(3 * 16_384);
    let answer = format!("HTTP/1.1 200 OK\r\nX-B: {long}\r\nContent-Length: 0\r\n\r\n");
    let strict = code_of(&ground, &ground.agent(), &answer).await;
    assert_eq!(strict, "HPE_HEADER_OVERFLOW");
    let server = answering(&ground, answer).await;
    let options = ground.agent_options().max_header_size(4 * 16_384);
    let agent = Agent::new(options).unwrap();
    let response = soon(agent.get(server.url("/"))).await.unwrap();
    assert_eq!(response.headers()["x-b"], long);
}

#[tokio::test]
async fn c114_targets_that_are_none_are_refused() {
    let ground = Ground::new();
    for (target, code) in [
        (&b"/a b"[..], "HPE_INVALID_CONSTANT"),
        (b"/a\x80", "HPE_INVALID_URL"),
        (b"a", "HPE_INVALID_URL"),
    ] {
        let octets = [b"GET ", target, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        refused(&ground, &octets, code, 400).await;
    }
}

#[tokio::test]
async fn targets_of_every_form_reach_the_handler_as_they_came() {
    let ground = Ground::new();
    let handler = |request: Request<Body>| async move {
        let raw: &RawFields = request.extensions().get().unwrap();
        Response::new(raw.start_line().to_vec())
    };
    let server = create_server(ground.options(), handler).unwrap();
    let address = listen(&server).await;
    for line in [
        "OPTIONS * HTTP/1.1",
        "GET http://a/b?c HTTP/1.1",
        "GET /%41?b=%20 HTTP/1.1",
    ] {
        let answer = soon(ground.say(address, &request(line, &[], ""))).await;
        assert!(answer.ends_with(&format!("\r\n\r\n{line}")), "{answer}");
    }
}

#[tokio::test]
async fn other_versions_are_answered_505_and_some_are_taken_leniently() {
    let ground = Ground::new();
    for version in ["1.2", "3.0"] {
        let octets = request(&format!("GET / HTTP/{version}"), &[], "");
        refused(&ground, &octets, "HPE_INVALID_VERSION", 505).await;
    }
    let (address, _server) = plain(ground.options().insecure_http_parser(true)).await;
    for (version, status) in [("1.2", 200), ("1.9", 200), ("3.0", 505), ("0.9", 505)] {
        let octets = request(&format!("GET / HTTP/{version}"), &[], "");
        let answer = soon(ground.say(address, &octets)).await;
        let wanted = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&wanted), "{version}: {answer}");
    }
}

#[tokio::test]
async fn c117_blank_lines_before_a_request_are_ignored() {
    let ground = Ground::new();
    let (address, _server) = plain(ground.options()).await;
    let octets = [b"\r\n\r\n", &request("GET / HTTP/1.1", &[], "")[..]].concat();
    let answer = soon(ground.say(address, &octets)).await;
    assert!(answer.ends_with("\r\n\r\n2 lines"), "{answer}");
}

#[tokio::test]
async fn octets_behind_a_close_are_left_unread_in_both_modes() {
    let ground = Ground::new();
    let octets = request("GET / HTTP/1.1", &[], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for lenient in [false, true] {
        let watched = Watched::start(ground.options().insecure_http_parser(lenient)).await;
        let answer = soon(ground.say(watched.address, &octets)).await;
        assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 1, "{answer}");
        assert_eq!(watched.served(), 1);
        assert!(watched.errors.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn c119_a_head_that_ends_too_soon_is_refused() {
    let ground = Ground::new();
    let watched = Watched::start(ground.options()).await;
    let (address, _server) = plain(ground.options()).await;
    for (address, status) in [(watched.address, None), (address, Some("HTTP/1.1 400 "))] {
        let mut stream = ground.connect(address).await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a")
            .await
            .unwrap();
        stream.shutdown().await.unwrap();
        let answer = soon(read_to_end(&mut stream)).await;
        match status {
            Some(status) => assert!(answer.starts_with(status), "{answer}"),
            None => assert_eq!(answer, ""),
        }
    }
    assert_eq!(*watched.errors.lock().unwrap(), ["HPE_INVALID_EOF_STATE"]);
    assert_eq!(watched.served(), 0);
}

#[tokio::test]
async fn a_client_names_what_is_wrong_with_a_response_and_says_where() {
    let ground = Ground::new();
    let agent = ground.agent();
    for (answer, code, place) in [
        (
            "garbage\r\n\r\n",
            "HPE_INVALID_CONSTANT",
            "octet 0 of the head",
        ),
        (
            "HTTP/1.9 200 OK\r\n\r\n",
            "HPE_INVALID_VERSION",
            "octet 8 of the head",
        ),
        (
            "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
            "HPE_CR_EXPECTED",
            "octet 15 of the head",
        ),
    ] {
        let server = answering(&ground, answer).await;
        let error = soon(agent.get(server.url("/"))).await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error:?}");
        let chain = format!("{error:?}") + &told(&error);
        assert!(chain.contains(place), "{chain}");
    }
}

/// An error and all its sources, as they are shown.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn c121_a_status_line_without_a_phrase_has_an_empty_one() {
    let ground = Ground::new();
    for line in ["HTTP/1.1 200 ", "HTTP/1.1 200"] {
        let answer = format!("{line}\r\nContent-Length: 0\r\n\r\n");
        let server = answering(&ground, answer).await;
        let response = soon(ground.agent().get(server.url("/"))).await.unwrap();
        let raw: &RawFields = response.extensions().get().unwrap();
        assert_eq!(raw.start_line(), line.as_bytes(), "nothing behind the code");
        assert_eq!(response.status(), 200);
    }
}

#[tokio::test]
async fn a_response_that_was_asked_for_is_still_read_after_another_was_odd() {
    let ground = Ground::new();
    let agent = ground.agent();
    code_of(&ground, &agent, "garbage\r\n\r\n").await;
    let server = answering(&ground, "HTTP/1.1 204 No Content\r\n\r\n").await;
    let response = soon(agent.get(server.url("/"))).await.unwrap();
    assert_eq!(response.status(), 204);
}
