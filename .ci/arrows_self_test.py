"""Proof that arrows.py can fail: one made-up workspace, and one change of it per rule."""

import tempfile
from pathlib import Path

CRATES = {
    "sealane-proto": [],
    "sealane-tls": [],
    "sealane-testkit": [],
    "sealane": ["sealane-proto", "sealane-tls"],
    "sealane-cli": ["sealane"],
}

# A tree in which every rule holds, though each is touched: names in comments, literals and tests.
CLEAN = {
    "crates/sealane-proto/src/lib.rs": """//! std::fs and Instant::now in a comment.
pub mod connection;
mod limits;
pub use limits::Limits;
""",
    "crates/sealane-proto/src/connection.rs": r"""//! Uses what lies below.
use crate::{Limits, limits};
use std::{collections::HashMap, time::Duration};
/* std::env /* nested */ println!("x") */
const TEXT: &str = r#"std::env::var("x") println!("#;
fn quote(c: char) -> bool { c == '"' || c == '\'' }
#[cfg(test)]
use std::fs;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod more { fn f() { std::thread::sleep(x); println!("{}", crate::connection::x()); } }
""",
    "crates/sealane-proto/src/connection/tests.rs": "use crate::x;\nfn f() { println!(); }\n",
    "crates/sealane-proto/src/limits.rs": "//! Lowest.\npub struct Limits;\n",
    "crates/sealane-proto/tests/whole.rs": "fn f() { let now = std::time::Instant::now(); }\n",
    "crates/sealane/src/lib.rs": "pub mod client;\npub mod server;\nmod driver;\n",
    "crates/sealane/src/client/mod.rs": "use crate::driver;\n",
    "crates/sealane/src/server/mod.rs": "use super::driver;\nmod accept;\n",
    "crates/sealane/src/server/accept.rs": "use super::super::driver;\nuse std::time::Instant;\n",
    "crates/sealane/src/driver.rs": "fn now() { let _ = std::time::Instant::now(); }\n",
    "crates/sealane-cli/src/lib.rs": "fn f() { println!(); }\n",
}

PROTO, TLS, FACADE = "crates/sealane-proto/", "crates/sealane-tls/", "crates/sealane/"

