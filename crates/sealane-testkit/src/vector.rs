//! Vectors: wire messages with the events they must give, read from `conformance/vectors/*.json`.
//!
//! This is the reader and the vocabulary of those files, described for authors in the folder's own
//! README. It is not a runner: it knows none of our crates, so that any suite may ask the same
//! questions. Octets are written as Latin-1 text, one character per octet (RFC 9112 §2.2 forbids
//! reading a message as Unicode). Strict on purpose: an unknown field is an error, never ignored.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// One question to a parser: these octets arrive; which events must come out?
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// Section of the RFC that decides, a slash, and a short name: `9112-7.1/chunked-with-trailer`.
    pub id: String,
    /// The side that reads the octets.
    pub role: Role,
    /// That side reads heads leniently.
    #[serde(default)]
    pub lenient: bool,
    /// Why the outcome is what it is; may be empty when the name says it all.
    #[serde(default)]
    pub note: String,
    /// What the peer sends, whole.
    pub octets: Octets,
    /// How the peer's side ends after the octets.
    #[serde(default)]
    pub end: End,
    /// The request that a client has sent whole before the octets came; none for a server.
    #[serde(default)]
    pub request: Option<SentRequest>,
    /// What a server answers to each request, as soon as it has been received whole.
    #[serde(default)]
    pub answer: Answer,
    /// What must be seen, in order; data is joined whatever its pieces were.
    pub events: Vec<Expected>,
    /// What the connection is good for after the last event; absent exactly when an error ends it.
    #[serde(default)]
    pub after: Option<After>,
}

/// The side under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads requests.
    Server,
    /// Reads responses.
    Client,
}

/// How the peer's side of the connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It does not: more octets could still come.
    #[default]
    None,
    /// It says that it is done (a close_notify).
    Orderly,
    /// It is cut off, by accident or by an attacker.
    Truncated,
}

/// A request that a client has sent; its fields decide whether an upgrade was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentRequest {
    /// The method as it stands in the request line.
    pub method: String,
    /// The request target as it stands in the request line.
    pub target: String,
    /// Field lines in order, `Host` among them.
    pub fields: Vec<(String, String)>,
}

/// What a server answers; the default is an empty 200.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Field lines beside those that framing and persistence add.
    #[serde(default)]
    pub fields: Vec<(String, String)>,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: 200,
            fields: Vec::new(),
        }
    }
}

/// One thing that must be seen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// A request head.
    Request(ExpectedRequest),
    /// The head of an interim response (RFC 9110 §15.2).
    Interim(ExpectedResponse),
    /// The head of a final response.
    Response(ExpectedResponse),
    /// Content, all of it that stands between two other events.
    Data(Octets),
    /// The message is complete; these are the field lines of its trailer section.
    End(Vec<(Octets, Octets)>),
    /// The peer has ended its side between two messages; written `{"closed": true}`.
    Closed(bool),
    /// The octets are refused.
    Error(ExpectedError),
}

/// A request head as it must be understood.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectedRequest {
    /// The method, octet for octet.
    pub method: Octets,
    /// The request target, octet for octet.
    pub target: Octets,
    /// `1.1` or `1.0`.
    #[serde(default)]
    pub version: WireVersion,
    /// Field lines in wire order with their letter case, values as they are understood.
    pub fields: FieldLines,
    /// How the body is delimited.
    #[serde(default)]
    pub framing: WireFraming,
    /// Whether the client waits for a 100 before it sends the body.
    #[serde(default)]
    pub expects_continue: bool,
    /// Whether the request asks to leave HTTP: `Upgrade` with `Connection: upgrade`, or CONNECT.
    #[serde(default)]
    pub upgrade: bool,
}

/// A response head as it must be understood.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectedResponse {
    /// The status code.
    pub status: u16,
    /// The reason phrase, octet for octet.
    #[serde(default)]
    pub reason: Octets,
    /// `1.1` or `1.0`.
    #[serde(default)]
    pub version: WireVersion,
    /// Field lines in wire order with their letter case, values as they are understood.
    pub fields: FieldLines,
    /// How the body is delimited.
    #[serde(default)]
    pub framing: WireFraming,
}

