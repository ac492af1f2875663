//! Every wire vector of `conformance/vectors`, against both connections of this crate.
//!
//! Each vector is read whole, cut in two at every octet (long ones at a bounded set of cuts, see
//! `cuts`) and octet by octet; the events must be the same each way, since TCP and TLS promise
//! nothing about where they cut. The vectors cite their sections of RFC 9110 and RFC 9112.

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use sealane_testkit::vector::{
    After, Answer, End, Expected, ExpectedError, ExpectedRequest, ExpectedResponse, FieldLines,
    Octets, Role, SentRequest, Vector, WireFraming, WireVersion, vectors,
};

use sealane_proto::{
    BodyLength, ClientConnection, ClientRules, Event, Framing, HeadOptions, InputEnd, Moment,
    OutgoingHead, ProtocolError, RequestHead, ResponseHead, SendBody, ServerConnection,
    ServerRules, Trailers,
};

/// The `Date` of every answer; what it says is of no interest here.
const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
/// What stands in every head that is sent here.
const HEAD: HeadOptions<'static> = HeadOptions {
    date: Some(DATE),
    connection: true,
    reason: None,
};

/// What a run has seen, in the vocabulary of the vectors.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Events with data joined.
    events: Vec<Expected>,
    /// The state afterwards; none after an error.
    after: Option<After>,
}

impl Seen {
    /// Adds an event; content that goes on is joined to what came before.
    fn push(&mut self, event: Expected) {
        match (self.events.last_mut(), event) {
            (Some(Expected::Data(before)), Expected::Data(more)) => before.0.extend(more.0),
            (_, event) => self.events.push(event),
        }
    }

    /// Whether the octets have been refused.
    fn refused(&self) -> bool {
        matches!(self.events.last(), Some(Expected::Error(_)))
    }
}

/// A connection under test, reduced to what a vector asks of it.
trait Reader {
    /// Takes octets.
    fn receive(&mut self, octets: &[u8]);
    /// The peer's side ends.
    fn handle_end(&mut self, end: InputEnd);
    /// The next event.
    fn poll(&mut self) -> Result<Option<Event>, ProtocolError>;
    /// Does what the vector's user does after an event.
    fn react(&mut self, event: &Expected);
    /// What the connection is good for.
    fn after(&mut self) -> After;
    /// Octets held back.
    fn buffered(&self) -> usize;
    /// What must hold once octets have been refused; the status to compare.
    fn check_refusal(&mut self, error: &ProtocolError) -> Option<u16>;
}

/// A server that answers as the vector says.
struct Server {
    /// Under test.
    connection: ServerConnection,
    /// To each request.
    answer: Answer,
    /// What the server has sent.
    sent: Vec<u8>,
}

impl Server {
    /// Sends the vector's answer.
    fn respond(&mut self) {
        let status = StatusCode::from_u16(self.answer.status).expect("a status");
        let fields = header_map(&self.answer.fields);
        let sent = &mut self.sent;
        let sends = self
            .connection
            .send_response(status, &fields, BodyLength::Known(0), &HEAD, sent)
            .expect("the answer can be sent");
        assert_eq!(sends, SendBody::No);
        if !self.connection.is_tunnel() {
            self.connection
                .send_end(None, sent, Moment(0))
                .expect("the answer can be ended");
        }
    }
}

impl Reader for Server {
    fn receive(&mut self, octets: &[u8]) {
        self.connection.receive(octets, Moment(0));
    }

    fn handle_end(&mut self, end: InputEnd) {
        self.connection.handle_end(end);
    }

    fn poll(&mut self) -> Result<Option<Event>, ProtocolError> {
        self.connection.poll_event(Moment(0))
    }

    fn react(&mut self, event: &Expected) {
        if matches!(event, Expected::End(_)) {
            self.respond();
        }
    }

    fn after(&mut self) -> After {
        if self.connection.is_tunnel() {
            return After::Tunnel(Octets(self.connection.take_leftover().to_vec()));
        }
        if self.connection.close_reason().is_some() {
            After::Closed
        } else {
            After::Open
        }
    }

    fn buffered(&self) -> usize {
        self.connection.buffered()
    }

