"""Sheets that are imaged again are the same sheets."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.decisions import reimaging
from benchmarks.maps.ood import set_otherwise
from benchmarks.maps.unknown_law import world_settings

_SETTINGS = world_settings("copper .9 to .2", 3)


@pytest.mark.parametrize("changed", [{"offset": 0.1}, {"gain": 0.85}, {"defocus": 1.0}, {"electrons": 700.0}])
def test_another_setting_shows_the_same_surface(changed: dict[str, float]) -> None:
    pixels, mask = set_otherwise(_SETTINGS, 3, 5)
    again, same = set_otherwise(_SETTINGS, 3, 5, **changed)
    assert mask is not None and same is not None
    assert np.array_equal(mask, same) and not np.array_equal(pixels, again)
    assert np.corrcoef(pixels.ravel().astype(float), again.ravel().astype(float))[0, 1] > 0.5


def test_a_sheet_that_moves_by_more_than_a_quarter_is_counted() -> None:
    names = [f"{name} {value:g}" for name, value in reimaging.CHANGES]
    still = {name: [0.1, -0.2, 0.0, 0.24] for name in names}
    moved = still | {names[0]: [0.1, -0.3, 0.0, 0.24]}
    assert {row[3] for row in reimaging.summary([{"moved": still}])} == {1.0}
    assert reimaging.summary([{"moved": moved}])[0][2:] == pytest.approx((0.01, 0.75, 0.3))
