//! The templates can be read.

use super::*;

#[test]
fn both_templates_are_styles() {
    for template in [KNOWN, UNKNOWN] {
        assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
    }
}
