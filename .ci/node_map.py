#!/usr/bin/env python3
"""Checks docs/node-map.md: what became of each name of the module, and of each numbered case.

usage: node_map.py [ROOT]          check the tree at ROOT (default: the one this file is in)
       node_map.py --write [ROOT]  write the counts into the map, then check
       node_map.py --self-test     prove on a made-up tree that every rule fires

Rules: the tables of docs/node-map/ have exactly the rows that rows.txt names, in its order; each
row is proved by tests, `open`, or `diverges: why`; each item and test that a row names exists, and
the test is neither ignored nor excused. A case number occurs in one test name or one divergence
line, not in two; an area that is done has all of its numbers. The counts in the map are those of
today.
Prints one line per broken rule and ends with 1 if there was one.
"""

import json
import re
import sys
from pathlib import Path

from rust_items import Workspace, tests_of

MAP = Path("docs/node-map.md")
TABLES = Path("docs/node-map")
ROWS = TABLES / "rows.txt"
CASES = TABLES / "cases.md"
# Cases of the conformance suites that fail and stand, with reasons.
KNOWN = Path("conformance/known.json")
# Where tests live; a case number in a test name counts wherever the test stands.
SOURCES = ("crates", "fuzz")
LAST_CASE = 285
BEGIN = "<!-- counts: node_map.py --write -->"
END = "<!-- end of counts -->"
TITLES = ["name", "sealane", "test or state"]
CODE = re.compile(r"`([^`]+)`")
ITEM = re.compile(r"\w+(?:::\w+)+")
TEST = re.compile(r"([\w./-]+\.(?:rs|json))::(\S+)")
WHY = re.compile(r"diverges: \S+ \S+")
AREA = re.compile(r"## ([\w-]+) \(C(\d{3}) to C(\d{3})\): (open|done)")
DIVERGENCE = re.compile(r"- C(\d{3}) diverges: \S+")
NUMBER = re.compile(r"(?:^|_)c(\d{3})(?=_|$)")


class Row:
    """One row of a table: where it stands, and its three cells."""

    def __init__(self, place, section, cells):
        self.place = place
        self.section = section
        self.name, self.item, self.state = cells

    def kind(self):
        """built, diverges, open, or None when the state says nothing of the kind."""
        if self.state == "open":
            return "open"
        if self.state.startswith("diverges:"):
            return "diverges" if WHY.match(self.state) else None
        return "built" if TEST.fullmatch(first_code(self.state) or "") else None


class Area:
    """One area of the numbered cases: its numbers, and those that are decided otherwise."""

    def __init__(self, place, name, first, last, state):
        self.place, self.name, self.state = place, name, state
        self.numbers = range(first, last + 1)
        self.diverges = []


def first_code(cell):
    """What the first code span of a cell holds."""
    found = CODE.search(cell)
    return found[1] if found else None


def files_of_map(root):
    """The pages with tables, in the order of the reference's sections."""
    pages = [p for p in (root / TABLES).glob("*.md") if p != root / CASES]
    texts = {page: page.read_text("utf-8") for page in pages}

    def first_section(page):
        found = re.search(r"^## (\d+)", texts[page], re.MULTILINE)
        return int(found[1]) if found else 0

    return [(page, texts[page]) for page in sorted(pages, key=first_section)]


def rows_of_map(root):
    """Every row of every table under a numbered heading; a str for a row that is none."""
    for page, text in files_of_map(root):
        section = None
        for number, line in enumerate(text.splitlines(), 1):
            if line.startswith("## "):
                section = line[3:].strip()
            if not line.startswith("|") or section is None:
                continue
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if cells == TITLES or set("".join(cells)) <= set("-: "):
                continue
            place = f"{page.relative_to(root)}:{number}"
            if len(cells) != len(TITLES):
                yield f"{place}: a row of {len(cells)} cells instead of {len(TITLES)}"
            else:
                yield Row(place, section, cells)


def wanted_rows(root):
    """(section, name) of each row that must be there."""
    section = None
    for line in (root / ROWS).read_text("utf-8").splitlines():
        if line.startswith("  "):
            yield section, line.strip()
        elif line and not line.startswith("#"):
            section = line.strip()


