//! Values of a `Link` field, as early hints carry them (RFC 8288 §3).
//!
//! What a program gives is checked before it is joined with others: a comma out of place would make
//! two links of one.

use crate::error::{Error, Result};

/// The links in one field value; `None` when there are none.
pub(super) fn joined<'a>(links: impl IntoIterator<Item = &'a str>) -> Result<Option<String>> {
    let mut value = String::new();
    for link in links {
        if !is_link(link) {
            let text = format!(
                "an early hint must look like \"</style.css>; rel=preload; as=style\", not {link:?}"
            );
            return Err(Error::option(text).with_code("ERR_INVALID_ARG_VALUE"));
        }
        if !value.is_empty() {
            value.push_str(", ");
        }
        value.push_str(link);
    }
    Ok((!value.is_empty()).then_some(value))
}

/// Whether a text is one link: `<uri>`, then parameters.
fn is_link(link: &str) -> bool {
    let Some((uri, mut rest)) = link.strip_prefix('<').and_then(|link| link.split_once('>')) else {
        return false;
    };
    if !uri
        .bytes()
        .all(|octet| octet.is_ascii_graphic() && !b"<\"".contains(&octet))
    {
        return false;
    }
    while !rest.is_empty() {
        let Some(parameter) = blanks(rest).strip_prefix(';').map(blanks) else {
            return false;
        };
        let Some(behind) = parameter_end(parameter) else {
            return false;
        };
        rest = behind;
    }
    true
}

/// What stands behind a parameter: a name, and perhaps `=` and a value.
fn parameter_end(text: &str) -> Option<&str> {
    let name = text
        .bytes()
        .take_while(|octet| is_plain(*octet) && *octet != b'=');
    let length = name.count();
    let rest = &text[length..];
    match (length, rest.strip_prefix('=')) {
        (0, _) => None,
        (_, None) => Some(rest),
        (_, Some(value)) => match value.strip_prefix('"') {
            Some(quoted) => quoted_end(quoted),
            None => Some(
                value
                    .trim_start_matches(|letter: char| letter.is_ascii() && is_plain(letter as u8)),
            ),
        },
    }
}

/// What stands behind a quoted string whose opening quote is gone (RFC 9110 §5.6.4).
fn quoted_end(text: &str) -> Option<&str> {
    let mut octets = text.bytes().enumerate();
    while let Some((place, octet)) = octets.next() {
        match octet {
            b'"' => return Some(&text[place + 1..]),
            b'\\' => drop(octets.next().filter(|(_, escaped)| is_text(*escaped))?),
            octet if is_text(octet) => {}
            _ => return None,
        }
    }
    None
}

fn blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

fn is_text(octet: u8) -> bool {
    octet == b' ' || octet == b'\t' || octet.is_ascii_graphic()
}

/// An octet of a name, or of a value without quotes; more than a token has, for `type=text/css` is
/// often written so.
fn is_plain(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b";,\"<>".contains(&octet)
}
