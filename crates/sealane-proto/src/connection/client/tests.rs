//! What a client writes, and what it makes of responses.

use http::Method;

use crate::connection::OutgoingHead;
use crate::connection::tests::{client, client_events, consume, fields, request};
use crate::error::ErrorKind;
use crate::event::SendBody;
use crate::framing::BodyLength;

use super::*;

/// A client that waits for the response to this request.
fn asking(method: &Method) -> ClientConnection {
    let mut client = client();
    let target = if *method == Method::CONNECT {
        "a:443"
    } else {
        "/"
    };
    request(&mut client, method, target);
    client
}

/// The error that comes after any number of events.
fn poll_error(client: &mut ClientConnection) -> ErrorKind {
    loop {
        match client.poll_event() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error"),
            Err(error) => {
                assert_eq!(client.close_reason(), Some(CloseReason::ProtocolError));
                assert!(!client.reusable() && !client.in_exchange());
                return error.kind().clone();
            }
        }
    }
}

/// The error that these octets lead to, in answer to GET.
fn refusal(octets: &[u8]) -> ErrorKind {
    let mut client = asking(&Method::GET);
    client.receive(octets);
    poll_error(&mut client)
}

const NONE: BodyLength = BodyLength::Known(0);

#[test]
fn one_request_at_a_time() {
    let mut client = asking(&Method::GET);
    let refused = client.send_request(
        &OutgoingHead::new(&Method::GET, "/", &fields(&[("host", "a")])),
        NONE,
        &mut vec![],
    );
    assert_eq!(refused.unwrap_err().kind(), &UsageError::NotReady.into());
    consume(&mut client, b"HTTP/1.1 204 No Content\r\n\r\n");
    request(&mut client, &Method::GET, "/");
}

#[test]
fn responses_are_framed_by_their_request_and_status() {
    let response = |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n");
    for (method, status) in [
        (Method::HEAD, "200 OK"),
        (Method::GET, "204 No Content"),
        (Method::GET, "304 Not Modified"),
    ] {
        let mut client = asking(&method);
        let events = consume(&mut client, response(status).as_bytes());
        assert_eq!(events[1..], ["end"], "{method} {status}");
        assert!(client.reusable(), "{method} {status}");
    }
    let mut client = asking(&Method::GET);
    let octets = response("200 OK") + "hello";
    assert_eq!(
        consume(&mut client, octets.as_bytes()),
        ["response 200", "data hello", "end"]
    );
}

#[test]
fn a_body_may_end_with_the_connection() {
    let mut client = asking(&Method::GET);
    let events = consume(&mut client, b"HTTP/1.1 200 OK\r\n\r\nhello");
    assert_eq!(events, ["response 200", "data hello"]);
    client.handle_end(InputEnd::Orderly);
    assert_eq!(client_events(&mut client), ["end"]);
    assert_eq!(client.close_reason(), Some(CloseReason::UntilClose));

    let mut client = asking(&Method::GET);
    consume(&mut client, b"HTTP/1.0 200 OK\r\n\r\nhello");
    client.handle_end(InputEnd::Truncated);
    assert_eq!(
        poll_error(&mut client),
        IncompleteError::UntilClose(5).into()
    );
}

#[test]
fn interim_responses_come_first_and_are_bounded() {
    let mut client = asking(&Method::GET);
    let octets =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nLink: a\r\n\r\nHTTP/1.1 204 N\r\n\r\n";
    assert_eq!(
        consume(&mut client, octets),
        ["interim 100", "interim 103", "response 204", "end"]
    );
    let flood = b"HTTP/1.1 102 P\r\n\r\n".repeat(INTERIM_RESPONSES + 1);
    assert_eq!(refusal(&flood), ResponseError::TooManyInterim(100).into());
}

#[test]
fn an_interim_response_has_no_body() {
    let octets = b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nevil!HTTP/1.1 200 OK\r\n\r\n";
    assert!(matches!(refusal(octets), ErrorKind::StartLine(_)));
}

#[test]
fn responses_are_judged_as_strictly_as_requests() {
    for fields in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5,5\r\n",
        "Content-Length: -5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
    ] {
        let octets = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        assert!(
            matches!(refusal(octets.as_bytes()), ErrorKind::Framing(_)),
            "{fields}"
        );
    }
    assert!(matches!(
        refusal(b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n"),
        ErrorKind::Field(_)
    ));
    assert!(matches!(
        refusal(b"\r\nHTTP/1.1 200 OK\r\n\r\n"),
        ErrorKind::StartLine(_)
    ));
}

#[test]
fn octets_that_nobody_asked_for_are_an_error() {
    let mut client = client();
    client.receive(b"HTTP/1.1 200 OK\r\n\r\n");
    assert!(!client.is_idle() && !client.reusable());
    assert_eq!(poll_error(&mut client), ResponseError::Unsolicited.into());

    let mut client = asking(&Method::GET);
    let octets = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n";
    client.receive(octets);
    for _ in 0..3 {
        assert!(
            client.poll_event().unwrap().is_some(),
            "the response itself is fine"
        );
    }
    assert!(!client.reusable());
    assert_eq!(poll_error(&mut client), ResponseError::Unsolicited.into());
}

#[test]
fn an_end_without_a_response_is_told_apart() {
    let mut client = asking(&Method::GET);
    client.handle_end(InputEnd::Orderly);
    assert_eq!(poll_error(&mut client), IncompleteError::Silent.into());

    let mut client = asking(&Method::GET);
    client.receive(b"HTTP/1.1 1");
    client.handle_end(InputEnd::Orderly);
    assert_eq!(poll_error(&mut client), IncompleteError::Head(10).into());

    let mut client = asking(&Method::GET);
    client.receive(b"HTTP/1.1 100 Continue\r\n\r\n");
    client.handle_end(InputEnd::Orderly);
    assert_eq!(poll_error(&mut client), IncompleteError::Head(0).into());

    let mut client = self::client();
    client.handle_end(InputEnd::Truncated);
    assert!(!client.reusable());
    assert_eq!(client_events(&mut client), ["closed"]);
    assert_eq!(client.close_reason(), Some(CloseReason::PeerTruncated));
}

