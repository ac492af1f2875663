//! Do we agree with OpenSSL on TLS: versions, suites, groups, keys, and on what is wrong with an
//! identity? Our client against `openssl s_server`, our server against `openssl s_client`.
//!
//! Each test prints its part of a table (`--nocapture` shows it). Without openssl they are left
//! out, and that is printed.

mod support;

#[path = "tls_peers/cases.rs"]
mod cases;
#[path = "tls_peers/openssl.rs"]
mod openssl;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use cases::{CASES, Case, Role, WRONG_NAME};
use http::{Request, Response};
use openssl::{ask, is_there, knows_group, row, written};
use sealane::{
    Agent, Body, ConnectionInfo, Diagnosis, ErrorKind, Identity, Revocation, Roots, Server,
    ServerOptions, TlsInfo, TlsVersion, create_server,
};
use sealane_testkit::certificates::{KeyKind, PemIdentity, TestCa};
use support::program::Program;
use support::{Ground, body_of, facts, listen, soon};

const VERSIONS: [(TlsVersion, &str, &str); 2] = [
    (TlsVersion::V1_2, "TLSv1.2", "-tls1_2"),
    (TlsVersion::V1_3, "TLSv1.3", "-tls1_3"),
];

/// What both sides shall agree on, and who is told so.
struct Deal {
    case: String,
    version: (TlsVersion, &'static str, &'static str),
    /// The suite; `None` leaves it open.
    cipher: Option<&'static str>,
    /// The group: our name for the option, our name of the fact, and openssl's.
    group: Option<Group>,
    pem: PemIdentity,
}

#[derive(Clone, Copy)]
struct Group {
    option: &'static str,
    fact: &'static str,
    openssl: &'static str,
}

const GROUPS: [Group; 5] = [
    group("X25519", "x25519", "X25519"),
    group("P-256", "secp256r1", "prime256v1"),
    group("P-384", "secp384r1", "secp384r1"),
    group("P-521", "secp521r1", "secp521r1"),
    group("X25519MLKEM768", "X25519MLKEM768", "X25519MLKEM768"),
];

const fn group(option: &'static str, fact: &'static str, openssl: &'static str) -> Group {
    Group {
        option,
        fact,
        openssl,
    }
}

const SUITES_12: [(&str, KeyKind); 6] = [
    ("ECDHE-ECDSA-AES128-GCM-SHA256", KeyKind::P256),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", KeyKind::P256),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", KeyKind::P256),
    ("ECDHE-RSA-AES128-GCM-SHA256", KeyKind::Rsa2048),
    ("ECDHE-RSA-AES256-GCM-SHA384", KeyKind::Rsa2048),
    ("ECDHE-RSA-CHACHA20-POLY1305", KeyKind::Rsa2048),
];

const SUITES_13: [&str; 3] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];

/// Every suite, every group and every kind of key, in each version that has them.
fn deals(ca: &TestCa) -> Vec<Deal> {
    let keys = KeyKind::ALL.map(|kind| (kind, ca.issue_with_key(kind, &["localhost"])));
    let pem_of = |kind: KeyKind| {
        let (_, pem) = keys.iter().find(|(known, _)| *known == kind).unwrap();
        pem.clone()
    };
    let [older, newer] = VERSIONS;
    let suite = |version, cipher: &'static str, kind| Deal {
        case: format!("suite {cipher}"),
        version,
        cipher: Some(cipher),
        group: None,
        pem: pem_of(kind),
    };
    let mut deals: Vec<Deal> = SUITES_12
        .map(|(cipher, kind)| suite(older, cipher, kind))
        .into();
    deals.extend(SUITES_13.map(|cipher| suite(newer, cipher, KeyKind::P256)));
    for version in VERSIONS {
        let known = GROUPS.into_iter().filter(|group| {
            let is_hybrid = group.option.contains("MLKEM");
            !is_hybrid || version.0 == TlsVersion::V1_3 && knows_group(group.option)
        });
        deals.extend(known.map(|group| Deal {
            case: format!("group {}", group.option),
            version,
            cipher: None,
            group: Some(group),
            // A curve that is not offered must not be the certificate's either (RFC 8422 §5.1).
            pem: pem_of(KeyKind::Rsa2048),
        }));
        deals.extend(keys.iter().map(|(kind, pem)| Deal {
            case: format!("key {kind:?}"),
            version,
            cipher: None,
            group: None,
            pem: pem.clone(),
        }));
    }
    deals
}

