"""A finished run is trained further, and a new one begins with the weights of another."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from copper_tf.runs.records import TrainingRecord
from copper_tf.runs.run import BEST, INITIAL, Run, create_run, open_run
from copper_tf.training.initial import ensure_initial
from copper_tf.training.loop import train
from tests.conftest import small
from tfds_copper.errors import RunError, SettingError

pytestmark = pytest.mark.usefixtures("eager")


def _rows(run: Run) -> list[list[float]]:
    return [[value for name, value in row.items() if name != "seconds"] for row in run.history()]


def _copy(run: Run, path: Path) -> Run:
    return open_run(shutil.copytree(run.path, path))


def test_more_epochs_are_as_if_it_had_never_stopped(dataset: Any, tmp_path: Path) -> None:
    first = train(small("classifier", epochs=1), dataset, tmp_path / "a")
    (first.path / "scores" / "evaluation.json").write_text("of older weights")
    (first.path / "report").mkdir()
    longer = train(small("classifier", epochs=2), dataset, first.path, resume=True)
    assert longer.config.training.epochs == 2 and longer.has(TrainingRecord)
    assert not (first.path / "scores" / "evaluation.json").exists() and not (first.path / "report").exists()
    straight = train(small("classifier", epochs=2), dataset, tmp_path / "b")
    np.testing.assert_allclose(_rows(longer), _rows(straight), rtol=1e-4)
    with pytest.raises(RunError, match="epochs must be at least the 2 that are done. Received: 1"):
        train(small("classifier", epochs=1), dataset, first.path, resume=True)
    with pytest.raises(RunError, match="the run's own settings, d = 2. Received: d = 3"):
        train(small("classifier", epochs=3, d=3), dataset, first.path, resume=True)


def test_a_falling_step_size_falls_over_all_epochs(dataset: Any, tmp_path: Path) -> None:
    train(small("segmenter", epochs=1, schedule="cosine"), dataset, tmp_path)
    before = open_run(tmp_path).load_model().get_weights()
    longer = train(small("segmenter", epochs=2, schedule="cosine", keep="best"), dataset, tmp_path, resume=True)
    import keras

    last = longer.last_checkpoint()
    assert last is not None and last[0] == 2
    model = keras.models.load_model(last[1])
    steps = int(model.optimizer.iterations.numpy()) // 2
    assert model.optimizer._learning_rate.decay_steps == 2 * steps
    # It learned something still: with the old schedule the step size would be 0.
    assert any(np.abs(a - b).max() > 1e-4 for a, b in zip(before, model.get_weights(), strict=True))


def test_a_run_that_lost_patience_says_so(dataset: Any, runs: dict[str, Run], tmp_path: Path) -> None:
    run = _copy(runs["classifier"], tmp_path / "run")
    config = run.config.replace(patience=1)
    (run.path / "config.json").write_text(config.to_json())
    rows = run.history()
    rows[1]["val_loss"] = rows[0]["val_loss"] + 1
    run.write_history(rows)
    with pytest.raises(RunError, match="no score was better for 1 epochs; more epochs need a larger patience"):
        train(config.replace(epochs=4), dataset, run.path, resume=True)


@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
@pytest.mark.parametrize("new_head", [False, True])
def test_a_run_begins_with_the_weights_of_another(
    kind: str, new_head: bool, dataset: Any, runs: dict[str, Run], tmp_path: Path
) -> None:
    source = runs[kind]
    # Nothing is learned, so that what it began with can be seen.
    config = small(kind, epochs=1, learning_rate=1e-7, seed=9)
    tuned = train(config, dataset, tmp_path / "tuned", weights=source, new_head=new_head)
    model, theirs = tuned.load_model(), source.load_model()
    kernels = [layer.name for layer in theirs.layers if hasattr(layer, "kernel")]
    same = {n: np.allclose(model.get_layer(n).kernel, theirs.get_layer(n).kernel, atol=1e-4) for n in kernels}
    assert len(same) > 2 and [n for n, is_same in same.items() if not is_same] == kernels[-1:] * new_head
    began = json.loads((tuned.path / "data.json").read_text())["initial_weights"]
    assert began["run"] == str(source.path.resolve()) and began["new_head"] == new_head
    assert not [text for text in tuned.caveats if "began with the weights" in text]


def test_weights_of_other_pictures_are_mentioned_and_outlive_their_run(
    dataset: Any, runs: dict[str, Run], tmp_path: Path
) -> None:
    source = _copy(runs["classifier"], tmp_path / "source")
    data = json.loads((source.path / "data.json").read_text())
    (source.path / "data.json").write_text(json.dumps({**data, "fingerprint": "of others"}))
    config = small("classifier", epochs=1)
    tuned = train(config, dataset, tmp_path / "tuned", weights=open_run(source.path))
    assert any("began with the weights of source" in text for text in tuned.caveats)
    # Killed before its first epoch was done, it begins with the same.
    kept = (tuned.checkpoints / INITIAL).read_bytes()
    for file in tuned.checkpoints.glob("last-*"):
        file.unlink()
    shutil.rmtree(source.path)
    again = train(config, dataset, tuned.path, resume=True)
    assert (again.checkpoints / INITIAL).read_bytes() == kept
    with pytest.raises(RunError, match=r"began with .*source. Received: weights of"):
        train(config, dataset, tuned.path, resume=True, weights=runs["classifier"])


def test_weights_that_changed_before_they_were_copied_are_refused(
    dataset: Any, runs: dict[str, Run], tmp_path: Path
) -> None:
    source = _copy(runs["classifier"], tmp_path / "source")
    began = {"run": str(source.path), "sha256": "0123456789abcdef", "new_head": False}
    made = dataclasses.replace(source, path=tmp_path / "new", data={**source.data, "initial_weights": began})
    create_run(made)
    with pytest.raises(RunError, match=r"new: must begin with the weights that .* had, sha256 0123456789ab\. Rec"):
        ensure_initial(made)
    made.data["initial_weights"]["sha256"] = hashlib.sha256((source.checkpoints / BEST).read_bytes()).hexdigest()
    ensure_initial(made)
    assert (made.checkpoints / INITIAL).is_file()


def test_patience_needs_the_best_epoch_however_a_run_is_trained(
    dataset: Any, runs: dict[str, Run], tmp_path: Path
) -> None:
    for config, folder in (
        (small("classifier", keep="last").replace(patience=2), tmp_path / "new"),
        (runs["classifier"].config.replace(patience=2, keep="last"), _last(runs["classifier"], tmp_path / "old").path),
    ):
        with pytest.raises(SettingError, match="keep must be best where patience is over 0"):
            train(config, dataset, folder, resume=True)


def _last(run: Run, path: Path) -> Run:
    """A copy that keeps the last weights."""
    copy = _copy(run, path)
    (path / "config.json").write_text(run.config.replace(keep="last").to_json())
    return copy


def test_weights_that_do_not_fit_are_refused(dataset: Any, runs: dict[str, Run], tmp_path: Path) -> None:
    classifier, segmenter = runs["classifier"], runs["segmenter"]
    other = dataclasses.replace(classifier, labels=dataclasses.replace(classifier.labels, times=(0.0, 1.0, 5.0)))
    empty = _copy(classifier, tmp_path / "empty")
    (empty.checkpoints / BEST).unlink()
    for config, source, new_head, message in (
        (small("classifier"), segmenter, False, "weights must be those of a classifier. Received: a segmenter"),
        (small("classifier", d=3), classifier, False, "a network with d = 3. Received: d = 2"),
        (small("classifier", head="corn"), classifier, False, "a network with head = corn. Received: head = softmax"),
        (small("classifier"), other, False, "for labels t = 0, 1, 5; --new-head begins with a fresh one"),
        (small("segmenter", restarts=3, restart_epochs=1), segmenter, False, "restarts must be 0 where weights"),
        (small("classifier"), empty, False, "not trained yet; weights need checkpoints"),
    ):
        with pytest.raises((RunError, SettingError), match=message):
            train(config, dataset, tmp_path / "new", weights=source, new_head=new_head)
        assert not (tmp_path / "new").exists()


def test_other_labels_go_with_a_new_head(dataset: Any, runs: dict[str, Run], tmp_path: Path) -> None:
    source = dataclasses.replace(
        runs["classifier"], labels=dataclasses.replace(runs["classifier"].labels, times=(0.0, 1.0, 5.0))
    )
    tuned = train(small("classifier", epochs=1, head="corn"), dataset, tmp_path / "r", weights=source, new_head=True)
    assert tuned.labels.times == tuple(dataset.times) and tuned.history()
