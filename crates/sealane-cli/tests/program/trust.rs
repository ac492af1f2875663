//! Why clients believe the program: the local authority, and certificates of one's own.

use std::fs;
use std::process::{Command, Stdio};

use rcgen::generate_simple_self_signed;
use tempfile::TempDir;

use crate::running::Running;

#[test]
fn the_printed_line_works_as_it_is() {
    let place = TempDir::new().unwrap();
    let data = place.path().join("it's a \"data\" folder");
    let server = Running::start_with(&["echo", "--addr", "0"], &data);
    let line = server
        .said
        .lines()
        .find(|line| line.trim().starts_with("curl --cacert '"))
        .unwrap();
    let line = format!("{line} --silent --show-error --noproxy '*'");
    let output = Command::new("sh").arg("-c").arg(line).output().unwrap();
    assert_eq!(output.stdout, b"GET / 0", "{output:?}");
}

#[test]
fn openssl_verifies_the_chain_in_both_versions() {
    let server = Running::start(&["echo"]);
    for version in ["-tls1_2", "-tls1_3"] {
        let output = Command::new("openssl")
            .args([
                "s_client",
                version,
                "-verify_return_error",
                "-verify_hostname",
                "localhost",
            ])
            .args([
                "-servername",
                "localhost",
                "-connect",
                &format!("127.0.0.1:{}", server.port()),
            ])
            .arg("-CAfile")
            .arg(server.root())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.contains("Verify return code: 0 (ok)"),
            "{version}: {said}"
        );
        assert!(
            said.contains("depth=") || said.contains("Certificate chain"),
            "{said}"
        );
        assert!(
            !said.contains(" 2 s:"),
            "the root itself is not sent: {said}"
        );
    }
}

#[test]
fn a_second_start_keeps_the_root_and_others_do_not_trust_it() {
    let data = TempDir::new().unwrap();
    let path = data.path().join("data");
    let roots: Vec<_> = (0..2)
        .map(|_| {
            let server = Running::start_with(&["echo", "--addr", "0"], &path);
            assert_eq!(server.text("", &[]), "GET / 0");
            fs::read(server.root()).unwrap()
        })
        .collect();
    assert_eq!(roots[0], roots[1]);
    let stranger = Running::start(&["echo"]);
    let output = Command::new("curl")
        .args(["--silent", "--noproxy", "*", &stranger.url, "--cacert"])
        .arg(path.join("local-ca/root.pem"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(60), "not verified: {output:?}");
}

#[test]
fn first_starts_at_the_same_time_share_one_root() {
    let data = TempDir::new().unwrap();
    let path = data.path().join("data");
    let servers: Vec<_> = std::thread::scope(|scope| {
        let start = || Running::start_with(&["echo", "--addr", "0"], &path);
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    for server in servers {
        assert_eq!(server.text("", &[]), "GET / 0");
    }
}

#[test]
fn a_certificate_of_ones_own_serves_every_address() {
    let place = TempDir::new().unwrap();
    let names = ["files.example".to_owned(), "127.0.0.1".to_owned()];
    let made = generate_simple_self_signed(names).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| place.path().join(name));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let data = place.path().join("data");
    let words = [
        "echo",
        "--addr",
        "0.0.0.0:0",
        "--cert",
        cert.to_str().unwrap(),
        "--key",
        key.to_str().unwrap(),
    ];
    let server = Running::start_with(&words, &data);
    assert!(
        server.url.starts_with("https://files.example:"),
        "{}",
        server.url
    );
    assert!(
        server.said.contains("for files.example, 127.0.0.1\n"),
        "{}",
        server.said
    );
    assert!(!data.exists(), "no authority is made when none is needed");
    let resolve = format!("files.example:{}:127.0.0.1", server.port());
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--noproxy",
            "*",
            "--resolve",
            &resolve,
            &server.url,
            "--cacert",
        ])
        .arg(&cert)
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"GET / 0", "{output:?}");
}

#[test]
fn certificates_can_be_read_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let data = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    // The port is taken, so the program ends after it has made its authority.
    let output = Command::new("sh")
        .args([
            "-c",
            "umask 077 && exec \"$0\" echo --addr \"$1\" --data-dir \"$2\"",
        ])
        .args([env!("CARGO_BIN_EXE_sealane"), &port])
        .arg(data.path().join("data"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    for (name, wanted) in [
        ("root.pem", 0o644),
        ("intermediate.pem", 0o644),
        ("intermediate-key.pem", 0o600),
    ] {
        let path = data.path().join("data/local-ca").join(name);
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, wanted, "{name}");
    }
}