impl Deal {
    /// The arguments that leave openssl no other choice.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![self.version.2];
        if let Some(cipher) = self.cipher {
            let is_newer = self.version.0 == TlsVersion::V1_3;
            arguments.push(if is_newer { "-ciphersuites" } else { "-cipher" });
            arguments.push(cipher);
        }
        if let Some(group) = self.group {
            arguments.extend(["-groups", group.option]);
        }
        arguments.into_iter().map(str::to_owned).collect()
    }

    /// Our facts are as they must be; says what was agreed on.
    fn check(&self, tls: &TlsInfo) -> String {
        assert_eq!(tls.protocol(), self.version.1, "{}", self.case);
        if let Some(cipher) = self.cipher {
            assert_eq!(tls.cipher(), cipher, "{}", self.case);
        }
        if let Some(group) = self.group {
            assert_eq!(tls.group(), Some(group.fact), "{}", self.case);
        }
        let group = tls.group().unwrap_or("no group");
        format!("agreed: {}, {group}", tls.cipher())
    }
}

#[tokio::test]
async fn our_client_agrees_with_s_server() {
    if !is_there() {
        return;
    }
    let ground = Ground::new();
    for deal in deals(ground.ca()) {
        let mut arguments = written(&ground, "server", &deal.pem);
        arguments.push("-www".to_owned());
        arguments.extend(deal.arguments());
        let server = s_server(&ground, &arguments).await;
        let mut options = ground.agent_options();
        // A key on P-521 goes with TLS 1.2 only if the group is offered (RFC 8422 §5.1).
        let wants_more = deal.case == "key P521";
        if let Some(list) = deal.group.map(|group| group.option) {
            options = options.ecdh_curve(list);
        } else if wants_more {
            options = options.ecdh_curve("X25519:P-521");
        }
        let agent = Agent::new(options).unwrap();
        let mut response = soon(agent.get(server.url("/")))
            .await
            .unwrap_or_else(|error| panic!("{}: {error:?}", deal.case));
        let page = String::from_utf8_lossy(&soon(body_of(&mut response)).await).into_owned();
        let tls = facts(&response).tls();
        let agreed = deal.check(tls);
        let said = format!("New, {}, Cipher is {}\n", tls.protocol(), tls.cipher());
        assert!(page.contains(&said), "{}: {page}", deal.case);
        assert!(tls.authorized(), "{}", deal.case);
        row("s_server", deal.version.1, &deal.case, &agreed);
    }
}

#[tokio::test]
async fn our_server_agrees_with_s_client() {
    if !is_there() {
        return;
    }
    let ground = Ground::new();
    for deal in deals(ground.ca()) {
        let mut options = ServerOptions::new(identity(&deal.pem));
        if let Some(group) = deal.group {
            options = options.ecdh_curve(group.option);
        }
        let server = Listening::start(options).await;
        let told = ask(&ground, server.address, &deal.arguments()).await;
        assert!(told.is_answered(), "{}: {}", deal.case, told.errors);
        assert_eq!(told.verdict(), "0", "{}: {}", deal.case, told.text);
        let tls = server.last();
        let agreed = deal.check(&tls);
        let said = format!("New, {}, Cipher is {}\n", tls.protocol(), tls.cipher());
        assert!(told.text.contains(&said), "{}: {}", deal.case, told.text);
        if let Some(group) = deal.group {
            let key = told.fact("Server Temp Key: ");
            assert!(key.contains(group.openssl), "{}: {key}", deal.case);
        }
        row("s_client", deal.version.1, &deal.case, &agreed);
    }
}

