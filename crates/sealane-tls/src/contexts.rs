//! Which context serves which host name (RFC 6066 §3): a table of patterns over a default.
//!
//! A `*` stands for any octets within one label, at any place of it; case and one trailing dot
//! count for nothing; the whole name must match; and of several matches the latest added wins. The
//! table knows nothing of what it chooses. A client that names nothing, or a name that no pattern
//! matches, gets the default: whether it may is decided by the context and by whoever answers.

use std::collections::HashMap;
use std::fmt;

use crate::error::OptionError;

/// Contexts by patterns of host names, and one for all other names.
#[derive(Clone)]
pub struct Contexts<C> {
    /// For names that no pattern matches.
    default: C,
    /// Patterns without `*`.
    exact: HashMap<String, Entry<C>>,
    /// Patterns whose one `*` is their whole first label, by what follows its dot.
    below: HashMap<String, Entry<C>>,
    /// All other patterns: each is compared with each name.
    odd: Vec<(String, Entry<C>)>,
    /// How many were added, ever.
    added: u64,
}

/// A context in the table.
#[derive(Clone)]
struct Entry<C> {
    /// How many were added before it: the highest of all matches wins.
    age: u64,
    /// What it is for.
    context: C,
}

impl<C> Contexts<C> {
    /// Starts with a default and no pattern.
    pub fn new(default: C) -> Self {
        Self {
            default,
            exact: HashMap::new(),
            below: HashMap::new(),
            odd: Vec::new(),
            added: 0,
        }
    }

    /// Adds a context for all names that match the pattern. It beats all that were added before;
    /// the one with the same pattern, which could never be chosen again, is dropped.
    ///
    /// # Errors
    ///
    /// The pattern is empty, matches no host name whatever, or the table is full.
    pub fn add(&mut self, pattern: &str, context: C) -> Result<(), OptionError> {
        let pattern = canonical(pattern)?;
        let is_new = !self.contains(&pattern);
        if is_new && self.len() >= MAX_PATTERNS {
            return Err(full(MAX_PATTERNS, "patterns"));
        }
        let entry = Entry {
            age: self.added,
            context,
        };
        match Shape::of(&pattern) {
            Shape::Exact => {
                self.exact.insert(pattern, entry);
            }
            Shape::Below(rest) => {
                self.below.insert(rest.to_owned(), entry);
            }
            Shape::Odd => {
                self.odd.retain(|(known, _)| *known != pattern);
                if self.odd.len() >= MAX_ODD_PATTERNS {
                    return Err(full(MAX_ODD_PATTERNS, "patterns with a * inside a label"));
                }
                self.odd.push((pattern, entry));
            }
        }
        self.added += 1;
        Ok(())
    }

    /// The context for the name a client asked for.
    pub fn select(&self, servername: Option<&str>) -> &C {
        let Some(name) = servername else {
            return &self.default;
        };
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let below = name.split_once('.').map(|(_, rest)| rest);
        let odd = self.odd.iter().filter(|(known, _)| matches(known, &name));
        let found = [
            self.exact.get(&name),
            below.and_then(|rest| self.below.get(rest)),
            odd.map(|(_, entry)| entry).last(),
        ];
        let latest = found.into_iter().flatten().max_by_key(|entry| entry.age);
        latest.map_or(&self.default, |entry| &entry.context)
    }

    /// The context for names that no pattern matches.
    pub fn default_context(&self) -> &C {
        &self.default
    }

    /// Replaces the context for names that no pattern matches.
    pub fn set_default(&mut self, context: C) {
        self.default = context;
    }

    /// All contexts, the default first, the others in no order.
    pub fn all(&self) -> impl Iterator<Item = &C> {
        let named = self.exact.values().chain(self.below.values());
        let named = named.chain(self.odd.iter().map(|(_, entry)| entry));
        std::iter::once(&self.default).chain(named.map(|entry| &entry.context))
    }

