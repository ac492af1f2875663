//! Errors of the types that messages are made of, under the names the module gives them.
//!
//! So that a handler that builds its response can use `?`. The values themselves are not shown:
//! what `http` refuses may have come from a peer.

use http::header::{InvalidHeaderName, InvalidHeaderValue};
use http::method::InvalidMethod;
use http::status::InvalidStatusCode;
use http::uri::{InvalidUri, InvalidUriParts};

use super::{Error, ErrorKind, Phase};

fn refused(text: &str, code: &'static str) -> Error {
    Error::new(ErrorKind::Protocol, Phase::SendHead, text).with_code(code)
}

impl From<InvalidHeaderName> for Error {
    fn from(source: InvalidHeaderName) -> Self {
        let text = "header name must be a valid HTTP token (RFC 9110 §5.1)";
        refused(text, "ERR_INVALID_HTTP_TOKEN").with_source(source)
    }
}

impl From<InvalidHeaderValue> for Error {
    fn from(source: InvalidHeaderValue) -> Self {
        let text = "invalid character in header content (RFC 9110 §5.5)";
        refused(text, "ERR_INVALID_CHAR").with_source(source)
    }
}

impl From<InvalidMethod> for Error {
    fn from(source: InvalidMethod) -> Self {
        let text = "method must be a valid HTTP token (RFC 9110 §9.1)";
        refused(text, "ERR_INVALID_HTTP_TOKEN").with_source(source)
    }
}

impl From<InvalidStatusCode> for Error {
    fn from(source: InvalidStatusCode) -> Self {
        let text = "invalid status code: it must be 100 to 999";
        refused(text, "ERR_HTTP_INVALID_STATUS_CODE").with_source(source)
    }
}

impl From<InvalidUri> for Error {
    fn from(source: InvalidUri) -> Self {
        refused(&format!("invalid URL: {source}"), "ERR_INVALID_URL").with_source(source)
    }
}

impl From<InvalidUriParts> for Error {
    fn from(source: InvalidUriParts) -> Self {
        refused(&format!("invalid URL: {source}"), "ERR_INVALID_URL").with_source(source)
    }
}

/// What the builders of `http` give: one of the others, or something without a name of its own.
impl From<http::Error> for Error {
    fn from(source: http::Error) -> Self {
        let (text, code) = if source.is::<InvalidHeaderName>() {
            (
                "header name must be a valid HTTP token",
                "ERR_INVALID_HTTP_TOKEN",
            )
        } else if source.is::<InvalidHeaderValue>() {
            ("invalid character in header content", "ERR_INVALID_CHAR")
        } else if source.is::<InvalidMethod>() {
            (
                "method must be a valid HTTP token",
                "ERR_INVALID_HTTP_TOKEN",
            )
        } else if source.is::<InvalidStatusCode>() {
            (
                "invalid status code: it must be 100 to 999",
                "ERR_HTTP_INVALID_STATUS_CODE",
            )
        } else if source.is::<InvalidUri>() || source.is::<InvalidUriParts>() {
            ("invalid URL", "ERR_INVALID_URL")
        } else {
            let text = format!("a message cannot be built: {source}");
            return Self::new(ErrorKind::Protocol, Phase::SendHead, text).with_source(source);
        };
        refused(text, code).with_source(source)
    }
}

#[cfg(test)]
mod tests;