#[tokio::test]
async fn our_client_says_what_is_wrong_with_a_server() {
    if !is_there() {
        return;
    }
    for case in [WRONG_NAME].into_iter().chain(CASES) {
        let ground = Ground::new();
        let pem = (case.make)(ground.ca(), Role::Server);
        let mut arguments = written(&ground, "server", &pem);
        arguments.push("-www".to_owned());
        let server = s_server(&ground, &arguments).await;
        for (version, name, _) in VERSIONS {
            let options = ground
                .agent_options()
                .min_version(version)
                .max_version(version);
            let options = match (case.list)(ground.ca()) {
                Some(list) => options.crl(Revocation::from_pem(list).unwrap()),
                None => options,
            };
            let agent = Agent::new(options).unwrap();
            let error = soon(agent.get(server.url("/"))).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.code()),
                (ErrorKind::Tls, Some(case.code)),
                "{}: {error:?}",
                case.name
            );
            assert!(error.replay_safe(), "{}: nothing has left", case.name);
            let cause = case.check(error.diagnosis());
            row("s_server", name, case.name, &cause);
        }
    }
}

#[tokio::test]
async fn s_client_says_the_same_of_our_server() {
    if !is_there() {
        return;
    }
    for case in [WRONG_NAME].into_iter().chain(CASES) {
        let ground = Ground::new();
        let pem = (case.make)(ground.ca(), Role::Server);
        let server = Listening::start(ServerOptions::new(identity(&pem))).await;
        for (_, name, argument) in VERSIONS {
            let mut arguments = vec![argument.to_owned()];
            if let Some(list) = (case.list)(ground.ca()) {
                std::fs::write(ground.folder().join("list.pem"), list).unwrap();
                arguments.extend(["-crl_check", "-CRL", "list.pem"].map(str::to_owned));
            }
            let told = ask(&ground, server.address, &arguments).await;
            assert_eq!(told.verdict(), case.number, "{}: {}", case.name, told.text);
            let verdict = told.fact("Verify return code: ");
            row("s_client", name, case.name, &format!("openssl: {verdict}"));
        }
    }
}

#[tokio::test]
async fn our_server_says_what_is_wrong_with_a_client() {
    if !is_there() {
        return;
    }
    for case in CASES {
        let (ground, clients) = (Ground::new(), TestCa::new());
        let client = written(&ground, "client", &(case.make)(&clients, Role::Client));
        let list = (case.list)(&clients);
        let lenient = asking(&ground, &clients, list.as_ref()).reject_unauthorized(false);
        let lenient = Listening::start(lenient).await;
        let strict = Listening::start(asking(&ground, &clients, list.as_ref())).await;
        for (_, name, argument) in VERSIONS {
            let arguments = [&[argument.to_owned()], &client[..]].concat();
            let told = ask(&ground, lenient.address, &arguments).await;
            assert!(told.is_answered(), "{}: {}", case.name, told.errors);
            let tls = lenient.last();
            assert!(!tls.authorized(), "{}", case.name);
            assert_eq!(tls.authorization_error(), Some(case.code), "{}", case.name);
            assert!(tls.peer_certificate().is_some(), "{}", case.name);
            let cause = case.check(tls.diagnosis());

            let told = ask(&ground, strict.address, &arguments).await;
            assert!(!told.is_answered(), "{}: {}", case.name, told.text);
            assert!(strict.seen.lock().unwrap().is_empty(), "{}", case.name);
            let alert = told.alert().unwrap_or("none");
            let outcome = format!("{}: {cause}; refused, alert {alert}", case.code);
            row("s_client", name, case.name, &outcome);
        }
    }
}

