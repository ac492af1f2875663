//! ASN.1 in its distinguished encoding (X.690 §10), as far as keys and PKCS#12 need it.
//!
//! A reader that borrows, goes only where it is told and never recurses; a writer of the same
//! elements; and the way from the basic encoding with its indefinite lengths (X.690 §8), which old
//! Java and Windows tools write, to definite ones. What an element means is its reader's business.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

/// One element: tag, content, and both with the length between them.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    /// The identifier octet; forms with more than one are refused.
    pub(crate) tag: u8,
    /// What it holds.
    pub(crate) content: &'a [u8],
    /// The element from its tag to the end of its content.
    pub(crate) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// Reads octets that are one element and nothing else.
    pub(crate) fn only(octets: &'a [u8]) -> Result<Self, DerError> {
        let mut reader = Reader::new(octets);
        let element = reader.any()?;
        reader.finish()?;
        Ok(element)
    }

    /// What a constructed element holds, to be read one by one.
    pub(crate) fn members(&self) -> Reader<'a> {
        Reader::new(self.content)
    }

    /// The value of a small INTEGER that is not negative.
    pub(crate) fn small(&self) -> Result<u64, DerError> {
        match self.content {
            [] => Err(DerError::Malformed),
            [first, ..] if self.tag != INTEGER || *first >= 0x80 => Err(DerError::Malformed),
            octets => octets
                .iter()
                .try_fold(0_u64, |value, octet| {
                    Some(value.checked_mul(256)? | u64::from(*octet))
                })
                .ok_or(DerError::Malformed),
        }
    }
}

/// Reads elements one behind the other.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    /// What was not read yet.
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first octet.
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    /// The next element, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, DerError> {
        let (head, length) = Head::read(self.rest)?;
        let length = length.ok_or(DerError::Indefinite)?;
        let end = head.octets.checked_add(length).ok_or(DerError::Truncated)?;
        let whole = self.rest.get(..end).ok_or(DerError::Truncated)?;
        self.rest = &self.rest[end..];
        Ok(Element {
            tag: head.tag,
            content: &whole[head.octets..],
            whole,
        })
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, DerError> {
        let element = self.any()?;
        if element.tag == tag {
            Ok(element)
        } else {
            Err(DerError::Malformed)
        }
    }

    /// The next element, if it is there and has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, DerError> {
        if self.rest.first() == Some(&tag) {
            self.any().map(Some)
        } else {
            Ok(None)
        }
    }

    /// What the next SEQUENCE holds.
    pub(crate) fn sequence(&mut self) -> Result<Reader<'a>, DerError> {
        Ok(self.expect(SEQUENCE)?.members())
    }

    /// Whether everything was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Refuses what stands behind the last element.
    pub(crate) fn finish(&self) -> Result<(), DerError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(DerError::Malformed)
        }
    }
}

/// Why octets are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DerError {
    /// An element says it is longer than what is there.
    Truncated,
    /// An element has no length of its own: it is in the basic encoding.
    Indefinite,
    /// Something else stands where an element was expected.
    Malformed,
    /// Elements are nested deeper than any key is.
    TooDeep,
}

impl fmt::Display for DerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "an element is longer than what is left: not enough data",
            Self::Indefinite => "an element inside has no definite length",
            Self::Malformed => "an element is not the one expected there",
            Self::TooDeep => "its elements are nested too deeply",
        })
    }
}

/// Tag and length of an element.
struct Head {
    /// The identifier octet.
    tag: u8,
    /// How many octets tag and length take.
    octets: usize,
}

impl Head {
    /// Reads tag and length; without a length the form is indefinite.
    fn read(octets: &[u8]) -> Result<(Self, Option<usize>), DerError> {
        let (&tag, rest) = octets.split_first().ok_or(DerError::Truncated)?;
        if tag & 0x1f == 0x1f {
            return Err(DerError::Malformed);
        }
        let (&first, rest) = rest.split_first().ok_or(DerError::Truncated)?;
        let (length, more) = match first {
            0..=0x7f => (Some(usize::from(first)), 0),
            0x80 => (None, 0),
            // Four octets count more than any key or file that is read here has.
            0x81..=0x84 => {
                let more = usize::from(first & 0x7f);
                let octets = rest.get(..more).ok_or(DerError::Truncated)?;
                let length = octets
                    .iter()
                    .fold(0, |length, octet| length << 8 | usize::from(*octet));
                (Some(length), more)
            }
            _ => return Err(DerError::Malformed),
        };
        let octets = 2 + more;
        Ok((Self { tag, octets }, length))
    }
}

