//! What contradicts itself, what a request's word changes, and what is part of a route.

use std::time::Duration;

use super::{Connecting, Via};
use crate::client::connector::Connector;
use crate::client::proxy::Proxy;
use crate::client::route::{Route, Through};
use crate::transport::{Family, Lookup};

fn said(via: impl IntoIterator<Item = Via>) -> Connecting {
    let mut connecting = Connecting::default();
    via.into_iter().for_each(|via| connecting.say(via));
    connecting
}

fn route(connecting: &Connecting) -> Route {
    let opening = connecting.clone().settle().expect("it can be meant");
    opening.route("example.com".into(), 443)
}

fn through(connecting: &Connecting) -> Through {
    let route = route(connecting);
    route
        .way()
        .map(|way| way.through.clone())
        .unwrap_or_default()
}

fn proxy() -> Via {
    Via::Proxy(Proxy::new("http://proxy.example").expect("a proxy"))
}

fn stream() -> Via {
    let open = |_| async { Err::<tokio::io::Empty, _>("never opened") };
    Via::Stream(Connector::new(open))
}

#[test]
fn nothing_said_is_the_systems_way() {
    assert!(route(&Connecting::default()).way().is_none());
    assert!(route(&said([Via::Direct])).way().is_none());
}

#[test]
fn two_ways_at_once_are_refused_by_name() {
    for (one, other) in [(proxy(), stream()), (stream(), proxy())] {
        let names = [one.option(), other.option()];
        let error = said([one, other]).settle().expect_err("it cannot be meant");
        assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"));
        for name in names {
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    assert!(matches!(
        through(&said([proxy(), Via::Direct])),
        Through::Network
    ));
    assert!(matches!(
        through(&said([Via::Direct, proxy()])),
        Through::Proxy(_)
    ));
}

#[test]
fn a_requests_word_wins_over_its_agents() {
    let agent = said([proxy()]);
    let own = said([stream()]).over(&agent);
    assert!(matches!(through(&own), Through::Stream(_)));
    let direct = said([Via::Direct]).over(&agent);
    assert!(matches!(through(&direct), Through::Network));
    let silent = Connecting::default().over(&agent);
    assert!(matches!(through(&silent), Through::Proxy(_)));
    // Not to use a proxy says nothing about other ways.
    let direct = said([Via::Direct]).over(&said([stream()]));
    assert!(matches!(through(&direct), Through::Stream(_)));
}

#[test]
fn whom_a_proxy_is_not_for_is_reached_directly() {
    let proxy = Proxy::new("http://proxy.example").expect("a proxy");
    let proxy = proxy.exclude(".example.com").expect("a list");
    let mut connecting = said([Via::Proxy(proxy)]);
    assert!(matches!(through(&connecting), Through::Network));
    connecting.family = Some(Family::V6);
    let direct = route(&connecting);
    assert_eq!(direct.way().map(|way| way.family), Some(Family::V6));
}

#[test]
fn each_thing_said_of_a_route_tells_it_from_others() {
    let hook = || Some(Lookup::new(|_, _| async { Ok(Vec::new()) }));
    let shared = hook();
    let plain = Connecting::default;
    let family = Connecting {
        family: Some(Family::V4),
        ..plain()
    };
    let address = Connecting {
        local_address: Some([127, 0, 0, 2].into()),
        ..plain()
    };
    let port = Connecting {
        local_port: Some(4711),
        ..plain()
    };
    let looked_up = |lookup| Connecting { lookup, ..plain() };
    let credentials = |pair: &str| {
        let proxy = Proxy::new("http://proxy.example").expect("a proxy");
        said([Via::Proxy(proxy.auth(pair))])
    };
    let mut all = vec![
        plain(),
        family,
        address,
        port,
        looked_up(hook()),
        looked_up(hook()),
    ];
    all.extend([said([proxy()]), credentials("a:b"), credentials("a:c")]);
    all.extend([said([stream()]), said([stream()])]);
    #[cfg(unix)]
    for path in ["/run/one", "/run/other"] {
        all.push(said([Via::Path(std::path::Path::new(path).into())]));
    }
    let routes: Vec<_> = all.iter().map(route).collect();
    for (at, one) in routes.iter().enumerate() {
        let same: Vec<_> = routes.iter().filter(|other| *other == one).collect();
        assert_eq!(same.len(), 1, "{at}: {same:?}");
    }
    assert_eq!(route(&looked_up(shared.clone())), route(&looked_up(shared)));
    assert_eq!(route(&said([proxy()])), route(&said([proxy()])));
}

#[test]
fn times_and_families_that_cannot_be_meant_are_refused() {
    let spacing = Connecting {
        spacing: Some(Duration::from_millis(9)),
        ..Connecting::default()
    };
    let limit = Connecting {
        attempt_limit: Some(Some(Duration::ZERO)),
        ..Connecting::default()
    };
    let family = Connecting {
        family: Some(Family::V6),
        local_address: Some([127, 0, 0, 1].into()),
        ..Connecting::default()
    };
    for (wrong, name) in [
        (spacing, "auto_select_family_attempt_timeout"),
        (limit, "attempt_limit"),
        (family, "local_address"),
    ] {
        let error = wrong.settle().expect_err(name);
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.code().is_some(), "{error}");
    }
}