def check_rows(root, rows):
    """The tables against rows.txt."""
    wanted = list(wanted_rows(root))
    found = [(row.section, row.name.strip("`")) for row in rows]
    places = dict(zip(found, (row.place for row in rows), strict=True))
    for section, name in sorted(set(wanted) - set(found), key=wanted.index):
        yield f"{TABLES}: no row for {name!r} in section {section!r}"
    for section, name in sorted(set(found) - set(wanted), key=found.index):
        yield f"{places[section, name]}: rows.txt knows no {name!r} in section {section!r}"
    for pair in sorted({pair for pair in found if found.count(pair) > 1}):
        yield f"{places[pair]}: a second row for {pair[1]!r} in section {pair[0]!r}"
    if set(found) == set(wanted) and len(found) == len(wanted) and found != wanted:
        first = next(i for i, pair in enumerate(found) if pair != wanted[i])
        yield f"{rows[first].place}: rows.txt has {wanted[first][1]!r} at this place"


def check_states(root, rows, tests):
    """Each row's state, and that what it names exists."""
    workspace = Workspace(root)
    for row in rows:
        kind = row.kind()
        if kind is None:
            yield f"{row.place}: {row.name}: no state: a test, `open`, or `diverges: why`"
        items = CODE.findall(row.item)
        if not items and row.item != "—":
            yield f"{row.place}: {row.name}: an item in backticks, or — for none"
        if kind == "built" and not items:
            yield f"{row.place}: {row.name}: a test, but no item that it proves"
        for item in items:
            if not ITEM.fullmatch(item) or not workspace.has(item):
                yield f"{row.place}: {row.name}: no such public item: {item}"
        for code in CODE.findall(row.state):
            found = TEST.fullmatch(code)
            if found and not tests.has(found[1], found[2]):
                yield f"{row.place}: {row.name}: no such test: {code}"
            elif found and found[2] in tests.excused:
                yield f"{row.place}: {row.name}: excused by {KNOWN}, so no proof: {code}"
            elif kind == "built" and not found:
                yield f"{row.place}: {row.name}: not the form of a test: {code}"


class Tests:
    """All tests of the tree: Rust functions by file, cases of JSON files by id."""

    def __init__(self, root):
        self.root = root
        self.rust = {}
        for source in SOURCES:
            for path in sorted((root / source).rglob("*.rs")):
                place = path.relative_to(root)
                # What cargo has built; a folder of ours deeper down may be called so.
                if place.parts[1] != "target":
                    self.rust[str(place)] = list(tests_of(path.read_text("utf-8")))
        self.json = {}
        known = root / KNOWN
        reasons = json.loads(known.read_text("utf-8")) if known.exists() else {}
        self.excused = {case for suite in reasons.values() for case in suite}

    def has(self, file, name):
        """Whether a test stands there; the path of a Rust file begins behind `crates/`."""
        if file.endswith(".rs"):
            return name in self.rust.get(f"crates/{file}", ())
        if file not in self.json:
            path = self.root / file
            cases = json.loads(path.read_text("utf-8")) if path.exists() else []
            cases = cases["cases"] if isinstance(cases, dict) else cases
            self.json[file] = {case["id"] for case in cases}
        return name in self.json[file]

    def by_case(self):
        """Case number -> the places of the tests that carry it."""
        found = {}
        for file, names in self.rust.items():
            for name in names:
                for number in NUMBER.findall(name):
                    found.setdefault(int(number), []).append(f"{file}::{name}")
        return found


def areas_of(root):
    """The areas of the cases with their divergences; a str for a line that is none."""
    area = None
    for number, line in enumerate((root / CASES).read_text("utf-8").splitlines(), 1):
        place = f"{CASES}:{number}"
        if line.startswith("## "):
            found = AREA.fullmatch(line)
            if not found:
                yield f"{place}: an area reads `## NAME (C001 to C040): open` or `done`"
                continue
            area = Area(place, found[1], int(found[2]), int(found[3]), found[4])
            yield area
        elif line.startswith("- C"):
            found = DIVERGENCE.match(line)
            if not found or area is None:
                yield f"{place}: a divergence reads `- C010 diverges: why`, under its area"
            else:
                area.diverges.append(int(found[1]))
                if int(found[1]) not in area.numbers:
                    yield f"{place}: C{found[1]} is not in the area {area.name}"


