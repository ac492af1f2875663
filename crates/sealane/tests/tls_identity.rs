//! Who is the peer: pins, the caller's own check and revocation, on full and resumed handshakes.

mod support;

use std::error::Error as StdError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealane::{
    Agent, AgentOptions, Error, ErrorKind, Identity, IdentityCheck, IdentityError, PeerCertificate,
    Pin, Pins, RequestOptions, Revocation, Roots, SecureContextOptions, ServerOptions, TlsVersion,
    check_server_identity,
};
use sealane_testkit::certificates::{KeyKind, ListTemplate, PemIdentity, Template, TestCa};
use support::asking::fetch;
use support::counted::{Count, Counted};
use support::scripted::{TLS12, TLS13, recorder, server_config};
use support::{Ground, body_of, facts, soon};
use tokio_rustls::rustls::pki_types::CertificateDer;

const VERSIONS: [TlsVersion; 2] = [TlsVersion::V1_2, TlsVersion::V1_3];

/// Sends a GET, reads the answer, and says whether its connection was resumed.
async fn resumed(agent: &Agent, options: impl Into<RequestOptions>) -> bool {
    let mut response = soon(agent.get(options)).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"ok");
    facts(&response).tls().resumed()
}

async fn refused(agent: &Agent, options: impl Into<RequestOptions>) -> Error {
    let error = soon(agent.get(options)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
    assert!(error.replay_safe(), "a request has left: {error:?}");
    error
}

fn certificate_of(pem: &PemIdentity) -> PeerCertificate {
    identity_of(pem).certificates().next().unwrap()
}

/// Pins the public key of this identity.
fn pin_of(pem: &PemIdentity) -> Pins {
    let pin = certificate_of(pem).spki_sha256_base64();
    Pins::from([Pin::spki_sha256(pin).unwrap()])
}

fn options_of(pem: &PemIdentity) -> ServerOptions {
    ServerOptions::new(identity_of(pem))
}

fn identity_of(pem: &PemIdentity) -> Identity {
    Identity::from_pem(&pem.chain_pem, &pem.key_pem).unwrap()
}

#[tokio::test]
async fn fifty_pinned_requests_cost_one_full_handshake() {
    let ground = Ground::new();
    for version in VERSIONS {
        for keep in [true, false] {
            let pem = ground.ca().issue(&["localhost"]);
            let server = Counted::start(options_of(&pem)).await;
            let options = ground.agent_options().max_version(version);
            let agent = Agent::new(options.pins(pin_of(&pem)).keep_alive(keep)).unwrap();
            for _ in 0..50 {
                resumed(&agent, server.url()).await;
            }
            let expected = Count {
                requests: 50,
                full: 1,
                resumed: if keep { 0 } else { 49 },
            };
            assert_eq!(server.count(), expected, "{version:?} keep_alive({keep})");
        }
    }
}

#[tokio::test]
async fn a_wrong_pin_after_a_right_one_is_refused() {
    let ground = Ground::new();
    for version in VERSIONS {
        let pem = ground.ca().issue(&["localhost"]);
        let server = Counted::start(options_of(&pem)).await;
        let options = ground.agent_options().max_version(version);
        let agent = Agent::new(options.keep_alive(true)).unwrap();
        let right = || RequestOptions::new(server.url()).pins(pin_of(&pem));
        assert!(!resumed(&agent, right()).await);
        assert!(!resumed(&agent, right()).await);
        let before = server.count();
        assert_eq!((before.requests, before.full), (2, 1), "the pool is warm");

        let other = pin_of(&ground.ca().issue(&["localhost"]));
        for _ in 0..2 {
            let wrong = RequestOptions::new(server.url()).pins(other.clone());
            let error = refused(&agent, wrong).await;
            assert_eq!(error.code(), Some("ERR_TLS_PIN_MISMATCH"), "{error:?}");
            let found = certificate_of(&pem).spki_sha256_base64();
            assert!(error.to_string().contains(&found), "{error}");
        }
        assert_eq!(server.count(), before, "nothing of a refused request came");
        // The right one still has its connection, and its session.
        resumed(&agent, right()).await;
        assert_eq!(server.count().full, 1);
    }
}

#[tokio::test]
async fn a_pin_of_the_root_counts_where_it_may_stand_anywhere() {
    let ground = Ground::new();
    let middle = ground.ca().intermediate();
    let server = Counted::start(options_of(&middle.issue(&["localhost"]))).await;
    let root = CertificateDer::from(ground.ca().certificate_der());
    let root = PeerCertificate::from_chain(&[root])
        .unwrap()
        .fingerprint256();
    let pin = || Pin::certificate_sha256(&root).unwrap();
    let ask = |pin: Pin| RequestOptions::new(server.url()).pins([pin]);
    let agent = Agent::new(ground.agent_options()).unwrap();
    for expected in [false, true, true] {
        let options = ask(pin().anywhere_in_chain());
        assert_eq!(resumed(&agent, options).await, expected);
    }
    let error = refused(&agent, ask(pin())).await;
    assert_eq!(error.code(), Some("ERR_TLS_PIN_MISMATCH"), "{error:?}");
}

#[tokio::test]
async fn pins_that_only_report_let_requests_through_and_say_so() {
    let ground = Ground::new();
    let pem = ground.ca().issue(&["localhost"]);
    let server = Counted::start(options_of(&pem)).await;
    let other = pin_of(&ground.ca().issue(&["localhost"]));
    let agent = Agent::new(ground.agent_options().pins(other.report_only(true))).unwrap();
    for round in 0..3 {
        let mut response = soon(agent.get(server.url())).await.unwrap();
        body_of(&mut response).await;
        let tls = facts(&response).tls();
        assert_eq!((tls.resumed(), tls.authorized()), (round > 0, true));
        let found = certificate_of(&pem).spki_sha256_base64();
        let report = tls.pin_report().unwrap();
        assert!(report.contains(&found), "{report}");
    }
    let right = RequestOptions::new(server.url()).pins(pin_of(&pem).report_only(true));
    let response = soon(agent.get(right)).await.unwrap();
    assert_eq!(facts(&response).tls().pin_report(), None);
}

#[tokio::test]
async fn what_was_only_reported_is_not_taken_where_pins_are_insisted_on() {
    let ground = Ground::new();
    let server = Counted::start(ground.options()).await;
    let other = || pin_of(&ground.ca().issue(&["localhost"]));
    for keep in [true, false] {
        let agent = Agent::new(ground.agent_options().keep_alive(keep)).unwrap();
        let pins = other();
        let report = pins.clone().report_only(true);
        let reported = RequestOptions::new(server.url()).pins(report);
        resumed(&agent, reported).await;
        let error = refused(&agent, RequestOptions::new(server.url()).pins(pins)).await;
        assert_eq!(error.code(), Some("ERR_TLS_PIN_MISMATCH"), "{error:?}");
    }
    // Pins that hold nobody off are a contradiction, and refused as one.
    let options = ground.agent_options().pins(other());
    let error = Agent::new(options.reject_unauthorized(false)).unwrap_err();
    assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"), "{error:?}");
    assert!(error.to_string().contains("option pins"), "{error}");
}

/// What an agent that does not insist is told about a server's identity.
async fn told(agent: &Agent, url: &str) -> (bool, bool, Option<String>) {
    let mut response = soon(agent.get(url)).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"ok");
    let tls = facts(&response).tls();
    let error = tls.authorization_error().map(str::to_owned);
    (tls.resumed(), tls.authorized(), error)
}

