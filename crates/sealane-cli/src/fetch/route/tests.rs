//! Proxies and addresses as options give them.

use super::*;
use crate::fetch::options::route::ProxyUrl;

/// What these options mean, or why they mean nothing.
fn read(args: &RouteArgs) -> std::result::Result<Route, String> {
    Route::read(args, Roots::bundled).map_err(|failure| {
        assert_eq!(failure.exit_code(), 2);
        failure.to_string()
    })
}

#[test]
fn proxies_are_read_and_their_passwords_never_shown() {
    let with = |url: &str, noproxy: Option<&str>| {
        read(&RouteArgs {
            proxy: Some(ProxyUrl(url.to_owned())),
            noproxy: noproxy.map(str::to_owned),
            ..RouteArgs::default()
        })
    };
    let route = with("http://me:secret@proxy:3128", Some("localhost,.lan")).unwrap();
    assert!(route.proxy.is_some());
    assert!(!format!("{route:?}").contains("secret"), "{route:?}");
    for (url, noproxy) in [
        ("ftp://me:secret@proxy:1", None),
        ("http://me:secret@proxy:99999", None),
        ("http://me:secret@proxy/path", None),
        ("http://me:secret@proxy", Some("10.0.0.0/99")),
    ] {
        let said = with(url, noproxy).unwrap_err();
        assert!(
            said.starts_with("error: ") && !said.contains("secret"),
            "{said}"
        );
        assert!(said.contains("ERR_PROXY_INVALID_CONFIG"), "{said}");
    }
    assert!(read(&RouteArgs::default()).unwrap().proxy.is_none());
}

#[test]
fn addresses_hold_for_their_name_and_port() {
    let resolve = |text: &str| crate::fetch::options::route::resolve(text).unwrap();
    let args = RouteArgs {
        resolve: vec![
            resolve("a:443:10.0.0.1"),
            resolve("b:443:10.0.0.2"),
            resolve("a:444:::1"),
        ],
        ..RouteArgs::default()
    };
    let route = read(&args).unwrap();
    let found = |url: &str| route.lookup(url);
    assert!(found("https://a/").is_some() && found("https://a/") == found("https://A.:443/b"));
    assert!(found("https://a/") != found("https://b/"));
    assert!(found("https://a/") != found("https://a:444/"));
    for url in ["https://a:445/", "https://c/", "https://[::1]/", "no url"] {
        assert!(found(url).is_none(), "{url}");
    }
}

#[test]
fn roots_are_for_proxies_that_are_asked_by_https() {
    let with = |url: &str, roots: Option<&str>| {
        read(&RouteArgs {
            proxy: Some(ProxyUrl(url.to_owned())),
            proxy_cacert: roots.map(Into::into),
            ..RouteArgs::default()
        })
    };
    for url in ["http://proxy", "proxy:3128"] {
        let said = with(url, Some("ca.pem")).unwrap_err();
        assert!(said.contains("--proxy-cacert is for https://"), "{said}");
        let route = with(url, None).unwrap();
        assert!(sealane::Agent::new(route.agent(AgentOptions::new())).is_ok());
    }
    let said = with("https://proxy", Some("/nonexistent")).unwrap_err();
    assert!(said.contains("ENOENT"), "{said}");
}
