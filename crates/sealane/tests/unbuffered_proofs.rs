//! Proofs of what `transport/tls.rs` relies on in rustls' unbuffered API, in memory.
//!
//! Each test states one promise that rustls' documentation does not make, or one trap. A new
//! version of rustls that changes one of them fails here and not at a user. RFC 8446 throughout.

#[path = "unbuffered_proofs/peer.rs"]
mod peer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::crypto::cipher::{OutboundChunks, OutboundPlainMessage};
use rustls::server::Acceptor;
use rustls::unbuffered::EncryptError;
use rustls::{AlertDescription, ClientConfig, Error as TlsError, HandshakeKind};
use rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion, version};

use peer::{Client, Machine, Peer, World, finish};

#[test]
fn the_states_of_a_server_come_in_this_order() {
    let world = World::new();
    for (version, flight, end) in [
        (
            &version::TLS13,
            &["encode", "encode", "encode"][..],
            &["encode"][..],
        ),
        (
            &version::TLS12,
            &["encode"],
            &["encode", "encode", "encode"],
        ),
    ] {
        let (mut client, mut server) = world.pair(version);
        client.run();
        client.give(&mut server);
        server.run();
        assert_eq!(
            server.states,
            [flight, &["transmit", "blocked"]].concat(),
            "{version:?}"
        );
        server.states.clear();
        server.give(&mut client);
        client.run();
        client.give(&mut server);
        server.run();
        // TLS 1.3: the ticket; TLS 1.2: ticket, ChangeCipherSpec, Finished.
        assert_eq!(
            server.states,
            [end, &["transmit", "write"]].concat(),
            "{version:?}"
        );
    }
}

#[test]
fn a_request_beside_finished_is_read_after_the_ticket_is_encoded_but_before_it_must_leave() {
    let (mut client, mut server) = World::new().pair(&version::TLS13);
    client.run();
    client.give(&mut server);
    server.run();
    server.give(&mut client);
    client.run();
    client.encrypt(b"request");
    server.states.clear();
    client.give(&mut server);
    server.run();
    assert_eq!(server.states, ["encode", "read", "transmit", "write"]);
    assert_eq!(server.plaintext, b"request");
    // So one write can carry both: the ticket is still in our buffer when the answer is sealed.
    server.encrypt(b"answer");
    server.give(&mut client);
    client.run();
    assert_eq!(
        (client.plaintext.as_slice(), client.error()),
        (&b"answer"[..], None)
    );
}

#[test]
fn a_record_that_comes_octet_by_octet_reads_the_same() {
    let (mut client, mut server) = World::new().established(&version::TLS13);
    client.encrypt(b"request");
    for octet in std::mem::take(&mut client.outgoing) {
        assert_eq!(server.plaintext, b"");
        server.incoming.push(octet);
        server.run();
    }
    assert_eq!(server.plaintext, b"request");
    assert!(server.incoming.is_empty());
}

#[test]
fn nothing_received_yields_write_traffic_again_and_again() {
    let (_, mut server) = World::new().established(&version::TLS13);
    server.states.clear();
    (0..3).for_each(|_| server.run());
    assert_eq!(server.states, ["write"; 3]);
}

#[test]
fn a_handshake_message_in_parts_must_be_kept_in_the_slice() {
    let world = World::new();
    let (mut client, mut server) = world.pair(&version::TLS13);
    client.run();
    let parts = split_record(&client.outgoing, 1);
    server.incoming.extend_from_slice(&parts.0);
    server.run();
    assert_eq!(server.states, ["blocked"]);
    assert_eq!(
        server.incoming.len(),
        parts.0.len(),
        "used, yet not to be discarded"
    );
    // The trap: rustls holds offsets into the slice, so a shorter one panics. Any peer can cause
    // this, also after the handshake, with one octet of a KeyUpdate.
    let mut careless = world.server();
    assert_eq!(careless.machine.process(&mut parts.0.clone()).discard, 0);
    assert!(panics(|| drop(careless.machine.process(&mut []))));
    // The right way: all octets that were not discarded, every time.
    server.incoming.extend_from_slice(&parts.1);
    server.run();
    assert_eq!(
        server.states[1..],
        ["encode", "encode", "encode", "transmit", "blocked"]
    );
    assert!(server.incoming.is_empty());
}

#[test]
fn any_client_can_send_a_handshake_message_in_parts_after_the_handshake() {
    let world = World::new();
    let mut config = ClientConfig::clone(&world.client_config(&version::TLS13, &["http/1.1"]));
    config.enable_secret_extraction = true;
    let (mut client, mut server) = (Peer::client(&Arc::new(config)), world.server());
    finish(&mut client, &mut server);
    // The first octet of a KeyUpdate (§4.6.3), and nothing more.
    let record = seal_by_hand(client, ContentType::Handshake, &[24]);
    server.incoming.extend_from_slice(&record);
    server.run();
    assert_eq!(server.states.last(), Some(&"write"));
    assert_eq!(
        server.incoming.len(),
        record.len(),
        "used, yet not to be discarded"
    );
    // Sealing an answer needs the kept octets too, even when the peer has ended its stream.
    server.encrypt(b"answer");
    server.incoming.clear();
    assert!(panics(|| drop(server.machine.process(&mut []))));
}

