//! Errors of the library as they reach a person: a line with the code, a hint, an exit code.
//!
//! The exit code follows the phase: what went wrong before the response is 3, with the response 4.

use sealane::{Error, ErrorKind, Phase};
use url::Url;

use crate::error::{Failure, Result, USAGE};
use crate::fetch::tls::TlsArgs;
use crate::flags;

#[cfg(test)]
mod tests;

/// Translates an error.
pub fn of(error: &Error, args: &TlsArgs) -> Failure {
    let code = error.code().unwrap_or_default();
    let failure = Failure::new(flags::said(error)).exit(exit_code(error.kind(), error.phase()));
    if let Some(diagnosis) = error.diagnosis() {
        let whole = diagnosis.to_string();
        // The error's own line is the cause already, and beside it stands the code.
        let told = error.to_string().contains(diagnosis.cause());
        let rest = whole.split_once('\n').filter(|_| told);
        return diagnosed(failure, rest.map_or(&*whole, |(_, rest)| rest));
    }
    let text = error.to_string();
    let hint = match hint(error.kind(), error.phase(), code, args) {
        // The same can be wrong with whoever stands before the server.
        Some(hint) if text.contains("the proxy http") => hint.replace("the server", "the proxy"),
        Some(_) if text.contains("and no other is allowed") => {
            "-4, -6 and --local-address leave addresses of one kind only".to_owned()
        }
        Some(hint) => hint,
        None => return failure,
    };
    failure.hint(hint)
}

/// Adds what the library found out about an identity that it refused: its text as it is, and how
/// options that it names are given here.
pub fn diagnosed(failure: Failure, diagnosis: &str) -> Failure {
    let named = NAMED.iter().filter(|(name, _)| diagnosis.contains(name));
    let flags: Vec<_> = named
        .map(|(name, flag)| format!("{name} is {flag} here"))
        .collect();
    let failure = failure.details(diagnosis);
    if flags.is_empty() {
        failure
    } else {
        failure.hint(flags.join(", "))
    }
}

/// The exit code for an error of this kind in this phase.
fn exit_code(kind: ErrorKind, phase: Phase) -> u8 {
    match (kind, phase) {
        (ErrorKind::Options, _) | (_, Phase::Setup) => USAGE,
        // In TLS 1.3 a server refuses the client's certificate, or the lack of one, after the
        // handshake has ended for the client (RFC 8446 §4.4.2.4).
        (ErrorKind::Tls, Phase::ReceiveHead) => CONNECTION,
        (_, Phase::ReceiveHead | Phase::ReceiveBody) => RESPONSE,
        _ => CONNECTION,
    }
}

/// What to do about it, where something can be done.
fn hint(kind: ErrorKind, phase: Phase, code: &str, args: &TlsArgs) -> Option<String> {
    if kind == ErrorKind::Timeout {
        let option = match phase {
            Phase::Resolve | Phase::Connect | Phase::Proxy | Phase::Handshake => {
                "--connect-timeout"
            }
            _ => "--timeout",
        };
        return Some(format!(
            "if the server is only slow, give it more time with {option}"
        ));
    }
    Some(match code {
        "ERR_SSL_WRONG_VERSION_NUMBER" | "ERR_SSL_HTTP_REQUEST" => {
            "this port does not speak TLS; it may be one for plain HTTP".to_owned()
        }
        "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"
            if args.cert.is_none() && args.pfx.is_none() =>
        {
            "the server wants a certificate of yours: give --cert and --key, or --pfx".to_owned()
        }
        "ECONNREFUSED" => "is the server running, and at this port?".to_owned(),
        "ENOTFOUND" => "is the name spelled right, and is this machine online?".to_owned(),
        "EADDRNOTAVAIL" => {
            "is --local-address one of this machine, and of the server's kind?".to_owned()
        }
        "EHOSTUNREACH" | "ENETUNREACH" => {
            "is this machine online? -4 and -6 choose a kind of address".to_owned()
        }
        "EAI_AGAIN" => "is this machine online?".to_owned(),
        _ => return None,
    })
}

/// Refuses URLs of other schemes, and those without one, with what to write instead.
///
/// # Errors
/// When the scheme is not https. Everything else about a URL the library judges.
pub(super) fn check_scheme(url: &str) -> Result<()> {
    let shown = without_secrets(url);
    let bare = || {
        Failure::usage(format!("{shown:?} has no scheme"))
            .hint(format!("write https://{}", shown.trim_start_matches('/')))
    };
    match Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "https" => Ok(()),
        Ok(parsed) if parsed.scheme() == "http" => Err(Failure::usage(format!(
            "{shown} is plain HTTP, and only HTTPS is spoken here"
        ))
        .hint("write https:// if the server speaks it")),
        // A host and a port alone reads as a scheme and a path.
        Ok(_) if !url.contains("://") => Err(bare()),
        Ok(parsed) => Err(Failure::usage(format!(
            "the scheme of {shown} is {}, and only https is spoken here",
            parsed.scheme()
        ))),
        Err(url::ParseError::RelativeUrlWithoutBase) => Err(bare()),
        Err(_) => Ok(()),
    }
}

/// A URL for messages: without user and password.
pub(super) fn without_secrets(url: &str) -> String {
    if !url.contains('@') {
        return url.to_owned();
    }
    let Ok(mut parsed) = Url::parse(url) else {
        return "the URL".to_owned();
    };
    let plain = parsed
        .set_username("")
        .and_then(|()| parsed.set_password(None));
    match plain {
        Ok(()) => parsed.into(),
        Err(()) => "the URL".to_owned(),
    }
}

/// Options as a diagnosis names them, and how they are given here.
const NAMED: &[(&str, &str)] = &[
    ("`ca`", "--cacert FILE"),
    ("`crl`", "--crl FILE"),
    ("allow partial trust chains", "--allow-partial-chain"),
];

/// The exit code when there was no connection, TLS failed, or the request could not be sent.
pub(super) const CONNECTION: u8 = 3;

/// The exit code when the response was cut, malformed or missing.
pub(super) const RESPONSE: u8 = 4;
