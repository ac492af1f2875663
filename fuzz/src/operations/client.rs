//! Calls on a client's connection.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use sealane_proto::{
    BodyLength, ClientConnection, ClientRules, CloseReason, FieldSection, InputEnd, OutgoingHead,
};

use super::{Ledger, Program, check_command};

/// A client's connection and what is known about it.
struct Run {
    /// Under test.
    connection: ClientConnection,
    /// What came out.
    ledger: Ledger,
    /// What the connection has written.
    out: Vec<u8>,
    /// The peer's side has ended.
    ended: bool,
    /// It has said that it is closed, and may not take that back.
    closed: Option<CloseReason>,
}

/// Runs the calls.
pub(super) fn run(program: &mut Program<'_>) {
    let connection = ClientConnection::new(Arc::new(ClientRules::default()));
    let (ledger, out) = (Ledger::default(), Vec::new());
    let mut run = Run {
        connection,
        ledger,
        out,
        ended: false,
        closed: None,
    };
    while let Some(call) = program.octet() {
        run.call(call, program);
        run.check();
    }
}

impl Run {
    /// Makes one call.
    fn call(&mut self, call: u8, program: &mut Program<'_>) {
        match call % 12 {
            0..=2 => {
                let octets = program.octets(FRAGMENTS);
                if !self.ended {
                    self.connection.receive(octets);
                    self.ledger.fed += octets.len();
                }
            }
            3 => self.poll(),
            4 | 5 => (0..POLLS).for_each(|_| self.poll()),
            6 => {
                self.request(program);
            }
            7 => self.send_data(program.argument()),
            8 => self.send_end(program.argument()),
            9 => self.fetch_whole(program),
            10 => {
                if !std::mem::replace(&mut self.ended, true) {
                    let orderly = program.argument() & 1 == 0;
                    let end = if orderly {
                        InputEnd::Orderly
                    } else {
                        InputEnd::Truncated
                    };
                    self.connection.handle_end(end);
                }
            }
            11 if program.argument() & 1 == 1 => {
                let rules = ClientRules {
                    accept_truncated: true,
                    ..ClientRules::default()
                };
                self.connection.set_rules(Arc::new(rules));
            }
            _ => {
                let leftover = self.connection.take_leftover();
                assert!(
                    leftover.is_empty() || self.connection.is_tunnel(),
                    "{leftover:?}"
                );
            }
        }
    }

    /// Takes one event.
    fn poll(&mut self) {
        let polled = self.connection.poll_event();
        self.ledger.note(&polled);
    }

    /// Sends the head of a request.
    fn request(&mut self, program: &mut Program<'_>) -> bool {
        let (method, target, more) = REQUESTS[program.argument() % REQUESTS.len()];
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let body = match program.argument() % 4 {
            0 => BodyLength::Unknown,
            shape => BodyLength::Known((shape as u64 - 1) * 5),
        };
        let style = program.argument();
        let mut lines = FieldSection::new();
        let host = [("Host", "a")];
        let hosts = usize::from(style & 8 == 0);
        for (name, value) in host[..hosts].iter().chain(more) {
            let pushed = lines.push(name.as_bytes(), value.as_bytes());
            assert_eq!(pushed, Ok(()), "a line like any other");
        }
        let fields = map(&lines);
        let mut head = OutgoingHead::new(&method, target, &fields);
        if style & 1 == 1 {
            head.fields = (&lines).into();
        }
        if style & 2 == 2 {
            head.version = Version::HTTP_10;
        }
        head.connection = (style & 4 == 4).then_some("keep-alive");
        head.require_host = style & 16 == 0;
        let before = self.out.len();
        let result = self.connection.send_request(&head, body, &mut self.out);
        let sent = check_command(result, self.out.len() - before).is_some();
        if sent {
            assert!(
                self.out[before..].ends_with(b"\r\n\r\n"),
                "a head ends with a blank line"
            );
            assert!(!self.connection.is_idle(), "idle after a request");
        }
        sent
    }

    /// Sends content.
    fn send_data(&mut self, octets: usize) {
        let before = self.out.len();
        let result = self.connection.send_data(octets, &mut self.out);
        if let Some(behind) = check_command(result, self.out.len() - before) {
            assert!(
                octets > 0 || self.out.len() == before,
                "a line before no data"
            );
            self.out.extend(std::iter::repeat_n(b'x', octets));
            self.out.extend_from_slice(behind);
        }
    }

    /// Ends the request, with or without trailers.
    fn send_end(&mut self, argument: usize) {
        let trailers = (argument & 1 == 1).then(|| {
            HeaderMap::from_iter([(
                HeaderName::from_static("x-sum"),
                HeaderValue::from_static("1"),
            )])
        });
        let before = self.out.len();
        let result = self.connection.send_end(trailers.as_ref(), &mut self.out);
        check_command(result, self.out.len() - before);
    }

    /// Sends a request whole, and takes what there is.
    fn fetch_whole(&mut self, program: &mut Program<'_>) {
        if self.request(program) {
            self.send_data(5);
            self.send_end(0);
        }
        (0..POLLS).for_each(|_| self.poll());
    }

    /// Checks what must hold after every call.
    fn check(&mut self) {
        let connection = &self.connection;
        assert!(
            connection.buffered() <= self.ledger.fed,
            "octets out of nothing"
        );
        if connection.reusable() {
            assert!(connection.is_idle(), "reusable inside an exchange");
            assert_eq!(connection.close_reason(), None, "reusable and closed");
        }
        if self.ledger.is_over() {
            assert!(!connection.reusable(), "reusable after the end");
        }
        let closed = connection.close_reason();
        assert!(
            self.closed.is_none() || self.closed == closed,
            "reopened: {closed:?}"
        );
        self.closed = closed;
    }
}

/// Events taken in one go at most; more would only be the same again.
const POLLS: usize = 12;

/// The same lines as a map.
fn map(lines: &FieldSection) -> HeaderMap {
    let line = |(name, value)| {
        let name = HeaderName::from_bytes(name).expect("a name");
        (name, HeaderValue::from_bytes(value).expect("a value"))
    };
    lines.iter().map(line).collect()
}

/// A request: method, target, fields beside Host.
type Request = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Requests of which each is special in some way.
const REQUESTS: &[Request] = &[
    ("GET", "/", &[]),
    ("HEAD", "/", &[]),
    ("POST", "/p", &[]),
    ("POST", "/p", &[("expect", "100-continue")]),
    ("CONNECT", "a:1", &[]),
    ("GET", "/u", &[("connection", "upgrade"), ("upgrade", "x")]),
    ("OPTIONS", "*", &[]),
    ("GET", "http://a/", &[]),
    ("GET", "/l", &[("connection", "close")]),
    ("POST", "/l", &[("content-length", "5")]),
    ("POST", "/c", &[("transfer-encoding", "chunked")]),
    ("POST", "/t", &[("trailer", "x-sum")]),
    ("GET", "bad target", &[]),
];

/// What a peer sends, in pieces that make sense together or not at all.
const FRAGMENTS: &[&[u8]] = &[
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n",
    b"hello",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"0\r\nX-Sum: 1\r\n\r\n",
    b"HTTP/1.",
    b"\r\n",
    &[b'x'; 70_000],
    b"\0",
];
