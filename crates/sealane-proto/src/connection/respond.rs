//! Our moves as a server: interim and final responses, bodies, error replies.
//!
//! The second half of [`ServerConnection`]: everything that encodes. The order of a head is the
//! caller's fields, Date, Connection, and last the field that frames the body (RFC 9112 §6, §9.3,
//! §9.6; RFC 9110 §6.6.1, §15.2, §15.3.5, §15.4.5).

use http::header::{CONTENT_TYPE, DATE};
use http::{HeaderMap, StatusCode, Version};

use crate::body::BodyEncoder;
use crate::close::{CloseReason, InputEnd};
use crate::connection::half::Sending;
use crate::connection::joint::Persistence;
use crate::connection::server::{Exchange, Expectation, MethodKind, ServerConnection};
use crate::connection::timer::Moment;
use crate::error::{ProtocolError, UsageError};
use crate::event::SendBody;
use crate::framing::{BodyLength, Framing};
use crate::grammar;
use crate::head::encode::{self, CallerFields};

/// What the head of a response says beside the caller's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadOptions<'a> {
    /// The time now in the form of RFC 9110 §5.6.7, for the Date line (default: no such line).
    ///
    /// The caller's own Date goes before it.
    pub date: Option<&'a [u8; 29]>,
    /// Whether the lines Connection and Keep-Alive are written (default: yes).
    ///
    /// Without them the caller's own are left, as far as they hold, and an HTTP/1.1 connection
    /// persists all the same, unless it has to close. One of HTTP/1.0 closes, for its client waits
    /// for nothing that it was not told of (RFC 9112 §9.3). A 101 keeps its `connection: upgrade`.
    pub connection: bool,
    /// The reason phrase (default: the registered one of the status, `unknown` where there is
    /// none).
    ///
    /// HTAB, SP, visible octets and those above 0x7F may stand in it (RFC 9112 §4).
    pub reason: Option<&'a [u8]>,
}

impl Default for HeadOptions<'_> {
    fn default() -> Self {
        Self {
            date: None,
            connection: true,
            reason: None,
        }
    }
}

impl<'a> HeadOptions<'a> {
    /// The default, with a Date line.
    pub fn dated(date: &'a [u8; 29]) -> Self {
        Self {
            date: Some(date),
            ..Self::default()
        }
    }

    /// Judges the reason phrase: one with a line end in it would write fields of its own.
    fn check(&self) -> Result<(), UsageError> {
        let reason = self.reason.unwrap_or_default();
        match reason.iter().find(|&&octet| !grammar::is_value(octet)) {
            Some(&octet) => Err(UsageError::ReasonOctet(octet)),
            None => Ok(()),
        }
    }
}

impl ServerConnection {
    /// Sends a 100 (Continue), for which the client holds its body back (RFC 9110 §10.1.1).
    ///
    /// An error, and nothing sent, unless [`expects_continue`](Self::expects_continue): once the
    /// body has begun to come it would be of no use any more.
    pub fn send_continue(&mut self, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        self.exchange_before_head()?;
        if !self.expects_continue() {
            return Err(UsageError::ContinueUnwanted.into());
        }
        self.write_interim(StatusCode::CONTINUE, &HeaderMap::new(), out)
    }

