//! An exchange as a line of the access log.
//!
//! Nothing of a peer stands in a line as it came: quotes, backslashes, controls and everything
//! beyond ASCII are escaped, so that no target can end its field, begin a line of its own, or act
//! on the terminal of whoever reads the log.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use http::Version;
use sealane::{ClientFault, ConnectionInfo, Finished, Proxied, TlsInfo};
use serde::Serialize;
use time::OffsetDateTime;

#[cfg(test)]
mod tests;

/// An exchange that is over.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// When its request's head had come.
    pub at: OffsetDateTime,
    /// The number of its connection.
    pub connection: u64,
    /// Who was connected.
    pub remote: Option<SocketAddr>,
    /// Who is behind the proxy that was connected.
    pub source: Option<SocketAddr>,
    /// The method; empty where no request could be read.
    pub method: &'a str,
    /// The request target, in the peer's octets.
    pub target: &'a [u8],
    /// The version in the request line.
    pub version: &'static str,
    /// The status, if anything was answered.
    pub status: Option<u16>,
    /// Octets of the response's content.
    pub octets: u64,
    /// From the request's head to the end of the response.
    pub duration: Duration,
    /// Whether the response was given to its end.
    pub complete: bool,
    /// The stable name of what was wrong with a request that could not be read.
    pub error: Option<&'a str>,
    /// The version of TLS.
    pub tls: &'a str,
    /// The cipher suite by OpenSSL's name.
    pub cipher: &'a str,
    /// The host name that the client asked for in its handshake.
    pub servername: Option<&'a str>,
    /// The SHA-256 of the client's certificate.
    pub client: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// Takes the facts of an exchange; `client` is room for the fingerprint.
    pub(super) fn of(finished: &'a Finished<'_>, client: &'a mut String) -> Self {
        let request = finished.request();
        Self {
            at: OffsetDateTime::now_utc() - finished.duration(),
            method: request.method().as_str(),
            target: request.target(),
            version: if request.version() == Version::HTTP_10 {
                "HTTP/1.0"
            } else {
                "HTTP/1.1"
            },
            status: finished.status().map(|status| status.as_u16()),
            octets: finished.body_octets(),
            duration: finished.duration(),
            complete: finished.is_complete(),
            ..Self::on(request.info(), client)
        }
    }

    /// The same of what was refused before there was a request.
    pub(super) fn refused(fault: &'a ClientFault<'_>, client: &'a mut String) -> Self {
        Self {
            status: fault.status().map(|status| status.as_u16()),
            complete: fault.status().is_some(),
            error: fault.error().code(),
            ..Self::on(fault.info(), client)
        }
    }

    /// What is known of a connection, and nothing of a request.
    fn on(info: &'a ConnectionInfo, client: &'a mut String) -> Self {
        let tls: &TlsInfo = info.tls();
        if let Some(certificate) = tls.peer_certificate() {
            *client = certificate.fingerprint256();
        }
        Self {
            at: OffsetDateTime::now_utc(),
            connection: info.accepted().id(),
            remote: info.remote_addr(),
            source: info.proxied().and_then(Proxied::source),
            method: "",
            target: b"",
            version: "",
            status: None,
            octets: 0,
            duration: Duration::ZERO,
            complete: false,
            error: None,
            tls: tls.protocol(),
            cipher: tls.cipher(),
            servername: tls.servername(),
            client: Some(client.as_str()).filter(|shown| !shown.is_empty()),
        }
    }

    /// The line in the common log form, with its end. A dash stands for what there is not.
    pub fn common(&self) -> String {
        let mut line = String::with_capacity(96 + self.target.len());
        match self.source.or(self.remote) {
            Some(address) => put(&mut line, format_args!("{}", address.ip())),
            None => line.push('-'),
        }
        let at = self.at;
        let month = at.month().to_string();
        let month = month.get(..3).unwrap_or_default();
        put(
            &mut line,
            format_args!(
                " - - [{:02}/{month}/{:04}:{:02}:{:02}:{:02} +0000] \"",
                at.day(),
                at.year(),
                at.hour(),
                at.minute(),
                at.second()
            ),
        );
        match self.method {
            "" => line.push('-'),
            method => {
                escape(&mut line, method.as_bytes());
                line.push(' ');
                escape(&mut line, self.target);
                put(&mut line, format_args!(" {}", self.version));
            }
        }
        line.push_str("\" ");
        match self.status {
            Some(status) => put(&mut line, format_args!("{status} ")),
            None => line.push_str("- "),
        }
        match self.octets {
            0 => line.push_str("-\n"),
            octets => put(&mut line, format_args!("{octets}\n")),
        }
        line
    }

    /// The line as a JSON object, with its end.
    pub fn json(&self) -> String {
        let object = Object {
            time: moment(self.at),
            connection: self.connection,
            remote: self.remote,
            source: self.source,
            method: self.method,
            target: self.target.iter().copied().map(char::from).collect(),
            version: self.version,
            status: self.status,
            octets: self.octets,
            duration_ms: self.duration.as_micros() as f64 / 1000.0,
            complete: self.complete,
            error: self.error,
            tls: self.tls,
            cipher: self.cipher,
            servername: self.servername,
            client: self.client,
        };
        // Text and numbers: nothing of it can fail to be JSON.
        let json = serde_json::to_string(&object).unwrap_or_default();
        ascii(&json) + "\n"
    }
}

/// The JSON form; the names stay.
#[derive(Serialize)]
struct Object<'a> {
    time: String,
    connection: u64,
    remote: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SocketAddr>,
    method: &'a str,
    /// One character for each octet (ISO 8859-1).
    target: String,
    version: &'a str,
    status: Option<u16>,
    octets: u64,
    duration_ms: f64,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    tls: &'a str,
    cipher: &'a str,
    servername: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
}

/// Adds octets of a peer to a line of the common form.
fn escape(line: &mut String, octets: &[u8]) {
    for &octet in octets {
        match octet {
            b'"' | b'\\' => {
                line.push('\\');
                line.push(char::from(octet));
            }
            b' '..=b'~' => line.push(char::from(octet)),
            _ => put(line, format_args!("\\x{octet:02x}")),
        }
    }
}

/// JSON in ASCII: beyond it there are only characters of texts, and some act on terminals.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~') {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            put(&mut out, format_args!("\\u{unit:04x}"));
        }
    }
    out
}

/// A moment to the millisecond (RFC 3339).
fn moment(at: OffsetDateTime) -> String {
    let (date, time) = (at.date(), at.time());
    let (hour, minute, second, milli) = time.as_hms_milli();
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Appends to a text, which cannot fail.
fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(what);
}
