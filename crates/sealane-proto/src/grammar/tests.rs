//! Every octet against the ABNF, and the fast loops against the slow ones.

use super::*;

/// The octets for which a predicate holds.
fn accepted(predicate: impl Fn(u8) -> bool) -> Vec<u8> {
    (0..=255).filter(|&octet| predicate(octet)).collect()
}

#[test]
fn tchar_is_what_rfc_9110_lists() {
    let mut listed = b"!#$%&'*+-.^_`|~".to_vec();
    listed.extend(b'0'..=b'9');
    listed.extend(b'A'..=b'Z');
    listed.extend(b'a'..=b'z');
    listed.sort_unstable();
    assert_eq!(accepted(is_tchar), listed);
}

#[test]
fn reg_name_octets_are_unreserved_and_sub_delims() {
    for octet in accepted(is_reg_name) {
        let listed = octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&octet);
        assert!(listed, "{octet:#x}");
    }
    assert_eq!(accepted(is_reg_name).len(), 62 + 15);
}

#[test]
fn values_hold_blanks_visible_octets_and_obs_text() {
    let listed = |octet: u8| octet == b'\t' || (b' '..0x7f).contains(&octet) || octet >= 0x80;
    assert_eq!(accepted(is_value), accepted(listed));
    let quotable = |octet: u8| listed(octet) && octet != b'"' && octet != b'\\';
    assert_eq!(accepted(is_qdtext), accepted(quotable));
}

#[test]
fn hexadecimal_digits_have_both_letter_cases() {
    assert_eq!(hex_value(b'0'), Some(0));
    assert_eq!(hex_value(b'9'), Some(9));
    assert_eq!(hex_value(b'a'), Some(10));
    assert_eq!(hex_value(b'F'), Some(15));
    assert_eq!(accepted(|octet| hex_value(octet).is_some()).len(), 22);
}

#[test]
fn blanks_are_trimmed_at_both_ends_only() {
    assert_eq!(trim_blanks(b" \t a b \t"), b"a b");
    assert_eq!(trim_blanks(b"  \t"), b"");
    assert_eq!(trim_blanks(b""), b"");
}

#[test]
fn a_token_is_not_empty() {
    assert!(is_token(b"chunked"));
    assert!(!is_token(b""));
    assert!(!is_token(b"a b"));
}

#[test]
fn every_octet_stops_a_value_or_does_not_at_every_place() {
    for octet in 0..=255 {
        for place in 0..20 {
            let mut octets = [b'a'; 20];
            octets[place] = octet;
            let stop = if is_value(octet) { octets.len() } else { place };
            assert_eq!(skip_value(&octets, 0), stop, "{octet:#x} at {place}");
            assert_eq!(skip_value(&octets, place), stop, "{octet:#x} from {place}");
        }
    }
}

#[test]
fn every_octet_stops_a_target_or_does_not_at_every_place() {
    for octet in 0..=255_u8 {
        for place in 0..20 {
            let mut octets = [b'a'; 20];
            octets[place] = octet;
            let goes_on = octet.is_ascii_graphic() && octet != b'#';
            let stop = if goes_on { octets.len() } else { place };
            assert_eq!(skip_target(&octets, 0), stop, "{octet:#x} at {place}");
        }
    }
}

#[test]
fn the_first_of_two_stops_counts() {
    for first in 0..16 {
        for second in first + 1..17 {
            for octets in [(b'\r', 0x80), (0, 0x7f), (0x7f, b'\n'), (0x7f, 0x7f)] {
                let mut value = [0xe9; 17];
                value[first] = octets.0;
                value[second] = octets.1;
                assert_eq!(
                    skip_value(&value, 0),
                    first,
                    "{octets:?} at {first} and {second}"
                );
            }
        }
    }
}

#[test]
fn tabs_do_not_stop_a_value() {
    assert_eq!(skip_value(b"\t\t\t\t\t\t\t\t\t\ta\tb\r", 0), 13);
    assert_eq!(skip_value(b"", 0), 0);
    assert_eq!(skip_value(b"abc", 3), 3);
}
