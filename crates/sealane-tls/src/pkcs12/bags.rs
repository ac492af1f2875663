//! The safes and bags of a PKCS#12 file (RFC 7292 §4.1 and §4.2), opened one by one.
//!
//! Every kind of bag that can be part of an identity is read; one that is broken is an error, and
//! no key or certificate is left out.

use zeroize::Zeroizing;

use super::{Certificate, Contents, Key, content_info};
use crate::der::{self, Element, Reader};
use crate::encryption::{self, Cost, EncryptionError, Passphrase, Scheme, oid};

/// What was found so far, and what may still be spent.
pub(super) struct Reading<'a> {
    /// What opens everything.
    passphrase: &'a Passphrase,
    /// What opening may still cost.
    cost: Cost,
    /// Bags of all kinds that were seen.
    bags: usize,
    /// Keys in their order.
    keys: Vec<Key>,
    /// Certificates in their order.
    certificates: Vec<Certificate>,
    /// The first outdated scheme.
    weakness: Option<&'static str>,
}

impl<'a> Reading<'a> {
    /// Starts with nothing.
    pub(super) fn new(passphrase: &'a Passphrase, cost: Cost) -> Self {
        Self {
            passphrase,
            cost,
            bags: 0,
            keys: Vec::new(),
            certificates: Vec::new(),
            weakness: None,
        }
    }

    /// Gives what was found.
    pub(super) fn finish(self, proved: bool) -> Contents {
        Contents {
            keys: self.keys,
            certificates: self.certificates,
            weakness: self.weakness,
            proved,
        }
    }

    /// Reads `AuthenticatedSafe`: parts in clear, and parts that are encrypted.
    pub(super) fn safe(&mut self, octets: &[u8]) -> Result<(), EncryptionError> {
        let octets = der::definite(octets)?;
        let outer = Element::only(&octets)?;
        if outer.tag != der::SEQUENCE {
            return Err(der::DerError::Malformed.into());
        }
        let mut parts = outer.members();
        while !parts.is_empty() {
            let (kind, content) = content_info(&mut parts)?;
            let mut content = content.members();
            match kind {
                oid::CONTENT_PLAIN => {
                    let octets = content.expect(der::OCTET_STRING)?.content;
                    self.contents(octets, 0)?;
                }
                oid::CONTENT_ENCRYPTED => {
                    let opened = self.encrypted(&mut content)?;
                    self.contents(&opened, 0)?;
                }
                oid::CONTENT_ENVELOPED => {
                    let what = "a part that is encrypted to a public key".to_owned();
                    return Err(EncryptionError::Unsupported(what));
                }
                other => return Err(EncryptionError::Unsupported(oid::dotted(other))),
            }
        }
        Ok(())
    }

    /// Opens `EncryptedData` (RFC 5652 §8).
    fn encrypted(
        &mut self,
        reader: &mut Reader<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
        let mut members = reader.sequence()?;
        members.expect(der::INTEGER)?;
        let mut info = members.sequence()?;
        info.expect(der::OID)?;
        let scheme = self.scheme(&mut info)?;
        let content = info.any()?;
        let joined;
        let octets = match content.tag {
            der::IMPLICIT_0 => content.content,
            // In pieces, as the basic encoding allows.
            der::CONTEXT_0 => {
                joined = der::joined(content.content)?;
                &joined
            }
            _ => return Err(der::DerError::Malformed.into()),
        };
        let opened = scheme.open(octets, self.passphrase, &mut self.cost)?;
        // Without a MAC this is all that tells a wrong passphrase whose padding fits by chance.
        match opened.first() {
            Some(&der::SEQUENCE) => Ok(opened),
            _ => Err(EncryptionError::BadDecrypt),
        }
    }

    /// Reads a scheme and remembers the first weak one.
    fn scheme<'r>(&mut self, reader: &mut Reader<'r>) -> Result<Scheme<'r>, EncryptionError> {
        let scheme = Scheme::read(reader)?;
        self.weakness = self.weakness.or(scheme.weakness());
        Ok(scheme)
    }

    /// Reads `SafeContents`: bags, one behind the other.
    fn contents(&mut self, octets: &[u8], depth: usize) -> Result<(), EncryptionError> {
        let octets = der::definite(octets)?;
        let outer = Element::only(&octets)?;
        if outer.tag != der::SEQUENCE {
            return Err(der::DerError::Malformed.into());
        }
        let mut bags = outer.members();
        while !bags.is_empty() {
            self.bags += 1;
            if self.bags > MAX_BAGS {
                let what = format!("it holds more than {MAX_BAGS} keys and certificates");
                return Err(EncryptionError::TooCostly(what));
            }
            let mut bag = bags.sequence()?;
            let kind = bag.expect(der::OID)?.content;
            let value = bag.expect(der::CONTEXT_0)?;
            let id = match bag.optional(der::SET)? {
                Some(attributes) => local_key_id(attributes)?,
                None => None,
            };
            self.bag(kind, &value, id, depth)?;
        }
        Ok(())
    }

    /// Reads one bag.
    fn bag(
        &mut self,
        kind: &[u8],
        value: &Element<'_>,
        id: Option<Vec<u8>>,
        depth: usize,
    ) -> Result<(), EncryptionError> {
        match kind {
            oid::BAG_KEY => {
                let octets = Zeroizing::new(Element::only(value.content)?.whole.to_vec());
                self.keys.push(Key { octets, id });
            }
            oid::BAG_SHROUDED_KEY => {
                let mut members = Element::only(value.content)?.members();
                self.scheme(&mut members)?;
                let octets =
                    encryption::open_pkcs8(value.content, self.passphrase, &mut self.cost)?;
                self.keys.push(Key { octets, id });
            }
            oid::BAG_CERTIFICATE => {
                let mut members = Element::only(value.content)?.members();
                let kind = members.expect(der::OID)?.content;
                if kind != oid::X509_CERTIFICATE {
                    return Err(EncryptionError::Unsupported(oid::dotted(kind)));
                }
                let octets = members
                    .expect(der::CONTEXT_0)?
                    .members()
                    .expect(der::OCTET_STRING)?;
                let octets = octets.content.to_vec();
                self.certificates.push(Certificate { octets, id });
            }
            oid::BAG_NESTED if depth < DEEPEST => self.contents(value.content, depth + 1)?,
            oid::BAG_NESTED => return Err(der::DerError::TooDeep.into()),
            // Lists of revoked certificates, secrets, what will be invented: not part of an
            // identity.
            _ => {}
        }
        Ok(())
    }
}

/// The value of the attribute that ties certificate and key together, if it is there.
fn local_key_id(attributes: Element<'_>) -> Result<Option<Vec<u8>>, EncryptionError> {
    let mut attributes = attributes.members();
    while !attributes.is_empty() {
        let mut attribute = attributes.sequence()?;
        let name = attribute.expect(der::OID)?.content;
        let mut values = attribute.expect(der::SET)?.members();
        if name == oid::LOCAL_KEY_ID {
            return Ok(Some(values.expect(der::OCTET_STRING)?.content.to_vec()));
        }
    }
    Ok(None)
}

/// Bags in one file: a trust store of all public authorities has two hundred.
const MAX_BAGS: usize = 512;

/// How deeply bags may be nested: nobody nests them at all.
const DEEPEST: usize = 4;
