//! Our moves as a client: the head of a request.
//!
//! The order of a head is Host, the caller's fields, Authorization, Connection, and last the field
//! that frames the body (RFC 9112 §3, §6, §9.3; RFC 9110 §7.2, §8.6, §9.3.6, §9.3.8). Names that
//! are added here are written `Host`, `Content-Length`: as the oldest servers know them.

use http::header::{HOST, HeaderMap};
use http::{Method, Version};

use crate::authority;
use crate::body::BodyEncoder;
use crate::close::CloseReason;
use crate::connection::client::{ClientConnection, Exchange};
use crate::connection::half::Sending;
use crate::error::{Excerpt, ProtocolError, UsageError};
use crate::event::SendBody;
use crate::field::FieldSection;
use crate::framing::{BodyLength, Framing};
use crate::grammar;
use crate::head::CONTINUE;
use crate::head::encode::{self, CallerFields};
use crate::start_line;

/// The head of a request that is to be sent.
///
/// ```
/// use http::{HeaderMap, Method};
/// use sealane_proto::OutgoingHead;
///
/// let fields = HeaderMap::new();
/// let mut head = OutgoingHead::new(&Method::GET, "/", &fields);
/// head.host = Some(b"a.example");
/// head.connection = Some("keep-alive");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OutgoingHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The request target, in a form that the method allows (RFC 9112 §3.2).
    pub target: &'a str,
    /// HTTP/1.1 (the default) or HTTP/1.0.
    ///
    /// HTTP/1.0 knows no chunks: a body of unknown length is refused. Its connection persists only
    /// if the head says `Connection: keep-alive` and the response agrees (RFC 9112 §9.3).
    pub version: Version,
    /// The caller's own fields.
    pub fields: OutgoingFields<'a>,
    /// The Host to send where the caller gives none (default: none).
    pub host: Option<&'a [u8]>,
    /// The Authorization to send where the caller gives none (default: none).
    pub authorization: Option<&'a [u8]>,
    /// The Connection to send where the caller gives none (default: none).
    pub connection: Option<&'a str>,
    /// Whether the server is asked first if it wants the body: `Expect: 100-continue` is added
    /// where the caller gives no Expect (default: no, RFC 9110 §10.1.1).
    ///
    /// Only where there is a body, and not in HTTP/1.0, which knows no expectations.
    pub expect_continue: bool,
    /// Whether a head without Host is refused (default: yes, RFC 9112 §3.2).
    ///
    /// Servers refuse such a request of HTTP/1.1; it is for tests of them. A Host that is there
    /// must be well-formed and the only one either way.
    pub require_host: bool,
}

impl<'a> OutgoingHead<'a> {
    /// A head of HTTP/1.1 to which nothing but the framing is added.
    pub fn new(method: &'a Method, target: &'a str, fields: impl Into<OutgoingFields<'a>>) -> Self {
        Self {
            method,
            target,
            version: Version::HTTP_11,
            fields: fields.into(),
            host: None,
            authorization: None,
            connection: None,
            expect_continue: false,
            require_host: true,
        }
    }

    /// Judges what stands in the request line.
    fn check_line(&self) -> Result<(), UsageError> {
        if !matches!(self.version, Version::HTTP_10 | Version::HTTP_11) {
            return Err(UsageError::Version);
        }
        let (method, target) = (self.method.as_str().as_bytes(), self.target.as_bytes());
        let whole = grammar::skip_target(target, 0) == target.len();
        match whole && start_line::judge_target(method, target).is_ok() {
            true => Ok(()),
            false => Err(UsageError::Target(Excerpt::new(target))),
        }
    }

    /// Writes the Host line: the caller's own one, else the one to be added (RFC 9112 §3.2).
    fn write_host(&self, out: &mut Vec<u8>) -> Result<(), UsageError> {
        let given = self.fields.sole_host()?;
        match given.or(self.host.map(|host| (&b"Host"[..], host))) {
            Some((name, host)) if authority::is_host_value(host) => {
                encode::write_field(name, host, out);
                Ok(())
            }
            None if !self.require_host => Ok(()),
            _ => Err(UsageError::Host),
        }
    }

