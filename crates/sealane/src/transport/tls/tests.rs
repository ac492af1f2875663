//! Both engines keep the same rules over real sockets, and what only one of them can is right.

use std::future::poll_fn;
use std::io;
use std::process::Stdio;
use std::sync::Arc;

use rustls::ProtocolVersion;
use sealane_tls::TlsInfo;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::super::pair::{
    VERSIONS, World, close, handshake, name, part, raw, read_all, send, sockets,
};
use super::{ClientStream, Parting as _, Received, ServerStream, TransportError};

/// Every mix of ordinary and exporting ends.
const MIXES: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

#[tokio::test]
async fn both_engines_carry_the_same_exchange() {
    let world = World::new();
    let question: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let answer: Vec<u8> = question
        .iter()
        .rev()
        .copied()
        .cycle()
        .take(300_000)
        .collect();
    for version in VERSIONS {
        for (client_exports, server_exports) in MIXES {
            let (mut client, mut server) =
                world.pair(version, client_exports, server_exports).await;
            assert!(server.is_silent(), "the handshake is done");
            let ask = async {
                send(&mut client, &question).await;
                close(&mut client).await.unwrap();
                read_all(&mut client).await.unwrap()
            };
            let reply = async {
                let (asked, end) = read_all(&mut server).await.unwrap();
                assert_eq!((asked.len(), end), (question.len(), Received::CloseNotify));
                assert!(asked == question);
                send(&mut server, &answer).await;
                close(&mut server).await.unwrap();
                close(&mut server).await.unwrap();
            };
            let ((answered, end), ()) = tokio::join!(ask, reply);
            assert_eq!((answered.len(), end), (answer.len(), Received::CloseNotify));
            assert!(answered == answer, "{version:?}");
            let late = poll_fn(|context| server.poll_write(context, b"late")).await;
            let Err(TransportError::Io(error)) = late else {
                panic!("{late:?}");
            };
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
    }
}

#[tokio::test]
async fn both_engines_tell_the_same_facts() {
    let world = World::new();
    for version in VERSIONS {
        let mut told = Vec::new();
        for (client_exports, server_exports) in MIXES {
            let (client, server) = world.pair(version, client_exports, server_exports).await;
            let (common, seen) = server.facts();
            let info = TlsInfo::new(&common, seen.servername.as_deref()).unwrap();
            drop(common);
            let (common, _) = client.facts();
            assert_eq!(common.protocol_version(), Some(version.version));
            assert!(
                common
                    .peer_certificates()
                    .is_some_and(|chain| chain.len() == 1)
            );
            told.push((info, common.negotiated_cipher_suite()));
        }
        assert!(told.windows(2).all(|two| two[0] == two[1]), "{told:?}");
    }
}

#[tokio::test]
async fn an_end_without_close_notify_is_told_as_truncation() {
    let world = World::new();
    for exports in [false, true] {
        let (mut client, mut server) = world.pair(VERSIONS[0], exports, exports).await;
        send(&mut client, b"half a mess").await;
        client.cut_short();
        close(&mut client).await.unwrap();
        let (octets, end) = read_all(&mut server).await.unwrap();
        assert_eq!(
            (&octets[..], end),
            (&b"half a mess"[..], Received::Truncated)
        );
    }
}

#[tokio::test]
async fn a_record_after_close_notify_is_ignored_and_close_notify_is_said_once() {
    let world = World::new();
    for exports in [false, true] {
        let (here, there) = sockets().await;
        let config = Arc::new(world.client(&[VERSIONS[1]]));
        let mut client = ClientStream::connect(here, config, name(), exports).unwrap();
        let mut server = ServerStream::accept(there, world.server(VERSIONS[1]), exports).unwrap();
        let (one, other) = tokio::join!(handshake(&mut client), handshake(&mut server));
        one.and(other).unwrap();
        close(&mut client).await.unwrap();
        close(&mut client).await.unwrap();
        // In TLS 1.2 an alert is one record of 5 + 8 + 2 + 16 octets.
        let said = raw(&mut server.socket).await;
        assert_eq!((said.len(), said[0]), (31, 21), "{said:02x?}");
    }
}

/// What a stranger may send, and the alert it gets.
fn strange() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let alert = |description| vec![21, 3, 3, 0, 2, 2, description];
    let mut endless = Vec::new();
    // A ClientHello that says it has 65,000 octets and more, in records of 16,000.
    for record in 0..6 {
        endless.extend_from_slice(&[22, 3, 1, 0x3e, 0x80]);
        let mut part = vec![0; 16_000];
        if record == 0 {
            part[..4].copy_from_slice(&[1, 1, 0x86, 0xa0]);
        }
        endless.extend(part);
    }
    vec![
        (
            "no TLS at all",
            b"\x00\x01\x02\x03\x04\x05\x06".to_vec(),
            alert(50),
        ),
        (
            "a record too long",
            vec![22, 3, 1, 0x70, 0, 1, 2, 3],
            alert(50),
        ),
        (
            "data before a handshake",
            vec![23, 3, 3, 0, 1, 7],
            Vec::new(),
        ),
        (
            "a ClientHello of one zero",
            vec![22, 3, 1, 0, 5, 1, 0, 0, 1, 0],
            alert(50),
        ),
        ("a message too large", endless, alert(50)),
    ]
}

