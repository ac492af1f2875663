#!/usr/bin/env python3
"""Checks the habits of CONTRIBUTING.md that no compiler lint covers.

usage: house.py [ROOT]        check the tree at ROOT (default: the one this file is in)
       house.py --self-test   prove on made-up files that every rule fires

Rules: files within their budget and 100 columns; `//!` opens every file; names that say nothing and
the `get_` prefix stay out; unit tests live in a file of their own; no bare unwrap outside tests;
every crate takes the workspace's lints; relative links in the documents lead somewhere, and the map
in ARCHITECTURE.md names nothing that is not there.
"""

import re
import sys
import tempfile
import tomllib
from pathlib import Path

from rust_source import blanked, line_of, without_tests

FILE_BUDGET = 600
EXAMPLE_BUDGET = 60
COLUMNS = 100
EMPTY_NAMES = {"util", "common", "misc", "helper", "manager", "data"}
EMPTY_NAMES |= {name + "s" for name in EMPTY_NAMES}
TEST_PARTS = {"tests", "benches"}
# These exist for tests alone: a broken promise there is a failed test.
TEST_CRATES = {"sealane-testkit", "fuzz"}
SOURCE_ROOTS = ("crates", "examples", "fuzz")
# Folders that hold no text of ours.
SKIPPED = {"target", ".git", "corpus", "artifacts", "node_modules"}
MAP = "ARCHITECTURE.md"
# A row of a table in a doc comment cannot be wrapped.
TABLE_ROW = re.compile(r"\s*//[/!] \|")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def files_of(root, suffix):
    """Files below `root` with this suffix, in a stable order, built and stored things left out."""
    for path in sorted(root.rglob("*" + suffix)):
        parts = path.relative_to(root).parts
        # Below `src` every name is ours, `client/target` too.
        above = parts[: parts.index("src")] if "src" in parts else parts
        if not SKIPPED & set(above):
            yield path


def check(root):
    """All broken rules of the tree at `root`."""
    for top in SOURCE_ROOTS:
        sources = {path: path.read_text("utf-8") for path in files_of(root / top, ".rs")}
        tests = test_modules(sources)
        for path, text in sources.items():
            place = path.relative_to(root)
            is_test = bool(tests & {path, *path.parents} or TEST_PARTS & {*place.parts, place.stem})
            yield from (f"{place}:{line}" for line in check_source(place, text, is_test))
    for path in files_of(root / "crates", "Cargo.toml"):
        if tomllib.loads(path.read_text("utf-8")).get("lints") != {"workspace": True}:
            yield f"{path.relative_to(root)}: does not take the workspace's lints"
    for path in files_of(root, ".md"):
        yield from check_links(root, path)
    if (root / MAP).exists():
        yield from check_map(root, (root / MAP).read_text("utf-8"))


def test_modules(sources):
    """Files and folders of the modules that are declared under #[cfg(test)]."""
    found = set()
    for path, text in sources.items():
        inner = path.parent if path.stem in ("lib", "main", "mod") else path.with_suffix("")
        for name in without_tests(blanked(text))[1]:
            found |= {inner / name, inner / f"{name}.rs"}
    return found


def check_source(place, text, is_test):
    """The rules for one Rust file; each line starts with a line number."""
    lines = text.splitlines()
    whole = blanked(text)
    code, _ = without_tests(whole)
    is_example = "examples" in place.parts
    budget = EXAMPLE_BUDGET if is_example else FILE_BUDGET
    if not is_test and len(lines) > budget:
        yield f"{len(lines)}: {len(lines)} lines, the budget is {budget}"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS and not TABLE_ROW.match(line):
            yield f"{number}: {len(line)} columns, the limit is {COLUMNS}"
    if not text.startswith("//!"):
        yield "1: `//!` must open the file: what it is, what it is not, which RFC sections"
    if empty := EMPTY_NAMES & {place.stem, *place.parts[:-1]}:
        yield f"1: a name that says nothing: {', '.join(sorted(empty))}"
    for found in re.finditer(r"\bmod\s+(\w+)\s*\{", whole):
        if found.group(1) in EMPTY_NAMES:
            yield f"{line_of(whole, found.start())}: a name that says nothing: {found.group(1)}"
        elif found.group(1) in ("test", "tests"):
            yield f"{line_of(whole, found.start())}: unit tests belong in {place.stem}/tests.rs"
    for found in re.finditer(r"\bfn\s+get_\w*", code):
        yield f"{line_of(code, found.start())}: no `get_` prefix: {found.group()}"
    if not is_test and not is_example and not TEST_CRATES & set(place.parts):
        for found in re.finditer(r"\.\s*unwrap\s*\(\s*\)", code):
            yield f"{line_of(code, found.start())}: unwrap outside tests"


