//! A request described in JSON, as it was parsed.
//!
//! Octets are shown as ISO 8859-1, one character each: a field value may hold any octet above 127
//! (RFC 9110 §5.5), and this way each of them can be told from the description.

use std::net::SocketAddr;

use http::{HeaderMap, Method, Version};
use sealane::{ConnectionInfo, PeerCertificate, Proxied, RawFields, TlsInfo};
use serde::Serialize;

use crate::echo::Content;

#[cfg(test)]
mod tests;

/// A request and its connection.
#[derive(Debug, Serialize)]
pub struct Description<'a> {
    /// The method.
    method: &'a str,
    /// The request target, octet by octet.
    target: String,
    /// The version in the request line.
    version: &'static str,
    /// Name and value of each field line, in the order and letter case received.
    fields: Vec<(String, String)>,
    /// The body.
    body: Summary<'a>,
    /// Name and value of each field line in the trailer section.
    trailers: Vec<(String, String)>,
    /// What TLS agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Tls<'a>>,
    /// The number of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<u64>,
    /// The address of whoever is connected: the client, or its proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<String>,
    /// Whom a proxy speaks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxied: Option<Speaks>,
}

/// What a proxy says in a header of the PROXY protocol.
#[derive(Debug, Serialize)]
struct Speaks {
    /// The version of the header.
    version: u8,
    /// Whether the proxy speaks for itself.
    local: bool,
    /// Where the client's own connection comes from.
    source: Option<SocketAddr>,
    /// Where it went to.
    destination: Option<SocketAddr>,
}

/// A body that was read and dropped.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    /// Its octets.
    length: u64,
    /// Their SHA-256 in hexadecimal digits.
    sha256: &'a str,
}

/// What a handshake agreed on.
#[derive(Debug, Serialize)]
struct Tls<'a> {
    /// The version of TLS.
    protocol: &'a str,
    /// The cipher suite by OpenSSL's name.
    cipher: &'a str,
    /// The cipher suite by its name in the registry.
    standard_cipher: &'a str,
    /// The group of the key exchange.
    group: Option<&'a str>,
    /// The host name that the client asked for.
    servername: Option<&'a str>,
    /// The application protocol.
    alpn: Option<&'a str>,
    /// Whether an earlier session was resumed.
    resumed: bool,
    /// The certificate that the client showed, if any.
    client: Option<Client<'a>>,
}

/// Who a client is, or says it is.
#[derive(Debug, Serialize)]
struct Client<'a> {
    /// Whether its certificate was verified.
    authorized: bool,
    /// Why it was not.
    error: Option<&'a str>,
    /// The names and values of its subject, in their order.
    subject: Vec<(&'a str, &'a str)>,
    /// The names and values of its issuer.
    issuer: Vec<(&'a str, &'a str)>,
    /// Its other names.
    subject_alt_name: Option<&'a str>,
    /// Its number, in hexadecimal digits.
    serial_number: &'a str,
    /// Its last moment.
    valid_to: &'a str,
    /// Its SHA-256, as pairs of hexadecimal digits.
    fingerprint256: String,
}

impl<'a> Description<'a> {
    /// Describes a request whose body was read.
    pub fn new(
        method: &'a Method,
        version: Version,
        raw: &RawFields,
        content: &'a Content,
        connection: Option<&'a ConnectionInfo>,
    ) -> Self {
        Self::of(
            method,
            version,
            raw.target(),
            raw.iter(),
            content,
            connection,
        )
    }

    /// Describes a request of these parts.
    fn of<'b>(
        method: &'a Method,
        version: Version,
        target: &[u8],
        fields: impl Iterator<Item = (&'b [u8], &'b [u8])>,
        content: &'a Content,
        connection: Option<&'a ConnectionInfo>,
    ) -> Self {
        let remote = connection.and_then(ConnectionInfo::remote_addr);
        Self {
            method: method.as_str(),
            target: latin1(target),
            version: if version == Version::HTTP_10 {
                "HTTP/1.0"
            } else {
                "HTTP/1.1"
            },
            fields: fields
                .map(|(name, value)| (latin1(name), latin1(value)))
                .collect(),
            body: Summary {
                length: content.length,
                sha256: &content.sha256,
            },
            trailers: lines(&content.trailers),
            tls: connection.map(|connection| Tls::of(connection.tls())),
            connection: connection.map(|connection| connection.accepted().id()),
            remote: remote.map(|address| address.to_string()),
            proxied: connection.and_then(ConnectionInfo::proxied).map(Speaks::of),
        }
    }

    /// Writes it as JSON text that people can read, with a line end.
    ///
    /// # Errors
    /// None in practice: all of it is text and numbers.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }
}

impl Speaks {
    /// Takes the facts of a header.
    fn of(proxied: &Proxied) -> Self {
        Self {
            version: proxied.version(),
            local: proxied.is_local(),
            source: proxied.source(),
            destination: proxied.destination(),
        }
    }
}

impl<'a> Tls<'a> {
    /// Takes the facts of a handshake.
    fn of(info: &'a TlsInfo) -> Self {
        Self {
            protocol: info.protocol(),
            cipher: info.cipher(),
            standard_cipher: info.standard_cipher(),
            group: info.group(),
            servername: info.servername(),
            alpn: info.alpn(),
            resumed: info.resumed(),
            client: info.peer_certificate().map(|shown| Client::of(info, shown)),
        }
    }
}

impl<'a> Client<'a> {
    /// Takes the facts of a certificate.
    fn of(info: &'a TlsInfo, shown: &'a PeerCertificate) -> Self {
        Self {
            authorized: info.authorized(),
            error: info.authorization_error(),
            subject: shown.subject().iter().collect(),
            issuer: shown.issuer().iter().collect(),
            subject_alt_name: shown.subject_alt_name(),
            serial_number: shown.serial_number(),
            valid_to: shown.valid_to(),
            fingerprint256: shown.fingerprint256(),
        }
    }
}

/// The lines of a map of fields.
fn lines(fields: &HeaderMap) -> Vec<(String, String)> {
    let lines = fields.iter();
    lines
        .map(|(name, value)| (name.to_string(), latin1(value.as_bytes())))
        .collect()
}

/// Octets as text, one character each.
fn latin1(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}
