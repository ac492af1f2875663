//! The line of alternative names, taken apart (RFC 8259 §7 for the quoted parts).
//!
//! A name that holds a separator stands there as a JSON string. Who splits at commas without
//! reading those would find names that the authority never certified (CVE-2021-44532).

/// The names of a line, quoted parts decoded; `None` if a quoted part is no JSON string.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    if line.is_empty() {
        return Some(Vec::new());
    }
    if !line.contains('"') {
        return Some(line.split(", ").map(str::to_owned).collect());
    }
    let mut names = Vec::new();
    let mut name = String::new();
    let mut rest = line;
    while let Some(at) = rest.find([',', '"']) {
        name.push_str(&rest[..at]);
        let (found, after) = rest[at..].split_at(1);
        if found == "\"" {
            rest = string(after, &mut name)?;
        } else {
            names.push(std::mem::take(&mut name));
            // The separator is two characters; the second is never looked at.
            let mut after = after.chars();
            after.next();
            rest = after.as_str();
        }
    }
    name.push_str(rest);
    names.push(name);
    Some(names)
}

/// Decodes a JSON string behind its opening quote; what stands behind its closing quote remains.
fn string<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let mut units = Vec::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => units.push(escape(&mut characters)?),
            '\0'..='\x1f' => return None,
            character => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
        }
    }
    // Half of a pair is no character, and fits no name.
    out.push_str(&String::from_utf16_lossy(&units));
    Some(characters.as_str())
}

/// Decodes an escape behind its backslash: half a pair at most.
fn escape(characters: &mut std::str::Chars<'_>) -> Option<u16> {
    let unit = match characters.next()? {
        'b' => 0x08,
        'f' => 0x0c,
        'n' => 0x0a,
        'r' => 0x0d,
        't' => 0x09,
        'u' => {
            let mut unit = 0;
            for _ in 0..4 {
                // One hexadecimal digit is below 16.
                unit = unit << 4 | characters.next()?.to_digit(16)? as u16;
            }
            unit
        }
        '"' => 0x22,
        '\\' => 0x5c,
        '/' => 0x2f,
        _ => return None,
    };
    Some(unit)
}
