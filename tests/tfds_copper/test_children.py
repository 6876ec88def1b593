"""A random.py that lies beside the pictures is a file like any other: no process that we start imports it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copper_tf.cli.main import main
from tests.conftest import ROOT
from tfds_copper import children
from tfds_copper.errors import CopperError

# Modules that Python's own and numpy import, which it would look for in the current folder first.
_PLANTED = ("random", "multiprocessing", "secrets", "email", "json", "typing", "struct", "copper_tf_planted")


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with modules in it that leave a trace where they are imported."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in _PLANTED:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\nraise SystemExit\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    return tmp_path / "ran"


def _simulates(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from copper_tf.simulation import SimulationSettings, folder

    monkeypatch.setattr(folder, "_WORTH_PROCESSES", 1)
    settings = SimulationSettings(labels=2, pictures=3, sheets=3, height=64, width=64)
    folder.simulate(place / "simulated", settings, workers=2)
    assert len(list((place / "simulated").glob("t*/*.png"))) == 6


def _predicts_in_bulk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from copper_tf.inference.bulk import workers

    parts: Any = SimpleNamespace(finished=set, output=place)
    # A worker came as far as asking for its settings.
    with pytest.raises(CopperError, match="'NoneType' object has no attribute 'output'"):
        workers.predict_shards([], None, parts, 2, "", None)  # type: ignore[arg-type]


def _probes(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tuning.memory_probe import probe

    with pytest.raises(CopperError, match="unknown"):
        probe(SimpleNamespace(to_dict=lambda: {"model": {"unknown": 1}}), 2, "float32")  # type: ignore[arg-type]


def _searches(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tuning import workers

    pool = workers._WorkerPool(place, 1)
    try:
        assert all(process.wait(120) for process in pool.processes.values())
    finally:
        pool.stop()
    # They came as far as looking for the plan, which isn't there.
    assert "must be a folder of a sweep" in (place / "chief.log").read_text()


def _packages(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from copper_tf.exporters.bioimage import check_package

    with pytest.raises(CopperError, match="must pass bioimage.io's validator"):
        check_package(place / "none.zip")


_STARTING = [
    _simulates, _probes, pytest.param(_searches, marks=pytest.mark.slow),
    pytest.param(_predicts_in_bulk, marks=pytest.mark.slow), pytest.param(_packages, marks=pytest.mark.slow),
]  # fmt: skip


@pytest.mark.parametrize("start", _STARTING)
def test_processes_import_nothing_of_the_current_folder(
    start: Callable[[Path, pytest.MonkeyPatch], None], planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path, monkeypatch)
    assert not planted.exists() and "PYTHONSAFEPATH" not in os.environ


def test_without_that_it_would_be_imported(planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from copper_tf.simulation import folder

    monkeypatch.setattr(folder, "safe_children", contextlib.nullcontext)
    with pytest.raises(Exception, match="terminated"):
        _simulates(tmp_path, monkeypatch)
    assert planted.exists()


@pytest.mark.parametrize("module", ["copper_tf", "copper_tf.cli.main", "tuning.search"])
def test_the_command_line_as_a_module_imports_nothing_of_it_either(module: str, planted: Path) -> None:
    done = subprocess.run([sys.executable, "-m", module, "--help"], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("Usage: ") and not planted.exists()


def test_modules_of_others_keep_their_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("import copper_tf\n")
    (tmp_path / "mine" / "__main__.py").write_text("import beside\n")
    (tmp_path / "beside.py").write_text("print('there')\n")
    done = subprocess.run([sys.executable, "-m", "mine"], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "there\n"


def test_the_command_line_says_so_to_all_that_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    seen = []
    monkeypatch.setattr("copper_tf.cli.main._run", lambda _: seen.append(os.environ.get("PYTHONSAFEPATH")) or 0)
    assert main([]) == 0 and seen == ["1"] and "PYTHONSAFEPATH" not in os.environ
    monkeypatch.setenv("PYTHONSAFEPATH", "yes")
    with children.safe_children():
        pass
    assert os.environ["PYTHONSAFEPATH"] == "yes"


def test_whatever_starts_python_does_so_safely() -> None:
    starting = re.compile(r"sys\.executable|get_context\(|ProcessPoolExecutor\(|multiprocessing\.Pool")
    for path in (p for top in ("copper_tf", "tfds_copper", "tuning") for p in (ROOT / top).rglob("*.py")):
        text = path.read_text()
        assert not starting.search(text) or "SAFE_PATH" in text or "safe_children()" in text, path
