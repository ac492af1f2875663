//! Does the reader tell what a client asked for, at any cut, and can the same octets be answered?

use std::sync::Arc;

use proptest::prelude::*;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::ConnectionState;
use rustls::{ClientConfig, ClientConnection};
use sealane_testkit::certificates::TestCa;

use super::{Hello, HelloReader, HelloRefused, MAX_HELLO, asks_for_ocsp};
use crate::pair::{Offer, default_context};
use crate::select::observe;
use crate::{HandshakeErrorKind, Side};

fn hello_of(config: &Arc<ClientConfig>, name: &str) -> Vec<u8> {
    let name = name.to_owned().try_into().unwrap();
    let mut client = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut octets = Vec::new();
    client.write_tls(&mut octets).unwrap();
    octets
}

fn sent(name: &str) -> Vec<u8> {
    hello_of(&Offer::default().config(&TestCa::new()), name)
}

fn read(octets: &[u8]) -> Result<Option<Hello>, HelloRefused> {
    HelloReader::new().take(octets)
}

/// The message of one record in records of this many octets each.
fn in_records(record: &[u8], size: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    for part in record[5..].chunks(size) {
        octets.extend_from_slice(&record[..3]);
        octets.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
        octets.extend_from_slice(part);
    }
    octets
}

#[test]
fn name_protocols_and_status_request_are_told() {
    let ca = TestCa::new();
    let offer = Offer {
        alpn: vec!["h2", "http/1.1"],
        ..Offer::default()
    };
    let hello = read(&hello_of(&offer.config(&ca), "Example.COM"));
    let hello = hello.unwrap().unwrap();
    assert_eq!(hello.servername.as_deref(), Some("example.com"));
    assert_eq!(hello.alpn, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    assert!(hello.asks_for_ocsp, "rustls asks whenever it checks chains");
    assert!(!hello.schemes.is_empty() && !hello.suites.is_empty());

    let offer = Offer {
        alpn: vec![],
        ..Offer::default()
    };
    let hello = read(&hello_of(&offer.config(&ca), "127.0.0.1"));
    let hello = hello.unwrap().unwrap();
    assert_eq!((hello.servername, hello.alpn), (None, vec![]));
}

#[test]
fn who_does_not_ask_for_ocsp_gets_no_staple() {
    let mut octets = sent("localhost");
    // status_request: kind 5, 5 octets, of which the first says OCSP (RFC 6066 §8).
    let request = [0, 5, 0, 5, 1, 0, 0, 0, 0];
    let at = octets.windows(9).position(|octets| octets == request);
    let at = at.expect("the client asks");
    octets[at + 4] = 2;
    assert_eq!(
        asks_for_ocsp(&octets),
        Some(false),
        "another kind of status"
    );
    octets[at + 4] = 1;
    // A number reserved to be ignored (RFC 8701).
    octets[at..at + 2].copy_from_slice(&[0x0a, 0x0a]);
    assert!(!read(&octets).unwrap().unwrap().asks_for_ocsp);
}

#[test]
fn the_octets_taken_can_be_answered_by_a_connection() {
    let ca = TestCa::new();
    let mut reader = HelloReader::new();
    let octets = hello_of(&Offer::default().config(&ca), "localhost");
    for part in octets.chunks(100) {
        let told = reader.take(part).unwrap();
        assert_eq!(told.is_some(), reader.octets().len() == octets.len());
    }
    assert_eq!(reader.octets(), octets);

    let config = Arc::clone(default_context(&ca).server_config());
    let mut server = UnbufferedServerConnection::new(config).unwrap();
    let mut octets = reader.into_octets();
    let (answer, seen) = observe(|| {
        let status = server.process_tls_records(&mut octets);
        assert!(status.discard > 0);
        let ConnectionState::EncodeTlsData(mut record) = status.state.unwrap() else {
            panic!("no answer");
        };
        let mut answer = vec![0; 32 * 1024];
        let length = record.encode(&mut answer).unwrap();
        answer.truncate(length);
        answer
    });
    assert_eq!(seen.servername.as_deref(), Some("localhost"));
    // A handshake record with a ServerHello (RFC 8446 §4).
    assert_eq!((answer[0], answer[5]), (22, 2));
}

#[test]
fn more_than_the_hello_may_come_with_it() {
    let mut octets = sent("localhost");
    octets.extend_from_slice(&[20, 3, 3, 0, 1, 1]);
    let mut reader = HelloReader::new();
    assert!(reader.take(&octets).unwrap().is_some());
    assert_eq!(reader.octets(), octets);
}

#[test]
fn what_is_not_tls_is_refused_by_name() {
    for octets in [&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], &[0; 64]] {
        let refused = read(octets).unwrap_err();
        assert_eq!(refused.error.kind(), HandshakeErrorKind::NotTls);
        assert_eq!(refused.error.side(), Side::Remote);
        assert_eq!(refused.alert, [21, 3, 3, 0, 2, 2, 50]);
    }
}

#[test]
fn another_message_is_refused_with_an_alert() {
    let mut octets = sent("localhost");
    // A Finished (20) instead of a ClientHello.
    octets[5] = 20;
    let refused = read(&octets).unwrap_err();
    assert_eq!(refused.error.side(), Side::Remote);
    assert_eq!(refused.error.code(), "ERR_SSL_UNEXPECTED_MESSAGE");
    assert_eq!(refused.alert, [21, 3, 3, 0, 2, 2, 10]);
}

#[test]
fn a_hello_without_end_is_refused_at_the_bound() {
    // Records of one handshake message that announces 65,000 octets.
    let mut message = vec![1, 0, 0xfd, 0xe8];
    message.resize(65_000, 0);
    let mut octets = vec![22, 3, 1, 0, 0];
    octets.extend_from_slice(&message);
    let octets = in_records(&octets, 1000);
    let mut reader = HelloReader::new();
    let mut taken = 0;
    let refused = loop {
        let part = &octets[taken..taken + 500];
        taken += part.len();
        match reader.take(part) {
            Ok(told) => assert_eq!(told, None),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.error.code(), "ERR_SSL_EXCESSIVE_MESSAGE_SIZE");
    assert_eq!(refused.alert, [21, 3, 3, 0, 2, 2, 47]);
    assert!(taken > MAX_HELLO && taken <= MAX_HELLO + 500, "{taken}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_cut_into_parts_and_records_reads_the_same(
        record in 1_usize..600,
        part in 1_usize..600,
    ) {
        let whole = sent("localhost");
        let expected = read(&whole).unwrap().unwrap();
        let octets = in_records(&whole, record);
        let mut reader = HelloReader::new();
        let mut told = None;
        for part in octets.chunks(part) {
            prop_assert_eq!(&told, &None, "told before the end");
            told = reader.take(part).unwrap();
        }
        prop_assert_eq!(told, Some(expected));
        prop_assert_eq!(reader.octets(), octets);
    }

    #[test]
    fn a_changed_hello_is_told_or_refused(
        at in any::<prop::sample::Index>(),
        octet in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut octets = sent("localhost");
        let at = at.index(octets.len());
        octets[at] = octet;
        let _ = read(&octets);
        let _ = asks_for_ocsp(&octets[..cut.index(octets.len())]);
    }

    #[test]
    fn any_octets_are_told_or_refused(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&octets);
        let _ = asks_for_ocsp(&octets);
    }
}
