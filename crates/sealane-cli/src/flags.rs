//! The library's errors in the words of the command line: options by their flags.
//!
//! The texts stay the library's; only the names of options in them change.

#[cfg(test)]
mod tests;

/// What an error says, with its stable name, and with options named as they are given here.
pub fn said(error: &sealane::Error) -> String {
    let said = replaced(&of(&error.to_string()), CLIENTS);
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

/// A text of the library with the names of a server's limits and levers replaced by flags, wherever
/// they stand in it.
pub fn named(text: &str) -> String {
    replaced(text, LEVERS)
}

/// A text with the names of a table replaced, wherever they stand as words of their own.
fn replaced(text: &str, table: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while !rest.is_empty() {
        let letter = |octet: &u8| octet.is_ascii_lowercase() || *octet == b'_';
        let length = rest.bytes().take_while(letter).count();
        let (word, behind) = rest.split_at(length);
        match table.iter().find(|(option, _)| *option == word) {
            // An option with a dash before it is a flag already, or part of one.
            Some((_, flag)) if !out.ends_with('-') => out.push_str(flag),
            _ => out.push_str(word),
        }
        let mut letters = behind.chars();
        out.extend(letters.next());
        rest = letters.as_str();
    }
    out
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

/// Options of the way and of time, and how clients give them here.
const CLIENTS: &[(&str, &str)] = &[
    ("connect_timeout", "--connect-timeout"),
    ("local_address", "--local-address"),
    ("socket_path", "--unix-socket"),
];

/// Limits and levers of a server, and how they are given here.
const LEVERS: &[(&str, &str)] = &[
    ("backlog", "--backlog"),
    ("block_list", "--block"),
    ("handshake_timeout", "--handshake-timeout"),
    ("headers_timeout", "--headers-timeout"),
    ("insecure_http_parser", "--insecure-http-parser"),
    ("ipv6_only", "--ipv6-only"),
    ("join_duplicate_headers", "--join-duplicate-headers"),
    ("keep_alive_timeout", "--keep-alive-timeout"),
    ("max_connections", "--max-connections"),
    (
        "max_connections_per_address",
        "--max-connections-per-address",
    ),
    ("max_handshakes", "--max-handshakes"),
    ("max_header_size", "--max-header-size"),
    ("max_headers_count", "--max-headers-count"),
    ("max_requests_per_socket", "--max-requests-per-socket"),
    ("min_body_rate", "--min-body-rate"),
    ("proxy_protocol", "--proxy-protocol-from"),
    ("receive_buffer_size", "--receive-buffer"),
    ("request_timeout", "--request-timeout"),
    ("require_host_header", "--no-require-host"),
    ("reuse_port", "--reuse-port"),
    ("send_buffer_size", "--send-buffer"),
    ("tcp_keep_alive", "--tcp-keep-alive"),
    ("timeout", "--timeout"),
    ("workers", "--workers"),
    ("write_timeout", "--write-timeout"),
];
