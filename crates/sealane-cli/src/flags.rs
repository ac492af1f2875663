//! The library's errors in the words of the command line: options by their flags.
//!
//! The texts stay the library's; only the names of options in them change.

#[cfg(test)]
mod tests;

/// What an error says, with its stable name, and with options named as they are given here.
pub fn said(error: &sealane::Error) -> String {
    let said = of(&error.to_string());
    match error.code() {
        Some(code) if !said.contains(code) => format!("{said} [{code}]"),
        _ => said,
    }
}

/// A text of the library with its names of options replaced by flags.
pub fn of(text: &str) -> String {
    let Some((before, named)) = text.split_once(MARK) else {
        return text.to_owned();
    };
    let Some((name, reason)) = named.split_once(": ") else {
        return text.to_owned();
    };
    match FLAGS.iter().find(|(option, _)| *option == name) {
        Some((_, flag)) => format!("{before}{flag}: {reason}"),
        None => text.to_owned(),
    }
}

/// What the library writes before the name of an option.
const MARK: &str = "option ";

/// Options of the library, and how they are given here.
const FLAGS: &[(&str, &str)] = &[
    ("cert", "--cert"),
    ("ciphers", "--ciphers"),
    ("crl", "--crl"),
    ("ecdh_curve", "--curves"),
    ("key", "--key"),
    ("max_version", "--tls-max"),
    ("min_version", "--tls-min"),
    ("pfx", "--pfx"),
    ("pins", "--pin"),
    ("servername", "--servername"),
    ("sigalgs", "--sigalgs"),
    ("ticket_keys", "--ticket-keys"),
];
