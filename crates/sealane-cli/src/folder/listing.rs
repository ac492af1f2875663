//! The page that shows a folder: one self-contained HTML document.
//!
//! Pure: entries in, text out. Every name is escaped for the place where it stands, since a name is
//! whatever somebody once called a file. No script, no font, no image is loaded; the policy sent
//! with the page ([`POLICY`]) forbids them even if an escape were missing.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use time::OffsetDateTime;

use crate::folder::open::Facts;

#[cfg(test)]
mod tests;

/// What the page may load: its one style sheet, known by its digest, and nothing else.
///
/// The digest is that of `STYLE`; a test tells the new one when the style changes.
pub const POLICY: &str = "default-src 'none'; img-src data:; \
    style-src 'sha256-JcQn13b3TUXsGN0csMCyymj9/PNUbZmxqLOoTVO/vhI='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One line of the listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The name of the file or folder.
    pub name: OsString,
    /// What is told of it.
    pub facts: Facts,
}

/// Writes the page of a folder.
///
/// `above` are the names from the root to this folder; `more` says that entries were left out.
pub fn page(above: &[&OsStr], mut lines: Vec<Line>, more: bool) -> String {
    lines.sort_by_cached_key(|line| {
        let name = line.name.to_string_lossy().into_owned();
        (!line.facts.folder, name.to_lowercase(), name)
    });
    let mut out = String::with_capacity(4096 + lines.len() * 256);
    let place: String = above
        .iter()
        .map(|name| format!("/{}", text(name)))
        .collect();
    let title = if place.is_empty() { "/" } else { &place };
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str("<meta name=\"color-scheme\" content=\"light dark\">\n");
    out.push_str("<link rel=\"icon\" href=\"data:,\">\n");
    put(
        &mut out,
        format_args!("<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"),
    );
    path(&mut out, above);
    if lines.is_empty() {
        out.push_str("<p class=\"empty\">This folder is empty.</p>\n");
    }
    let mut shown = 0;
    if !lines.is_empty() || !above.is_empty() {
        shown = table(&mut out, title, !above.is_empty(), &lines);
    }
    let more = more || shown < lines.len();
    put(
        &mut out,
        format_args!(
            "<footer>{}</footer>\n</main>\n</body>\n</html>\n",
            summary(&lines[..shown], more)
        ),
    );
    out
}

/// Encodes a name for use in a URL: letters, digits and the unreserved marks stay (RFC 3986 §2.3).
///
/// A colon is encoded with the rest, so that no name can read as a scheme.
pub fn encoded(name: &OsStr) -> impl std::fmt::Display + '_ {
    percent_encode(name.as_encoded_bytes(), ENCODED)
}

/// Writes the way from the root to this folder, each step a link.
fn path(out: &mut String, above: &[&OsStr]) {
    out.push_str("<nav aria-label=\"Path\"><ol>\n");
    let deep = above.len();
    let step = |out: &mut String, name: &str, up: usize| {
        if up == 0 {
            put(
                out,
                format_args!("<li><h1 aria-current=\"page\">{name}</h1></li>\n"),
            );
        } else {
            put(
                out,
                format_args!("<li><a href=\"{}\">{name}</a></li>\n", "../".repeat(up)),
            );
        }
    };
    step(out, "Home", deep);
    for (at, name) in above.iter().enumerate() {
        step(out, &format!("<bdi>{}</bdi>", text(name)), deep - at - 1);
    }
    out.push_str("</ol></nav>\n");
}

