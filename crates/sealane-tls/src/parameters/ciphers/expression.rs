//! The grammar of cipher expressions: words with an operator before them, joined by `+`, separated
//! by `:`, `,`, `;` or white space, and commands behind `@`.

use super::list::{List, Operator};
use super::suites::{Meaning, TLS13, known};
use super::{Ciphers, refused};
use crate::error::OptionError;

/// Reads an expression; neither list is there when no word is.
pub(super) fn read(text: &str) -> Result<Ciphers, OptionError> {
    let mut reader = Reader {
        rest: text,
        list: List::new(known()),
        speaks_of_tls12: false,
        newer: Newer::default(),
    };
    while reader.step()? {}
    Ok(Ciphers {
        tls12: reader.speaks_of_tls12.then(|| reader.list.into_chosen()),
        tls13: reader.newer.into_chosen(),
    })
}

/// An expression under way.
struct Reader<'a> {
    /// What has not been read yet.
    rest: &'a str,
    /// The suites up to TLS 1.2.
    list: List<'static>,
    /// Whether a word or a command was for those.
    speaks_of_tls12: bool,
    /// The suites of TLS 1.3.
    newer: Newer,
}

impl<'a> Reader<'a> {
    /// Reads one word with its operator, or one command; false at the end.
    fn step(&mut self) -> Result<bool, OptionError> {
        self.rest = self.rest.trim_start_matches(is_separator);
        let Some(first) = self.rest.chars().next() else {
            return Ok(false);
        };
        let operator = match first {
            '-' => Operator::Delete,
            '+' => Operator::Move,
            '!' => Operator::Kill,
            '@' => {
                self.rest = &self.rest[1..];
                self.command()?;
                return Ok(true);
            }
            _ => Operator::Add,
        };
        if operator != Operator::Add {
            self.rest = &self.rest[1..];
        }
        let words = self.joined_words()?;
        match words.as_slice() {
            [word] if word.starts_with("TLS_") && known().meaning(word).is_none() => {
                self.newer.apply(operator, word);
            }
            // OpenSSL knows this word at the beginning only, where it means a whole expression.
            ["DEFAULT"] if !self.speaks_of_tls12 && operator == Operator::Add => {
                self.speaks_of_tls12 = true;
                self.apply_default();
            }
            words => {
                self.speaks_of_tls12 = true;
                let known = known();
                let meanings: Option<Vec<_>> =
                    words.iter().map(|word| known.meaning(word)).collect();
                // A word that nobody knows spoils what it is joined to, and nothing else.
                if let Some(meanings) = meanings {
                    self.list.apply(operator, &meanings);
                }
            }
        }
        Ok(true)
    }

    /// `ALL:!COMPLEMENTOFDEFAULT:!eNULL`, as OpenSSL defines its default.
    fn apply_default(&mut self) {
        let known = known();
        let steps = [
            (Operator::Add, "ALL"),
            (Operator::Kill, "COMPLEMENTOFDEFAULT"),
            (Operator::Kill, "eNULL"),
        ];
        for (operator, word) in steps {
            let meaning: Vec<Meaning> = known.meaning(word).into_iter().collect();
            self.list.apply(operator, &meaning);
        }
    }

    /// Words joined by `+`, of which there is at least one.
    fn joined_words(&mut self) -> Result<Vec<&'a str>, OptionError> {
        let mut words = vec![self.word()?];
        while let Some(rest) = self.rest.strip_prefix('+') {
            self.rest = rest;
            words.push(self.word()?);
        }
        Ok(words)
    }

    /// One word.
    fn word(&mut self) -> Result<&'a str, OptionError> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-._=".contains(letter);
        let end = self.rest.find(|letter| !is_part(letter));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if word.is_empty() {
            let found = match rest.chars().next() {
                None => "the expression ends".to_owned(),
                Some(letter) => format!("{letter:?} stands"),
            };
            return Err(refused(
                "ERR_SSL_INVALID_COMMAND",
                format!("invalid command: {found} where a suite or an alias is expected"),
            ));
        }
        self.rest = rest;
        Ok(word)
    }

    /// A command, its `@` already read.
    fn command(&mut self) -> Result<(), OptionError> {
        self.speaks_of_tls12 = true;
        match self.word()? {
            "STRENGTH" => self.list.sort_by_strength(),
            word => check_level(word)?,
        }
        // OpenSSL, too, skips whatever is glued to a command.
        let end = self.rest.find(is_separator);
        self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
        Ok(())
    }
}

/// Checks a command `SECLEVEL=n`.
///
/// Levels 0 to 2 ask for no more than what always holds here (level 2: RSA from 2048 bits, no
/// SHA-1 in signatures); that 0 and 1 permit weaker keys is a permission nobody uses. Level 3 and
/// above ask for longer keys in every certificate, which is not checked.
fn check_level(word: &str) -> Result<(), OptionError> {
    match word.strip_prefix("SECLEVEL=") {
        Some("0" | "1" | "2") => Ok(()),
        Some(level @ ("3" | "4" | "5")) => Err(refused(
            "ERR_INVALID_ARG_VALUE",
            format!(
                "@SECLEVEL={level} asks for longer keys than are checked here; \
                 levels 0 to 2 may be given, and what level 2 asks for always holds"
            ),
        )),
        _ => Err(refused(
            "ERR_SSL_INVALID_COMMAND",
            format!("invalid command: @{word}; known are @STRENGTH and @SECLEVEL=0 to @SECLEVEL=5"),
        )),
    }
}

/// The suites of TLS 1.3 that an expression names.
#[derive(Default)]
struct Newer {
    /// What is in, in order; `None` when nothing was said.
    chosen: Option<Vec<u16>>,
}

impl Newer {
    /// Does this to the suite of a name. One that nobody knows changes nothing, but was said.
    fn apply(&mut self, operator: Operator, name: &str) {
        // What is only taken away is taken from all.
        let all = || match operator {
            Operator::Add => Vec::new(),
            _ => TLS13.iter().map(|(id, _)| *id).collect(),
        };
        let chosen = self.chosen.get_or_insert_with(all);
        let Some((id, _)) = TLS13.iter().find(|(_, known)| *known == name) else {
            return;
        };
        let was_in = chosen.contains(id);
        match operator {
            Operator::Add if was_in => {}
            Operator::Add => chosen.push(*id),
            Operator::Delete | Operator::Kill => chosen.retain(|other| other != id),
            Operator::Move if was_in => {
                chosen.retain(|other| other != id);
                chosen.push(*id);
            }
            Operator::Move => {}
        }
    }

    /// The code points, in order.
    fn into_chosen(self) -> Option<Vec<u16>> {
        self.chosen
    }
}

/// What stands between words.
fn is_separator(letter: char) -> bool {
    matches!(letter, ':' | ',' | ';') || letter.is_ascii_whitespace()
}
