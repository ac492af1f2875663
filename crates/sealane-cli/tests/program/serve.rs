//! `sealane serve`, asked by curl.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::running::Running;

/// A folder to serve, and a secret beside it.
fn place() -> TempDir {
    let place = TempDir::new().unwrap();
    let at = |name: &str| place.path().join(name);
    for folder in ["site/docs", "site/.git", "outside"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    fs::write(at("site/hello.txt"), "hello, world\n").unwrap();
    fs::write(at("site/docs/a b.md"), "# a b\n").unwrap();
    fs::write(at("site/.env"), "hidden").unwrap();
    fs::write(at("site/.git/config"), "hidden").unwrap();
    fs::write(at("outside/secret"), "secret").unwrap();
    symlink("../outside/secret", at("site/way-out")).unwrap();
    symlink("docs", at("site/way-in")).unwrap();
    let made = Command::new("mkfifo")
        .arg(at("site/pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    let file = File::options()
        .write(true)
        .open(at("site/hello.txt"))
        .unwrap();
    file.set_modified(old).unwrap();
    place
}

/// The program, serving the folder.
fn serve(place: &TempDir, more: &[&str]) -> Running {
    let site = place.path().join("site");
    Running::start(&[&["serve", site.to_str().unwrap()], more].concat())
}

#[test]
fn files_and_listings() {
    let place = place();
    let server = serve(&place, &[]);
    assert_eq!(server.text("hello.txt", &[]), "hello, world\n");
    let page = server.text("", &[]);
    for link in ["./docs/\"", "./way-in/\"", "./hello.txt\""] {
        assert!(page.contains(link), "{link}: {page}");
    }
    for name in ["way-out", "pipe", ".env", ".git"] {
        assert!(!page.contains(name), "{name}");
    }
    assert!(server.text("docs/", &[]).contains("./a%20b.md\""));
    assert_eq!(server.text("way-in/a%20b.md", &[]), "# a b\n");
    let head = server.head("docs?x=1", &[]);
    assert!(
        head.starts_with("http/1.1 307") && head.contains("location: /docs/?x=1\r\n"),
        "{head}"
    );
    assert_eq!(
        server
            .text("docs", &["--location", "--write-out", "%{num_redirects}"])
            .pop(),
        Some('1')
    );
}

#[test]
fn parts_conditions_and_heads() {
    let place = place();
    let server = serve(&place, &[]);
    assert_eq!(server.text("hello.txt", &["--range", "7-11"]), "world");
    let head = server.head("hello.txt", &["--range", "7-11"]);
    assert!(
        head.starts_with("http/1.1 206") && head.contains("content-range: bytes 7-11/13\r\n"),
        "{head}"
    );
    let head = server.head("hello.txt", &["--range", "99-"]);
    assert!(
        head.starts_with("http/1.1 416") && head.contains("content-range: bytes */13\r\n"),
        "{head}"
    );

    let head = server.head("hello.txt", &["--head"]);
    assert!(
        head.contains("content-length: 13\r\n") && head.contains("accept-ranges: bytes"),
        "{head}"
    );
    let etag = head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap();
    let condition = format!("If-None-Match: {etag}");
    assert_eq!(server.status("hello.txt", &["--header", &condition]), 304);
    let since = "If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT";
    assert_eq!(server.status("hello.txt", &["--header", since]), 304);
    let before = "If-Modified-Since: Sun, 13 Sep 2020 12:26:39 GMT";
    assert_eq!(server.status("hello.txt", &["--header", before]), 200);
    // After a 304 and a HEAD the connection is at the right place for the next request.
    let url = format!("{}hello.txt", server.url);
    let twice = ["--header", since, &url, "--next", "--silent", "--cacert"];
    let root = server.root();
    let twice = [&twice[..], &[root.to_str().unwrap()]].concat();
    assert_eq!(server.text("hello.txt", &twice), "hello, world\n");
}

#[test]
fn no_way_out() {
    let place = place();
    let server = serve(&place, &[]);
    let paths = [
        "../outside/secret",
        "docs/../../outside/secret",
        "%2e%2e/outside/secret",
        "..%2foutside%2fsecret",
        "%2e%2e%2foutside%2fsecret",
        "..%5coutside%5csecret",
        "..\\outside\\secret",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "docs//a%20b.md",
        "way-out",
        "hello.txt%00",
        "hello.txt/",
        ".env",
        "%2eenv",
        ".git/",
        ".git/config",
        "pipe",
        "way-in/../hello.txt",
    ];
    for path in paths {
        assert_eq!(server.status(path, &["--path-as-is"]), 404, "{path}");
    }
    let absolute = [
        "https://localhost/../outside/secret",
        "https://localhost//etc/passwd",
    ];
    for target in absolute {
        assert_eq!(
            server.status("", &["--path-as-is", "--request-target", target]),
            404,
            "{target}"
        );
    }
    for target in ["/%zz", "*"] {
        assert_eq!(
            server.status("", &["--request-target", target]) / 100,
            4,
            "{target}"
        );
    }
    assert_eq!(server.status("hello.txt", &[]), 200);
}

#[test]
fn private_keys_are_not_served() {
    let place = place();
    let site = place.path().join("site");
    let data = site.join(".data");
    let words = ["serve", site.to_str().unwrap(), "--hidden", "--addr", "0"];
    let server = Running::start_with(&words, &data);
    let names = ["", "/", "/root.pem", "/intermediate-key.pem"];
    for path in names.map(|name| format!(".data/local-ca{name}")) {
        assert_eq!(server.status(&path, &[]), 404, "{path}");
    }
    let page = server.text(".data/", &[]);
    assert!(!page.contains("./local-ca/"), "{page}");
    assert_eq!(server.status(".env", &[]), 200);
}

#[test]
fn hidden_names_when_asked_for() {
    let place = place();
    let server = serve(&place, &["--hidden"]);
    assert_eq!(server.text(".env", &[]), "hidden");
    assert!(server.text("", &[]).contains("./.git/\""));
    assert_eq!(server.status("way-out", &[]), 404);
}

#[test]
fn other_methods() {
    let place = place();
    let server = serve(&place, &[]);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let head = server.head("hello.txt", &["--request", method, "--data", "some body"]);
        assert!(head.starts_with("http/1.1 405"), "{method}: {head}");
        assert!(head.contains("allow: get, head\r\n"), "{head}");
    }
}

#[test]
fn large_files_come_whole_and_stay_out_of_memory() {
    let place = place();
    let octets = 64 << 20;
    let path = place.path().join("site/large.bin");
    let file = File::create(&path).unwrap();
    // Holes cost no disk; a few octets of its own tell the places apart.
    for at in [0_u64, 1 << 20, 33_333_333, octets - 8] {
        std::os::unix::fs::FileExt::write_all_at(&file, &at.to_be_bytes(), at).unwrap();
    }
    file.set_len(octets).unwrap();
    let server = serve(&place, &[]);
    assert_eq!(server.status("hello.txt", &[]), 200);
    let before = peak(server.child.id());
    let copy = place.path().join("copy");
    server.body("large.bin", &["--output", copy.to_str().unwrap()]);
    assert!(
        Command::new("cmp")
            .args([&path, &copy])
            .status()
            .unwrap()
            .success()
    );
    if let (Some(before), Some(after)) = (before, peak(server.child.id())) {
        assert!(after - before < 32 << 10, "{} KiB more", after - before);
    }
}

/// The peak of a process's resident memory in KiB, where the system tells it.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[test]
fn both_loopback_addresses_answer() {
    let place = place();
    let server = serve(&place, &[]);
    let port = server.port();
    for host in ["127.0.0.1", "[::1]"] {
        if std::net::TcpListener::bind(format!("{host}:0")).is_err() {
            continue;
        }
        let url = format!("https://{host}:{port}/hello.txt");
        let output = Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--noproxy",
                "*",
                "--max-time",
                "25",
                "--cacert",
            ])
            .arg(server.root())
            .arg(url)
            .output()
            .unwrap();
        assert_eq!(output.stdout, b"hello, world\n", "{output:?}");
    }
}
