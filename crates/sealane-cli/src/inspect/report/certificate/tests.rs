//! Alternative names and distinguished names as data.

use std::time::{Duration, UNIX_EPOCH};

use super::*;

#[test]
fn alternative_names_are_parted_where_they_end() {
    for (line, wanted) in [
        ("", &[][..]),
        ("DNS:a.example", &["DNS:a.example"]),
        (
            "DNS:a.example, IP Address:127.0.0.1, URI:https://x/",
            &["DNS:a.example", "IP Address:127.0.0.1", "URI:https://x/"],
        ),
        (r#"DNS:"a, DNS:b", DNS:c"#, &["DNS:a, DNS:b", "DNS:c"]),
        (r#"URI:"q\", DNS:b", DNS:c"#, &["URI:q\", DNS:b", "DNS:c"]),
        ("IP Address:0:0:0:0:0:0:0:1", &["IP Address:::1"]),
        (r#"DNS:"open, DNS:c"#, &[r#"DNS:"open, DNS:c"#]),
    ] {
        assert_eq!(entries(line), wanted, "{line}");
    }
}

#[test]
fn an_attribute_that_comes_twice_is_a_list() {
    let name: Name = [("O", "a"), ("OU", "b"), ("O", "c")].into_iter().collect();
    let json = serde_json::to_string(&name).unwrap();
    assert_eq!(json, r#"{"O":["a","c"],"OU":"b"}"#);
    assert_eq!(name.common_name(), None);
    let name: Name = [("CN", "a"), ("CN", "b")].into_iter().collect();
    assert_eq!(name.common_name(), Some("a"));
}

#[test]
fn days_are_counted_to_a_beginning_that_is_to_come() {
    let now = UNIX_EPOCH + Duration::from_secs(1000);
    assert_eq!(days_until(1000, now), None);
    assert_eq!(days_until(0, now), None);
    assert_eq!(days_until(1001, now), Some(0));
    assert_eq!(days_until(1000 + 3 * 86_400, now), Some(3));
}
