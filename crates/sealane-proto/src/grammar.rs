//! Octet classes as one const table, with the ABNF they stand for.
//!
//! Not a parser: it only says which octets may stand where, and finds the first octet that may not.
//! Rules of RFC 9110 §5.5 (field values), §5.6.2 (tokens), §5.6.4 (quoted strings), RFC 3986 §2
//! (URI characters) and RFC 5234 appendix B.1 (VCHAR, HEXDIG).

/// Whether the octet is a `tchar` of RFC 9110 §5.6.2.
pub(crate) const fn is_tchar(octet: u8) -> bool {
    CLASS[octet as usize] & TCHAR != 0
}

/// Whether the octet may stand in a `reg-name` unescaped: unreserved / sub-delims (RFC 3986
/// §3.2.2).
pub(crate) const fn is_reg_name(octet: u8) -> bool {
    CLASS[octet as usize] & REG_NAME != 0
}

/// Whether the octet may stand in a quoted string unescaped: `qdtext` of RFC 9110 §5.6.4.
pub(crate) const fn is_qdtext(octet: u8) -> bool {
    CLASS[octet as usize] & QDTEXT != 0
}

/// Whether the octet may stand in a field value: HTAB / SP / VCHAR / obs-text (RFC 9110 §5.5).
pub(crate) const fn is_value(octet: u8) -> bool {
    CLASS[octet as usize] & VALUE != 0
}

/// Whether the octet is white space as OWS and BWS know it: SP / HTAB (RFC 9110 §5.6.3).
pub(crate) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Whether the octets are a `token`: one or more `tchar`.
pub(crate) fn is_token(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().copied().all(is_tchar)
}

/// Value of a HEXDIG of either letter case.
pub(crate) const fn hex_value(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        _ => None,
    }
}

/// The slice without OWS at both ends (RFC 9110 §5.6.3).
pub(crate) fn trim_blanks(mut octets: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = octets
        && is_blank(*first)
    {
        octets = rest;
    }
    while let [rest @ .., last] = octets
        && is_blank(*last)
    {
        octets = rest;
    }
    octets
}

/// Index of the first octet at or after `at` that is no `tchar`, or the length.
pub(crate) fn skip_token(octets: &[u8], mut at: usize) -> usize {
    while at < octets.len() && is_tchar(octets[at]) {
        at += 1;
    }
    at
}

/// Index of the first octet at or after `at` that is neither SP nor HTAB, or the length.
pub(crate) fn skip_blanks(octets: &[u8], mut at: usize) -> usize {
    while at < octets.len() && is_blank(octets[at]) {
        at += 1;
    }
    at
}

/// Index of the first octet at or after `at` that may not stand in a field value, or the length.
///
/// Field values are most of a head, so eight octets are judged at a time.
pub(crate) fn skip_value(octets: &[u8], mut at: usize) -> usize {
    loop {
        while let Some(word) = word(octets, at) {
            let stop = below(word, b' ') | equal(word, DEL);
            if stop != 0 {
                at += first_octet(stop);
                break;
            }
            at += WORD;
        }
        while at < octets.len() && is_value(octets[at]) && octets[at] != b'\t' {
            at += 1;
        }
        // HTAB is the one control octet a value may hold; it is rare enough to leave the fast loop
        // for.
        if octets.get(at) != Some(&b'\t') {
            return at;
        }
        at += 1;
    }
}

/// Index of the first octet at or after `at` that may not stand in a request target, or the length.
///
/// A target holds VCHAR only, and no `#`: a fragment is never sent (RFC 9110 §4.2.5).
pub(crate) fn skip_target(octets: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(octets, at) {
        let stop = below(word, b'!') | equal(word, DEL) | equal(word, b'#') | (word & HIGH);
        if stop != 0 {
            return at + first_octet(stop);
        }
        at += WORD;
    }
    while at < octets.len() && octets[at].is_ascii_graphic() && octets[at] != b'#' {
        at += 1;
    }
    at
}

/// The eight octets at `at` as one word, first octet lowest; `None` near the end.
fn word(octets: &[u8], at: usize) -> Option<u64> {
    let eight = octets.get(at..at.checked_add(WORD)?)?;
    Some(u64::from_le_bytes(eight.try_into().ok()?))
}

/// Marks the octets of `word` that are less than `bound` (at most 0x80).
///
/// Borrows make marks above the lowest one doubtful; the lowest is exact, and only that one is
/// used.
const fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(ONES * bound as u64) & !word & HIGH
}

/// Marks the octets of `word` that equal `octet`; as with [`below`], the lowest mark is exact.
const fn equal(word: u64, octet: u8) -> u64 {
    below(word ^ (ONES * octet as u64), 1)
}

/// Index of the octet that carries the lowest mark.
const fn first_octet(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// Fills the class table from the rules, once, at compile time.
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let octet = index as u8;
        let alphanumeric = octet.is_ascii_alphanumeric();
        if alphanumeric || is_one_of(octet, b"!#$%&'*+-.^_`|~") {
            table[index] |= TCHAR;
        }
        if alphanumeric || is_one_of(octet, b"-._~!$&'()*+,;=") {
            table[index] |= REG_NAME;
        }
        if octet == b'\t' || octet >= b' ' && octet != DEL {
            table[index] |= VALUE;
            if octet != b'"' && octet != b'\\' {
                table[index] |= QDTEXT;
            }
        }
        index += 1;
    }
    table
}

/// Whether `octet` occurs in `set`; `slice::contains` is not const.
const fn is_one_of(octet: u8, set: &[u8]) -> bool {
    let mut index = 0;
    while index < set.len() {
        if set[index] == octet {
            return true;
        }
        index += 1;
    }
    false
}

/// Class bit of `tchar`.
const TCHAR: u8 = 1;
/// Class bit of field-value octets.
const VALUE: u8 = 2;
/// Class bit of unreserved / sub-delims.
const REG_NAME: u8 = 4;
/// Class bit of `qdtext`.
const QDTEXT: u8 = 8;
/// The classes of every octet.
const CLASS: [u8; 256] = classes();
/// The one control octet above SP.
const DEL: u8 = 0x7f;
/// Octets judged at a time.
const WORD: usize = 8;
/// 1 in every octet of a word.
const ONES: u64 = u64::from_le_bytes([1; WORD]);
/// The top bit of every octet of a word.
const HIGH: u64 = u64::from_le_bytes([0x80; WORD]);

#[cfg(test)]
mod tests;