#[test]
fn the_alert_after_an_error_is_taken_without_touching_the_input_again() {
    let world = World::new();
    let (mut client, mut server) = (world.client(&version::TLS13, &["h2"]), world.server());
    client.run();
    client.give(&mut server);
    server.run();
    assert_eq!(server.error(), Some(TlsError::NoApplicationProtocol));
    server.take_alert();
    assert!(!server.machine.wants_write());
    server.give(&mut client);
    client.run();
    let expected = TlsError::AlertReceived(AlertDescription::NoApplicationProtocol);
    assert_eq!(client.error(), Some(expected));
}

#[test]
fn a_broken_record_gives_one_alert_and_must_never_be_read_twice() {
    for careless in [false, true] {
        let (mut client, mut server) = World::new().established(&version::TLS13);
        client.encrypt(b"request");
        *client.outgoing.last_mut().unwrap() ^= 1;
        client.give(&mut server);
        server.run();
        assert_eq!(server.error(), Some(TlsError::DecryptError));
        server.take_alert();
        if careless {
            // The trap: the broken record is still there and the connection is not poisoned.
            // rustls asserts in debug builds only; a release build would send a second alert.
            let again = || drop(server.machine.process(&mut server.incoming));
            assert_eq!(panics(again), cfg!(debug_assertions));
            continue;
        }
        server.give(&mut client);
        client.run();
        assert_eq!(
            client.error(),
            Some(TlsError::AlertReceived(AlertDescription::BadRecordMac))
        );
    }
}

#[test]
fn the_acceptor_reads_the_same_octets_that_the_connection_gets_afterwards() {
    let world = World::new();
    let (mut client, mut server) = world.pair(&version::TLS13);
    client.run();
    let mut acceptor = Acceptor::default();
    let (mut rest, mut accepted) = (client.outgoing.as_slice(), None);
    while accepted.is_none() {
        assert!(!rest.is_empty(), "the whole ClientHello was given");
        acceptor.read_tls(&mut rest).unwrap();
        accepted = acceptor.accept().map_err(|(error, _)| error).unwrap();
    }
    let accepted = accepted.unwrap();
    assert_eq!(accepted.client_hello().server_name(), Some("localhost"));
    assert_eq!(
        accepted.client_hello().alpn().unwrap().next(),
        Some(&b"http/1.1"[..])
    );
    finish(&mut client, &mut server);
    assert_eq!(server.machine.handshake_kind(), Some(HandshakeKind::Full));
}

#[test]
fn the_slot_sees_the_name_on_full_and_resumed_handshakes() {
    for version in [&version::TLS13, &version::TLS12] {
        let world = World::new();
        let config = world.client_config(version, &["http/1.1"]);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let (mut client, mut server) = (Peer::client(&config), world.server());
            finish(&mut client, &mut server);
            assert_eq!(server.machine.handshake_kind(), Some(kind), "{version:?}");
            assert_eq!(server.servername.as_deref(), Some("localhost"));
        }
    }
}

#[test]
fn a_hello_retry_is_one_more_turn_and_keeps_the_name() {
    let world = World::new();
    // A client whose first share is for a group we do not have must be asked once more.
    let groups = vec![kx_group::MLKEM1024, kx_group::SECP256R1];
    let provider = CryptoProvider {
        kx_groups: groups,
        ..default_provider()
    };
    let config = world.config_of(provider, &version::TLS13, &["http/1.1"]);
    let (mut client, mut server) = (Peer::client(&config), world.server());
    finish(&mut client, &mut server);
    let retried = Some(HandshakeKind::FullWithHelloRetryRequest);
    assert_eq!(server.machine.handshake_kind(), retried);
    assert_eq!(server.servername.as_deref(), Some("localhost"));
}

#[test]
fn a_server_answers_after_the_client_ended_its_half() {
    for version in [&version::TLS13, &version::TLS12] {
        let (mut client, mut server) = World::new().established(version);
        client.encrypt(b"request");
        client.close();
        client.give(&mut server);
        server.incoming.extend_from_slice(b"after the end");
        server.states.clear();
        server.run();
        assert_eq!(server.states, ["read", "peer closed"]);
        assert_eq!(
            server.incoming, b"after the end",
            "not read, never discarded: ours to drop"
        );
        server.run();
        assert_eq!(
            server.states[2..],
            ["write"],
            "told once, then writing goes on"
        );
        server.encrypt(b"answer");
        server.close();
        server.run();
        assert_eq!(server.states.last(), Some(&"closed"));
        server.give(&mut client);
        client.run();
        assert_eq!(client.plaintext, b"answer");
    }
}

