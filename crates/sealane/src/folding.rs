//! Field lines of one name made into one, for whoever wants it so (RFC 9110 §5.2, §5.3).

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Joins the lines of each name: those of `Cookie` by `"; "` (RFC 9113 §8.2.3), others by `", "`.
///
/// `Set-Cookie` lines stay apart: their commas join nothing (RFC 9110 §5.3).
pub(crate) fn fold(fields: &mut HeaderMap) {
    if fields.keys_len() == fields.len() {
        return;
    }
    let repeated: Vec<HeaderName> = fields
        .keys()
        .filter(|name| *name != header::SET_COOKIE && fields.get_all(*name).iter().count() > 1)
        .cloned()
        .collect();
    for name in repeated {
        let between: &[u8] = if name == header::COOKIE { b"; " } else { b", " };
        let mut joined = Vec::new();
        for (place, value) in fields.get_all(&name).iter().enumerate() {
            if place > 0 {
                joined.extend_from_slice(between);
            }
            joined.extend_from_slice(value.as_bytes());
        }
        // What was made of valid values is one.
        if let Ok(joined) = HeaderValue::from_bytes(&joined) {
            fields.insert(name, joined);
        }
    }
}

#[cfg(test)]
mod tests;