/// The same element with definite lengths and strings in one piece, if its own length is
/// indefinite.
///
/// # Errors
///
/// It is cut off, broken, or nested deeper than any file in use.
pub(crate) fn definite(octets: &[u8]) -> Result<Cow<'_, [u8]>, DerError> {
    if octets.get(1) != Some(&0x80) {
        return Ok(Cow::Borrowed(octets));
    }
    let mut out = Zeroizing::new(Vec::new());
    let used = convert(octets, &mut out, 0)?;
    if used == octets.len() {
        Ok(Cow::Owned(std::mem::take(&mut *out)))
    } else {
        Err(DerError::Malformed)
    }
}

/// Writes the first element with definite lengths; tells how many octets it took.
fn convert(octets: &[u8], out: &mut Vec<u8>, depth: usize) -> Result<usize, DerError> {
    if depth > DEEPEST {
        return Err(DerError::TooDeep);
    }
    let (head, length) = Head::read(octets)?;
    if head.tag & CONSTRUCTED == 0 {
        let length = length.ok_or(DerError::Malformed)?;
        let end = head.octets.checked_add(length).ok_or(DerError::Truncated)?;
        let content = octets.get(head.octets..end).ok_or(DerError::Truncated)?;
        write(out, head.tag, &[content]);
        return Ok(end);
    }
    let mut inner = Zeroizing::new(Vec::new());
    let used = head.octets + convert_members(&octets[head.octets..], length, &mut inner, depth)?;
    if head.tag == OCTET_STRING | CONSTRUCTED {
        // A string in pieces: the pieces' contents, one behind the other (X.690 §8.7.3).
        let joined = Zeroizing::new(joined(&inner)?);
        write(out, OCTET_STRING, &[&joined]);
    } else {
        write(out, head.tag, &[&inner]);
    }
    Ok(used)
}

/// Writes the members of a constructed element, up to its length or its end mark; tells how many
/// octets they took, the mark included.
fn convert_members(
    octets: &[u8],
    length: Option<usize>,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<usize, DerError> {
    let limit = length.unwrap_or(octets.len());
    let members = octets.get(..limit).ok_or(DerError::Truncated)?;
    let mut at = 0;
    loop {
        match (&members[at..], length) {
            ([], Some(_)) => return Ok(at),
            ([0, 0, ..], None) => return Ok(at + 2),
            (rest, _) => at += convert(rest, out, depth + 1)?,
        }
    }
}

/// The contents of OCTET STRINGs, one behind the other.
pub(crate) fn joined(pieces: &[u8]) -> Result<Vec<u8>, DerError> {
    let mut reader = Reader::new(pieces);
    let mut joined = Vec::new();
    while !reader.is_empty() {
        joined.extend_from_slice(reader.expect(OCTET_STRING)?.content);
    }
    Ok(joined)
}

/// Adds an element whose content is these parts, one behind the other.
pub(crate) fn write(out: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(tag);
    if length < 0x80 {
        // Less than 128 fits.
        out.push(length as u8);
    } else {
        let octets = length.to_be_bytes();
        let first = octets.iter().position(|octet| *octet != 0).unwrap_or(0);
        let octets = &octets[first..];
        // At most eight octets: the mask is exact.
        out.push(0x80 | octets.len() as u8);
        out.extend_from_slice(octets);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// An element whose content is these parts.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, tag, parts);
    out
}

/// INTEGER.
pub(crate) const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// NULL.
pub(crate) const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub(crate) const OID: u8 = 0x06;
/// BMPString: characters of two octets.
pub(crate) const BMP_STRING: u8 = 0x1e;
/// SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;
/// SET.
pub(crate) const SET: u8 = 0x31;
/// The tag [0] around or instead of another one, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// The tag [0] instead of a primitive one.
pub(crate) const IMPLICIT_0: u8 = 0x80;
/// The bit that tells constructed elements from primitive ones.
const CONSTRUCTED: u8 = 0x20;
/// How deeply elements may be nested: PKCS#12 needs less than ten levels.
const DEEPEST: usize = 24;

#[cfg(test)]
mod tests;
