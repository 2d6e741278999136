"""Builds a corpus of edits from two releases each of public packages, for the program `accuracy`.

    python bench/corpus/build.py FOLDER [--cases N]

Each change of one definition between the releases becomes a case: the older file, the definition's newer text written
as models write edits, and the older file with that definition replaced. Packages come from their registries, pinned
with their digests in packages.json, and are kept in FOLDER/packages. Which changes are taken depends on nothing but
their own names and places, so everybody who builds it gets the same.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import io
import json
import lzma
import sys
import tarfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from definitions import Definition, definitions, parser

EXTENSIONS = {
    "c": (".c", ".h"),
    "cpp": (".cc", ".cpp", ".h", ".hpp", ".c++"),
    "go": (".go",),
    "java": (".java",),
    "javascript": (".js", ".mjs", ".cjs"),
    "python": (".py",),
    "rust": (".rs",),
    "typescript": (".ts",),
}

#: Larger files, bytes, and definitions of fewer or more lines are left out.
LARGEST_FILE = 60_000
SHORTEST, LONGEST = 3, 150
#: How much of a definition must have stayed, so that it is an edit and not another definition.
LEAST_ALIKE = 0.4
#: At most so many cases of a format come from one file.
PER_FILE = 2
#: A marker stands for at least so many unchanged lines; so many around a change are shown.
LEAST_HIDDEN, SHOWN = 6, 2


@dataclass(frozen=True)
class Change:
    """A definition of which both releases have one."""

    old: Definition
    new: Definition


@dataclass(frozen=True)
class File:
    """A file in both releases, and the definitions that differ."""

    package: str
    language: str
    path: str
    old: bytes
    new: bytes
    changes: list[Change]
    #: New definitions, each with the unchanged one above it in the newer file.
    added: list[tuple[Change, Definition]]

    @property
    def marker(self) -> str:
        """A line that stands for what is not shown."""
        return f"{'#' if self.language == 'python' else '//'} ... existing code ..."

    def old_text(self, definition: Definition) -> str:
        """A definition's older text."""
        return self.old[definition.start : definition.end].decode()

    def new_text(self, definition: Definition) -> str:
        """A definition's newer text."""
        return self.new[definition.start : definition.end].decode()

    def indent(self, definition: Definition) -> str:
        """The white space before a definition of the newer file."""
        line = self.new.rfind(b"\n", 0, definition.start) + 1
        return self.new[line : definition.start].decode()

    def replaced(self, changes: list[Change]) -> str:
        """The older file with some definitions as they are in the newer one."""
        text = self.old
        for change in sorted(changes, key=lambda change: -change.old.start):
            text = text[: change.old.start] + self.new[change.new.start : change.new.end] + text[change.old.end :]
        return text.decode()


