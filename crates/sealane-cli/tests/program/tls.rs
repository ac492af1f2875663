//! Options of TLS at both ends: `sealane get` against `sealane echo`, each flag where it shows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use sealane_testkit::certificates::{KeyKind, ListTemplate, Template, TestCa};
use serde_json::Value;
use tempfile::TempDir;

use crate::running::{Running, output_of, program};

/// A folder with an authority and what it issued.
struct Place {
    /// The folder.
    folder: TempDir,
    /// The authority.
    ca: TestCa,
}

impl Place {
    /// Makes the authority, and `server.pem` with its key.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let ca = TestCa::new();
        ca.write_to(folder.path());
        let place = Self { folder, ca };
        place.issue("server", &Template::server(&["localhost"]));
        place
    }

    /// A path in the folder.
    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Issues a certificate into NAME.pem and NAME-key.pem.
    fn issue(&self, name: &str, template: &Template) {
        let issued = self.ca.issue_like(template);
        fs::write(self.at(&format!("{name}.pem")), issued.chain_pem).unwrap();
        fs::write(self.at(&format!("{name}-key.pem")), issued.key_pem).unwrap();
    }

    /// Writes a file that its owner alone can read.
    fn secret(&self, name: &str, octets: &[u8]) -> String {
        let path = self.at(name);
        fs::write(&path, octets).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Starts `echo` with `server.pem` and these words.
    fn echo(&self, words: &[&str]) -> Running {
        let pair = [self.at("server.pem"), self.at("server-key.pem")];
        let own = ["echo", "--cert", &pair[0], "--key", &pair[1]];
        Running::start(&[&own, words].concat())
    }

    /// Asks a server for JSON, trusting the authority.
    fn get(&self, server: &Running, words: &[&str]) -> Output {
        let url = format!("https://localhost:{}/", server.port());
        let ca = self.at("ca.pem");
        let own = [
            "get",
            "-H",
            "Accept: application/json",
            "--cacert",
            &ca,
            &url,
        ];
        let words = [&own, words].concat();
        let mut command = program(&words, &self.folder.path().join("data"));
        output_of(command.env_remove("SSLKEYLOGFILE"), b"")
    }

    /// What TLS was like by the answer to that.
    fn tls(&self, server: &Running, words: &[&str]) -> Value {
        let output = self.get(server, words);
        assert_eq!(output.status.code(), Some(0), "{}", notes(&output));
        let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
        whole["tls"].clone()
    }

    /// What is said when that fails with this code.
    fn refused(&self, server: &Running, words: &[&str], code: i32) -> String {
        let output = self.get(server, words);
        let said = notes(&output);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        said
    }
}

