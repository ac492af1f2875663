//! Which cryptography is chosen, and do both ends of our own group agree?

use std::sync::Arc;

use rustls::NamedGroup;
use rustls::crypto::{SupportedKxGroup, aws_lc_rs};

use super::{Crypto, is_available};

fn p521() -> &'static dyn SupportedKxGroup {
    let groups = Crypto::choose(None).unwrap().groups();
    *groups
        .iter()
        .find(|group| group.name() == NamedGroup::secp521r1)
        .unwrap()
}

#[test]
fn what_is_given_comes_before_what_is_built_in() {
    assert!(is_available());
    assert!(Crypto::choose(None).unwrap().is_built_in());
    let given = Arc::new(aws_lc_rs::default_provider());
    let chosen = Crypto::choose(Some(&given)).unwrap();
    assert!(!chosen.is_built_in());
    assert!(Arc::ptr_eq(chosen.provider(), &given));
    assert_eq!(chosen.groups().len(), given.kx_groups.len());
}

#[test]
fn both_ends_of_p521_agree() {
    let ours = p521().start().unwrap();
    let theirs = p521().start_and_complete(ours.pub_key()).unwrap();
    assert_eq!(theirs.group, NamedGroup::secp521r1);
    assert_eq!(theirs.pub_key.len(), 133);
    let secret = ours.complete(&theirs.pub_key).unwrap();
    assert_eq!(secret.secret_bytes(), theirs.secret.secret_bytes());
    assert_eq!(secret.secret_bytes().len(), 66);
}

#[test]
fn p521_refuses_points_that_are_none() {
    let whole = p521().start().unwrap().pub_key().to_vec();
    let mut off_curve = whole.clone();
    off_curve[40] ^= 1;
    let mut compressed = whole[..67].to_vec();
    compressed[0] = 2 + (whole[132] & 1);
    for point in [&[][..], &[4], &whole[..132], &off_curve, &compressed] {
        let ours = p521().start().unwrap();
        assert!(ours.complete(point).is_err(), "{} octets", point.len());
    }
}