/// Writes the table of entries until it is large enough, and gives how many it holds.
fn table(out: &mut String, title: &str, up: bool, lines: &[Line]) -> usize {
    let begun = out.len();
    put(
        out,
        format_args!("<table>\n<caption>Contents of {title}</caption>\n"),
    );
    out.push_str(
        "<thead><tr><th scope=\"col\">Name</th><th scope=\"col\" class=\"size\">Size</th>",
    );
    out.push_str("<th scope=\"col\" class=\"date\">Changed (UTC)</th></tr></thead>\n<tbody>\n");
    if up {
        out.push_str("<tr class=\"up\"><td><a href=\"../\">Up one folder</a></td>");
        out.push_str("<td class=\"size\"></td><td class=\"date\"></td></tr>\n");
    }
    let mut shown = 0;
    for line in lines {
        if out.len() - begun >= LARGEST {
            break;
        }
        row(out, line);
        shown += 1;
    }
    out.push_str("</tbody>\n</table>\n");
    shown
}

/// Writes one entry.
fn row(out: &mut String, line: &Line) {
    let (class, slash) = if line.facts.folder {
        ("folder", "/")
    } else {
        ("file", "")
    };
    // `./` keeps a name apart from everything else that a reference can begin with.
    put(
        out,
        format_args!(
            "<tr class=\"{class}\"><td><a href=\"./{}{slash}\"><bdi>{}{slash}</bdi></a></td>",
            encoded(&line.name),
            text(&line.name)
        ),
    );
    if line.facts.folder {
        out.push_str("<td class=\"size\"></td>");
    } else {
        let octets = line.facts.size;
        put(
            out,
            format_args!(
                "<td class=\"size\" title=\"{octets} octets\">{}</td>",
                size(octets)
            ),
        );
    }
    let date = date(line.facts.modified).unwrap_or_default();
    put(out, format_args!("<td class=\"date\">{date}</td></tr>\n"));
}

/// When something was changed; nothing for a moment that the calendar does not have.
fn date(modified: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(modified).ok()?;
    let year = u16::try_from(at.year()).ok()?;
    let day = format!("{year:04}-{:02}-{:02}", u8::from(at.month()), at.day());
    let time = format!("{:02}:{:02}", at.hour(), at.minute());
    let second = at.second();
    let machine = format!("{day}T{time}:{second:02}Z");
    Some(format!("<time datetime=\"{machine}\">{day} {time}</time>"))
}

/// Says how much there is.
fn summary(lines: &[Line], more: bool) -> String {
    let folders = lines.iter().filter(|line| line.facts.folder).count();
    let files = lines.len() - folders;
    let octets = lines
        .iter()
        .filter(|line| !line.facts.folder)
        .map(|line| line.facts.size);
    let total = octets.fold(0, u64::saturating_add);
    let plural = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let mut said = format!("{}, {}", plural(folders, "folder"), plural(files, "file"));
    if files > 0 {
        put(&mut said, format_args!(", {}", size(total)));
    }
    if more {
        said.push_str("; there are more, which this page leaves out");
    }
    said
}

/// A size for people: three digits at most, in powers of 1024.
fn size(octets: u64) -> String {
    if octets < 1024 {
        return format!("{octets} B");
    }
    // One decimal is all that is shown, so the loss of precision cannot be seen.
    #[allow(
        clippy::cast_precision_loss,
        reason = "rounded to one decimal right after"
    )]
    let mut amount = octets as f64 / 1024.0;
    let mut unit = "KiB";
    for larger in ["MiB", "GiB", "TiB", "PiB", "EiB"] {
        if amount < 999.95 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    if amount < 99.95 {
        format!("{amount:.1} {unit}")
    } else {
        format!("{amount:.0} {unit}")
    }
}

/// A name as text in the page: escaped, with each control shown as a replacement character.
fn text(name: &OsStr) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    for letter in name.to_string_lossy().chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // The overrides of writing direction among them: a name shall not show as another one.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

/// Appends to a text, which cannot fail.
fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(what);
}

/// How large a table may become before it takes no further entry: 4 MiB, twice what ten thousand
/// names of ordinary length need. Escaped, a long name can take two thousand octets.
const LARGEST: usize = 4 << 20;

/// What is encoded in a URL: all but the unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The look of the page: system fonts, two colour schemes, shapes instead of pictures.
const STYLE: &str = include_str!("listing.css");
