//! What a handler can say and learn beside its response: interim responses, a time limit, the end.
//!
//! A [`Responder`] stands in a request and may go to any task. What it says waits in a cell that it
//! shares with its connection until the connection's next turn. RFC 9110 §15.2 (interim responses),
//! RFC 8297 (early hints), RFC 2518 §10.1 (102).

use std::collections::VecDeque;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Phase, Result};
use crate::wheel::Link;

mod link_value;

use link_value::joined;

/// Says things to a client before its response, and tells how the exchange ended.
///
/// Take it out of a request with [`Responder::of`] and clone it into any task. It speaks for its
/// own exchange only: once the response's head is there, it can say nothing more.
///
/// ```
/// use http::{HeaderMap, Request, Response};
/// use sealane::{Body, Responder};
///
/// async fn page(request: Request<Body>) -> sealane::Result<Response<&'static str>> {
///     if let Some(responder) = Responder::of(&request) {
///         let hints = ["</style.css>; rel=preload; as=style"];
///         responder.write_early_hints(hints, &HeaderMap::new())?;
///     }
///     Ok(Response::new("<!doctype html> ..."))
/// }
/// # drop(page(Request::new(Body::empty())));
/// ```
#[derive(Clone)]
pub struct Responder {
    line: Arc<Line>,
    /// Which exchange of its connection it speaks for.
    exchange: u64,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// The whole response was handed to the system: the handler's, or the 500 or 408 that took its
    /// place. That is no proof that the client has got it.
    Finished,
    /// The connection ended before that: the client went away, the body of the response failed, or
    /// a limit passed when it was too late for another response.
    Cut,
}

impl Responder {
    /// Says `100 Continue` now, instead of when the request's body is first read.
    ///
    /// Nothing is sent when the client does not wait for it (RFC 9110 §10.1.1).
    ///
    /// # Errors
    ///
    /// As [`write_interim`](Self::write_interim).
    pub fn write_continue(&self) -> Result<()> {
        self.say(StatusCode::CONTINUE, HeaderMap::new())
    }

    /// Says `102 Processing`: the response will take a while.
    ///
    /// # Errors
    ///
    /// As [`write_interim`](Self::write_interim).
    pub fn write_processing(&self) -> Result<()> {
        self.say(StatusCode::PROCESSING, HeaderMap::new())
    }

    /// Says `103 Early Hints`: what the response will want the client to load (RFC 8297).
    ///
    /// Each link has the form `<uri>; name=value; ...` (RFC 8288 §3). They are sent as one `Link`
    /// field, behind it the other `fields`. Without any link nothing is sent.
    ///
    /// # Errors
    ///
    /// A link has another form (`ERR_INVALID_ARG_VALUE`); else as
    /// [`write_interim`](Self::write_interim).
    pub fn write_early_hints<'a>(
        &self,
        links: impl IntoIterator<Item = &'a str>,
        fields: &HeaderMap,
    ) -> Result<()> {
        let Some(links) = joined(links)? else {
            return Ok(());
        };
        let links = HeaderValue::from_str(&links)?;
        let mut all = HeaderMap::new();
        all.append(header::LINK, links);
        // Appended, for `extend` would replace the links by a Link of the caller's.
        for (name, value) in fields {
            all.try_append(name, value.clone())
                .map_err(|_| refused("an interim response has too many fields"))?;
        }
        self.say(StatusCode::EARLY_HINTS, all)
    }

    /// Says an interim response: any status 1xx but 101, which is final (RFC 9110 §15.2).
    ///
    /// It is on its way with the connection's next turn; this does not wait. Fields that speak of
    /// framing or of the connection are left out. An HTTP/1.0 client gets none, without an error:
    /// it could not read them.
    ///
    /// # Errors
    ///
    /// The status is another one (`ERR_HTTP_INVALID_STATUS_CODE`), the head of the response is
    /// there already (`ERR_HTTP_HEADERS_SENT`), the connection is gone (`ECONNRESET`), or 64 of
    /// them wait for a client that does not read.
    pub fn write_interim(&self, status: StatusCode, fields: &HeaderMap) -> Result<()> {
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            let text = format!(
                "status {} is not that of an interim response",
                status.as_u16()
            );
            return Err(refused(text).with_code("ERR_HTTP_INVALID_STATUS_CODE"));
        }
        self.say(status, fields.clone())
    }

    /// Sets how long this exchange may go on without an octet received or sent, in place of the
    /// server's `timeout`; `None` and zero are without limit. A later call replaces an earlier
    /// one.
    ///
    /// It holds until the response has left. Does nothing for an exchange that is over.
    pub fn set_timeout(&self, limit: impl Into<Option<Duration>>) {
        let mut state = self.line.lock();
        if state.has_ended(self.exchange).is_some() {
            return;
        }
        let limit = limit.into().filter(|limit| !limit.is_zero());
        state.limit = Some((self.exchange, limit));
        drop(state);
        self.line.limited.store(true, Ordering::Release);
        self.line.link.wake();
    }

    /// Whether the head of the response has been made: no interim response can be said any more.
    pub fn headers_sent(&self) -> bool {
        self.line.lock().heads > self.exchange
    }

    /// Waits until the exchange is over, and says how it ended.
    ///
    /// A task that a handler has started learns so that nobody waits for it any more; the handler
    /// itself is dropped when its client goes away. Dropping the future changes nothing.
    ///
    /// A lost client is noticed while its octets are read. They are not while more of the request's
    /// body, or a next request, waits than somebody has taken: then it is noticed when that has
    /// been taken, when something is sent, or when a time limit passes.
    pub async fn ended(&self) -> Ended {
        loop {
            let mut told = pin!(self.line.ended.notified());
            // Registered before the look, so that an end right after it is not missed.
            told.as_mut().enable();
            if let Some(ended) = self.line.lock().has_ended(self.exchange) {
                return ended;
            }
            told.await;
        }
    }

    fn say(&self, status: StatusCode, mut fields: HeaderMap) -> Result<()> {
        // Here, so that one which no final response could have does not cost the whole response.
        for name in LEFT_OUT {
            fields.remove(name);
        }
        let mut state = self.line.lock();
        if state.heads > self.exchange {
            let text = "the head of the response is there already: no interim response can follow";
            return Err(refused(text).with_code("ERR_HTTP_HEADERS_SENT"));
        }
        if state.gone {
            let text = "the connection ended before the response";
            let error = Error::new(ErrorKind::Closed, Phase::SendHead, text);
            return Err(error.with_code("ECONNRESET"));
        }
        if state.words.len() >= MOST_WORDS {
            return Err(refused(format!(
                "{MOST_WORDS} interim responses wait for a client that does not read"
            )));
        }
        state.words.push_back(Word {
            exchange: self.exchange,
            status,
            fields,
        });
        drop(state);
        self.line.tell();
        Ok(())
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder")
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}

