"""Which public items and which tests Rust sources have, as node_map.py asks.

Not a compiler: items are found by name, methods by the last word of the type they are implemented
for, within one crate. Of macros, those are seen that stand in an `impl` and spell its methods out.
Comments, literals and test code are blanked by rust_source.py.
"""

import re
import tomllib

from rust_source import blanked, closing, library_files, split_list

KINDS = "struct|enum|union|trait|type|fn|const|static"
DEFINITION = rf"\bpub\s+(?:(?:const|async|unsafe)\s+)*(?:{KINDS})"
MODULE = r"\bpub\s+mod"
TEST = re.compile(
    r"(?P<attributes>(?:#\s*\[[^\]]*\]\s*)+)(?:pub\s+)?(?:async\s+)?fn\s+(?P<name>\w+)"
)
IS_TEST = re.compile(r"#\s*\[\s*(?:\w+\s*::\s*)*test\b")
# How deep a macro may call others before it spells its methods out.
NESTED_MACROS = 3
IS_IGNORED = re.compile(r"#\s*\[\s*ignore\b")


def tests_of(text):
    """Names of the tests in one source file; one that is ignored proves nothing and is left out."""
    for found in TEST.finditer(blanked(text)):
        attributes = found["attributes"]
        if IS_TEST.search(attributes) and not IS_IGNORED.search(attributes):
            yield found["name"]


class Workspace:
    """The libraries under crates/, and the names of the crates that they depend on."""

    def __init__(self, root):
        self.crates = {}
        for manifest in sorted((root / "crates").glob("*/Cargo.toml")):
            src = manifest.parent / "src"
            if (src / "lib.rs").exists():
                name = tomllib.loads(manifest.read_text("utf-8"))["package"]["name"]
                self.crates[name.replace("-", "_")] = src
        manifest = tomllib.loads((root / "Cargo.toml").read_text("utf-8"))
        named = manifest.get("workspace", {}).get("dependencies", {})
        self.foreign = {name.replace("-", "_") for name in named} - self.crates.keys()
        self.read = {}

    def has(self, path):
        """Whether `crate::module::Type::member` is a public item; foreign ones are believed."""
        crate, *rest = path.split("::")
        if crate in self.foreign:
            return bool(rest)
        return crate in self.crates and bool(rest) and self.crate(crate).has((), rest)

    def crate(self, name):
        """The sources of one of our crates, read once."""
        if name not in self.read:
            self.read[name] = Crate(self, self.crates[name])
        return self.read[name]


class Crate:
    """The library sources of one crate."""

    def __init__(self, workspace, src):
        self.workspace = workspace
        files = library_files(src)
        macros = {name: body for file in files for name, body in macros_of(file.code)}
        self.modules = {tuple(file.module): expanded(file.code, macros) for file in files}

    def has(self, module, names, depth=0):
        """Whether public `names` lead somewhere from `module`; re-exports are followed."""
        code = self.modules.get(module)
        if code is None or depth > 8:
            return False
        name, *members = names
        if members and re.search(rf"{MODULE}\s+{name}\b", code):
            return self.has((*module, name), members, depth + 1)
        if re.search(rf"(?:{DEFINITION}|{MODULE})\s+{name}\b", top_level(code)):
            return not members or (len(members) == 1 and self.has_member(name, members[0]))
        for path, alias in reexports(code):
            path = [*path[:-1], name] if alias == "*" else path
            if alias in (name, "*") and self.follows(module, path, members, depth):
                return True
        return False

    def follows(self, module, path, members, depth):
        """Whether a re-exported `path`, seen from `module`, has these members."""
        if path[0] in self.workspace.foreign:
            return not members
        if path[0] in self.workspace.crates:
            return self.workspace.crate(path[0]).has((), [*path[1:], *members], depth + 1)
        while path[0] in ("crate", "self", "super"):
            module = {"crate": (), "self": module, "super": module[:-1]}[path[0]]
            path = path[1:]
        # Modules on the way may be private; the item itself is looked up as a public one.
        for length in range(len(path) - 1, -1, -1):
            inner = (*module, *path[:length])
            if inner in self.modules:
                return self.has(inner, [*path[length:], *members], depth + 1)
        return False

    def has_member(self, owner, member):
        """A method, variant, public field or constant of a type, or a method of a trait."""
        return any(member_in(code, owner, member) for code in self.modules.values())


