"""The documentation is built without a warning, no link within it is dead, and the Python tutorial runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.conftest import ROOT, Once

pytestmark = pytest.mark.slow
pytest.importorskip("myst_nb", reason="the extra [docs] isn't installed")


class _Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each tag."""
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.add(value)


@pytest.fixture(scope="session")
def site(once: Once) -> Path:
    """The site, with warnings as errors; the Python tutorial is shown and not run."""

    def build(folder: Path) -> None:
        # -P: like `make docs`, which doesn't find modules in the folder that it is called in.
        command = [sys.executable, "-P", "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "docs", str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-8000:]

    return once("site", build)


def _dead(site: Path) -> Iterator[str]:
    pages = {
        path: _Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html") if "_static" not in path.parts
    }
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            # Of the internet, or made by a script.
            if parts.scheme or parts.netloc or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else {unquote(parts.fragment)}
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in anchors):
                yield f"{path.name}: {link}"


def test_the_python_tutorial_runs(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tutorials" / "python.md").read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n(?::[^\n]*\n)*(.*?)^```$", text, re.M | re.S)
    assert len(cells) >= 9
    code, environment = "\n".join(cells), {**os.environ, "MPLBACKEND": "agg"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert (tmp_path / "run" / "scores" / "trust.json").is_file()


def test_no_link_is_dead(site: Path) -> None:
    assert list(_dead(site)) == []


def test_generated_parts_are_there(site: Path) -> None:
    commands = (site / "reference" / "command-line.html").read_text(encoding="utf-8")
    assert "--budget" in commands and "--restart-binarity" in commands
    python = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert 'id="copper_tf.train"' in python and 'id="copper_tf.Model.predict"' in python
    acceptance = (site / "benchmarks" / "acceptance.html").read_text(encoding="utf-8")
    assert "joined pictures: error of the mean" in acceptance


def test_a_command_is_copied_with_all_its_lines(site: Path) -> None:
    script = (site / "_static" / "copybutton.js").read_text(encoding="utf-8")
    (given,) = re.findall(r"return formatCopyText\((.*)\)", script)
    assert "'$ '" in given and r"'\\'" in given
    assert "site.css" in (site / "how-to" / "cluster.html").read_text(encoding="utf-8")
