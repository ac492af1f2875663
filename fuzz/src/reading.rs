//! What the targets share: a connection driven by octets alone, and what it made of them.

use std::fmt::Write as _;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sealane_proto::{
    BodyLength, ClientConnection, ClientRules, Event, HeadOptions, Moment, OutgoingHead,
    ProtocolError, SendBody, ServerConnection, ServerRules,
};

/// The `Date` of every answer.
pub(crate) const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
/// What stands in every head that is sent here.
pub(crate) const HEAD: HeadOptions<'static> = HeadOptions {
    date: Some(DATE),
    connection: true,
    reason: None,
};

/// What came out of a connection, with data joined and everything else as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// One line for each event; an error is the last.
    pub(crate) lines: Vec<String>,
    /// Content, of all messages.
    pub(crate) content: Vec<u8>,
    /// Messages that were complete.
    pub(crate) complete: usize,
    /// An error was the last.
    pub(crate) refused: bool,
}

impl Reading {
    /// Notes an event.
    pub(crate) fn note(&mut self, event: &Event) {
        let mut line = String::new();
        let raw: Vec<_> = match event {
            Event::Data(octets) => {
                assert!(!octets.is_empty(), "an empty piece of content");
                self.content.extend_from_slice(octets);
                return;
            }
            Event::Request(head) => {
                line = format!(
                    "{head:?} {:?}",
                    head.raw.target().escape_ascii().to_string()
                );
                owned(head.raw.fields())
            }
            Event::Interim(head) | Event::Response(head) => {
                line = format!("{head:?} {:?}", head.reason.escape_ascii().to_string());
                owned(head.raw.fields())
            }
            Event::End(trailers) => {
                self.complete += 1;
                line.push_str("end");
                trailers
                    .as_ref()
                    .map(|trailers| owned(trailers.raw.fields()))
                    .unwrap_or_default()
            }
            Event::Closed => vec![("closed".to_owned(), String::new())],
        };
        for (name, value) in raw {
            let _ = write!(line, " [{name}: {value}]");
        }
        line += &format!(" after {} octets of content", self.content.len());
        self.lines.push(line);
    }

    /// Notes the error that ends a reading.
    fn refuse(&mut self, error: &ProtocolError) {
        self.lines.push(format!("{error:?}"));
        self.refused = true;
    }

    /// Fails unless a lenient reader has seen all this, and maybe more where this ends in an error.
    pub(crate) fn check_lenient(&self, lenient: &Self) {
        let seen = match self.refused {
            true => &self.lines[..self.lines.len() - 1],
            false => &self.lines[..],
        };
        assert!(lenient.lines.starts_with(seen), "{self:?}\n{lenient:?}");
        assert!(
            lenient.content.starts_with(&self.content),
            "{self:?}\n{lenient:?}"
        );
        assert!(self.refused || self == lenient, "{self:?}\n{lenient:?}");
    }
}

/// Field lines as text.
fn owned<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Vec<(String, String)> {
    let text = |octets: &[u8]| octets.escape_ascii().to_string();
    fields
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

/// Both ways to read heads.
pub(crate) const READERS: [bool; 2] = [STRICT, LENIENT];
/// The way that refuses what has two readings.
pub(crate) const STRICT: bool = false;
/// The way that takes odd heads.
pub(crate) const LENIENT: bool = true;

/// A server's connection that reads in this way.
pub(crate) fn server(lenient: bool) -> ServerConnection {
    let rules = ServerRules {
        lenient,
        ..ServerRules::default()
    };
    ServerConnection::new(Arc::new(rules), Arc::default(), Moment(0))
}

/// A client's connection that reads in this way and has sent a request of this method.
pub(crate) fn client(lenient: bool, method: &Method) -> ClientConnection {
    let rules = ClientRules {
        lenient,
        ..ClientRules::default()
    };
    let mut connection = ClientConnection::new(Arc::new(rules));
    let fields = HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static("a"))]);
    let mut out = Vec::new();
    let sent = connection.send_request(
        &OutgoingHead::new(method, "/", &fields),
        BodyLength::Known(0),
        &mut out,
    );
    assert_eq!(sent, Ok(SendBody::No), "a plain request can be sent");
    connection
        .send_end(None, &mut out)
        .expect("an empty request can be ended");
    connection
}

/// Lets a server read these pieces; each request is answered at its end.
pub(crate) fn serve<'a>(lenient: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Reading {
    let mut connection = server(lenient);
    let mut reading = Reading::default();
    let mut out = Vec::new();
    for piece in pieces {
        connection.receive(piece, Moment(0));
        loop {
            match connection.poll_event(Moment(0)) {
                Ok(None) => break,
                Ok(Some(event)) => {
                    reading.note(&event);
                    if matches!(event, Event::End(_)) {
                        answer(&mut connection, &mut out);
                    }
                }
                Err(error) => {
                    reading.refuse(&error);
                    let status = error.status().expect("a server can always say why");
                    assert!(connection.refuse(status, b"", DATE, &mut out), "{error}");
                    assert!(matches!(connection.poll_event(Moment(0)), Ok(None)));
                    return reading;
                }
            }
        }
    }
    reading
}

/// Answers with an empty 200.
fn answer(connection: &mut ServerConnection, out: &mut Vec<u8>) {
    out.clear();
    let (status, fields) = (StatusCode::OK, HeaderMap::new());
    let sent = connection.send_response(status, &fields, BodyLength::Known(0), &HEAD, out);
    assert_eq!(sent, Ok(SendBody::No), "a complete request can be answered");
    if !connection.is_tunnel() {
        connection
            .send_end(None, out, Moment(0))
            .expect("an empty answer can be ended");
    }
}

/// Lets a client read these pieces as the response to a request of this method.
pub(crate) fn fetch<'a>(
    lenient: bool,
    method: &Method,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Reading {
    let mut connection = client(lenient, method);
    let mut reading = Reading::default();
    for piece in pieces {
        connection.receive(piece);
        loop {
            match connection.poll_event() {
                Ok(None) => break,
                Ok(Some(event)) => reading.note(&event),
                Err(error) => {
                    reading.refuse(&error);
                    assert!(matches!(connection.poll_event(), Ok(None)));
                    assert!(!connection.reusable(), "{error}");
                    return reading;
                }
            }
        }
    }
    reading
}

/// Fails when a reading depends on where the octets were cut.
///
/// Octet by octet only for short inputs: each costs a pass through the state machine.
pub(crate) fn same_at_every_cut(octets: &[u8], read: impl Fn(Vec<&[u8]>) -> Reading) {
    let whole = read(vec![octets]);
    if octets.len() <= OCTET_BY_OCTET {
        assert_eq!(read(octets.chunks(1).collect()), whole, "octet by octet");
    }
    assert_eq!(read(octets.chunks(7).collect()), whole, "in sevens");
    let (first, rest) = octets.split_at(octets.len() / 2);
    assert_eq!(read(vec![first, rest]), whole, "in halves");
}

/// Longest input that is also read octet by octet.
const OCTET_BY_OCTET: usize = 4096;
