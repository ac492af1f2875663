//! Target `connection_operations`: the input is a program of calls on one connection.
//!
//! Whatever a caller does and a peer sends, in whatever order: no panic, no event out of turn, no
//! octets out of nothing, no deadline left in the past. RFC 9112 §6.3 and §9 give the order; what
//! each role may do is in `server` and `client`.

use sealane_proto::{Event, Framing, ProtocolError, Side};

mod client;
mod server;

/// Runs the program that the input spells: first the role, then calls until it ends.
pub fn connection_operations(input: &[u8]) {
    let mut program = Program { rest: input };
    match program.octet() {
        Some(role) if role & 1 == 0 => server::run(&mut program),
        Some(_) => client::run(&mut program),
        None => {}
    }
}

/// The input, read from the front.
pub(crate) struct Program<'a> {
    /// What has not been read yet.
    rest: &'a [u8],
}

impl<'a> Program<'a> {
    /// The next octet, if there is one.
    pub(crate) fn octet(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// The next octet as an argument; 0 where the input ends.
    pub(crate) fn argument(&mut self) -> usize {
        usize::from(self.octet().unwrap_or(0))
    }

    /// Some octets for a connection to receive: literal ones, or a fragment worth reading.
    pub(crate) fn octets(&mut self, fragments: &'a [&'a [u8]]) -> &'a [u8] {
        let argument = self.argument();
        if let Some(length) = argument.checked_sub(LITERAL) {
            let (literal, rest) = self.rest.split_at(length.min(self.rest.len()));
            self.rest = rest;
            return literal;
        }
        fragments[argument % fragments.len()]
    }
}

/// What has come out of a connection, held against what may.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Octets given to the connection.
    pub(crate) fed: usize,
    /// The message that has begun and not ended.
    open: Option<OpenMessage>,
    /// Nothing may come any more, for this reason.
    over: Option<&'static str>,
}

/// A message of which the head has come.
#[derive(Debug)]
struct OpenMessage {
    /// Octets of content it announced.
    announced: Option<u64>,
    /// Octets of content that came.
    received: u64,
    /// Whether it may end early because its content is thrown away.
    discarded: bool,
}

impl Ledger {
    /// Notes what `poll_event` gave.
    pub(crate) fn note(&mut self, polled: &Result<Option<Event>, ProtocolError>) {
        let event = match polled {
            Ok(None) => return,
            Ok(Some(event)) => event,
            Err(error) => {
                assert_eq!(self.over.replace("an error"), None, "{error}");
                assert_eq!(error.side(), Side::Remote, "{error}");
                let text = error.to_string();
                assert!(
                    text.bytes().all(|octet| (0x20..0x7f).contains(&octet)),
                    "{text:?}"
                );
                return;
            }
        };
        assert_eq!(self.over, None, "{event:?} came after it");
        match event {
            Event::Request(head) => self.begin(head.framing),
            Event::Response(head) => self.begin(head.framing),
            Event::Interim(_) => assert!(self.open.is_none(), "an interim response in a message"),
            Event::Data(octets) => self.add(octets.len()),
            Event::End(_) => self.end(),
            Event::Closed => {
                assert!(self.open.is_none(), "a clean end inside a message");
                self.over = Some("the end");
            }
        }
    }

    /// A head has come.
    fn begin(&mut self, framing: Framing) {
        assert!(self.open.is_none(), "a head inside a message");
        let announced = match framing {
            Framing::Empty => Some(0),
            Framing::Length(octets) => Some(octets),
            Framing::Chunked | Framing::UntilClose => None,
        };
        self.open = Some(OpenMessage {
            announced,
            received: 0,
            discarded: false,
        });
    }

    /// Content has come.
    fn add(&mut self, octets: usize) {
        let open = self.open.as_mut().expect("content belongs to a message");
        assert!(octets > 0, "an empty piece of content");
        assert!(!open.discarded, "content that nobody wants");
        open.received += octets as u64;
        if let Some(announced) = open.announced {
            assert!(open.received <= announced, "more content than announced");
        }
    }

    /// The message is complete.
    fn end(&mut self) {
        let open = self.open.take().expect("an end belongs to a message");
        if let (Some(announced), false) = (open.announced, open.discarded) {
            assert_eq!(open.received, announced, "content at the end of a message");
        }
    }

    /// The caller wants no more content.
    pub(crate) fn discard(&mut self) {
        if let Some(open) = &mut self.open {
            open.discarded = true;
        }
    }

    /// The caller has ended reading.
    pub(crate) fn stop(&mut self) {
        self.over.get_or_insert("a refusal");
    }

    /// Whether nothing may come any more.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_some()
    }
}

/// Checks a command's outcome: a refused one is our own fault, and has written nothing.
pub(crate) fn check_command<T>(result: Result<T, ProtocolError>, written: usize) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert_eq!(error.side(), Side::Local, "{error}");
            assert_eq!(written, 0, "a refused command has written: {error}");
            None
        }
    }
}

/// Arguments from here on stand for literal octets, so many beyond it.
const LITERAL: usize = 128;