/// Standard error as text.
fn notes(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs openssl, which must be content.
fn openssl(words: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    output.stdout
}

#[test]
fn parameters_of_either_end_decide() {
    let place = Place::new();
    let server = place.echo(&[]);
    assert_eq!(
        place.tls(&server, &["--tls-max", "1.2"])["protocol"],
        "TLSv1.2"
    );
    let suite = "ECDHE-ECDSA-AES256-GCM-SHA384";
    let tls = place.tls(&server, &["--tls-max=1.2", "--ciphers", suite]);
    assert_eq!(tls["cipher"], suite);
    let standard = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    assert_eq!(tls["standard_cipher"], standard);
    let tls = place.tls(
        &server,
        &["--tls-min=1.3", "--ciphers=TLS_CHACHA20_POLY1305_SHA256"],
    );
    assert_eq!(tls["cipher"], "TLS_CHACHA20_POLY1305_SHA256");
    let group = |words: &[&str]| place.tls(&server, words)["group"].to_string();
    assert_ne!(
        group(&["--curves", "P-384"]),
        group(&["--curves", "X25519"])
    );
    let said = place.refused(&server, &["--sigalgs", "rsa_pss_rsae_sha256"], 3);
    assert!(
        said.starts_with("error: "),
        "the certificate has a key on P-256: {said}"
    );
    for words in [
        ["--ciphers", "NO-SUCH-SUITE"],
        ["--curves", "no-such-group"],
        ["--sigalgs", "no-such-scheme"],
    ] {
        let said = place.refused(&server, &words, 2);
        assert!(said.contains(words[0]), "{said}");
    }

    let strict = place.echo(&["--tls-min", "1.3", "--curves", "P-384"]);
    place.refused(&strict, &["--tls-max", "1.2"], 3);
    place.refused(&strict, &["--curves", "X25519"], 3);
    assert_eq!(place.tls(&strict, &[])["protocol"], "TLSv1.3");
    let older = place.echo(&[
        "--tls-max=1.2",
        "--ciphers",
        suite,
        "--sigalgs=ECDSA+SHA256",
    ]);
    assert_eq!(place.tls(&older, &[])["cipher"], suite);
}

#[test]
fn a_pin_holds_whatever_the_authority_signs() {
    let place = Place::new();
    let server = place.echo(&[]);
    let der = place.at("server.der");
    openssl(&[
        "x509",
        "-in",
        &place.at("server.pem"),
        "-outform",
        "der",
        "-out",
        &der,
    ]);
    let said = openssl(&[
        "x509",
        "-in",
        &place.at("server.pem"),
        "-noout",
        "-fingerprint",
        "-sha256",
    ]);
    let said = String::from_utf8(said).unwrap();
    let fingerprint = said.trim().split_once('=').unwrap().1;
    place.tls(&server, &["--pin", fingerprint]);
    let wrong = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let said = place.refused(&server, &["--pin", wrong], 3);
    // The refusal says what there is instead, ready to be given.
    let at = said.find("sha256//").unwrap();
    let found = said[at..]
        .split("sha256//")
        .map(|part| part.get(..44).unwrap_or_default());
    let found = found.map(|base64| format!("sha256//{base64}"));
    let found: Vec<_> = found
        .filter(|pin| pin.len() == 52 && pin != wrong)
        .collect();
    assert!(!found.is_empty(), "{said}");
    place.tls(&server, &["--pin", wrong, "--pin", &found[0]]);
}

#[test]
fn another_name_is_asked_for_and_proved() {
    let place = Place::new();
    let server = place.echo(&[]);
    let said = place.refused(&server, &["--servername", "other.example"], 3);
    assert!(said.contains("ERR_TLS_CERT_ALTNAME_INVALID"), "{said}");
    place.issue("server", &Template::server(&["other.example"]));
    let server = place.echo(&[]);
    let tls = place.tls(&server, &["--servername", "other.example"]);
    assert_eq!(tls["servername"], "other.example");
}

#[test]
fn an_intermediate_is_an_anchor_only_when_that_is_said() {
    let place = Place::new();
    let middle = place.ca.intermediate();
    let issued = middle.issue(&["localhost"]);
    fs::write(place.at("server.pem"), issued.chain_pem).unwrap();
    fs::write(place.at("server-key.pem"), issued.key_pem).unwrap();
    let server = place.echo(&[]);
    fs::write(place.at("ca.pem"), middle.certificate_pem()).unwrap();
    place.refused(&server, &[], 3);
    place.tls(&server, &["--allow-partial-chain"]);
}

#[test]
fn secrets_are_logged_loudly_at_both_ends() {
    let place = Place::new();
    let logs = ["server.log", "client.log", "environment.log"].map(|name| place.at(name));
    let server = place.echo(&["--keylog", &logs[0]]);
    server.wait_for_note("warning: --keylog: the secrets of every connection go to ");
    let output = place.get(&server, &["-s", "--keylog", &logs[1]]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        notes(&output).starts_with("warning: --keylog: "),
        "{output:?}"
    );
    let [ours, theirs] = [&logs[1], &logs[0]].map(|log| fs::read_to_string(log).unwrap());
    assert!(ours.contains("CLIENT_TRAFFIC_SECRET_0 "), "{ours}");
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&ours), sorted(&theirs));
    let mode = fs::metadata(&logs[1]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let (url, ca) = (
        format!("https://localhost:{}/", server.port()),
        place.at("ca.pem"),
    );
    let words = ["get", "--cacert", &ca, &url];
    let data = place.folder.path().join("data");
    let asked = |log: &str| output_of(program(&words, &data).env("SSLKEYLOGFILE", log), b"");
    let output = asked(&logs[2]);
    assert!(
        notes(&output).starts_with("warning: SSLKEYLOGFILE: "),
        "{output:?}"
    );
    assert!(
        fs::read_to_string(&logs[2])
            .unwrap()
            .contains("CLIENT_RANDOM")
            || fs::metadata(&logs[2]).unwrap().len() > 0
    );
    let output = asked("/no/such/folder/log");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(notes(&output).contains("nothing is logged"), "{output:?}");
    assert_eq!(notes(&asked("")), "");
    place.refused(&server, &["--keylog", "/no/such/folder/log"], 2);
}

