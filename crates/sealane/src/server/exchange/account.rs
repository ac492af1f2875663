//! One exchange as observers will hear of it; kept only where somebody wants to.

use std::sync::Arc;
use std::time::Instant;

use http::{Method, StatusCode, Version};
use sealane_proto::RequestHead;

use crate::event::{Event, Finished, RequestNotice};
use crate::info::{ConnectionInfo, RawFields};
use crate::server::options::Rules;

/// What is remembered of an exchange for its notices.
///
/// Dropped, it tells that the exchange is over; so the end is told once, whatever brings it.
pub(super) struct Account {
    rules: Arc<Rules>,
    info: ConnectionInfo,
    raw: RawFields,
    method: Method,
    version: Version,
    began: Instant,
    /// The status that was answered, once it is known.
    pub(super) status: Option<StatusCode>,
    /// Octets of content given to the connection.
    pub(super) octets: u64,
    /// The response has left whole.
    pub(super) complete: bool,
}

impl Account {
    /// Opens the account of a request and tells that it has come; `None` when nobody
    /// wants to hear of exchanges.
    pub(super) fn open(
        rules: &Arc<Rules>,
        info: &ConnectionInfo,
        head: &RequestHead,
    ) -> Option<Box<Self>> {
        if !rules.observers.want_exchanges() {
            return None;
        }
        let account = Box::new(Self {
            rules: Arc::clone(rules),
            info: info.clone(),
            raw: RawFields::new(head.raw.clone()),
            method: head.method.clone(),
            version: head.version,
            began: Instant::now(),
            status: None,
            octets: 0,
            complete: false,
        });
        rules.observers.tell(Event::Request(&account.notice()));
        Some(account)
    }

    fn notice(&self) -> RequestNotice<'_> {
        RequestNotice {
            info: &self.info,
            method: &self.method,
            target: self.raw.target(),
            version: self.version,
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let finished = Finished {
            request: self.notice(),
            status: self.status,
            body_octets: self.octets,
            duration: self.began.elapsed(),
            complete: self.complete,
        };
        self.rules.observers.tell(Event::Finish(&finished));
    }
}
