//! `-L`: where redirects lead, what is sent there, and what is not.

use std::fs;
use std::process::Output;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use crate::peer::{Peer, body, finish, head};
use crate::running::{Running, output_of, program};

/// Runs the program where no server has made an authority.
fn run(words: &[&str], input: &[u8]) -> Output {
    let place = TempDir::new().unwrap();
    output_of(&mut program(words, &place.path().join("data")), input)
}

/// Standard error as text.
fn notes(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A server that answers each request target with what stands in a table, and remembers the
/// requests: head, then body.
fn table(lines: Vec<(&'static str, String)>) -> (Peer, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let peer = Peer::start(move |connection| {
        while let Some(head) = head(connection) {
            let content = String::from_utf8(body(connection, &head)).unwrap();
            kept.lock().unwrap().push(format!("{head}{content}"));
            let target = head.split(' ').nth(1).unwrap();
            let found = lines.iter().find(|(path, _)| *path == target);
            let answer = found.map_or("404 Not Found\r\n", |(_, answer)| answer);
            let (line, fields) = answer.split_once("\r\n").unwrap_or((answer, ""));
            let text = format!("HTTP/1.1 {line}\r\n{fields}Content-Length: 2\r\n\r\nok");
            let closes = fields.contains("Connection: close");
            if closes {
                return finish(connection, text.as_bytes());
            }
            if std::io::Write::write_all(connection, text.as_bytes()).is_err() {
                return;
            }
        }
    });
    (peer, seen)
}

/// A line of the table that leads somewhere.
fn to(status: &str, place: &str) -> String {
    format!("{status} Elsewhere\r\nLocation: {place}\r\n")
}

#[test]
fn redirects_are_followed_over_the_same_connection() {
    let (peer, seen) = table(vec![
        ("/a", to("301", "b")),
        ("/b", to("302", "/c/d?e#f")),
        ("/c/d?e", to("308", "../g")),
        ("/g", "200 OK".to_owned()),
    ]);
    let url = format!("{}a", peer.url());
    let output = run(&["get", "-L", "-v", "--cacert", &peer.ca(), &url], b"");
    assert_eq!(output.stdout, b"ok", "{output:?}");
    let said = notes(&output);
    assert_eq!(said.matches("connection: new").count(), 1, "{said}");
    assert_eq!(said.matches("connection: reused").count(), 3, "{said}");
    assert!(
        said.contains("* redirect: 302 Found, to https://localhost:"),
        "{said}"
    );
    assert_eq!(seen.lock().unwrap().len(), 4);
    let output = run(
        &["get", "-L", "-i", "-s", "--cacert", &peer.ca(), &url],
        b"",
    );
    let heads = String::from_utf8(output.stdout).unwrap();
    assert_eq!(heads.matches("HTTP/1.1 ").count(), 4, "{heads}");
    assert!(heads.ends_with("\n\nok"), "{heads}");
}

#[test]
fn a_post_becomes_a_get_or_is_said_again() {
    let (peer, seen) = table(vec![
        ("/see", to("303", "/end")),
        ("/moved", to("301", "/end")),
        ("/again", to("307", "/end")),
        ("/end", "200 OK".to_owned()),
    ]);
    let place = TempDir::new().unwrap();
    let file = place.path().join("f");
    fs::write(&file, "from a file").unwrap();
    let from_file = format!("@{}", file.display());
    for (path, words, method, content) in [
        ("see", &["-d", "text"][..], "GET", ""),
        ("moved", &["-d", "text"], "GET", ""),
        ("again", &["-d", "text"], "POST", "text"),
        (
            "again",
            &["-X", "PUT", "-d", &from_file],
            "PUT",
            "from a file",
        ),
        ("see", &["-X", "PUT", "-d", &from_file], "GET", ""),
    ] {
        let url = format!("{}{path}", peer.url());
        let ca = peer.ca();
        let words = [&["request", "-L", "--cacert", &ca, &url], words].concat();
        let output = run(&words, b"");
        assert_eq!(output.stdout, b"ok", "{words:?}: {output:?}");
        let last = seen.lock().unwrap().pop().unwrap();
        assert!(
            last.starts_with(&format!("{method} /end ")),
            "{words:?}: {last}"
        );
        let described = last.to_ascii_lowercase().contains("content-type");
        assert_eq!(described, !content.is_empty(), "{last}");
        assert!(last.ends_with(&format!("\r\n\r\n{content}")), "{last}");
    }
    let url = format!("{}again", peer.url());
    let words = [
        "request",
        "-L",
        "-d",
        "@-",
        "--cacert",
        &peer.ca(),
        &url,
        "-H",
        "Content-Length: 1",
    ];
    let output = run(&words, b"x");
    let said = notes(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("standard input is read once\nhint: "),
        "{said}"
    );
}

