"""Training by the API: the examples of its docstrings run, and what can't be trained is one line."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import copper_tf
from copper_tf.api import training
from copper_tf.api.training import config_of, training_config
from copper_tf.config import KINDS, default_config
from copper_tf.data import pictures
from tests.conftest import small
from tfds_copper.errors import SettingError


@pytest.mark.parametrize("function", [training.train, training.training_config], ids=lambda f: f.__name__)
def test_the_example_runs(function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = doctest.DocTestFinder(recurse=False).find(function, globs={})
    runner = doctest.DocTestRunner()
    assert runner.run(example).attempted >= 2 and runner.summarize().failed == 0


def test_settings_change_those_of_a_config_or_of_the_run_that_goes_on(runs: dict[str, Any]) -> None:
    config = small("segmenter", c=6)
    assert copper_tf.training_config(config, epochs=3) == config.replace(epochs=3)
    run = runs["segmenter"]
    assert copper_tf.training_config("segmenter", run.path, resume=True, epochs=9) == run.config.replace(epochs=9)
    assert copper_tf.training_config("segmenter", run.path).model == copper_tf.default_config("segmenter").model
    with pytest.raises(copper_tf.RunError, match="continue|goes on with.*segmenter. Received: classifier"):
        copper_tf.training_config("classifier", run.path, resume=True)


def test_folds_are_not_one_run_and_seeds_are_counted_from_one(sem_folder: Path, tmp_path: Path) -> None:
    copper_tf.build_folds(sem_folder, tmp_path / "data", folds=3)
    with pytest.raises(copper_tf.InputError, match="train_runs takes folds; .*Received: 3 folds"):
        copper_tf.train(small("segmenter"), tmp_path / "data", tmp_path / "run")
    with pytest.raises(copper_tf.SettingError, match="seeds must be a whole number of at least 1. Received: 0"):
        next(copper_tf.train_runs(small("segmenter"), tmp_path / "data", tmp_path / "run", seeds=0))
    assert not (tmp_path / "run").exists()


def test_open_epochs_are_as_many_in_all_folds_and_members_are_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copper_tf.simulate(tmp_path / "sem", labels=3, pictures=7, sheets=7, height=64, width=64)
    copper_tf.build_folds(folder, tmp_path / "data", folds=4)
    sizes = [one.split_sizes["train"] for one in copper_tf.open_folds(tmp_path / "data")]
    assert len(set(sizes)) > 1
    asked: list[Any] = []

    def noted(config: Any, dataset: Any, where: Path, **_: Any) -> Any:
        asked.append(config.for_pictures(dataset.split_sizes["train"]))
        return SimpleNamespace(path=where, config=asked[-1])

    monkeypatch.setattr("copper_tf.training.loop.train", noted)
    monkeypatch.setattr("copper_tf.api.training._finish", lambda run: run)
    list(copper_tf.train_runs("segmenter", tmp_path / "data", tmp_path / "runs"))
    assert len(asked) == 4 and len({config.to_json() for config in asked}) == 1
    assert asked[0] == copper_tf.default_config("segmenter").for_pictures(min(sizes))
    # What a kill left out goes on like the members that are there, whatever preset they have.
    asked.clear()
    begun = copper_tf.default_config("segmenter", "paper", epochs=9)
    monkeypatch.setattr("copper_tf.api.training.is_run", lambda path: path.name == "fold_1")
    monkeypatch.setattr("copper_tf.api.training.open_run", lambda path: SimpleNamespace(path=path, config=begun))
    list(copper_tf.train_runs("segmenter", tmp_path / "data", tmp_path / "runs", resume=True))
    assert {config.to_json() for config in asked} == {begun.to_json()}


def test_members_of_an_ensemble_decode_the_pictures_once(dataset: Any, tmp_path: Path, monkeypatch: Any) -> None:
    decoded: list[str] = []

    def counted(of: Any, split: str, progress: Any) -> Any:
        decoded.append(split)
        return SimpleNamespace(split=split)

    def read(config: Any, of: Any, where: Path, **_: Any) -> Any:
        for split in ("train", "validation"):
            pictures.load_pictures(of, split)
        return SimpleNamespace(path=where, config=config)

    monkeypatch.setattr(pictures, "_decoded", counted)
    monkeypatch.setattr("copper_tf.training.loop.train", read)
    monkeypatch.setattr("copper_tf.api.training._finish", lambda run: run)
    runs = list(copper_tf.train_runs(small("classifier"), dataset, tmp_path / "runs", seeds=3))
    assert [run.config.training.seed for run in runs] == [0, 1, 2] and decoded == ["train", "validation"]
    pictures.load_pictures(dataset, "train")
    assert decoded[2:] == ["train"]


@pytest.mark.usefixtures("eager")
def test_settings_in_a_file_and_the_keras_model_of_a_run(dataset: Any, tmp_path: Path) -> None:
    import keras

    file = tmp_path / "config.json"
    file.write_text(small("classifier", epochs=1).to_json())
    config = config_of(str(file))
    assert config == small("classifier", epochs=1)
    run = copper_tf.train(config, dataset, tmp_path / "run")
    model = keras.models.load_model(run.path / "model.keras")
    picture = np.random.default_rng(0).integers(0, 256, (70, 67)).astype(np.uint8)
    found = copper_tf.load(run).predict(picture).probabilities
    np.testing.assert_allclose(model(picture[None, ..., None])[0], found, atol=1e-5)
    # Its network is the default of what begins with its weights, whatever the preset says.
    tuned = training_config("classifier", weights=run.path)
    assert tuned.model == run.config.model and tuned.training.restarts == 0


def test_a_file_with_some_settings_has_the_defaults_of_its_kind_for_the_rest(tmp_path: Path) -> None:
    for kind in KINDS:
        file = tmp_path / f"{kind}.json"
        file.write_text(json.dumps({"kind": kind, "model": {"c": 8}}))
        assert config_of(file) == default_config(kind, c=8)


def test_training_that_stops_after_the_best_epoch_keeps_the_best(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="keep must be best where patience is over 0.* keep = last, patience = 5"):
        training_config("classifier", patience=5)
    assert training_config("classifier", patience=5, keep="best").training.patience == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be settings as --dry-run prints them, in JSON"),
        ("[1]", "Received: another form"),
        ('{"kind": "classifier", "model": {"e": 2}}', "config.json: .*e"),
        ('{"kind": "classifier", "model": {"d": 99}}', "d must be a whole number from 1 to 8. Received: 99"),
        ('{"kind": "painter"}', "kind must be one of"),
    ],
)
def test_a_file_that_holds_no_settings_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(SettingError, match=message) as caught:
        config_of(tmp_path / "config.json")
    assert str(tmp_path / "config.json") in str(caught.value)
