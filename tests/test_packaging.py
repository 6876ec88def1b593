"""What an installation is made of: extras, the image and the conda environment name nothing that isn't there."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def _bounds() -> dict[str, Requirement]:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    lines = settings["options"]["install_requires"].splitlines()
    return {one.name: one for one in (Requirement(line) for line in lines if line and not line.startswith("#"))}


@pytest.mark.parametrize(
    ("name", "last_with_faults"),
    # Weights that read other files, and that make room for what they claim; a write beyond the end of a buffer.
    [("keras", "3.13.1"), ("pillow", "11.2.1")],
)
def test_versions_with_known_faults_are_not_allowed(name: str, last_with_faults: str) -> None:
    assert last_with_faults not in _bounds()[name].specifier


def test_what_is_pinned_is_within_the_bounds() -> None:
    lines = (line.split("==") for line in (ROOT / "constraints.txt").read_text().split() if "==" in line)
    pinned = {canonicalize_name(name): version for name, version in lines}
    for name, bound in _bounds().items():
        assert pinned[canonicalize_name(name)] in bound.specifier, name


@pytest.mark.slow
def test_an_audit_without_its_database_lists_what_is_pinned_and_says_so(tmp_path: Path) -> None:
    if not shutil.which("make"):
        pytest.skip("make isn't installed")
    done = subprocess.run(
        ["make", "--no-print-directory", "audit", f"PYTHON={sys.executable}", f"AUDIT={tmp_path / 'audit'}"],
        check=True, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PIP_NO_INDEX": "1"},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len([line for line in lines if re.fullmatch(r"[\w.-]+==\S+", line)]) > 100
    assert lines[-1].startswith("not audited: ")