#[tokio::test]
async fn strangers_are_refused_alike_by_both_engines() {
    let world = World::new();
    for (what, octets, alert) in strange() {
        let mut told = Vec::new();
        for exports in [false, true] {
            let (mut here, there) = sockets().await;
            let mut server =
                ServerStream::accept(there, world.server(VERSIONS[0]), exports).unwrap();
            let serve = async {
                let outcome = handshake(&mut server).await;
                part(&mut server).await;
                drop(server);
                outcome
            };
            let ask = async {
                // The server may have refused it before all is sent.
                let _ = here.write_all(&octets).await;
                let _ = here.shutdown().await;
                raw(&mut here).await
            };
            let (outcome, said) = tokio::join!(serve, ask);
            let Err(TransportError::Tls(error)) = outcome else {
                panic!("{what}: {outcome:?}");
            };
            if !alert.is_empty() {
                assert_eq!(said, alert, "{what}, exporter {exports}: {error}");
            }
            told.push((error, said));
        }
        assert_eq!(told[0], told[1], "{what}");
    }
}

#[tokio::test]
async fn plain_http_is_found_by_both_engines() {
    let world = World::new();
    for exports in [false, true] {
        let (mut here, there) = sockets().await;
        let mut server = ServerStream::accept(there, world.server(VERSIONS[0]), exports).unwrap();
        here.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let outcome = handshake(&mut server).await;
        assert!(
            matches!(outcome, Err(TransportError::PlainHttp)),
            "{outcome:?}"
        );
        server.answer_in_the_clear(b"no").await.unwrap();
        part_from(server, &mut here).await;
    }
}

/// Reads what the server said in the clear, to the end.
async fn part_from(server: ServerStream, here: &mut TcpStream) {
    drop(server);
    let mut said = Vec::new();
    let _ = here.read_to_end(&mut said).await;
    assert_eq!(said, b"no");
}

