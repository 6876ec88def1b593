"""The networks that aren't told the law: which settings each recipe has."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.maps import mixture, unknown_law
from copper_tf.analysis.trust.mixture import mixture_of
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


def test_textures_of_all_surfaces_are_asked(
    dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[int, str]] = []

    def world(folder: Path, seed: int, surface: str, tiles: Path | None) -> Any:
        asked.append((seed, surface))
        return dataset

    monkeypatch.setattr(mixture, "world", world)
    monkeypatch.setattr(mixture, "RESULTS", tmp_path)
    words = ["--surfaces", "gradual, hard", "copper", "--seeds", "2", "--output", str(tmp_path / "out")]
    assert mixture.main(words) == mixture.main(words) == 0
    assert asked == [(seed, surface) for surface in ("gradual, hard", "copper") for seed in (0, 1)]
    rows = json.loads((tmp_path / "mixture.json").read_text())["surfaces"]
    value = mixture_of(dataset)
    assert [(row["surface"], row["seed"]) for row in rows] == [
        (s, k) for s in ("copper", "gradual, hard") for k in (0, 1)
    ]
    assert all(row["mixture"] == (None if math.isnan(value) else value) for row in rows)
    assert "gradual, hard" in capfd.readouterr().out


@pytest.mark.parametrize("surface", list(unknown_law.BY_DEGREES))
def test_more_surfaces_change_by_degrees(surface: str) -> None:
    settings = unknown_law.world_settings(surface, 4)
    assert settings.world == "gradual" and settings.seed == 4