#[test]
fn clients_prove_themselves_as_the_policy_says() {
    let place = Place::new();
    place.issue(
        "alice",
        &Template::server(&["alice"])
            .for_clients()
            .common_name("alice"),
    );
    let stranger = TestCa::new().issue_like(&Template::server(&["eve"]).for_clients());
    fs::write(place.at("eve.pem"), stranger.chain_pem).unwrap();
    fs::write(place.at("eve-key.pem"), stranger.key_pem).unwrap();
    let files = [
        "ca.pem",
        "alice.pem",
        "alice-key.pem",
        "eve.pem",
        "eve-key.pem",
    ];
    let [ca, alice, alice_key, eve, eve_key] = files.map(|name| place.at(name));
    let alice = ["--cert", &alice, "--key", &alice_key];
    let eve = ["--cert", &eve, "--key", &eve_key];

    let required = place.echo(&["--client-ca", &ca]);
    let said = place.refused(&required, &[], 3);
    assert!(
        said.contains("the server wants a certificate of yours"),
        "{said}"
    );
    place.refused(&required, &eve, 3);
    let client = place.tls(&required, &alice)["client"].clone();
    assert_eq!(client["authorized"], true);
    assert_eq!(client["subject"][0], serde_json::json!(["CN", "alice"]));
    assert_eq!(client["fingerprint256"].as_str().unwrap().len(), 95);

    let optional = place.echo(&["--client-ca", &ca, "--client-cert", "optional"]);
    assert_eq!(place.tls(&optional, &[])["client"], Value::Null);
    assert_eq!(place.tls(&optional, &alice)["client"]["authorized"], true);
    place.refused(&optional, &eve, 3);

    let any = place.echo(&["--client-ca", &ca, "--client-cert", "unverified"]);
    let client = place.tls(&any, &eve)["client"].clone();
    assert_eq!(client["authorized"], false);
    assert!(
        client["error"].as_str().unwrap().starts_with("UNABLE_TO_"),
        "{client}"
    );
}

#[test]
fn pkcs12_and_encrypted_keys_open_with_their_passphrase() {
    let place = Place::new();
    let pass = place.secret("pass", b"sample\n");
    let out = place.folder.path().to_str().unwrap().to_owned();
    let pfx = place.at("made.pfx");
    let words = ["cert", "localhost", "--out-dir", &out, "--pfx", &pfx];
    let data = place.folder.path().join("data");
    let run = |words: &[&str], input: &[u8]| output_of(&mut program(words, &data), input);
    assert_eq!(
        run(&words, b"").status.code(),
        Some(2),
        "a passphrase is needed"
    );
    let empty = [&words[..], &["--passphrase-file", "-"]].concat();
    let output = run(&empty, b"\n");
    assert!(
        notes(&output).contains("the passphrase is empty"),
        "{output:?}"
    );
    let output = run(&[&words[..], &["--passphrase-file", &pass]].concat(), b"");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!place.folder.path().join("localhost-key.pem").exists());
    assert_eq!(
        fs::metadata(&pfx).unwrap().permissions().mode() & 0o777,
        0o600
    );
    openssl(&["pkcs12", "-in", &pfx, "-passin", "pass:sample", "-noout"]);

    let server = Running::start(&["echo", "--pfx", &pfx, "--passphrase-file", &pass]);
    let url = format!("https://localhost:{}/", server.port());
    let trusted = place.at("localhost.pem");
    let output = run(&["get", "--cacert", &trusted, &url], b"");
    assert_eq!(output.stdout, b"GET / 0", "{output:?}");

    let wrong = place.secret("wrong", b"Sample\n");
    let output = run(
        &[
            "echo",
            "--addr=0",
            "--pfx",
            &pfx,
            "--passphrase-file",
            &wrong,
        ],
        b"",
    );
    assert!(notes(&output).contains("mac verify failure"), "{output:?}");
    let output = run(&["echo", "--addr=0", "--pfx", &pfx], b"");
    assert!(
        notes(&output).contains("hint: give its passphrase"),
        "{output:?}"
    );
}

