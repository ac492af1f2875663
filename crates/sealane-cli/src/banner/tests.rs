//! The block at the start: complete, copyable, and deaf to what names would do to a terminal.

use time::Month;

use super::*;

/// A day.
fn day() -> Date {
    Date::from_calendar_date(2028, Month::November, 21).unwrap()
}

/// The block of a local server.
fn local(origin: Origin, root: &str, what: &str) -> String {
    let trust = Trust::Local {
        root: root.into(),
        name: "Sealane local root 0a1b2c3d (me@here)".into(),
        origin,
        ends: day(),
    };
    let urls = ["https://localhost:8443/".to_owned()];
    Banner {
        what,
        urls: &urls,
        paths: &[],
        trust: &trust,
    }
    .text()
}

#[test]
fn a_local_server_says_all_that_is_needed() {
    let said = local(Origin::Made, "/home/me/it's here/root.pem", "Serving /srv");
    assert!(
        said.starts_with("Serving /srv\n  https://localhost:8443/\n\n"),
        "{said}"
    );
    assert!(said.contains("\"Sealane local root 0a1b2c3d (me@here)\""));
    assert!(said.contains("made now and ends on 2028-11-21"));
    assert!(said.contains("key was thrown away") && said.contains("vouch only for\n  localhost"));
    let line = r"  curl --cacert '/home/me/it'\''s here/root.pem' https://localhost:8443/";
    assert!(said.lines().any(|found| found == line), "{said}");
    assert!(
        said.lines().all(|line| line.chars().count() <= 100),
        "{said}"
    );
}

#[test]
fn the_lines_for_chromium_work_as_they_are() {
    let said = local(Origin::Made, "/r", "x");
    let way = "mkdir -p $HOME/.pki/nssdb &&
                   certutil -d sql:$HOME/.pki/nssdb -A -t C,, -i FILE -n \\
                   'Sealane local root 0a1b2c3d (me@here)'
  Firefox ";
    assert!(said.contains(way), "{said}");
    assert!(said.contains("libnss3-tools"), "{said}");
}

#[test]
fn the_origin_of_the_root_is_said() {
    assert!(local(Origin::Found, "/r", "x").contains("  It ends on 2028-11-21."));
    assert!(
        local(Origin::Renewed(day()), "/r", "x").contains("had ended on 2028-11-21: trust it anew")
    );
}

#[test]
fn names_of_others_cannot_act_on_the_terminal() {
    let said = local(Origin::Found, "/x\x1b[2J/r", "Serving /x\x1b[2J\nTrust me");
    assert!(!said.contains('\x1b'));
    assert!(
        said.starts_with("Serving /x\\u{1b}[2J\\nTrust me\n"),
        "{said}"
    );
    let trust = Trust::Own(vec![Facts {
        file: "c".into(),
        names: vec!["a\x07b".into()],
        ..Facts::default()
    }]);
    let said = Banner {
        what: "x",
        urls: &[],
        paths: &[],
        trust: &trust,
    }
    .text();
    assert!(said.contains("for a\\u{7}b\n"), "{said}");
}

#[test]
fn an_own_certificate_is_named() {
    let names = vec!["example.com".to_owned(), "192.0.2.1".to_owned()];
    let trust = Trust::Own(vec![Facts {
        file: "/etc/c.pem".into(),
        names,
        ends: Some(day().midnight().assume_utc()),
        ..Facts::default()
    }]);
    let urls = ["https://example.com/".to_owned()];
    let said = Banner {
        what: "x",
        urls: &urls,
        paths: &[],
        trust: &trust,
    }
    .text();
    assert!(
        said.contains(
            "Certificate '/etc/c.pem'\n  for example.com, 192.0.2.1\n  until 2028-11-21\n"
        )
    );
    assert!(
        said.contains("\nTry it:\n  curl https://example.com/\n"),
        "{said}"
    );
    assert!(!said.contains("--cacert"));
}

#[test]
fn curl_is_told_where_a_name_is() {
    let line = |url: &str, names: &[&str]| {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        curl(url, &names)
    };
    for (url, names) in [
        ("https://localhost:8443/", &["localhost", "a.example"][..]),
        ("https://127.0.0.1:8443/", &["a.example", "127.0.0.1"]),
        ("https://a.example:8443/", &["a.example"]),
        ("https://localhost:8443/", &["*.example", "a b;c"]),
        ("https://192.0.2.1/", &[]),
    ] {
        assert_eq!(line(url, names), url);
    }
    assert_eq!(
        line("https://localhost:8443/", &["*.a.example", "a.example"]),
        "--resolve a.example:8443:127.0.0.1 https://a.example:8443/"
    );
    assert_eq!(
        line("https://[::1]:1/", &["a.example"]),
        "--resolve 'a.example:1:[::1]' https://a.example:1/"
    );
    assert_eq!(line("https://a;b/", &["a;b"]), "'https://a;b/'");
    assert_eq!(
        line("https://127.0.0.2/", &["a.example"]),
        "--resolve a.example:443:127.0.0.2 https://a.example/"
    );
}