/// A refusal: what kind, and what a server would answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedError {
    /// The kind as `sealane-proto` names it, without what it carries: `Field::NameOctet`.
    pub kind: String,
    /// The status that a server answers; a client has nothing to answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// Where the fault lies, in octets from the start of the section that was being read.
    #[serde(default)]
    pub offset: Option<u64>,
}

/// The version of a message, as it stands after `HTTP/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum WireVersion {
    /// HTTP/1.0.
    #[serde(rename = "1.0")]
    Http10,
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "1.1")]
    Http11,
}

/// How a message's body is delimited (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WireFraming {
    /// There is no body.
    #[default]
    Empty,
    /// So many octets follow.
    Length(u64),
    /// The chunked transfer coding says where it ends.
    Chunked,
    /// The body lasts until the peer ends its side.
    UntilClose,
}

/// What a connection is good for afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// HTTP goes on: for more of this message, or for the next one.
    Open,
    /// Both halves are done; it must be closed.
    Closed,
    /// It is a tunnel, and these octets already belong to the other protocol.
    Tunnel(Octets),
}

/// Octets, written as Latin-1 text or a list of texts and `{"repeat": [text, count]}`.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Value")]
pub struct Octets(pub Vec<u8>);

impl std::ops::Deref for Octets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 400;
        write!(
            f,
            "\"{}\"",
            self.0[..self.0.len().min(SHOWN)].escape_ascii()
        )?;
        if self.0.len() > SHOWN {
            write!(f, "… ({} octets)", self.0.len())?;
        }
        Ok(())
    }
}

impl TryFrom<Value> for Octets {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let mut octets = Vec::new();
        match value {
            Value::Array(parts) => {
                parts
                    .iter()
                    .try_for_each(|part| append_part(part, &mut octets))?;
            }
            single => append_part(&single, &mut octets)?,
        }
        Ok(Self(octets))
    }
}

/// Field lines, written as pairs or as `{"repeat": [[name, value], count]}` between them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Vec<Value>")]
pub struct FieldLines(pub Vec<(Octets, Octets)>);

impl TryFrom<Vec<Value>> for FieldLines {
    type Error = String;

    fn try_from(parts: Vec<Value>) -> Result<Self, String> {
        let pair = |value: &Value| {
            serde_json::from_value::<(Octets, Octets)>(value.clone())
                .map_err(|error| format!("not a [name, value] pair: {value}: {error}"))
        };
        let mut lines = Vec::new();
        for part in &parts {
            match repetition(part)? {
                Some((line, count)) => {
                    let line = pair(line)?;
                    lines.extend(std::iter::repeat_n(line, count));
                }
                None => lines.push(pair(part)?),
            }
        }
        Ok(Self(lines))
    }
}

/// A vector file that cannot be used, with the place of the fault.
#[derive(Debug)]
pub struct VectorError {
    /// The file or folder.
    path: PathBuf,
    /// What is wrong with it.
    reason: String,
}

impl fmt::Display for VectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for VectorError {}

/// Reads every vector of `conformance/vectors`, in the order of file names and of each file.
pub fn vectors() -> Result<Vec<Vector>, VectorError> {
    vectors_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors"))
}

/// Reads the one vector with this id.
pub fn vector(id: &str) -> Result<Vector, VectorError> {
    let missing = || VectorError {
        path: id.into(),
        reason: "no vector has this id".to_owned(),
    };
    vectors()?
        .into_iter()
        .find(|vector| vector.id == id)
        .ok_or_else(missing)
}

/// Reads every `*.json` file of a folder; an id that stands twice is an error.
pub fn vectors_in(folder: &Path) -> Result<Vec<Vector>, VectorError> {
    let fault = |path: &Path, reason: String| VectorError {
        path: path.into(),
        reason,
    };
    let unreadable = |error: std::io::Error| fault(folder, error.to_string());
    let mut paths = fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    let mut seen = BTreeSet::new();
    let mut vectors = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(path).map_err(|error| fault(path, error.to_string()))?;
        for vector in parse(&text).map_err(|reason| fault(path, reason))? {
            if !seen.insert(vector.id.clone()) {
                return Err(fault(path, format!("{}: this id stands twice", vector.id)));
            }
            vectors.push(vector);
        }
    }
    Ok(vectors)
}