    /// The patterns, in the order they were added, in lower case.
    pub fn patterns(&self) -> Vec<String> {
        let exact = self
            .exact
            .iter()
            .map(|(name, entry)| (entry.age, name.clone()));
        let below = self.below.iter();
        let below = below.map(|(rest, entry)| (entry.age, format!("*.{rest}")));
        let odd = self
            .odd
            .iter()
            .map(|(name, entry)| (entry.age, name.clone()));
        let mut all: Vec<_> = exact.chain(below).chain(odd).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, pattern)| pattern).collect()
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.exact.len() + self.below.len() + self.odd.len()
    }

    /// Whether there is only the default.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this very pattern is there.
    fn contains(&self, pattern: &str) -> bool {
        match Shape::of(pattern) {
            Shape::Exact => self.exact.contains_key(pattern),
            Shape::Below(rest) => self.below.contains_key(rest),
            Shape::Odd => self.odd.iter().any(|(known, _)| known == pattern),
        }
    }
}

impl<C> fmt::Debug for Contexts<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contexts")
            .field("patterns", &self.len())
            .finish_non_exhaustive()
    }
}

/// Where a pattern is kept.
enum Shape<'a> {
    /// It has no `*`.
    Exact,
    /// Its one `*` is its whole first label; this follows the dot.
    Below(&'a str),
    /// Anything else.
    Odd,
}

impl<'a> Shape<'a> {
    /// Finds the shape of a pattern.
    fn of(pattern: &'a str) -> Self {
        match pattern.strip_prefix("*.") {
            _ if !pattern.contains('*') => Self::Exact,
            Some(rest) if !rest.contains('*') => Self::Below(rest),
            _ => Self::Odd,
        }
    }
}

/// The pattern in the form in which it is compared; refuses what can match no name.
fn canonical(pattern: &str) -> Result<String, OptionError> {
    let bare = pattern.strip_suffix('.').unwrap_or(pattern);
    if bare.is_empty() {
        return Err(OptionError::new(
            OPTION,
            "ERR_TLS_REQUIRED_SERVER_NAME",
            "a host name or a pattern like *.example.com is required",
        ));
    }
    let reason = if bare.len() > MAX_PATTERN {
        format!(
            "a pattern of {} octets; host names have {MAX_PATTERN} at most",
            bare.len()
        )
    } else if !bare.is_ascii() {
        "a host name outside ASCII; give its form that begins with xn--".to_owned()
    } else if !bare.bytes().all(is_in_names) {
        let shown = bare.escape_debug();
        format!("\"{shown}\" can match no host name; give the name alone, without scheme and port")
    } else if bare.split('.').any(str::is_empty) {
        format!("\"{bare}\" has an empty label, as no host name has")
    } else {
        return Ok(bare.to_ascii_lowercase());
    };
    Err(OptionError::new(OPTION, "ERR_INVALID_ARG_VALUE", reason))
}

/// Whether an octet stands in host names as TLS carries them, or is the `*` of a pattern.
fn is_in_names(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-_.*".contains(&octet)
}

/// Whether the whole name matches, label by label.
fn matches(pattern: &str, name: &str) -> bool {
    let (mut patterns, mut names) = (pattern.split('.'), name.split('.'));
    loop {
        match (patterns.next(), names.next()) {
            (Some(pattern), Some(label)) if label_matches(pattern, label) => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// Whether a whole label matches: the first part at its start, the last at its end, and the
/// others in turn between them, each as early as it can stand.
fn label_matches(pattern: &str, label: &str) -> bool {
    let Some((first, others)) = pattern.split_once('*') else {
        return pattern == label;
    };
    let (middle, last) = others.rsplit_once('*').unwrap_or(("", others));
    let rest = label.strip_prefix(first);
    let Some(mut rest) = rest.and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    for part in middle.split('*') {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    true
}

/// The refusal of one pattern too many.
fn full(bound: usize, what: &str) -> OptionError {
    let reason = format!("there are {bound} {what} already; choose in an SNI callback instead");
    OptionError::new(OPTION, "ERR_OUT_OF_RANGE", reason)
}

/// The name of the option in errors.
const OPTION: &str = "add_context";

/// The longest host name, in octets (RFC 1035 §2.3.4).
const MAX_PATTERN: usize = 253;

/// Patterns in one table. Each is found by its digest, so it is memory that is bounded: a program
/// that adds names for ever should hear of it before the machine does.
const MAX_PATTERNS: usize = 65_536;

/// Patterns that must be compared with the name of each handshake, one after another.
const MAX_ODD_PATTERNS: usize = 256;

#[cfg(test)]
mod tests;
