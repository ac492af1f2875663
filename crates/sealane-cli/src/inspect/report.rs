//! What was found out about a server, as data: the shape of `--json`, and what the text is made of.
//!
//! The shape is stable: names stay, new ones may come. What is not known is `null`. Texts of the
//! peer are as they came; whoever writes them somewhere escapes them there. Time is an argument.

mod certificate;

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealane::{ConnectionInfo, Diagnosis, TlsInfo};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(super) use certificate::{Certificate, Key, Name};

use crate::inspect::target::Target;
use crate::inspect::visit::Visit;
use crate::terminal::disturbs;

#[cfg(test)]
mod tests;

/// A server, as two connections to it have shown it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The host that was asked for.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// The address and port that the host turned out to have.
    pub(super) address: Option<String>,
    /// The name that was sent to the server (SNI); none for an address.
    pub(super) servername: Option<String>,
    /// When this was, in the form of RFC 3339.
    pub(super) checked_at: String,
    /// Whether the server has proved who it is.
    pub(super) authorized: bool,
    /// The code of the reason why not.
    pub(super) authorization_error: Option<String>,
    /// The reason with its evidence, and what to do.
    pub(super) diagnosis: Option<Told>,
    /// Whether the verified chain has one of the pins that were given; nothing when none were, or
    /// no chain was verified.
    pub(super) pinned: Option<bool>,
    /// Which pins were wanted and which the chain has, when it has none of the former.
    pub(super) pin_report: Option<String>,
    /// What the handshake agreed on.
    pub(super) tls: Tls,
    /// Whether a second connection resumed the session of the first.
    pub(super) resumption: Resumption,
    /// What is known of the certificate's status.
    pub(super) ocsp: Ocsp,
    /// The status code of the answer to the request that was sent.
    pub(super) status: Option<u16>,
    /// The server's certificate, and those above it as far as they are known.
    pub(super) chain: Vec<Certificate>,
}

/// Why a server is not believed.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// The stable code.
    pub(super) code: String,
    /// What is wrong, in one line.
    pub(super) cause: String,
    /// What was found.
    pub(super) evidence: Vec<Evidence>,
    /// What to do about it.
    pub(super) next_step: String,
    /// All of it as the library writes it.
    #[serde(skip)]
    pub(super) text: String,
}

/// A piece of evidence.
#[derive(Debug, Serialize)]
pub(super) struct Evidence {
    /// What it is.
    pub(super) label: String,
    /// What it says.
    pub(super) text: String,
}

/// What a handshake agreed on.
#[derive(Debug, Serialize)]
pub(super) struct Tls {
    /// The version: `TLSv1.2` or `TLSv1.3`.
    pub(super) protocol: String,
    /// The suite by OpenSSL's name.
    pub(super) cipher: String,
    /// The suite by its name in the registry.
    pub(super) standard_cipher: String,
    /// The group of the key exchange.
    pub(super) group: Option<String>,
    /// The application protocol.
    pub(super) alpn: Option<String>,
}

/// Whether a session can be taken up again.
#[derive(Debug, Serialize)]
pub(super) struct Resumption {
    /// Whether the second connection resumed; nothing when there was none.
    pub(super) resumed: Option<bool>,
    /// Why there was no second connection.
    pub(super) error: Option<String>,
}

/// What is known of the status of the server's certificate (RFC 6960).
#[derive(Debug, Serialize)]
pub(super) struct Ocsp {
    /// Whether the server sent an answer of its authority along.
    pub(super) stapled: bool,
    /// That answer in base64, unchecked.
    pub(super) response: Option<String>,
    /// Its length in octets.
    #[serde(skip)]
    pub(super) length: usize,
    /// Where the certificate says that its status can be asked for.
    pub(super) responders: Vec<String>,
}

impl Report {
    /// Puts together what the connections have shown; `pins` says whether pins were given.
    pub(super) fn new(target: &Target, visit: &Visit, pins: bool, now: SystemTime) -> Self {
        let tls = visit.first.tls();
        let chain: Vec<_> = tls
            .peer_certificate()
            .map(|leaf| leaf.chain().map(|it| Certificate::new(&it, now)).collect())
            .unwrap_or_default();
        Self {
            host: target.host(),
            port: target.port(),
            address: visit.first.remote_addr().map(|it| it.to_string()),
            servername: tls.servername().map(str::to_owned),
            checked_at: moment(now),
            authorized: tls.authorized(),
            authorization_error: tls.authorization_error().map(str::to_owned),
            diagnosis: tls.diagnosis().map(Told::new),
            pinned: (pins && tls.authorized()).then(|| tls.pin_report().is_none()),
            pin_report: tls.pin_report().map(str::to_owned),
            tls: Tls::new(tls),
            resumption: Resumption::new(&visit.second),
            ocsp: Ocsp::new(tls),
            status: visit.status,
            chain,
        }
    }

    /// Writes it as JSON text, with a line end.
    ///
    /// # Errors
    /// None in practice: all of it is text, numbers and lists.
    pub(super) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|json| harmless(&json) + "\n")
    }
}

impl Told {
    /// Takes over a diagnosis.
    fn new(diagnosis: &Diagnosis) -> Self {
        let evidence = diagnosis.evidence().map(|(label, text)| Evidence {
            label: label.to_owned(),
            text: text.to_owned(),
        });
        Self {
            code: diagnosis.code().to_owned(),
            cause: diagnosis.cause().to_owned(),
            evidence: evidence.collect(),
            next_step: diagnosis.next_step().to_owned(),
            text: diagnosis.to_string(),
        }
    }
}

impl Tls {
    /// Takes over the facts of a handshake.
    fn new(info: &TlsInfo) -> Self {
        Self {
            protocol: info.protocol().to_owned(),
            cipher: info.cipher().to_owned(),
            standard_cipher: info.standard_cipher().to_owned(),
            group: info.group().map(str::to_owned),
            alpn: info.alpn().map(str::to_owned),
        }
    }
}

impl Resumption {
    /// Reads it off a second connection.
    fn new(second: &Result<ConnectionInfo, String>) -> Self {
        match second {
            Ok(info) => Self {
                resumed: Some(info.tls().resumed()),
                error: None,
            },
            Err(why) => Self {
                resumed: None,
                error: Some(why.clone()),
            },
        }
    }
}

impl Ocsp {
    /// Takes over what was sent along and what the certificate names.
    fn new(info: &TlsInfo) -> Self {
        let places = info.peer_certificate().and_then(|it| it.info_access());
        let responders = places.unwrap_or_default().iter();
        let responders = responders.filter(|(kind, _)| kind == OCSP_URI);
        let response = info.ocsp_response();
        Self {
            stapled: response.is_some(),
            response: response.map(|octets| STANDARD.encode(octets)),
            length: response.map_or(0, <[u8]>::len),
            responders: responders.map(|(_, place)| place.clone()).collect(),
        }
    }
}

/// A moment in the form of RFC 3339, to the second.
fn moment(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let whole = time.replace_nanosecond(0).unwrap_or(time);
    // Years of five digits have no such form; no clock stands there.
    whole.format(&Rfc3339).unwrap_or_default()
}

/// JSON text whose strings hold no character that acts on a terminal: JSON itself escapes only the
/// first 32.
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter == '\n' || !disturbs(letter) {
            out.push(letter);
            continue;
        }
        let mut units = [0; 2];
        for unit in letter.encode_utf16(&mut units) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// How the certificate object names the place of a responder.
const OCSP_URI: &str = "OCSP - URI";
