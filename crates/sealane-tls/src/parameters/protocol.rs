//! Protocol versions: by name, by bounds, and by the names of OpenSSL's methods.

use std::fmt;
use std::str::FromStr;

use rustls::version::{TLS12, TLS13};
use rustls::{Side, SupportedProtocolVersion};

use crate::error::OptionError;

/// A TLS protocol version; older ones are not spoken at all (RFC 8996).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), with ephemeral key exchange and authenticated encryption only.
    V1_2,
    /// TLS 1.3 (RFC 8446).
    V1_3,
}

impl TlsVersion {
    /// The name: `TLSv1.2` or `TLSv1.3`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1_2 => "TLSv1.2",
            Self::V1_3 => "TLSv1.3",
        }
    }

    /// Reads the text of the option `min_version`.
    ///
    /// # Errors
    ///
    /// `ERR_TLS_INVALID_PROTOCOL_VERSION` for a text that names no version that is spoken.
    pub fn minimum(text: &str) -> Result<Self, OptionError> {
        Self::named(text).ok_or_else(|| invalid_version("min_version", "minimum ", text))
    }

    /// Reads the text of the option `max_version`.
    ///
    /// # Errors
    ///
    /// As [`TlsVersion::minimum`].
    pub fn maximum(text: &str) -> Result<Self, OptionError> {
        Self::named(text).ok_or_else(|| invalid_version("max_version", "maximum ", text))
    }

    /// The version of a name.
    fn named(text: &str) -> Option<Self> {
        [Self::V1_2, Self::V1_3]
            .into_iter()
            .find(|version| version.name() == text)
    }
}

impl FromStr for TlsVersion {
    type Err = OptionError;

    /// Reads `TLSv1.2` or `TLSv1.3`; where it is known which bound is meant, use
    /// [`TlsVersion::minimum`] or [`TlsVersion::maximum`].
    fn from_str(text: &str) -> Result<Self, OptionError> {
        Self::named(text).ok_or_else(|| invalid_version("version", "", text))
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The versions between two bounds, of which there is at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// The oldest.
    pub(super) min: TlsVersion,
    /// The newest.
    pub(super) max: TlsVersion,
}

impl Range {
    /// All that is spoken.
    pub(super) const ALL: Self = Self {
        min: TlsVersion::V1_2,
        max: TlsVersion::V1_3,
    };

    /// Reads the bounds, each with its default.
    pub(super) fn between(
        min: Option<TlsVersion>,
        max: Option<TlsVersion>,
    ) -> Result<Self, OptionError> {
        let min = min.unwrap_or(Self::ALL.min);
        let max = max.unwrap_or(Self::ALL.max);
        if min <= max {
            return Ok(Self { min, max });
        }
        Err(OptionError::new(
            "min_version",
            "ERR_INVALID_ARG_VALUE",
            format!("{min} is newer than max_version {max}"),
        ))
    }

    /// Reads the name of a method.
    ///
    /// `SSLv23_method` and its sides end at TLS 1.2, as in the module.
    pub(super) fn of_method(name: &str, side: Side) -> Result<Self, OptionError> {
        let (base, for_side) = split_method(name);
        let only = |version| Self {
            min: version,
            max: version,
        };
        let range = match base {
            Some("TLS") => Self::ALL,
            Some("SSLv23" | "TLSv1_2") => only(TlsVersion::V1_2),
            Some("SSLv2") => return Err(invalid_method("SSLv2 methods disabled".to_owned())),
            Some("SSLv3") => return Err(invalid_method("SSLv3 methods disabled".to_owned())),
            Some(old @ ("TLSv1" | "TLSv1_1")) => {
                let version = if old == "TLSv1" { "1.0" } else { "1.1" };
                return Err(invalid_method(format!(
                    "{name} speaks TLS {version} only, which is not offered (RFC 8996); \
                     TLS_method speaks 1.2 and 1.3"
                )));
            }
            _ => {
                return Err(invalid_method(format!(
                    "Unknown method: {}; known are TLS_method and TLSv1_2_method",
                    name.escape_debug()
                )));
            }
        };
        match for_side.is_none_or(|for_side| for_side == side) {
            true => Ok(range),
            false => Err(invalid_method(format!("{name} is for the other side"))),
        }
    }

    /// Takes versions away; the error says that none is left.
    pub(super) fn without(self, no_tls12: bool, no_tls13: bool) -> Result<Self, OptionError> {
        let is_kept = |version: TlsVersion| match version {
            TlsVersion::V1_2 => !no_tls12,
            TlsVersion::V1_3 => !no_tls13,
        };
        let versions = [TlsVersion::V1_2, TlsVersion::V1_3];
        let kept = versions
            .into_iter()
            .filter(|version| (self.min..=self.max).contains(version) && is_kept(*version));
        let kept: Vec<_> = kept.collect();
        match kept.as_slice() {
            [min, .., max] => Ok(Self {
                min: *min,
                max: *max,
            }),
            [one] => Ok(Self {
                min: *one,
                max: *one,
            }),
            [] => Err(OptionError::new(
                "secure_options",
                "ERR_SSL_NO_PROTOCOLS_AVAILABLE",
                "no protocols available: the bits SSL_OP_NO_TLSv1_… leave no version to speak",
            )),
        }
    }

    /// As rustls takes them, the newest first.
    pub(super) fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        static VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match (self.min, self.max) {
            (TlsVersion::V1_2, TlsVersion::V1_3) => &VERSIONS,
            (TlsVersion::V1_3, _) => &VERSIONS[..1],
            (_, TlsVersion::V1_2) => &VERSIONS[1..],
        }
    }
}

/// The name of a method without its end, and the side it is for, if it is for one.
fn split_method(name: &str) -> (Option<&str>, Option<Side>) {
    if let Some(base) = name.strip_suffix("_client_method") {
        return (Some(base), Some(Side::Client));
    }
    if let Some(base) = name.strip_suffix("_server_method") {
        return (Some(base), Some(Side::Server));
    }
    (name.strip_suffix("_method"), None)
}

/// The refusal of a method together with bounds.
pub(super) fn conflict(bound: TlsVersion, method: &str) -> OptionError {
    OptionError::new(
        "secure_protocol",
        "ERR_TLS_PROTOCOL_VERSION_CONFLICT",
        format!("TLS protocol version \"{bound}\" conflicts with secureProtocol {method:?}"),
    )
}

/// The refusal of a method.
fn invalid_method(reason: String) -> OptionError {
    OptionError::new("secure_protocol", "ERR_TLS_INVALID_PROTOCOL_METHOD", reason)
}

/// The refusal of a text that is no version.
fn invalid_version(option: &'static str, which: &str, text: &str) -> OptionError {
    let why = match text {
        "TLSv1" | "TLSv1.1" => "it is not offered any more (RFC 8996); ",
        _ => "",
    };
    OptionError::new(
        option,
        "ERR_TLS_INVALID_PROTOCOL_VERSION",
        format!(
            "{text:?} is not a valid {which}TLS protocol version: {why}give TLSv1.2 or TLSv1.3"
        ),
    )
}
