//! What must hold for every message, whatever is in it and wherever its octets are cut.
//!
//! Decoding gives back what was encoded; a client and a server that exchange messages see the same;
//! and no octets whatever make a connection panic or hoard. RFC 9112 §2 to §7 and §9.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use proptest::collection::vec;
use proptest::prelude::*;

use sealane_proto::{
    BodyLength, ClientConnection, ClientRules, Event, FieldSection, HeadOptions, Limits, Moment,
    OutgoingHead, ProtocolError, SendBody, ServerConnection, ServerRules,
};

/// The `Date` of every response.
const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
/// What stands in every head that is sent here.
const HEAD: HeadOptions<'static> = HeadOptions {
    date: Some(DATE),
    connection: true,
    reason: None,
};

/// A body as its sender cuts it.
#[derive(Debug, Clone)]
enum Body {
    /// Announced by Content-Length.
    Length(Vec<Vec<u8>>),
    /// Sent in chunks, with trailers behind them.
    Chunked(Vec<Vec<u8>>, HeaderMap),
}

impl Body {
    /// What the sender says of the length.
    fn length(&self) -> BodyLength {
        match self {
            Self::Length(_) => BodyLength::Known(self.content().len() as u64),
            Self::Chunked(..) => BodyLength::Unknown,
        }
    }

    /// The pieces, and the trailers if there are any.
    fn parts(&self) -> (&[Vec<u8>], Option<&HeaderMap>) {
        match self {
            Self::Length(pieces) => (pieces, None),
            Self::Chunked(pieces, trailers) => (
                pieces,
                Some(trailers).filter(|trailers| !trailers.is_empty()),
            ),
        }
    }

    /// All octets.
    fn content(&self) -> Vec<u8> {
        self.parts().0.concat()
    }

    /// The trailers, empty where there are none.
    fn trailers(&self) -> HeaderMap {
        self.parts().1.cloned().unwrap_or_default()
    }
}

/// A request as its client means it.
#[derive(Debug, Clone)]
struct Request {
    /// Any token but CONNECT.
    method: Method,
    /// In origin form.
    target: String,
    /// Fields beside Host and framing.
    fields: HeaderMap,
    /// The body.
    body: Body,
    /// Whether it waits for a 100 before the body.
    expects_continue: bool,
}

/// A response as its server means it.
#[derive(Debug, Clone)]
struct Response {
    /// The final status code.
    status: StatusCode,
    /// Interim responses before it.
    interim: usize,
    /// Fields beside framing and persistence.
    fields: HeaderMap,
    /// The body.
    body: Body,
}

impl Response {
    /// Whether a body may be sent at all.
    fn has_body(&self, method: &Method) -> bool {
        method != Method::HEAD && !matches!(self.status.as_u16(), 204 | 304)
    }
}

/// A message as it was received.
#[derive(Debug, Default, PartialEq, Eq)]
struct Received {
    /// Method and target, or status code.
    start: String,
    /// Fields whose names begin with `x-`.
    fields: HeaderMap,
    /// The same as raw lines.
    raw: Vec<(Vec<u8>, Vec<u8>)>,
    /// Content, joined.
    content: Vec<u8>,
    /// Trailers, empty where there are none.
    trailers: HeaderMap,
    /// Interim responses before it.
    interim: usize,
    /// Whether its end has come.
    complete: bool,
}

impl Received {
    /// Notes an event.
    fn note(&mut self, event: Event) {
        assert!(!self.complete, "{event:?} behind the end of the message");
        match event {
            Event::Request(head) => {
                let target = String::from_utf8_lossy(head.raw.target());
                self.begin(
                    format!("{} {target}", head.method),
                    &head.fields,
                    head.raw.fields(),
                );
            }
            Event::Response(head) => {
                self.begin(
                    head.status.as_u16().to_string(),
                    &head.fields,
                    head.raw.fields(),
                );
            }
            Event::Interim(_) => self.interim += 1,
            Event::Data(octets) => self.content.extend_from_slice(&octets),
            Event::End(trailers) => {
                self.trailers = trailers.map(|trailers| trailers.fields).unwrap_or_default();
                self.complete = true;
            }
            Event::Closed => panic!("nobody has closed"),
        }
    }

    /// Notes a head.
    fn begin<'a>(
        &mut self,
        start: String,
        fields: &HeaderMap,
        raw: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) {
        assert_eq!(self.start, "", "two heads");
        self.start = start;
        let ours = |name: &[u8]| name.starts_with(b"x-");
        self.fields = fields
            .iter()
            .filter(|(name, _)| ours(name.as_ref()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        self.raw = raw
            .filter(|(name, _)| ours(name))
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect();
    }
}

/// The field lines of a map, in its order.
fn lines(fields: &HeaderMap) -> Vec<(Vec<u8>, Vec<u8>)> {
    let line = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec())
    };
    fields.iter().map(line).collect()
}

