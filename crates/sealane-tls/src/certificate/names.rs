//! Distinguished names (RFC 5280 §4.1.2.4): attributes in order under their short names.

pub(super) mod attributes;

use std::borrow::Cow;
use std::fmt;

use x509_parser::asn1_rs::{Any, Oid, Tag};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::oid;
use attributes::SHORT_NAMES;

/// A distinguished name: attributes in the certificate's order, under the short names of OpenSSL
/// such as `C`, `O` and `CN`. An attribute without such a name goes under its number, `2.5.4.200`.
///
/// The same attribute may come several times; `values` has them all.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DistinguishedName {
    /// Short names and values.
    attributes: Vec<(Cow<'static, str>, String)>,
}

impl DistinguishedName {
    /// All attributes in order: short name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.attributes.iter();
        all.map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// The first value of an attribute.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// All values of an attribute in order.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let fitting = move |attribute: &(&str, &str)| attribute.0 == name;
        self.iter().filter(fitting).map(|(_, value)| value)
    }

    /// Whether it has no attributes.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// Reads a name.
    pub(super) fn read(name: &X509Name<'_>) -> Self {
        let attributes = name.iter_attributes();
        attributes.map(|it| (key(it), value(it))).collect()
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl FromIterator<(Cow<'static, str>, String)> for DistinguishedName {
    fn from_iter<I: IntoIterator<Item = (Cow<'static, str>, String)>>(attributes: I) -> Self {
        Self {
            attributes: attributes.into_iter().collect(),
        }
    }
}

/// A name in one line, the last part first (RFC 2253 §2).
pub(super) fn rfc2253(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in name.iter() {
        // OpenSSL turns the whole list around, attributes within one part included.
        let mut attributes: Vec<_> = part.iter().map(rfc2253_attribute).collect();
        attributes.reverse();
        parts.push(attributes.join("+"));
    }
    parts.reverse();
    parts.join(",")
}

/// An attribute with its value escaped (RFC 2253 §2.4).
fn rfc2253_attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let key = key(attribute);
    let text = text(attribute.attr_value());
    // One whose number has no name is not a text to its readers either.
    let (Some(text), Some(_)) = (text, short_name(attribute.attr_type())) else {
        return format!("{key}={}", dump(attribute.attr_value()));
    };
    let last = text.chars().count().saturating_sub(1);
    let mut out = format!("{key}=");
    for (index, character) in text.chars().enumerate() {
        let is_special = match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => true,
            '#' => index == 0,
            ' ' => index == 0 || index == last,
            _ => false,
        };
        if is_special {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// The short name of an attribute, or its number.
fn key(attribute: &AttributeTypeAndValue<'_>) -> Cow<'static, str> {
    let number = attribute.attr_type();
    short_name(number).map_or_else(|| oid::dotted(number).into(), Cow::Borrowed)
}

/// The value of an attribute as text; what is no text in hexadecimal behind a `#`.
fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let value = attribute.attr_value();
    text(value).unwrap_or_else(|| dump(value))
}

/// A string of one of the kinds that directories have.
fn text(value: &Any<'_>) -> Option<String> {
    let octets = value.data;
    match value.tag() {
        Tag::Utf8String => Some(String::from_utf8_lossy(octets).into_owned()),
        // What T.61 means by octets above 127 nobody agrees on; all tools read Latin-1.
        Tag::NumericString
        | Tag::PrintableString
        | Tag::T61String
        | Tag::Ia5String
        | Tag::VisibleString => Some(octets.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let units = octets.chunks_exact(2);
            let units = units.map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            let decoded = char::decode_utf16(units);
            Some(decoded.map(|it| it.unwrap_or(NO_CHARACTER)).collect())
        }
        Tag::UniversalString => {
            let units = octets.chunks_exact(4);
            let units = units.map(|it| u32::from_be_bytes([it[0], it[1], it[2], it[3]]));
            Some(
                units
                    .map(|it| char::from_u32(it).unwrap_or(NO_CHARACTER))
                    .collect(),
            )
        }
        _ => None,
    }
}

/// A value as it is encoded, in hexadecimal (RFC 2253 §2.4).
fn dump(value: &Any<'_>) -> String {
    use x509_parser::asn1_rs::ToDer as _;
    let encoded = value.to_der_vec_raw().unwrap_or_default();
    let digits: String = encoded.iter().map(|octet| format!("{octet:02X}")).collect();
    format!("#{digits}")
}

/// The short name that OpenSSL gives an attribute.
fn short_name(number: &Oid<'_>) -> Option<&'static str> {
    let number = oid::dotted(number);
    let found = SHORT_NAMES.binary_search_by_key(&number.as_str(), |(number, _)| number);
    found.ok().map(|index| SHORT_NAMES[index].1)
}

/// What stands for a character that does not exist.
const NO_CHARACTER: char = char::REPLACEMENT_CHARACTER;