/// Reads the text of one vector file: a list of vectors.
///
/// Each vector is read by itself so that an error can name it.
pub fn parse(text: &str) -> Result<Vec<Vector>, String> {
    let entries: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let read = |(at, entry): (usize, Value)| {
        let name = match &entry["id"] {
            Value::String(id) => id.clone(),
            _ => format!("entry {at}"),
        };
        let vector = serde_json::from_value(entry).map_err(|error| format!("{name}: {error}"))?;
        check(&vector).map_err(|reason| format!("{name}: {reason}"))?;
        Ok(vector)
    };
    entries.into_iter().enumerate().map(read).collect()
}

/// Refuses a vector that contradicts itself, since a runner would pass it for the wrong reason.
fn check(vector: &Vector) -> Result<(), &'static str> {
    let (section, name) = vector.id.split_once('/').ok_or("an id is SECTION/NAME")?;
    let section_octets = |octet: u8| octet.is_ascii_digit() || octet == b'.' || octet == b'-';
    if section.len() < 4 || !section.bytes().all(section_octets) || name.is_empty() {
        return Err("an id is SECTION/NAME, the section like 9112-7.1");
    }
    if (vector.role == Role::Client) != vector.request.is_some() {
        return Err("a client needs the request it has sent, and only a client does");
    }
    let is_error = |event: &Expected| matches!(event, Expected::Error(_));
    let refused = vector.events.last().is_some_and(is_error);
    if vector.events.iter().filter(|event| is_error(event)).count() > usize::from(refused) {
        return Err("nothing can be seen after an error");
    }
    if refused == vector.after.is_some() {
        return Err("`after` is needed unless an error ends the events, and forbidden then");
    }
    let two_data = |pair: &[Expected]| matches!(pair, [Expected::Data(_), Expected::Data(_)]);
    if vector.events.windows(2).any(two_data) {
        return Err("data is compared joined: write one data event");
    }
    if vector
        .events
        .iter()
        .any(|event| matches!(event, Expected::Closed(false)))
    {
        return Err("closed is written {\"closed\": true}");
    }
    Ok(())
}

/// Appends one part of an octet list: a text, or a text repeated.
fn append_part(part: &Value, octets: &mut Vec<u8>) -> Result<(), String> {
    if let Some((text, count)) = repetition(part)? {
        let once = latin1(text)?;
        if once.len().saturating_mul(count) > REPEATED_OCTETS {
            return Err(format!(
                "a repetition of more than {REPEATED_OCTETS} octets"
            ));
        }
        octets.extend(once.repeat(count));
        return Ok(());
    }
    octets.extend(latin1(part)?);
    Ok(())
}

/// Takes `{"repeat": [what, count]}` apart; anything but an object is no repetition.
fn repetition(part: &Value) -> Result<Option<(&Value, usize)>, String> {
    let Value::Object(object) = part else {
        return Ok(None);
    };
    let wrong = || format!("not {{\"repeat\": [what, count]}}: {part}");
    if object.len() != 1 {
        return Err(wrong());
    }
    let pair = object
        .get("repeat")
        .and_then(Value::as_array)
        .ok_or_else(wrong)?;
    let [what, count] = pair.as_slice() else {
        return Err(wrong());
    };
    let count = count
        .as_u64()
        .and_then(|count| usize::try_from(count).ok())
        .ok_or_else(wrong)?;
    if count > REPEATED_OCTETS {
        return Err(format!("a repetition of more than {REPEATED_OCTETS}"));
    }
    Ok(Some((what, count)))
}

/// Turns a text into octets, one for each character.
fn latin1(text: &Value) -> Result<Vec<u8>, String> {
    let text = text.as_str().ok_or_else(|| format!("not a text: {text}"))?;
    let octet = |c: char| u8::try_from(u32::from(c)).map_err(|_| format!("{c:?} is no octet"));
    text.chars().map(octet).collect()
}

/// The longest repetition, in octets (or lines): a slip of a zero must not fill the memory.
const REPEATED_OCTETS: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
