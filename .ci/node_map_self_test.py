"""Proof that node_map.py can fail: one made-up tree, and one change of it per rule."""

import tempfile
from pathlib import Path

import node_map

PAGE = """# Server

## 1 Options

| name | sealane | test or state |
| --- | --- | --- |
| `timeout` | `sealane::Options::timeout` | `sealane/tests/server.rs::c002_it_ends` |
| `agent` | `sealane::run`, `sealane::Kind::Small` | `c.json::1/one`, `sealane/src/target/a.rs::t` |
| `ref` | — | diverges: there is none |
| `tls` | `sealane::Info::suite`, `sealane::Room::door` | open |

## 2 Methods

| name | sealane | test or state |
| --- | --- | --- |
| `timeout` | `http::Request` | diverges: a type of `http` (`sealane/tests/server.rs::beside`) |
| two words | `sealane::Options::SHORTEST`, `sealane::tls::check` | open |
"""
# A tree in which every rule holds, though each is touched.
CLEAN = {
    "Cargo.toml": '[workspace.dependencies]\nhttp = "1"\nsealane-tls = { path = "x" }\n',
    "crates/sealane/Cargo.toml": '[package]\nname = "sealane"\n',
    "crates/sealane-tls/Cargo.toml": '[package]\nname = "sealane-tls"\n',
    "crates/sealane/src/lib.rs": """//! pub fn in_comment() {}
mod a;
pub mod tls { }
pub use a::{Kind, Options as Options, run};
pub use a::*;
pub use sealane_tls::{self, peer::Info};
""",
    "crates/sealane/src/tls.rs": "pub use super::a::check;\n",
    "crates/sealane/src/a.rs": """pub async fn run() { fn inside() {} }
pub fn check() {}
pub enum Kind { Small(u8), #[cfg(x)] Large { size: u8 } }
pub struct Options<T> { time: T, pub octets: u8 }
pub(crate) fn hidden() {}
pub trait Room { fn door(&self); }
impl<F: Fn() -> u8> Options<F> where F: Copy {
    pub const SHORTEST: u8 = 1;
    shared!();
    fn private(self) {}
}
macro_rules! shared { () => { crate::inner!(); }; }
macro_rules! inner { () => { #[must_use] pub fn timeout(self) {} }; }
macro_rules! unused { () => { pub fn limit(self) {} }; }
""",
    "crates/sealane/src/target/a.rs": "#[test]\nfn t() {}\n",
    "fuzz/target/a.rs": "#[test]\nfn c002_built() {}\n",
    "crates/sealane-tls/src/lib.rs": "pub mod peer;\n",
    "crates/sealane-tls/src/peer.rs": "pub struct Info;\nimpl Info { pub fn suite(&self) {} }\n",
    "crates/sealane/tests/server.rs": """#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "x")]
async fn c002_it_ends() {}
#[test]
fn beside() {}
// #[test] fn in_comment() {}
fn no_test() {}
#[test]
#[ignore]
fn asleep() {}
#[test]
fn c003_and_c004() {}
""",
    "c.json": '{"cases": [{"id": "1/one"}, {"id": "excused"}]}',
    "conformance/known.json": '{"certs": {"excused": "why"}}',
    "docs/node-map/rows.txt": """# Names.

1 Options
  timeout
  agent
  ref
  tls

2 Methods
  timeout
  two words
""",
    "docs/node-map/server.md": PAGE,
    "docs/node-map/cases.md": """# Cases

## agent (C001 to C004): done

- C001 diverges: it does not compile

## rest (C005 to C285): open

- C005 diverges: another reason
""",
    "docs/node-map.md": f"# Map\n{node_map.BEGIN}\n{node_map.END}\n",
}
PAGES, TESTS = "docs/node-map/server.md", "crates/sealane/tests/server.rs"
ROWS, CASES = "docs/node-map/rows.txt", "docs/node-map/cases.md"
MORE = "() {}\n#[test]\nfn beside"

