"""However a command is stopped, by a signal or a full disk, it says so in one line and can go on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from copper_tf.cli.main import cli, main
from copper_tf.runs.run import open_run
from tfds_copper.compat import COMMAND_LINE

_TRAIN = ["train", "classifier", "--epochs", "40", "--c", "4", "--d", "1", "--crop", "48", "--batch-size", "6"]
_FULL = (
    "copper: a place with room that can be written, or a file that can be read, is needed. Received: the disk is full"
)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("file write failed: errno = 28, error message = 'No space left on device'"),
     OSError("16384 requested and 11172 written")],
    ids=["hdf5", "numpy"],
)  # fmt: skip
def test_a_full_disk_is_one_line_whichever_library_meets_it(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(cli, "main", fail)
    assert main(["evaluate", "run"]) == 2
    assert capfd.readouterr().err.splitlines() == [_FULL]


def test_a_package_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As on a PC on which only what predicting needs is installed."""

    def fail(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("No module named 'jinja2'", name="jinja2.ext")

    monkeypatch.setattr(cli, "main", fail)
    assert main(["check", "FOLDER"]) == 2
    said = "copper: needs the package jinja2; install all of copper-tf. Received: no such"
    assert capfd.readouterr().err.splitlines() == [said]


def test_a_fault_of_ours_is_never_taken_for_a_bad_result(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a slip of ours\nand more")

    monkeypatch.setattr(cli, "main", fail)
    assert main(["evaluate", "run"]) == 70
    err = capfd.readouterr().err
    assert "Traceback" in err and "in fail" in err
    said = "copper: a fault of copper-tf; please report it with the lines above. Received: "
    assert err.splitlines()[-1] == said + "RuntimeError: a slip of ours"


class ResourceExhaustedError(Exception):
    """By its name TensorFlow's own, which isn't imported for a message."""


@pytest.mark.parametrize("kind", [MemoryError, ResourceExhaustedError])
def test_memory_that_is_not_enough_is_one_line(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise kind("OOM when allocating a tensor\nand more")

    monkeypatch.setattr(cli, "main", fail)
    assert main(["train", "segmenter", "DATA", "-o", "run"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "out of memory; a smaller --batch-size or --crop" in line and line.endswith("OOM when allocating a tensor")


def _epochs(run: Path) -> int:
    """How many epochs of a run are done."""
    return max((int(p.stem.partition("-")[2]) for p in run.glob("checkpoints/last-*.keras")), default=0)


@pytest.mark.slow
def test_sigterm_ends_a_training_as_ctrl_c_does(dataset: Any, tmp_path: Path) -> None:
    words = [*_TRAIN, dataset.path, "-o", tmp_path / "run", "--epochs", "5000"]
    command = [sys.executable, "-m", "copper_tf.cli.main", *map(str, words)]
    ended, seen = [], -1
    for number in (signal.SIGINT, signal.SIGTERM):
        resume = ["--resume"] if ended else []
        # Whoever runs the tests in the background has them ignore Ctrl-C.
        heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)} if os.name == "posix" else {}
        with subprocess.Popen([*command, *resume], stderr=subprocess.PIPE, text=True, **heard) as process:
            assert process.stderr
            while process.poll() is None and _epochs(tmp_path / "run") < seen + 3:
                time.sleep(0.1)
            process.send_signal(number)
            ended.append((process.stderr.read().strip().splitlines()[-1], process.wait(60)))
        seen = _epochs(tmp_path / "run")
    assert ended == [("copper: stopped; what was finished is kept", 130)] * 2
    run = open_run(tmp_path / "run")
    assert 5 <= seen < 5000 and len(run.history()) >= seen
    assert not list(run.path.rglob(".writing-*"))


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Any]:
    """Mounts a small disk of so many KiB; a test that needs it skips where that isn't allowed."""
    place = tmp_path / "tiny"
    place.mkdir()

    def mounted(size: int) -> Path:
        mount = shutil.which("mount")
        if not mount or os.name != "posix" or subprocess.run(
            [mount, "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(place)], capture_output=True
        ).returncode:  # fmt: skip
            pytest.skip("only root may mount a small disk")
        return place

    yield mounted
    subprocess.run(["umount", str(place)], capture_output=True)


def _ended(*words: object) -> tuple[int, list[str]]:
    """Exit code and what is left of the error stream without the progress."""
    command = [sys.executable, "-m", "copper_tf.cli.main", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("copper") or "Error" in line]


@pytest.mark.slow
@pytest.mark.parametrize("size", [600, 720])
def test_a_disk_that_becomes_full_ends_training_in_one_line_and_the_run_goes_on(
    size: int, tiny: Any, dataset: Any
) -> None:
    place = tiny(size)
    code, said = _ended(*_TRAIN, dataset.path, "-o", place / "run", "--c", 16, "--d", 3)
    assert (code, said) == (2, [_FULL])
    assert not list(place.rglob(".writing-*"))


@pytest.mark.slow
def test_a_disk_that_becomes_full_ends_a_build_in_one_line(tiny: Any, sem_folder: Path) -> None:
    place = tiny(100)
    code, said = _ended("build", sem_folder, "-o", place / "data", "--split", "6/2/2")
    assert code == 2 and len(said) == 1 and said[0].endswith("Received: the disk is full")


@pytest.mark.slow
def test_tfds_build_says_so_in_one_line_too(tiny: Any, sem_folder: Path) -> None:
    place = tiny(100)
    words = ["build", "copper_sem", "--imports", "tfds_copper", "--manual_dir", sem_folder, "--data_dir", place]
    words += ["--config", '{"split": "6/2/2"}']
    command = [sys.executable, "-m", COMMAND_LINE, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("tfds: ")]
    assert said == [f"tfds: {place}: must be a folder with space that can be written. Received: the disk is full"]