def check_links(root, path):
    """Relative links of one document; anchors and other hosts are not followed."""
    text = re.sub(
        r"```.*?```",
        lambda m: re.sub(r"[^\n]", " ", m.group()),
        path.read_text("utf-8"),
        flags=re.DOTALL,
    )
    for found in LINK.finditer(text):
        target = found.group(1).split("#")[0]
        if target and ":" not in target and not (path.parent / target).exists():
            place = f"{path.relative_to(root)}:{line_of(text, found.start())}"
            yield f"{place}: link to nothing: {target}"


def check_map(root, text):
    """The first fenced block of the map: a folder at the margin, two columns in what it holds."""
    before, _, block = text.partition("```text\n")
    base = root
    for number, line in enumerate(block.partition("```")[0].splitlines(), before.count("\n") + 2):
        if not (word := re.match(r"( {2})?([\w.{]\S*)", line)):
            continue
        if not word.group(1):
            base = root / word.group(2)
        names = alternatives(word.group(2)) if word.group(1) else [""]
        for path in (base / name for name in names):
            if not path.exists():
                yield f"{MAP}:{number}: the map names what is not there: {path.relative_to(root)}"


def alternatives(name):
    """`body/{length,chunked}.rs` names two files."""
    before, _, rest = name.partition("{")
    inside, _, after = rest.partition("}")
    return [before + one + after for one in inside.split(",")]


# Touches every rule without breaking it.
CLEAN = (
    """//! What it is.
// util::get_x().unwrap()
/// | a row | """
    + "x" * 100
    + """ |
fn f() { x.expect("why"); let s = ".unwrap()"; }
#[cfg(test)]
mod tests;
"""
)
MAPPED = """# Map
```text
crates/a/src/
  {a,b}.rs     two files
               and a second line of text about them
crates/a/      the crate
```
"""
# (file, text, what the report must say); each text breaks one rule.
BREAKS = [
    ("crates/a/src/long.rs", "//! x\n" * 601, "601 lines, the budget is 600"),
    ("crates/a/examples/long.rs", "//! x\n" * 61, "61 lines, the budget is 60"),
    ("crates/a/src/wide.rs", "//! " + "x" * 97 + "\n", "101 columns"),
    ("crates/a/src/bare.rs", "fn f() {}\n", "must open the file"),
    ("crates/a/src/utils/x.rs", CLEAN, "says nothing: utils"),
    ("crates/a/src/helper.rs", CLEAN, "says nothing: helper"),
    ("crates/a/src/a.rs", "//! x\nmod misc {}\n", "says nothing: misc"),
    ("crates/a/src/a.rs", "//! x\n#[cfg(test)]\nmod tests { }\n", "belong in a/tests.rs"),
    ("crates/a/src/a.rs", "//! x\nfn get_x() {}\n", "no `get_` prefix"),
    ("crates/a/src/a.rs", "//! x\nfn f() { x\n.unwrap() }\n", "unwrap outside tests"),
    ("crates/b/Cargo.toml", '[package]\nname = "b"\n', "workspace's lints"),
    ("ARCHITECTURE.md", MAPPED.replace("b}.rs", "gone}.rs"), "not there: crates/a/src/gone.rs"),
    ("ARCHITECTURE.md", MAPPED.replace("crates/a/ ", "crates/z/ "), "not there: crates/z"),
    ("docs/x.md", "[a](#a) [b](https://b) [gone](../gone.md)\n", "link to nothing: ../gone.md"),
]


def self_test():
    """Runs the check on a clean tree and on one broken tree per rule; returns the exit code."""
    failures = 0
    for path, text, want in [("crates/a/src/a.rs", CLEAN, None), *BREAKS]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            files = {
                "ARCHITECTURE.md": MAPPED,
                "crates/a/src/a.rs": CLEAN,
                "crates/a/src/b.rs": CLEAN + "#[cfg(test)]\nmod pair;\n",
                "crates/a/src/b/pair.rs": "//! x\nfn f() { x.unwrap() }\n",
                "crates/a/Cargo.toml": "[lints]\nworkspace = true\n",
                "crates/a/src/a/tests.rs": "//! x\n" * 700 + "fn f() { x.unwrap() }\n",
                path: text,
            }
            for name, content in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(content, "utf-8")
            broken = list(check(root))
        if broken if want is None else len(broken) != 1 or want not in broken[0]:
            failures += 1
            print(f"self-test FAILED: {path}: wanted {want!r}, got {broken}")
    print(f"house self-test: {len(BREAKS) + 1 - failures} of {len(BREAKS) + 1} trees as wanted")
    return 1 if failures else 0


def main(arguments):
    """Entry point; returns the exit code."""
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) > 1 or any(a.startswith("-") for a in arguments):
        sys.exit(__doc__)
    root = Path(arguments[0] if arguments else Path(__file__).parent.parent).resolve()
    broken = list(check(root))
    for line in broken:
        print(line)
    print(f"house: {len(broken)} broken" if broken else "house: in order")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
