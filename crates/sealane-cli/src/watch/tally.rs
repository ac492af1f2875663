//! What came to nothing, counted by class.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sealane::{Accepted, Deadline, DropReason, Event, Proxied};

#[cfg(test)]
mod tests;

/// Counts of one server.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<BTreeMap<(Kind, &'static str), u64>>);

/// Kinds of what comes to nothing, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Handshake,
    Dropped,
    Late,
    Unserved,
    Failed,
}

/// Each kind in words, before its number.
const KINDS: [(Kind, &str); 5] = [
    (Kind::Handshake, "handshakes that failed"),
    (Kind::Dropped, "connections turned away"),
    (Kind::Late, "clients that were too slow"),
    (
        Kind::Unserved,
        "requests beyond the last of their connection",
    ),
    (Kind::Failed, "responses that failed"),
];

impl Tally {
    /// Counts what happened; false when it is nothing to count.
    pub(super) fn count(&self, event: &Event<'_>) -> bool {
        let Some((kind, class)) = kind(event) else {
            return false;
        };
        self.add(kind, class);
        true
    }

    fn add(&self, kind: Kind, class: &'static str) {
        *self.lock().entry((kind, class)).or_default() += 1;
    }

    /// One line for each kind of which there was something, the most frequent class first.
    pub(super) fn lines(&self) -> Vec<String> {
        let counts = self.lock();
        let mut lines = Vec::new();
        for (kind, words) in KINDS {
            let mut classes: Vec<_> = counts
                .iter()
                .filter(|((of, _), _)| *of == kind)
                .map(|((_, class), count)| (*class, *count))
                .collect();
            classes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let all: u64 = classes.iter().map(|(_, count)| count).sum();
            if all == 0 {
                continue;
            }
            let classes: Vec<_> = classes
                .iter()
                .filter(|(class, _)| !class.is_empty())
                .map(|(class, count)| format!("{class} {count}"))
                .collect();
            let mut line = format!("{words}: {all}");
            if !classes.is_empty() {
                let _ = write!(line, " ({})", classes.join(", "));
            }
            lines.push(line);
        }
        lines
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Kind, &'static str), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kind and class of what came to nothing; `None` for all that goes its way.
fn kind(event: &Event<'_>) -> Option<(Kind, &'static str)> {
    Some(match event {
        Event::TlsClientError(failed) => (Kind::Handshake, failed.class().name()),
        Event::Drop(dropped) => (Kind::Dropped, reason(dropped.reason())),
        Event::DropRequest(_) => (Kind::Unserved, ""),
        Event::HandlerError(failed) if failed.is_answered() => (Kind::Failed, "answered-500"),
        Event::HandlerError(_) => (Kind::Failed, "cut-short"),
        Event::Timeout(late) => match deadline(late.deadline()) {
            // A handshake that is late is a failed one, and told as such; a connection that has
            // rested long enough has done nothing wrong.
            "handshake" | "keep-alive" => return None,
            name => (Kind::Late, name),
        },
        _ => return None,
    })
}

/// One line that tells what was counted, for `--verbose`. It has text of the peer in it.
pub(super) fn described(event: &Event<'_>) -> String {
    match event {
        Event::TlsClientError(failed) => format!(
            "{}: handshake failed ({}): {}",
            of(failed.accepted()),
            failed.class().name(),
            failed.error()
        ),
        Event::Drop(dropped) => format!(
            "{}: turned away ({})",
            of(dropped.accepted()),
            reason(dropped.reason())
        ),
        Event::DropRequest(request) => format!(
            "{}: one request too many for its connection was not served",
            of(request.info().accepted())
        ),
        Event::Timeout(late) => format!(
            "{}: too slow ({})",
            of(late.accepted()),
            deadline(late.deadline())
        ),
        Event::HandlerError(failed) => {
            let became = if failed.is_answered() {
                "answered 500"
            } else {
                "cut short"
            };
            let who = of(failed.info().accepted());
            format!("{who}: response failed ({became}): {}", failed.error())
        }
        other => format!("{other:?}"),
    }
}

/// A connection in a line: its number, its peer, and whom that speaks for.
fn of(accepted: &Accepted) -> String {
    let mut who = format!("#{}", accepted.id());
    if let Some(address) = accepted.remote_addr() {
        let _ = write!(who, " {address}");
    }
    if let Some(source) = accepted.proxied().and_then(Proxied::source) {
        let _ = write!(who, " for {source}");
    }
    who
}

/// The name of a reason.
fn reason(reason: DropReason) -> &'static str {
    match reason {
        DropReason::MaxConnections => "max-connections",
        DropReason::MaxConnectionsPerAddress => "max-connections-per-address",
        DropReason::Blocked => "blocked",
        DropReason::ProxyProtocol => "proxy-protocol",
        DropReason::Overload => "overload",
        _ => "other",
    }
}

/// The name of a limit, as its flag has it.
fn deadline(deadline: Deadline) -> &'static str {
    match deadline {
        Deadline::Handshake => "handshake",
        Deadline::Headers => "headers",
        Deadline::Request => "request",
        Deadline::KeepAlive => "keep-alive",
        Deadline::Inactivity => "inactivity",
        Deadline::BodyRate => "min-body-rate",
        Deadline::Write => "write",
        _ => "other",
    }
}