#[tokio::test]
async fn c165_without_insisting_the_answer_comes_and_the_reason_with_it() {
    let ground = Ground::new();
    let names = &["localhost"];
    let own = |pem: PemIdentity| {
        let roots = Roots::from_pem(&pem.chain_pem).unwrap();
        (pem, roots)
    };
    let old = Template::server(names).between((2001, 1, 1), (2002, 1, 1));
    let new = Template::server(names).between((2048, 1, 1), (2049, 1, 1));
    let issue = |template: &Template| (ground.ca().issue_like(template), ground.roots());
    let middle = ground.ca().intermediate();
    let middle_alone = Roots::from_pem(middle.certificate_pem()).unwrap();
    let stranger = TestCa::new();
    let whole = |ca: &TestCa, pem: PemIdentity| PemIdentity {
        chain_pem: pem.chain_pem + &ca.certificate_pem(),
        ..pem
    };
    let cases = [
        (
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            (stranger.issue(names), ground.roots()),
        ),
        (
            "DEPTH_ZERO_SELF_SIGNED_CERT",
            (Template::server(names).self_signed(), ground.roots()),
        ),
        (
            "SELF_SIGNED_CERT_IN_CHAIN",
            (whole(&stranger, stranger.issue(names)), ground.roots()),
        ),
        (
            "UNABLE_TO_GET_ISSUER_CERT",
            (middle.issue(names), middle_alone),
        ),
        ("CERT_HAS_EXPIRED", issue(&old)),
        ("CERT_NOT_YET_VALID", issue(&new)),
        (
            "INVALID_PURPOSE",
            issue(&Template::server(names).for_clients()),
        ),
        (
            "ERR_TLS_CERT_ALTNAME_INVALID",
            issue(&Template::server(&["elsewhere.test"])),
        ),
        (
            "ERR_TLS_CERT_ALTNAME_INVALID",
            own(Template::server(&["other.test"]).self_signed()),
        ),
    ];
    for (code, (pem, roots)) in cases {
        let server = Counted::start(options_of(&pem)).await;
        for version in VERSIONS {
            let options = AgentOptions::new().ca(roots.clone()).max_version(version);
            let agent = Agent::new(options.reject_unauthorized(false)).unwrap();
            for round in 0..2 {
                let expected = (round > 0, false, Some(code.to_owned()));
                assert_eq!(told(&agent, &server.url()).await, expected, "{version:?}");
            }
        }
    }
}

