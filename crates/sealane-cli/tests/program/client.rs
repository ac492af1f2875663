//! `sealane get` and `sealane request` against `sealane echo`, `sealane serve` and servers of the
//! test's own: what they send, what they show, whom they trust.

use std::fs;
use std::process::Output;

use tempfile::TempDir;

use crate::peer::{Peer, finish, head};
use crate::running::{Running, output_of, program};

/// Runs the program as a client of the server, to its end.
fn client(server: &Running, words: &[&str]) -> Output {
    output_of(&mut server.client(words), b"")
}

/// Runs the program where no server has made an authority.
fn stranger(words: &[&str]) -> Output {
    let place = TempDir::new().unwrap();
    output_of(&mut program(words, &place.path().join("data")), b"")
}

/// Standard output as text, after an end without failure.
fn text(output: Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error as text.
fn notes(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What `sealane echo` saw of a request.
fn seen(server: &Running, words: &[&str], input: &[u8]) -> serde_json::Value {
    let url = server.at("x");
    let words = [&["request", "-H", "Accept: application/json", &url], words].concat();
    let output = output_of(&mut server.client(&words), input);
    serde_json::from_str(&text(output)).unwrap()
}

/// The values of a field in what was seen.
fn values(seen: &serde_json::Value, name: &str) -> Vec<String> {
    let fields = seen["fields"].as_array().unwrap();
    let is = |field: &&serde_json::Value| {
        let found = field[0].as_str().unwrap();
        found.eq_ignore_ascii_case(name)
    };
    let named = fields.iter().filter(is);
    named
        .map(|field| field[1].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn bodies_come_one_after_the_other_and_nothing_else() {
    let server = Running::start(&["echo"]);
    let [a, b] = ["a?b", "bytes/300000"].map(|path| server.at(path));
    let output = client(&server, &["get", &a, &b, &a]);
    assert_eq!(notes(&output), "");
    let wanted = "GET /a?b 0".len();
    assert_eq!(&output.stdout[..wanted], b"GET /a?b 0");
    let octets = &output.stdout[wanted..wanted + 300_000];
    let whole = octets
        .iter()
        .enumerate()
        .all(|(at, octet)| at % 251 == usize::from(*octet));
    assert!(whole);
    assert_eq!(&output.stdout[wanted + 300_000..], b"GET /a?b 0");
}

#[test]
fn facts_of_connections_are_told() {
    let server = Running::start(&["echo"]);
    let url = server.at("");
    let output = client(&server, &["get", "-v", &url, &url]);
    let said = notes(&output);
    let port = server.port();
    assert!(
        said.starts_with("* connection: new, to 127.0.0.1:") || said.contains("[::1]"),
        "{said}"
    );
    assert!(said.contains(&format!(":{port}, from ")), "{said}");
    assert!(said.contains("* TLS: TLSv1.3, TLS_"), "{said}");
    assert!(
        said.contains(", ALPN http/1.1, session new\n* authorized: yes\n"),
        "{said}"
    );
    assert!(said.contains("* connection: reused, to "), "{said}");
    let output = client(
        &server,
        &["get", "-v", "-H", "Connection: close", &url, &url],
    );
    let said = notes(&output);
    assert_eq!(said.matches("* connection: new").count(), 2, "{said}");
    assert!(said.contains(", session resumed\n"), "{said}");
    let output = client(&server, &["get", "-kv", "--cacert", "/dev/null", &url]);
    assert_eq!(
        output.status.code(),
        Some(2),
        "a file without certificates: {output:?}"
    );
}

#[test]
fn the_head_is_shown_as_it_came_and_escaped() {
    let peer = Peer::answering(
        b"HTTP/1.1 202 what\xe4ver\r\nX-OddCase: 1\r\nB: caf\xe9\t\xc2\x9b\r\nx-oddcase: 2\r\n\
          Content-Length: 2\r\n\r\nok",
    );
    let output = stranger(&["get", "-i", "--cacert", &peer.ca(), &peer.url()]);
    let said = text(output);
    let wanted = "HTTP/1.1 202 what\\xe4ver\nX-OddCase: 1\n\
                  B: caf\\xe9\\t\\u{9b}\nx-oddcase: 2\nContent-Length: 2\n\nok";
    assert_eq!(said, wanted);
    let file = peer.path("body");
    let output = stranger(&[
        "get",
        "-i",
        "-o",
        &file,
        "--cacert",
        &peer.ca(),
        &peer.url(),
    ]);
    assert!(
        text(output).ends_with("Content-Length: 2\n\n"),
        "the head alone"
    );
    assert_eq!(fs::read(&file).unwrap(), b"ok", "the body alone");
}

#[test]
fn a_file_gets_the_body() {
    let server = Running::start(&["echo"]);
    let place = TempDir::new().unwrap();
    let file = place.path().join("f");
    fs::write(&file, "old").unwrap();
    let words = [
        "get",
        "-o",
        file.to_str().unwrap(),
        &server.at("bytes/100000"),
    ];
    let output = client(&server, &words);
    assert_eq!(
        (notes(&output), text(output)),
        (String::new(), String::new())
    );
    assert_eq!(fs::read(&file).unwrap().len(), 100_000);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    let output = client(&server, &["get", "-o", "-", &server.at("a")]);
    assert_eq!(text(output), "GET /a 0");
    let output = client(&server, &["get", "-o", "/dev/null", &server.at("big")]);
    assert_eq!(text(output), "");
}

#[test]
fn methods_and_bodies_arrive() {
    let server = Running::start(&["echo"]);
    let line = |words: &[&str], input: &[u8]| {
        let url = server.at("x");
        text(output_of(
            &mut server.client(&[&["request", &url], words].concat()),
            input,
        ))
    };
    assert_eq!(line(&[], b""), "GET /x 0");
    assert_eq!(line(&["-d", "hello"], b""), "POST /x 5");
    assert_eq!(line(&["-X", "PATCH", "--data", ""], b""), "PATCH /x 0");
    assert_eq!(line(&["-X", "BREW"], b""), "BREW /x 0");
    assert_eq!(line(&["-X", "HEAD"], b""), "");
    let place = TempDir::new().unwrap();
    let file = place.path().join("f");
    fs::write(&file, vec![b'x'; 300_000]).unwrap();
    let from_file = format!("@{}", file.display());
    assert_eq!(line(&["-X", "PUT", "-d", &from_file], b""), "PUT /x 300000");
    let input = vec![b'y'; 1_000_000];
    assert_eq!(line(&["-d", "@-"], &input), "POST /x 1000000");
    assert_eq!(line(&["-d", "@-"], b""), "POST /x 0");
}

#[test]
fn what_is_said_along_with_a_body() {
    let server = Running::start(&["echo"]);
    let form = "application/x-www-form-urlencoded";
    let told = seen(&server, &["-d", "a=b"], b"");
    assert_eq!(values(&told, "content-type"), [form]);
    assert_eq!(values(&told, "content-length"), ["3"]);
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let told = seen(
        &server,
        &["-d", "@-", "-H", "CONTENT-TYPE: text/plain"],
        b"abc",
    );
    assert_eq!(values(&told, "content-type"), ["text/plain"]);
    assert_eq!(values(&told, "content-length"), [""; 0]);
    assert_eq!(values(&told, "transfer-encoding"), ["chunked"]);
    assert_eq!(told["body"]["sha256"], abc);
    let told = seen(
        &server,
        &["-H", "X-A: 1", "-H", "x-a: 2", "-H", "User-Agent: me"],
        b"",
    );
    assert_eq!(values(&told, "x-a"), ["1", "2"]);
    assert_eq!(values(&told, "user-agent"), ["me"]);
    assert_eq!(
        values(&told, "accept"),
        ["application/json"],
        "not ours as well"
    );
    assert_eq!(values(&told, "content-type"), [""; 0]);
    let told = seen(&server, &[], b"");
    let ours = concat!("sealane/", env!("CARGO_PKG_VERSION"));
    assert_eq!(values(&told, "user-agent"), [ours]);
}

#[test]
fn the_local_authority_is_trusted_for_this_machine() {
    let server = Running::start(&["echo"]);
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}/", server.port());
        assert_eq!(text(client(&server, &["get", &url])), "GET / 0");
    }
    let url = server.at("");
    let root = server.root();
    let root = root.to_str().unwrap();
    assert_eq!(text(stranger(&["get", "--cacert", root, &url])), "GET / 0");
    let data = server.root().parent().unwrap().parent().unwrap().to_owned();
    let data = data.to_str().unwrap();
    assert_eq!(
        text(stranger(&["get", "--data-dir", data, &url])),
        "GET / 0"
    );
    // Given roots replace all others.
    let peer = Peer::answering(b"");
    let output = client(&server, &["get", "--cacert", &peer.ca(), &url]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        notes(&output).contains("  trust anchor: none of the 1 that are given"),
        "{output:?}"
    );
}

#[test]
fn one_local_url_does_not_make_the_local_authority_trusted_for_another() {
    let server = Running::start(&["echo"]);
    let local = server.at("");
    // It leads to this machine too, but no local name says so.
    let other = format!("https://0.0.0.0:{}/", server.port());
    for urls in [[&local, &other], [&other, &local]] {
        let output = client(&server, &["get", urls[0], urls[1]]);
        assert_eq!(output.stdout, b"GET / 0");
        assert_eq!(output.status.code(), Some(3));
        let said = notes(&output);
        assert!(
            said.contains("[UNABLE_TO_GET_ISSUER_CERT_LOCALLY]"),
            "{said}"
        );
    }
}

#[test]
fn an_authority_open_to_others_is_not_trusted() {
    use std::os::unix::fs::PermissionsExt;
    let server = Running::start(&["echo"]);
    fs::set_permissions(server.root(), fs::Permissions::from_mode(0o666)).unwrap();
    let output = client(&server, &["get", &server.at("")]);
    let said = notes(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.starts_with("note: ") && said.contains("its mode is 0666"),
        "{said}"
    );
}

#[test]
fn a_self_signed_certificate_of_ours_is_its_own_anchor() {
    let place = TempDir::new().unwrap();
    let at = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let (cert, key) = (at("localhost.pem"), at("localhost-key.pem"));
    for kind in [&[][..], &["--rsa"]] {
        let folder = at("");
        let words = [&["cert", "localhost", "--out-dir", &folder], kind].concat();
        text(stranger(&words));
        let server = Running::start(&["echo", "--cert", &cert, "--key", &key]);
        let url = server.at("");
        assert_eq!(text(stranger(&["get", "--cacert", &cert, &url])), "GET / 0");
        let output = stranger(&["get", &url]);
        let said = notes(&output);
        assert_eq!(output.status.code(), Some(3));
        assert!(said.contains("DEPTH_ZERO_SELF_SIGNED_CERT"), "{said}");
        assert!(
            said.contains("hint: ") && said.contains("--cacert FILE"),
            "{said}"
        );
        fs::remove_file(&cert).unwrap();
        fs::remove_file(&key).unwrap();
    }
}

#[test]
fn insecure_is_loud_even_when_silent() {
    let peer = Peer::answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    for words in [&["-k"][..], &["--insecure", "-s"]] {
        let output = stranger(&[&["get", &peer.url()], words].concat());
        let said = notes(&output);
        assert_eq!(text(output), "ok");
        assert!(said.starts_with("warning: --insecure: "), "{said}");
        let code = "warning: --insecure: UNABLE_TO_VERIFY_LEAF_SIGNATURE was ignored\n";
        assert!(said.contains(code), "{said}");
    }
    let output = stranger(&["get", "-k", "--cacert", &peer.ca(), &peer.url()]);
    let said = notes(&output);
    assert!(
        said.starts_with("warning: --insecure: ") && !said.contains("ignored"),
        "{said}"
    );
}

#[test]
fn a_client_certificate_is_shown_when_asked_for() {
    let own = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["a client".to_owned()]).unwrap();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let cert = params.self_signed(&own).unwrap().pem();
    let days = ((2000, 1, 1), (2049, 1, 1));
    let peer = Peer::start_as(&["localhost"], days, Some(&cert), |connection| {
        if head(connection).is_some() {
            let known = connection.conn.peer_certificates().is_some();
            let body: &[u8] = if known { b"known" } else { b"a stranger" };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            finish(connection, &[head.as_bytes(), body].concat());
        }
    });
    let (file, key) = (peer.path("client.pem"), peer.path("client-key.pem"));
    fs::write(&file, cert).unwrap();
    fs::write(&key, own.serialize_pem()).unwrap();
    let words = ["get", "--cacert", &peer.ca(), &peer.url()];
    let shown = [&words[..], &["--cert", &file, "--key", &key]].concat();
    assert_eq!(text(stranger(&shown)), "known");
    let output = stranger(&words);
    let said = notes(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("hint: the server wants a certificate of yours"),
        "{said}"
    );
    let wrong = [&words[..], &["--cert", &file, "--key", &file]].concat();
    assert_eq!(stranger(&wrong).status.code(), Some(2));
}

#[test]
fn redirects_are_told_and_not_followed_unasked() {
    let place = TempDir::new().unwrap();
    fs::create_dir(place.path().join("docs")).unwrap();
    let server = Running::start(&["serve", place.path().to_str().unwrap()]);
    let url = server.at("docs");
    let output = client(&server, &["get", &url]);
    let wanted = "note: 307 Temporary Redirect leads to /docs/; -L follows it\n";
    assert_eq!(notes(&output), wanted);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(notes(&client(&server, &["get", "-s", &url])), "");
}

#[test]
fn odd_heads_are_taken_by_those_who_ask() {
    let peer = Peer::answering(b"HTTP/1.1 200 OK\nContent-Length: 2\nX: a\n b\n\nhi");
    let url = peer.url();
    let strict = stranger(&["get", "--cacert", &peer.ca(), &url]);
    assert_eq!(strict.status.code(), Some(4));
    let lenient = stranger(&[
        "get",
        "--insecure-http-parser",
        "--cacert",
        &peer.ca(),
        &url,
    ]);
    assert_eq!(lenient.stdout, b"hi");
}