#[test]
fn persistence_follows_version_and_connection() {
    for (octets, reason) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", None),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n",
            Some(CloseReason::PeerAsked),
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n",
            Some(CloseReason::Http10),
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n",
            None,
        ),
    ] {
        let mut client = asking(&Method::GET);
        assert_eq!(
            consume(&mut client, format!("{octets}\r\n").as_bytes()).len(),
            2
        );
        assert_eq!(client.close_reason(), reason, "{octets}");
        assert_eq!(client.reusable(), reason.is_none(), "{octets}");
    }
}

#[test]
fn our_own_close_ends_the_connection() {
    let mut client = client();
    let lines = fields(&[("host", "a"), ("connection", "close")]);
    let _ = client
        .send_request(
            &OutgoingHead::new(&Method::GET, "/", &lines),
            NONE,
            &mut vec![],
        )
        .unwrap();
    client.send_end(None, &mut vec![]).unwrap();
    consume(&mut client, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.close_reason(), Some(CloseReason::CallerAsked));

    let mut client = self::client();
    client.close_after_exchange(CloseReason::Shutdown);
    assert_eq!(client.close_reason(), Some(CloseReason::Shutdown));
}

#[test]
fn a_switch_must_be_asked_for_by_a_complete_request() {
    let switch =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: x, Upgrade\r\n\r\n\x01";
    assert_eq!(refusal(switch), ResponseError::UnexpectedSwitch.into());
    let lines = fields(&[("host", "a"), ("connection", "upgrade"), ("upgrade", "x")]);
    let mut client = client();
    let _ = client.send_request(
        &OutgoingHead::new(&Method::POST, "/", &lines),
        BodyLength::Known(1),
        &mut vec![],
    );
    client.receive(switch);
    assert_eq!(
        poll_error(&mut client),
        ResponseError::UnexpectedSwitch.into()
    );

    let mut client = self::client();
    let _ = client.send_request(
        &OutgoingHead::new(&Method::GET, "/", &lines),
        NONE,
        &mut vec![],
    );
    client.send_end(None, &mut vec![]).unwrap();
    assert_eq!(consume(&mut client, switch), ["response 101"]);
    assert!(client.is_tunnel());
    assert_eq!(client.take_leftover(), b"\x01"[..]);
}

#[test]
fn a_switch_names_its_protocol_for_this_connection() {
    let lines = fields(&[("host", "a"), ("connection", "upgrade"), ("upgrade", "x")]);
    for switch in [
        "HTTP/1.1 101 S\r\n\r\n",
        "HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ] {
        let mut client = client();
        let _ = client.send_request(
            &OutgoingHead::new(&Method::GET, "/", &lines),
            NONE,
            &mut vec![],
        );
        client.send_end(None, &mut vec![]).unwrap();
        client.receive(switch.as_bytes());
        let error = poll_error(&mut client);
        assert_eq!(error, ResponseError::UnexpectedSwitch.into(), "{switch}");
        assert!(!client.is_tunnel());
    }
}

#[test]
fn connect_makes_a_tunnel_on_2xx_only() {
    let mut client = asking(&Method::CONNECT);
    let granted = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n\x16";
    assert_eq!(consume(&mut client, granted), ["response 200"]);
    assert!(client.is_tunnel() && client.close_reason().is_none());
    assert_eq!(client.take_leftover(), b"\x16"[..]);

    let mut client = asking(&Method::CONNECT);
    let refused = b"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno";
    assert_eq!(
        consume(&mut client, refused),
        ["response 407", "data no", "end"]
    );
    assert!(!client.is_tunnel() && client.reusable());
}

#[test]
fn a_body_can_be_abandoned() {
    let mut client = client();
    let lines = fields(&[("host", "a"), ("expect", "100-continue")]);
    let sends = client.send_request(
        &OutgoingHead::new(&Method::POST, "/", &lines),
        BodyLength::Known(9),
        &mut vec![],
    );
    assert_eq!(sends, Ok(SendBody::Yes));
    client.abandon_body();
    assert!(client.send_data(1, &mut vec![]).is_err());
    let octets = b"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno";
    assert_eq!(
        consume(&mut client, octets),
        ["response 417", "data no", "end"]
    );
    assert_eq!(client.close_reason(), Some(CloseReason::BodyAbandoned));
}

#[test]
fn a_short_body_closes_the_connection() {
    let mut client = client();
    let lines = fields(&[("host", "a")]);
    let _ = client.send_request(
        &OutgoingHead::new(&Method::PUT, "/", &lines),
        BodyLength::Known(5),
        &mut vec![],
    );
    assert!(client.send_end(None, &mut vec![]).is_err());
    assert_eq!(client.close_reason(), Some(CloseReason::MessageCut));
}

#[test]
fn an_end_that_is_due_outlives_a_decision_to_close() {
    let mut client = asking(&Method::POST);
    client.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(matches!(client.poll_event(), Ok(Some(Event::Response(_)))));
    assert!(!client.is_idle(), "the end has not been told yet");
    client.close_after_exchange(CloseReason::BodyAbandoned);
    assert!(matches!(client.poll_event(), Ok(Some(Event::End(None)))));
    assert_eq!(client.close_reason(), Some(CloseReason::BodyAbandoned));
}