#[tokio::test]
async fn c166_the_callers_own_host_field_decides_which_name_is_checked() {
    let ground = Ground::new();
    let pem = ground.ca().issue(&["agent1.test"]);
    let server = Counted::start(options_of(&pem)).await;
    let agent = ground.agent();
    let error = refused(&agent, server.url()).await;
    assert_eq!(
        error.code(),
        Some("ERR_TLS_CERT_ALTNAME_INVALID"),
        "{error:?}"
    );
    for field in ["agent1.test", "AGENT1.test:8000"] {
        let options = RequestOptions::new(server.url()).header("host", field);
        let response = soon(agent.get(options)).await.unwrap();
        assert!(facts(&response).tls().authorized(), "{field}");
    }
}

/// A check that answers the same to every host and certificate.
fn check(
    later: bool,
    answer: impl Fn() -> Result<(), IdentityError> + Send + Sync + 'static,
) -> IdentityCheck {
    checked(later, move |_, _| answer())
}

/// A check that answers at once or later.
fn checked(
    later: bool,
    ask: impl Fn(&str, &PeerCertificate) -> Result<(), IdentityError> + Send + Sync + 'static,
) -> IdentityCheck {
    if !later {
        return IdentityCheck::new(ask);
    }
    IdentityCheck::later(move |host, certificate| {
        let answer = ask(&host, &certificate);
        async {
            tokio::task::yield_now().await;
            answer
        }
    })
}

