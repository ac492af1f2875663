//! An observer that writes down what it is told, one line for each notice.

use std::sync::{Arc, Mutex};

use sealane::{Event, Observer};

use super::until;

/// What was told so far.
#[derive(Clone, Default)]
pub struct Notices {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Observer for Notices {
    fn observe(&self, event: &Event<'_>) {
        self.lines.lock().unwrap().push(line(event));
    }
}

impl Notices {
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// How many lines begin with these words.
    pub fn count(&self, words: &str) -> usize {
        let lines = self.lines();
        lines.iter().filter(|line| line.starts_with(words)).count()
    }

    /// Waits until so many lines begin with these words, and gives the last of them.
    #[track_caller]
    pub fn after(&self, count: usize, words: &str) -> impl Future<Output = String> {
        let (notices, words) = (self.clone(), words.to_owned());
        let there = until({
            let (notices, words) = (notices.clone(), words.clone());
            move || notices.count(&words) >= count
        });
        async move {
            there.await;
            let lines = notices.lines();
            let last = lines.iter().rfind(|line| line.starts_with(&words));
            last.unwrap().clone()
        }
    }
}

fn line(event: &Event<'_>) -> String {
    match event {
        Event::Connection(accepted) => match accepted.remote_addr() {
            Some(remote) => format!("connection {remote}"),
            None => "connection".to_owned(),
        },
        Event::SecureConnection(info) => format!("secure {}", info.tls().protocol()),
        Event::TlsClientError(failed) => format!(
            "tls-client-error {} {}: {}",
            failed.class().name(),
            failed.error().code().unwrap_or("-"),
            failed.error()
        ),
        Event::Timeout(late) => format!("timeout {:?}", late.deadline()),
        Event::Drop(dropped) => {
            let accepted = dropped.accepted();
            let (local, remote) = (accepted.local_addr(), accepted.remote_addr());
            format!("drop {:?} {local:?} {remote:?}", dropped.reason())
        }
        Event::Close(closed) => format!("close {}", closed.requests()),
        other => format!("{other:?}"),
    }
}
