//! `sealane inspect`: what it shows of servers, good and bad, and how it ends.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use sealane_testkit::certificates::{Template, TestCa};
use serde_json::Value;
use tempfile::TempDir;

use crate::client_terminal::{shown, terminal};
use crate::peer::{Peer, finish, head};
use crate::running::{Running, ended, output_of, program};

/// The days of certificates that are valid.
const GOOD: ((i32, u8, u8), (i32, u8, u8)) = ((2000, 1, 1), (2049, 1, 1));

/// Runs the program where no server has made an authority.
fn run(words: &[&str]) -> Output {
    let place = TempDir::new().unwrap();
    output_of(&mut program(words, &place.path().join("data")), b"")
}

/// What is shown when the program ends with this code.
fn said(output: Output, code: i32) -> String {
    let text = String::from_utf8(output.stdout).unwrap();
    let notes = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}{notes}");
    assert!(!notes.contains("panicked"), "{notes}");
    text
}

/// A server with a certificate for these names that answers every request.
fn server(names: &[&str], days: ((i32, u8, u8), (i32, u8, u8))) -> Peer {
    Peer::start_as(names, days, None, |connection| {
        if head(connection).is_some() {
            finish(connection, b"HTTP/1.1 204 No Content\r\n\r\n");
        }
    })
}

/// The rest of the line behind this text.
fn behind<'a>(text: &'a str, label: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.split_once(label));
    line.unwrap_or_else(|| panic!("no {label:?} in {text}")).1
}