    fn check_refusal(&mut self, error: &ProtocolError) -> Option<u16> {
        let status = error.status().expect("a server can always say why");
        let mut out = Vec::new();
        assert!(
            self.connection.refuse(status, b"no\n", DATE, &mut out),
            "{error}"
        );
        let head = String::from_utf8(out).expect("text");
        assert!(
            head.starts_with(&format!("HTTP/1.1 {} ", status.as_u16())),
            "{head}"
        );
        assert!(
            head.to_ascii_lowercase()
                .contains("\r\nconnection: close\r\n"),
            "{head}"
        );
        assert!(self.connection.close_reason().is_some(), "a refusal closes");
        Some(status.as_u16())
    }
}

/// A client that has sent the vector's request.
struct Client(ClientConnection);

impl Client {
    /// Sends the request whole.
    fn new(request: &SentRequest, lenient: bool) -> Self {
        let rules = ClientRules {
            lenient,
            ..ClientRules::default()
        };
        let mut connection = ClientConnection::new(Arc::new(rules));
        let method = Method::from_bytes(request.method.as_bytes()).expect("a method");
        let fields = header_map(&request.fields);
        let (target, mut out) = (request.target.as_str(), Vec::new());
        let sends = connection
            .send_request(
                &OutgoingHead::new(&method, target, &fields),
                BodyLength::Known(0),
                &mut out,
            )
            .expect("the request can be sent");
        assert_eq!(sends, SendBody::No);
        connection
            .send_end(None, &mut out)
            .expect("the request can be ended");
        Self(connection)
    }
}

impl Reader for Client {
    fn receive(&mut self, octets: &[u8]) {
        self.0.receive(octets);
    }

    fn handle_end(&mut self, end: InputEnd) {
        self.0.handle_end(end);
    }

    fn poll(&mut self) -> Result<Option<Event>, ProtocolError> {
        self.0.poll_event()
    }

    fn react(&mut self, _: &Expected) {}

    fn after(&mut self) -> After {
        if self.0.is_tunnel() {
            return After::Tunnel(Octets(self.0.take_leftover().to_vec()));
        }
        if self.0.close_reason().is_some() {
            After::Closed
        } else {
            After::Open
        }
    }

    fn buffered(&self) -> usize {
        self.0.buffered()
    }

    fn check_refusal(&mut self, error: &ProtocolError) -> Option<u16> {
        assert!(
            self.0.close_reason().is_some(),
            "{error}: nothing can follow"
        );
        assert!(!self.0.reusable(), "{error}: nothing can follow");
        None
    }
}

/// Starts the side that the vector asks about.
fn reader_for(vector: &Vector) -> Box<dyn Reader> {
    match vector.role {
        Role::Server => {
            let rules = ServerRules {
                lenient: vector.lenient,
                ..ServerRules::default()
            };
            let connection = ServerConnection::new(Arc::new(rules), Arc::default(), Moment(0));
            Box::new(Server {
                connection,
                answer: vector.answer.clone(),
                sent: Vec::new(),
            })
        }
        Role::Client => Box::new(Client::new(
            vector
                .request
                .as_ref()
                .expect("a client has sent a request"),
            vector.lenient,
        )),
    }
}

/// Reads the vector's octets in these pieces.
fn observe<'a>(vector: &Vector, pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut reader = reader_for(vector);
    let mut seen = Seen {
        events: Vec::new(),
        after: None,
    };
    for piece in pieces {
        let before = reader.buffered();
        reader.receive(piece);
        assert!(
            reader.buffered() <= before + piece.len(),
            "octets out of nothing"
        );
        drain(reader.as_mut(), &mut seen);
        if seen.refused() {
            return seen;
        }
    }
    match vector.end {
        End::None => {}
        End::Orderly => reader.handle_end(InputEnd::Orderly),
        End::Truncated => reader.handle_end(InputEnd::Truncated),
    }
    drain(reader.as_mut(), &mut seen);
    if !seen.refused() {
        seen.after = Some(reader.after());
    }
    seen
}

/// Takes every event that is ready.
fn drain(reader: &mut dyn Reader, seen: &mut Seen) {
    loop {
        match reader.poll() {
            Ok(None) => return,
            Ok(Some(event)) => {
                let event = translate(event);
                reader.react(&event);
                seen.push(event);
            }
            Err(error) => {
                let status = reader.check_refusal(&error);
                let (kind, offset) = (kind_name(&error), Some(error.offset()));
                seen.push(Expected::Error(ExpectedError {
                    kind,
                    status,
                    offset,
                }));
                let text = error.to_string();
                assert!(
                    text.bytes().all(|octet| (0x20..0x7f).contains(&octet)),
                    "{text:?}"
                );
                reader.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                assert!(
                    matches!(reader.poll(), Ok(None)),
                    "nothing is read after an error"
                );
                return;
            }
        }
    }
}

