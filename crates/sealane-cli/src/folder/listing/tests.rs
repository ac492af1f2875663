//! The page: its order, its escapes for each place where a name stands, its policy.

use super::*;

/// A file of a thousand octets and a bit, changed on 2020-09-13.
fn file(name: &str) -> Line {
    let facts = Facts {
        folder: false,
        size: 1100,
        modified: 1_600_000_000,
    };
    Line {
        name: name.into(),
        facts,
    }
}

/// A folder.
fn folder(name: &str) -> Line {
    let facts = Facts {
        folder: true,
        size: 4096,
        modified: 1_600_000_000,
    };
    Line {
        name: name.into(),
        facts,
    }
}

/// The page of the root with these lines.
fn root(lines: Vec<Line>) -> String {
    page(&[], lines, false)
}

#[test]
fn folders_come_first_and_letter_case_does_not_part_names() {
    let page = root(vec![
        file("b.txt"),
        file("A.txt"),
        folder("zoo"),
        file("c"),
        folder("Ant"),
    ]);
    let order: Vec<_> = ["./Ant/", "./zoo/", "./A.txt", "./b.txt", "./c\""]
        .iter()
        .map(|link| page.find(link).expect(link))
        .collect();
    assert!(order.is_sorted(), "{order:?}");
    assert!(page.contains("2 folders, 3 files, 3.2 KiB"), "{page}");
    assert!(page.contains("<time datetime=\"2020-09-13T12:26:40Z\">2020-09-13 12:26</time>"));
}

#[test]
fn names_cannot_leave_their_place() {
    let name = "\"><script>alert('x')</script>&amp;";
    let page = page(&[OsStr::new(name)], vec![file(name), folder(name)], false);
    assert!(
        !page.contains("<script") && !page.contains("alert('"),
        "{page}"
    );
    assert!(page.contains("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;"));
    assert!(
        page.contains("href=\"./%22%3E%3Cscript%3Ealert%28%27x%27%29%3C%2Fscript%3E%26amp%3B\"")
    );
}

#[test]
fn links_lead_to_the_entry_whatever_its_name() {
    let links = [
        ("javascript:alert(1)", "./javascript%3Aalert%281%29\""),
        ("a?b#c", "./a%3Fb%23c\""),
        ("100%", "./100%25\""),
        ("grün é", "./gr%C3%BCn%20%C3%A9\""),
        ("..x", "./..x\""),
    ];
    for (name, link) in links {
        assert!(root(vec![file(name)]).contains(link), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_linked_by_their_octets() {
    use std::os::unix::ffi::OsStringExt;
    let mut line = file("");
    line.name = OsString::from_vec(b"a\xff\x01".to_vec());
    let page = root(vec![line]);
    assert!(
        page.contains("href=\"./a%FF%01\"><bdi>a\u{fffd}\u{fffd}</bdi>"),
        "{page}"
    );
}

#[test]
fn a_name_does_not_show_as_another_one() {
    let page = root(vec![file("photo\u{202e}gnp.exe")]);
    assert!(
        page.contains("<bdi>photo\u{fffd}gnp.exe</bdi></a>"),
        "{page}"
    );
}

#[test]
fn the_way_up() {
    let page = page(&[OsStr::new("a"), OsStr::new("b c")], vec![], false);
    assert!(page.contains("<li><a href=\"../../\">Home</a></li>"));
    assert!(page.contains("<li><a href=\"../\"><bdi>a</bdi></a></li>"));
    assert!(page.contains("<h1 aria-current=\"page\"><bdi>b c</bdi></h1>"));
    assert!(page.contains("<a href=\"../\">Up one folder</a>"));
    assert!(page.contains("This folder is empty."));
    assert!(page.contains("<title>/a/b c</title>"));
    assert!(!root(vec![]).contains("Up one folder"));
}

#[test]
fn what_is_left_out_is_said() {
    assert!(page(&[], vec![file("a")], true).contains("1 file, 1.1 KiB; there are more"));
}

#[test]
fn long_names_do_not_make_an_endless_page() {
    let page = root(vec![file(&"\"".repeat(255)); 10_000]);
    assert!(page.len() < LARGEST + 10_000, "{}", page.len());
    let rows = page.matches("<tr class=\"file\">").count();
    assert!(page.contains(&format!("{rows} files")) && page.contains("; there are more"));
    assert!(page.ends_with("</html>\n"));
}

#[test]
fn sizes_for_people() {
    let sizes = [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (102_348, "99.9 KiB"),
        (102_400, "100 KiB"),
        (1_023_999, "1.0 MiB"),
        (1 << 30, "1.0 GiB"),
        (u64::MAX, "16.0 EiB"),
    ];
    for (octets, said) in sizes {
        assert_eq!(size(octets), said);
    }
}

#[test]
fn dates_beyond_the_calendar_are_left_out() {
    for modified in [i64::MAX, i64::MIN, -400_000_000_000] {
        let mut line = file("a");
        line.facts.modified = modified;
        assert!(!root(vec![line]).contains("<time"));
    }
}

#[test]
fn the_policy_knows_the_style() {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
    let digest = base64(digest.as_ref());
    assert!(
        POLICY.contains(&digest),
        "the style's digest is now {digest}"
    );
}

/// Encodes octets in base64 (RFC 4648 §4).
fn base64(octets: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in octets.chunks(3) {
        let mut group = [0; 4];
        group[1..=three.len()].copy_from_slice(three);
        let bits = u32::from_be_bytes(group);
        for at in 0..4 {
            let letter = letters[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= three.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    out
}
