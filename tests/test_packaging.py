"""What an installation is made of: extras, the image and the conda environment name nothing that isn't there."""

from __future__ import annotations

import configparser
import re

import yaml

from tests.conftest import ROOT


def _extras() -> set[str]:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    return set(settings["options.extras_require"])


def _named(text: str) -> set[str]:
    """The extras that a text installs: ``.[a,b]``, ``copper-tf[a]``."""
    return {name for group in re.findall(r"(?:\.|copper-tf)\[([a-z,]+)\]", text) for name in group.split(",")}


def test_extras_that_are_named_anywhere_exist() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "environment.yml", ROOT / "setup.cfg"]
    named = {name: page.name for page in pages for name in _named(page.read_text(encoding="utf-8"))}
    assert {"app", "export", "deploy", "gpu"} <= set(named)
    assert set(named) <= _extras(), {name: page for name, page in named.items() if name not in _extras()}


def test_extras_are_documented() -> None:
    assert _extras() == set(re.findall(r"^\| `\[(\w+)\]`", (ROOT / "docs" / "install.md").read_text(), re.MULTILINE))


def test_the_image_copies_what_there_is_and_installs_extras_that_exist() -> None:
    lines = (ROOT / "Dockerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", lines, re.MULTILINE) for name in line.split()]
    assert {"copper_tf", "tfds_copper", "tuning", "setup.cfg", "constraints.txt"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    kept = (ROOT / ".dockerignore").read_text().split()
    assert all(f"!{name}" in kept for name in copied)
    extras = re.findall(r"EXTRAS=([a-z,]+)", lines)
    assert len(extras) == 2 and set(",".join(extras).split(",")) <= _extras()
    readme = configparser.ConfigParser()
    readme.read(ROOT / "setup.cfg")
    assert readme["metadata"]["long_description"].removeprefix("file: ") in copied


def test_conda_makes_a_python_that_we_support() -> None:
    python, pip, filled = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    assert settings["options"]["python_requires"].startswith(">=" + python.removeprefix("python="))
    assert pip == "pip" and filled["pip"][0] == "-c constraints.txt"