/// Cuts octets into pieces of these lengths, over and over.
fn cut<'a>(mut octets: &'a [u8], lengths: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    lengths.iter().cycle().map_while(move |&length| {
        let (piece, rest) = octets.split_at(length.min(octets.len()));
        octets = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// A client and a server with nothing between them.
struct Pair {
    /// One end.
    client: ClientConnection,
    /// The other end.
    server: ServerConnection,
    /// What the server has received of the exchange in progress.
    at_server: Received,
    /// What the client has received of it.
    at_client: Received,
    /// Where the wire cuts.
    lengths: Vec<usize>,
}

impl Pair {
    /// Two ends that have just met.
    fn new(lengths: Vec<usize>) -> Self {
        Self {
            client: ClientConnection::new(Arc::new(ClientRules::default())),
            server: ServerConnection::new(
                Arc::new(ServerRules::default()),
                Arc::default(),
                Moment(0),
            ),
            at_server: Received::default(),
            at_client: Received::default(),
            lengths,
        }
    }

    /// Carries octets to the server, which reads them.
    fn carry_to_server(&mut self, octets: &[u8]) {
        for piece in cut(octets, &self.lengths) {
            self.server.receive(piece, Moment(0));
            while let Some(event) = self.server.poll_event(Moment(0)).expect("well-formed") {
                self.at_server.note(event);
            }
        }
    }

    /// Carries octets to the client, which reads them.
    fn carry_to_client(&mut self, octets: &[u8]) {
        for piece in cut(octets, &self.lengths) {
            self.client.receive(piece);
            while let Some(event) = self.client.poll_event().expect("well-formed") {
                self.at_client.note(event);
            }
        }
    }

    /// Sends a request; with the server's 100 before the body where it is waited for.
    fn request(&mut self, request: &Request) {
        let mut fields = request.fields.clone();
        fields.insert(header::HOST, HeaderValue::from_static("a.example"));
        if request.expects_continue {
            fields.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        }
        let mut out = Vec::new();
        let (method, target) = (&request.method, request.target.as_str());
        let sends = self
            .client
            .send_request(
                &OutgoingHead::new(method, target, &fields),
                request.body.length(),
                &mut out,
            )
            .expect("a request like any other");
        self.carry_to_server(&std::mem::take(&mut out));
        if self.server.expects_continue() {
            let mut interim = Vec::new();
            self.server
                .send_continue(&mut interim)
                .expect("it is expected");
            self.carry_to_client(&interim);
            assert_eq!(self.at_client.interim, 1, "a 100");
        }
        let client = &mut self.client;
        if sends == SendBody::Yes {
            let announce = |octets, out: &mut _| client.send_data(octets, out);
            send_pieces(request.body.parts().0, announce, &mut out);
        }
        let trailers = request.body.parts().1;
        self.client
            .send_end(trailers, &mut out)
            .expect("the body is whole");
        self.carry_to_server(&out);
    }

    /// Sends a response.
    fn respond(&mut self, response: &Response) {
        let mut out = Vec::new();
        let server = &mut self.server;
        for _ in 0..response.interim {
            let status = StatusCode::from_u16(103).expect("a status");
            server
                .send_interim(status, &response.fields, &mut out)
                .expect("before the final one");
        }
        let length = response.body.length();
        let sends = server
            .send_response(response.status, &response.fields, length, &HEAD, &mut out)
            .expect("a response like any other");
        let mut trailers = None;
        if sends == SendBody::Yes {
            let announce = |octets, out: &mut _| server.send_data(octets, out);
            send_pieces(response.body.parts().0, announce, &mut out);
            trailers = response.body.parts().1;
        }
        server
            .send_end(trailers, &mut out, Moment(0))
            .expect("the body is whole");
        self.carry_to_client(&out);
    }

    /// Takes what both ends have received of an exchange that must be over.
    fn settle(&mut self) -> (Received, Received) {
        assert!(
            self.server.is_idle() && self.server.close_reason().is_none(),
            "server is not idle"
        );
        assert!(self.client.reusable(), "client is not reusable");
        (
            std::mem::take(&mut self.at_server),
            std::mem::take(&mut self.at_client),
        )
    }
}

/// Sends content piece by piece.
fn send_pieces(
    pieces: &[Vec<u8>],
    mut announce: impl FnMut(usize, &mut Vec<u8>) -> Result<&'static [u8], ProtocolError>,
    out: &mut Vec<u8>,
) {
    for piece in pieces {
        let behind = announce(piece.len(), out).expect("within the body");
        out.extend_from_slice(piece);
        out.extend_from_slice(behind);
    }
}

/// Field values: any octets that may stand in one, without white space around them.
fn value() -> impl Strategy<Value = HeaderValue> {
    let octet =
        prop_oneof![4 => 0x21..=0x7e_u8, 1 => Just(b' '), 1 => Just(b'\t'), 1 => 0x80..=0xff_u8];
    vec(octet, 0..40).prop_map(|octets| {
        HeaderValue::from_bytes(octets.trim_ascii()).expect("only octets of field values")
    })
}

/// Fields that mean nothing to a connection, some of them repeated.
fn fields() -> impl Strategy<Value = HeaderMap> {
    let name = prop_oneof!["x-[a-d]", "x-[a-z0-9!#$%&'*+.^_`|~-]{1,20}"].prop_map(|name| {
        HeaderName::from_bytes(name.as_bytes()).expect("only octets of field names")
    });
    vec((name, value()), 0..12).prop_map(|lines| {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(name, value);
        }
        fields
    })
}

/// Pieces of content, empty ones among them, with line ends and chunk-like text.
fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..300),
        Just(b"\r\n0\r\n\r\nGET / HTTP/1.1\r\n".to_vec()),
        vec(Just(b'z'), 4000..5000),
    ];
    vec(piece, 0..5)
}

