//! The block of text that a server prints at its start: where it is, what to trust, what to try.
//!
//! Pure: facts in, text out. The `curl` line is ready to be copied; the first line with `https://`
//! is the address, also for programs.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use time::Date;

use crate::credentials::Facts;
use crate::dev_ca::Origin;
use crate::terminal::{shell_quote, visible};

#[cfg(test)]
mod tests;

/// What is told at the start.
#[derive(Debug)]
pub struct Banner<'a> {
    /// What is served, in words.
    pub what: &'a str,
    /// The URLs, the best one first.
    pub urls: &'a [String],
    /// Unix sockets at which it can be reached, too.
    pub paths: &'a [PathBuf],
    /// Why a client should believe the server.
    pub trust: &'a Trust,
}

/// Why a client should believe the server.
#[derive(Debug)]
pub enum Trust {
    /// Certificates of the user's own.
    Own(Vec<Facts>),
    /// A certificate of the local authority.
    Local {
        /// The root certificate's file.
        root: PathBuf,
        /// The root's name, as trust stores show it.
        name: String,
        /// Whether the root is new.
        origin: Origin,
        /// The root's last day.
        ends: Date,
    },
}

impl Banner<'_> {
    /// Writes the block.
    pub fn text(&self) -> String {
        let mut out = format!("{}\n", visible(self.what));
        for url in self.urls {
            put(&mut out, format_args!("  {}\n", visible(url)));
        }
        for path in self.paths {
            put(
                &mut out,
                format_args!("  Unix socket {}\n", shell_quote(path)),
            );
        }
        out.push('\n');
        match self.trust {
            Trust::Own(all) => self.own(&mut out, all),
            Trust::Local {
                root,
                name,
                origin,
                ends,
            } => self.local(&mut out, root, name, *origin, *ends),
        }
        out.push_str("\nCtrl-C ends the server.\n");
        out
    }

    /// Writes what certificates of the user's own are for.
    fn own(&self, out: &mut String, all: &[Facts]) {
        for facts in all {
            put(
                out,
                format_args!("Certificate {}\n", shell_quote(&facts.file)),
            );
            if !facts.names.is_empty() {
                put(
                    out,
                    format_args!("  for {}\n", visible(&facts.names.join(", "))),
                );
            }
            if let Some(ends) = facts.ends {
                put(out, format_args!("  until {}\n", ends.date()));
            }
        }
        let names: Vec<_> = all.iter().flat_map(|facts| facts.names.clone()).collect();
        if let Some(url) = self.urls.first() {
            let line = curl(url, &names);
            put(out, format_args!("\nTry it:\n  curl {}\n", visible(&line)));
        } else if let Some(path) = self.paths.first() {
            let name = names.iter().find(|name| is_plain(name));
            let name = name.map_or("localhost", String::as_str);
            let path = shell_quote(path);
            put(
                out,
                format_args!("\nTry it:\n  curl --unix-socket {path} https://{name}/\n"),
            );
        }
    }

    /// Writes what to trust when the certificate is the local authority's.
    fn local(&self, out: &mut String, root: &Path, name: &str, origin: Origin, ends: Date) {
        let root = shell_quote(root);
        put(
            out,
            format_args!(
                "Trust this root certificate, \"{}\":\n  {root}\n",
                visible(name)
            ),
        );
        match origin {
            Origin::Found => put(out, format_args!("  It ends on {ends}.\n")),
            Origin::Made => put(out, format_args!("  It was made now and ends on {ends}.\n")),
            Origin::Renewed(day) => put(
                out,
                format_args!(
                    "  It was made now, because the one before had ended on {day}: trust it anew.\n"
                ),
            ),
        }
        out.push_str(PROMISE);
        let name = shell_quote(Path::new(name));
        put(out, format_args!("{WAYS}{CHROMIUM}{name}\n{FIREFOX}"));
        if let Some(url) = self.urls.first() {
            put(
                out,
                format_args!("\nTry it:\n  curl --cacert {root} {}\n", visible(url)),
            );
        } else if let Some(path) = self.paths.first() {
            let path = shell_quote(path);
            put(
                out,
                format_args!(
                    "\nTry it:\n  curl --cacert {root} --unix-socket {path} https://localhost/\n"
                ),
            );
        }
    }
}

/// What curl needs to reach a server with a certificate of the user's own.
///
/// On loopback a certificate for another name is reached by that name, which has to be told where
/// the server is.
fn curl(url: &str, names: &[String]) -> String {
    let asked = url.parse::<http::Uri>().ok();
    let host = asked.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let bare = host.trim_matches(['[', ']']);
    let port = asked.as_ref().and_then(http::Uri::port_u16);
    let address = match bare {
        "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        _ => bare.parse().ok().filter(IpAddr::is_loopback),
    };
    match (address, names.iter().find(|name| is_plain(name))) {
        (Some(address), Some(name)) if !names.iter().any(|known| known == bare) => {
            let url = url.replacen(host, name, 1);
            let port = port.unwrap_or(443);
            match address {
                IpAddr::V4(address) => format!("--resolve {name}:{port}:{address} {url}"),
                IpAddr::V6(address) => format!("--resolve '{name}:{port}:[{address}]' {url}"),
            }
        }
        // A certificate can name anything, and a shell is going to read this.
        _ if asked.is_none() || url.contains(['\'', '$', '`', '(', ')', ';', '&', '|']) => {
            shell_quote(Path::new(url))
        }
        _ => url.to_owned(),
    }
}

/// Whether a name of a certificate is a host's that can stand in a command.
fn is_plain(name: &str) -> bool {
    let letters = |octet: u8| octet.is_ascii_alphanumeric() || b"-._".contains(&octet);
    name.bytes().all(letters) && name.parse::<IpAddr>().is_err()
}

/// Appends to a text, which cannot fail.
fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(what);
}

/// Why trusting the root is no great risk.
const PROMISE: &str =
    "  Its key was thrown away when it was made. All that it ever signed can vouch only for
  localhost and the loopback addresses of a machine.
";

/// How to trust a certificate, system by system.
const WAYS: &str = "
How (FILE is the path above):
  curl             --cacert FILE, as below
  Debian, Ubuntu   sudo cp FILE /usr/local/share/ca-certificates/sealane.crt
                   sudo update-ca-certificates
  Fedora, Arch     sudo trust anchor FILE
  macOS            security add-trusted-cert -k ~/Library/Keychains/login.keychain-db FILE
  Windows          certutil -user -addstore Root FILE
";

/// How to trust it in Chromium; the root's own name follows, since two roots under one nickname
/// shadow each other. The database is missing until a browser has run.
const CHROMIUM: &str = "  Chromium, Linux  (certutil is in libnss3-tools)
                   mkdir -p $HOME/.pki/nssdb &&
                   certutil -d sql:$HOME/.pki/nssdb -A -t C,, -i FILE -n \\
                   ";

/// How to trust it in Firefox.
const FIREFOX: &str =
    "  Firefox          Settings, Certificates, View Certificates, Authorities, Import
";
