//! The local authority judged from outside: openssl verifies its chains, also those that a thief of
//! the stored key would make (RFC 5280 §4.2.1.10); modes, damage, time and races on its folder.

use std::fs;
use std::net::IpAddr;
use std::process::Command;

use rcgen::{CertificateParams, Issuer, KeyPair};
use tempfile::TempDir;
use time::Duration;
use x509_parser::extensions::{GeneralName, ParsedExtension};

use super::*;

/// A moment to start from; far from leap days and from today.
fn day_one() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap()
}

/// Opens the authority of a data folder at a moment.
fn open(data: &TempDir, now: OffsetDateTime) -> Result<DevCa> {
    DevCa::open(data.path(), "me@here", now)
}

/// The failure of an opening that must fail.
fn refused(data: &TempDir) -> String {
    open(data, day_one())
        .expect_err("the folder must be refused")
        .to_string()
}

/// The path of a file of the authority.
fn file(data: &TempDir, name: &str) -> PathBuf {
    data.path().join(FOLDER).join(name)
}

/// Gives a path a mode.
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The mode of a path.
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Runs `openssl verify` at a moment and gives what it said, on both outputs.
fn verify(data: &TempDir, root: &Path, chain: &str, now: OffsetDateTime, more: &[&str]) -> String {
    let path = data.path().join("chain.pem");
    fs::write(&path, chain).unwrap();
    let moment = now.unix_timestamp().to_string();
    let said = Command::new("openssl")
        .args([
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            "-attime",
            &moment,
        ])
        .args(more)
        .arg("-CAfile")
        .arg(root)
        .arg("-untrusted")
        .args([&path, &path])
        .output()
        .expect("openssl is there");
    String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned()
}

/// A certificate for any names, signed by the stored intermediate: what a thief of its key could
/// make.
fn stolen(data: &TempDir, names: &[&str]) -> String {
    let pem = fs::read_to_string(file(data, "intermediate.pem")).unwrap();
    let key = fs::read_to_string(file(data, "intermediate-key.pem")).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&pem, KeyPair::from_pem(&key).unwrap()).unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.use_authority_key_identifier_extension = true;
    params.is_ca = rcgen::IsCa::ExplicitNoCa;
    params.not_before = day_one() - Duration::hours(1);
    params.not_after = day_one() + Duration::days(1);
    params
        .signed_by(&KeyPair::generate().unwrap(), &issuer)
        .unwrap()
        .pem()
        + &pem
}

#[test]
fn openssl_accepts_the_leaf_for_local_names() {
    let data = TempDir::new().unwrap();
    let ca = open(&data, day_one()).unwrap();
    let leaf = ca
        .leaf(&["127.0.0.9".parse::<IpAddr>().unwrap()], day_one())
        .unwrap();
    for name in [
        ["-verify_hostname", "localhost"],
        ["-verify_ip", "127.0.0.1"],
        ["-verify_ip", "::1"],
        ["-verify_ip", "127.0.0.9"],
    ] {
        let said = verify(&data, ca.root(), &leaf.chain, day_one(), &name);
        assert!(said.trim_end().ends_with(": OK"), "{name:?}: {said}");
    }
    let said = verify(
        &data,
        ca.root(),
        &leaf.chain,
        day_one(),
        &["-verify_hostname", "example.com"],
    );
    assert!(said.contains("hostname mismatch"), "{said}");
}

#[test]
fn openssl_refuses_what_a_thief_of_the_key_would_make() {
    let data = TempDir::new().unwrap();
    let ca = open(&data, day_one()).unwrap();
    for names in [
        &["example.com"][..],
        &["localhost", "example.com"],
        &["192.0.2.1"],
        &["::2"],
    ] {
        let said = verify(&data, ca.root(), &stolen(&data, names), day_one(), &[]);
        assert!(
            said.contains("permitted subtree violation"),
            "{names:?}: {said}"
        );
    }
    // The same certificate for a local name is accepted: the refusals have no other cause.
    for names in [
        &["localhost"][..],
        &["app.localhost"],
        &["127.8.8.8"],
        &["::1"],
    ] {
        let said = verify(&data, ca.root(), &stolen(&data, names), day_one(), &[]);
        assert!(said.trim_end().ends_with(": OK"), "{names:?}: {said}");
    }
}

