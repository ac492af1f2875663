"""Rust source as the checks read it: comments, literals and test code blanked, lines kept.

Not a parser. It knows just enough of the language to tell code from text and to follow the first
name of a path, which is all that arrows.py and house.py ask for.
"""

import re
from pathlib import Path

LITERAL = re.compile(
    r"""(?<!\w)(?:br|cr|r)(?P<hashes>\#*)".*?"(?P=hashes)
      | (?<!\w)[bc]?"(?:\\.|[^"\\])*"
      | (?<!\w)b?'(?:\\(?:u\{[^}]*\}|x[0-9a-fA-F]{2}|.)|[^\\'\n])'
      | //[^\n]*""",
    re.VERBOSE | re.DOTALL,
)
TEST_ATTRIBUTE = re.compile(r"#\s*\[\s*cfg\s*\(\s*(?:all\s*\(\s*)?test\b")
TEST_FILES = ("tests", "benches")


def blanked(text):
    """The same text with every octet of comments and literals turned into a space."""
    out, at = [], 0
    while at < len(text):
        if text.startswith("/*", at):
            end = end_of_block_comment(text, at)
        elif text[at] in "/\"'bcr" and (found := LITERAL.match(text, at)):
            end = found.end()
        else:
            out.append(text[at])
            at += 1
            continue
        out.append(re.sub(r"[^\n]", " ", text[at:end]))
        at = end
    return "".join(out)


def end_of_block_comment(text, start):
    """Block comments nest in Rust."""
    depth, at = 0, start
    for mark in re.finditer(r"/\*|\*/", text[start:]):
        depth += 1 if mark.group() == "/*" else -1
        at = start + mark.end()
        if depth == 0:
            return at
    return len(text)


def closing(code, opening):
    """Index just past the bracket that closes the one at `opening`, in blanked code."""
    depth = 0
    for at in range(opening, len(code)):
        if code[at] in "{[(":
            depth += 1
        elif code[at] in "}])":
            depth -= 1
            if depth == 0:
                return at + 1
    return len(code)


def without_tests(code):
    """Blanks every item under #[cfg(test)]; returns the code and the test modules it names."""
    names, at = set(), 0
    while found := TEST_ATTRIBUTE.search(code, at):
        body = closing(code, code.index("[", found.start()))
        while more := re.compile(r"\s*#\s*\[").match(code, body):
            body = closing(code, more.end() - 1)
        stop = re.compile(r"[;{]").search(code, body)
        end = len(code) if stop is None else stop.end()
        if stop is not None and stop.group() == "{":
            end = closing(code, stop.start())
        elif module := re.match(r"\s*(?:pub\s*(?:\([^)]*\))?\s*)?mod\s+(\w+)", code[body:end]):
            names.add(module.group(1))
        code = code[: found.start()] + re.sub(r"[^\n]", " ", code[found.start() : end]) + code[end:]
        at = end
    return code, names


def heads(code, root):
    """(line, name) for each first name after `root::`, groups in braces opened one level."""
    for found in re.finditer(rf"(?<![\w:$]){root}\s*::\s*(\{{|\w+)", code):
        if found.group(1) != "{":
            yield line_of(code, found.start(1)), found.group(1)
            continue
        inside = code[found.start(1) + 1 : closing(code, found.start(1)) - 1]
        for offset, part in split_list(inside):
            if name := re.match(r"\s*(\w+)", part):
                yield line_of(code, found.start(1) + 1 + offset + name.start(1)), name.group(1)


def split_list(text):
    """(offset, piece) of a comma list, commas inside brackets left alone."""
    depth, start = 0, 0
    for at, octet in enumerate(text):
        depth += (octet in "{[(") - (octet in "}])")
        if octet == "," and depth == 0:
            yield start, text[start:at]
            start = at + 1
    yield start, text[start:]


def line_of(code, at):
    """The line, counted from 1, on which index `at` stands."""
    return code.count("\n", 0, at) + 1


class File:
    """One source file: where it stands in its crate, and its code with and without tests."""

    def __init__(self, src, path):
        """`src` is the crate's src folder."""
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.code, self.test_modules = without_tests(blanked(self.text))
        parts = list(path.relative_to(src).with_suffix("").parts)
        self.module = parts[:-1] if parts[-1] in ("mod", "lib", "main") else parts


def library_files(src):
    """All files of a library that are not tests, lib.rs first."""
    files = [File(src, path) for path in sorted(Path(src).rglob("*.rs"))]
    tests = {tuple(f.module + [name]) for f in files for name in f.test_modules}

    def is_test(module):
        inside = any(tuple(module[:n]) in tests for n in range(1, len(module) + 1))
        return inside or any(part in TEST_FILES for part in module)

    files = [f for f in files if not is_test(f.module) and "bin" not in f.module]
    return sorted(files, key=lambda f: f.path.name != "lib.rs")
