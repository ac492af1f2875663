#!/usr/bin/env python3
"""Checks the arrows of ARCHITECTURE.md: who may know whom.

usage: arrows.py [ROOT]        check the workspace at ROOT (default: the one this file is in)
       arrows.py --self-test   prove on small made-up trees that every rule fires

Rules: the table of crates below; no async runtime and no HTTP stack under the two sans-IO crates;
no clock, environment, file, socket or thread named there; no printing in a library; a module uses
only what lib.rs declares below it; within the facade, client and server never see each other.
Prints one line per broken rule and ends with 1 if there was one.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from rust_source import heads, library_files, line_of

# Crate -> our own crates it may depend on. What is not here is not on the map.
ARROWS = {
    "sealane-proto": set(),
    "sealane-tls": set(),
    "sealane-testkit": set(),
    "sealane": {"sealane-proto", "sealane-tls"},
    "sealane-cli": {"sealane"},
}
TESTKIT = "sealane-testkit"
SANS_IO = ("sealane-proto", "sealane-tls")
# Front ends own the terminal; every other crate is a library and prints nothing.
FRONTS = ("sealane-cli",)
RUNTIMES = {
    "tokio",
    "async-std",
    "smol",
    "mio",
    "hyper",
    "hyper-util",
    "async-io",
    "socket2",
    "polling",
    "io-uring",
}
STD_ROOMS = {"env", "fs", "net", "process", "thread", "os"}
MACHINE = {
    r"\bInstant\s*::\s*now\b": "reads the clock",
    r"\bSystemTime\s*::\s*now\b": "reads the clock",
    r"\bUnixTime\s*::\s*now\b": "reads the clock",
    r"\bthread\s*::\s*(?:sleep|spawn)\b": "names a thread",
    r"\btokio\s*::": "names a runtime",
}
PRINTING = r"\b(?:print|println|eprint|eprintln|dbg)\s*!"
# Mirror rooms of the facade: both stand on driver and transport, neither on the other.
MIRRORS = {"client": "server", "server": "client"}


def metadata(root):
    """What cargo says about the workspace, from the lock file alone when there is one."""
    command = ["cargo", "metadata", "--format-version", "1"]
    if (root / "Cargo.lock").exists():
        command.append("--locked")
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"arrows: cargo metadata failed:\n{done.stderr}")
    return json.loads(done.stdout)


def check_crates(meta):
    """Direct arrows between our crates, by the table above."""
    for package in members(meta):
        name = package["name"]
        if name not in ARROWS:
            yield f"{name}: no place on the map: add it to ARCHITECTURE.md and to .ci/arrows.py"
            continue
        for dependency in package["dependencies"]:
            to, kind = dependency["name"], dependency["kind"]
            if to not in ARROWS or to in ARROWS[name]:
                continue
            if to == TESTKIT and kind == "dev" and name != TESTKIT:
                continue
            yield f"{name}: must not depend on {to} ({kind or 'normal'} dependency)"


def check_runtimes(meta):
    """No runtime anywhere below a sans-IO crate; dev-dependencies do not count."""
    names = {p["id"]: p["name"] for p in meta["packages"]}
    nodes = {n["id"]: n for n in meta["resolve"]["nodes"]}
    for package in members(meta):
        if package["name"] not in SANS_IO:
            continue
        seen, todo = {package["id"]: package["name"]}, [package["id"]]
        while todo:
            here = todo.pop()
            for dependency in nodes[here]["deps"]:
                to = dependency["pkg"]
                if to in seen or all(kind["kind"] == "dev" for kind in dependency["dep_kinds"]):
                    continue
                seen[to] = f"{seen[here]} -> {names[to]}"
                todo.append(to)
                if names[to] in RUNTIMES:
                    yield f"{package['name']}: reaches a runtime: {seen[to]}"


def members(meta):
    """The packages of the workspace itself."""
    return [p for p in meta["packages"] if p["id"] in meta["workspace_members"]]


def check_sources(meta, root):
    """Everything that is read from the source files of each crate."""
    for package in members(meta):
        src = Path(package["manifest_path"]).parent / "src"
        if not (src / "lib.rs").exists():
            continue
        files = library_files(src)
        order, exported = root_of(files[0])
        for file in files:
            place = file.path.relative_to(root)
            if package["name"] in SANS_IO:
                yield from (f"{place}:{text}" for text in machine_names(file))
            if package["name"] not in FRONTS:
                yield from (f"{place}:{text}" for text in printing(file))
            if file.module:
                yield from (f"{place}:{text}" for text in module_arrows(file, order, exported))


def root_of(lib):
    """Modules of a crate in declared order, and the module that each re-exported name is from."""
    order = re.findall(
        r"^\s*(?:pub(?:\s*\([^)]*\))?\s+)?mod\s+(\w+)\s*[;{]", lib.code, re.MULTILINE
    )
    exported = {}
    for tree in re.findall(r"\buse\s+([^;]+);", lib.code):
        path = re.sub(r"^\s*(?:crate|self)\s*::\s*", "", tree)
        found = re.match(r"(\w+)\s*::", path)
        if found and found.group(1) in order:
            exported.update((name, found.group(1)) for name in last_names(path))
    return order, exported


def last_names(tree):
    """The names that a use tree brings in: the last word of each leaf, or its alias."""
    for leaf in re.split(r"[,{}]", tree):
        words = re.findall(r"\w+", leaf)
        if words and not leaf.rstrip().endswith("::"):
            yield words[-1]


def machine_names(file):
    """Clock, environment, files, sockets, threads and runtimes named in a sans-IO crate."""
    for pattern, what in MACHINE.items():
        for found in re.finditer(pattern, file.code):
            yield f"{line_of(file.code, found.start())}: sans-IO code {what}: {found.group()}"
    for line, name in heads(file.code, "std"):
        if name in STD_ROOMS:
            hint = "; addresses are in core::net" if name == "net" else ""
            yield f"{line}: sans-IO code names std::{name}{hint}"


def printing(file):
    """Print macros in a library."""
    for found in re.finditer(PRINTING, file.code):
        yield f"{line_of(file.code, found.start())}: a library prints nothing: {found.group()}"


def module_arrows(file, order, exported):
    """References from one module to another that lib.rs does not allow."""
    own = file.module[0]
    if own not in order:
        return
    for line, name in root_references(file):
        target = name if name in order else exported.get(name)
        if target is None or target == own:
            continue
        named = target if target == name else f"{target} (through {name})"
        if MIRRORS.get(own) == target:
            yield f"{line}: {own} must not see {named}: both stand on what lies below them"
        elif order.index(target) < order.index(own):
            yield f"{line}: {own} must not use {named}: lib.rs declares it above {own}"


def root_references(file):
    """(line, name) for each name taken from the crate root, by `crate::` or by `super::`."""
    yield from heads(file.code, "crate")
    climb = r"\s*::\s*".join(["super"] * len(file.module))
    yield from heads(file.code, climb)


def check(root):
    """All broken rules of the workspace at `root`."""
    meta = metadata(root)
    yield from check_crates(meta)
    yield from check_runtimes(meta)
    yield from check_sources(meta, root)


def main(arguments):
    """Entry point; returns the exit code."""
    if arguments == ["--self-test"]:
        import arrows_self_test

        return arrows_self_test.main(check)
    if len(arguments) > 1 or any(a.startswith("-") for a in arguments):
        sys.exit(__doc__)
    root = Path(arguments[0] if arguments else Path(__file__).parent.parent).resolve()
    broken = list(check(root))
    for line in broken:
        print(line)
    print(f"arrows: {len(broken)} broken" if broken else "arrows: all point down")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