#[test]
fn the_chain_is_bound_as_promised() {
    let data = TempDir::new().unwrap();
    let ca = open(&data, day_one()).unwrap();
    let root = fs::read(ca.root()).unwrap();
    let (_, root) = x509_parser::pem::parse_x509_pem(&root).unwrap();
    let root = root.parse_x509().unwrap();
    let bounds = root.basic_constraints().unwrap().unwrap();
    assert!(bounds.critical && bounds.value.ca);
    assert_eq!(bounds.value.path_len_constraint, Some(1));

    let pem = fs::read(file(&data, "intermediate.pem")).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    let intermediate = pem.parse_x509().unwrap();
    let bounds = intermediate.basic_constraints().unwrap().unwrap();
    assert!(bounds.critical && bounds.value.ca);
    assert_eq!(bounds.value.path_len_constraint, Some(0));
    let usage = intermediate.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.key_cert_sign() && !usage.value.digital_signature());
    let purpose = intermediate.extended_key_usage().unwrap().unwrap().value;
    assert!(purpose.server_auth && !purpose.any && !purpose.client_auth);
    let names = intermediate.name_constraints().unwrap().unwrap();
    assert!(names.critical);
    let allowed = names.value.permitted_subtrees.as_ref().unwrap();
    assert_eq!(allowed.len(), 3);
    assert_eq!(allowed[0].base, GeneralName::DNSName("localhost"));
    assert_eq!(
        allowed[1].base,
        GeneralName::IPAddress(&[127, 0, 0, 0, 255, 0, 0, 0])
    );
    assert!(
        (intermediate.validity().not_after.timestamp() - day_one().unix_timestamp())
            == 730 * 86_400
    );
}

#[test]
fn the_leaf_is_short_lived_and_for_servers_only() {
    let data = TempDir::new().unwrap();
    let ca = open(&data, day_one()).unwrap();
    let leaf = ca.leaf(&[], day_one()).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(leaf.chain.as_bytes()).unwrap();
    let parsed = pem.parse_x509().unwrap();
    let names = parsed.subject_alternative_name().unwrap().unwrap().value;
    assert_eq!(names.general_names.len(), 3);
    let life = parsed.validity().not_after.timestamp() - parsed.validity().not_before.timestamp();
    assert_eq!(life, 7 * 86_400 + 3_600);
    let purpose = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(purpose.server_auth && !purpose.client_auth);
    assert!(!parsed.basic_constraints().unwrap().unwrap().value.ca);
    let has = |wanted: fn(&ParsedExtension<'_>) -> bool| {
        parsed
            .extensions()
            .iter()
            .any(|extension| wanted(extension.parsed_extension()))
    };
    assert!(has(|found| matches!(
        found,
        ParsedExtension::AuthorityKeyIdentifier(_)
    )));
    assert!(has(|found| matches!(
        found,
        ParsedExtension::SubjectKeyIdentifier(_)
    )));
    assert_eq!(
        leaf.chain.matches("BEGIN CERTIFICATE").count(),
        2,
        "the root is not sent"
    );
}

#[test]
fn a_leaf_never_outlives_its_authority() {
    let data = TempDir::new().unwrap();
    open(&data, day_one()).unwrap();
    let late = day_one() + Duration::days(728);
    let ca = open(&data, late).unwrap();
    assert_eq!(ca.origin(), Origin::Found);
    assert_eq!(ca.leaf(&[], late).unwrap().ends, ca.ends());
}

#[test]
fn the_root_key_is_nowhere_and_the_other_is_private() {
    let data = TempDir::new().unwrap();
    let ca = open(&data, day_one()).unwrap();
    let folder = data.path().join(FOLDER);
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["intermediate-key.pem", "intermediate.pem", "root.pem"]
    );
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&file(&data, "intermediate-key.pem")), 0o600);
    assert_eq!(
        mode(ca.root()) & 0o400,
        0o400,
        "a copy of it has to be readable"
    );
    let root = fs::read_to_string(ca.root()).unwrap();
    assert!(!root.contains("PRIVATE"));
    let (_, pem) = x509_parser::pem::parse_x509_pem(root.as_bytes()).unwrap();
    let key = fs::read_to_string(file(&data, "intermediate-key.pem")).unwrap();
    let key = KeyPair::from_pem(&key).unwrap();
    let spki = pem.parse_x509().unwrap().public_key().raw.to_vec();
    assert_ne!(rcgen::PublicKeyData::subject_public_key_info(&key), spki);
}