/// Bodies of both framings.
fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        pieces().prop_map(Body::Length),
        (pieces(), fields()).prop_map(|(pieces, trailers)| Body::Chunked(pieces, trailers)),
    ]
}

/// Methods, well-known and not; CONNECT is no exchange of messages.
fn method() -> impl Strategy<Value = Method> {
    let known = prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "OPTIONS", "get"]);
    prop_oneof![
        known.prop_map(str::to_owned),
        "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,30}"
    ]
    .prop_filter_map("not CONNECT", |method| {
        (method != "CONNECT").then(|| Method::from_bytes(method.as_bytes()).expect("a token"))
    })
}

/// Requests in origin form.
fn request() -> impl Strategy<Value = Request> {
    let target = r"/[A-Za-z0-9/._~!$&'()*+,;=:@%-]{0,60}(\?[A-Za-z0-9/._~!$&'()*+,;=:@%?-]{0,30})?";
    (method(), target, fields(), body(), any::<bool>()).prop_map(
        |(method, target, fields, body, expects_continue)| Request {
            method,
            target,
            fields,
            body,
            expects_continue,
        },
    )
}

/// Final responses with some interim ones before them.
fn response() -> impl Strategy<Value = Response> {
    let status = prop::sample::select(vec![200, 201, 204, 206, 299, 304, 404, 500, 999]);
    (status, 0..3_usize, fields(), body()).prop_map(|(status, interim, fields, body)| {
        let status = StatusCode::from_u16(status).expect("a status");
        Response {
            status,
            interim,
            fields,
            body,
        }
    })
}

/// Lengths at which the wire cuts.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    vec(
        prop_oneof![3 => 1..40_usize, 1 => Just(1), 1 => 40..9000_usize],
        1..6,
    )
}

/// Octets that are nearly HTTP/1.1: well-formed parts, strung together, and noise between them.
fn nearly_http() -> impl Strategy<Value = Vec<u8>> {
    let parts = vec![
        "GET / HTTP/1.1\r\n",
        "POST /x HTTP/1.1\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 100 C\r\n",
        "Host: a\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "\r\n",
        "hello",
        "5\r\nhello\r\n",
        "0\r\n",
        "Connection: close\r\n",
        "X: y\r\n",
        "\n",
        "\r",
        " ",
        ":",
        "1",
        "\0",
    ];
    let part = prop_oneof![
        8 => prop::sample::select(parts).prop_map(|part| part.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..20),
        1 => vec(Just(b'a'), 0..20_000),
    ];
    vec(part, 0..30).prop_map(|parts| parts.concat())
}

/// Octets a connection may hold back: less than a whole head, plus what came last.
fn hoard(lengths: &[usize]) -> usize {
    Limits::default().head_octets + lengths.iter().max().copied().unwrap_or(0)
}

