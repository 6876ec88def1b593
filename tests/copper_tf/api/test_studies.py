"""Hypotheses and searches by the API: the examples of their docstrings run, and wrong arguments are one line."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import copper_tf
from copper_tf.api import studies
from copper_tf.api.studies import SearchSettings
from tfds_copper.errors import RunError, SettingError

# What the examples call `tiny`.
TINY: dict[str, Any] = {"crop": 48, "margin": 8, "c": 4, "d": 1, "epochs": 1, "batch_size": 6, "policy": "float32"}


@pytest.mark.slow
@pytest.mark.parametrize("function", [studies.hypotheses, studies.search], ids=lambda f: f.__name__)
def test_the_example_runs(
    function: Callable[..., Any], dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # What is searched takes no setting of its own.
    tiny = {name: value for name, value in TINY.items() if name != "c" or function is studies.hypotheses}
    (example,) = doctest.DocTestFinder(recurse=False).find(function, globs={"data": dataset.path, "tiny": tiny})
    runner = doctest.DocTestRunner()
    assert runner.run(example).attempted >= 3 and runner.summarize().failed == 0


def test_a_plan_says_what_would_be_trained_and_writes_nothing(dataset: Any, tmp_path: Path) -> None:
    sweep = copper_tf.plan_hypotheses(dataset.path, tmp_path / "h", compare=["sqrt"], seeds=2, permutations=1, **TINY)
    assert list(sweep.plan) == ["sqrt-seed0", "sqrt-seed1", "levels-permuted-00"]
    search = copper_tf.plan_search("segmenter", dataset, tmp_path / "s", space=["n=1,2"], oracle="grid", **TINY)
    assert list(search.sweep.plan) == ["n1", "n2"] and search.steps == search.grid_steps > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"oracle": "guess"}, "oracle must be one of grid, random, bayesian, hyperband. Received: 'guess'"),
        ({"against": "taste"}, "against must be one of memory, speed. Received: 'taste'"),
        ({"objective": "accuracy"}, "objective must be one of nmse. Received: 'accuracy'"),
        ({"budget": 2}, "budget must be over 0 and at most 1. Received: 2"),
        ({"batch_size": "many"}, "batch_size must be auto or a whole number of at least 1. Received: 'many'"),
        ({"colour": "red"}, "unknown setting; known are .* Received: colour"),
    ],
)
def test_wrong_settings_are_one_line(settings: dict[str, Any], message: str, dataset: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=message):
        copper_tf.plan_search("segmenter", dataset, tmp_path / "s", **settings)


def test_settings_of_a_search_are_told_from_those_of_its_runs() -> None:
    wanted, of_runs = SearchSettings.split({"oracle": "grid", "epochs": 3, "batch_size": 4})
    assert (wanted.oracle, wanted.batch_size, of_runs) == ("grid", 4, {"epochs": 3})


def test_a_folder_without_a_search_has_no_result(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="must be a folder of a search"):
        copper_tf.search_result(tmp_path)
