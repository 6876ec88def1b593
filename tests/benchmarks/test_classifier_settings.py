"""The comparison of a classifier's settings: what each recipe trains, and what is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import classifier_settings
from copper_tf.config import DEFAULT, ENOUGH_CROPS, PAPER, default_config

_TWO = ["cosine", "cosine, local grey values, head coral, three times as long"]


def test_one_recipe_is_the_default_and_one_the_papers() -> None:
    times = classifier_settings._TIMES["cosine, local grey values, head coral, three times as long"]
    assert times * classifier_settings.CROPS == ENOUGH_CROPS
    recipes = {name: default_config("classifier", PAPER, **own) for name, own in classifier_settings.RECIPES.items()}
    assert recipes["cosine, local grey values, head coral"] == default_config("classifier", DEFAULT)
    assert recipes["preset paper"] == default_config("classifier", PAPER)
    longer = recipes.pop("cosine, local grey values, head coral, three times as long")
    assert longer in recipes.values() and len(set(map(str, recipes.values()))) == len(recipes)


def test_recipes_are_trained_and_what_all_seeds_gave_is_written(
    eager: None, dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    small = {"c": 4, "d": 1, "crop": 32}
    monkeypatch.setattr(classifier_settings, "world", lambda *_: dataset)
    monkeypatch.setattr(classifier_settings, "RESULTS", tmp_path)
    monkeypatch.setattr(classifier_settings, "CROPS", 36)
    for name in _TWO:
        monkeypatch.setitem(classifier_settings.RECIPES, name, classifier_settings.RECIPES[name] | small)
    words = ["--surfaces", "copper", "--recipes", *_TWO, "--output", str(tmp_path / "out")]
    assert classifier_settings.main([*words, "--just", "0"]) == 0
    written = tmp_path / "classifier_settings.json"
    assert not written.exists()
    assert classifier_settings.main([*words, "--seeds", "1"]) == 0
    networks = json.loads(written.read_text())["networks"]
    assert [(one["recipe"], one["seed"], one["epochs"]) for one in networks] == [(_TWO[0], 0, 2), (_TWO[1], 0, 6)]
    assert all(-1 <= one["qwk"] <= 1 and one["mae"] >= 0 for one in networks)
    assert "three times as long" in capfd.readouterr().out
