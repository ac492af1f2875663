//! Escaping and quoting, read back by a real shell.

use super::*;

#[test]
fn ordinary_text_is_left_alone() {
    assert_eq!(visible("Grüße – 例え.txt"), "Grüße – 例え.txt");
}

#[test]
fn controls_and_direction_marks_become_visible() {
    assert_eq!(visible("a\x1b]0;x\x07b"), "a\\u{1b}]0;x\\u{7}b");
    assert_eq!(visible("cod\u{202e}gpj.exe"), "cod\\u{202e}gpj.exe");
    assert_eq!(visible("\u{9b}31m"), "\\u{9b}31m");
    assert_eq!(visible("two\nlines"), "two\\nlines");
}

#[test]
fn quoted_paths_keep_their_quotes_and_spaces() {
    assert_eq!(
        shell_quote(Path::new("/home/a b/it's")),
        r"'/home/a b/it'\''s'"
    );
    assert_eq!(
        shell_quote(Path::new("/x;rm -rf $HOME`id`")),
        "'/x;rm -rf $HOME`id`'"
    );
}

#[test]
fn paths_with_controls_use_the_dollar_form() {
    assert_eq!(
        shell_quote(Path::new("/a\nb'c\\d\u{e9}")),
        r"$'/a\012b\'c\\d\303\251'"
    );
}

#[cfg(unix)]
#[test]
fn a_shell_reads_the_path_back() {
    for name in ["/plain", "/it's \"q\" $x `y`", "/new\nline\x1b[1m'"] {
        let script = format!("printf %s {}", shell_quote(Path::new(name)));
        let said = std::process::Command::new("bash")
            .arg("-c")
            .arg(script)
            .output();
        assert_eq!(said.expect("bash runs").stdout, name.as_bytes(), "{name:?}");
    }
}
