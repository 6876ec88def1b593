"""One true training step, the run folder, and training that survives being killed."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from copper_tf.analysis.evaluation import validation_scores
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.config import KL, LOSSES, SQUARED, default_config
from copper_tf.decay import estimation as estimate
from copper_tf.models.factory import build
from copper_tf.models.metrics import NMSE
from copper_tf.models.policy import policy_of, processor_has_bfloat16, resolve_policy
from copper_tf.runs.records import TrainingRecord
from copper_tf.runs.run import BEST, open_run
from copper_tf.training import finish
from copper_tf.training.hypothesis_learning import EVERY
from copper_tf.training.loop import compile_model, train, weighted
from tests.conftest import ROOT, small, worked_in
from tfds_copper.errors import InputError, OutputError, RunError, SettingError

G = (1.0, 0.5, 0.0)


def _weights(run: Any) -> list[np.ndarray]:
    return keras.models.load_model(run.last_checkpoint()[1]).get_weights()


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(("kind", "loss"), [("classifier", SQUARED), ("segmenter", SQUARED), ("segmenter", KL)])
def test_training_steps_lower_the_loss(kind: str, loss: str, policy: str) -> None:
    keras.utils.set_random_seed(0)
    config = small(kind, margin=0, learning_rate=0.01, loss=loss)
    model = build(config, 3, policy)
    compile_model(model, config, G)
    draw = np.random.default_rng(0)
    labels = np.array([0, 1, 2] * 2)
    scale = np.array([2.0, 1.0, 0.2])[labels][:, None, None, None]
    pictures = (draw.normal(size=(6, 32, 32, 1)) * scale).astype(np.float32)
    losses = [model.train_on_batch(pictures, labels, return_dict=True)["loss"] for _ in range(12)]
    assert kind == "classifier" or type(model.loss) is LOSSES[loss]
    assert np.isfinite(losses).all() and losses[-1] < 0.8 * losses[0]
    assert all(w.dtype == "float32" for w in model.trainable_variables)


def _gradients(policy: str, scale: float | None = None) -> np.ndarray:
    """Of all weights, float64, of a segmenter whose means are nearly right; scaled by its optimizer, or by a number."""
    keras.utils.set_random_seed(0)
    config = small("segmenter", margin=0)
    model = build(config, 3, policy)
    compile_model(model, config, (0.55, 0.5, 0.45))
    pictures = np.random.default_rng(0).normal(size=(4, 256, 256, 1)).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = model.loss(np.array([0, 1, 2, 1]), model(pictures, training=True))
        scaled = model.optimizer.scale_loss(loss) if scale is None else loss * scale
    found = tape.gradient(scaled, model.trainable_variables)
    return np.concatenate([np.asarray(g, np.float64).ravel() for g in found]) / float(scaled / loss)


@pytest.mark.slow
def test_small_gradients_are_kept_in_float16() -> None:
    exact = _gradients("float32")
    assert np.all(exact != 0)
    assert np.mean(_gradients("mixed_float16", 1.0) == 0) > 0.05  # what is lost without
    kept = _gradients("mixed_float16")
    assert np.all(kept != 0)
    np.testing.assert_allclose(kept, exact, atol=0.01 * np.abs(exact).max())


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_only_float16_scales_its_loss(policy: str) -> None:
    for kind in ("classifier", "segmenter"):
        config = small(kind, margin=0, schedule="cosine")
        model = build(config, 3, policy)
        compile_model(model, config, G)
        scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert policy_of(model) == policy
        assert model.optimizer.built and scales == (policy == "mixed_float16")


def test_policy_is_chosen_by_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor: 0\nflags\t\t: fpu avx2 avx512_bf16\n")
    assert processor_has_bfloat16(cpuinfo)
    cpuinfo.write_text("processor: 0\nflags\t\t: fpu avx2\n")
    assert not processor_has_bfloat16(cpuinfo)
    assert not processor_has_bfloat16(tmp_path / "absent")
    config = default_config("classifier")
    assert resolve_policy(config.replace(policy="mixed_float16", c=8)) == "mixed_float16"
    for gpu, bfloat16, policy in ((0, 0, "float32"), (0, 1, "mixed_bfloat16"), (1, 1, "mixed_float16")):
        monkeypatch.setattr("copper_tf.models.policy.has_gpu", lambda gpu=gpu: bool(gpu))
        monkeypatch.setattr("copper_tf.models.policy.processor_has_bfloat16", lambda found=bfloat16: bool(found))
        assert resolve_policy(config) == resolve_policy(config.replace(c=48)) == policy
        # Kernels of a processor take 16 channels at a time.
        assert resolve_policy(config.replace(c=24)) == ("mixed_float16" if gpu else "float32")


def test_the_policy_of_a_run_is_that_of_its_training(runs: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copper_tf.models.policy.has_gpu", lambda: True)
    for run in runs.values():
        assert run.config.training.policy == "auto" and resolve_policy(run.config) == "mixed_float16"
        assert finish._policy_of(run) == run.read(TrainingRecord).policy != "mixed_float16"


def test_a_run_holds_all_that_later_commands_need(runs: dict[str, Any]) -> None:
    for kind, run in runs.items():
        names = {p.name for p in run.path.iterdir()}
        assert {"format", "config.json", "labels.json", "hypothesis.json", "normalisation.json", "data.json"} <= names
        assert {"checkpoints", "history.csv", "scores", "tensorboard"} <= names
        again = open_run(run.path)
        assert again == run and again.config.kind == kind
        assert [row["epoch"] for row in again.history()] == [1, 2]
        cost = again.read(TrainingRecord)
        assert cost.peak_memory_mb > 50 and cost.receptive_field_px == run.receptive_field


def test_tensorboard_shows_scalars_pictures_and_config(runs: dict[str, Any]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for kind, run in runs.items():
        events = EventAccumulator(str(run.path / "tensorboard"), size_guidance={"images": 0}).Reload()
        tags = set(events.Tags()["tensors"])
        assert {"loss/train", "loss/validation", "config/text_summary", "epoch"} - tags <= {
            "config/text_summary",
            "epoch",
        }
        assert any(tag.startswith("confusion" if kind == "classifier" else "potency map") for tag in tags)
        assert any("config" in tag for tag in tags)


def test_one_seed_gives_one_result(dataset: Any, tmp_path: Path, runs: dict[str, Any]) -> None:
    """For the classifier the next test has it: stopped and gone on with, it is the same again."""
    again = train(small("segmenter"), dataset, tmp_path / "again")
    for a, b in zip(_weights(runs["segmenter"]), _weights(again), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_another_seed_gives_another_result(dataset: Any, tmp_path: Path, kind: str) -> None:
    one, other = (
        train(small(kind, seed=seed, epochs=1, d=1), dataset, tmp_path / str(seed), until=1) for seed in (0, 1)
    )
    assert all(not np.array_equal(a, b) for a, b in zip(_weights(one), _weights(other), strict=True) if np.ptp(a) > 0)


@pytest.mark.slow
def test_stopped_on_the_way_and_gone_on_with_is_as_if_never_stopped(
    dataset: Any, tmp_path: Path, runs: dict[str, Any]
) -> None:
    config, whole = small("classifier"), runs["classifier"]
    part = train(config, dataset, tmp_path / "run", until=1)
    # It is a run, but not one whose training is over.
    assert len(part.history()) == 1 and not part.has(TrainingRecord)
    assert {"accuracy", "qwk"} <= set(validation_scores(part, dataset).scores)
    assert len(train(config, dataset, part.path, resume=True, until=1).history()) == 1
    run = train(config, dataset, part.path, resume=True, until=9)
    for a, b in zip(_weights(whole), _weights(run), strict=True):
        np.testing.assert_array_equal(a, b)
    assert run.has(TrainingRecord)
    scores = whole.read(Evaluation).splits["validation"].scores
    assert {name: v for name, v in validation_scores(run, dataset).scores.items() if v == v} == {
        name: v for name, v in scores.items() if v == v
    }


_SCRIPT = """
import json, sys
from pathlib import Path
from copper_tf.config import Config
from copper_tf.decay import estimation as estimate
from copper_tf.training.loop import train
from tfds_copper.dataset import open_dataset
estimate.READABLE_SPAN = -1
train(Config.from_dict(json.loads(sys.argv[1])), open_dataset(sys.argv[2]), Path(sys.argv[3]), resume=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("learn", "loss", "epochs"), [("fixed", KL, 4), ("iterative", SQUARED, 7)])
def test_killed_and_resumed_equals_unbroken(
    dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learn: str, loss: str, epochs: int
) -> None:
    # So small a net tells nothing apart yet; g shall move all the same.
    monkeypatch.setattr(estimate, "READABLE_SPAN", -1)
    config = small("segmenter", epochs=epochs, hypothesis="sqrt", learn=learn, loss=loss)
    unbroken = train(config, dataset, tmp_path / "unbroken")
    assert type(keras.models.load_model(unbroken.last_checkpoint()[1]).loss) is LOSSES[loss]
    workdir = tmp_path / "killed"
    command = [sys.executable, "-c", _SCRIPT, json.dumps(config.to_dict()), str(dataset.path), str(workdir)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    # Of a g that moves, the checkpoint after its first step must be the one that is read again.
    first = 1 if learn == "fixed" else EVERY
    while not list((workdir / "checkpoints").glob(f"last-*{first}.keras")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = open_run(workdir).last_checkpoint()
    assert done is not None and first <= done[0] < epochs, "killed too late to prove anything"
    # What a kill in the middle of a write leaves behind.
    (workdir / "checkpoints" / ".writing-1-last-00009.keras").write_bytes(b"half")
    resumed = train(config, dataset, workdir, resume=True)
    for a, b in zip(_weights(unbroken), _weights(resumed), strict=True):
        np.testing.assert_array_equal(a, b)
    drop = ("seconds",)
    rows = [[{k: v for k, v in row.items() if k not in drop} for row in run.history()] for run in (unbroken, resumed)]
    assert rows[0] == rows[1]
    assert {p.name for p in resumed.checkpoints.iterdir()} == {BEST, f"last-{epochs:05d}.keras"}
    assert resumed.hypothesis == unbroken.hypothesis == open_run(workdir).hypothesis
    assert bool(resumed.initial_hypothesis) == (learn == "iterative")
    assert resumed.hypothesis != resumed.initial_hypothesis
    before = (workdir / "history.csv").read_bytes()
    train(config, dataset, workdir, resume=True)
    assert (workdir / "history.csv").read_bytes() == before


@pytest.mark.usefixtures("eager")
def test_patience_stops_training(dataset: Any, tmp_path: Path) -> None:
    config = small("classifier", epochs=30, patience=1, learning_rate=0.5)
    run = train(config, dataset, tmp_path / "run")
    rows = run.history()
    assert len(rows) < 30
    assert len(rows) - 1 - run.best_epoch() == 1


@pytest.mark.usefixtures("eager")
def test_without_any_score_the_last_weights_are_kept_and_every_result_says_so(
    dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NMSE, "result", lambda self: tf.constant(float("nan")))
    config = small("segmenter", epochs=2, keep="best", patience=1, learning_rate=0.05)
    run = train(config, dataset, tmp_path / "run")
    assert len(run.history()) == 2 and run.best_epoch() == 1
    last = keras.models.load_model(run.last_checkpoint()[1])
    for kept, trained in zip(run.load_model().get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, trained)
    assert [text for text in run.caveats if "val_nmse is a finite number in no epoch" in text]


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_the_last_weights_are_kept_where_asked(dataset: Any, tmp_path: Path) -> None:
    run = train(small("segmenter", epochs=3, keep="last", learning_rate=0.05), dataset, tmp_path / "last")
    assert run.best_epoch() == 2
    last = keras.models.load_model(run.last_checkpoint()[1])
    for kept, trained in zip(run.load_model().get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, trained)


@pytest.mark.usefixtures("eager")
def test_divergence_is_one_clear_line(dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from copper_tf.data.crops import CropStream

    whole = CropStream.batch
    monkeypatch.setattr(CropStream, "batch", lambda self, k: (whole(self, k)[0] * np.float32("nan"), whole(self, k)[1]))
    with pytest.raises(InputError, match="training diverged; try a smaller learning_rate"):
        train(small("segmenter", epochs=1), dataset, tmp_path / "run")


def test_resume_refuses_other_settings_and_data(dataset: Any, runs: dict[str, Any]) -> None:
    run = runs["segmenter"]
    with pytest.raises(RunError, match=r"--resume goes on with the run's own settings, d = 2. Received: d = 3"):
        train(small("segmenter", d=3), dataset, run.path, resume=True)
    other = dataclasses.replace(dataset, metadata=dataclasses.replace(dataset.metadata, fingerprint="0" * 64))
    with pytest.raises(RunError, match="needs the dataset the run was started on"):
        train(small("segmenter"), other, run.path, resume=True)


def test_a_run_is_never_overwritten_silently(dataset: Any, runs: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="--resume goes on with it, --force replaces it"):
        train(small("segmenter"), dataset, runs["segmenter"].path)
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="needs an empty or absent folder"):
        train(small("segmenter"), dataset, tmp_path, force=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.usefixtures("eager")
def test_a_run_that_another_process_trains_is_left_alone(dataset: Any, tmp_path: Path) -> None:
    settings, folder = small("segmenter", epochs=1), tmp_path / "run"
    train(settings, dataset, folder, until=1)
    # What the other one is writing, and another place of the same data.
    written = folder / "checkpoints" / ".writing-1-last-00002.keras"
    written.write_bytes(b"half")
    data = (folder / "data.json").read_bytes()
    moved = dataclasses.replace(dataset, path=tmp_path / "elsewhere")
    with worked_in(folder):
        for flag, data_there in (("resume", moved), ("force", dataset)):
            with pytest.raises(OutputError, match="one process at a time may work in it"):
                train(settings, data_there, folder, **{flag: True})
        assert written.read_bytes() == b"half" and (folder / "data.json").read_bytes() == data
    assert train(settings, dataset, folder, resume=True).last_checkpoint()


def test_wrong_hypotheses_are_refused_before_any_work(dataset: Any, tmp_path: Path) -> None:
    for name, message in (("cubic", "hypothesis must be one of"), ("constant", "hardly varies")):
        with pytest.raises(SettingError, match=message):
            train(small("segmenter", hypothesis=name), dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["format", "config.json", "labels.json", "hypothesis.json", "data.json"])
def test_a_missing_file_is_named(runs: dict[str, Any], tmp_path: Path, name: str) -> None:
    import shutil

    copy = Path(shutil.copytree(runs["segmenter"].path, tmp_path / "run"))
    (copy / name).unlink()
    with pytest.raises(RunError, match=f"a run holds {name}, which is missing"):
        open_run(copy)


def test_damaged_runs_are_named(runs: dict[str, Any], tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(runs["segmenter"].path, tmp_path / "run"))
    (copy / "checkpoints" / BEST).write_bytes(b"half a file")
    with pytest.raises(RunError, match="must be the weights of this run's config"):
        open_run(copy).load_model()
    (copy / "checkpoints" / BEST).unlink()
    with pytest.raises(RunError, match="not trained yet"):
        open_run(copy).load_model()
    (copy / "format").write_text("copper-run 99\n")
    with pytest.raises(RunError, match="reads 'copper-run 1'. Received: 'copper-run 99'"):
        open_run(copy)
    with pytest.raises(RunError, match="must be a run folder"):
        open_run(tmp_path / "nowhere")


def test_balanced_labels_weigh_alike() -> None:
    labels = np.array([0, 0, 0, 0, 0, 0, 2, 2])
    batches = tf.data.Dataset.from_tensors((np.zeros((8, 4, 4, 1), np.float32), labels.astype(np.int32)))
    for weight, expected in (("balanced", [8 / 12] * 6 + [8 / 4] * 2), ("none", None)):
        config = default_config("classifier", class_weight=weight)
        (batch,) = weighted(config, 3, labels, batches).as_numpy_iterator()
        assert len(batch) == (3 if expected else 2)
        if expected:
            np.testing.assert_allclose(batch[2], expected)
