//! Is what was meant for us told from what was not?

#[cfg(unix)]
#[test]
fn sockets_are_counted_only_when_they_are_ours() {
    use super::*;

    for (count, process, wanted) in [
        (None, None, 0),
        (None, Some("7"), 0),
        (Some("2"), Some("7"), 2),
        (Some("2"), Some(""), 2),
        (Some("2"), None, 2),
        (Some("2"), Some("8"), 0),
        (Some("2"), Some("x"), 0),
        (Some("no number"), Some("8"), 0),
        (Some("0"), Some("7"), 0),
    ] {
        assert_eq!(
            check(count, process, 7),
            Ok(wanted),
            "{count:?} {process:?}"
        );
    }
    for count in ["", "-1", "65", "4000000000", "x\u{7}"] {
        let failure = check(Some(count), Some("7"), 7).unwrap_err().to_string();
        assert!(failure.starts_with("error: LISTEN_FDS is "), "{failure}");
        assert!(!failure.contains('\u{7}'), "{failure}");
    }
}
