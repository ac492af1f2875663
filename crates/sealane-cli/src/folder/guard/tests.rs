//! Every known form of leaving a folder, tried on real files, links, pipes and races.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

/// A folder to serve, with a secret beside it.
///
/// ```text
/// outside/secret.txt
/// root/file.txt  root/sub/deep.txt  root/.hidden/key  root/.env
/// ```
fn place() -> (TempDir, PathBuf) {
    let place = TempDir::new().unwrap();
    let root = place.path().join("root");
    for folder in ["outside", "root/sub", "root/.hidden"] {
        fs::create_dir_all(place.path().join(folder)).unwrap();
    }
    let files = [
        "outside/secret.txt",
        "root/file.txt",
        "root/sub/deep.txt",
        "root/.env",
        "root/.hidden/key",
    ];
    for file in files {
        fs::write(place.path().join(file), file).unwrap();
    }
    (place, root)
}

/// What a path leads to, as text: a file's content or `folder`.
fn get(root: &Root, path: &str) -> Result<String, Refusal> {
    match root.find(&Names::decode(path)?)? {
        Opened::File(file, _) => Ok(io::read_to_string(file).unwrap()),
        Opened::Folder(_) => Ok("folder".to_owned()),
    }
}

/// Whether nothing is there for a path.
fn missing(root: &Root, path: &str) -> bool {
    get(root, path) == Err(Refusal::Missing)
}

#[test]
fn plain_paths_lead_to_their_places() {
    let (_place, root) = place();
    let root = Root::open(&root, false, Withheld::default()).unwrap();
    assert_eq!(get(&root, "/").unwrap(), "folder");
    assert_eq!(get(&root, "/sub").unwrap(), "folder");
    assert_eq!(get(&root, "/sub/").unwrap(), "folder");
    assert_eq!(get(&root, "/file.txt").unwrap(), "root/file.txt");
    assert_eq!(get(&root, "/sub/deep.txt").unwrap(), "root/sub/deep.txt");
    assert_eq!(
        get(&root, "/%73ub/d%65ep.txt").unwrap(),
        "root/sub/deep.txt"
    );
    assert!(missing(&root, "/nothing") && missing(&root, "/file.txt/below"));
}

#[test]
fn no_form_of_going_up_leads_out() {
    let (place, root) = place();
    let outside = place.path().join("outside/secret.txt");
    let root = Root::open(&root, true, Withheld::default()).unwrap();
    let absolute = outside.to_str().unwrap();
    let mut forms = vec![
        "/../outside/secret.txt".to_owned(),
        "/sub/../../outside/secret.txt".to_owned(),
        "/sub/../file.txt".to_owned(),
        "/%2e%2e/outside/secret.txt".to_owned(),
        "/%2E%2e/outside/secret.txt".to_owned(),
        "/.%2e/outside/secret.txt".to_owned(),
        "/..%2foutside%2fsecret.txt".to_owned(),
        "/%2e%2e%2foutside%2fsecret.txt".to_owned(),
        "/..%5coutside%5csecret.txt".to_owned(),
        "/..\\outside\\secret.txt".to_owned(),
        "/sub/..;/file.txt".to_owned(),
        "/./file.txt".to_owned(),
        "/sub/.".to_owned(),
        "/..".to_owned(),
        "/../".to_owned(),
        "//".to_owned(),
        "///".to_owned(),
        "//file.txt".to_owned(),
        "/sub//deep.txt".to_owned(),
        "/sub//".to_owned(),
        "/file.txt%00".to_owned(),
        "/file.txt%00.html".to_owned(),
        "/%00".to_owned(),
        "/%252e%252e/outside/secret.txt".to_owned(),
        "/%c0%ae%c0%ae/outside/secret.txt".to_owned(),
        "/%ef%bc%8e%ef%bc%8e/outside/secret.txt".to_owned(),
        "/%2f".to_owned(),
    ];
    forms.push(format!("/{absolute}"));
    forms.push(absolute.replace('/', "%2f"));
    forms.push(format!("/{}", absolute.replace('/', "%2f")));
    forms.push(format!("/sub/{}", absolute.replace('/', "%2F")));
    for form in forms {
        let got = get(&root, &form);
        assert!(got.is_err(), "{form}: {got:?}");
    }
}

#[test]
fn what_is_no_path_or_no_encoding_is_malformed() {
    for path in [
        "",
        "*",
        "file.txt",
        "%2f",
        "https://host/",
        "/%",
        "/%4",
        "/%zz",
        "/a%g0",
        "/%+1",
        "/%é",
    ] {
        assert!(
            matches!(Names::decode(path), Err(Refusal::Malformed(_))),
            "{path:?}"
        );
    }
}

