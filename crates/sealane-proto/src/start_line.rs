//! Request line, status line, and the four forms of request target (RFC 9112 §3, §3.2, §4).
//!
//! Both scanners are resumable at every octet and refuse a line at the first octet after which it
//! can no longer become valid. They find where the parts are; `head.rs` makes types of them.

use http::{StatusCode, Version};

use crate::authority::Authority;
use crate::error::{ErrorKind, Excerpt, FieldError, ProtocolError, Section, StartLineError};
use crate::grammar;
use crate::limits::{METHOD_OCTETS, TARGET_OCTETS};

/// A scanner of one kind of start line.
pub(crate) trait StartLine: Default {
    /// Scans on; the offset behind the line once it is complete, `None` when octets run out.
    ///
    /// `octets` begin where the head begins, each time. A `lenient` reader takes LF alone for a
    /// line end, and any minor version of HTTP/1.
    fn scan(&mut self, octets: &[u8], lenient: bool) -> Result<Option<usize>, ProtocolError>;

    /// What to say of a head that reaches its limit inside the start line.
    fn overflow(&self, limit: usize) -> ErrorKind;

    /// Whether the line is complete.
    fn is_complete(&self) -> bool;
}

/// Scans `method SP request-target SP HTTP-version CRLF`.
#[derive(Debug, Default)]
pub(crate) struct RequestLine {
    /// What the next octet belongs to.
    state: RequestState,
    /// Offset of the next octet.
    at: usize,
    /// Behind the method.
    pub(crate) method_end: usize,
    /// Behind the request target, which starts one octet behind the method.
    pub(crate) target_end: usize,
    /// The version, once it is known.
    pub(crate) version: HttpVersion,
}

/// What the next octet of a request line belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RequestState {
    /// The method.
    #[default]
    Method,
    /// The request target.
    Target,
    /// The version, or the CR behind it.
    Version,
    /// The LF that ends the line.
    LineFeed,
    /// Nothing: the line is complete.
    Complete,
}

impl RequestLine {
    /// Offset of the request target.
    pub(crate) fn target_start(&self) -> usize {
        self.method_end + 1
    }

    /// Scans the method and the one SP behind it.
    fn scan_method(&mut self, octets: &[u8]) -> Result<bool, StartLineError> {
        self.at = grammar::skip_token(octets, self.at);
        if self.at > METHOD_OCTETS {
            self.at = METHOD_OCTETS;
            return Err(StartLineError::MethodTooLong(METHOD_OCTETS));
        }
        match octets.get(self.at) {
            None => Ok(false),
            Some(b' ') if self.at > 0 => {
                self.method_end = self.at;
                self.at += 1;
                self.state = RequestState::Target;
                Ok(true)
            }
            Some(b'\r') if self.at == 0 => {
                self.at = 1;
                Err(StartLineError::BareCarriageReturn)
            }
            Some(b'\n') if self.at == 0 => Err(StartLineError::BareLineFeed),
            Some(&octet) => Err(StartLineError::MethodOctet(octet)),
        }
    }

    /// Scans the request target and the one SP behind it, and judges its form.
    fn scan_target(&mut self, octets: &[u8], lenient: bool) -> Result<bool, StartLineError> {
        self.at = grammar::skip_target(octets, self.at);
        let bound = self.target_start() + TARGET_OCTETS;
        if self.at > bound {
            self.at = bound;
            return Err(StartLineError::TargetTooLong(TARGET_OCTETS));
        }
        match octets.get(self.at) {
            None => Ok(false),
            Some(b' ') if self.at == self.target_start() => Err(StartLineError::TargetEmpty),
            Some(b' ') => {
                self.target_end = self.at;
                if !self.may_be_preface(octets) {
                    self.judge_target(octets)?;
                }
                self.at += 1;
                self.state = RequestState::Version;
                Ok(true)
            }
            // HTTP/0.9 is not served: its requests have no fields, so neither Host nor framing.
            Some(b'\r') => Err(StartLineError::VersionMissing),
            Some(b'\n') if lenient => Err(StartLineError::VersionMissing),
            Some(b'\n') => Err(StartLineError::BareLineFeed),
            Some(&octet) => Err(StartLineError::TargetOctet(octet)),
        }
    }

    /// Whether the line begins like the preface of HTTP/2, `PRI * HTTP/2.0` (RFC 9113 §3.4).
    ///
    /// Its target has no form that PRI may have, but the version says better what is wrong.
    fn may_be_preface(&self, octets: &[u8]) -> bool {
        &octets[..self.target_end] == b"PRI *"
    }