def fetch(url: str, sha256: str, kept: Path) -> bytes:
    """A package's archive, from the folder of those kept or from its registry."""
    path = kept / url.rsplit("/", 1)[-1]
    if not path.exists():
        request = urllib.request.Request(url, headers={"User-Agent": "booster-fleet-corpus"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            path.write_bytes(answer.read())
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        path.unlink()
        sys.exit(f"{url}: its SHA-256 is {digest}, packages.json says {sha256}")
    return data


def unpack(data: bytes, under: str, language: str) -> dict[str, bytes]:
    """A package's source files of a language, by their paths below its top folder."""
    if data.startswith(b"\xfd7zXZ"):
        data = lzma.decompress(data)
    files = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            path = member.name.removeprefix("./").partition("/")[2]
            if member.isfile() and path.startswith(under) and path.endswith(EXTENSIONS[language]):
                if member.size <= LARGEST_FILE and (content := archive.extractfile(member)):
                    files[path] = content.read()
    return files


def files_of(package: dict[str, Any], kept: Path) -> Iterator[File]:
    """The files that differ between a package's two releases and parse in both."""
    language = package["language"]
    parse = parser(language)
    before, after = (
        unpack(fetch(package[side]["url"], package[side]["sha256"], kept), package["under"], language)
        for side in ("before", "after")
    )
    for path in sorted(before.keys() & after.keys()):
        old, new = before[path], after[path]
        if old == new or not _comparable(old, new):
            continue
        old_definitions, new_definitions = definitions(parse, old), definitions(parse, new)
        if old_definitions and new_definitions:
            changes, added = compare(old, new, old_definitions, new_definitions)
            yield File(package["name"], language, path, old, new, changes, added)


def _comparable(old: bytes, new: bytes) -> bool:
    """Whether both are text with the same line ends."""
    try:
        return "\0" not in old.decode() and "\0" not in new.decode() and (b"\r" in old) == (b"\r" in new)
    except UnicodeDecodeError:
        return False


def compare(
    old: bytes, new: bytes, old_definitions: list[Definition], new_definitions: list[Definition]
) -> tuple[list[Change], list[tuple[Change, Definition]]]:
    """Which definitions changed, and which came below one that did not."""
    count = {key: _namesakes(old_definitions, key) for key in {d.key[0] for d in old_definitions}}
    by_key = {d.key: d for d in old_definitions}
    changes, added, above = [], [], None
    for definition in new_definitions:
        mine = by_key.get(definition.key)
        if mine is None and definition.parent is None and above is not None and definition.key[0] not in count:
            between = new[above.new.end : definition.start]
            if not between.strip() and b"\n" in between:
                added.append((above, definition))
        same = mine is not None and old[mine.start : mine.end] == new[definition.start : definition.end]
        if definition.parent is None:
            above = Change(mine, definition) if same and mine is not None else None
        if mine is None or same or count[mine.key[0]] != _namesakes(new_definitions, mine.key[0]):
            continue
        if definition.function and not _holds_change(old, new, by_key, definition, new_definitions):
            changes.append(Change(mine, definition))
    alike = [change for change in changes if _is_edit(old, new, change)]
    return alike, added


def _namesakes(all_definitions: list[Definition], name: str) -> int:
    return sum(definition.key[0] == name for definition in all_definitions)


def _holds_change(
    old: bytes, new: bytes, by_key: dict[tuple[str, int], Definition], outer: Definition, all_definitions: list[Definition]
) -> bool:
    """Whether a definition inside has changed or is new; then that one is the edit."""
    for inner in all_definitions:
        if inner is not outer and outer.start <= inner.start and inner.end <= outer.end:
            mine = by_key.get(inner.key)
            if mine is None or old[mine.start : mine.end] != new[inner.start : inner.end]:
                return True
    return False


def _is_edit(old: bytes, new: bytes, change: Change) -> bool:
    before = old[change.old.start : change.old.end].decode()
    after = new[change.new.start : change.new.end].decode()
    if "".join(before.split()) == "".join(after.split()):
        return False
    lines = before.splitlines(), after.splitlines()
    if not all(SHORTEST <= len(side) <= LONGEST for side in lines):
        return False
    column = _column(old, change.old), _column(new, change.new)
    return column[0] == column[1] and difflib.SequenceMatcher(None, *lines, autojunk=False).ratio() >= LEAST_ALIKE


def _column(source: bytes, definition: Definition) -> bytes:
    return source[source.rfind(b"\n", 0, definition.start) + 1 : definition.start]


def snippets(file: File) -> Iterator[tuple[str, str, str]]:
    """Whole changed definitions: name, edit, expected."""
    for change in file.changes:
        yield change.new.label, file.indent(change.new) + file.new_text(change.new) + "\n", file.replaced([change])


def dedented(file: File) -> Iterator[tuple[str, str, str]]:
    """The same of those that stand in another, without their indentation."""
    for change in file.changes:
        indent = file.indent(change.new)
        lines = file.new_text(change.new).split("\n")
        if indent and all(not line or line.startswith(indent) for line in lines[1:]):
            shown = "\n".join([lines[0], *(line.removeprefix(indent) for line in lines[1:])])
            yield change.new.label, shown + "\n", file.replaced([change])


def between_markers(file: File) -> Iterator[tuple[str, str, str]]:
    """A changed definition between two markers."""
    for name, edit, expected in snippets(file):
        yield name, f"{file.marker}\n\n{edit}\n{file.marker}\n", expected


def with_documentation(file: File) -> Iterator[tuple[str, str, str]]:
    """A changed definition with the comments and attributes above it."""
    for change in file.changes:
        if change.old.documented == change.old.start or change.new.documented == change.new.start:
            continue
        shown = file.new[change.new.documented : change.new.end]
        expected = file.old[: change.old.documented] + shown + file.old[change.old.end :]
        yield change.new.label, file.indent(change.new) + shown.decode() + "\n", expected.decode()


def inside_class(file: File) -> Iterator[tuple[str, str, str]]:
    """A changed method between markers, in its class."""
    for change in file.changes:
        outer = change.old.parent
        if outer is None or outer.function or outer.parent is not None:
            continue
        head, tail = _shell(file, outer)
        if head is None:
            continue
        indent = file.indent(change.new)
        marker = f"{indent}{file.marker}"
        body = f"{marker}\n\n{indent}{file.new_text(change.new)}\n\n{marker}\n"
        yield change.new.label, f"{head}\n{body}{tail}", file.replaced([change])


def _shell(file: File, outer: Definition) -> tuple[str | None, str]:
    """A class' first line and, where it has one, its last."""
    lines = file.old_text(outer).split("\n")
    head = lines[0].rstrip()
    if file.language == "python":
        return (head, "") if head.startswith("class ") and head.endswith(":") else (None, "")
    return (head, lines[-1] + "\n") if head.endswith("{") else (None, "")


def inside_body(file: File) -> Iterator[tuple[str, str, str]]:
    """A changed definition with its unchanged lines hidden behind markers."""
    for change in file.changes:
        lines = (file.indent(change.new) + file.new_text(change.new)).split("\n")
        old = (file.indent(change.new) + file.old_text(change.old)).split("\n")
        shown = _shown(old, lines)
        edit, hidden = [], 0
        for place, line in enumerate(lines):
            if shown[place]:
                edit.append(line)
            elif shown[place - 1]:
                edit.append(line[: len(line) - len(line.lstrip())] + file.marker)
                hidden += 1
        if hidden:
            yield change.new.label, "\n".join(edit) + "\n", file.replaced([change])


def _shown(old: list[str], new: list[str]) -> list[bool]:
    """Which lines of a definition are shown: its first, its last, and those in and around changes."""
    shown = [False] * len(new)
    shown[0] = shown[-1] = True
    for tag, _, _, start, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            for place in range(max(start - SHOWN, 0), min(end + SHOWN, len(new))):
                shown[place] = True
    run = 0
    for place, is_shown in enumerate([*shown, True]):
        if is_shown and 0 < run < LEAST_HIDDEN:
            shown[place - run : place] = [True] * run
        run = 0 if is_shown else run + 1
    return shown


def several(file: File) -> Iterator[tuple[str, str, str]]:
    """Several changed definitions between markers."""
    changes = sorted(file.changes, key=lambda change: change.old.start)[:4]
    if len(changes) >= 2 and all(a.new.start < b.new.start for a, b in zip(changes, changes[1:])):
        shown = "".join(
            f"{file.indent(c.new)}{file.new_text(c.new)}\n\n{file.marker}\n\n" for c in changes
        )
        yield changes[0].new.label, f"{file.marker}\n\n{shown[:-1]}", file.replaced(changes)


def inserted(file: File) -> Iterator[tuple[str, str, str]]:
    """A new definition below one that is there, between markers."""
    for above, definition in file.added:
        gap = file.new[above.new.end : definition.start].decode()
        text = gap + file.new_text(definition)
        end = above.old.end
        expected = file.old[:end].decode() + text + file.old[end:].decode()
        yield definition.label, f"{file.marker}\n\n{file.new_text(above.new)}{text}\n\n{file.marker}\n", expected


def spoiled(file: File) -> Iterator[tuple[str, str, str]]:
    """Edits that must be refused: cut off, with conflict markers, or prose."""
    for number, (name, edit, _) in enumerate(snippets(file)):
        lines = edit.splitlines()
        middle = max(2, len(lines) * 3 // 5)
        match (number + len(file.path)) % 3:
            case 0:
                yield name, "\n".join(lines[:middle])[:-1] + "\n", ""
            case 1:
                conflict = ["<<<<<<< HEAD", lines[middle - 1], "=======", lines[middle - 1], ">>>>>>> theirs"]
                yield name, "\n".join([*lines[: middle - 1], *conflict, *lines[middle:]]) + "\n", ""
            case _:
                yield name, f"Please make {name} handle errors and add logging.\n", ""


FORMATS: dict[str, Callable[[File], Iterator[tuple[str, str, str]]]] = {
    "snippet": snippets,
    "dedented_snippet": dedented,
    "documented_snippet": with_documentation,
    "lazy_file": between_markers,
    "lazy_class": inside_class,
    "lazy_body": inside_body,
    "lazy_multi": several,
    "lazy_insert": inserted,
    "must_refuse": spoiled,
}


def cases(name: str, files: list[File], most: int) -> list[dict[str, Any]]:
    """The cases of one format from one package."""
    found = []
    for file in files:
        made = []
        for symbol, edit, expected in FORMATS[name](file):
            case_id = f"{file.package}:{file.path}:{symbol}"
            row = {
                "id": case_id,
                "source_repo": file.package,
                "language": file.language,
                "path": file.path,
                "format": name,
                "symbol": symbol,
                "original": file.old.decode(),
                "edit": edit,
                "expected": expected,
                "expect_refusal": name == "must_refuse",
            }
            made.append((hashlib.sha256(case_id.encode()).hexdigest(), row))
        found += sorted(made, key=lambda pair: pair[0])[:PER_FILE]
    return [row for _, row in sorted(found, key=lambda pair: pair[0])[:most]]


def main() -> None:
    options = argparse.ArgumentParser(description="Builds a corpus of edits from releases of public packages.")
    options.add_argument("folder", type=Path)
    options.add_argument("--cases", type=int, default=20, help="of each format and package, at most (20)")
    given = options.parse_args()
    kept = given.folder / "packages"
    kept.mkdir(parents=True, exist_ok=True)
    packages = json.loads(Path(__file__).with_name("packages.json").read_text())
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in FORMATS}
    for package in packages:
        files = list(files_of(package, kept))
        for name in FORMATS:
            rows[name] += cases(name, files, given.cases)
        print(f"{package['language']:<11} {package['name']:<26} {len(files):>4} changed files", file=sys.stderr)
    for name, found in rows.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found)
        (given.folder / f"public_{name}.jsonl").write_text(text)
        print(f"public_{name:<20} {len(found):>5} cases")


if __name__ == "__main__":
    main()
