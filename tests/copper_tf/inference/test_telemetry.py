"""Exporting and predicting reports to nobody, though OpenVINO, NNCF and ONNX Runtime would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from copper_tf.inference.exported.runtimes import FORMATS

# Each starts programs of its own.
pytestmark = pytest.mark.slow

# Every way out is written down in place of taken: into a file, since each report has a process of its own. NNCF reports
# nothing under pytest and in CI, so all this runs in another process too.
_LISTENING = """
import socket, sys, urllib.request
home = sys.argv.pop(1)

def recorded(*what, **_):
    with open(home + "/said", "a") as file:
        file.write(repr(what)[:200].replace("\\n", " ") + "\\n")
    raise OSError("no way out")

urllib.request.urlopen = recorded
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = recorded
switched = sys.argv.pop(1) == "off"
if not switched:
    import copper_tf.inference.exported.telemetry as telemetry
    telemetry._MODULE = telemetry._SWITCH = "nothing_of_the_kind"
from copper_tf.cli.main import main
code = main(sys.argv[1:])
import concurrent.futures.thread as pools
pools._python_exit()
assert code == 0, code
assert {"openvino", "onnxruntime"} & set(sys.modules), "the test must meet what it is about"
"""
# Caches that hold nothing of their user: Keras' settings and Matplotlib's list of fonts.
_CACHES = (".keras/keras.json", ".cache/matplotlib/")
CI_VARIABLES = ("ORT_DISABLE_TELEMETRY", "CI", "TF_BUILD", "JENKINS_URL", "NNCF_CI", "NNCF_DEV")


def left_at_home(files: list[str]) -> list[str]:
    """What lies in a home that was empty, but for `_CACHES` and the test's own record."""
    return [name for name in files if name != "said" and not name.startswith(_CACHES)]


def _heard(home: Path, switch: str, *words: object) -> tuple[list[str], list[str]]:
    """What a command would have sent, and which files it left in the home of its user."""
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if k not in CI_VARIABLES} | {"HOME": str(home)}
    command = [sys.executable, "-c", _LISTENING, home, switch, *words]
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stderr[-2000:]
    said = (home / "said").read_text().splitlines() if (home / "said").exists() else []
    return said, left_at_home(sorted(p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file()))


@pytest.fixture(scope="module")
def exported(runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """An export made while a recorder listened, and what it heard."""
    pytest.importorskip("nncf")
    place = tmp_path_factory.mktemp("quiet")
    words = ("export", runs["segmenter"].path, "-o", place / "model", "--to", ",".join(FORMATS))
    return place / "model", _heard(place / "home", "off", *words)


def test_exporting_sends_nothing_and_leaves_nothing_at_home(exported: tuple[Path, Any]) -> None:
    assert exported[1] == ([], [])


@pytest.mark.parametrize("runtime", ["openvino", "onnx"])
def test_predicting_sends_nothing_and_leaves_nothing_at_home(
    runtime: str, exported: tuple[Path, Any], sem_folder: Path, tmp_path: Path
) -> None:
    picture = next((sem_folder / "t01").glob("*.png"))
    words = ("predict", exported[0], picture, "-o", tmp_path / "out", "--runtime", runtime)
    assert _heard(tmp_path / "home", "off", *words) == ([], [])


def test_the_recorder_hears_what_is_not_switched_off(
    exported: tuple[Path, Any], runs: dict[str, Any], sem_folder: Path, tmp_path: Path
) -> None:
    """The control: left to themselves all three send, or write who one is into the user's home."""
    words = ("export", runs["segmenter"].path, "-o", tmp_path / "model", "--to", "openvino-int8")
    said, written = _heard(tmp_path / "home", "on", *words)
    assert len(said) > 3 and [name for name in written if "intel" in name]
    picture = next((sem_folder / "t01").glob("*.png"))
    words = ("predict", exported[0], picture, "-o", tmp_path / "out", "--runtime")
    said, written = _heard(tmp_path / "home2", "on", *words, "openvino")
    assert said and written
    _, written = _heard(tmp_path / "home3", "on", *words, "onnx", "--force")
    assert [name for name in written if name.endswith("onnxruntime/deviceid")]
