//! The pattern at every boundary of its block, and the paths that ask for it.

use http_body_util::BodyExt;

use super::*;

#[tokio::test]
async fn every_octet_is_its_position() {
    for length in [0, 1, 250, 251, 252, 65_510, 65_511, 65_512, 300_000] {
        let body = Pattern::new(length);
        assert_eq!(body.size_hint().exact(), Some(length));
        let octets = body.collect().await.unwrap().to_bytes();
        assert_eq!(octets.len() as u64, length);
        assert!(
            octets
                .iter()
                .enumerate()
                .all(|(at, &octet)| at % 251 == usize::from(octet))
        );
    }
}

#[tokio::test]
async fn bodies_share_their_block() {
    let mut pieces = Vec::new();
    for mut body in [Pattern::new(u64::MAX), Pattern::new(70_000)] {
        pieces.push(body.frame().await.unwrap().unwrap().into_data().unwrap());
    }
    assert_eq!(pieces[0].as_ptr(), pieces[1].as_ptr());
}

#[test]
fn paths() {
    assert_eq!(Asked::of("/big"), Asked::Octets(8_388_608));
    assert_eq!(Asked::of("/bytes/0"), Asked::Octets(0));
    assert_eq!(Asked::of("/bytes/1000"), Asked::Octets(1000));
    assert_eq!(Asked::of("/bytes/1099511627776"), Asked::Octets(MOST));
    for path in ["/", "/bytes", "/big/", "/bigger", "/BIG"] {
        assert_eq!(Asked::of(path), Asked::Nothing, "{path}");
    }
    for path in [
        "/bytes/",
        "/bytes/-1",
        "/bytes/+1",
        "/bytes/1e3",
        "/bytes/1/",
        "/bytes/1099511627777",
        "/bytes/99999999999999999999999",
    ] {
        assert!(matches!(Asked::of(path), Asked::Wrong(_)), "{path}");
    }
}