/// The names of the variants of an error's kind: `Field::NameOctet`.
fn kind_name(error: &ProtocolError) -> String {
    let text = format!("{:?}", error.kind());
    let mut names = text.split(|c: char| !c.is_ascii_alphanumeric());
    let (group, name) = (names.next().unwrap_or(""), names.next().unwrap_or(""));
    format!("{group}::{name}")
}

/// Says an event in the vocabulary of the vectors.
fn translate(event: Event) -> Expected {
    match event {
        Event::Request(head) => Expected::Request(request(&head)),
        Event::Interim(head) => Expected::Interim(response(&head)),
        Event::Response(head) => Expected::Response(response(&head)),
        Event::Data(octets) => {
            assert!(!octets.is_empty(), "an empty piece of content");
            Expected::Data(Octets(octets.to_vec()))
        }
        Event::End(trailers) => {
            Expected::End(trailers.as_ref().map(trailer_lines).unwrap_or_default())
        }
        Event::Closed => Expected::Closed(true),
    }
}

/// Says a request head in the vocabulary of the vectors.
fn request(head: &RequestHead) -> ExpectedRequest {
    let start_line = [
        head.method.as_str().as_bytes(),
        b" ",
        head.raw.target(),
        b" ",
    ]
    .concat();
    assert!(head.raw.start_line().starts_with(&start_line), "{head:?}");
    ExpectedRequest {
        method: Octets(head.method.as_str().into()),
        target: Octets(head.raw.target().into()),
        version: version(head.version),
        fields: field_lines(head.raw.fields(), &head.fields),
        framing: framing(head.framing),
        expects_continue: head.expects_continue,
        upgrade: head.upgrade,
    }
}

/// Says a response head in the vocabulary of the vectors.
fn response(head: &ResponseHead) -> ExpectedResponse {
    ExpectedResponse {
        status: head.status.as_u16(),
        reason: Octets(head.reason.to_vec()),
        version: version(head.version),
        fields: field_lines(head.raw.fields(), &head.fields),
        framing: framing(head.framing),
    }
}

/// The lines of a trailer section.
fn trailer_lines(trailers: &Trailers) -> Vec<(Octets, Octets)> {
    field_lines(trailers.raw.fields(), &trailers.fields).0
}

/// The lines of the map in the order of the raw ones, once it is clear that these say the same.
///
/// What a lenient reader makes of an odd value differs from the raw one in white space and in the
/// SP that stands for a control octet.
fn field_lines<'a>(
    raw: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    fields: &HeaderMap,
) -> FieldLines {
    let mut mapped: HashMap<_, _> = fields
        .keys()
        .map(|name| (name.as_str(), fields.get_all(name).iter()))
        .collect();
    let lines: Vec<_> = raw
        .map(|(name, value)| {
            let lower = String::from_utf8_lossy(name).to_ascii_lowercase();
            let values = mapped.get_mut(&*lower).expect("a raw name is in the map");
            let understood = values.next().expect("so is its value").as_bytes();
            let control = |octet: &u8| octet.is_ascii_control() && *octet != b'\t';
            if value.iter().any(control) || understood.len() < value.len() {
                assert_eq!(
                    words(value),
                    words(understood),
                    "the map says something else"
                );
            } else {
                assert_eq!(value, understood, "the map says something else");
            }
            assert!(!value.contains(&b'\n'), "a line end inside a raw value");
            (Octets(name.into()), Octets(understood.into()))
        })
        .collect();
    assert_eq!(
        fields.len(),
        lines.len(),
        "the map and the raw lines differ in number"
    );
    FieldLines(lines)
}