#[test]
fn a_good_server_is_shown_at_one_glance() {
    let server = Running::start(&["echo"]);
    let target = format!("localhost:{}", server.port());
    let output = output_of(&mut server.client(&["inspect", &target]), b"");
    let text = said(output, 0);
    assert!(text.starts_with(&format!("{target} at ")), "{text}");
    for line in [
        "\n  Trusted     yes, as localhost\n",
        "\n  Protocol    TLSv1.3\n",
        "\n  Suite       TLS_",
        "\n  ALPN        http/1.1\n",
        "\n  Resumption  yes, ",
        "\n  OCSP        nothing stapled",
        "\nSubject Common Name: localhost\n  Certificate SHA256 fingerprint: ",
        "\n  Public key ping-sha256: ",
        "\n  Names: localhost, ",
        "\n  Key: EC, P-256\n",
        " days left\n",
        "\n  Issuer: itself\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    let chain = text.matches("Subject Common Name: ").count();
    assert_eq!(chain, 3, "up to and including the root: {text}");
    assert!(!text.contains('\x1b'), "colour is for terminals: {text:?}");
}

#[test]
fn openssl_finds_the_same_fingerprints_and_pins() {
    let server = Running::start(&["echo"]);
    let place = TempDir::new().unwrap();
    let file = place.path().join("chain.pem");
    let target = format!("localhost:{}", server.port());
    let words = ["inspect", "--pem", file.to_str().unwrap(), &target];
    let text = said(output_of(&mut server.client(&words), b""), 0);
    let chain = fs::read_to_string(&file).unwrap();
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 3, "{chain}");
    let openssl = |script: &str| {
        let output = Command::new("sh").arg("-c").arg(script).arg(&file).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let print = openssl("openssl x509 -in \"$0\" -noout -fingerprint -sha256");
    assert_eq!(
        behind(&print, "Fingerprint="),
        behind(&text, "Certificate SHA256 fingerprint: ")
    );
    let key = "openssl x509 -in \"$0\" -noout -pubkey | openssl pkey -pubin -outform der";
    let pin = openssl(&format!("{key} | openssl dgst -sha256 -binary | base64"));
    assert_eq!(pin.trim_end(), behind(&text, "Pin: sha256//"));
    // The module hashes the bare point of a key on an elliptic curve: the last 65 octets.
    let point = format!("{key} | tail -c 65 | openssl dgst -sha256 -binary | base64");
    let page = openssl(&point);
    assert_eq!(page.trim_end(), behind(&text, "Public key ping-sha256: "));
}

#[test]
fn a_wrong_chain_is_shown_in_full_with_its_diagnosis() {
    let ended = ((2000, 1, 1), (2020, 1, 1));
    let early = ((2048, 1, 1), (2049, 1, 1));
    for (names, days, code, shows) in [
        (&["localhost"][..], ended, "CERT_HAS_EXPIRED", "days ago\n"),
        (&["localhost"], early, "CERT_NOT_YET_VALID", "begins in "),
        (
            &["a.example", "b.example"],
            GOOD,
            "ERR_TLS_CERT_ALTNAME_INVALID",
            "\n  Names: a.example, b.example\n",
        ),
    ] {
        let peer = server(names, days);
        let target = format!("localhost:{}", peer.port);
        let text = said(run(&["inspect", "--cacert", &peer.ca(), &target]), 3);
        assert!(text.contains("\n  Trusted     no: "), "{text}");
        for wanted in [
            code,
            shows,
            "\n  next step: ",
            "\n  Protocol    TLSv1.3\n",
            "\n  Certificate SHA256 fingerprint: ",
        ] {
            assert!(text.contains(wanted), "{wanted:?} in {text}");
        }
    }
    let peer = server(&["localhost"], GOOD);
    let text = said(run(&["inspect", &peer.url()]), 3);
    assert!(text.contains("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "{text}");
    assert!(
        text.contains("\n  Issuer: CN=Sealane test root, "),
        "{text}"
    );
}

#[test]
fn json_has_everything_under_names_that_stay() {
    let peer = server(&["localhost", "127.0.0.1"], GOOD);
    let target = format!("127.0.0.1:{}", peer.port);
    let text = said(run(&["inspect", "--json", "--ca", &peer.ca(), &target]), 0);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["host"], "127.0.0.1");
    assert_eq!(json["port"], peer.port);
    assert_eq!(json["address"], target);
    assert_eq!(json["servername"], Value::Null);
    assert_eq!(json["authorized"], true);
    assert_eq!(json["authorization_error"], Value::Null);
    assert_eq!(json["diagnosis"], Value::Null);
    assert_eq!(json["tls"]["protocol"], "TLSv1.3");
    assert_eq!(json["tls"]["cipher"], json["tls"]["standard_cipher"]);
    assert_eq!(json["tls"]["alpn"], Value::Null, "this server knows none");
    assert_eq!(json["resumption"]["resumed"], true);
    assert_eq!(json["ocsp"]["stapled"], false);
    assert_eq!(json["status"], 204);
    let chain = json["chain"].as_array().unwrap();
    assert_eq!(chain.len(), 2, "the anchor belongs to it");
    let leaf = &chain[0];
    assert_eq!(leaf["subject"]["CN"], "localhost");
    assert_eq!(leaf["issuer"], chain[1]["subject"]);
    assert_eq!(leaf["names"][0], "DNS:localhost");
    assert_eq!(leaf["names"][1], "IP Address:127.0.0.1");
    assert_eq!(leaf["valid_to"], "Jan  1 00:00:00 2049 GMT");
    assert!(leaf["days_left"].as_i64().unwrap() > 0);
    assert_eq!(leaf["key"]["kind"], "EC");
    assert_eq!(leaf["fingerprint256"].as_str().unwrap().len(), 95);
    assert_eq!(leaf["spki_sha256"].as_str().unwrap().len(), 44);
    assert_eq!(chain[1]["ca"], true);
    let text = said(run(&["inspect", "--json", &target]), 3);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["authorized"], false);
    let code = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
    assert_eq!(json["authorization_error"], code);
    assert_eq!(json["diagnosis"]["code"], code);
    assert!(json["diagnosis"]["next_step"].is_string());
}

#[test]
fn both_names_of_a_suite_and_the_versions_asked_for() {
    let server = Running::start(&["echo"]);
    let url = server.at("some/path?query");
    let words = ["inspect", "--tls-max", "1.2", &url];
    let text = said(output_of(&mut server.client(&words), b""), 0);
    assert!(text.contains("\n  Protocol    TLSv1.2\n"), "{text}");
    let suite = behind(&text, "  Suite       ");
    assert!(
        suite.starts_with("ECDHE-ECDSA-") && suite.contains(" (TLS_ECDHE_ECDSA_WITH_"),
        "{suite}"
    );
    assert!(text.contains("\n  Resumption  yes, "), "{text}");
    let words = ["inspect", "--servername", "b.example", &url];
    let text = said(output_of(&mut server.client(&words), b""), 3);
    assert!(text.contains("\n  Asked as    b.example\n"), "{text}");
    assert!(text.contains("ERR_TLS_CERT_ALTNAME_INVALID"), "{text}");
}

#[test]
fn pins_and_certificates_of_ones_own_count_as_with_get() {
    let peer = server(&["localhost"], GOOD);
    let target = format!("localhost:{}", peer.port);
    let given = ["inspect", "--cacert", &peer.ca(), &target];
    let text = said(run(&given), 0);
    let right = format!("sha256//{}", behind(&text, "  Pin: sha256//"));
    let wrong = format!("sha256//{}=", "A".repeat(43));
    let words = |pin| [&given[..], &["--pin", pin]].concat();
    let text = said(run(&words(&right)), 0);
    assert!(text.contains("\n  Pinned      yes\n"), "{text}");
    let text = said(run(&words(&wrong)), 3);
    assert!(text.contains("\n  Trusted     yes, "), "{text}");
    assert!(text.contains("\n  Pinned      no: "), "{text}");
    assert!(text.contains(&right) && text.contains(&wrong), "{text}");
    // A server that wants a certificate, and ends the connection without one.
    let place = TempDir::new().unwrap();
    let ca = TestCa::new();
    let files = ca.issue_like(&Template::server(&["me"]).for_clients());
    let files = files.write_to(place.path());
    let clients = ca.certificate_pem();
    let peer = Peer::start_as(&["localhost"], GOOD, Some(&clients), |connection| {
        if head(connection).is_some() {
            finish(connection, b"HTTP/1.1 204 No Content\r\n\r\n");
        }
    });
    let target = format!("localhost:{}", peer.port);
    let [cert, key] = [&files.cert, &files.key].map(|it| it.to_str().unwrap());
    let given = ["inspect", "--cacert", &peer.ca(), &target];
    let known = [&given[..], &["--cert", cert, "--key", key]].concat();
    assert!(said(run(&known), 0).contains("Subject Common Name: localhost"));
    let output = run(&given);
    let notes = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(notes.contains("give --cert and --key"), "{notes}");
    assert_eq!(said(output, 3), "");
}

#[test]
fn a_certificate_cannot_command_the_terminal() {
    let peer = server(&["\x1b[2J\x07evil", "localhost"], GOOD);
    let target = format!("localhost:{}", peer.port);
    for words in [
        &["inspect", &target][..],
        &["inspect", "--json", &target],
        &["inspect", "--cacert", &peer.ca(), &target],
    ] {
        let output = run(words);
        let all = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(all).unwrap();
        let raw = |letter: char| letter.is_control() && letter != '\n';
        assert!(!text.contains(raw), "{text:?}");
        assert!(text.contains("[2J") && text.contains("evil"), "{text}");
    }
}

#[test]
fn colour_is_for_terminals() {
    let server = Running::start(&["echo"]);
    let target = format!("localhost:{}", server.port());
    for (declined, wanted) in [("", true), ("1", false)] {
        let (before, behind) = terminal();
        let mut command = server.client(&["inspect", &target]);
        command.env("TERM", "xterm").env("NO_COLOR", declined);
        command.stdout(behind).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Our copy of the terminal would keep it open.
        drop(command);
        let reader = std::thread::spawn(move || shown(before));
        assert_eq!(ended(&mut child).code(), Some(0));
        let text = reader.join().unwrap();
        assert_eq!(text.contains("\x1b[32myes\x1b[0m"), wanted, "{text:?}");
        assert!(text.contains("Subject Common Name:"), "{text:?}");
    }
}

#[test]
fn the_chain_alone_on_standard_output() {
    let peer = server(&["localhost"], GOOD);
    let target = format!("localhost:{}", peer.port);
    let output = run(&["inspect", "--pem", "-", "--cacert", &peer.ca(), &target]);
    let report = String::from_utf8(output.stderr.clone()).unwrap();
    let chain = said(output, 0);
    assert!(chain.starts_with("-----BEGIN CERTIFICATE-----"), "{chain}");
    assert!(chain.contains(fs::read_to_string(peer.ca()).unwrap().trim()));
    assert!(
        report.contains("Subject Common Name: localhost"),
        "{report}"
    );
}

#[test]
fn wrong_words_and_servers_that_show_nothing() {
    let peer = server(&["localhost"], GOOD);
    let target = format!("localhost:{}", peer.port);
    let file = peer.path("taken.pem");
    fs::write(&file, "old").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("localhost:{}", taken.local_addr().unwrap().port());
    drop(taken);
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = mute.local_addr().map(|it| it.to_string()).unwrap();
    let rude = Peer::answering(b"SMTP ready\r\n\r\n");
    for (words, code, wanted) in [
        (&["inspect", "http://a.example/"][..], 2, "https://"),
        (&["inspect", "a.example:x"], 2, "0 to 65535"),
        (&["inspect", "--tls-min", "1.1", &target], 2, "1.2"),
        (&["inspect", "--pem", &file, &target], 2, "not overwritten"),
        (&["inspect", "--cacert", "/no.pem", &target], 2, "ENOENT"),
        (&["inspect", "--json", "--pem", "-", &target], 2, "--json"),
        (&["inspect", &nobody], 3, "ECONNREFUSED"),
        (
            &["inspect", "--connect-timeout", "300ms", &mute],
            3,
            "--connect-timeout",
        ),
        (&["inspect", "--ca", &rude.ca(), &rude.url()], 4, "HPE_"),
    ] {
        let output = run(words);
        let notes = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(notes.contains(wanted), "{words:?}: {notes}");
        assert_eq!(said(output, code), "", "{words:?}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
}
