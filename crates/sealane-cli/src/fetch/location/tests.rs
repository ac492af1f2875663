//! Where redirects lead, and what becomes of methods, bodies and credentials.

use http::HeaderValue;

use super::*;

/// Fields with these places.
fn places(texts: &[&str]) -> HeaderMap {
    let value = |text: &&str| HeaderValue::from_bytes(text.as_bytes()).unwrap();
    let pairs = texts.iter().map(|text| (header::LOCATION, value(text)));
    let mut fields = HeaderMap::new();
    for (name, value) in pairs {
        fields.append(name, value);
    }
    fields
}

/// Goes from a URL where a redirect leads.
fn next(url: &str, method: &Method, status: u16, place: &str) -> Result<Option<Hop>, String> {
    let mut trail = Trail::begin(url, method, MOST);
    let status = StatusCode::from_u16(status).unwrap();
    let led = trail.follow(status, &places(&[place]))?;
    Ok(led.then(|| trail.hop().clone()))
}

/// The URL that a reference leads to.
fn url(base: &str, place: &str) -> String {
    next(base, &Method::GET, 302, place).unwrap().unwrap().url
}

#[test]
fn references_are_resolved() {
    // RFC 3986 §5.4, with https for its http; without what the abnormal examples leave open.
    for (place, wanted) in [
        ("g", "https://a/b/c/g"),
        ("./g", "https://a/b/c/g"),
        ("g/", "https://a/b/c/g/"),
        ("/g", "https://a/g"),
        ("//g", "https://g/"),
        ("?y", "https://a/b/c/d;p?y"),
        ("g?y", "https://a/b/c/g?y"),
        ("g#s", "https://a/b/c/g"),
        ("g?y#s", "https://a/b/c/g?y"),
        (";x", "https://a/b/c/;x"),
        ("g;x=1/../y", "https://a/b/c/y"),
        (".", "https://a/b/c/"),
        ("..", "https://a/b/"),
        ("../..", "https://a/"),
        ("../../../../g", "https://a/g"),
        ("https://h:444/x y", "https://h:444/x%20y"),
        ("https://h:443/", "https://h/"),
    ] {
        assert_eq!(url("https://a/b/c/d;p?q", place), wanted, "{place}");
    }
}

#[test]
fn methods_become_what_browsers_make_of_them() {
    for (status, method, wanted, body) in [
        (301, Method::POST, Method::GET, false),
        (302, Method::POST, Method::GET, false),
        (303, Method::POST, Method::GET, false),
        (303, Method::PUT, Method::GET, false),
        (303, Method::HEAD, Method::HEAD, true),
        (301, Method::PUT, Method::PUT, true),
        (302, Method::HEAD, Method::HEAD, true),
        (302, Method::DELETE, Method::DELETE, true),
        (307, Method::POST, Method::POST, true),
        (308, Method::POST, Method::POST, true),
        (308, Method::GET, Method::GET, true),
    ] {
        let hop = next("https://a/", &method, status, "/x").unwrap().unwrap();
        assert_eq!((hop.method, hop.body), (wanted, body), "{status} {method}");
    }
    let mut trail = Trail::begin("https://a/", &Method::POST, MOST);
    assert!(trail.follow(StatusCode::FOUND, &places(&["/b"])).unwrap());
    let status = StatusCode::TEMPORARY_REDIRECT;
    assert!(trail.follow(status, &places(&["/c"])).unwrap());
    assert!(!trail.hop().body, "a body that was dropped does not return");
}

#[test]
fn what_is_no_redirect_is_not_followed() {
    for status in [200, 201, 300, 304, 305, 306, 400] {
        assert_eq!(next("https://a/", &Method::GET, status, "/x"), Ok(None));
    }
    let mut trail = Trail::begin("https://a/", &Method::GET, MOST);
    assert_eq!(
        trail.follow(StatusCode::FOUND, &HeaderMap::new()),
        Ok(false)
    );
}

#[test]
fn credentials_stay_with_their_origin() {
    let from = |place| {
        let hop = next("https://me:secret@a/x", &Method::GET, 302, place);
        let hop = hop.unwrap().unwrap();
        (hop.url, hop.own)
    };
    assert_eq!(from("/y"), ("https://me:secret@a/y".to_owned(), true));
    assert_eq!(
        from("https://a:443/y"),
        ("https://me:secret@a/y".to_owned(), true)
    );
    assert_eq!(from("https://b/"), ("https://b/".to_owned(), false));
    assert_eq!(from("https://a:444/"), ("https://a:444/".to_owned(), false));
    assert_eq!(
        from("https://you:pass@b/"),
        ("https://b/".to_owned(), false)
    );
    assert_eq!(
        from("//you:pass@a/"),
        ("https://me:secret@a/".to_owned(), true)
    );
    let mut trail = Trail::begin("https://me:secret@a/x", &Method::GET, MOST);
    for place in ["https://b/", "https://a/y"] {
        assert!(trail.follow(StatusCode::FOUND, &places(&[place])).unwrap());
    }
    assert_eq!(trail.hop().url, "https://a/y", "nor do they come back");
    assert!(!trail.hop().own);
}

#[test]
fn where_nobody_goes() {
    for (place, wanted) in [
        ("http://a/", "which is plain HTTP"),
        (
            "http://you:pass@a/",
            "leads to http://a/, which is plain HTTP",
        ),
        ("ftp://a/", "the scheme ftp is not followed"),
        ("javascript:alert(1)", "the scheme javascript"),
        ("https://", "is no URL"),
        ("https://a:99999/", "is no URL"),
        ("\u{e9}\tx", "is no URL"),
    ] {
        let said = next("https://a/", &Method::GET, 302, place).unwrap_err();
        assert!(
            said.contains(wanted) && !said.contains("pass"),
            "{place}: {said}"
        );
    }
    let mut trail = Trail::begin("https://a/", &Method::GET, MOST);
    let said = trail.follow(StatusCode::FOUND, &places(&["/b", "/c"]));
    assert!(said.unwrap_err().contains("several places"));
    assert_eq!(
        trail.follow(StatusCode::FOUND, &places(&["/b", "/b"])),
        Ok(true)
    );
}

#[test]
fn circles_and_endless_ways_end() {
    let mut trail = Trail::begin("https://a/#top", &Method::GET, MOST);
    let mut go = |place| trail.follow(StatusCode::FOUND, &places(&[place]));
    assert_eq!(go("/b"), Ok(true));
    assert!(go("/#other").unwrap_err().contains("in a circle"));
    let mut trail = Trail::begin("https://a/", &Method::POST, MOST);
    assert_eq!(
        trail.follow(StatusCode::SEE_OTHER, &places(&["/"])),
        Ok(true),
        "by another method"
    );
    let mut trail = Trail::begin("https://a/0", &Method::GET, 2);
    let mut go = |place| trail.follow(StatusCode::FOUND, &places(&[place]));
    assert_eq!((go("1"), go("2")), (Ok(true), Ok(true)));
    assert!(go("3").unwrap_err().contains("after 2 redirects already"));
}
