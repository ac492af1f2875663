//! What a lenient reader owes to a strict one, for whatever octets come.
//!
//! All that is well-formed reads the same; what a lenient reader takes beyond that could have been
//! written in a well-formed way; and where the octets are cut makes no difference to it either.
//! RFC 9112 §2.2, §2.3 and §5.2, RFC 9110 §5.5.

use std::sync::Arc;

use http::{HeaderMap, StatusCode, Version};
use proptest::collection::vec;
use proptest::prelude::*;

use sealane_proto::{
    BodyLength, Event, HeadOptions, Moment, RequestHead, SendBody, ServerConnection, ServerRules,
};

/// What a server makes of octets: what its events say, and whether an error ended them.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// One line for each event; data is joined.
    lines: Vec<String>,
    /// Content of all messages.
    content: Vec<u8>,
    /// The error that came last.
    error: Option<String>,
    /// The heads, written anew as a strict reader wants them.
    heads: Vec<Vec<u8>>,
}

/// Lets a server read these pieces; each request is answered at its end.
fn serve<'a>(lenient: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let rules = ServerRules {
        lenient,
        ..ServerRules::default()
    };
    let mut server = ServerConnection::new(Arc::new(rules), Arc::default(), Moment(0));
    let mut seen = Seen::default();
    for piece in pieces {
        server.receive(piece, Moment(0));
        loop {
            match server.poll_event(Moment(0)) {
                Ok(None) => break,
                Ok(Some(event)) => {
                    let ended = matches!(event, Event::End(_));
                    seen.note(event);
                    if ended {
                        answer(&mut server);
                    }
                }
                Err(error) => {
                    seen.error = Some(error.to_string());
                    return seen;
                }
            }
        }
    }
    seen
}

/// Answers with an empty 200.
fn answer(server: &mut ServerConnection) {
    let (fields, head, mut out) = (HeaderMap::new(), HeadOptions::default(), Vec::new());
    let sent = server.send_response(
        StatusCode::OK,
        &fields,
        BodyLength::Known(0),
        &head,
        &mut out,
    );
    assert_eq!(sent, Ok(SendBody::No));
    if !server.is_tunnel() {
        assert_eq!(server.send_end(None, &mut out, Moment(0)), Ok(()));
    }
}

impl Seen {
    /// Notes an event.
    fn note(&mut self, event: Event) {
        let line = match event {
            Event::Data(octets) => return self.content.extend_from_slice(&octets),
            Event::Request(head) => {
                self.heads.push(well_formed(&head));
                format!("{head:?} {:?}", head.fields)
            }
            Event::End(trailers) => {
                format!("end {:?}", trailers.map(|trailers| trailers.fields))
            }
            other => format!("{other:?}"),
        };
        self.lines
            .push(format!("{line} after {} octets", self.content.len()));
    }
}

/// A head as a strict reader wants it, from what the lenient one understood.
fn well_formed(head: &RequestHead) -> Vec<u8> {
    let version = match head.version {
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    };
    let target = head.raw.target();
    let mut octets = [head.method.as_str().as_bytes(), b" ", target].concat();
    octets.extend_from_slice(format!(" HTTP/{version}\r\n").as_bytes());
    for (name, value) in &head.fields {
        octets.extend_from_slice(format!("{name}: ").as_bytes());
        octets.extend_from_slice(value.as_bytes());
        octets.extend_from_slice(b"\r\n");
    }
    octets.extend_from_slice(b"\r\n");
    octets
}

/// Octets that are requests more often than not, in many odd ways.
fn oddly_http() -> impl Strategy<Value = Vec<u8>> {
    let parts = prop::sample::select(PARTS.to_vec());
    vec(parts, 1..24).prop_map(|parts| parts.concat())
}

/// Pieces of requests, whole heads among them, and what may stand between.
const PARTS: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: a\r\n",
    b"GET / HTTP/1.1\nHost: a\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n",
    b"POST / HTTP/1.7\nHost: a\nTransfer-Encoding: chunked\n",
    b"GET / HTTP/1.0\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: y\x08z\n\n",
    b"X-A: b\r\n",
    b"X-A: b\x0b\n",
    b"X-A:\r\n",
    b"Cookie: a=b\r\n",
    b"Expect: 100-continue\r\n",
    b"Upgrade: x\nConnection: upgrade\n",
    b"Connection: close\r\n",
    b"Content-Length: 0\r\n",
    b" folded\r\n",
    b"\tfolded\n",
    b" \r\n",
    b"\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"abc",
    b"3\r\nabc\r\n",
    b"3\nabc\r\n",
    b"0\r\n\r\n",
    b"0\r\nX-Sum: 1\r\n 2\r\n\r\n",
    b"PRI * HTTP/2.0\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_well_formed_reads_the_same(octets in oddly_http()) {
        let strict = serve(false, [&octets[..]]);
        let lenient = serve(true, [&octets[..]]);
        prop_assert!(lenient.lines.starts_with(&strict.lines), "{strict:?}\n{lenient:?}");
        prop_assert!(lenient.content.starts_with(&strict.content));
    }

    #[test]
    fn what_is_odd_could_have_been_well_formed(octets in oddly_http()) {
        for head in serve(true, [&octets[..]]).heads {
            let text = head.escape_ascii().to_string();
            let lenient = serve(true, [&head[..]]);
            let strict = serve(false, [&head[..]]);
            prop_assert_eq!(&strict, &lenient, "{}", text);
            prop_assert_eq!(&strict.heads, &[head], "{}", text);
        }
    }

    #[test]
    fn it_makes_no_difference_where_octets_are_cut(octets in oddly_http(), length in 1..9usize) {
        let whole = serve(true, [&octets[..]]);
        prop_assert_eq!(serve(true, octets.chunks(length)), whole);
    }
}
