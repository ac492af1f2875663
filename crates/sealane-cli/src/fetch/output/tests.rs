//! Files that are whole or not there.

use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

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

/// Writes two pieces to a path and ends it, or not.
async fn write(path: &Path, whole: bool) -> std::result::Result<(), Stop> {
    let mut target = Target::open(path).await?;
    target.write(b"one, ").await?;
    target.write(b"two").await?;
    if whole {
        target.finish().await?;
    }
    Ok(())
}

/// Why a path is refused.
fn refused(path: &Path) -> String {
    match block_on(write(path, true)) {
        Err(Stop::Failed(failure)) => failure.to_string(),
        _ => panic!("{} must be refused", path.display()),
    }
}

#[test]
fn a_file_appears_when_it_is_whole() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("f");
    block_on(async {
        let mut target = Target::open(&path).await.unwrap();
        assert!(target.write(b"some").await.is_ok());
        assert!(!path.exists());
        drop(target);
        assert!(names(&place).is_empty(), "the draft is gone too");
        assert!(write(&path, true).await.is_ok());
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), "one, two");
    assert_eq!(names(&place), ["f"]);
}

#[test]
fn an_old_file_stays_until_then_and_keeps_its_mode() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("f");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(block_on(write(&path, false)).is_ok());
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names(&place), ["f"]);
    assert!(block_on(write(&path, true)).is_ok());
    assert_eq!(fs::read_to_string(&path).unwrap(), "one, two");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
}

#[test]
fn a_link_leads_to_the_file() {
    let place = TempDir::new().unwrap();
    fs::create_dir(place.path().join("d")).unwrap();
    fs::write(place.path().join("d/real"), "old").unwrap();
    let link = place.path().join("link");
    symlink("d/real", &link).unwrap();
    assert!(block_on(write(&link, true)).is_ok());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::read_to_string(place.path().join("d/real")).unwrap(),
        "one, two"
    );
    let lost = place.path().join("lost");
    symlink("nowhere", &lost).unwrap();
    assert!(refused(&lost).contains("leads to nothing"));
}

#[test]
fn devices_are_written_in_place() {
    use std::os::unix::fs::FileTypeExt;
    assert!(block_on(write(Path::new("/dev/null"), true)).is_ok());
    let facts = fs::metadata("/dev/null").unwrap();
    assert!(facts.file_type().is_char_device());
    let full = Path::new("/dev/full");
    if full.exists() {
        assert!(refused(full).contains("No space left"));
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    let place = TempDir::new().unwrap();
    let said = refused(place.path());
    assert!(said.contains("is a folder\nhint: name the file"), "{said}");
    let said = refused(&place.path().join("none/f"));
    assert!(said.contains("none/f: No such file or directory"), "{said}");
    let file = place.path().join("f");
    fs::write(&file, "").unwrap();
    let said = refused(&file.join("below"));
    assert!(said.contains("Not a directory"), "{said}");
}
