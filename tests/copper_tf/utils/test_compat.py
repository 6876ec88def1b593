"""What differs between operating systems has a fallback, which is tried by hiding what it stands in for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from copper_tf.utils import compat


def test_the_peak_of_memory_never_falls() -> None:
    held = np.ones(2**25, np.uint8)
    before = compat.peak_memory_bytes()
    assert before > held.size
    del held
    assert compat.peak_memory_bytes() >= before


def test_macos_counts_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    linux = compat.peak_memory_bytes()
    monkeypatch.setattr("sys.platform", "darwin")
    assert compat.peak_memory_bytes() == pytest.approx(linux / 1024, rel=0.1)


def test_without_the_module_resource_psutil_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    peak = compat.peak_memory_bytes()
    monkeypatch.setattr(compat, "resource", None)
    assert 0 < compat.peak_memory_bytes() <= 1.1 * peak
    windows = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=5, peak_wset=7))
    monkeypatch.setattr(psutil, "Process", lambda: windows)
    assert compat.peak_memory_bytes() == 7


def test_memory_is_supposed_where_nothing_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < compat.available_memory_bytes() < psutil.virtual_memory().total
    monkeypatch.setattr(compat, "resource", None)
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert compat.available_memory_bytes() == 2**31 and compat.peak_memory_bytes() == 0


# In a process of its own: a signal that isn't caught would end the process of all tests.
_SIGTERM = """
import os, signal, threading
from copper_tf.utils.compat import interrupt_on_sigterm

before = signal.getsignal(signal.SIGTERM)
try:
    with interrupt_on_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(60)
except KeyboardInterrupt:
    print("interrupted")
assert signal.getsignal(signal.SIGTERM) == before
# Only the main thread may set handlers.
thread = threading.Thread(target=lambda: interrupt_on_sigterm().__enter__())
thread.start()
thread.join()
assert signal.getsignal(signal.SIGTERM) == before
del signal.SIGTERM
with interrupt_on_sigterm():
    print("done without")
"""


def test_sigterm_interrupts() -> None:
    process = subprocess.run([sys.executable, "-c", _SIGTERM], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert process.stdout.split("\n") == ["interrupted", "done without", ""]


# What is hidden stands for a system that was not tried; fasteners, which is not ours, has its own way on each.
_ELSEWHERE = """
import asyncio, os, sys, fasteners  # asyncio is Python's own, made for the system that it really runs on
system, data, place = sys.argv[1:]
if system == "windows":
    for name in ("fcntl", "grp", "pwd", "resource", "termios"):
        sys.modules[name] = None
    del os.sysconf, os.geteuid, os.getuid
else:
    real = os.sysconf

    def sysconf(name):
        if name in ("SC_PAGE_SIZE", "SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):
            raise ValueError("unrecognized configuration name")
        return real(name)

    os.sysconf = sysconf
from copper_tf.cli.main import main
small = "--epochs 2 --c 4 --d 1 --crop 48 --batch-size 6"
assert main(f"train classifier {data} -o {place}/run {small}".split()) == 0
assert main(f"predict {place}/run {place}/a.png -o {place}/out".split()) == 0
"""


@pytest.mark.slow
@pytest.mark.parametrize("system", ["windows", "macos"])
def test_training_and_predicting_do_without_what_a_system_lacks(
    system: str, dataset: Any, sem_folder: Path, tmp_path: Path
) -> None:
    shutil.copy(next((sem_folder / "t01").glob("*.png")), tmp_path / "a.png")
    command = [sys.executable, "-c", _ELSEWHERE, system, str(dataset.path), str(tmp_path)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    assert (tmp_path / "out" / "predictions.csv").is_file()
