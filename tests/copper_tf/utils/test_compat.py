"""What differs between operating systems has a fallback, which is tried by hiding what it stands in for."""

from __future__ import annotations

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