/// So many cases that all properties together take a second or two; findings become vectors.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_request_is_received_as_it_was_sent(request in request(), lengths in lengths()) {
        let mut pair = Pair::new(lengths);
        pair.request(&request);
        let received = pair.at_server;
        prop_assert_eq!(received.start, format!("{} {}", request.method, request.target));
        prop_assert_eq!(received.raw, lines(&request.fields));
        prop_assert_eq!(received.fields, request.fields);
        prop_assert!(received.content == request.body.content(), "content");
        prop_assert_eq!(received.trailers, request.body.trailers());
        prop_assert!(received.complete);
    }

    #[test]
    fn a_pair_sees_the_same_exchanges(
        exchanges in vec((request(), response()), 1..5),
        lengths in lengths(),
    ) {
        let mut pair = Pair::new(lengths);
        for (request, response) in exchanges {
            pair.request(&request);
            pair.respond(&response);
            let (at_server, at_client) = pair.settle();
            prop_assert_eq!(at_server.start, format!("{} {}", request.method, request.target));
            prop_assert_eq!(at_server.fields, request.fields);
            prop_assert!(at_server.content == request.body.content(), "content of the request");
            prop_assert_eq!(at_server.trailers, request.body.trailers());
            prop_assert_eq!(at_client.start, response.status.as_u16().to_string());
            prop_assert_eq!(at_client.raw, lines(&response.fields));
            prop_assert_eq!(&at_client.fields, &response.fields);
            if response.has_body(&request.method) {
                let content = response.body.content();
                prop_assert!(at_client.content == content, "content of the response");
                prop_assert_eq!(at_client.trailers, response.body.trailers());
            } else {
                prop_assert!(at_client.content.is_empty() && at_client.trailers.is_empty());
            }
            prop_assert!(at_client.interim >= response.interim);
            prop_assert!(at_server.complete && at_client.complete);
        }
    }

    #[test]
    fn a_server_bears_any_octets(octets in nearly_http(), lengths in lengths()) {
        let hoard = hoard(&lengths);
        let rules = Arc::new(ServerRules::default());
        let mut server = ServerConnection::new(rules, Arc::default(), Moment(0));
        let mut out = Vec::new();
        for piece in cut(&octets, &lengths) {
            server.receive(piece, Moment(0));
            while let Some(event) = server.poll_event(Moment(0)).unwrap_or(None) {
                if matches!(event, Event::End(_)) {
                    let (status, fields) = (StatusCode::OK, HeaderMap::new());
                    let body = BodyLength::Known(0);
                    let sent = server.send_response(status, &fields, body, &HEAD, &mut out);
                    prop_assert_eq!(sent, Ok(SendBody::No));
                    prop_assert_eq!(server.send_end(None, &mut out, Moment(0)), Ok(()));
                }
            }
            prop_assert!(server.buffered() <= hoard, "{} octets held back", server.buffered());
        }
    }

    #[test]
    fn a_client_bears_any_octets(octets in nearly_http(), lengths in lengths()) {
        let hoard = hoard(&lengths);
        let mut client = ClientConnection::new(Arc::new(ClientRules::default()));
        let mut out = Vec::new();
        let host = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("a"))]);
        for piece in cut(&octets, &lengths) {
            if client.reusable() {
                let head = OutgoingHead::new(&Method::GET, "/", &host);
                let sent = client.send_request(&head, BodyLength::Known(0), &mut out);
                prop_assert_eq!(sent, Ok(SendBody::No));
                client.send_end(None, &mut out).expect("no body");
            }
            client.receive(piece);
            while client.poll_event().unwrap_or(None).is_some() {}
            prop_assert!(client.buffered() <= hoard, "{} octets held back", client.buffered());
        }
    }

    #[test]
    fn lines_arrive_as_they_were_spelled_or_do_not_leave(
        lines in vec(("[ -~]{0,12}", "[\\x00-\\xff]{0,20}"), 0..6),
        old: bool,
    ) {
        let mut section = FieldSection::new();
        let mut wanted = Vec::new();
        for (name, value) in &lines {
            // Names that say something about the message are judged elsewhere.
            let name = format!("X-{name}");
            if section.push(name.as_bytes(), value.as_bytes()).is_ok() {
                let value = value.trim_matches([' ', '\t']).as_bytes().to_vec();
                wanted.push((name.into_bytes(), value));
            }
        }
        let mut head = OutgoingHead::new(&Method::GET, "/", &section);
        head.host = Some(b"a");
        if old {
            head.version = Version::HTTP_10;
        }
        let mut client = ClientConnection::new(Arc::new(ClientRules::default()));
        let mut out = Vec::new();
        let sent = client.send_request(&head, BodyLength::Known(0), &mut out);
        prop_assert_eq!(sent, Ok(SendBody::No));
        let rules = Arc::new(ServerRules::default());
        let mut server = ServerConnection::new(rules, Arc::default(), Moment(0));
        server.receive(&out, Moment(0));
        let Ok(Some(Event::Request(head))) = server.poll_event(Moment(0)) else {
            return Err(TestCaseError::fail("no request"));
        };
        let mut seen = Vec::new();
        for (name, value) in head.raw.fields().skip(1) {
            seen.push((name.to_vec(), value.to_vec()));
        }
        prop_assert_eq!(seen, wanted);
        prop_assert!(matches!(server.poll_event(Moment(0)), Ok(Some(Event::End(None)))));
    }
}
