//! Whether a client asked for JSON (RFC 9110 §12.5.1).
//!
//! Only a media range that names JSON counts: `*/*`, which every client sends, is no wish.

use http::HeaderMap;
use http::header::ACCEPT;

#[cfg(test)]
mod tests;

/// Whether the `Accept` fields name `application/json` with a weight above zero.
pub fn wants_json(fields: &HeaderMap) -> bool {
    let lines = fields
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
        named && !parts.any(is_zero_weight)
    })
}

/// Whether a parameter is a weight of zero, which means "not this" (RFC 9110 §12.4.2).
fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    name.trim().eq_ignore_ascii_case("q") && value.trim().parse() == Ok(0.0_f32)
}
