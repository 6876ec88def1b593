"""KerasTuner's users find our networks, the results of a search, and a search that grows."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

import copper_tf
from copper_tf.cli.main import main
from copper_tf.config import PAPER, default_config
from copper_tf.tuning import HyperModel, open_search
from tests.conftest import eagerly
from tfds_copper.errors import RunError, SettingError
from tuning import trials

TINY: dict[str, Any] = {"crop": 48, "d": 1, "n": 1, "batch_size": 6, "policy": "float32"}
WORDS = ("--crop", "48", "--d", "1", "--n", "1", "--batch-size", "6", "--policy", "float32", "--epochs", "1")


def test_the_example_runs(dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eager: None) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = doctest.DocTestFinder(recurse=False).find(HyperModel, globs={"data": dataset.path, "tiny": TINY})
    runner = doctest.DocTestRunner()
    assert runner.run(example).attempted == 5 and runner.summarize().failed == 0


def test_hyperband_goes_on_with_its_own_checkpoints(dataset: Any, tmp_path: Path, eager: None) -> None:
    model = HyperModel("segmenter", str(dataset.path), ["c=4,6"], margin=8, **TINY)
    objective = keras_tuner.Objective("val_nmse", "min")
    tuner = keras_tuner.Hyperband(
        model, objective, max_epochs=2, factor=2, hyperband_iterations=1, directory=tmp_path, seed=1
    )
    tuner.search(verbose=0)
    epochs = {trial.hyperparameters.values["tuner/epochs"] for trial in tuner.oracle.trials.values()}
    assert 2 in epochs and all(np.isfinite(trial.score) for trial in tuner.oracle.trials.values())
    (best,) = tuner.get_best_models(1)
    assert best(np.zeros((1, 32, 32, 1), np.float32)).shape == (1, 32, 32, 1)
    # Opened again, it knows what was done.
    again = keras_tuner.Hyperband(
        model, objective, max_epochs=2, factor=2, hyperband_iterations=1, directory=tmp_path, seed=1
    )
    assert set(again.oracle.trials) == set(tuner.oracle.trials)


@pytest.mark.parametrize(
    ("space", "settings", "message"),
    [
        (["c=4,x"], {}, "values of c must be whole numbers. Received: 'x'"),
        (["c=4"], {"c": 8}, "c is either searched or given. Received: both"),
        (["c=4"], {"e": 8}, "unknown setting.*Received: e"),
        (["c=4"], {"hypothesis": "constant"}, "hardly varies over the labels"),
        (["c=4"], {"learn": "iterative"}, "learn must be fixed in a HyperModel; .*Received: iterative"),
        (["c=4"], {"restarts": 3, "epochs": 9}, "restarts must be 0 in a HyperModel"),
    ],
)
def test_mistakes_are_said_before_anything_is_trained(
    dataset: Any, space: list[str], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        HyperModel("segmenter", dataset, space, **settings)


def test_networks_begin_with_the_settings_of_a_preset(dataset: Any) -> None:
    count = dataset.split_sizes["train"]
    assert HyperModel("classifier", dataset, ["c"]).base == default_config("classifier").for_pictures(count)
    paper = HyperModel("classifier", dataset, ["c"], preset=PAPER)
    assert paper.base == default_config("classifier", PAPER).for_pictures(count)
    assert HyperModel("segmenter", dataset, ["c"]).base == default_config("segmenter", PAPER).for_pictures(count)


def test_the_learning_rate_falls_over_the_epochs_of_the_tuner(dataset: Any, eager: None) -> None:
    model = HyperModel("classifier", dataset, ["c=4"], epochs=5, **TINY)
    hp = keras_tuner.HyperParameters()
    network = model.build(hp)
    seen: list[float] = []

    class Rates(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(float(self.model.optimizer.learning_rate))

    model.fit(hp, network, epochs=8, callbacks=[Rates()], verbose=0)
    # Half of it is left in the middle, and nothing at the end, whatever the settings say.
    assert len(seen) == 8 and seen[3] == pytest.approx(model.base.training.learning_rate / 2, rel=0.01)
    assert 0 <= seen[-1] < 1e-9 < seen[-2]


@pytest.fixture(scope="module")
def search(dataset: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search of two points."""
    path = tmp_path_factory.mktemp("search") / "s"
    with eagerly():
        words = ["search", "classifier", str(dataset.path), "-o", str(path), "--oracle", "grid", *WORDS]
        assert main([*words, "--space", "c=4,6"]) == 0
    return path


def test_results_are_read_by_kerastuners_api(search: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(p for p in search.rglob("*") if p.is_file())
    tuner = copper_tf.tuning.open_search(str(search))
    tuner.results_summary()
    shown = capsys.readouterr().out
    assert "Trial c4 summary" in shown and "Trial c6 summary" in shown and "Score: " in shown
    found = copper_tf.search_result(search)
    best = tuner.oracle.get_best_trials(1)[0]
    assert best.trial_id == found.best and best.score == found.best_trial.objective
    assert tuner.get_best_hyperparameters()[0].get("c") == int(found.best[1:])
    models = tuner.get_best_models(2)
    picture = np.zeros((1, 32, 32, 1), np.float32)
    expected = copper_tf.load(search / "runs" / found.best).predictor.model(picture)
    np.testing.assert_array_equal(models[0](picture), expected)
    with pytest.raises(SettingError, match="continued by `copper search --resume`"):
        tuner.run_trial(best)
    page = {"report/search.html", "search_result.json"}
    after = sorted(p for p in search.rglob("*") if p.is_file() and str(p.relative_to(search)) not in page)
    assert after == [p for p in before if str(p.relative_to(search)) not in page]


def test_a_folder_without_a_search_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="must be a folder of a search"):
        open_search(tmp_path)


def test_a_search_grows_by_values(
    search: Path, dataset: Any, capsys: pytest.CaptureFixture[str], eager: None
) -> None:  # fmt: skip
    done = {file: file.stat().st_mtime_ns for file in search.glob("runs/*/scores/trial.json")}
    again = ["search", "classifier", str(dataset.path), "-o", str(search), "--resume"]
    assert main([*again, "--space", "d=1,2"]) == 2
    assert "space can grow by values of c; another setting needs a new search. Received: d" in capsys.readouterr().err
    assert main([*again, "--space", "c=8"]) == 0
    grown = trials.open_search(search)
    assert dict(grown.space.values) == {"c": (4, 6, 8)} and list(grown.sweep.plan) == ["c4", "c6", "c8"]
    assert {t.name for t in copper_tf.search_result(search).trials if t.status == "done"} == {"c4", "c6", "c8"}
    assert all(file.stat().st_mtime_ns == stamp for file, stamp in done.items())
    # A resume that names no space takes all of it.
    assert main(again) == 0 and dict(trials.open_search(search).space.values) == {"c": (4, 6, 8)}
