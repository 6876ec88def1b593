"""The networks that aren't told the law: which settings each recipe has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.maps import unknown_law
from copper_tf.config import ENOUGH_CROPS, default_config


def _flat(recipe: str, dataset: Any) -> dict[str, Any]:
    law = np.linspace(0.7, 0.3, len(dataset.times))
    return unknown_law._settings(recipe, 3, dataset, law).flat()


def test_one_recipe_is_the_default(dataset: Any) -> None:
    assert _flat(unknown_law.LEARNED, dataset) == default_config("segmenter", seed=3).flat()


@pytest.mark.parametrize("recipe", [*unknown_law.RECIPES, *unknown_law.CANDIDATES])
def test_all_others_go_through_fewer_crops(recipe: str, dataset: Any) -> None:
    if recipe != unknown_law.LEARNED:
        crops = _flat(recipe, dataset)["epochs"] * dataset.split_sizes["train"]
        assert unknown_law.CROPS <= crops < ENOUGH_CROPS / 2


@pytest.mark.parametrize("recipe", list(unknown_law.CANDIDATES))
def test_candidates_differ_from_the_default_by_their_own_settings(recipe: str, dataset: Any) -> None:
    usual, found = (_flat(name, dataset) for name in (unknown_law.LEARNED, recipe))
    changed = {name: value for name, value in found.items() if value != usual[name]}
    del changed["epochs"]
    assert changed == unknown_law.CANDIDATES[recipe]
