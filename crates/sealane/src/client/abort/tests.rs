//! Who hears of an abort, when, and who is forgotten.

use std::error::Error as _;
use std::future::pending;
use std::task::{Context, Waker};
use std::time::Duration;

use super::{AbortController, AbortSignal, unless_aborted};
use crate::error::{ErrorKind, Phase, Result};

#[tokio::test]
async fn all_who_wait_hear_of_an_abort() {
    let controller = AbortController::new();
    let signals = [controller.signal(), controller.signal()];
    let waiting = signals.map(|signal| tokio::spawn(async move { signal.aborted().await }));
    tokio::task::yield_now().await;
    assert!(!controller.signal().is_aborted());
    controller.abort();
    controller.abort();
    for task in waiting {
        task.await.expect("woken");
    }
    assert!(controller.signal().is_aborted());
    controller.signal().aborted().await;
}

#[test]
fn a_signal_remembers_nobody_who_has_gone() {
    let signal = AbortSignal::default();
    let mut context = Context::from_waker(Waker::noop());
    let (mut one, mut other) = (signal.watch(), signal.watch());
    for _ in 0..3 {
        assert!(one.poll(&mut context).is_pending());
        assert!(other.poll(&mut context).is_pending());
    }
    assert_eq!(signal.shared.waiting().wakers.len(), 2);
    drop(one);
    assert_eq!(signal.shared.waiting().wakers.len(), 1);
    drop(other);
    assert!(signal.shared.waiting().wakers.is_empty());
}

#[test]
fn a_signal_that_has_been_aborted_remembers_nobody() {
    let signal = AbortSignal::abort();
    let mut watching = signal.watch();
    let mut context = Context::from_waker(Waker::noop());
    assert!(watching.poll(&mut context).is_ready());
    assert!(signal.shared.waiting().wakers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_limit_counts_from_when_its_signal_was_made() {
    let signal = AbortSignal::timeout(Duration::from_secs(3));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = tokio::time::Instant::now();
    let outcome: Result<()> = unless_aborted(Some(&signal), pending()).await;
    let error = outcome.expect_err("aborted");
    assert_eq!(begun.elapsed().as_secs(), 1);
    assert_eq!(error.code(), Some("ABORT_ERR"));
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::Timeout, Phase::Connect)
    );
    assert!(error.replay_safe());
    assert!(error.to_string().contains("3s"), "{error}");
}

#[test]
fn a_limit_beyond_all_time_never_aborts() {
    assert!(!AbortSignal::timeout(Duration::MAX).is_aborted());
}

#[test]
fn the_first_reason_is_the_source_of_every_error() {
    let controller = AbortController::new();
    controller.abort_with("the user went away");
    controller.abort_with("too late");
    for _ in 0..2 {
        let error = controller.signal().error(Phase::ReceiveHead, " here");
        assert_eq!(error.kind(), ErrorKind::Aborted);
        assert_eq!(error.to_string(), "the request was aborted here");
        let source = error.source().expect("the reason");
        assert_eq!(source.to_string(), "the user went away");
    }
}