#[test]
fn links_are_followed_inside_only() {
    let (place, root) = place();
    let links = [
        ("in-file", "sub/deep.txt".to_owned()),
        ("in-folder", "sub".to_owned()),
        ("in-absolute", root.join("sub").to_str().unwrap().to_owned()),
        ("out-file", "../outside/secret.txt".to_owned()),
        ("out-folder", "../outside".to_owned()),
        (
            "out-absolute",
            place.path().join("outside").to_str().unwrap().to_owned(),
        ),
        ("out-system", "/etc/passwd".to_owned()),
        ("out-all", "/".to_owned()),
        ("out-and-in", format!("../{}/file.txt", "root")),
        ("circle", "circle".to_owned()),
        ("dangling", "nowhere".to_owned()),
        ("to-hidden", ".hidden/key".to_owned()),
        ("to-env", ".env".to_owned()),
    ];
    for (name, target) in &links {
        symlink(target, root.join(name)).unwrap();
    }
    let open = Root::open(&root, false, Withheld::default()).unwrap();
    assert_eq!(get(&open, "/in-file").unwrap(), "root/sub/deep.txt");
    assert_eq!(
        get(&open, "/in-folder/deep.txt").unwrap(),
        "root/sub/deep.txt"
    );
    assert_eq!(get(&open, "/in-absolute/").unwrap(), "folder");
    // It leaves and comes back: where it ends is what counts.
    assert_eq!(get(&open, "/out-and-in").unwrap(), "root/file.txt");
    for path in [
        "/out-file",
        "/out-folder",
        "/out-folder/",
        "/out-folder/secret.txt",
        "/out-absolute/secret.txt",
        "/out-system",
        "/out-all/etc/passwd",
        "/circle",
        "/dangling",
        "/to-hidden",
        "/to-env",
    ] {
        assert!(missing(&open, path), "{path}");
    }
    let all = Root::open(&root, true, Withheld::default()).unwrap();
    assert_eq!(get(&all, "/to-env").unwrap(), "root/.env");
    assert!(missing(&all, "/out-file"));
}

#[test]
fn a_neighbour_whose_name_begins_alike_is_outside() {
    let (place, root) = place();
    fs::create_dir(place.path().join("root-other")).unwrap();
    fs::write(place.path().join("root-other/x"), "x").unwrap();
    symlink("../root-other/x", root.join("link")).unwrap();
    assert!(missing(
        &Root::open(&root, true, Withheld::default()).unwrap(),
        "/link"
    ));
}

#[test]
fn hidden_names_are_missing_unless_asked_for() {
    let (_place, root) = place();
    let closed = Root::open(&root, false, Withheld::default()).unwrap();
    for path in ["/.env", "/.hidden", "/.hidden/", "/.hidden/key", "/%2eenv"] {
        assert!(missing(&closed, path), "{path}");
    }
    let all = Root::open(&root, true, Withheld::default()).unwrap();
    assert_eq!(get(&all, "/.env").unwrap(), "root/.env");
    assert_eq!(get(&all, "/.hidden/key").unwrap(), "root/.hidden/key");
}

#[test]
fn a_root_that_is_hidden_itself_is_served() {
    let (_place, root) = place();
    let root = Root::open(&root.join(".hidden"), false, Withheld::default()).unwrap();
    assert_eq!(get(&root, "/key").unwrap(), "root/.hidden/key");
}

#[test]
fn pipes_sockets_and_devices_are_not_opened() {
    let (_place, root) = place();
    let pipe = root.join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    symlink("/dev/null", root.join("device")).unwrap();
    symlink("pipe", root.join("to-pipe")).unwrap();
    let open = Root::open(&root, false, Withheld::default()).unwrap();
    for path in ["/pipe", "/socket", "/device", "/to-pipe", "/pipe/"] {
        assert!(missing(&open, path), "{path}");
    }
    // A device folder as root: its entries are files, but not regular ones.
    assert!(missing(
        &Root::open(Path::new("/dev"), false, Withheld::default()).unwrap(),
        "/null"
    ));
}

#[test]
fn a_folder_exchanged_for_a_link_leads_nowhere() {
    let (_place, root) = place();
    let open = Root::open(&root, false, Withheld::default()).unwrap();
    let inside = open
        .resolve(&Names::decode("/sub/deep.txt").unwrap())
        .unwrap();
    fs::rename(root.join("sub"), root.join("old")).unwrap();
    symlink("../outside", root.join("sub")).unwrap();
    fs::write(root.join("../outside/deep.txt"), "secret").unwrap();
    let refused = open::beneath(&open.anchor, &inside, &[])
        .map(|_| ())
        .map_err(Refusal::from);
    assert_eq!(refused, Err(Refusal::Missing));
    let exchanged = open::beneath(&open.anchor, Path::new("sub"), &[])
        .map(|_| ())
        .map_err(Refusal::from);
    assert_eq!(exchanged, Err(Refusal::Missing));
}

