"""Learning g: anchors, and a g that moves while training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from copper_tf.analysis.evaluation import evaluate
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.cli.main import main
from copper_tf.config import default_config
from copper_tf.decay import estimation as estimate
from copper_tf.reports.evaluation.page import render_evaluation
from copper_tf.runs.records import HypothesisRecord
from copper_tf.runs.run import open_run
from copper_tf.training.hypothesis_learning import tables
from copper_tf.training.loop import compile_model, train
from tests.conftest import eagerly, small
from tfds_copper.errors import InputError, SettingError


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("classifier", {"learn": "anchors"}, "learn is for the segmenter.* Received: anchors"),
        ("segmenter", {"learn": "guess"}, "learn must be one of fixed, anchors, iterative, areas. Received: 'guess'"),
        ("segmenter", {"learn": "anchors", "hypothesis": "sqrt"}, "hypothesis must be left out .* Received: sqrt"),
        ("segmenter", {"learn": "iterative", "patience": 3}, "patience must be 0 .* Received: 3"),
    ],
)
def test_settings_that_nothing_would_read_are_refused(kind: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        default_config(kind, **settings)


def test_a_start_that_does_not_fall_is_refused(dataset: Any, tmp_path: Path) -> None:
    config = small("segmenter", learn="iterative", hypothesis='{"0": 0.4, "1": 1, "2": 0.3}')
    with pytest.raises(SettingError, match="must fall by at least 0.2 .* Received: 0.4 to 0.3"):
        train(config, dataset, tmp_path / "run")


def _without(dataset: Any, split: str, label: int) -> Any:
    """The dataset as if a split had no picture of a label."""

    class Without(type(dataset)):
        def records(self, name: str, pictures: bool = True) -> Any:
            every = super().records(name, pictures)
            return every.filter(lambda record: record["label"] != label) if name == split else every

    return Without(**vars(dataset))


@pytest.mark.parametrize(
    ("learn", "split", "label", "message"),
    [
        (
            "anchors",
            "train",
            2,
            "split 'train' must hold pictures of the first and the last t. Received: none of t = 2",
        ),
        ("iterative", "validation", 1, "'validation' must hold pictures of every t. Received: none of t = 1"),
    ],
)
def test_labels_that_learning_needs_are_named(
    dataset: Any, tmp_path: Path, learn: str, split: str, label: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        train(small("segmenter", learn=learn), _without(dataset, split, label), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module", autouse=True)
def _untraced() -> Iterator[None]:
    with eagerly():
        yield


@pytest.fixture(scope="module")
def anchors(dataset: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    run = train(small("segmenter", learn="anchors"), dataset, tmp_path_factory.mktemp("learn") / "anchors")
    evaluate(run, dataset)
    return run


@pytest.fixture(scope="module")
def moving(dataset: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        # So small a net tells nothing apart yet; g shall move all the same.
        patch.setattr(estimate, "READABLE_SPAN", -1)
        config = small("segmenter", learn="iterative", epochs=3)
        run = train(config, dataset, tmp_path_factory.mktemp("learn") / "moving")
    evaluate(run, dataset)
    return run


def test_anchors_see_the_ends_alone(anchors: Any, dataset: Any) -> None:
    from copper_tf.data.crops import CropStream
    from copper_tf.data.pictures import load_pictures
    from copper_tf.training.hypothesis_learning import learnable

    assert np.isnan(anchors.hypothesis[1]) and anchors.hypothesis[::2] == (1, 0)
    whole = load_pictures(dataset, "train")
    ends = learnable(dataset, anchors.config, "train", whole)
    stream = CropStream(ends, anchors.config, anchors.normalisation, augment=True)
    drawn = np.concatenate([stream.batch(k)[1] for k in range(stream.steps)])
    assert sorted(drawn) == [0] * 6 + [2] * 6
    # What a picture is normalised by doesn't depend on which ones are trained on.
    assert (ends.mean, ends.sd) == (whole.mean, whole.sd) == (anchors.normalisation.mean, anchors.normalisation.sd)


def test_scores_of_anchors_count_the_ends(anchors: Any) -> None:
    scores = anchors.read(Evaluation)
    test, pictures = scores.splits["test"], scores.pictures.of_split("test")
    ends = pictures["label"] != 1
    m, g = pictures["potency"][ends], 1 - pictures["label"][ends] / 2
    assert test.scores["nmse"] == pytest.approx(np.mean((m - g) ** 2) / np.var(g))
    assert (scores.hypothesis.name, scores.hypothesis.learn, scores.hypothesis.initial_g) == ("anchors", "anchors", ())
    np.testing.assert_array_equal(scores.hypothesis.g, [1, np.nan, 0])
    assert np.isfinite(test.reanchored_curve[1]) and len(test.curve_intervals) == 3


def test_g_moves_and_the_run_keeps_both(moving: Any) -> None:
    import keras

    assert moving.initial_hypothesis == (1, 0.5, 0) and moving.hypothesis[1] != 0.5 and moving.hypothesis[::2] == (1, 0)
    record = HypothesisRecord.read(moving.path / "hypothesis.json")
    assert record == moving.hypothesis_record and record.initial_g == (1, 0.5, 0) and record.learn == "iterative"
    # The last weights are the run's, and both tables of the checkpoint hold the same g.
    assert moving.best_epoch() == 2
    model = keras.models.load_model(moving.last_checkpoint()[1])
    pictures = np.zeros((2, 32, 32, 1), np.float32)
    model.evaluate(pictures, np.array([0, 2]), verbose=0)
    assert [tuple(table.values) for table in tables(model)] == [moving.hypothesis] * 2


def test_tensorboard_shows_g_of_every_label(moving: Any) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(moving.path / "tensorboard")).Reload()
    tags = [tag for tag in events.Tags()["tensors"] if tag.startswith("learned g")]
    assert len(tags) == 3 and len(events.Tensors(tags[0])) == 3


def test_the_loss_leaves_unknown_labels_out() -> None:
    from copper_tf.models.factory import build

    config = small("segmenter", margin=0)
    model = build(config, 3)
    compile_model(model, config, (1.0, float("nan"), 0.0))
    np.testing.assert_array_equal(np.asarray(model.loss.table.weights), [1, 0, 1])
    pictures = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype(np.float32)
    assert float(model.evaluate(pictures, np.array([1, 1]), verbose=0, return_dict=True)["loss"]) == 0


@pytest.mark.slow
def test_pages_say_that_g_was_learned(anchors: Any, moving: Any, runs: dict[str, Any]) -> None:
    for run, words in ((anchors, "on the first and the last t alone"), (moving, "it started from linear and moved")):
        text = render_evaluation(run).read_text()
        assert words in text and "Estimated ageing curve a(t)" in text
    assert ">g at the start</th>" in text and f"<td>{moving.hypothesis[1]:.3f}</td>" in text
    assert "was not supposed" not in render_evaluation(runs["segmenter"]).read_text()
    assert "Estimated ageing curve" not in render_evaluation(runs["classifier"]).read_text()


def test_predictions_and_exports_say_that_g_was_learned(
    moving: Any, runs: dict[str, Any], sem_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = str(next(sem_folder.glob("t*/*.png")))
    assert main(["export", str(moving.path), "-o", str(tmp_path / "export")]) == 0
    note = f"g was learned (iterative, from linear): 1.00 at 0, {moving.hypothesis[1]:.2f} at 1, 0.00 at 2"
    for model in (moving.path, tmp_path / "export"):
        capsys.readouterr()
        assert main(["predict", str(model), picture, "-o", str(tmp_path / model.name)]) == 0
        assert note in capsys.readouterr().out
    assert main(["predict", str(runs["segmenter"].path), picture, "-o", str(tmp_path / "fixed")]) == 0
    assert "g was" not in capsys.readouterr().out
    metadata = json.loads((tmp_path / "export" / "savedmodel" / "assets.extra" / "copper.json").read_text())
    record = open_run(moving.path).hypothesis_record
    assert HypothesisRecord.from_dict(metadata["hypothesis"]) == record == moving.hypothesis_record


@pytest.mark.slow
@pytest.mark.parametrize(("reading", "between"), [("number", 1 - (1 / 8) ** 0.5), ("rank", 1 - 0.5**0.5)])
def test_uneven_times_are_read_as_numbers_or_as_ranks(
    sem_folder: Path, tmp_path: Path, reading: str, between: float
) -> None:
    from tfds_copper.copper_sem import build
    from tfds_copper.dataset import open_dataset
    from tfds_copper.splits.assign import SplitSettings

    for old, new in (("t00", "0h"), ("t01", "60 min"), ("t02", "8h")):
        shutil.copytree(sem_folder / old, tmp_path / "sem" / new)
    built = open_dataset(build(tmp_path / "sem", tmp_path / "built", SplitSettings(split="6/2/2")))
    run = train(small("segmenter", hypothesis="sqrt", time_scale=reading, epochs=1, d=1), built, tmp_path / "run")
    assert run.labels.times == (0.0, 60.0, 480.0) and run.labels.unit == "min"
    np.testing.assert_allclose(run.hypothesis, (1, between, 0), atol=1e-6)