# (what is broken, file, old text, new text, what the report must say)
BREAKS = [
    ("row left out", PAGES, "| `ref` | — | diverges: there is none |\n", "", "no row for 'ref'"),
    ("row unknown", ROWS, "  ref\n", "", "rows.txt knows no 'ref' in section '1 Options'"),
    ("row of another section", ROWS, "  two words\n", "", "rows.txt knows no 'two words'"),
    ("row twice", PAGES, "| `tls` |", "| `ref` | — | open |\n| `tls` |", "a second row for 'ref'"),
    ("rows out of order", ROWS, "  agent\n  ref\n", "  ref\n  agent\n", "rows.txt has 'ref'"),
    ("row of two cells", PAGES, "| `ref` | — | ", "| `ref` | ", "a row of 2 cells"),
    ("no state", PAGES, "diverges: there is none", "", "`ref`: no state"),
    ("a state of its own", PAGES, "`sealane::Room::door` | open", "— | soon", "`tls`: no state"),
    ("divergence without why", PAGES, "diverges: there is none", "diverges:", "no state"),
    ("neither item nor dash", PAGES, "`ref` | — ", "`ref` | none ", "or — for none"),
    ("test without item", PAGES, "`sealane::Options::timeout`", "—", "no item that it proves"),
    ("item gone", PAGES, "sealane::run", "sealane::walk", "no such public item: sealane::walk"),
    ("item private", PAGES, "sealane::run", "sealane::hidden", "item: sealane::hidden"),
    ("item nested", PAGES, "sealane::run", "sealane::inside", "item: sealane::inside"),
    ("item in a comment", PAGES, "sealane::run", "sealane::in_comment", "sealane::in_comment"),
    ("method gone", PAGES, "Options::timeout", "Options::limit", "sealane::Options::limit"),
    ("method private", PAGES, "Options::timeout", "Options::private", "Options::private"),
    ("field private", PAGES, "Options::timeout", "Options::time", "item: sealane::Options::time"),
    ("variant gone", PAGES, "Kind::Small", "Kind::Tiny", "item: sealane::Kind::Tiny"),
    ("module gone", PAGES, "tls::check", "net::check", "item: sealane::net::check"),
    ("crate unknown", PAGES, "`http::Request`", "`hyper::Request`", "item: hyper::Request"),
    ("re-exported method gone", PAGES, "Info::suite", "Info::group", "item: sealane::Info::group"),
    ("test gone", TESTS, "fn beside()", "fn besides()", "no such test"),
    ("test ignored", PAGES, "rs::beside", "rs::asleep", "no such test"),
    ("no test attribute", PAGES, "rs::beside", "rs::no_test", "no such test"),
    ("test in a comment", PAGES, "rs::beside", "rs::in_comment", "no such test"),
    ("file gone", PAGES, "tests/server.rs::beside", "tests/x.rs::beside", "no such test"),
    ("case of a suite gone", PAGES, "1/one", "1/two", "no such test"),
    ("case of a suite excused", PAGES, "c.json::1/one", "c.json::excused", "so no proof"),
    ("not a test", PAGES, "`c.json::1/one`", "`cases`", "no state"),
    ("not a test beside one", PAGES, "`sealane/src/target/a.rs::t`", "`x`", "form of a test: x"),
    ("number twice", TESTS, "fn beside", "fn c003_x" + MORE, "more than one test name"),
    ("number and divergence", TESTS, "c003_and_c004", "c003_c001_c004", "C001 diverges, and yet"),
    ("number too large", TESTS, "fn beside", "fn c286_x" + MORE, "no case C286"),
    ("done but not whole", TESTS, "c003_and_c004", "c003_and_d004", "nothing decides C004"),
    ("divergence twice", CASES, "- C005", "- C005 diverges: so\n- C005", "than one divergence"),
    ("divergence elsewhere", CASES, "- C005", "- C006 diverges: so\n- C004", "not in the area"),
    ("divergence without why", CASES, "- C005 diverges: another reason", "- C005", "reads `- C010"),
    ("area without state", CASES, ": open", ": soon", "an area reads"),
    ("areas with a gap", CASES, "(C005 to C285)", "(C005 to C284)", "must cover C001 to C285"),
    ("counts of yesterday", "docs/node-map.md", "| all | 6 |", "| all | 7 |", "not those of today"),
    ("counts without place", "docs/node-map.md", node_map.END, "", "the counts belong between"),
]


def reports(check, change=None):
    """What is said about the clean tree, its counts written, after one change."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in CLEAN.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, "utf-8")
        *broken, _ = check(root, write=True)
        if change is None or broken:
            return broken + list(check(root))[:-1]
        name, old, new = change
        text = (root / name).read_text("utf-8")
        if old not in text:
            return [f"{name} does not hold {old!r}"]
        (root / name).write_text(text.replace(old, new, 1), "utf-8")
        # The counts follow most changes; only the rule about them is about them.
        *broken, _ = check(root, write=name != "docs/node-map.md")
        return broken


def main(check):
    """Runs the check on the clean tree and on each broken one; returns the exit code."""
    failures = 0
    if broken := reports(check):
        failures += 1
        print(f"self-test FAILED: the clean tree: {broken}")
    for what, name, old, new, want in BREAKS:
        broken = reports(check, (name, old, new))
        if not broken or not any(want in line for line in broken):
            failures += 1
            print(f"self-test FAILED: {what}: wanted {want!r}, got {broken}")
    count = len(BREAKS) + 1
    print(f"node-map self-test: {count - failures} of {count} trees as wanted")
    return 1 if failures else 0