#[test]
fn a_new_data_folder_is_private() {
    let data = TempDir::new().unwrap();
    let deep = data.path().join("a/b");
    DevCa::open(&deep, "me@here", day_one()).unwrap();
    assert_eq!(mode(&deep), 0o700);
}

#[test]
fn the_second_start_finds_the_first_authority() {
    let data = TempDir::new().unwrap();
    let first = open(&data, day_one()).unwrap();
    let root = fs::read(first.root()).unwrap();
    assert_eq!(first.origin(), Origin::Made);
    let second = open(&data, day_one() + Duration::days(300)).unwrap();
    assert_eq!(second.origin(), Origin::Found);
    assert_eq!(fs::read(second.root()).unwrap(), root);
    assert!(
        second.root_name().contains("(me@here)"),
        "{}",
        second.root_name()
    );
    let keys = [
        first.leaf(&[], day_one()).unwrap().key,
        first.leaf(&[], day_one()).unwrap().key,
    ];
    assert_ne!(keys[0], keys[1], "each leaf has its own key");
}

#[test]
fn an_ended_authority_is_replaced_and_said_so() {
    let data = TempDir::new().unwrap();
    let old = open(&data, day_one()).unwrap().root_name().to_owned();
    let later = day_one() + Duration::days(731);
    let ca = open(&data, later).unwrap();
    assert_eq!(
        ca.origin(),
        Origin::Renewed((day_one() + Duration::days(730)).date())
    );
    assert_ne!(ca.root_name(), old);
    assert_eq!(
        fs::read_dir(data.path()).unwrap().count(),
        2,
        "the folder and the lock remain"
    );
}

#[test]
fn a_clock_before_the_authority_is_said() {
    let data = TempDir::new().unwrap();
    open(&data, day_one()).unwrap();
    let said = open(&data, day_one() - Duration::days(2))
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("still to come") && said.contains("hint: set the clock"),
        "{said}"
    );
}

#[test]
fn many_first_starts_at_once_agree() {
    let data = TempDir::new().unwrap();
    let roots: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| open(&data, day_one()).unwrap().root_name().to_owned()))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    assert!(roots.iter().all(|root| *root == roots[0]), "{roots:?}");
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 2);
}

#[test]
fn the_slower_writer_keeps_the_folder_of_the_faster() {
    let data = TempDir::new().unwrap();
    let folder = data.path().join(FOLDER);
    let [first, second] = [0, 1].map(|_| certificates::make("x", day_one()).unwrap());
    store::write(&folder, &first).unwrap();
    store::write(&folder, &second).unwrap();
    assert_eq!(
        fs::read_to_string(file(&data, "root.pem")).unwrap(),
        first.root
    );
    assert_eq!(
        fs::read_dir(data.path()).unwrap().count(),
        1,
        "no draft is left"
    );
}

#[test]
fn files_open_to_others_are_refused() {
    for (name, wide, good) in [
        ("intermediate-key.pem", 0o640, 0o600),
        ("root.pem", 0o622, 0o600),
    ] {
        let data = TempDir::new().unwrap();
        open(&data, day_one()).unwrap();
        set_mode(&file(&data, name), wide);
        let said = refused(&data);
        assert!(
            said.contains(&format!("its mode is {wide:04o}, 0600 is needed")),
            "{said}"
        );
        assert!(
            said.contains("hint: if nobody can have used that: chmod 600 '/"),
            "{said}"
        );
        set_mode(&file(&data, name), good);
        open(&data, day_one()).unwrap();
    }
    let data = TempDir::new().unwrap();
    open(&data, day_one()).unwrap();
    set_mode(&data.path().join(FOLDER), 0o750);
    assert!(refused(&data).contains("0700 is needed"));
    set_mode(&data.path().join(FOLDER), 0o700);
}

#[test]
fn a_shared_data_folder_is_not_to_be_closed() {
    let data = TempDir::new().unwrap();
    open(&data, day_one()).unwrap();
    set_mode(data.path(), 0o777);
    let said = refused(&data);
    let hint = format!(
        "\nhint: name a folder of its own, such as --data-dir '{}/sealane'",
        data.path().display()
    );
    assert!(said.ends_with(&hint), "{said}");
    assert!(!said.contains("chmod"), "{said}");
}

