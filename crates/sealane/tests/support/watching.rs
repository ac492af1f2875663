//! An observer that keeps what it is told, in words.

use std::sync::{Arc, Mutex};

use sealane::{Event, Observer};

/// Notices of exchanges, in the order they came; clone it into the server's options.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Vec<String>>>);

impl Watch {
    /// What was told so far.
    pub fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Whether this was told.
    pub fn has(&self, notice: &str) -> bool {
        self.told().iter().any(|told| told == notice)
    }
}

impl Observer for Watch {
    fn observe(&self, event: &Event<'_>) {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let told = match event {
            Event::Request(request) => {
                format!("request {} {}", request.method(), text(request.target()))
            }
            Event::Finish(finished) => format!(
                "finish {} {} {} {}",
                text(finished.request().target()),
                finished.status().map_or(0, |status| status.as_u16()),
                finished.body_octets(),
                if finished.is_complete() {
                    "whole"
                } else {
                    "cut"
                },
            ),
            Event::DropRequest(request) => format!("dropped {}", text(request.target())),
            Event::HandlerError(failure) => {
                let ours = failure.error().downcast_ref::<sealane::Error>();
                let code = ours.and_then(sealane::Error::code).unwrap_or("no code");
                let answered = if failure.is_answered() { "500" } else { "cut" };
                format!("failed {code} {answered}")
            }
            Event::ClientError(fault) => format!(
                "fault {} {} {}",
                fault.error().code().unwrap_or("no code"),
                fault.status().map_or(0, |status| status.as_u16()),
                if fault.is_in_request() {
                    "in a request"
                } else {
                    "before one"
                },
            ),
            _ => return,
        };
        self.0.lock().unwrap().push(told);
    }
}
