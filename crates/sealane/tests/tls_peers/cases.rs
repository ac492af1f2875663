//! Identities with something wrong: how they are made, and what must be said of them.

use sealane_testkit::certificates::{ListTemplate, PemIdentity, Template, TestCa};

/// Whose identity it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

impl Role {
    /// What a good certificate says.
    pub(crate) fn template(self) -> Template {
        match self {
            Self::Server => Template::server(&["localhost"]),
            Self::Client => Template::server(&["a client"]).for_clients(),
        }
    }
}

/// One thing that is wrong, below an authority that is trusted.
pub(crate) struct Case {
    /// What is wrong.
    pub(crate) name: &'static str,
    /// Our code.
    pub(crate) code: &'static str,
    /// openssl's number of the same.
    pub(crate) number: &'static str,
    /// What the one line of the diagnosis must say.
    pub(crate) cause: &'static str,
    /// What its next step must say.
    pub(crate) step: &'static str,
    /// The alert that tells a peer.
    pub(crate) alert: &'static str,
    pub(crate) make: fn(&TestCa, Role) -> PemIdentity,
    /// The revocation list that is asked, if one is.
    pub(crate) list: fn(&TestCa) -> Option<String>,
}

fn unasked(_: &TestCa) -> Option<String> {
    None
}

/// Only a server's name matters.
pub(crate) const WRONG_NAME: Case = Case {
    name: "wrong name",
    code: "ERR_TLS_CERT_ALTNAME_INVALID",
    number: "62",
    cause: "localhost",
    step: "connect by one of the names",
    alert: "certificate_unknown",
    make: |ca, _| ca.issue_like(&Template::server(&["other.test"])),
    list: unasked,
};

/// All that is wrong with identities of either side.
pub(crate) const CASES: [Case; 10] = [
    Case {
        name: "expired",
        code: "CERT_HAS_EXPIRED",
        number: "10",
        cause: "expired",
        step: "renew the certificate",
        alert: "certificate_expired",
        make: |ca, role| ca.issue_like(&role.template().between((2000, 1, 1), (2001, 1, 1))),
        list: unasked,
    },
    Case {
        name: "not yet valid",
        code: "CERT_NOT_YET_VALID",
        number: "9",
        cause: "not yet valid",
        step: "clocks are right",
        alert: "bad_certificate",
        make: |ca, role| ca.issue_like(&role.template().between((2048, 1, 1), (2049, 1, 1))),
        list: unasked,
    },
    Case {
        name: "revoked",
        code: "CERT_REVOKED",
        number: "23",
        cause: "revoked",
        step: "new certificate with a new key",
        alert: "certificate_revoked",
        make: |ca, role| ca.issue_like(&role.template().serial(77)),
        list: |ca| Some(ca.list(&ListTemplate::new().revokes(77))),
    },
    Case {
        name: "no list of its issuer",
        code: "UNABLE_TO_GET_CRL",
        number: "3",
        cause: "list",
        step: "`crl`",
        alert: "unknown_ca",
        make: |ca, role| ca.issue_like(&role.template()),
        list: |_| {
            let other = TestCa::root(&Template::authority("Another root"));
            Some(other.list(&ListTemplate::new()))
        },
    },
    Case {
        name: "missing intermediate",
        code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        number: "21",
        cause: "issue",
        step: "send all intermediate certificates",
        alert: "unknown_ca",
        make: |ca, role| first_of(ca.intermediate().issue_like(&role.template()), 1),
        list: unasked,
    },
    Case {
        name: "missing upper intermediate",
        code: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        number: "20",
        cause: "issue",
        step: "send all intermediate certificates",
        alert: "unknown_ca",
        make: |ca, role| {
            let lower = Template::authority("Sealane test lower intermediate");
            let lower = ca.intermediate().intermediate_like(&lower);
            first_of(lower.issue_like(&role.template()), 2)
        },
        list: unasked,
    },
    Case {
        name: "another authority",
        code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        number: "21",
        cause: "issue",
        step: "give its root as `ca`",
        alert: "unknown_ca",
        make: |_, role| stranger().issue_like(&role.template()),
        list: unasked,
    },
    Case {
        name: "self-signed",
        code: "DEPTH_ZERO_SELF_SIGNED_CERT",
        number: "18",
        cause: "self-signed",
        step: "compare its fingerprint",
        alert: "unknown_ca",
        make: |_, role| role.template().self_signed(),
        list: unasked,
    },
    Case {
        name: "self-signed in chain",
        code: "SELF_SIGNED_CERT_IN_CHAIN",
        number: "19",
        cause: "self-signed",
        step: "if you trust the root that was sent",
        alert: "unknown_ca",
        make: |_, role| {
            let root = stranger();
            let mut pem = root.issue_like(&role.template());
            pem.chain_pem += &root.certificate_pem();
            pem
        },
        list: unasked,
    },
    Case {
        name: "made for the other side",
        code: "INVALID_PURPOSE",
        number: "26",
        cause: "does not include",
        step: "made for this use",
        alert: "unsupported_certificate",
        make: |ca, role| match role {
            Role::Server => ca.issue_like(&Role::Server.template().for_clients()),
            Role::Client => ca.issue_like(&Template::server(&["a client"])),
        },
        list: unasked,
    },
];

/// A root that nobody trusts, of a name that nobody has.
fn stranger() -> TestCa {
    TestCa::root(&Template::authority("A stranger's root"))
}

/// The same identity, with so many certificates of its chain only.
fn first_of(mut pem: PemIdentity, count: usize) -> PemIdentity {
    let certificates = pem.chain_pem.split_inclusive("-----END CERTIFICATE-----\n");
    pem.chain_pem = certificates.take(count).collect();
    pem
}
