//! Files that are gone on with.

use std::os::unix::fs::{PermissionsExt, symlink};

use http::{HeaderValue, header};
use tempfile::TempDir;

use super::*;

/// The URL of these tests.
const URL: &str = "https://h/f?token=secret";

/// A runtime for one test.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// The names in a folder.
fn names(place: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(place.path()).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Fields with an entity tag and a range.
fn fields(tag: &str, range: Option<&str>) -> HeaderMap {
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    let mut fields = HeaderMap::from_iter([(header::ETAG, value(tag))]);
    if let Some(range) = range {
        fields.insert(header::CONTENT_RANGE, value(range));
    }
    fields
}

/// What follows from an answer.
fn next(partial: &mut Partial, status: u16, fields: &HeaderMap) -> Next {
    let status = StatusCode::from_u16(status).unwrap();
    let length = (status == StatusCode::OK).then_some(10);
    partial
        .answered(status, fields, length, true)
        .unwrap()
        .unwrap()
}

/// Writes text into the file that follows from an answer, to its end or not.
fn write(partial: &mut Partial, status: u16, fields: &HeaderMap, text: &str, whole: bool) {
    let Next::Write(mut growing) = next(partial, status, fields) else {
        panic!("something to write");
    };
    block_on(async {
        growing.write(text.as_bytes()).await.unwrap();
        if whole {
            growing.finish().await.unwrap();
        } else {
            growing.file.flush().await.unwrap();
        }
    });
}

#[test]
fn what_broke_off_is_gone_on_with() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("f");
    let find = || Partial::find(&path, ContinueAt::End, URL).unwrap();
    let mut first = find();
    assert_eq!(first.kept.length, 0);
    write(&mut first, 200, &fields("\"a\"", None), "01234", false);
    assert_eq!(names(&place), ["f.part", "f.part.json"]);
    let noted = fs::read_to_string(place.path().join("f.part.json")).unwrap();
    assert!(!noted.contains("secret"), "{noted}");
    let mut second = find();
    assert_eq!(second.kept.length, 5);
    assert!(format!("{:?}", second.kept.fields()).contains("if-range"));
    write(
        &mut second,
        206,
        &fields("\"a\"", Some("bytes 5-9/10")),
        "56",
        false,
    );
    write(
        &mut find(),
        206,
        &fields("\"a\"", Some("bytes 7-9/10")),
        "789",
        true,
    );
    assert_eq!(names(&place), ["f"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "0123456789");
}

#[test]
fn what_has_changed_is_begun_anew_and_the_old_file_stays_until_then() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("f");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let find = || Partial::find(&path, ContinueAt::End, URL).unwrap();
    write(&mut find(), 200, &fields("\"a\"", None), "0123", false);
    assert_eq!(names(&place), ["f", "f.part", "f.part.json"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    let mut changed = find();
    assert_eq!(changed.kept.length, 4);
    let part = fields("\"b\"", Some("bytes 4-9/10"));
    assert!(matches!(next(&mut changed, 206, &part), Next::Again));
    assert_eq!(changed.kept.fields(), []);
    write(
        &mut changed,
        200,
        &fields("\"b\"", None),
        "abcdefghij",
        true,
    );
    assert_eq!(names(&place), ["f"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "abcdefghij");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
}

#[test]
fn a_file_of_somebody_else_is_gone_on_with_under_another_name() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("f");
    fs::write(&path, "01234").unwrap();
    let find = |at| Partial::find(&path, at, URL);
    assert!(matches!(
        next(
            &mut find(ContinueAt::Offset(5)).unwrap(),
            416,
            &fields("\"a\"", Some("bytes */5"))
        ),
        Next::Done
    ));
    let mut partial = find(ContinueAt::Offset(3)).unwrap();
    write(
        &mut partial,
        206,
        &fields("\"a\"", Some("bytes 3-9/10")),
        "xyz",
        false,
    );
    assert_eq!(
        names(&place),
        ["f.part", "f.part.json"],
        "what is not whole has no whole name"
    );
    write(
        &mut find(ContinueAt::Offset(6)).unwrap(),
        206,
        &fields("\"a\"", Some("bytes 6-9/10")),
        "6789",
        true,
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "012xyz6789");
    let far = find(ContinueAt::Offset(11)).map(drop).unwrap_err();
    assert!(
        far.to_string()
            .contains("f has 10 octets\nhint: give at most"),
        "{far}"
    );
}

#[test]
fn a_part_that_is_whole_gets_its_name() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("f");
    let find = || Partial::find(&path, ContinueAt::End, URL).unwrap();
    write(
        &mut find(),
        200,
        &fields("\"a\"", None),
        "0123456789",
        false,
    );
    let mut whole = find();
    assert!(matches!(
        next(&mut whole, 416, &fields("\"a\"", Some("bytes */10"))),
        Next::Done
    ));
    assert_eq!(names(&place), ["f"]);
}

#[test]
fn parts_of_another_url_and_parts_that_are_short_are_no_beginning() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("f");
    write(
        &mut Partial::find(&path, ContinueAt::End, "https://h/other").unwrap(),
        200,
        &fields("\"a\"", None),
        "0123",
        false,
    );
    let mut partial = Partial::find(&path, ContinueAt::End, URL).unwrap();
    assert_eq!(partial.kept.length, 0);
    let Next::Write(mut growing) = next(&mut partial, 200, &fields("\"a\"", None)) else {
        panic!("the whole");
    };
    block_on(async {
        growing.write(b"abc").await.unwrap();
        let said = growing.finish().await.unwrap_err();
        assert_eq!(said.exit_code(), 4);
        assert!(
            said.to_string()
                .contains("3 octets are here, and the whole is 10"),
            "{said}"
        );
    });
    assert!(!path.exists());
}

#[test]
fn an_answer_without_octets_leaves_nothing() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("f");
    let mut partial = Partial::find(&path, ContinueAt::End, URL).unwrap();
    drop(next(&mut partial, 200, &fields("\"a\"", None)));
    assert!(names(&place).is_empty());
}

#[test]
fn what_is_no_file_of_ours_is_left_alone() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("f");
    let refused = || {
        let failure = Partial::find(&path, ContinueAt::End, URL)
            .map(drop)
            .unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        failure.to_string()
    };
    let other = place.path().join("other");
    fs::write(&other, "other").unwrap();
    let part = place.path().join("f.part");
    symlink(&other, &part).unwrap();
    assert!(refused().contains("f.part is no file"));
    fs::remove_file(&part).unwrap();
    fs::write(&part, "0123").unwrap();
    let first = Partial::find(&path, ContinueAt::End, URL).unwrap();
    assert!(refused().contains("f.part is being written by another command"));
    drop(first);
    fs::create_dir(&path).unwrap();
    assert!(refused().contains("is no file that could be gone on with"));
    assert_eq!(fs::read_to_string(&other).unwrap(), "other");
}