#[test]
fn another_origin_learns_no_secrets() {
    let (there, seen) = table(vec![("/end", "200 OK".to_owned())]);
    let end = format!("{}end", there.url());
    let (here, first) = table(vec![
        ("/away", to("302", &end)),
        ("/near", to("302", "/kept")),
        ("/kept", "200 OK".to_owned()),
    ]);
    let both = TempDir::new().unwrap();
    let roots = both.path().join("roots.pem");
    let pem = [here.ca(), there.ca()].map(|file| fs::read_to_string(file).unwrap());
    fs::write(&roots, pem.concat()).unwrap();
    let ask = |path: &str, more: &[&str]| {
        let url = format!("https://me:word@localhost:{}/{path}", here.port);
        let words = ["get", "-L", "--cacert", roots.to_str().unwrap(), &url];
        run(&[&words[..], more].concat(), b"")
    };
    let cookie = ["-H", "Cookie: a=b", "-H", "X-Other: stays"];
    let output = ask("away", &cookie);
    assert_eq!(output.stdout, b"ok", "{output:?}");
    let said = notes(&output);
    let wanted = format!(
        "note: not sent along to {end}, which is another origin: cookie, user and password of the \
         URL\n"
    );
    assert_eq!(said, wanted);
    let told = first.lock().unwrap().pop().unwrap().to_ascii_lowercase();
    assert!(
        told.contains("authorization: basic bwu6d29yza==") && told.contains("cookie"),
        "{told}"
    );
    let told = seen.lock().unwrap().pop().unwrap().to_ascii_lowercase();
    assert!(
        !told.contains("authorization") && !told.contains("cookie"),
        "{told}"
    );
    assert!(told.contains("x-other: stays"), "{told}");
    let output = ask("near", &cookie);
    assert_eq!(
        (output.stdout.as_slice(), notes(&output).as_str()),
        (&b"ok"[..], "")
    );
    let told = first.lock().unwrap().pop().unwrap().to_ascii_lowercase();
    assert!(
        told.contains("authorization") && told.contains("cookie"),
        "{told}"
    );
    // -v tells of connections, and of no secret either.
    let said = notes(&ask("away", &["-v", "-H", "Authorization: Bearer hush"]));
    assert!(
        said.contains("authorization") && !said.contains("hush"),
        "{said}"
    );
    assert!(!said.contains("word@") && !said.contains(":word"), "{said}");
}

#[test]
fn another_origin_does_not_learn_who_we_are() {
    let own = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["a client".to_owned()]).unwrap();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let cert = params.self_signed(&own).unwrap().pem();
    let days = ((2000, 1, 1), (2049, 1, 1));
    let asking = Peer::start_as(&["localhost"], days, Some(&cert), |connection| {
        if head(connection).is_some() {
            finish(
                connection,
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nknown",
            );
        }
    });
    let (here, _) = table(vec![("/", to("302", &asking.url()))]);
    let (file, key) = (here.path("client.pem"), here.path("client-key.pem"));
    fs::write(&file, cert).unwrap();
    fs::write(&key, own.serialize_pem()).unwrap();
    let roots = here.path("roots.pem");
    let pem = [here.ca(), asking.ca()].map(|file| fs::read_to_string(file).unwrap());
    fs::write(&roots, pem.concat()).unwrap();
    let words = [
        "get", "-L", "--cacert", &roots, "--cert", &file, "--key", &key,
    ];
    let output = run(&[&words[..], &[&asking.url()]].concat(), b"");
    assert_eq!(
        output.stdout, b"known",
        "asked for itself, it learns it: {output:?}"
    );
    let output = run(&[&words[..], &[&here.url()]].concat(), b"");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(
        notes(&output).contains("another origin: your certificate\n"),
        "{output:?}"
    );
}

#[test]
fn where_redirects_are_not_followed() {
    let (peer, _) = table(vec![
        ("/plain", to("302", "http://localhost/")),
        ("/circle", to("302", "/back")),
        ("/back", to("302", "/circle")),
        ("/bad", to("302", "https://a:b:c/")),
        ("/1", to("302", "2")),
        ("/2", to("302", "3")),
        ("/3", "200 OK".to_owned()),
        ("/nowhere", "302 Found\r\n".to_owned()),
    ]);
    let ask = |path: &str, more: &[&str]| {
        let url = format!("{}{path}", peer.url());
        run(
            &[&["get", "-L", "--cacert", &peer.ca(), &url], more].concat(),
            b"",
        )
    };
    for (path, more, wanted) in [
        ("plain", &[][..], "which is plain HTTP"),
        ("circle", &[], "the redirects go in a circle"),
        ("bad", &[], "is no URL"),
        ("1", &["--max-redirs", "1"], "after 1 redirects already"),
        ("1", &["--max-redirs", "0"], "after 0 redirects already"),
    ] {
        let output = ask(path, more);
        let said = notes(&output);
        assert_eq!(output.status.code(), Some(4), "{path}: {said}");
        assert!(
            said.starts_with("error: 302 Found leads to ") && said.contains(wanted),
            "{said}"
        );
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
    }
    assert_eq!(ask("1", &["--max-redirs", "2"]).stdout, b"ok");
    let output = ask("nowhere", &[]);
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), &b"ok"[..])
    );
}

#[test]
fn a_folder_is_found_through_its_redirect() {
    let place = TempDir::new().unwrap();
    fs::create_dir(place.path().join("docs")).unwrap();
    fs::write(place.path().join("docs/index.html"), "found").unwrap();
    let server = Running::start(&["serve", place.path().to_str().unwrap()]);
    let out = place.path().join("out");
    let words = ["get", "-L", "-o", out.to_str().unwrap(), &server.at("docs")];
    let output = output_of(&mut server.client(&words), b"");
    assert_eq!(notes(&output), "");
    assert_eq!(fs::read(&out).unwrap(), b"found");
}