    /// Writes what is added behind the caller's lines, and notes what it says.
    fn write_added(&self, caller: &mut CallerFields, out: &mut Vec<u8>) -> Result<(), UsageError> {
        if let Some(credentials) = self.authorization
            && !caller.authorization
        {
            write_judged(b"Authorization", credentials, out)?;
        }
        if let Some(option) = self.connection
            && caller.connection.is_none()
        {
            write_judged(b"Connection", option.as_bytes(), out)?;
            caller
                .connection
                .get_or_insert_default()
                .add(option.as_bytes());
        }
        Ok(())
    }

    /// Decides how a body of this length is framed.
    fn frame(&self, caller: &CallerFields, body: BodyLength) -> Result<Framing, UsageError> {
        let chunking = self.version != Version::HTTP_10;
        if caller.chunked && !chunking {
            return Err(UsageError::CodingInHttp10);
        }
        // Trailers have been announced, and only chunks leave room for them (RFC 9110 §6.5).
        let body = match body {
            BodyLength::Known(_) if caller.trailer && caller.length.is_none() => {
                BodyLength::Unknown
            }
            body => body,
        };
        match caller.frame(body, chunking)? {
            Framing::Chunked => Ok(Framing::Chunked),
            _ if caller.trailer => Err(UsageError::TrailersUnframed),
            Framing::UntilClose => Err(UsageError::LengthUnknown),
            Framing::Length(0) if caller.length.is_none() && !expects_body(self.method) => {
                Ok(Framing::Empty)
            }
            framing => Ok(framing),
        }
    }
}

/// The caller's own fields of a request.
#[derive(Clone, Copy, Debug)]
pub enum OutgoingFields<'a> {
    /// Lines of one name stand together, and names are written in lower case.
    Map(&'a HeaderMap),
    /// Lines are written as they are.
    Lines(&'a FieldSection),
}

impl<'a> OutgoingFields<'a> {
    /// Number of lines.
    fn len(&self) -> usize {
        match self {
            Self::Map(fields) => fields.len(),
            Self::Lines(section) => section.len(),
        }
    }

    /// Name and value of the Host line, if there is one; two are an error.
    fn sole_host(&self) -> Result<Option<Line<'a>>, UsageError> {
        match self {
            Self::Map(fields) => {
                let values = fields.get_all(HOST).iter();
                sole(&mut values.map(|value| (&b"host"[..], value.as_bytes())))
            }
            Self::Lines(section) => {
                let is_host = |line: &Line<'_>| line.0.eq_ignore_ascii_case(b"host");
                sole(&mut section.iter().filter(is_host))
            }
        }
    }

    /// Writes the lines in their order, but for Host.
    fn write(&self, out: &mut Vec<u8>) -> Result<CallerFields, UsageError> {
        let mut seen = CallerFields::default();
        match self {
            Self::Map(fields) => {
                for (name, value) in *fields {
                    seen.write_line(name.as_str().as_bytes(), value.as_bytes(), out)?;
                }
            }
            Self::Lines(section) => {
                for (name, value) in section.iter() {
                    seen.write_line(name, value, out)?;
                }
            }
        }
        Ok(seen)
    }
}

/// Name and value of a field line.
type Line<'a> = (&'a [u8], &'a [u8]);

impl<'a> From<&'a HeaderMap> for OutgoingFields<'a> {
    fn from(fields: &'a HeaderMap) -> Self {
        Self::Map(fields)
    }
}

impl<'a> From<&'a FieldSection> for OutgoingFields<'a> {
    fn from(section: &'a FieldSection) -> Self {
        Self::Lines(section)
    }
}

