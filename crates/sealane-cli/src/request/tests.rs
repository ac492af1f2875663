//! What the options of a request mean.

use clap::Parser;

use super::*;

/// A command of nothing but these options.
#[derive(Debug, Parser)]
struct Only {
    /// The options.
    #[command(flatten)]
    request: RequestArgs,
}

/// Reads options.
fn read(words: &[&str]) -> std::result::Result<Asked, String> {
    let words = ["sealane"].iter().chain(words);
    let read = Only::try_parse_from(words);
    let read = read.map_err(|error| error.to_string())?;
    read.request.asked().map_err(|failure| failure.to_string())
}

#[test]
fn data_implies_post_and_a_method_of_ones_own_wins() {
    let asked = read(&["https://h/"]).unwrap();
    assert_eq!((asked.method, asked.upload), (Method::GET, Upload::Nothing));
    let asked = read(&["-d", "a=b", "https://h/"]).unwrap();
    assert_eq!(asked.method, Method::POST);
    assert_eq!(asked.upload, Upload::Text("a=b".to_owned()));
    let asked = read(&["-X", "PUT", "--data", "@some file", "https://h/"]).unwrap();
    assert_eq!(asked.method, Method::PUT);
    assert_eq!(asked.upload, Upload::File("some file".into()));
    let asked = read(&["-X", "BREW", "-d@-", "https://h/"]).unwrap();
    assert_eq!(asked.method.as_str(), "BREW");
    assert_eq!(asked.upload, Upload::StandardInput);
    let asked = read(&["-d", "-1", "https://h/"]).unwrap();
    assert_eq!(asked.upload, Upload::Text("-1".to_owned()));
    let asked = read(&["-d", "", "https://h/"]).unwrap();
    assert_eq!(asked.method, Method::POST, "an empty body is one");
}

#[test]
fn wrong_words_are_refused() {
    for (words, wanted) in [
        (&["-X", "G ET", "https://h/"][..], "is no method"),
        (&["-X", "", "https://h/"], "method"),
        (&["-X", "CONNECT", "https://h/"], "a proxy for a tunnel"),
        (&["https://h/", "https://i/"], "unexpected argument"),
        (&["-d", "a", "-d", "b", "https://h/"], "multiple times"),
        (&["-d", "a", "-T", "f", "https://h/"], "cannot be used with"),
        (
            &["-T", "-", "https://h/"],
            "- has no name to put there\nhint: ",
        ),
        (&["-T", "..", "https://h/"], "has no name"),
        (&[], "<URL>"),
    ] {
        let said = read(words).unwrap_err();
        assert!(said.contains(wanted), "{words:?}: {said}");
    }
}

#[test]
fn files_are_put_where_the_url_says() {
    let asked = read(&["-T", "a/some file?.txt", "https://h/x/?q"]).unwrap();
    assert_eq!(asked.method, Method::PUT);
    assert_eq!(asked.url, "https://h/x/some%20file%3F.txt?q");
    assert_eq!(asked.upload, Upload::File("a/some file?.txt".into()));
    assert_eq!(asked.media, None);
    let asked = read(&["-T", "f", "-X", "POST", "https://h/x"]).unwrap();
    assert_eq!(
        (asked.method, asked.url.as_str()),
        (Method::POST, "https://h/x")
    );
    let asked = read(&["-T", "-", "https://h/x"]).unwrap();
    assert_eq!(asked.upload, Upload::StandardInput);
    assert_eq!(
        read(&["-T", "f", "h"]).unwrap().url,
        "h",
        "the library says what is wrong"
    );
}