# (what is broken, file, text appended to it, what the report must say)
BREAKS = [
    (
        "proto on tls",
        PROTO + "Cargo.toml",
        'sealane-tls = { path = "../sealane-tls" }',
        "sealane-proto: must not depend on sealane-tls",
    ),
    (
        "proto on testkit",
        PROTO + "Cargo.toml",
        'sealane-testkit = { path = "../sealane-testkit" }',
        "must not depend on sealane-testkit (normal",
    ),
    (
        "testkit on ours",
        "crates/sealane-testkit/Cargo.toml",
        '[dev-dependencies]\nsealane-tls = { path = "../sealane-tls" }',
        "sealane-testkit: must not depend on sealane-tls",
    ),
    (
        "front on a lower crate",
        "crates/sealane-cli/Cargo.toml",
        'sealane-tls = { path = "../sealane-tls" }',
        "sealane-cli: must not depend on sealane-tls",
    ),
    (
        "runtime",
        TLS + "Cargo.toml",
        'tokio = { path = "../../foreign/tokio" }',
        "reaches a runtime: sealane-tls -> tokio",
    ),
    (
        "runtime, through another",
        TLS + "Cargo.toml",
        'wrapper = { path = "../../foreign/wrapper" }',
        "sealane-tls -> wrapper -> tokio",
    ),
    (
        "clock",
        PROTO + "src/limits.rs",
        "fn f() { Instant::now(); }",
        "limits.rs:3: sans-IO code reads the clock",
    ),
    (
        "wall clock",
        TLS + "src/lib.rs",
        "use std::time; fn f() { time::SystemTime::now(); }",
        "reads the clock",
    ),
    ("environment", TLS + "src/lib.rs", "use std::env;", "names std::env"),
    (
        "files, in a group",
        TLS + "src/lib.rs",
        "use std::{collections::{BTreeMap, HashMap}, fs::File};",
        "names std::fs",
    ),
    ("sockets", PROTO + "src/lib.rs", "use std::net::TcpStream;", "names std::net"),
    ("sleep", PROTO + "src/lib.rs", "use std::thread;", "names std::thread"),
    (
        "printing",
        FACADE + "src/driver.rs",
        'fn f() { eprintln!("x"); }',
        "a library prints nothing: eprintln!",
    ),
    (
        "upward",
        PROTO + "src/limits.rs",
        "use crate::connection::x;",
        "limits must not use connection",
    ),
    (
        "upward, by super",
        PROTO + "src/limits.rs",
        "use super::connection;",
        "limits must not use connection",
    ),
    (
        "upward, in a group",
        FACADE + "src/driver.rs",
        "use crate::{driver, server::x};",
        "driver must not use server",
    ),
    (
        "upward, in an expression",
        FACADE + "src/driver.rs",
        "fn f() { crate::client::x() }",
        "driver must not use client",
    ),
    (
        "upward, by a re-export",
        PROTO + "src/lib.rs",
        "mod last;\npub use connection::{half::Half as Side, quote};",
        "last must not use connection (through Side)",
    ),
    (
        "server on client",
        FACADE + "src/server/accept.rs",
        "use crate::client::x;",
        "server must not see client",
    ),
    (
        "client on server",
        FACADE + "src/client/mod.rs",
        "use super::server;",
        "client must not see server",
    ),
    (
        "a crate off the map",
        "crates/sealane-util/Cargo.toml",
        '[package]\nname = "sealane-util"\nedition = "2024"\n',
        "sealane-util: no place on the map",
    ),
]


def build(root):
    """Writes the clean tree."""
    workspace = '[workspace]\nresolver = "3"\nmembers = ["crates/*"]\nexclude = ["foreign"]\n'
    files = {"Cargo.toml": workspace, **CLEAN}
    for name, below in CRATES.items():
        lines = [f'{b} = {{ path = "../{b}" }}' for b in below]
        files[f"crates/{name}/Cargo.toml"] = manifest(name, lines)
        files.setdefault(f"crates/{name}/src/lib.rs", "")
    files["foreign/tokio/Cargo.toml"] = manifest("tokio", [])
    files["foreign/wrapper/Cargo.toml"] = manifest("wrapper", ['tokio = { path = "../tokio" }'])
    files["foreign/tokio/src/lib.rs"] = files["foreign/wrapper/src/lib.rs"] = ""
    files["crates/sealane-proto/src/last.rs"] = "use crate::Side;\n"
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def manifest(name, dependencies):
    """A manifest whose last table is the dependencies, so that a break can be appended."""
    head = f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\n'
    return head + "[dependencies]\n" + "\n".join(dependencies) + "\n"


def main(check):
    """Runs `check` on the clean tree and on each broken one; returns the exit code."""
    failures = []
    if broken := report(check, None, ""):
        failures.append(f"clean tree: {broken}")
    for what, path, text, want in BREAKS:
        broken = report(check, path, text)
        if len(broken) != 1 or want not in broken[0]:
            failures.append(f"{what}: wanted one line with {want!r}, got {broken}")
    for line in failures:
        print(f"self-test FAILED: {line}")
    trees = len(BREAKS) + 1
    print(f"arrows self-test: {trees - len(failures)} of {trees} trees as wanted")
    return 1 if failures else 0


def report(check, path, text):
    """What `check` says about a fresh tree with `text` added to the file at `path`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        build(root)
        if path is not None:
            file = root / path
            if not file.exists():
                (file.parent / "src").mkdir(parents=True)
                (file.parent / "src/lib.rs").touch()
            with file.open("a", encoding="utf-8") as out:
                out.write(text + "\n")
        return list(check(root))