/// The words of a value, whatever stands between them.
fn words(value: &[u8]) -> Vec<&[u8]> {
    value
        .split(|octet| *octet == b' ' || octet.is_ascii_control())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Says a version in the vocabulary of the vectors.
fn version(version: Version) -> WireVersion {
    match version {
        Version::HTTP_10 => WireVersion::Http10,
        Version::HTTP_11 => WireVersion::Http11,
        other => panic!("{other:?} came out of an HTTP/1 parser"),
    }
}

/// Says a framing in the vocabulary of the vectors.
fn framing(framing: Framing) -> WireFraming {
    match framing {
        Framing::Empty => WireFraming::Empty,
        Framing::Length(octets) => WireFraming::Length(octets),
        Framing::Chunked => WireFraming::Chunked,
        Framing::UntilClose => WireFraming::UntilClose,
    }
}

/// Field lines as a map.
fn header_map(lines: &[(String, String)]) -> HeaderMap {
    let line = |(name, value): &(String, String)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a field name");
        (name, HeaderValue::from_str(value).expect("a field value"))
    };
    lines.iter().map(line).collect()
}

/// Where to cut in two: everywhere, and for long vectors where it can matter.
///
/// Beyond 1500 octets: the first and last 100 places, four on each side of the 16 KiB limits, and
/// about thirty spread evenly over the rest.
fn cuts(length: usize) -> Vec<usize> {
    if length <= 1500 {
        return (0..=length).collect();
    }
    let limit = 16 * 1024;
    let mut cuts: Vec<usize> = (0..100).chain(length - 100..=length).collect();
    cuts.extend((limit - 4..=limit + 4).filter(|&cut| cut < length));
    cuts.extend((0..length).step_by(length / 30));
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Whether what was seen is what the vector wants; an offset is compared where the vector has one.
fn agrees(vector: &Vector, seen: &Seen) -> bool {
    if vector.after != seen.after || vector.events.len() != seen.events.len() {
        return false;
    }
    vector
        .events
        .iter()
        .zip(&seen.events)
        .all(|(wanted, seen)| match (wanted, seen) {
            (Expected::Error(wanted), Expected::Error(seen)) => {
                let offset = wanted.offset.is_none() || wanted.offset == seen.offset;
                wanted.kind == seen.kind && wanted.status == seen.status && offset
            }
            _ => wanted == seen,
        })
}

/// Runs a check over every vector and reports all that fail.
fn for_each_vector(check: impl Fn(&Vector) -> Option<String>) {
    let vectors = vectors().expect("the vector files read");
    let failures: Vec<_> = vectors
        .iter()
        .filter_map(|vector| check(vector).map(|reason| format!("{}: {reason}", vector.id)))
        .collect();
    assert!(
        failures.is_empty(),
        "{} vectors fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_vector_gives_its_events() {
    for_each_vector(|vector| {
        let seen = observe(vector, [&vector.octets[..]]);
        let wanted = format_args!("wanted {:?} {:?}", vector.events, vector.after).to_string();
        (!agrees(vector, &seen)).then(|| format!("{seen:?}\n  {wanted}"))
    });
}

#[test]
fn every_vector_reads_the_same_at_every_cut() {
    for_each_vector(|vector| {
        let whole = observe(vector, [&vector.octets[..]]);
        cuts(vector.octets.len()).into_iter().find_map(|cut| {
            let (first, rest) = vector.octets.split_at(cut);
            let seen = observe(vector, [first, rest]);
            (seen != whole).then(|| format!("cut at {cut}: {seen:?}\n  whole: {whole:?}"))
        })
    });
}

#[test]
fn every_vector_reads_the_same_octet_by_octet() {
    for_each_vector(|vector| {
        let whole = observe(vector, [&vector.octets[..]]);
        let seen = observe(vector, vector.octets.chunks(1));
        (seen != whole).then(|| format!("octet by octet: {seen:?}\n  whole: {whole:?}"))
    });
}

#[test]
fn a_lenient_reader_takes_what_a_strict_one_takes_and_little_more() {
    let more = [
        "Field::Folded",
        "Field::BareLineFeed",
        "Field::ValueOctet",
        "StartLine::BareLineFeed",
        "StartLine::VersionLineFeed",
        "StartLine::VersionUnsupported",
        // A status line that ends behind its code.
        "StartLine::StatusLineOctet",
    ];
    for_each_vector(|vector| {
        let strict = observe(vector, [&vector.octets[..]]);
        let lenient = Vector {
            lenient: true,
            ..vector.clone()
        };
        let seen = observe(&lenient, [&vector.octets[..]]);
        let may_differ = match strict.events.last() {
            Some(Expected::Error(error)) => more.contains(&error.kind.as_str()),
            _ => false,
        };
        (seen != strict && !may_differ).then(|| format!("{seen:?}\n  strict: {strict:?}"))
    });
}
