//! The description loses no octet of the request.

use super::*;

#[test]
fn every_octet_can_be_told() {
    let content = Content {
        length: 3,
        sha256: "ab".repeat(32),
        trailers: HeaderMap::new(),
    };
    let fields: [(&[u8], &[u8]); 3] = [
        (b"X-b", b"gr\xfcn \x80\xff"),
        (b"x-A", b""),
        (b"X-b", b"\"quoted\\\""),
    ];
    let description = Description::of(
        &Method::PUT,
        Version::HTTP_10,
        b"/%C3\xfc?a=\"b\"",
        fields.into_iter(),
        &content,
        None,
    );
    let json: serde_json::Value = serde_json::from_str(&description.to_json().unwrap()).unwrap();
    assert_eq!(json["method"], "PUT");
    assert_eq!(json["target"], "/%C3ü?a=\"b\"");
    assert_eq!(json["version"], "HTTP/1.0");
    assert_eq!(
        json["fields"][0],
        serde_json::json!(["X-b", "grün \u{80}ÿ"])
    );
    assert_eq!(json["fields"][1], serde_json::json!(["x-A", ""]));
    assert_eq!(json["fields"][2][1], "\"quoted\\\"");
    assert_eq!(json["body"]["length"], 3);
    assert_eq!(json["trailers"], serde_json::json!([]));
}
