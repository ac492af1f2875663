//! Can a line be told from its neighbours, whatever a peer has sent?

use super::*;

/// An exchange with this target.
fn entry(target: &[u8]) -> Entry<'_> {
    Entry {
        at: OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap()
            + Duration::from_micros(123_456),
        connection: 7,
        remote: Some("192.0.2.1:5000".parse().unwrap()),
        source: None,
        method: "GET",
        target,
        version: "HTTP/1.1",
        status: Some(200),
        octets: 12,
        duration: Duration::from_micros(1_500),
        complete: true,
        error: None,
        tls: "TLSv1.3",
        cipher: "TLS_AES_128_GCM_SHA256",
        servername: None,
        client: None,
    }
}

#[test]
fn what_is_refused_before_it_is_a_request_has_its_line() {
    let refused = Entry {
        method: "",
        target: b"",
        version: "",
        status: Some(431),
        octets: 0,
        error: Some("HPE_HEADER_OVERFLOW"),
        ..entry(b"")
    };
    assert_eq!(
        refused.common(),
        "192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] \"-\" 431 -\n"
    );
    let json: serde_json::Value = serde_json::from_str(&refused.json()).unwrap();
    assert_eq!(json["error"], "HPE_HEADER_OVERFLOW");
    assert_eq!(json["method"], "");
}

#[test]
fn the_common_form() {
    assert_eq!(
        entry(b"/a?b").common(),
        "192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] \"GET /a?b HTTP/1.1\" 200 12\n"
    );
    let nothing = Entry {
        remote: None,
        status: None,
        octets: 0,
        ..entry(b"*")
    };
    let wanted = "- - - [14/Nov/2023:22:13:20 +0000] \"GET * HTTP/1.1\" - -\n";
    assert_eq!(nothing.common(), wanted);
}

#[test]
fn who_is_behind_a_proxy_is_the_client() {
    let behind = Entry {
        source: Some("[2001:db8::1]:9".parse().unwrap()),
        ..entry(b"/")
    };
    assert!(behind.common().starts_with("2001:db8::1 - - "));
    let json: serde_json::Value = serde_json::from_str(&behind.json()).unwrap();
    assert_eq!(json["remote"], "192.0.2.1:5000");
    assert_eq!(json["source"], "[2001:db8::1]:9");
}

#[test]
fn the_json_form() {
    let known = Entry {
        servername: Some("localhost"),
        client: Some("AB:CD"),
        ..entry(b"/a?b")
    };
    assert_eq!(
        known.json(),
        concat!(
            r#"{"time":"2023-11-14T22:13:20.123Z","connection":7,"remote":"192.0.2.1:5000","#,
            r#""method":"GET","target":"/a?b","version":"HTTP/1.1","status":200,"octets":12,"#,
            r#""duration_ms":1.5,"complete":true,"tls":"TLSv1.3","#,
            r#""cipher":"TLS_AES_128_GCM_SHA256","servername":"localhost","client":"AB:CD"}"#,
            "\n"
        )
    );
}

#[test]
fn no_octet_of_a_peer_leaves_its_field() {
    let octets: Vec<u8> = (0..=255).collect();
    let hostile = entry(&octets);
    for line in [hostile.common(), hostile.json()] {
        let (text, end) = line.split_at(line.len() - 1);
        assert_eq!(end, "\n");
        assert!(
            text.bytes().all(|octet| (b' '..=b'~').contains(&octet)),
            "{text}"
        );
    }
    let json: serde_json::Value = serde_json::from_str(&hostile.json()).unwrap();
    let told: Vec<u32> = json["target"]
        .as_str()
        .unwrap()
        .chars()
        .map(u32::from)
        .collect();
    assert_eq!(told, (0..=255).collect::<Vec<u32>>());
    let forged = entry(b"/\" 200 1\r\nx").common();
    assert!(
        forged.contains(r#""GET /\" 200 1\x0d\x0ax HTTP/1.1" 200 12"#),
        "{forged}"
    );
}

#[test]
fn characters_beyond_the_first_plane_stay_json() {
    let named = Entry {
        servername: Some("\u{202e}\u{1f600}\u{9b}"),
        ..entry(b"/")
    };
    let line = named.json();
    assert!(line.contains(r"\u202e\ud83d\ude00\u009b"), "{line}");
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(json["servername"], "\u{202e}\u{1f600}\u{9b}");
}
