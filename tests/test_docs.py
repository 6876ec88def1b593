"""The README's table of settings is made from the settings; ``python -m tests.test_docs`` writes it anew."""

from __future__ import annotations

import re

from copper_tf.cli.main import COMMANDS
from copper_tf.config import GROUPS, default_config
from tests.conftest import ROOT
from tfds_copper.settings import setting_fields

README = ROOT / "README.md"
_HEAD = "| setting | default | meaning |\n| --- | --- | --- |\n"


def settings_table() -> str:
    """One row per setting: name, default (classifier / segmenter), help with its choices."""
    kinds = default_config("classifier").flat(), default_config("segmenter").flat()
    rows = []
    for group in GROUPS.values():
        for field in setting_fields(group):
            first, second = (str(flat[field.name]) for flat in kinds)
            default = first if first == second else f"{first} / {second}"
            unit = f" {field.metadata['unit']}" if field.metadata["unit"] else ""
            choices = ", ".join(f"`{c}`" for c in field.metadata["choices"])
            meaning = field.metadata["help"] + (f" ({choices})" if choices else "")
            rows.append(f"| `{field.name}` | {default}{unit} | {meaning} |")
    return _HEAD + "\n".join(rows) + "\n"


def test_the_readme_shows_every_setting() -> None:
    assert settings_table() in README.read_text(encoding="utf-8")


def test_the_readme_and_changelog_name_every_verb() -> None:
    text = README.read_text(encoding="utf-8") + (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for verb in COMMANDS:
        assert verb in text


def test_pictures_of_the_readme_exist() -> None:
    for path in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / path).is_file()


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    pattern = re.escape(_HEAD) + r"(?:\|[^\n]*\n)*"
    README.write_text(re.sub(pattern, lambda _: settings_table(), text), encoding="utf-8")