    /// Judges the form of the target, pointing at it if it is wrong.
    fn judge_target(&mut self, octets: &[u8]) -> Result<(), StartLineError> {
        let target = &octets[self.target_start()..self.target_end];
        judge_target(&octets[..self.method_end], target).inspect_err(|_| {
            self.at = self.method_end + 1;
        })
    }

    /// Scans the version and the CR behind it.
    fn scan_version(&mut self, octets: &[u8], lenient: bool) -> Result<bool, StartLineError> {
        let start = self.target_end + 1;
        let (end, is_version) = skip_version(octets, start);
        self.at = end;
        match octets.get(self.at) {
            None => Ok(false),
            Some(b'\n') if is_version && !lenient => Err(StartLineError::VersionLineFeed),
            Some(b'\r' | b'\n') if is_version => {
                let may_be_preface = self.may_be_preface(octets);
                self.version =
                    HttpVersion::read(octets, start, lenient).map_err(|error| match error {
                        StartLineError::VersionUnsupported('2', '0') if may_be_preface => {
                            StartLineError::Http2Preface
                        }
                        error => error,
                    })?;
                if may_be_preface {
                    self.judge_target(octets)?;
                }
                // The LF is left where it is.
                self.at += usize::from(octets[end] == b'\r');
                self.state = RequestState::LineFeed;
                Ok(true)
            }
            Some(b'\r') if self.at == start => Err(StartLineError::VersionMissing),
            Some(&octet) => Err(not_a_version(octet, self.at - start)),
        }
    }

