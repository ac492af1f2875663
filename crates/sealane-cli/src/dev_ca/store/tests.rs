//! What is said when the system forbids the data folder.

use super::*;

#[test]
fn a_forbidden_folder_is_answered_with_another_one() {
    let said = |kind: ErrorKind| denied("open", Path::new("/x"), &kind.into()).to_string();
    let forbidden = said(ErrorKind::PermissionDenied);
    assert!(
        forbidden.starts_with("error: cannot open /x: ")
            && forbidden.contains("\nhint: choose a folder that you own with --data-dir"),
        "{forbidden}"
    );
    assert!(!said(ErrorKind::StorageFull).contains("hint"));
}
