//! Is a date what RFC 9110 §5.6.7 shows?

#[test]
fn a_clock_beyond_the_form_stays_at_its_end() {
    assert_eq!(&super::format(u64::MAX), b"Fri, 31 Dec 9999 23:59:59 GMT");
    assert_eq!(&super::format(0), b"Thu, 01 Jan 1970 00:00:00 GMT");
}

#[test]
fn a_date_is_the_rfc_9110_example() {
    assert_eq!(
        &super::format(784_111_777),
        b"Sun, 06 Nov 1994 08:49:37 GMT"
    );
}