    /// Sends an interim response: any 1xx but 101, which is final (RFC 9110 §15.2).
    ///
    /// Content-Length and Transfer-Encoding are left out, for an interim response has no body
    /// (RFC 9110 §8.6, RFC 9112 §6.1). So are Connection and Keep-Alive: what becomes of the
    /// connection is for the final response to say (RFC 9112 §9.6).
    pub fn send_interim(
        &mut self,
        status: StatusCode,
        fields: &HeaderMap,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        self.exchange_before_head()?;
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(UsageError::Status(status.as_u16()).into());
        }
        self.write_interim(status, fields, out)
    }

    /// Sends the head of the final response.
    ///
    /// On an error nothing has been written, and another response can be sent. What is added to,
    /// or left out of, the caller's fields:
    ///
    /// - Date, unless there is one, or `head` gives none.
    /// - One Connection line: the caller's other options, then `keep-alive` or `close`. His own
    ///   `close` closes the connection; his `keep-alive` keeps none that has to close. Beside
    ///   `keep-alive` stands his Keep-Alive, or else `keep-alive: timeout=N`, with
    ///   `max=M` where [`ServerRules::max_requests`](crate::ServerRules::max_requests) is set;
    ///   beside `close` none. `head` can leave both lines out.
    /// - Content-Length, or `transfer-encoding: chunked` for a body of unknown length. An HTTP/1.0
    ///   client gets such a body until the connection closes. The caller's own Content-Length, or
    ///   `transfer-encoding: chunked`, stands instead; contradictions are errors.
    /// - A response to HEAD and a 304 keep the caller's framing field, as if there were a body; one
    ///   that contradicts a body of known length, other than an empty one, is an error. Without it
    ///   HEAD gets the Content-Length of such a body. A 204, a 101 and a 2xx to CONNECT lose the
    ///   field (RFC 9110 §8.6, RFC 9112 §6.1), and the body with it.
    /// - A 205 gets `content-length: 0`. A body of known length, other than an empty one, and any
    ///   other Content-Length are errors (RFC 9110 §15.3.6).
    /// - A 101 gets the option `upgrade` in its one Connection line. It needs a request that asked
    ///   for an upgrade and is complete, and an Upgrade field, and may not say `close` without
    ///   `upgrade`. It and a 2xx to CONNECT make a tunnel, and lose the options `close` and
    ///   `keep-alive` and the field Keep-Alive: these speak of HTTP, which ends here.
    pub fn send_response(
        &mut self,
        status: StatusCode,
        fields: &HeaderMap,
        body: BodyLength,
        head: &HeadOptions<'_>,
        out: &mut Vec<u8>,
    ) -> Result<SendBody, ProtocolError> {
        head.check()?;
        let exchange = self.exchange_before_head()?;
        let is_connected = exchange.method == MethodKind::Connect && status.is_success();
        let start = out.len();
        out.reserve(encode::expected_octets(fields.len()));
        encode::write_status_line(status, head.reason, out);
        let result = if status == StatusCode::SWITCHING_PROTOCOLS || is_connected {
            self.write_tunnel_head(status, fields, body, head, out)
        } else if status.is_informational() {
            Err(UsageError::Status(status.as_u16()))
        } else {
            self.write_final_head(status, fields, body, head, out)
        };
        if result.is_err() {
            out.truncate(start);
        }
        Ok(result?)
    }

    /// Announces `octets` octets of the body: appends what must stand before them, and returns what
    /// must follow them.
    ///
    /// The caller appends the octets and that end himself, so that they need not be copied through
    /// here. 0 octets write nothing, and never end a body. On an error nothing has been written.
    pub fn send_data(
        &mut self,
        octets: usize,
        out: &mut Vec<u8>,
    ) -> Result<&'static [u8], ProtocolError> {
        if self.exchange.is_none() && !self.is_tunnel() {
            return Err(UsageError::NoExchange.into());
        }
        self.core.send_data(octets, out)
    }

    /// Ends the response, with a trailer section if its body is chunked.
    ///
    /// Must be called for every response, also for one without a body (whose trailers are dropped
    /// with the body). An error leaves everything as it was, but for one: a body that is shorter
    /// than its announced length closes the connection, for nothing else tells the client so.
    pub fn send_end(
        &mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
        now: Moment,
    ) -> Result<(), ProtocolError> {
        if self.exchange.is_none() && !self.is_tunnel() {
            return Err(UsageError::NoExchange.into());
        }
        let result = self.core.send_end(trailers, out);
        self.settle(now);
        result
    }

    /// Answers with an error and closes both halves; `false` if it is too late for an answer.
    ///
    /// It is too late once a final head has left, or the connection is closed. Also `false` for a
    /// status that is no error (neither 4xx nor 5xx). A response to HEAD gets no body.
    pub fn refuse(
        &mut self,
        status: StatusCode,
        body: &[u8],
        date: &[u8; 29],
        out: &mut Vec<u8>,
    ) -> bool {
        self.refuse_with(status, &HeaderMap::new(), body, date, out)
    }

    /// As [`refuse`](Self::refuse), with fields of the caller before all others.
    ///
    /// Not among them are those that frame the body, for it is framed by its octets, and Keep-Alive
    /// and the `keep-alive` of Connection, for the connection closes. His Date and Content-Type
    /// stand instead of ours.
    pub fn refuse_with(
        &mut self,
        status: StatusCode,
        fields: &HeaderMap,
        body: &[u8],
        date: &[u8; 29],
        out: &mut Vec<u8>,
    ) -> bool {
        let is_error = status.is_client_error() || status.is_server_error();
        if self.head_sent() || !is_error {
            return false;
        }
        let is_head = |exchange: &Exchange| exchange.method == MethodKind::Head;
        encode::write_status_line(status, None, out);
        for (name, value) in fields {
            if !DECIDED.contains(&name.as_str()) {
                encode::write_field(name.as_str().as_bytes(), value.as_bytes(), out);
            }
        }
        if !body.is_empty() && !fields.contains_key(CONTENT_TYPE) {
            encode::write_field(b"content-type", b"text/plain; charset=utf-8", out);
        }
        if !fields.contains_key(DATE) {
            encode::write_field(b"date", date, out);
        }
        encode::write_connection(fields, Some(b"close"), out);
        encode::write_framing(Framing::Length(body.len() as u64), out);
        out.extend_from_slice(b"\r\n");
        if !self.exchange.as_ref().is_some_and(is_head) {
            out.extend_from_slice(body);
        }
        self.close_refused();
        true
    }

    /// The exchange, if its final head can still be sent.
    fn exchange_before_head(&self) -> Result<&Exchange, UsageError> {
        match (&self.exchange, &self.core.sending) {
            (Some(exchange), Sending::Head) => Ok(exchange),
            (Some(_), _) => Err(UsageError::HeadSent),
            (None, _) => Err(UsageError::NoExchange),
        }
    }

    /// Writes an interim response.
    fn write_interim(
        &mut self,
        status: StatusCode,
        fields: &HeaderMap,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let exchange = self.exchange.as_mut().ok_or(UsageError::NoExchange)?;
        if exchange.version == Version::HTTP_10 {
            return Err(UsageError::InterimToHttp10.into());
        }
        let start = out.len();
        encode::write_status_line(status, None, out);
        if let Err(error) = CallerFields::write(fields, &HELD_BACK, out) {
            out.truncate(start);
            return Err(error.into());
        }
        out.extend_from_slice(b"\r\n");
        if status == StatusCode::CONTINUE && exchange.expectation != Expectation::Absent {
            exchange.expectation = Expectation::Met;
        }
        Ok(())
    }

    /// Writes the rest of the head of a 101, or of a 2xx to CONNECT, and leaves HTTP.
    fn write_tunnel_head(
        &mut self,
        status: StatusCode,
        fields: &HeaderMap,
        body: BodyLength,
        head: &HeadOptions<'_>,
        out: &mut Vec<u8>,
    ) -> Result<SendBody, UsageError> {
        self.check_no_body(body)?;
        let is_switch = status == StatusCode::SWITCHING_PROTOCOLS;
        if is_switch
            && !self
                .exchange
                .as_ref()
                .is_some_and(|exchange| exchange.upgrade)
        {
            return Err(UsageError::UpgradeUnwanted);
        }
        // RFC 9110 §7.8: the other protocol begins behind the request, and where that is must be
        // known.
        if self.receiving_body() {
            return Err(UsageError::RequestIncomplete);
        }
        let caller = CallerFields::write(fields, &HELD_BACK, out)?;
        let options = caller.connection.unwrap_or_default();
        if is_switch && !caller.upgrade {
            return Err(UsageError::UpgradeFieldMissing);
        }
        if is_switch && options.close && !options.upgrade {
            return Err(UsageError::SwitchAndClose);
        }
        write_date(&caller, head.date, out);
        let upgrade = is_switch.then_some(&b"upgrade"[..]);
        encode::write_connection(fields, upgrade, out);
        out.extend_from_slice(b"\r\n");
        self.enter_tunnel();
        Ok(SendBody::No)
    }

    /// Writes the rest of the head of a final response that stays within HTTP.
    fn write_final_head(
        &mut self,
        status: StatusCode,
        fields: &HeaderMap,
        body: BodyLength,
        head: &HeadOptions<'_>,
        out: &mut Vec<u8>,
    ) -> Result<SendBody, UsageError> {
        let caller = CallerFields::write(fields, &HELD_BACK, out)?;
        let (announced, sent) = self.frame_response(status, &caller, body)?;
        if let Some(why) = self.reason_to_close(&caller, sent, head) {
            self.core.persistence.close(why);
        }
        write_date(&caller, head.date, out);
        self.write_persistence(fields, &caller, head, out);
        encode::write_framing(announced, out);
        out.extend_from_slice(b"\r\n");
        self.core.sending = Sending::Body(BodyEncoder::new(sent));
        match sent {
            Framing::Empty | Framing::Length(0) => Ok(SendBody::No),
            _ => Ok(SendBody::Yes),
        }
    }

    /// Decides which framing the head announces, and which one the body really has.
    fn frame_response(
        &self,
        status: StatusCode,
        caller: &CallerFields,
        body: BodyLength,
    ) -> Result<(Framing, Framing), UsageError> {
        let is_head = self
            .exchange
            .as_ref()
            .is_some_and(|exchange| exchange.method == MethodKind::Head);
        match status {
            StatusCode::NO_CONTENT => {
                self.check_no_body(body)?;
                Ok((Framing::Empty, Framing::Empty))
            }
            // RFC 9110 §15.3.6: no content, which is to be said. Content that is given all the same
            // would vanish without a word.
            StatusCode::RESET_CONTENT => match (caller.length, body) {
                (None | Some(0), BodyLength::Known(0) | BodyLength::Unknown) => {
                    Ok((Framing::Length(0), Framing::Empty))
                }
                _ => Err(UsageError::BodyNotAllowed),
            },
            StatusCode::NOT_MODIFIED => {
                self.check_no_body(body)?;
                let announced = self.announce_unsent(caller, body)?;
                Ok((announced.unwrap_or(Framing::Empty), Framing::Empty))
            }
            _ if is_head => {
                self.check_no_body(body)?;
                // RFC 9110 §8.6: the length that a response to GET would have. That of an empty
                // body is not said: most likely it was left out because it is not sent.
                let implied = match body {
                    BodyLength::Known(octets) if octets > 0 => Framing::Length(octets),
                    _ => Framing::Empty,
                };
                let announced = self.announce_unsent(caller, body)?;
                Ok((announced.unwrap_or(implied), Framing::Empty))
            }
            _ => {
                let framing = caller.frame(body, self.peer_knows_chunks())?;
                Ok((framing, framing))
            }
        }
    }

    /// Judges a body given with a response that cannot have one.
    fn check_no_body(&self, body: BodyLength) -> Result<(), UsageError> {
        match body {
            BodyLength::Known(0) => Ok(()),
            _ if self.rules.reject_body_writes => Err(UsageError::BodyNotAllowed),
            _ => Ok(()),
        }
    }

    /// What the caller's own fields announce of a body that is not sent, if anything.
    ///
    /// They speak of the content that a GET would have got, but must not contradict a body that is
    /// there (RFC 9110 §8.6).
    fn announce_unsent(
        &self,
        caller: &CallerFields,
        body: BodyLength,
    ) -> Result<Option<Framing>, UsageError> {
        match (caller.chunked, caller.length, body) {
            (true, Some(_), _) => Err(UsageError::CodingAndLength),
            (false, Some(field), BodyLength::Known(body)) if body > 0 && body != field => {
                Err(UsageError::LengthContradicts { field, body })
            }
            (false, Some(octets), _) => Ok(Some(Framing::Length(octets))),
            (true, None, _) if self.peer_knows_chunks() => Ok(Some(Framing::Chunked)),
            (_, None, _) => Ok(None),
        }
    }

    /// Whether the client can read a chunked body (RFC 9112 §6.1).
    fn peer_knows_chunks(&self) -> bool {
        self.exchange
            .as_ref()
            .is_some_and(|exchange| exchange.version == Version::HTTP_11)
    }

    /// Why the connection has to close after the response that is about to leave, if it has to.
    fn reason_to_close(
        &self,
        caller: &CallerFields,
        sent: Framing,
        head: &HeadOptions<'_>,
    ) -> Option<CloseReason> {
        let exchange = self.exchange.as_ref()?;
        let options = caller.connection.unwrap_or_default();
        let told_to_keep = head.connection || options.keep_alive;
        let unmet = matches!(
            exchange.expectation,
            Expectation::Awaited | Expectation::Overtaken
        );
        if options.close {
            Some(CloseReason::CallerAsked)
        } else if self.is_last_request() {
            Some(CloseReason::RequestLimit)
        } else if exchange.version == Version::HTTP_10 && !told_to_keep {
            Some(CloseReason::Http10)
        } else if sent == Framing::UntilClose {
            Some(CloseReason::UntilClose)
        } else if unmet && self.receiving_body() {
            Some(CloseReason::ContinueUnsent)
        } else if exchange.method == MethodKind::Connect {
            // A client may send octets for the tunnel before it knows that there is none: read as
            // the next request, they would be one that somebody else has chosen.
            Some(CloseReason::ConnectRefused)
        } else if self.core.buffer.is_empty() {
            self.core.end.map(InputEnd::close_reason)
        } else {
            None
        }
    }

    /// Writes what the response says about the connection (RFC 9112 §9.3, §9.6).
    ///
    /// `keep-alive` is said to every client, although only those of HTTP/1.0 need it.
    fn write_persistence(
        &mut self,
        fields: &HeaderMap,
        caller: &CallerFields,
        head: &HeadOptions<'_>,
        out: &mut Vec<u8>,
    ) {
        let options = caller.connection.unwrap_or_default();
        if self.core.persistence != Persistence::Keep {
            let close = (head.connection || options.close).then_some(&b"close"[..]);
            return encode::write_connection(fields, close, out);
        }
        let keep = (head.connection || options.keep_alive).then_some(&b"keep-alive"[..]);
        encode::write_connection(fields, keep, out);
        if let Some(exchange) = &mut self.exchange {
            exchange.keep_alive = self.timeouts.keep_alive;
        }
        if caller.keep_alive {
            for value in fields.get_all(KEEP_ALIVE) {
                encode::write_field(KEEP_ALIVE.as_bytes(), value.as_bytes(), out);
            }
            return;
        }
        let length = self.timeouts.keep_alive.unwrap_or_default();
        if head.connection && length.as_secs() > 0 {
            out.extend_from_slice(b"keep-alive: timeout=");
            encode::write_decimal(length.as_secs(), out);
            if let Some(limit) = self.rules.max_requests {
                out.extend_from_slice(b", max=");
                encode::write_decimal(limit.get(), out);
            }
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Writes Date, unless the caller gave one (RFC 9110 §6.6.1).
fn write_date(caller: &CallerFields, date: Option<&[u8; 29]>, out: &mut Vec<u8>) {
    if let Some(date) = date
        && !caller.date
    {
        encode::write_field(b"date", date, out);
    }
}

/// The field that says how long a connection is kept.
const KEEP_ALIVE: &str = "keep-alive";
/// Fields of the caller that are written last, as far as they hold, or not at all.
const HELD_BACK: [&str; 2] = ["connection", KEEP_ALIVE];
/// Fields of the caller that an error reply decides itself.
const DECIDED: [&str; 4] = [
    "connection",
    KEEP_ALIVE,
    "content-length",
    "transfer-encoding",
];

#[cfg(test)]
mod tests;
