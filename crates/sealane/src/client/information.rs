//! Information: interim responses, told as they come (RFC 9110 §15.2).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::{HeaderMap, StatusCode, Version};
use sealane_proto::ResponseHead;

use crate::info::RawFields;

/// An interim response: any 1xx but 101, 100 (Continue) included.
///
/// The final response follows. At most 100 of them are taken for one request; more fail it.
#[derive(Debug)]
pub struct Information {
    status: StatusCode,
    version: Version,
    fields: HeaderMap,
    raw: RawFields,
}

impl Information {
    pub(super) fn new(head: ResponseHead) -> Self {
        Self {
            status: head.status,
            version: head.version,
            fields: head.fields,
            raw: RawFields::new(head.raw),
        }
    }

    /// The status code, such as 100 or 103.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// HTTP/1.1, as a rule.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The reason phrase as it came, possibly empty; it has no meaning (RFC 9112 §4).
    pub fn reason_phrase(&self) -> &[u8] {
        self.raw.reason_phrase()
    }

    /// The fields by name; `Link` of a 103 (RFC 8297), for instance.
    pub fn headers(&self) -> &HeaderMap {
        &self.fields
    }

    /// Status line and field lines exactly as they came.
    pub fn raw(&self) -> &RawFields {
        &self.raw
    }
}

/// Who is told of interim responses.
#[derive(Clone)]
pub(super) struct InformationTarget(Arc<dyn Fn(&Information) + Send + Sync>);

impl InformationTarget {
    pub(super) fn new(told: impl Fn(&Information) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    /// Tells of one; a panic there ends nothing but its notice.
    pub(super) fn tell(&self, information: &Information) {
        if catch_unwind(AssertUnwindSafe(|| (self.0)(information))).is_err() {
            tracing::error!("whoever was told of an interim response panicked");
        }
    }
}

impl fmt::Debug for InformationTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InformationTarget")
    }
}