#[test]
fn rustls_would_seal_after_our_own_close_notify_so_our_state_must_not() {
    let (mut client, mut server) = World::new().established(&version::TLS13);
    server.close();
    server.encrypt(b"too late");
    assert!(
        server.outgoing.len() > 24 + b"too late".len(),
        "it was sealed all the same"
    );
    client.encrypt(b"still read");
    client.give(&mut server);
    server.run();
    assert_eq!(server.plaintext, b"still read", "the other half stays open");
}

#[test]
fn close_notify_survives_a_buffer_that_is_too_small_and_leaves_once() {
    let (mut client, mut server) = World::new().established(&version::TLS13);
    let needed = server.write(|mut traffic| match traffic.queue_close_notify(&mut []) {
        Err(EncryptError::InsufficientSize(size)) => size.required_size,
        other => panic!("{other:?}"),
    });
    assert_eq!(needed, 24);
    // It now waits inside, and comes as any other record that rustls wants to send.
    assert!(server.machine.wants_write());
    server.states.clear();
    server.run();
    assert_eq!(server.states, ["encode", "transmit", "write"]);
    server.close();
    assert_eq!(server.outgoing.len(), 24, "once");
    server.give(&mut client);
    client.run();
    assert_eq!(client.states.last(), Some(&"peer closed"));
}

#[test]
fn up_to_16384_octets_are_one_record_and_a_small_buffer_costs_nothing() {
    for (version, expansion) in [(&version::TLS13, 22), (&version::TLS12, 29)] {
        let (mut client, mut server) = World::new().established(version);
        let data = vec![7; 16_385];
        for (length, records) in [(1, 1), (16_384, 1), (16_385, 2)] {
            let sealed = server.encrypt(&data[..length]);
            assert_eq!(sealed, length + records * expansion);
            assert_eq!(records_of(&server.outgoing), records);
            server.give(&mut client);
        }
        let needed = server.write(
            |mut traffic| match traffic.encrypt(b"answer", &mut [0; 8]) {
                Err(EncryptError::InsufficientSize(size)) => size.required_size,
                other => panic!("{other:?}"),
            },
        );
        assert_eq!(needed, 6 + expansion);
        server.encrypt(b"answer");
        server.give(&mut client);
        client.run();
        // A sequence number lost to the failed call would break the client's next record.
        assert_eq!(
            (client.plaintext.len(), client.error()),
            (1 + 16_384 + 16_385 + 6, None)
        );
    }
}

#[test]
fn an_empty_write_seals_nothing() {
    let (_, mut server) = World::new().established(&version::TLS13);
    assert_eq!(server.encrypt(b""), 0);
}

#[test]
fn a_key_update_is_answered_with_the_next_record_and_not_before() {
    let (mut client, mut server) = World::new().established(&version::TLS13);
    client.write(|traffic| traffic.refresh_traffic_keys().unwrap());
    client.run();
    client.give(&mut server);
    server.states.clear();
    server.run();
    assert_eq!(server.states, ["write"], "nothing to encode");
    assert!(!server.machine.wants_write());
    server.encrypt(b"answer");
    assert_eq!(records_of(&server.outgoing), 2);
    server.give(&mut client);
    client.run();
    client.encrypt(b"request");
    client.give(&mut server);
    server.run();
    assert_eq!(client.plaintext, b"answer");
    assert_eq!(
        (server.plaintext.as_slice(), server.error()),
        (&b"request"[..], None)
    );
}

/// Seals one record as this client would, by its own keys: rustls never sends such records.
fn seal_by_hand(client: Client, kind: ContentType, payload: &[u8]) -> Vec<u8> {
    let suite = client.machine.negotiated_cipher_suite().unwrap();
    let (secrets, _) = client.machine.dangerous_into_kernel_connection().unwrap();
    let (sequence, ConnectionTrafficSecrets::Aes128Gcm { key, iv }) = secrets.tx else {
        panic!("the server's first suite is AES-128-GCM");
    };
    let message = OutboundPlainMessage {
        typ: kind,
        version: ProtocolVersion::TLSv1_2,
        payload: OutboundChunks::Single(payload),
    };
    let mut encrypter = suite.tls13().unwrap().aead_alg.encrypter(key, iv);
    encrypter.encrypt(message, sequence).unwrap().encode()
}

/// Divides the message of one record over two records, the first with `at` octets of it (§5.1).
fn split_record(record: &[u8], at: usize) -> (Vec<u8>, Vec<u8>) {
    let (head, message) = record.split_at(5);
    let reframe = |part: &[u8]| {
        let length = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&head[..3], &length, part].concat()
    };
    (reframe(&message[..at]), reframe(&message[at..]))
}

/// How many whole records these octets are.
fn records_of(mut octets: &[u8]) -> usize {
    let mut count = 0;
    while let [_, _, _, high, low, rest @ ..] = octets {
        octets = &rest[usize::from(u16::from_be_bytes([*high, *low]))..];
        count += 1;
    }
    count
}

/// Whether this panics.
fn panics(act: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(act)).is_err()
}
