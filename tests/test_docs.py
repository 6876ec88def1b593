"""Tables of settings in the docs are made from the settings; ``python -m tests.test_docs`` writes them anew."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from copper_tf.analysis.trust.verdict import TESTS
from copper_tf.cli.main import COMMANDS
from copper_tf.config import GROUPS, KINDS, default_config
from tests.conftest import ROOT
from tfds_copper.micrograph import ReadSettings
from tfds_copper.settings import setting_fields
from tfds_copper.splits.assign import SplitSettings

README, DOCS = ROOT / "README.md", ROOT / "docs"
SETTINGS = DOCS / "reference" / "settings.md"
VERDICT = DOCS / "explanation" / "verdict.md"
_LINES, _COLUMNS = 180, 110
# Larger ones make a clone slow.
_LARGEST = 300_000
_HEAD = "| setting | default | meaning |\n| --- | --- | --- |\n"
_FOLDER_HEAD = _HEAD.replace("setting", "of a folder")
_TRUST_HEAD = "| test | name in `scores/trust.json` | passed | failed | decides |\n| --- | --- | --- | --- | --- |\n"


def _row(field: dataclasses.Field[Any], default: str, only: str = "") -> str:
    unit = f" {field.metadata['unit']}" if field.metadata["unit"] and default else ""
    # Of a registry ours alone: plug-ins may be installed, and tests register their own.
    allowed = getattr(field.metadata["choices"], "builtin", field.metadata["choices"])
    choices = ", ".join(f"`{c}`" for c in allowed)
    # A bar would end the cell.
    meaning = field.metadata["help"].replace("|", r"\|") + (f" ({choices})" if choices else "")
    of = f" ({only})" if only else ""
    return f"| `{field.name}` | {default}{unit}{of} | {meaning} |\n"


def settings_table() -> str:
    """One row per setting: name, default (classifier / segmenter, or of who reads it), help with its choices."""
    kinds = {kind: default_config(kind).flat() for kind in KINDS}
    rows = []
    for group in GROUPS.values():
        for field in setting_fields(group):
            only = field.metadata["only"]
            first, second = (str(kinds[only or kind][field.name]) for kind in KINDS)
            rows.append(_row(field, first if first == second else f"{first} / {second}", only))
    return _HEAD + "".join(rows)


def folder_table() -> str:
    """One row for each setting of how a folder is read and split."""
    fields = [f for group in (SplitSettings, ReadSettings) for f in setting_fields(group)]
    return _FOLDER_HEAD + "".join(_row(f, "no" if f.default is False else str(f.default)) for f in fields)


def trust_table() -> str:
    """One row for each test of `copper trust`, with its limits."""
    rows = []
    for test in TESTS:
        least, most = ("at most", "or more") if test.low_is_good else ("at least", "or less")
        limits = f"{least} {test.passes:g} | {test.fails:g} {most}"
        rows.append(f"| {test.title} | `{test.name}` | {limits} | {'yes' if test.decisive else 'no'} |\n")
    return _TRUST_HEAD + "".join(rows)


def test_tests_that_the_docs_name_are_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", "".join(p.read_text("utf-8") for p in DOCS.rglob("*.md")))
    assert len(named) > 10
    for file, name in named:
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text("utf-8"), re.M), f"{file}::{name}"


def test_the_docs_show_every_setting() -> None:
    text = SETTINGS.read_text(encoding="utf-8")
    assert settings_table() in text and folder_table() in text, "python -m tests.test_docs writes them again"


def test_the_docs_show_the_limits_of_every_trust_test() -> None:
    assert trust_table() in VERDICT.read_text(encoding="utf-8"), "python -m tests.test_docs writes it again"


def test_the_readme_is_short() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= _LINES
    assert [line for line in lines if len(line) > _COLUMNS] == []


def test_every_command_is_documented_by_its_name() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in [README, *DOCS.rglob("*.md")])
    assert [verb for verb in COMMANDS if f"copper {verb}" not in pages] == []


@pytest.mark.parametrize("page", [README, *sorted(DOCS.rglob("*.md"))], ids=lambda page: page.stem)
def test_files_that_pages_link_to_exist(page: Path) -> None:
    if "_build" in page.parts:
        pytest.skip("made by Sphinx")
    text = re.sub(r"^```(?:python|console|text|toml).*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)|^```\{figure\} (\S+)|\{download\}`([^`]+)`", text, re.M)
    places = [name for link in links for name in link if name and not name.startswith(("http:", "https:"))]
    assert [name for name in places if not (page.parent / name).exists()] == []


def _extension(name: str) -> Any:
    """A module of the docs' own Sphinx extensions."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_every_benchmark_result_has_a_source_and_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS / "_ext")
    results = {path.stem for path in (ROOT / "benchmarks" / "results").glob("*.json")}
    tables = _extension("benchmark_tables").TABLES
    assert results == set(_extension("benchmark_sources").SOURCES) == {file for file, _ in tables.values()}
    pages = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "benchmarks").glob("*.md"))
    assert sorted(tables) == sorted(set(re.findall(r"^```\{benchmark\} (\S+)$", pages, re.M)))


def test_pictures_are_small() -> None:
    pictures = [path for path in DOCS.rglob("*.png") if "_build" not in path.parts]
    assert pictures and [path.name for path in pictures if path.stat().st_size > _LARGEST] == []


def _write_tables(page: Path, tables: dict[str, str]) -> None:
    """Replaces the tables of a page, by their heads."""
    text = page.read_text(encoding="utf-8")
    for head, table in tables.items():
        text = re.sub(re.escape(head) + r"(?:\|[^\n]*\n)*", lambda _, table=table: table, text)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _write_tables(SETTINGS, {_HEAD: settings_table(), _FOLDER_HEAD: folder_table()})
    _write_tables(VERDICT, {_TRUST_HEAD: trust_table()})