#[test]
fn very_long_and_very_deep_paths_are_missing() {
    let (_place, root) = place();
    let root = Root::open(&root, false, Withheld::default()).unwrap();
    assert!(missing(&root, &format!("/{}", "a".repeat(100_000))));
    assert!(missing(&root, &"/a".repeat(50_000)));
    assert!(missing(&root, &format!("/{}", "a".repeat(256))));
}

#[test]
fn names_that_are_no_text_are_found() {
    use std::os::unix::ffi::OsStringExt;
    let (_place, root) = place();
    fs::write(root.join(OsString::from_vec(b"\xff\x80".to_vec())), "odd").unwrap();
    fs::write(root.join("grün"), "green").unwrap();
    let open = Root::open(&root, false, Withheld::default()).unwrap();
    assert_eq!(get(&open, "/%ff%80").unwrap(), "odd");
    assert_eq!(get(&open, "/gr%C3%BCn").unwrap(), "green");
    assert_eq!(get(&open, "/grün").unwrap(), "green");
}

#[test]
fn windows_has_more_names_that_are_none() {
    for name in [
        "NUL",
        "con.txt",
        "a:b",
        "file.txt::$DATA",
        "C:",
        "x.",
        "x ",
        "COM1",
        "lpt9.log",
    ] {
        assert!(!is_plain_on_windows(name.as_bytes()), "{name}");
    }
    for name in ["console", "nullable.txt", "a.b", "comet", "communication"] {
        assert!(is_plain_on_windows(name.as_bytes()), "{name}");
    }
}

#[test]
fn a_root_must_be_a_folder() {
    let (_place, root) = place();
    assert!(Root::open(&root.join("file.txt"), false, Withheld::default()).is_err());
    assert!(Root::open(&root.join("nothing"), false, Withheld::default()).is_err());
}

#[test]
fn private_keys_are_served_by_no_name() {
    let (place, root) = place();
    fs::create_dir(root.join(".ca")).unwrap();
    fs::write(root.join(".ca/root.pem"), "root").unwrap();
    fs::write(root.join("key.pem"), "key").unwrap();
    fs::hard_link(root.join("key.pem"), root.join("sub/second.pem")).unwrap();
    symlink("key.pem", root.join("link.pem")).unwrap();
    symlink(".ca", root.join("link-ca")).unwrap();
    symlink(".ca/root.pem", root.join("link-root")).unwrap();
    // By another name for the folder, and a key that comes later.
    symlink("root", place.path().join("alias")).unwrap();
    let alias = place.path().join("alias");
    let paths = ["key.pem", ".ca", "later.pem"].map(|name| alias.join(name));
    let served = Root::open(&root, true, Withheld::new(paths.to_vec())).unwrap();
    fs::write(root.join("later.pem"), "key").unwrap();
    fs::rename(root.join("key.pem"), root.join("renamed.pem")).unwrap();
    for path in [
        "/key.pem",
        "/renamed.pem",
        "/later.pem",
        "/sub/second.pem",
        "/link.pem",
        "/.ca",
        "/.ca/",
        "/.ca/root.pem",
        "/link-ca/",
        "/link-ca/root.pem",
        "/link-root",
    ] {
        assert_eq!(get(&served, path), Err(Refusal::Missing), "{path}");
        let names = Names::decode(path).unwrap();
        assert_eq!(served.look(&names), Err(Refusal::Missing), "{path}");
    }
    for (path, wanted) in [
        ("/", &["file.txt", "sub"][..]),
        ("/sub/", &["deep.txt"][..]),
    ] {
        let Ok(Opened::Folder(folder)) = served.find(&Names::decode(path).unwrap()) else {
            panic!("{path}");
        };
        let (entries, _) = served.entries(&folder, 100).unwrap();
        // Links are told apart by where they lead to; `look` refused them above.
        let plain = entries.into_iter().filter(|entry| entry.facts.is_some());
        let mut names: Vec<_> = plain.map(|entry| entry.name).collect();
        names.retain(|name| !name.as_encoded_bytes().starts_with(b"."));
        names.sort();
        assert_eq!(names, wanted, "{path}");
    }
    let own = Root::open(&root.join(".ca"), true, Withheld::new(paths.to_vec())).unwrap();
    assert_eq!(get(&own, "/root.pem"), Err(Refusal::Missing));
    assert_eq!(get(&own, "/"), Err(Refusal::Missing));
}
