"""The demo's budget: what a slow computer is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from copper_tf.cli import demo
from tfds_copper.errors import SettingError


@pytest.mark.parametrize(("needed", "expected"), [(5, [demo._BUDGET]), (30, [demo._BUDGET, demo._SLOW])])
def test_a_computer_too_slow_for_the_budget_is_given_a_larger_one(
    needed: float, expected: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[float] = []

    def fit(folder: Path, output: Path, *, budget: float, **_: Any) -> str:
        asked.append(budget)
        if budget < needed:
            raise SettingError("budget must be at least 30 minutes")
        return "fitted"

    monkeypatch.setattr(demo, "fit", fit)
    assert demo._fitted(tmp_path, tmp_path / "fit", None) == "fitted" and asked == expected