/// An interim response that waits for its connection.
#[derive(Debug)]
pub(crate) struct Word {
    exchange: u64,
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
}

/// What a connection shares with the responders of all its exchanges.
///
/// Exchanges are counted from 0. They end in their order, so three numbers tell the state of all.
#[derive(Debug)]
struct Line {
    link: Arc<Link>,
    /// Words wait in `state`. A hint that spares the connection the lock in most turns.
    news: AtomicBool,
    /// A limit has been set at some time: the same.
    limited: AtomicBool,
    state: Mutex<State>,
    /// Told when an exchange ends.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Exchanges whose final head has been made.
    heads: u64,
    /// Exchanges whose response has left.
    left: u64,
    /// The connection is gone.
    gone: bool,
    words: VecDeque<Word>,
    /// The limit that was set last, and for which exchange.
    limit: Option<(u64, Option<Duration>)>,
}

impl State {
    fn has_ended(&self, exchange: u64) -> Option<Ended> {
        if exchange < self.left {
            return Some(Ended::Finished);
        }
        self.gone.then_some(Ended::Cut)
    }

    /// Takes the words for an exchange; those of others came too late.
    fn take_words(&mut self, exchange: u64) -> VecDeque<Word> {
        let mut words = std::mem::take(&mut self.words);
        words.retain(|word| word.exchange == exchange);
        words
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the connection to take what waits.
    fn tell(&self) {
        self.news.store(true, Ordering::Release);
        self.link.wake();
    }
}

/// A connection's end of its line to responders; dropping it says that the connection is gone.
#[derive(Debug)]
pub(crate) struct Speaker {
    line: Arc<Line>,
}

impl Speaker {
    pub(crate) fn new(link: &Arc<Link>) -> Self {
        Self {
            line: Arc::new(Line {
                link: Arc::clone(link),
                news: AtomicBool::new(false),
                limited: AtomicBool::new(false),
                state: Mutex::default(),
                ended: Notify::new(),
            }),
        }
    }

    /// The responder of an exchange.
    pub(crate) fn responder(&self, exchange: u64) -> Responder {
        Responder {
            line: Arc::clone(&self.line),
            exchange,
        }
    }

    /// What has been said for an exchange since the last look.
    pub(crate) fn take_words(&self, exchange: u64) -> VecDeque<Word> {
        if !self.line.news.load(Ordering::Acquire) {
            return VecDeque::new();
        }
        self.line.news.store(false, Ordering::Release);
        self.line.lock().take_words(exchange)
    }

    /// The limit on silence set for an exchange, if one has been.
    #[expect(clippy::option_option, reason = "no limit set, and a limit of none")]
    pub(crate) fn limit(&self, exchange: u64) -> Option<Option<Duration>> {
        if !self.line.limited.load(Ordering::Acquire) {
            return None;
        }
        let limit = self.line.lock().limit;
        limit
            .filter(|(whose, _)| *whose == exchange)
            .map(|(_, limit)| limit)
    }

    /// Takes the last words before the final head of an exchange; none can follow.
    pub(crate) fn close_head(&self, exchange: u64) -> VecDeque<Word> {
        let mut state = self.line.lock();
        state.heads = exchange + 1;
        state.take_words(exchange)
    }

    /// Says that the responses of all exchanges before `exchange` have left.
    pub(crate) fn end_before(&self, exchange: u64) {
        let mut state = self.line.lock();
        state.left = exchange;
        // The next exchange may have set its own before the end of this one.
        state.limit = state.limit.filter(|(whose, _)| *whose >= exchange);
        drop(state);
        self.line.ended.notify_waiters();
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        let mut state = self.line.lock();
        state.gone = true;
        state.words = VecDeque::new();
        drop(state);
        self.line.ended.notify_waiters();
    }
}

fn refused(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, Phase::SendHead, text)
}

/// What an interim response does not say: it has no body, and the connection's future is for the
/// final response to tell (RFC 9110 §8.6, RFC 9112 §6.1, §9.6).
const LEFT_OUT: [&str; 4] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
];

/// How many interim responses wait at most. A handler says a handful; one in a loop, to a client
/// that does not read, must not fill the memory.
const MOST_WORDS: usize = 64;

#[cfg(test)]
mod tests;
