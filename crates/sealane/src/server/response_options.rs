//! What a handler can say of one response beside its head and body.

use bytes::Bytes;
use sealane_proto::HeadOptions;

use super::date::Date;
use crate::error::{Error, ErrorKind, Phase, Result};

/// Options of one response. Put them into its extensions:
///
/// ```
/// use http::Response;
/// use sealane::ResponseOptions;
///
/// # fn answer() -> sealane::Result<Response<&'static str>> {
/// let mut response = Response::new("tea");
/// let options = ResponseOptions::new().send_date(false).status_message("Short And Stout")?;
/// response.extensions_mut().insert(options);
/// # Ok(response)
/// # }
/// # answer().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseOptions {
    send_date: bool,
    send_connection: bool,
    status_message: Option<Bytes>,
}

impl ResponseOptions {
    /// The options of a response that has none: `Date` and `Connection` are sent, and the reason
    /// phrase is the registered one.
    pub fn new() -> Self {
        Self {
            send_date: true,
            send_connection: true,
            status_message: None,
        }
    }

    /// Whether a `Date` field is added where the handler has set none; default true (RFC 9110
    /// §6.6.1: an origin server with a clock sends it).
    #[must_use]
    pub fn send_date(mut self, wanted: bool) -> Self {
        self.send_date = wanted;
        self
    }

    /// Whether `Connection` and `Keep-Alive` are written; default true.
    ///
    /// Without them an HTTP/1.1 connection persists all the same, unless it has to close; one of
    /// HTTP/1.0 closes (RFC 9112 §9.3).
    #[must_use]
    pub fn send_connection(mut self, wanted: bool) -> Self {
        self.send_connection = wanted;
        self
    }

    /// The reason phrase behind the status code; default the registered one, `unknown` where there
    /// is none. Clients ignore it (RFC 9112 §4).
    ///
    /// # Errors
    ///
    /// It has a line end or another control character in it (`ERR_INVALID_CHAR`).
    pub fn status_message(mut self, phrase: impl Into<String>) -> Result<Self> {
        let phrase = phrase.into();
        if let Some(wrong) = phrase.chars().find(|c| c.is_ascii_control() && *c != '\t') {
            let text = format!("invalid character {wrong:?} in status message");
            let error = Error::new(ErrorKind::Protocol, Phase::SendHead, text);
            return Err(error.with_code("ERR_INVALID_CHAR"));
        }
        self.status_message = Some(phrase.into());
        Ok(self)
    }

    /// The same in the words of the protocol.
    pub(super) fn of_head<'a>(&'a self, date: &'a Date) -> HeadOptions<'a> {
        HeadOptions {
            date: self.send_date.then_some(date),
            connection: self.send_connection,
            reason: self.status_message.as_deref(),
        }
    }
}

impl Default for ResponseOptions {
    fn default() -> Self {
        Self::new()
    }
}
