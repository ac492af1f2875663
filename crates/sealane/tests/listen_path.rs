//! Does a Unix socket serve like a port, and does its file come and go as it should?

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use http::{Request, Response};
use sealane::{Body, BoundAddress, ConnectionInfo, ListenOptions, Server, create_server};
use support::places::{ask_path, hello};
use support::{Ground, soon};

fn server(ground: &Ground) -> Server {
    create_server(ground.options(), hello).unwrap()
}

/// What the file's owner, its group and everybody may do.
fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn c280_a_path_is_served_and_its_file_goes_with_the_server() {
    let ground = Ground::new();
    let path = ground.folder().join("socket");
    let server = server(&ground);
    let bound = server.listen_on(ListenOptions::path(&path)).await.unwrap();
    assert_eq!(bound, BoundAddress::Path(path.clone()));
    assert_eq!(bound.to_string(), path.display().to_string());
    assert_eq!(server.addresses(), [bound]);
    assert_eq!(ask_path(&ground, &path).await, "hello");
    soon(server.close()).await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn c281_a_path_in_use_is_told_with_what_stands_in_the_way() {
    let ground = Ground::new();
    let path = ground.folder().join("socket");
    let one = server(&ground);
    one.listen_on(ListenOptions::path(&path)).await.unwrap();
    let refused = async |path: &Path| {
        let error = server(&ground).listen_on(ListenOptions::path(path)).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), Some("EADDRINUSE"));
        let text = error.to_string();
        assert!(text.contains(&path.display().to_string()), "{text}");
        text
    };
    assert!(refused(&path).await.contains("another server listens"));
    assert_eq!(one.connections(), 0, "the other server was not bothered");
    assert_eq!(ask_path(&ground, &path).await, "hello");

    let left = ground.folder().join("left");
    drop(UnixListener::bind(&left).unwrap());
    assert!(refused(&left).await.contains("remove the file"));

    let file = ground.folder().join("file");
    fs::write(&file, "precious").unwrap();
    assert!(refused(&file).await.contains("no socket"));
    assert_eq!(fs::read(&file).unwrap(), b"precious");
}

#[tokio::test]
async fn who_may_use_a_path_is_widened_as_was_said() {
    let ground = Ground::new();
    let server = server(&ground);
    let plain = ground.folder().join("plain");
    server.listen_on(ListenOptions::path(&plain)).await.unwrap();
    let usual = mode(&plain);
    let cases = [
        ("all", true, true, 0o777),
        ("readable", true, false, usual | 0o444),
        ("writable", false, true, usual | 0o222),
    ];
    for (name, readable, writable, expected) in cases {
        let path = ground.folder().join(name);
        let options = ListenOptions::path(&path).readable_all(readable);
        server
            .listen_on(options.writable_all(writable))
            .await
            .unwrap();
        // The owner may always do everything, so of 0o777 only these bits are ours to say.
        assert_eq!(mode(&path) & 0o666, expected & 0o666, "{name}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_ours_any_more_stays() {
    let ground = Ground::new();
    let path = ground.folder().join("socket");
    let one = server(&ground);
    one.listen_on(ListenOptions::path(&path)).await.unwrap();
    fs::rename(&path, ground.folder().join("moved")).unwrap();
    let other = server(&ground);
    other.listen_on(ListenOptions::path(&path)).await.unwrap();
    soon(one.close()).await.unwrap();
    assert!(path.exists());
    assert_eq!(ask_path(&ground, &path).await, "hello");
}

#[tokio::test]
async fn dropping_the_last_handle_removes_the_file_too() {
    let ground = Ground::new();
    let path = ground.folder().join("socket");
    let server = server(&ground);
    server.listen_on(ListenOptions::path(&path)).await.unwrap();
    drop(server);
    support::until(|| !path.exists()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_abstract_name_needs_no_file() {
    let ground = Ground::new();
    let server = server(&ground);
    let name = format!("\0sealane-test-{}", std::process::id());
    let bound = server.listen_on(ListenOptions::path(&name)).await.unwrap();
    assert_eq!(bound.to_string(), name.replace('\0', "@"));
    assert_eq!(bound, BoundAddress::Path(name.clone().into()));
    assert_eq!(ask_path(&ground, Path::new(&name)).await, "hello");
}

#[tokio::test]
async fn a_path_that_no_socket_can_have_is_refused_with_it() {
    let ground = Ground::new();
    let server = server(&ground);
    let long = ground.folder().join("x".repeat(200));
    let error = server
        .listen_on(ListenOptions::path(&long))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("EINVAL"));
    assert!(error.to_string().contains("xxx"), "{error}");
    let missing = ground.folder().join("missing/socket");
    let error = server
        .listen_on(ListenOptions::path(&missing))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("ENOENT"));
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test]
async fn a_connection_on_a_path_has_no_addresses_and_everything_else() {
    async fn tell(request: Request<Body>) -> Response<String> {
        let info: &ConnectionInfo = request.extensions().get().unwrap();
        assert_eq!(info.tls().servername(), Some("localhost"));
        Response::new(format!("{:?} {:?}", info.local_addr(), info.remote_addr()))
    }
    let ground = Ground::new();
    let path = ground.folder().join("socket");
    let server = create_server(ground.options(), tell).unwrap();
    server.listen_on(ListenOptions::path(&path)).await.unwrap();
    assert_eq!(ask_path(&ground, &path).await, "None None");
}
