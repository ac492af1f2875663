//! Calls on a server's connection.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sealane_proto::{
    BodyLength, CloseReason, HeadOptions, InputEnd, Limits, Moment, ServerConnection, ServerRules,
    Timeouts,
};

use super::{Ledger, Program, check_command};
use crate::chunked;
use crate::reading::{DATE, HEAD};

/// A server's connection and what is known about it.
struct Run {
    /// Under test.
    connection: ServerConnection,
    /// What came out.
    ledger: Ledger,
    /// The time.
    now: Moment,
    /// What the connection has written.
    out: Vec<u8>,
    /// Where in it the last final response begins.
    response: usize,
    /// The peer's side has ended.
    ended: bool,
    /// It has said that no further octet can matter, and may not take that back.
    unwanted: bool,
    /// It has said that it is closed, and may not take that back.
    closed: Option<CloseReason>,
}

/// Runs the calls.
pub(super) fn run(program: &mut Program<'_>) {
    let now = Moment(0);
    let connection = ServerConnection::new(Arc::new(ServerRules::default()), Arc::default(), now);
    let (ledger, out) = (Ledger::default(), Vec::new());
    let mut run = Run {
        connection,
        ledger,
        now,
        out,
        response: 0,
        ended: false,
        unwanted: false,
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
        match call % 16 {
            0..=3 => self.receive(program),
            4 => self.poll(),
            5 | 6 => (0..POLLS).for_each(|_| self.poll()),
            7 => self.respond(program),
            8 => self.send_data(program.argument()),
            9 => self.send_end(program.argument()),
            10 => self.pass_time(program.argument()),
            11 => self.end(program.argument()),
            12 => self.stop(program.argument()),
            13 => {
                let before = self.out.len();
                let result = self.connection.send_continue(&mut self.out);
                check_command(result, self.out.len() - before);
            }
            14 => self.send_interim(),
            _ => self.answer_whole(),
        }
    }

    /// Octets arrive, as they can until the peer has ended its side.
    fn receive(&mut self, program: &mut Program<'_>) {
        let octets = program.octets(FRAGMENTS);
        if !self.ended {
            self.connection.receive(octets, self.now);
            self.ledger.fed += octets.len();
        }
    }

    /// Takes one event.
    fn poll(&mut self) {
        let polled = self.connection.poll_event(self.now);
        self.ledger.note(&polled);
    }

    /// Sends the head of a response.
    fn respond(&mut self, program: &mut Program<'_>) {
        let status = STATUSES[program.argument() % STATUSES.len()];
        let status = StatusCode::from_u16(status).expect("a status");
        let argument = program.argument();
        let body = match argument % 4 {
            0 => BodyLength::Unknown,
            shape => BodyLength::Known((shape as u64 - 1) * 5),
        };
        let fields = response_fields(argument / 4);
        let head = [HEAD, BARE][argument / 32 % 2];
        let before = self.out.len();
        let result = self
            .connection
            .send_response(status, &fields, body, &head, &mut self.out);
        if check_command(result, self.out.len() - before).is_some() {
            assert!(self.connection.head_sent() || self.connection.is_tunnel() || self.is_closed());
            assert!(
                self.out[before..].ends_with(b"\r\n\r\n"),
                "a head ends with a blank line"
            );
            self.response = before;
        }
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

    /// Ends the response, with or without trailers.
    fn send_end(&mut self, argument: usize) {
        let trailers = (argument & 1 == 1).then(|| {
            let name = HeaderName::from_static(if argument & 2 == 0 { "x-sum" } else { "host" });
            HeaderMap::from_iter([(name, HeaderValue::from_static("1"))])
        });
        let before = self.out.len();
        let result = self
            .connection
            .send_end(trailers.as_ref(), &mut self.out, self.now);
        if check_command(result, self.out.len() - before).is_some() {
            check_response(&self.out[self.response..]);
        }
    }

    /// Sends an interim response.
    fn send_interim(&mut self) {
        let before = self.out.len();
        let status = StatusCode::from_u16(103).expect("a status");
        let result = self
            .connection
            .send_interim(status, &HeaderMap::new(), &mut self.out);
        check_command(result, self.out.len() - before);
    }

    /// Reads what there is, then answers with five octets.
    fn answer_whole(&mut self) {
        (0..POLLS).for_each(|_| self.poll());
        let before = self.out.len();
        let (fields, body) = (HeaderMap::new(), BodyLength::Known(5));
        let result =
            self.connection
                .send_response(StatusCode::OK, &fields, body, &HEAD, &mut self.out);
        if check_command(result, self.out.len() - before).is_some() {
            self.response = before;
            self.send_data(5);
            self.send_end(0);
        }
    }

    /// Lets time pass and takes every deadline that has.
    fn pass_time(&mut self, argument: usize) {
        self.now = self
            .now
            .after(Duration::from_millis(argument as u64 * 1500));
        let mut timers = 0;
        while self.connection.handle_timeout(self.now).is_some() {
            timers += 1;
            assert!(timers <= 3, "a deadline passes again and again");
        }
        let next = self.connection.next_timeout();
        assert!(
            next.is_none_or(|next| next > self.now),
            "a deadline in the past: {next:?}"
        );
    }

    /// The peer's side ends.
    fn end(&mut self, argument: usize) {
        if !std::mem::replace(&mut self.ended, true) {
            let end = if argument & 1 == 0 {
                InputEnd::Orderly
            } else {
                InputEnd::Truncated
            };
            self.connection.handle_end(end);
        }
    }

    /// One of the ways to go on less than fully.
    fn stop(&mut self, argument: usize) {
        match argument % 4 {
            0 => {
                self.connection.discard_body();
                self.ledger.discard();
            }
            1 => self.connection.close_after_exchange(CloseReason::Shutdown),
            2 => {
                let before = self.out.len();
                let sent = self.connection.head_sent();
                let status = StatusCode::REQUEST_TIMEOUT;
                let refused = self
                    .connection
                    .refuse(status, b"late\n", DATE, &mut self.out);
                assert_eq!(refused, self.out.len() > before, "refused without a word");
                assert!(!(refused && sent), "a second head in one exchange");
                if refused {
                    self.ledger.stop();
                    assert!(self.is_closed(), "a refusal closes");
                }
            }
            _ => {
                let leftover = self.connection.take_leftover();
                assert!(
                    leftover.is_empty() || self.connection.is_tunnel(),
                    "{leftover:?}"
                );
                self.change(argument / 4);
            }
        }
    }

    /// Lets other rules or timeouts hold, and looks at what has not been served.
    fn change(&mut self, kind: usize) {
        let default = ServerRules::default();
        let rules = match kind % 6 {
            1 => {
                self.connection.set_timeouts(Arc::new(Timeouts {
                    head: Some(Duration::from_millis(700)),
                    request: None,
                    keep_alive: Some(Duration::from_secs(1)),
                }));
                // What is due at once is taken at once.
                self.pass_time(0);
                None
            }
            2 => Some(ServerRules {
                lenient: true,
                keep_rejected: true,
                ..default
            }),
            3 => Some(ServerRules {
                max_requests: NonZeroU64::new(2),
                reject_body_writes: true,
                ..default
            }),
            4 => Some(ServerRules {
                limits: Limits {
                    head_octets: 20,
                    field_count: 1,
                    ..Limits::default()
                },
                ..default
            }),
            _ => None,
        };
        if let Some(rules) = rules {
            self.connection.set_rules(Arc::new(rules));
        }
        self.look_at_unserved();
    }

    /// Takes what was rejected and what was dropped, and checks that it can have been.
    fn look_at_unserved(&mut self) {
        if let Some(rejected) = self.connection.take_rejected() {
            assert!(rejected.parsed <= rejected.octets.len(), "{rejected:?}");
            assert!(self.ledger.is_over(), "{rejected:?}");
        }
        while self.connection.take_dropped_request().is_some() {
            let closed = self.connection.close_reason();
            assert_eq!(closed, Some(CloseReason::RequestLimit));
        }
    }

    /// Whether both halves are finished.
    fn is_closed(&self) -> bool {
        self.connection.close_reason().is_some()
    }

    /// Checks what must hold after every call.
    fn check(&mut self) {
        let connection = &self.connection;
        assert!(
            connection.buffered() <= self.ledger.fed,
            "octets out of nothing"
        );
        if connection.is_idle() {
            assert_eq!(
                (connection.buffered(), connection.in_exchange()),
                (0, false),
                "idle"
            );
        }
        if self.ledger.is_over() {
            assert!(!connection.receiving_body(), "a body after the end");
        }
        assert!(
            !(self.unwanted && connection.wants_input()),
            "input is wanted again"
        );
        self.unwanted = !connection.wants_input();
        let closed = connection.close_reason();
        assert!(
            closed.is_none() || self.unwanted,
            "input is wanted by a closed connection"
        );
        assert!(
            self.closed.is_none() || self.closed == closed,
            "reopened: {closed:?}"
        );
        self.closed = closed;
    }
}

/// Reads a finished response as a client that knows nothing but framing would (RFC 9112 §6.3).
fn check_response(wire: &[u8]) {
    let mut lines = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut lines);
    let parsed = head.parse(wire).expect("a well-formed head");
    assert!(parsed.is_complete(), "a whole head");
    let body = &wire[parsed.unwrap()..];
    let values = |name: &'static str| {
        let named = head
            .headers
            .iter()
            .filter(move |line| line.name.eq_ignore_ascii_case(name));
        named.map(|line| line.value).collect::<Vec<_>>()
    };
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    assert!(lengths.len() + codings.len() <= 1, "framed twice");
    assert!(values("connection").len() <= 1, "two Connection lines");
    // No body stands behind a head that answers HEAD, or has status 204 or 304.
    if body.is_empty() {
        return;
    }
    if let [length] = lengths[..] {
        assert_eq!(
            body.len().to_string().as_bytes(),
            length,
            "octets of a body"
        );
    }
    if let [coding] = codings[..] {
        assert_eq!(coding, b"chunked");
        let (_, trailers) = chunked::walk(body);
        assert!(trailers.ends_with(b"\r\n"), "a whole trailer section");
    }
}

