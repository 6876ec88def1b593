"""One process at a time builds into a folder; the others wait."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tfds_copper.copper_sem.build_dir import build_lock
from tfds_copper.errors import OutputError


def test_a_second_process_waits_until_the_first_is_done(tmp_path: Path) -> None:
    code = "import sys; from tfds_copper.copper_sem.build_dir import build_lock\n"
    code += "with build_lock(sys.argv[1]): print('locked', flush=True); sys.stdin.readline()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    entered = threading.Event()

    def enter() -> None:
        with build_lock(tmp_path):
            entered.set()

    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdin and other.stdout.readline() == "locked\n"
        waiting = threading.Thread(target=enter)
        waiting.start()
        assert not entered.wait(0.5)
        other.communicate("\n")
        assert entered.wait(20)
        waiting.join()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = "import sys; from tfds_copper.copper_sem.build_dir import build_lock\n"
    code += "with build_lock(sys.argv[1]): print('locked', flush=True); sys.stdin.readline()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "locked\n"
        other.kill()
    with build_lock(tmp_path):
        pass


def test_a_place_that_cant_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"must be a folder that can be written. Received: "),
        build_lock(tmp_path / "file" / "built"),
    ):
        pass


def test_a_bucket_has_no_lock() -> None:
    with build_lock("gs://bucket/built"):
        pass
    assert not Path("gs:").exists()