def check_cases(areas, proved):
    """That each number is decided once, and all of them where an area is done."""
    numbers = [number for area in areas for number in area.numbers]
    if numbers != list(range(1, LAST_CASE + 1)):
        yield f"{CASES}: the areas must cover C001 to C{LAST_CASE} in order, each number once"
    diverges = [number for area in areas for number in area.diverges]
    for number in sorted(proved):
        places = proved[number]
        if not 1 <= number <= LAST_CASE:
            yield f"{places[0]}: there is no case C{number:03}"
        if len(places) > 1:
            yield f"C{number:03} occurs in more than one test name: {', '.join(places)}"
        if number in diverges:
            yield f"C{number:03} diverges, and yet a test carries it: {places[0]}"
    for number in sorted({number for number in diverges if diverges.count(number) > 1}):
        yield f"{CASES}: C{number:03} has more than one divergence line"
    for area in areas:
        left = [number for number in area.numbers if number not in proved]
        left = [f"C{number:03}" for number in left if number not in area.diverges]
        if area.state == "done" and left:
            yield f"{area.place}: {area.name} is done, but nothing decides {', '.join(left)}"


def counts(rows, areas, proved):
    """The two tables of counts, and their sums in one line."""
    sections = {}
    for row in rows:
        line = sections.setdefault(row.section, dict.fromkeys(("built", "diverges", "open"), 0))
        line[row.kind() or "open"] += 1
    lines = ["| section | rows | built | diverges | open |", "| --- | --: | --: | --: | --: |"]
    total = [sum(line[key] for line in sections.values()) for key in ("built", "diverges", "open")]
    for name, line in sections.items():
        values = list(line.values())
        lines.append(table_line(name, sum(values), *values))
    lines.append(table_line("all", sum(total), *total))
    lines += ["", "| area | cases | proved | diverges | open | area is |"]
    lines += ["| --- | --: | --: | --: | --: | --- |"]
    sums = [0, 0, 0]
    for area in areas:
        of_area = [len(proved.keys() & set(area.numbers)), len(set(area.diverges))]
        of_area.append(len(area.numbers) - sum(of_area))
        sums = [a + b for a, b in zip(sums, of_area, strict=True)]
        lines.append(table_line(area.name, len(area.numbers), *of_area, area.state))
    lines.append(table_line("all", sum(sums), *sums, ""))
    said = "rows: {} built, {} diverge, {} open".format(*total)
    said += "; cases: {} proved, {} diverge, {} open".format(*sums)
    return "\n".join(lines), said


def table_line(*cells):
    """One line of a table."""
    return "|" + "|".join(f" {cell} " if cell != "" else " " for cell in cells) + "|"


def check(root, write=False):
    """All broken rules of the tree at `root`; the last thing yielded is the counts, in a tuple."""
    found, tests = list(rows_of_map(root)), Tests(root)
    rows = [row for row in found if isinstance(row, Row)]
    yield from (text for text in found if isinstance(text, str))
    yield from check_rows(root, rows)
    yield from check_states(root, rows, tests)
    found, proved = list(areas_of(root)), tests.by_case()
    areas = [area for area in found if isinstance(area, Area)]
    yield from (text for text in found if isinstance(text, str))
    yield from check_cases(areas, proved)
    table, said = counts(rows, areas, proved)
    before, begin, rest = (root / MAP).read_text("utf-8").partition(BEGIN)
    old, end, after = rest.partition(END)
    if not begin or not end:
        yield f"{MAP}: the counts belong between `{BEGIN}` and `{END}`"
    elif old.strip() != table and write:
        text = f"{before}{begin}\n{table}\n{end}{after}"
        (root / MAP).write_text(text, "utf-8")
    elif old.strip() != table:
        yield f"{MAP}: the counts are not those of today: .ci/node_map.py --write"
    yield (said,)


def main(arguments):
    """Entry point; returns the exit code."""
    if arguments == ["--self-test"]:
        import node_map_self_test

        return node_map_self_test.main(check)
    write = arguments[:1] == ["--write"]
    arguments = arguments[write:]
    if len(arguments) > 1 or any(a.startswith("-") for a in arguments):
        sys.exit(__doc__)
    root = Path(arguments[0] if arguments else Path(__file__).parent.parent).resolve()
    *broken, (said,) = check(root, write)
    for line in broken:
        print(line)
    print(f"node-map: {said}")
    print(f"node-map: {len(broken)} broken" if broken else "node-map: in order")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