/// Fields of a response, of a kind that decides something.
fn response_fields(kind: usize) -> HeaderMap {
    let field = match kind % 8 {
        1 => (header::CONNECTION, "close"),
        2 => (header::CONTENT_LENGTH, "5"),
        3 => (header::TRANSFER_ENCODING, "chunked"),
        4 => (header::UPGRADE, "x"),
        5 => (header::CONTENT_LENGTH, "5, 5"),
        6 => (header::TRANSFER_ENCODING, "gzip"),
        7 => (header::DATE, "today"),
        _ => return HeaderMap::new(),
    };
    HeaderMap::from_iter([(field.0, HeaderValue::from_static(field.1))])
}

/// A head that says as little as it may.
const BARE: HeadOptions<'static> = HeadOptions {
    date: None,
    connection: false,
    reason: Some(b"So"),
};

/// Events taken in one go at most; more would only be the same again.
const POLLS: usize = 12;

/// Status codes of which each is special in some way.
const STATUSES: &[u16] = &[200, 204, 304, 101, 100, 404, 500, 103, 205, 407];

/// What a peer sends, in pieces that make sense together or not at all.
const FRAGMENTS: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
    b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    b"hello",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"0\r\nX-Sum: 1\r\n\r\n",
    b"GET /k HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET /o HTTP/1.0\r\n\r\n",
    b"GET /l HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /u HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\n",
    b"GET / HT",
    b"POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n",
    b"ffff\r\n",
    &[b'x'; 70_000],
    b"\0",
    b"GET /f HTTP/1.2\nHost: a\nX: y\x08\r\n z\n\n",
];
