//! The form in which failures reach a person.

use super::*;

#[test]
fn one_line_each_and_nothing_unescaped() {
    let failure = Failure::new("cannot read evil\x1b[2Jname\nerror: forged").hint("look\rthere");
    assert_eq!(
        failure.to_string(),
        "error: cannot read evil\\u{1b}[2Jname\\nerror: forged\nhint: look\\rthere"
    );
}

#[test]
fn io_says_the_path_and_the_reason_without_a_number() {
    let error = std::io::Error::from_raw_os_error(2);
    let failure = Failure::io("open the folder", Path::new("/no/such"), &error);
    assert_eq!(
        failure.to_string(),
        "error: cannot open the folder /no/such: No such file or directory"
    );
}
