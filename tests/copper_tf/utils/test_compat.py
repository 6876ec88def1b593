"""What differs between operating systems has a fallback, which is tried by hiding what it stands in for."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

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