#[tokio::test]
async fn exported_keying_material_is_the_same_on_both_sides() {
    let world = World::new();
    for version in VERSIONS {
        let (client, server) = world.pair(version, true, true).await;
        let (client, server) = (client.exporter().unwrap(), server.exporter().unwrap());
        let export = |label: &[u8], context: Option<&[u8]>| {
            let (mut one, mut other) = ([0; 48], [0; 48]);
            client.export(&mut one, label, context).unwrap();
            server.export(&mut other, label, context).unwrap();
            assert_eq!(one, other, "{version:?}");
            assert_ne!(one, [0; 48]);
            one
        };
        let plain = export(b"EXPERIMENTAL-one", None);
        assert_eq!(plain, export(b"EXPERIMENTAL-one", None));
        assert_ne!(plain, export(b"EXPERIMENTAL-two", None));
        assert_ne!(plain, export(b"EXPERIMENTAL-one", Some(b"context")));
        // RFC 5705 §4 tells them apart, RFC 8446 §7.5 does not.
        let empty = export(b"EXPERIMENTAL-one", Some(b""));
        assert_eq!(empty == plain, version.version == ProtocolVersion::TLSv1_3);
    }
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_with_its_reason() {
    let world = World::new();
    let (here, _there) = sockets().await;
    let config = Arc::new(world.client(&VERSIONS));
    let early = ClientStream::connect(here, config, name(), true).unwrap();
    let refused = early
        .exporter()
        .unwrap()
        .export(&mut [0; 8], b"EXPERIMENTAL", None);
    assert_eq!(refused.unwrap_err().code(), Some("ERR_TLS_INVALID_STATE"));

    let (client, server) = world.pair(VERSIONS[1], true, false).await;
    assert!(server.exporter().is_none(), "it was not asked for");
    let client = client.exporter().unwrap();
    let long = vec![b'l'; 250];
    let wide = vec![0; 65_536];
    for (len, label, context, code, part) in [
        (0, &b"EXPERIMENTAL"[..], None, "ERR_OUT_OF_RANGE", "not 0"),
        (
            65_536,
            b"EXPERIMENTAL",
            None,
            "ERR_OUT_OF_RANGE",
            "not 65536",
        ),
        (8, b"", None, "ERR_OUT_OF_RANGE", "label"),
        (8, &long, None, "ERR_OUT_OF_RANGE", "not 250"),
        (
            8,
            b"EXPERIMENTAL",
            Some(&wide[..]),
            "ERR_OUT_OF_RANGE",
            "context",
        ),
        (
            8,
            b"master secret",
            None,
            "ERR_SSL_TLS_ILLEGAL_EXPORTER_LABEL",
            "label",
        ),
    ] {
        let error = client
            .export(&mut vec![0; len], label, context)
            .unwrap_err();
        assert_eq!(error.code(), Some(code), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let (client, _server) = world.pair(VERSIONS[0], true, false).await;
    let exporter = client.exporter().unwrap();
    let error = exporter.export(&mut vec![0; 60_000], b"EXPERIMENTAL", None);
    assert_eq!(error.unwrap_err().code(), Some("ERR_OUT_OF_RANGE"));
    drop(client);
    exporter.export(&mut [0; 8], b"EXPERIMENTAL", None).unwrap();
}

/// Starts `openssl`, or says why a test is left out.
fn openssl(arguments: &[&str]) -> Option<Child> {
    let started = Command::new("openssl")
        .args(arguments)
        .args([
            "-keymatexport",
            "EXPERIMENTAL-seen",
            "-keymatexportlen",
            "40",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    match started {
        Ok(child) => Some(child),
        Err(error) => {
            println!("left out: openssl does not start: {error}");
            None
        }
    }
}

/// What it exported, out of what it prints.
async fn printed(lines: &mut (impl tokio::io::AsyncBufRead + Unpin), part: &str) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(
            lines.read_line(&mut line).await.unwrap(),
            0,
            "no line with {part:?}"
        );
        if let Some((_, rest)) = line.split_once(part) {
            return rest.trim().to_ascii_lowercase();
        }
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[tokio::test]
async fn a_server_exports_what_openssl_exports() {
    let world = World::new();
    for (version, flag) in VERSIONS.into_iter().zip(["-tls1_3", "-tls1_2"]) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let Some(mut child) = openssl(&["s_client", "-connect", &address, flag]) else {
            return;
        };
        let (socket, _) = listener.accept().await.unwrap();
        let mut server = ServerStream::accept(socket, world.server(version), true).unwrap();
        handshake(&mut server).await.unwrap();
        let mut material = [0; 40];
        let exporter = server.exporter().unwrap();
        exporter
            .export(&mut material, b"EXPERIMENTAL-seen", None)
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(
            printed(&mut lines, "Keying material: ").await,
            hex(&material)
        );
    }
}

#[tokio::test]
async fn a_client_exports_what_openssl_exports() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let files = world.identity.write_to(folder.path());
    let (cert, key) = (files.cert.to_str().unwrap(), files.key.to_str().unwrap());
    for version in VERSIONS {
        let arguments = [
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-cert",
            cert,
            "-key",
            key,
        ];
        let Some(mut child) = openssl(&arguments) else {
            return;
        };
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let address = printed(&mut lines, "ACCEPT ").await;
        let socket = TcpStream::connect(address).await.unwrap();
        let config = Arc::new(world.client(&[version]));
        let mut client = ClientStream::connect(socket, config, name(), true).unwrap();
        handshake(&mut client).await.unwrap();
        let mut material = [0; 40];
        let exporter = client.exporter().unwrap();
        exporter
            .export(&mut material, b"EXPERIMENTAL-seen", None)
            .unwrap();
        assert_eq!(
            printed(&mut lines, "Keying material: ").await,
            hex(&material)
        );
    }
}
