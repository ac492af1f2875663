//! Where the local authority counts.

use super::*;

#[test]
fn only_this_machine_is_local() {
    for url in [
        "https://localhost/",
        "https://LOCALHOST:8443/x",
        "https://app.localhost/",
        "https://127.0.0.1/",
        "https://127.1:8443/",
        "https://[::1]/",
        "https://user@localhost/",
    ] {
        assert!(is_local(url), "{url}");
    }
    for url in [
        "https://localhost.example/",
        "https://example.com/localhost",
        "https://localhost@example.com/",
        "https://notlocalhost/",
        "https://128.0.0.1/",
        "https://[::2]/",
        "localhost",
        "",
    ] {
        assert!(!is_local(url), "{url}");
    }
}
