//! Does a responder speak for its own exchange only, and not more than it may?

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::link_value::joined;
use super::{Ended, MOST_WORDS, Responder, Speaker};
use crate::wheel::Link;

fn speaker() -> Speaker {
    Speaker::new(&Link::new())
}

fn code(outcome: crate::Result<()>) -> Option<&'static str> {
    outcome.unwrap_err().code()
}

#[test]
fn words_wait_for_the_connection_and_come_in_order() {
    let speaker = speaker();
    let responder = speaker.responder(0);
    assert!(speaker.take_words(0).is_empty());
    responder.write_continue().unwrap();
    responder.write_processing().unwrap();
    let words = speaker.take_words(0);
    let statuses: Vec<_> = words.iter().map(|word| word.status.as_u16()).collect();
    assert_eq!(statuses, [100, 102]);
    assert!(speaker.take_words(0).is_empty(), "taken once");
}

#[test]
fn nothing_is_said_behind_the_final_head() {
    let speaker = speaker();
    let responder = speaker.responder(0);
    responder.write_processing().unwrap();
    assert!(!responder.headers_sent());
    assert_eq!(speaker.close_head(0).len(), 1, "what came in time is sent");
    assert!(responder.headers_sent());
    assert_eq!(
        code(responder.write_processing()),
        Some("ERR_HTTP_HEADERS_SENT")
    );
    assert!(!speaker.responder(1).headers_sent());
}

#[test]
fn a_stale_responder_does_nothing_to_the_next_exchange() {
    let speaker = speaker();
    let stale = speaker.responder(0);
    speaker.close_head(0);
    speaker.end_before(1);
    stale.set_timeout(Duration::from_secs(1));
    assert_eq!(code(stale.write_continue()), Some("ERR_HTTP_HEADERS_SENT"));
    assert!(speaker.take_words(1).is_empty());
    assert_eq!((speaker.limit(0), speaker.limit(1)), (None, None));
}

#[test]
fn a_limit_is_for_its_exchange() {
    let speaker = speaker();
    assert_eq!(speaker.limit(0), None);
    let limit = Duration::from_secs(7);
    speaker.responder(0).set_timeout(limit);
    assert_eq!(speaker.limit(0), Some(Some(limit)));
    assert_eq!(speaker.limit(1), None);
    speaker.responder(0).set_timeout(None);
    assert_eq!(speaker.limit(0), Some(None));
    // The next exchange may begin before the response of this one has left.
    speaker.responder(1).set_timeout(limit);
    speaker.end_before(1);
    assert_eq!(
        (speaker.limit(0), speaker.limit(1)),
        (None, Some(Some(limit)))
    );
    speaker.end_before(2);
    assert_eq!(speaker.limit(1), None, "it ends with its exchange");
}

#[test]
fn only_so_many_words_wait() {
    let speaker = speaker();
    let responder = speaker.responder(0);
    for _ in 0..MOST_WORDS {
        responder.write_processing().unwrap();
    }
    let error = responder.write_processing().unwrap_err();
    assert!(error.to_string().contains("does not read"), "{error}");
    assert_eq!(speaker.take_words(0).len(), MOST_WORDS);
    responder.write_processing().unwrap();
}

#[test]
fn only_interim_statuses_are_interim() {
    let speaker = speaker();
    let responder = speaker.responder(0);
    for status in [StatusCode::SWITCHING_PROTOCOLS, StatusCode::OK] {
        let outcome = responder.write_interim(status, &HeaderMap::new());
        assert_eq!(code(outcome), Some("ERR_HTTP_INVALID_STATUS_CODE"));
    }
}

#[tokio::test]
async fn an_end_is_told_to_all_who_wait_and_to_those_who_ask_later() {
    let speaker = speaker();
    let responders: Vec<Responder> = (0..3).map(|number| speaker.responder(number)).collect();
    let waiting: Vec<_> = responders
        .iter()
        .cloned()
        .map(|responder| tokio::spawn(async move { responder.ended().await }))
        .collect();
    tokio::task::yield_now().await;
    speaker.end_before(2);
    drop(speaker);
    let mut ends = Vec::new();
    for task in waiting {
        ends.push(task.await.unwrap());
    }
    assert_eq!(ends, [Ended::Finished, Ended::Finished, Ended::Cut]);
    assert_eq!(responders[1].ended().await, Ended::Finished);
    assert_eq!(responders[2].ended().await, Ended::Cut);
    assert_eq!(code(responders[2].write_continue()), Some("ECONNRESET"));
}

#[test]
fn links_have_their_form() {
    for link in [
        "</style.css>; rel=preload; as=style",
        "</a>",
        "<https://example.com/a?b=c>;rel=\"preload next\" ;crossorigin",
        "</f>; rel=preload; type=font/woff2; title=\"a; b, \\\" c\"",
    ] {
        assert_eq!(joined([link]).unwrap().as_deref(), Some(link));
    }
    for link in [
        "",
        "bad",
        "/a; rel=preload",
        "</a>; ",
        "</a>; =b",
        "</a>, </b>",
        "</a>; rel=preload, </b>; rel=preload",
        "</a b>; rel=preload",
        "</a>; rel=\"open",
        "</a>; rel=a\r\nset-cookie: b",
        "</a>; title=\"\r\n\"",
        "</ä>",
    ] {
        let error = joined([link]).unwrap_err();
        assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"), "{link:?}");
    }
    assert_eq!(joined([]).unwrap(), None);
    assert_eq!(
        joined(["</a>", "</b>; x"]).unwrap().unwrap(),
        "</a>, </b>; x"
    );
}

#[test]
fn a_responder_is_small() {
    // It travels in the extensions of every request.
    assert_eq!(size_of::<Responder>(), 16);
}

#[test]
fn a_time_limit_of_zero_is_none() {
    let speaker = speaker();
    speaker.responder(0).set_timeout(Duration::ZERO);
    assert_eq!(speaker.limit(0), Some(None));
}