#[tokio::test]
async fn our_server_knows_good_clients_and_those_without_a_certificate() {
    if !is_there() {
        return;
    }
    let (ground, clients) = (Ground::new(), TestCa::new());
    let server = Listening::start(asking(&ground, &clients, None)).await;
    let lenient = asking(&ground, &clients, None).reject_unauthorized(false);
    let lenient = Listening::start(lenient).await;
    for (_, name, argument) in VERSIONS {
        for kind in KeyKind::ALL {
            let pem = clients.issue_like(&Role::Client.template().key(kind));
            let client = written(&ground, "client", &pem);
            let arguments = [&[argument.to_owned()], &client[..]].concat();
            let told = ask(&ground, server.address, &arguments).await;
            assert!(told.is_answered(), "{kind:?}: {}", told.errors);
            let tls = server.last();
            assert!(tls.authorized(), "{:?}", tls.diagnosis());
            assert_eq!(tls.authorization_error(), None);
            let subject = tls.peer_certificate().unwrap().subject_cn();
            assert_eq!(subject, "a client");
            row(
                "s_client",
                name,
                &format!("client with {kind:?}"),
                "authorized",
            );
        }
        let without = [argument.to_owned()];
        let told = ask(&ground, server.address, &without).await;
        assert!(!told.is_answered(), "{}", told.text);
        // certificate_required: rustls says it in TLS 1.2 too.
        assert_eq!(told.alert(), Some("116"), "{}", told.errors);
        let told = ask(&ground, lenient.address, &without).await;
        assert!(told.is_answered(), "{}", told.errors);
        let tls = lenient.last();
        assert!(!tls.authorized());
        assert_eq!(tls.authorization_error(), Some("UNABLE_TO_GET_ISSUER_CERT"));
        assert!(tls.peer_certificate().is_none());
        let cause = tls.diagnosis().unwrap().cause().to_owned();
        let outcome = format!("UNABLE_TO_GET_ISSUER_CERT: {cause}; refused, alert 116");
        row("s_client", name, "client without certificate", &outcome);
    }
}

/// Arguments of an s_server that requires certificates of `clients`; writes its files.
fn requiring(ground: &Ground, clients: &TestCa) -> Vec<String> {
    ground.write_identity();
    let file = ground.folder().join("clients.pem");
    std::fs::write(file, clients.certificate_pem()).unwrap();
    let asking = "-www -Verify 3 -verify_return_error -CAfile clients.pem";
    asking.split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn our_client_is_known_by_s_server_with_each_kind_of_key() {
    if !is_there() {
        return;
    }
    let (ground, clients) = (Ground::new(), TestCa::new());
    let server = s_server(&ground, &requiring(&ground, &clients)).await;
    for kind in KeyKind::ALL {
        let pem = clients.issue_like(&Role::Client.template().key(kind));
        for (version, name, _) in VERSIONS {
            let options = ground.agent_options().max_version(version);
            // A key on P-521 goes with TLS 1.2 only if the group is offered (RFC 8422 §5.1).
            let options = match kind {
                KeyKind::P521 => options.ecdh_curve("X25519:P-256:P-521"),
                _ => options,
            };
            let agent = Agent::new(options.identity(identity(&pem))).unwrap();
            let mut response = soon(agent.get(server.url("/"))).await.unwrap();
            let page = String::from_utf8_lossy(&soon(body_of(&mut response)).await).into_owned();
            assert!(page.contains("DNS:a client"), "{kind:?}: {page}");
            let case = format!("our certificate with {kind:?}");
            row("s_server", name, &case, "known");
        }
    }
}

#[tokio::test]
async fn our_client_is_told_by_s_server_why_it_is_refused() {
    if !is_there() {
        return;
    }
    for case in CASES {
        let (ground, clients) = (Ground::new(), TestCa::new());
        let mut arguments = requiring(&ground, &clients);
        if let Some(list) = (case.list)(&clients) {
            std::fs::write(ground.folder().join("list.pem"), list).unwrap();
            arguments.extend(["-crl_check", "-CRL", "list.pem"].map(str::to_owned));
        }
        let server = s_server(&ground, &arguments).await;
        let wrong = identity(&(case.make)(&clients, Role::Client));
        for (version, name, _) in VERSIONS {
            let options = ground
                .agent_options()
                .min_version(version)
                .max_version(version)
                .identity(wrong.clone());
            let agent = Agent::new(options).unwrap();
            let error = soon(agent.get(server.url("/"))).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Tls, "{}: {error:?}", case.name);
            assert!(
                error.to_string().contains(case.alert),
                "{}: {error:?}",
                case.name
            );
            assert!(
                error.diagnosis().is_none(),
                "{}: we judged nobody",
                case.name
            );
            // A server of TLS 1.3 judges when the client's handshake is over (RFC 8446 §4.4.2.4).
            let code = match version {
                TlsVersion::V1_2 => "EPROTO".to_owned(),
                _ => alert_code(case.alert),
            };
            assert_eq!(error.code(), Some(code.as_str()), "{error:?}");
            let outcome = format!("{code}: {error}");
            let case = format!("our certificate {}", case.name);
            row("s_server", name, &case, &outcome);
        }
    }
}

