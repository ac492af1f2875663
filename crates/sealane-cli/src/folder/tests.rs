//! The service as a whole, called without a connection: statuses and fields for each kind of path.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;
use tower_service::Service;

use super::*;

/// A folder with a page, a file of a thousand octets, and folders.
fn place() -> TempDir {
    let place = TempDir::new().unwrap();
    for folder in ["docs", "empty", "site"] {
        fs::create_dir(place.path().join(folder)).unwrap();
    }
    let octets: Vec<u8> = (0..1000_u32).map(|at| b'a' + (at % 26) as u8).collect();
    fs::write(place.path().join("data.txt"), octets).unwrap();
    fs::write(place.path().join("docs/a b&c.md"), "# hello").unwrap();
    fs::write(place.path().join("site/index.html"), "<!doctype html>").unwrap();
    fs::write(place.path().join(".secret"), "no").unwrap();
    // Old enough for strong validators.
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    File::options()
        .write(true)
        .open(place.path().join("data.txt"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    place
}

/// What came back: status, fields, body.
type Answer = (StatusCode, HeaderMap, Bytes);

/// Asks for a path with these fields.
async fn ask(place: &TempDir, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let mut service = FolderService::open(place.path(), false, Withheld::default()).unwrap();
    let response = service.call(request.body(()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    (
        head.status,
        head.headers,
        body.collect().await.unwrap().to_bytes(),
    )
}

/// Asks with GET and no fields.
async fn get(place: &TempDir, path: &str) -> Answer {
    ask(place, Method::GET, path, &[]).await
}

#[tokio::test]
async fn a_file_comes_whole() {
    let (status, fields, body) = get(&place(), "/data.txt").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(fields[header::CONTENT_LENGTH], "1000");
    assert_eq!(fields[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(fields[header::ACCEPT_RANGES], "bytes");
    assert_eq!(
        fields[header::LAST_MODIFIED],
        "Sun, 13 Sep 2020 12:26:40 GMT"
    );
    assert_eq!(fields[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(fields[header::CACHE_CONTROL], "no-cache");
    assert_eq!(fields["cross-origin-resource-policy"], "same-origin");
    assert_eq!(body.len(), 1000);
}

#[tokio::test]
async fn head_has_the_fields_and_no_body() {
    let place = place();
    for path in ["/data.txt", "/docs/", "/site/", "/nothing"] {
        let (status, mut fields, _) = get(&place, path).await;
        let (same, mut again, body) = ask(&place, Method::HEAD, path, &[]).await;
        for fields in [&mut fields, &mut again] {
            fields.remove(header::ETAG);
        }
        assert_eq!((status, fields), (same, again), "{path}");
        assert!(body.is_empty());
    }
}

#[tokio::test]
async fn parts() {
    let place = place();
    let part = async |range: &str| ask(&place, Method::GET, "/data.txt", &[("range", range)]).await;
    let (status, fields, body) = part("bytes=26-28").await;
    assert_eq!(
        (status, &body[..]),
        (StatusCode::PARTIAL_CONTENT, &b"abc"[..])
    );
    assert_eq!(fields[header::CONTENT_RANGE], "bytes 26-28/1000");
    assert_eq!(fields[header::CONTENT_LENGTH], "3");
    assert_eq!(
        part("bytes=-1").await.1[header::CONTENT_RANGE],
        "bytes 999-999/1000"
    );
    let (status, fields, _) = part("bytes=1000-").await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(fields[header::CONTENT_RANGE], "bytes */1000");
    for range in ["bytes=0-1,5-6", "lines=1-2"] {
        let (status, _, body) = part(range).await;
        assert_eq!((status, body.len()), (StatusCode::OK, 1000), "{range}");
    }
    let head = ask(&place, Method::HEAD, "/data.txt", &[("range", "bytes=0-1")]).await;
    assert_eq!(
        (head.0, &head.1[header::CONTENT_LENGTH]),
        (StatusCode::OK, &"1000".parse().unwrap())
    );
}

#[tokio::test]
async fn conditions() {
    let place = place();
    let etag = get(&place, "/data.txt").await.1[header::ETAG]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(!etag.starts_with("W/"), "{etag}");
    let since = "Sun, 13 Sep 2020 12:26:40 GMT";
    let status = async |fields: &[(&str, &str)]| {
        let (status, fields, body) = ask(&place, Method::GET, "/data.txt", fields).await;
        if status == StatusCode::NOT_MODIFIED {
            assert_eq!(fields[header::ETAG], *etag);
            assert!(body.is_empty() && !fields.contains_key(header::CONTENT_LENGTH));
        }
        status.as_u16()
    };
    assert_eq!(status(&[("if-none-match", &etag)]).await, 304);
    assert_eq!(status(&[("if-modified-since", since)]).await, 304);
    assert_eq!(
        status(&[("if-none-match", "\"other\""), ("if-modified-since", since)]).await,
        200
    );
    assert_eq!(status(&[("if-match", "\"other\"")]).await, 412);
    assert_eq!(status(&[("if-match", &etag)]).await, 200);
    assert_eq!(
        status(&[("range", "bytes=0-1"), ("if-range", &etag)]).await,
        206
    );
    assert_eq!(
        status(&[("range", "bytes=0-1"), ("if-range", "\"other\"")]).await,
        200
    );
    assert_eq!(
        status(&[("range", "bytes=0-1"), ("if-range", since)]).await,
        206
    );
    assert_eq!(
        status(&[("range", "bytes=0-1"), ("if-none-match", &etag)]).await,
        304
    );
}

#[tokio::test]
async fn a_folder_is_listed() {
    let (status, fields, body) = get(&place(), "/").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(fields[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(fields[header::CONTENT_SECURITY_POLICY], listing::POLICY);
    assert_eq!(fields["cross-origin-resource-policy"], "same-origin");
    let page = std::str::from_utf8(&body).unwrap();
    for link in ["./docs/\"", "./empty/\"", "./site/\"", "./data.txt\""] {
        assert!(page.contains(link), "{link}");
    }
    assert!(!page.contains("secret"));
    let (_, _, body) = get(&place(), "/docs/").await;
    let page = std::str::from_utf8(&body).unwrap();
    assert!(
        page.contains("href=\"./a%20b%26c.md\"><bdi>a b&amp;c.md</bdi>"),
        "{page}"
    );
}

#[tokio::test]
async fn links_are_listed_as_what_they_lead_to_or_not_at_all() {
    let place = place();
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, place.path().join("docs").join(name)).unwrap();
    };
    link("../empty", "folder-link");
    link("../data.txt", "file-link");
    link("/etc/passwd", "to-outside");
    link("../.secret", "to-secret");
    link("gone", "to-nothing");
    let (_, _, body) = get(&place, "/docs/").await;
    let page = std::str::from_utf8(&body).unwrap();
    assert!(
        page.contains("./folder-link/\"") && page.contains("./file-link\""),
        "{page}"
    );
    assert!(page.contains("title=\"1000 octets\""));
    for name in ["to-outside", "to-secret", "to-nothing"] {
        assert!(!page.contains(name), "{name}");
    }
}

#[tokio::test]
async fn an_index_stands_for_its_folder() {
    let place = place();
    let (status, fields, body) = get(&place, "/site/").await;
    assert_eq!(
        (status, &body[..]),
        (StatusCode::OK, &b"<!doctype html>"[..])
    );
    assert_eq!(fields[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(fields.contains_key(header::ETAG));
    // A folder of that name does not stand in the way of the listing.
    fs::create_dir(place.path().join("empty/index.html")).unwrap();
    let (status, _, body) = get(&place, "/empty/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        std::str::from_utf8(&body)
            .unwrap()
            .contains("./index.html/\"")
    );
}

#[tokio::test]
async fn a_folder_without_its_slash_is_redirected_on_the_same_origin() {
    let place = place();
    fs::create_dir(place.path().join("a b")).unwrap();
    let location = async |path: &str| {
        let (status, fields, _) = get(&place, path).await;
        assert_eq!(status, StatusCode::TEMPORARY_REDIRECT, "{path}");
        fields[header::LOCATION].to_str().unwrap().to_owned()
    };
    assert_eq!(location("/docs").await, "/docs/");
    assert_eq!(location("/a%20b?q=1&r=//x").await, "/a%20b/?q=1&r=//x");
    assert_eq!(location("/%64ocs").await, "/docs/");
    for path in ["//docs", "/docs//", "//example.com/..", "/data.txt/"] {
        let (status, fields, _) = get(&place, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(!fields.contains_key(header::LOCATION));
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_what_is_allowed() {
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
    ] {
        let (status, fields, _) = ask(&place(), method.clone(), "/data.txt", &[]).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(fields[header::ALLOW], "GET, HEAD");
    }
    let (status, _, _) = ask(&place(), Method::OPTIONS, "*", &[]).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn refusals_repeat_nothing_of_the_request() {
    let place = place();
    for (path, wanted) in [
        ("/%zz", 400),
        ("/%3Cscript%3E", 404),
        ("/script", 404),
        ("/.secret", 404),
        ("/..%2f", 404),
    ] {
        let (status, fields, body) = get(&place, path).await;
        assert_eq!(status.as_u16(), wanted, "{path}");
        assert_eq!(fields[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        assert!(
            !body
                .windows(4)
                .any(|four| four == b"scri" || four == b"secr")
        );
    }
}

#[tokio::test]
async fn an_empty_file_and_an_odd_date() {
    let place = place();
    let path = place.path().join("empty.bin");
    let file = File::create(&path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH - Duration::from_secs(86_400))
        .unwrap();
    let (status, fields, body) = get(&place, "/empty.bin").await;
    assert_eq!((status, body.len()), (StatusCode::OK, 0));
    assert_eq!(fields[header::CONTENT_LENGTH], "0");
    assert!(!fields.contains_key(header::LAST_MODIFIED));
    let (status, _, _) = ask(&place, Method::GET, "/empty.bin", &[("range", "bytes=0-")]).await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(get(&place, "/").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_huge_folder_is_cut() {
    let place = TempDir::new().unwrap();
    for at in 0..MOST + 5 {
        File::create(place.path().join(at.to_string())).unwrap();
    }
    let (_, _, body) = get(&place, "/").await;
    let page = std::str::from_utf8(&body).unwrap();
    assert_eq!(page.matches("<tr class=\"file\">").count(), MOST);
    assert!(page.contains("10000 files, 0 B; there are more"));
}