    /// Moves through the states; `false` when octets run out.
    fn advance(&mut self, octets: &[u8], lenient: bool) -> Result<bool, StartLineError> {
        while self.state != RequestState::Complete {
            let more = match self.state {
                RequestState::Method => self.scan_method(octets)?,
                RequestState::Target => self.scan_target(octets, lenient)?,
                RequestState::Version => self.scan_version(octets, lenient)?,
                RequestState::LineFeed => {
                    let found = scan_line_feed(octets, &mut self.at)?;
                    if found {
                        self.state = RequestState::Complete;
                    }
                    found
                }
                RequestState::Complete => true,
            };
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl StartLine for RequestLine {
    fn scan(&mut self, octets: &[u8], lenient: bool) -> Result<Option<usize>, ProtocolError> {
        match self.advance(octets, lenient) {
            Ok(complete) => Ok(complete.then_some(self.at)),
            Err(error) => Err(ProtocolError::remote(error, Section::Head, self.at as u64)),
        }
    }

    fn overflow(&self, limit: usize) -> ErrorKind {
        match self.state {
            RequestState::Target => StartLineError::TargetTooLong(limit).into(),
            _ => FieldError::HeadTooLarge(limit).into(),
        }
    }

    fn is_complete(&self) -> bool {
        self.state == RequestState::Complete
    }
}

/// Scans `HTTP-version SP status-code [ SP [ reason-phrase ] ] CRLF`.
///
/// The SP behind the code is optional although RFC 9112 §4 demands it: a good many servers leave it
/// out together with the reason phrase, and no second reading of such a line exists.
#[derive(Debug, Default)]
pub(crate) struct StatusLine {
    /// What the next octet belongs to.
    state: StatusState,
    /// Offset of the next octet.
    at: usize,
    /// The status code, once it is known.
    pub(crate) status: StatusCode,
    /// Behind the last octet of the reason phrase.
    pub(crate) reason_end: usize,
    /// The version, once it is known.
    pub(crate) version: HttpVersion,
}

/// What the next octet of a status line belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum StatusState {
    /// The version, or the SP behind it.
    #[default]
    Version,
    /// The three digits of the status code, or the octet behind them.
    Code,
    /// The reason phrase, or the CR behind it.
    Reason,
    /// The LF that ends the line.
    LineFeed,
    /// Nothing: the line is complete.
    Complete,
}

impl StatusLine {
    /// Offset of the reason phrase; behind the code when there is none.
    pub(crate) fn reason_start(&self) -> usize {
        (CODE_END + 1).min(self.reason_end)
    }

    /// Scans the version and the SP behind it.
    fn scan_version(&mut self, octets: &[u8], lenient: bool) -> Result<bool, StartLineError> {
        let (end, is_version) = skip_version(octets, 0);
        self.at = end;
        match octets.get(self.at) {
            None => Ok(false),
            Some(b' ') if is_version => {
                self.version = HttpVersion::read(octets, 0, lenient)?;
                self.at += 1;
                self.state = StatusState::Code;
                Ok(true)
            }
            Some(&octet) => Err(not_a_version(octet, self.at)),
        }
    }

    /// Scans the status code.
    fn scan_code(&mut self, octets: &[u8], lenient: bool) -> Result<bool, StartLineError> {
        while self.at < CODE_END {
            match octets.get(self.at) {
                None => return Ok(false),
                Some(octet) if octet.is_ascii_digit() => self.at += 1,
                Some(&octet) => return Err(StartLineError::StatusLineOctet(octet)),
            }
        }
        let digits = &octets[VERSION_OCTETS + 1..CODE_END];
        let code = digits
            .iter()
            .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        self.status = StatusCode::from_u16(code).map_err(|_| StartLineError::StatusCode(code))?;
        self.reason_end = self.at;
        match octets.get(self.at) {
            None => return Ok(false),
            Some(b' ') => self.at += 1,
            Some(b'\r') => {}
            Some(b'\n') if lenient => {}
            Some(&octet) => return Err(StartLineError::StatusLineOctet(octet)),
        }
        self.state = StatusState::Reason;
        Ok(true)
    }

    /// Scans the reason phrase and the CR behind it.
    fn scan_reason(&mut self, octets: &[u8], lenient: bool) -> Result<bool, StartLineError> {
        self.at = grammar::skip_value(octets, self.at);
        match octets.get(self.at) {
            None => Ok(false),
            Some(b'\n') if !lenient => Err(StartLineError::BareLineFeed),
            Some(end @ (b'\r' | b'\n')) => {
                self.reason_end = self.at;
                // The LF is left where it is.
                self.at += usize::from(*end == b'\r');
                self.state = StatusState::LineFeed;
                Ok(true)
            }
            Some(&octet) => Err(StartLineError::StatusLineOctet(octet)),
        }
    }

    /// Moves through the states; `false` when octets run out.
    fn advance(&mut self, octets: &[u8], lenient: bool) -> Result<bool, StartLineError> {
        while self.state != StatusState::Complete {
            let more = match self.state {
                StatusState::Version => self.scan_version(octets, lenient)?,
                StatusState::Code => self.scan_code(octets, lenient)?,
                StatusState::Reason => self.scan_reason(octets, lenient)?,
                StatusState::LineFeed => {
                    let found = scan_line_feed(octets, &mut self.at)?;
                    if found {
                        self.state = StatusState::Complete;
                    }
                    found
                }
                StatusState::Complete => true,
            };
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl StartLine for StatusLine {
    fn scan(&mut self, octets: &[u8], lenient: bool) -> Result<Option<usize>, ProtocolError> {
        match self.advance(octets, lenient) {
            Ok(complete) => Ok(complete.then_some(self.at)),
            Err(error) => Err(ProtocolError::remote(error, Section::Head, self.at as u64)),
        }
    }

    fn overflow(&self, limit: usize) -> ErrorKind {
        FieldError::HeadTooLarge(limit).into()
    }

    fn is_complete(&self) -> bool {
        self.state == StatusState::Complete
    }
}

/// The versions this crate speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
}

impl HttpVersion {
    /// Reads the version whose form [`skip_version`] has accepted.
    ///
    /// A lenient reader takes any minor version above 1 for the highest it speaks, as RFC 9110 §6.2
    /// has it. Another major version is another syntax, whatever this line looks like.
    fn read(octets: &[u8], start: usize, lenient: bool) -> Result<Self, StartLineError> {
        match (octets[start + MAJOR], octets[start + MINOR]) {
            (b'1', b'0') => Ok(Self::Http10),
            (b'1', b'1') => Ok(Self::Http11),
            (b'1', _) if lenient => Ok(Self::Http11),
            (major, minor) => Err(StartLineError::VersionUnsupported(
                char::from(major),
                char::from(minor),
            )),
        }
    }
}

impl From<HttpVersion> for Version {
    fn from(version: HttpVersion) -> Self {
        match version {
            HttpVersion::Http10 => Self::HTTP_10,
            HttpVersion::Http11 => Self::HTTP_11,
        }
    }
}

/// What is wrong with an octet that ends a version too soon, `offset` octets into it.
fn not_a_version(octet: u8, offset: usize) -> StartLineError {
    match offset < HTTP_NAME_OCTETS {
        true => StartLineError::NotHttp(octet),
        false => StartLineError::VersionOctet(octet),
    }
}

/// Judges whether a target has a form that its method may have (RFC 9112 §3.2).
///
/// The octets are known to be VCHAR without `#`.
pub(crate) fn judge_target(method: &[u8], target: &[u8]) -> Result<(), StartLineError> {
    match target {
        _ if method == b"CONNECT" => judge_authority_form(target),
        [b'/', ..] => Ok(()),
        b"*" if method == b"OPTIONS" => Ok(()),
        _ => judge_absolute_form(target),
    }
}

/// Judges `uri-host ":" port`, the form of CONNECT (RFC 9112 §3.2.3).
///
/// RFC 9110 §9.3.6: there is no default port, and an empty or invalid one is to be refused.
fn judge_authority_form(target: &[u8]) -> Result<(), StartLineError> {
    refuse_userinfo(target)?;
    match Authority::parse(target).and_then(|authority| authority.port_number()) {
        None | Some(0) => Err(StartLineError::TargetForm(Excerpt::new(target))),
        Some(_) => Ok(()),
    }
}

/// Judges `scheme "://" authority path-abempty [ "?" query ]` (RFC 9112 §3.2.2).
fn judge_absolute_form(target: &[u8]) -> Result<(), StartLineError> {
    let wrong_form = || StartLineError::TargetForm(Excerpt::new(target));
    let colon = target
        .iter()
        .position(|&octet| octet == b':')
        .ok_or_else(wrong_form)?;
    let (scheme, rest) = target.split_at(colon);
    let authority = rest.strip_prefix(b"://").ok_or_else(wrong_form)?;
    let end = authority
        .iter()
        .position(|octet| matches!(octet, b'/' | b'?'));
    let authority = &authority[..end.unwrap_or(authority.len())];
    refuse_userinfo(authority)?;
    if !is_scheme(scheme) || Authority::parse(authority).is_none() {
        return Err(wrong_form());
    }
    Ok(())
}

/// RFC 9110 §4.2.4: `https://bank.example@evil.example/` is read by people as the wrong host.
fn refuse_userinfo(authority: &[u8]) -> Result<(), StartLineError> {
    if authority.contains(&b'@') {
        return Err(StartLineError::TargetUserinfo);
    }
    Ok(())
}

/// Whether the octets are a scheme (RFC 3986 §3.1).
fn is_scheme(scheme: &[u8]) -> bool {
    let is_scheme_octet = |octet: &u8| octet.is_ascii_alphanumeric() || b"+-.".contains(octet);
    scheme.first().is_some_and(u8::is_ascii_alphabetic) && scheme.iter().all(is_scheme_octet)
}

/// Finds the first octet that departs from `HTTP/` digit `.` digit; whether all of it was there.
fn skip_version(octets: &[u8], start: usize) -> (usize, bool) {
    for (index, &pattern) in VERSION_PATTERN.iter().enumerate() {
        let fits = match octets.get(start + index) {
            None => return (start + index, false),
            Some(octet) if pattern == b'0' => octet.is_ascii_digit(),
            Some(&octet) => octet == pattern,
        };
        if !fits {
            return (start + index, false);
        }
    }
    (start + VERSION_OCTETS, true)
}

/// Takes the LF behind a CR; `false` when it has not come yet.
fn scan_line_feed(octets: &[u8], at: &mut usize) -> Result<bool, StartLineError> {
    match octets.get(*at) {
        None => Ok(false),
        Some(b'\n') => {
            *at += 1;
            Ok(true)
        }
        Some(_) => Err(StartLineError::BareCarriageReturn),
    }
}

/// What a version looks like (RFC 9112 §2.3); `0` stands for any digit.
const VERSION_PATTERN: &[u8; VERSION_OCTETS] = b"HTTP/0.0";
/// Octets of a version.
/// Octets of `HTTP/` (RFC 9112 §2.3).
const HTTP_NAME_OCTETS: usize = 5;

const VERSION_OCTETS: usize = 8;
/// Where a version has its major digit.
const MAJOR: usize = 5;
/// Where a version has its minor digit.
const MINOR: usize = 7;
/// Behind the status code of a status line.
const CODE_END: usize = VERSION_OCTETS + 1 + 3;

#[cfg(test)]
mod tests;