#[test]
fn damage_is_named_and_the_way_out_too() {
    type Harm = fn(&TempDir);
    let harms: [(&str, Harm); 7] = [
        ("root.pem is missing", |data| {
            fs::remove_file(file(data, "root.pem")).unwrap();
        }),
        ("its root certificate cannot be read", |data| {
            fs::write(file(data, "root.pem"), "x").unwrap();
        }),
        ("root.pem is no text", |data| {
            fs::write(file(data, "root.pem"), [0xff, 0xfe]).unwrap();
        }),
        ("its key cannot be read", |data| {
            fs::write(file(data, "intermediate-key.pem"), "").unwrap();
        }),
        ("its key does not belong", |data| {
            let other = KeyPair::generate().unwrap().serialize_pem();
            fs::write(file(data, "intermediate-key.pem"), other).unwrap();
        }),
        ("was not signed by its root", |data| {
            let other = certificates::make("x", day_one()).unwrap();
            fs::write(file(data, "root.pem"), other.root).unwrap();
        }),
        ("is not the file that was written", |data| {
            fs::remove_file(file(data, "root.pem")).unwrap();
            std::os::unix::fs::symlink("/etc/hostname", file(data, "root.pem")).unwrap();
        }),
    ];
    for (wanted, harm) in harms {
        let data = TempDir::new().unwrap();
        open(&data, day_one()).unwrap();
        harm(&data);
        let said = refused(&data);
        assert!(said.contains(wanted), "{wanted}: {said}");
        assert!(said.contains("hint: remove it with rm -r '"), "{said}");
    }
}

#[test]
fn an_intermediate_without_bounds_is_refused() {
    let data = TempDir::new().unwrap();
    open(&data, day_one()).unwrap();
    let root_key = KeyPair::generate().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    params.not_before = day_one() - Duration::days(1);
    params.not_after = day_one() + Duration::days(1);
    let root = params.self_signed(&root_key).unwrap();
    let issuer = Issuer::from_params(&params, &root_key);
    let intermediate = params.signed_by(&key, &issuer).unwrap();
    fs::write(file(&data, "root.pem"), root.pem()).unwrap();
    fs::write(file(&data, "intermediate.pem"), intermediate.pem()).unwrap();
    fs::write(file(&data, "intermediate-key.pem"), key.serialize_pem()).unwrap();
    let said = refused(&data);
    assert!(
        said.contains("its intermediate is not limited to localhost"),
        "{said}"
    );
}

#[test]
fn clients_find_the_root_of_a_sound_authority_only() {
    let data = TempDir::new().unwrap();
    let found = |now| trusted_root(data.path(), now);
    assert_eq!(trusted_root(&data.path().join("none"), day_one()), Ok(None));
    assert_eq!(found(day_one()), Ok(None));
    assert_eq!(
        fs::read_dir(data.path()).unwrap().count(),
        0,
        "nothing is made"
    );
    let ca = open(&data, day_one()).unwrap();
    let root = fs::read_to_string(ca.root()).unwrap();
    assert_eq!(found(day_one()), Ok(Some(root)));
    assert_eq!(found(day_one() + Duration::days(731)), Ok(None), "ended");
    assert_eq!(
        found(day_one() - Duration::days(2)),
        Ok(None),
        "still to come"
    );
    set_mode(ca.root(), 0o666);
    assert!(found(day_one()).unwrap_err().to_string().contains("0666"));
    set_mode(ca.root(), 0o644);
    let other = certificates::make("x", day_one()).unwrap();
    fs::write(ca.root(), other.root).unwrap();
    let said = found(day_one()).unwrap_err().to_string();
    assert!(said.contains("was not signed by its root"), "{said}");
    set_mode(data.path(), 0o777);
    assert!(found(day_one()).unwrap_err().to_string().contains("0777"));
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let data = TempDir::new().unwrap();
    let ca = open(&data, day_one()).unwrap();
    let leaf = ca.leaf(&[], day_one()).unwrap();
    let stored = certificates::make("x", day_one()).unwrap();
    let shown = format!("{ca:?} {leaf:?} {stored:?}");
    assert!(!shown.contains("PRIVATE KEY"), "{shown}");
}