#[test]
fn a_client_s_encrypted_key_opens_with_the_first_line_of_standard_input() {
    let place = Place::new();
    let data = place.folder.path().join("data");
    let run = |words: &[&str], input: &[u8]| output_of(&mut program(words, &data), input);
    place.issue("alice", &Template::server(&["alice"]).for_clients());
    let files = ["alice.pem", "alice-key.pem", "locked.pem", "ca.pem"];
    let [cert, key, locked, ca] = files.map(|name| place.at(name));
    openssl(&[
        "pkcs8",
        "-topk8",
        "-in",
        &key,
        "-out",
        &locked,
        "-passout",
        "pass:sample",
    ]);
    let server = place.echo(&["--client-ca", &ca]);
    let url = format!("https://localhost:{}/", server.port());
    let own = ["--cert", &cert, "--key", &locked, "--passphrase-file", "-"];
    let output = run(
        &[&["get", "--cacert", &ca, &url], &own[..]].concat(),
        b"sample\nrest",
    );
    assert_eq!(output.stdout, b"GET / 0", "{output:?}");
    let both = [&["request", "-d@-", "--cacert", &ca, &url], &own[..]].concat();
    let output = run(&both, b"sample\n");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn rsa_stands_beside_ecdsa() {
    let place = Place::new();
    let rsa = Template::server(&["localhost"]).key(KeyKind::Rsa2048);
    place.issue("rsa", &rsa);
    let [cert, key] = ["rsa.pem", "rsa-key.pem"].map(|name| place.at(name));
    let server = place.echo(&["--cert", &cert, "--key", &key]);
    place.tls(
        &server,
        &["--sigalgs", "rsa_pss_rsae_sha256:RSA+SHA256:ECDSA+SHA256"],
    );
    let address = format!("localhost:{}", server.port());
    for suite in [
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ] {
        let words = [
            "s_client", "-tls1_2", "-connect", &address, "-cipher", suite,
        ];
        let output = output_of(Command::new("openssl").args(words), b"");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(&format!("Cipher is {suite}")), "{said}");
    }
}

#[test]
fn certificates_out_of_their_time_are_served_with_a_warning() {
    let place = Place::new();
    let old = Template::server(&["localhost"]).between((2000, 1, 1), (2020, 1, 1));
    place.issue("server", &old);
    let server = place.echo(&[]);
    server.wait_for_note("ended on 2020-01-01; clients refuse it");
    let said = place.refused(&server, &[], 3);
    assert!(
        said.contains("CERT_HAS_EXPIRED") && said.contains("\n  next step: "),
        "{said}"
    );
}

#[test]
fn tickets_outlive_a_server_that_keeps_its_keys() {
    let place = Place::new();
    let keys = place.at("tickets");
    fs::write(&keys, [7; 48]).unwrap();
    let session = place.at("session");
    let resume = |server: &Running, words: &[&str]| {
        let address = format!("localhost:{}", server.port());
        let own = [
            "s_client",
            "-connect",
            &address,
            "-tls1_2",
            "-servername",
            "localhost",
        ];
        let output = output_of(Command::new("openssl").args(own).args(words), b"");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let server = place.echo(&["--ticket-keys", &keys]);
    server.wait_for_note("everybody on this machine can read the keys of tickets");
    resume(&server, &["-sess_out", &session]);
    drop(server);
    let again = place.echo(&["--ticket-keys", &keys]);
    assert!(resume(&again, &["-sess_in", &session]).contains("Reused, TLSv1.2"));
    let other = place.echo(&[]);
    assert!(resume(&other, &["-sess_in", &session]).contains("New, TLSv1.2"));
    fs::write(&keys, [7; 47]).unwrap();
    let words = ["echo", "--addr=0", "--ticket-keys", &keys];
    let output = output_of(&mut program(&words, &place.folder.path().join("data")), b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(notes(&output).contains("are not 48 octets"), "{output:?}");
}

#[test]
fn revoked_certificates_are_refused_at_either_end() {
    let place = Place::new();
    place.issue("server", &Template::server(&["localhost"]).serial(7));
    place.issue(
        "alice",
        &Template::server(&["alice"]).for_clients().serial(8),
    );
    let lists = [("none", 1), ("server", 7), ("alice", 8)];
    let [none, server_crl, alice_crl] = lists.map(|(name, number)| {
        let path = place.at(&format!("{name}.crl"));
        fs::write(&path, place.ca.list(&ListTemplate::new().revokes(number))).unwrap();
        path
    });
    let server = place.echo(&[]);
    place.tls(&server, &["--crl", &none]);
    let said = place.refused(&server, &["--crl", &server_crl], 3);
    assert!(said.contains("CERT_REVOKED"), "{said}");
    place.refused(&server, &["--crl", "/no/such.crl"], 2);

    let files = ["ca.pem", "alice.pem", "alice-key.pem"];
    let [ca, cert, key] = files.map(|name| place.at(name));
    let alice = ["--cert", &cert, "--key", &key];
    let server = place.echo(&["--client-ca", &ca, "--client-crl", &none]);
    assert_eq!(place.tls(&server, &alice)["client"]["authorized"], true);
    let server = place.echo(&["--client-ca", &ca, "--client-crl", &alice_crl]);
    place.refused(&server, &alice, 3);
}
