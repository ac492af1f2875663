//! The name of the data folder.

use super::*;

#[test]
fn a_given_folder_becomes_absolute() {
    let folder = find(Some(Path::new("some/where"))).unwrap();
    assert!(folder.is_absolute() && folder.ends_with("some/where"));
}