#[tokio::test]
async fn an_own_check_takes_the_place_of_the_name_check_and_of_nothing_else() {
    let ground = Ground::new();
    let server = Counted::start(options_of(&ground.ca().issue(&["elsewhere.test"]))).await;
    for later in [false, true] {
        let all = ground
            .agent_options()
            .identity_check(check(later, || Ok(())));
        let agent = Agent::new(all).unwrap();
        for round in 0..2 {
            assert_eq!(told(&agent, &server.url()).await, (round > 0, true, None));
        }
        let unknown = AgentOptions::new().identity_check(check(later, || Ok(())));
        let error = refused(&Agent::new(unknown).unwrap(), server.url()).await;
        assert_eq!(
            error.code(),
            Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn c168_the_error_of_an_own_check_is_the_error_of_the_request() {
    let ground = Ground::new();
    let server = Counted::start(options_of(&ground.ca().issue(&["localhost"]))).await;
    let bare = || IdentityError::new("not my server");
    let named = || IdentityError::new("not my server").with_code("EMINE");
    let errors: [(fn() -> IdentityError, _, _); 2] = [
        (bare, None, "not my server"),
        (named, Some("EMINE"), "EMINE"),
    ];
    for (error, code, told_as) in errors {
        for later in [false, true] {
            let options = ground.agent_options().keep_alive(true);
            let options = options.identity_check(check(later, move || Err(error())));
            let strict = refused(&Agent::new(options.clone()).unwrap(), server.url()).await;
            let mut source = strict.source();
            while let Some(inner) = source.filter(|inner| !inner.is::<IdentityError>()) {
                source = inner.source();
            }
            let own: &IdentityError = source.unwrap().downcast_ref().unwrap();
            assert_eq!((own.code(), own.reason()), (code, "not my server"));
            assert!(strict.to_string().contains("not my server"), "{strict}");

            let agent = Agent::new(options.reject_unauthorized(false)).unwrap();
            let expected = (false, false, Some(told_as.to_owned()));
            assert_eq!(told(&agent, &server.url()).await, expected);
        }
    }
}

#[tokio::test]
async fn an_own_check_is_asked_on_full_and_on_resumed_handshakes() {
    let ground = Ground::new();
    let pem = ground.ca().issue(&["localhost"]);
    for version in VERSIONS {
        for later in [false, true] {
            let server = Counted::start(options_of(&pem)).await;
            let asked = Arc::new(Mutex::new(Vec::new()));
            let answers = Arc::new(AtomicUsize::new(0));
            let (noted, count) = (Arc::clone(&asked), Arc::clone(&answers));
            let ask = move |host: &str, certificate: &PeerCertificate| {
                noted.lock().unwrap().push(certificate.fingerprint256());
                match count.fetch_add(1, Ordering::SeqCst) < 3 {
                    true => check_server_identity(host, certificate),
                    false => Err(IdentityError::new("no longer").with_code("ENOLONGER")),
                }
            };
            let options = ground.agent_options().max_version(version);
            let agent = Agent::new(options.identity_check(checked(later, ask))).unwrap();
            for round in 0..3 {
                assert_eq!(resumed(&agent, server.url()).await, round > 0);
            }
            // Refused when resumed, and once more in full: no session goes round the check.
            let error = refused(&agent, server.url()).await;
            assert_eq!(error.code(), Some("ENOLONGER"), "{error:?}");
            let certificate = certificate_of(&pem).fingerprint256();
            assert_eq!(*asked.lock().unwrap(), vec![certificate; 5]);
            assert_eq!(server.count().requests, 3);
        }
    }
}

#[tokio::test]
async fn a_session_of_an_unverified_connection_never_resumes_under_verification() {
    let ground = Ground::new();
    let strangers = TestCa::new();
    for versions in [TLS12, TLS13] {
        let pem = strangers.issue(&["localhost"]);
        let (server, mut seen) = recorder(server_config(&pem, versions)).await;
        let url = server.url("/").replace("127.0.0.1", "localhost");
        let options = ground.agent_options().keep_alive(true);
        let agent = Agent::new(options.reject_unauthorized(false)).unwrap();
        // The last one leaves its connection and a session to be taken.
        for keep in ["close", "keep-alive"] {
            let doubtful = RequestOptions::new(&url).header("connection", keep);
            let response = fetch(&agent, doubtful).await.unwrap();
            assert!(!facts(&response).tls().authorized());
        }
        assert_eq!(agent.total_socket_count(), 1);
        for round in 1..3 {
            let error = refused(&agent, RequestOptions::new(&url).reject_unauthorized(true)).await;
            assert_eq!(
                error.code(),
                Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
                "{error:?}"
            );
            // The server saw a full handshake come to nothing: no session was offered to it.
            support::until(|| server.refused() == round).await;
        }
        while let Ok(request) = seen.try_recv() {
            assert!(request.connection < 2, "a strict request came: {request:?}");
        }
    }
}

/// An authority for clients, one of its certificates (number 7), and the lists that do without it
/// and with it.
fn clients() -> (TestCa, Identity, [Revocation; 2]) {
    let clients = TestCa::new();
    let me = Template::server(&["me"]).key(KeyKind::P256).for_clients();
    let me = identity_of(&clients.issue_like(&me.serial(7)));
    let list = |template: &ListTemplate| Revocation::from_pem(clients.list(template)).unwrap();
    let lists = [
        list(&ListTemplate::new()),
        list(&ListTemplate::new().revokes(7)),
    ];
    (clients, me, lists)
}

#[tokio::test]
async fn a_client_certificate_revoked_between_two_handshakes_does_not_resume() {
    let ground = Ground::new();
    for version in VERSIONS {
        let (clients, me, [before, after]) = clients();
        let pem = ground.ca().issue(&["localhost"]);
        let roots = || Roots::from_pem(clients.certificate_pem()).unwrap();
        let options = options_of(&pem)
            .request_cert(true)
            .ca(roots())
            .crl(before.clone());
        let server = Counted::start(options).await;
        let options = ground.agent_options().identity(me).max_version(version);
        let agent = Agent::new(options).unwrap();
        assert!(!resumed(&agent, server.url()).await);
        assert!(
            resumed(&agent, server.url()).await,
            "it does resume otherwise"
        );

        let context = |list: Revocation| {
            let options = SecureContextOptions::new(identity_of(&pem));
            options.request_cert(true).ca(roots()).crl(list)
        };
        server.server.set_secure_context(context(after)).unwrap();
        for _ in 0..2 {
            let error = soon(agent.get(server.url())).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
            let text = error.to_string();
            assert!(text.contains("alert certificate_unknown"), "{text}");
        }
        assert_eq!(server.count().requests, 2, "nothing came past the gate");
        // The list alone stood in the way.
        server.server.set_secure_context(context(before)).unwrap();
        resumed(&agent, server.url()).await;
    }
}

#[tokio::test]
async fn a_client_that_the_program_turned_away_meanwhile_does_not_resume() {
    let ground = Ground::new();
    for version in VERSIONS {
        let (clients, me, _) = clients();
        let welcome = Arc::new(Mutex::new(true));
        let asked = Arc::clone(&welcome);
        let check = check(true, move || match *asked.lock().unwrap() {
            true => Ok(()),
            false => Err(IdentityError::new("turned away")),
        });
        let roots = Roots::from_pem(clients.certificate_pem()).unwrap();
        let options = ground.options().request_cert(true).ca(roots);
        let server = Counted::start(options.check_client_identity(check)).await;
        let options = ground.agent_options().identity(me).max_version(version);
        let agent = Agent::new(options).unwrap();
        assert!(!resumed(&agent, server.url()).await);
        assert!(
            resumed(&agent, server.url()).await,
            "it does resume otherwise"
        );
        *welcome.lock().unwrap() = false;
        assert!(soon(agent.get(server.url())).await.is_err());
        assert_eq!(server.count().requests, 2, "nothing came past the gate");
    }
}

/// A check without an answer.
fn pending() -> IdentityCheck {
    IdentityCheck::later(|_, _| std::future::pending())
}

#[tokio::test]
async fn a_check_that_never_answers_does_not_outlast_the_handshakes_time() {
    let ground = Ground::new();
    let limit = Duration::from_millis(300);
    let server = Counted::start(ground.options()).await;
    let options = ground.agent_options().identity_check(pending());
    let agent = Agent::new(options.handshake_timeout(limit)).unwrap();
    let error = soon(agent.get(server.url())).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR_TLS_HANDSHAKE_TIMEOUT"), "{error:?}");
    assert!(error.replay_safe(), "{error:?}");

    let (clients, me, _) = clients();
    let roots = Roots::from_pem(clients.certificate_pem()).unwrap();
    let options = ground.options().request_cert(true).ca(roots);
    let options = options.check_client_identity(pending());
    let server = Counted::start(options.handshake_timeout(limit)).await;
    let agent = Agent::new(ground.agent_options().identity(me)).unwrap();
    assert!(soon(agent.get(server.url())).await.is_err());
    support::until(|| server.server.connections() == 0).await;
    assert_eq!(server.count().requests, 0);
}
