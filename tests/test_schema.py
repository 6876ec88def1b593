"""``docs/reference/files.md`` lists the fields of every result; ``python -m tests.test_schema`` writes it again."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import ROOT
from tfds_copper.results import Result

PAGE = ROOT / "docs" / "reference" / "files.md"
INTRODUCTION = """\
# JSON files

Every result that copper-tf writes as JSON is a frozen dataclass, read with `from_dict` or `read` and written with
`to_dict` or `write`. The first key of each file is `format`, the name and version given below; another version isn't
read. A number that is undefined is `null` in JSON and NaN in Python. This page is made from the docstrings of the
dataclasses (`python -m tests.test_schema`).
"""


def results() -> list[type[Result]]:
    """Every subclass of `Result` that has a format, found in the sources and sorted by format."""
    found: dict[str, type[Result]] = {}
    for package in ("copper_tf", "tuning"):
        for file in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            names = [
                node.name
                for node in tree.body
                if isinstance(node, ast.ClassDef)
                and any(isinstance(b, ast.Name) and b.id == "Result" for b in node.bases)
            ]
            if names:
                module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
                found |= {getattr(module, name).FORMAT: getattr(module, name) for name in names}
    return [found[name] for name in sorted(found)]


def meanings(kind: type) -> dict[str, str]:
    """The meaning of every field, from the section Attributes or Args of the docstrings of a class and its bases."""
    texts: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        lines = inspect.cleandoc(base.__doc__ or "")
        lines = re.split(r"(?:Attributes|Args):\n", lines, maxsplit=1)[-1].splitlines()
        name = ""
        for line in lines:
            if match := re.fullmatch(r" {4}(\w+): (.*)", line):
                name, texts[match[1]] = match[1], match[2]
            elif line.startswith("     ") and name:
                texts[name] += f" {line.strip()}"
            else:
                name = ""
    # Settings and columns say in their metadata what they are.
    named = {f.name: f.metadata.get("help", f.metadata.get("title")) for f in dataclasses.fields(kind)}
    return {name: text for name, text in named.items() if text} | texts


def written_fields(kind: Any) -> list[dataclasses.Field[Any]]:
    """The fields that are written as JSON."""
    return [f for f in dataclasses.fields(kind) if not f.metadata.get("transient")]


def nested(kind: Any) -> Iterator[type]:
    """The dataclasses within a result, each once, in the order of their fields."""
    seen: dict[type, None] = {}

    def visit(hint: Any) -> None:
        for part in typing.get_args(hint):
            visit(part)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint) and hint not in seen:
            seen[hint] = None
            for other in typing.get_type_hints(hint).values():
                visit(other)

    hints = typing.get_type_hints(kind)
    for field in written_fields(kind):
        visit(hints[field.name])
    yield from seen


def table(kind: Any) -> str:
    """The fields of a dataclass as a Markdown table."""
    known = meanings(kind)
    rows = [
        (
            f"`{f.metadata.get('key', f.name)}`",
            "`" + str(f.type).replace("|", "\\|") + "`",
            known.get(f.name, "").replace("|", "\\|"),
        )
        for f in written_fields(kind)
    ]
    return "\n".join(["| field | type | meaning |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)])


def schema() -> str:
    """The whole page."""
    parts, shown = [INTRODUCTION], set[type]()
    for kind in results():
        summary = (inspect.getdoc(kind) or "").splitlines()[0]
        parts.append(f"## {kind.__name__}: `{kind.FORMAT}`\n\n{summary}\n\n{table(kind)}\n")
        for part in nested(kind):
            if part not in shown and not issubclass(part, Result):
                shown.add(part)
                summary = (inspect.getdoc(part) or "").splitlines()[0]
                parts.append(f"### {part.__name__}\n\n{summary}\n\n{table(part)}\n")
    return "\n".join(parts)


def test_the_page_is_made_from_the_types() -> None:
    assert PAGE.read_text(encoding="utf-8") == schema(), "python -m tests.test_schema writes it again"


@pytest.mark.parametrize("kind", results(), ids=lambda kind: kind.__name__)
def test_every_field_has_a_meaning(kind: Any) -> None:
    for part in (kind, *nested(kind)):
        missing = [f.name for f in written_fields(part) if not meanings(part).get(f.name)]
        assert not missing, f"{part.__name__}: no meaning of {', '.join(missing)} in its docstring"


if __name__ == "__main__":
    PAGE.write_text(schema(), encoding="utf-8")
