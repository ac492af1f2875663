//! Files that end, and files that do not.

use super::*;

#[cfg(unix)]
#[test]
fn a_file_without_end_is_refused() {
    let said = read(Path::new("/dev/zero"), "certificate")
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "error: /dev/zero is too large for a certificate: more than 1 MiB"
    );
    let said = read(Path::new("/nothing/here"), "private key")
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "error: cannot read the private key /nothing/here: No such file or directory"
    );
}