def macros_of(code):
    """(name, body) of each macro that a file defines by rules."""
    for found in re.finditer(r"\bmacro_rules\s*!\s*(\w+)\s*\{", code):
        yield found[1], code[found.end() : closing(code, found.end() - 1) - 1]


def expanded(code, macros):
    """The code with calls without arguments replaced by what the rules of the macro spell out."""
    for _ in range(NESTED_MACROS):
        code = re.sub(
            r"\b(\w+)\s*!\s*\(\s*\)\s*;",
            lambda call: macros.get(call[1], call[0]),
            code,
        )
    return code


def member_in(code, owner, member):
    """Whether one file gives `owner` this member."""
    for found in re.finditer(r"\bimpl\b([^{;]*)\{", code):
        kind = implementation(found[1])
        if kind is None or kind[0] != owner:
            continue
        body = code[found.end() : closing(code, found.end() - 1)]
        public = r"" if kind[1] else r"\bpub\s+"
        if re.search(rf"{public}(?:(?:const|async)\s+)*(?:fn|const|type)\s+{member}\b", body):
            return True
    for found in re.finditer(rf"\bpub\s+(struct|enum|trait)\s+{owner}\b[^;{{(]*\{{", code):
        body = top_level(code[found.end() : closing(code, found.end() - 1) - 1])
        pattern = {"struct": rf"\bpub\s+{member}\s*:", "enum": rf"\b{member}\b"}
        if re.search(pattern.get(found[1], rf"\bfn\s+{member}\b"), body):
            return True
    return False


def implementation(header):
    """(last word of the type, whether it is of a trait) of what stands between `impl` and `{`."""
    text = header.strip().replace("->", "  ")
    if text.startswith("<"):
        text = text[angle_end(text) :]
    text = re.sub(r"\bwhere\b.*", "", text, flags=re.DOTALL)
    trait, mark, of_trait = text.rpartition(" for ")
    target = (of_trait if mark else text).strip()
    found = re.match(r"(?:&\s*)?(?:mut\s+)?(?:\w+\s*::\s*)*(\w+)", target)
    return (found[1], bool(mark)) if found else None


def angle_end(text):
    """Index just past the `>` that closes the `<` at the start."""
    depth = 0
    for at, octet in enumerate(text):
        depth += (octet == "<") - (octet == ">")
        if depth == 0:
            return at + 1
    return len(text)


def top_level(code):
    """The same code with everything inside brackets blanked."""
    out, at = [], 0
    while at < len(code):
        out.append(code[at])
        if code[at] in "{[(":
            end = closing(code, at) - 1
            out.append(" " * (end - at - 1))
            at = end
        else:
            at += 1
    return "".join(out)


def reexports(code):
    """(path, public name) for each leaf of each `pub use`."""
    for found in re.finditer(r"\bpub\s+use\s+([^;]+);", code):
        yield from leaves([], found[1])


def leaves(before, tree):
    """(path, name) for each leaf of a use tree."""
    tree = tree.strip()
    brace = tree.find("{")
    if brace >= 0:
        path = before + re.findall(r"\w+", tree[:brace])
        for _, part in split_list(tree[brace + 1 : closing(tree, brace) - 1]):
            if part.strip():
                yield from leaves(path, part)
        return
    tree, _, alias = tree.partition(" as ")
    path = before + re.findall(r"\w+|\*", tree)
    if path[-1:] == ["self"]:
        path = path[:-1]
    if path:
        yield path, alias.strip() or path[-1]
