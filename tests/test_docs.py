"""The README's table of settings is made from the settings; ``python -m tests.test_docs`` writes it anew."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from copper_tf.cli.main import COMMANDS
from copper_tf.config import GROUPS, default_config
from tests.conftest import ROOT
from tfds_copper.micrograph import ReadSettings
from tfds_copper.settings import setting_fields
from tfds_copper.splits.assign import SplitSettings

README = ROOT / "README.md"
_HEAD = "| setting | default | meaning |\n| --- | --- | --- |\n"
_FOLDER_HEAD = _HEAD.replace("setting", "of a folder")


def _row(field: dataclasses.Field[Any], default: str) -> str:
    unit = f" {field.metadata['unit']}" if field.metadata["unit"] and default else ""
    # Of a registry ours alone: plug-ins may be installed, and tests register their own.
    allowed = getattr(field.metadata["choices"], "builtin", field.metadata["choices"])
    choices = ", ".join(f"`{c}`" for c in allowed)
    # A bar would end the cell.
    meaning = field.metadata["help"].replace("|", r"\|") + (f" ({choices})" if choices else "")
    return f"| `{field.name}` | {default}{unit} | {meaning} |\n"


def settings_table() -> str:
    """One row per setting: name, default (classifier / segmenter), help with its choices."""
    kinds = default_config("classifier").flat(), default_config("segmenter").flat()
    rows = []
    for group in GROUPS.values():
        for field in setting_fields(group):
            first, second = (str(flat[field.name]) for flat in kinds)
            rows.append(_row(field, first if first == second else f"{first} / {second}"))
    return _HEAD + "".join(rows)


def folder_table() -> str:
    """One row for each setting of how a folder is read and split."""
    fields = [f for group in (SplitSettings, ReadSettings) for f in setting_fields(group)]
    return _FOLDER_HEAD + "".join(_row(f, "no" if f.default is False else str(f.default)) for f in fields)


def test_the_readme_shows_every_setting() -> None:
    text = README.read_text(encoding="utf-8")
    assert settings_table() in text and folder_table() in text


def test_the_readme_and_changelog_name_every_verb() -> None:
    text = README.read_text(encoding="utf-8") + (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for verb in COMMANDS:
        assert verb in text


def test_pictures_of_the_readme_exist() -> None:
    for path in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / path).is_file()


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    for head, table in ((_HEAD, settings_table()), (_FOLDER_HEAD, folder_table())):
        text = re.sub(re.escape(head) + r"(?:\|[^\n]*\n)*", lambda _, table=table: table, text)
    README.write_text(text, encoding="utf-8")
