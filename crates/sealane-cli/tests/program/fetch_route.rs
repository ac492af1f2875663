//! The way to servers: proxies, addresses given here, Unix sockets, families.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;

use crate::running::{Running, output_of, program};

/// A proxy that opens tunnels for whoever knows the password, and remembers heads.
struct Proxy {
    /// Where it is.
    port: u16,
    /// What was asked of it.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts one that answers with this status line, and goes on when it begins with 2.
    fn start(line: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, kept) = (client.unwrap(), Arc::clone(&kept));
                thread::spawn(move || tunnel(client, line, &kept));
            }
        });
        Self { port, asked }
    }

    /// Its URL, with a password.
    fn url(&self) -> String {
        format!("http://me:hush@127.0.0.1:{}", self.port)
    }

    /// What was asked of it last.
    fn last(&self) -> Option<String> {
        self.asked.lock().unwrap().pop()
    }
}

/// Opens one tunnel.
fn tunnel(mut client: TcpStream, line: &str, asked: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        if !matches!(client.read(&mut octet), Ok(1)) {
            return;
        }
        head.push(octet[0]);
    }
    let head = String::from_utf8(head).unwrap();
    asked.lock().unwrap().push(head.clone());
    let answer = format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n");
    if !line.starts_with('2') {
        let _ = client.write_all(answer.as_bytes());
        return;
    }
    let port = head.split([' ', ':']).nth(2).unwrap();
    let server = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    client
        .write_all(format!("HTTP/1.1 {line}\r\n\r\n").as_bytes())
        .unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (server, client);
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Standard error as text.
fn notes(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_proxy_is_asked_for_a_tunnel() {
    let server = Running::start(&["echo"]);
    let proxy = Proxy::start("200 OK");
    let (url, through) = (server.at("a"), proxy.url());
    let output = output_of(
        &mut server.client(&["get", "-v", "-x", &through, &url, &url]),
        b"",
    );
    assert_eq!(output.stdout, b"GET /a 0GET /a 0", "{output:?}");
    let said = notes(&output);
    assert!(
        said.contains(&format!("new, through a proxy at 127.0.0.1:{}", proxy.port)),
        "{said}"
    );
    assert!(!said.contains("hush") && !said.contains("bWU6"), "{said}");
    let asked = proxy.last().unwrap();
    assert!(asked.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", server.port())));
    assert!(
        asked
            .to_ascii_lowercase()
            .contains("proxy-authorization: basic bwu6ahvzaa==")
    );
    assert_eq!(proxy.last(), None, "one tunnel for both");
    for words in [&["--noproxy", "localhost"][..], &["--noproxy", "*"]] {
        let words = [&["get", "-x", &through, &url], words].concat();
        assert_eq!(
            output_of(&mut server.client(&words), b"").stdout,
            b"GET /a 0"
        );
        assert_eq!(proxy.last(), None, "{words:?}");
    }
}

#[test]
fn the_environment_is_asked_where_that_is_asked_for() {
    let server = Running::start(&["echo"]);
    let proxy = Proxy::start("200 OK");
    let url = server.at("a");
    let ask = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = server.client(&[&["get", &url], words].concat());
        for name in [
            "https_proxy",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
            "no_proxy",
            "NO_PROXY",
        ] {
            command.env_remove(name);
        }
        output_of(command.envs(variables.iter().copied()), b"")
    };
    let through = proxy.url();
    let set = ("https_proxy", through.as_str());
    assert_eq!(ask(&[], &[set]).stdout, b"GET /a 0");
    assert_eq!(proxy.last(), None, "not unless asked for");
    assert_eq!(ask(&["--proxy-env"], &[set]).stdout, b"GET /a 0");
    assert!(proxy.last().is_some());
    assert_eq!(
        ask(&["--proxy-env"], &[set, ("no_proxy", "localhost")]).stdout,
        b"GET /a 0"
    );
    assert_eq!(proxy.last(), None);
    assert_eq!(
        ask(&["--proxy-env"], &[]).stdout,
        b"GET /a 0",
        "none is named, none is used"
    );
    let output = ask(&["--proxy-env"], &[("https_proxy", "ftp://me:hush@p")]);
    let said = notes(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("https_proxy") && !said.contains("hush"),
        "{said}"
    );
}

#[test]
fn a_proxy_that_refuses_is_told_with_what_to_do() {
    let data = TempDir::new().unwrap();
    let ask = |words: &[&str]| {
        let output = output_of(&mut program(words, data.path()), b"");
        let said = notes(&output);
        assert!(
            said.starts_with("error: ") && !said.contains("hush"),
            "{said}"
        );
        (output.status.code(), said)
    };
    let proxy = Proxy::start("407 Proxy Authentication Required");
    let (code, said) = ask(&["get", "-x", &proxy.url(), "https://localhost:1/"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("ERR_PROXY_TUNNEL") && said.contains("407"),
        "{said}"
    );
    assert!(
        said.contains(&format!("127.0.0.1:{}", proxy.port)),
        "{said}"
    );
    let (code, said) = ask(&["get", "-x", "ftp://me:hush@p", "https://localhost:1/"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("ERR_PROXY_INVALID_CONFIG") && said.contains("\nhint: "),
        "{said}"
    );
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, said) = ask(&[
        "get",
        "-x",
        &format!("me:hush@{nobody}"),
        "https://localhost:1/",
    ]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("ECONNREFUSED") && said.contains("the proxy"),
        "{said}"
    );
}

#[test]
fn addresses_that_are_given_are_taken() {
    let server = Running::start(&["echo"]);
    let port = server.port();
    let url = format!("https://somewhere.example:{port}/a");
    let resolve = format!("SomeWhere.example:{port}:127.0.0.1");
    let root = server.root();
    let words = [
        "get",
        "--cacert",
        root.to_str().unwrap(),
        "--servername",
        "localhost",
    ];
    let words = [&words[..], &["--resolve", &resolve, &url]].concat();
    let output = output_of(&mut server.client(&words), b"");
    assert_eq!(output.stdout, b"GET /a 0", "{output:?}");
    let data = TempDir::new().unwrap();
    for text in ["a:443", "a:b:::1", "10.0.0.1:443:10.0.0.2", "a:443:b"] {
        let words = ["get", "--resolve", text, "https://localhost:1/"];
        let output = output_of(&mut program(&words, data.path()), b"");
        assert_eq!(output.status.code(), Some(2), "{text}: {output:?}");
    }
}

#[test]
fn no_address_of_a_server_is_taken_for_its_proxy() {
    let data = TempDir::new().unwrap();
    let url = "https://somewhere.invalid:1/";
    let resolve = ["get", "--resolve", "somewhere.invalid:1:127.0.0.1", url];
    for more in [&["-x", "http://proxy.invalid:2"][..], &["--proxy-env"]] {
        let output = output_of(
            &mut program(&[&resolve[..], more].concat(), data.path()),
            b"",
        );
        let said = notes(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("cannot be used with"), "{said}");
    }
}

#[test]
fn families_and_addresses_of_ours() {
    let server = Running::start(&["echo"]);
    let url = server.at("a");
    let ask = |words: &[&str]| {
        let words = [&["get", "-o", "/dev/null", &url], words].concat();
        output_of(&mut server.client(&words), b"")
    };
    assert_eq!(ask(&["-4", "-w", "%{remote_ip}"]).stdout, b"127.0.0.1");
    let output = ask(&[
        "--local-address",
        "127.0.0.3",
        "-w",
        "%{local_ip} %{remote_ip}",
    ]);
    assert_eq!(output.stdout, b"127.0.0.3 127.0.0.1", "{output:?}");
    let output = ask(&["--interface", "192.0.2.1"]);
    let said = notes(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("192.0.2.1") && said.contains("EADDRNOTAVAIL"),
        "{said}"
    );
    assert!(
        said.contains("--local-address") && said.contains("\nhint: "),
        "{said}"
    );
    let output = ask(&["-6", "--local-address", "127.0.0.1"]);
    let said = notes(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--local-address is 127.0.0.1"), "{said}");
    assert_eq!(ask(&["-4", "-6"]).status.code(), Some(2));
    let url = format!("https://127.0.0.1:{}/", server.port());
    let said = notes(&output_of(&mut server.client(&["get", "-6", &url]), b""));
    assert!(
        said.contains("ENOTFOUND") && said.contains("hint: -4, -6 and"),
        "{said}"
    );
}

#[test]
fn a_unix_socket_stands_for_host_and_port() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("socket");
    let path = path.to_str().unwrap();
    let data = place.path().join("data");
    let server = Running::start_with(&["echo", "--unix", path], &data);
    let url = "https://localhost:1/a";
    let output = output_of(
        &mut server.client(&["get", "-v", "--unix-socket", path, url]),
        b"",
    );
    assert_eq!(output.stdout, b"GET /a 0", "{output:?}");
    let none = place.path().join("none");
    let words = ["get", "--unix-socket", none.to_str().unwrap(), url];
    let output = output_of(&mut server.client(&words), b"");
    let said = notes(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("none") && said.contains("ENOENT"), "{said}");
    let words = ["get", "--unix-socket", path, "-x", "http://p", url];
    assert_eq!(
        output_of(&mut server.client(&words), b"").status.code(),
        Some(2)
    );
}

#[test]
fn options_of_a_proxy_that_is_not_there() {
    let data = TempDir::new().unwrap();
    for name in ["--noproxy", "--proxy-cacert"] {
        let words = ["get", name, "x", "https://localhost:1/"];
        let output = output_of(&mut program(&words, data.path()), b"");
        let said = notes(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(name) && said.contains("\nhint: give --proxy or"),
            "{said}"
        );
    }
    let words = [
        "-x",
        "http://p",
        "--proxy-cacert",
        "x",
        "https://localhost:1/",
    ];
    let output = output_of(
        &mut program(&[&["get"], &words[..]].concat(), data.path()),
        b"",
    );
    let said = notes(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--proxy-cacert is for https://"), "{said}");
}
