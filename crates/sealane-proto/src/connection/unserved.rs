//! What a client has sent that is not served: octets that are no request, and requests behind the
//! last one.
//!
//! Neither is answered from here: the one is refused, the other ignored (RFC 9112 §9.6). Both are
//! for whoever wants to know.

use crate::close::CloseReason;
use crate::connection::half::Receiving;
use crate::connection::server::ServerConnection;
use crate::event::Rejected;
use crate::framing::Framing;
use crate::head::{HeadScanner, RequestHead};
use crate::start_line::RequestLine;

impl ServerConnection {
    /// Takes the octets at which reading stopped with an error; `None` after that, and always
    /// unless [`ServerRules::keep_rejected`](crate::ServerRules::keep_rejected) is set.
    pub fn take_rejected(&mut self) -> Option<Rejected> {
        self.rejected.take().map(|rejected| *rejected)
    }

    /// Takes the next request that stood behind the last one this connection may bring; `None`
    /// when there is no further complete head.
    ///
    /// Such a request is neither served nor answered: the response before it has said `close`, and
    /// what comes behind that is to be ignored (RFC 9112 §9.6). Its client can tell, and sends it
    /// again. Only what came before that response is there, and nothing behind a chunked request.
    pub fn take_dropped_request(&mut self) -> Option<RequestHead> {
        let Receiving::Closed(CloseReason::RequestLimit) = self.core.receiving else {
            return None;
        };
        while let Some(octets) = self.blank_line(0) {
            self.core.buffer.consume(octets);
        }
        let buffer = &mut self.core.buffer;
        let (limits, lenient) = (&self.rules.limits, self.rules.lenient);
        let scanned = HeadScanner::<RequestLine>::default().scan(buffer, limits, lenient);
        let scanned = scanned.ok().flatten();
        let head = scanned.and_then(|scanned| scanned.build(self.rules.require_host).ok());
        match head.as_ref().map(|head| head.framing) {
            Some(Framing::Empty) => {}
            Some(Framing::Length(octets)) => {
                buffer.consume(usize::try_from(octets).unwrap_or(usize::MAX));
            }
            Some(Framing::Chunked | Framing::UntilClose) | None => buffer.clear(),
        }
        head
    }
}

#[cfg(test)]
mod tests;