impl ClientConnection {
    /// Sends the head of a request.
    ///
    /// Content-Length or `Transfer-Encoding: chunked` are added from `body` unless they are there;
    /// a request without a body gets `Content-Length: 0` only if its method expects one (RFC 9110
    /// §8.6). A Trailer field asks for chunks. Nothing is added but this and what the head says;
    /// nothing is left out but Expect lines that ask for 100 (Continue) where there is no body.
    /// On an error nothing has been written.
    ///
    /// # Errors
    ///
    /// The connection is not [`reusable`](Self::reusable), or the head is none that could be sent:
    /// a [`UsageError`](crate::UsageError) says why.
    pub fn send_request(
        &mut self,
        head: &OutgoingHead<'_>,
        body: BodyLength,
        out: &mut Vec<u8>,
    ) -> Result<SendBody, ProtocolError> {
        if !self.reusable() {
            return Err(UsageError::NotReady.into());
        }
        head.check_line()?;
        let start = out.len();
        let lines = encode::expected_octets(head.fields.len());
        out.reserve(lines + head.target.len());
        encode::write_request_line(head.method, head.target, head.version, out);
        let result = self.write_fields(head, body, out);
        if result.is_err() {
            out.truncate(start);
        }
        Ok(result?)
    }

    /// Writes the fields of a request and opens its exchange.
    fn write_fields(
        &mut self,
        head: &OutgoingHead<'_>,
        body: BodyLength,
        out: &mut Vec<u8>,
    ) -> Result<SendBody, UsageError> {
        head.write_host(out)?;
        let mut caller = head.fields.write(out)?;
        head.write_added(&mut caller, out)?;
        let framing = head.frame(&caller, body)?;
        let has_body = !matches!(framing, Framing::Empty | Framing::Length(0));
        // RFC 9110 §9.3.6 and §9.3.8: content of these has no meaning, and parsers differ about it.
        if has_body && matches!(*head.method, Method::CONNECT | Method::TRACE) {
            return Err(UsageError::BodyNotAllowed);
        }
        if !has_body {
            // RFC 9110 §10.1.1: nobody waits before content that does not come.
            let lines = caller.expectations.drain(..).rev();
            lines.for_each(|line| drop(out.drain(line)));
        }
        let is_old = head.version == Version::HTTP_10;
        if head.expect_continue && caller.expect.is_none() && has_body && !is_old {
            encode::write_field(b"Expect", CONTINUE, out);
            caller.expect = Some(true);
        }
        if !caller.chunked && caller.length.is_none() {
            encode::write_request_framing(framing, out);
        }
        out.extend_from_slice(b"\r\n");
        let options = caller.connection.unwrap_or_default();
        if options.close {
            self.core.persistence.close(CloseReason::CallerAsked);
        } else if is_old && !options.keep_alive {
            self.core.persistence.close(CloseReason::Http10);
        }
        self.core.sending = Sending::Body(BodyEncoder::new(framing));
        self.exchange = Some(Exchange {
            is_head: *head.method == Method::HEAD,
            is_connect: *head.method == Method::CONNECT,
            // RFC 9110 §7.8: a server ignores an Upgrade of HTTP/1.0.
            upgrade: caller.upgrade && options.upgrade && !is_old,
            is_old,
            expects_continue: caller.expect == Some(true) && has_body && !is_old,
            interim: 0,
        });
        match has_body {
            true => Ok(SendBody::Yes),
            false => Ok(SendBody::No),
        }
    }
}

/// The only item, if there is any.
fn sole<T>(items: &mut dyn Iterator<Item = T>) -> Result<Option<T>, UsageError> {
    match (items.next(), items.next()) {
        (_, Some(_)) => Err(UsageError::Host),
        (item, None) => Ok(item),
    }
}

/// Writes a line whose value nobody has judged yet.
fn write_judged(name: &[u8], value: &[u8], out: &mut Vec<u8>) -> Result<(), UsageError> {
    if let Some(&octet) = value.get(grammar::skip_value(value, 0)) {
        let name = Excerpt::new(name);
        return Err(UsageError::FieldValue { name, octet });
    }
    encode::write_field(name, value, out);
    Ok(())
}

/// Whether a request of this method usually has a body, so that having none is worth saying.
fn expects_body(method: &Method) -> bool {
    !matches!(
        *method,
        Method::GET
            | Method::HEAD
            | Method::DELETE
            | Method::OPTIONS
            | Method::TRACE
            | Method::CONNECT
    )
}

#[cfg(test)]
mod tests;