impl Case {
    /// The diagnosis is of this case; gives its one line.
    fn check(&self, diagnosis: Option<&Diagnosis>) -> String {
        let diagnosis = diagnosis.unwrap_or_else(|| panic!("{}: no diagnosis", self.name));
        let text = diagnosis.to_string();
        assert_eq!(diagnosis.code(), self.code, "{text}");
        assert!(diagnosis.cause().contains(self.cause), "{text}");
        assert!(diagnosis.next_step().contains(self.step), "{text}");
        assert!(diagnosis.evidence().len() > 0, "{text}");
        diagnosis.cause().to_owned()
    }
}

/// OpenSSL's name of an alert that it got.
fn alert_code(alert: &str) -> String {
    let family = match alert {
        "unknown_ca" => "TLSV1",
        _ => "SSLV3",
    };
    format!("ERR_SSL_{family}_ALERT_{}", alert.to_uppercase())
}

/// Options of a server that asks for certificates of `clients`.
fn asking(ground: &Ground, clients: &TestCa, list: Option<&String>) -> ServerOptions {
    let options = ground
        .options()
        .request_cert(true)
        .ca(Roots::from_pem(clients.certificate_pem()).unwrap());
    match list {
        Some(list) => options.crl(Revocation::from_pem(list).unwrap()),
        None => options,
    }
}

fn identity(pem: &PemIdentity) -> Identity {
    Identity::from_pem(&pem.chain_pem, &pem.key_pem).unwrap()
}

async fn s_server(ground: &Ground, arguments: &[String]) -> Program {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    Program::openssl(ground, &arguments).await
}

/// Our server, and what it saw of its clients.
struct Listening {
    _server: Server,
    address: SocketAddr,
    seen: Arc<Mutex<Vec<TlsInfo>>>,
}

impl Listening {
    async fn start(options: ServerOptions) -> Self {
        let seen: Arc<Mutex<Vec<TlsInfo>>> = Arc::default();
        let list = Arc::clone(&seen);
        let server = create_server(options, move |request: Request<Body>| {
            let info = request.extensions().get::<ConnectionInfo>().unwrap();
            list.lock().unwrap().push(info.tls().clone());
            async { Response::new("ok") }
        });
        let server = server.unwrap();
        let address = listen(&server).await;
        Self {
            _server: server,
            address,
            seen,
        }
    }

    /// Takes what was seen last.
    fn last(&self) -> TlsInfo {
        self.seen.lock().unwrap().pop().unwrap()
    }
}
