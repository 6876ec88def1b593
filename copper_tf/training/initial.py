"""Fine-tuning: a training that begins with the weights of another run."""

from __future__ import annotations

import hashlib
from typing import Any

import keras

from copper_tf.config import Config
from copper_tf.models.architecture import network_of
from copper_tf.models.factory import build
from copper_tf.models.network import Layer
from copper_tf.runs.run import BEST, INITIAL, Run, open_run
from tfds_copper.dataset import Dataset
from tfds_copper.errors import RunError, SettingError
from tfds_copper.files import replacing

__all__ = ["check_same_source", "check_source", "describe_source", "ensure_initial"]

# The groups of layers that turn features into a result.
_HEADS = ("head", "mask")
# Settings that say which weights a network has.
_SHAPES = ("n", "N", "c", "d", "decoder")


def _is_head(layer: Layer) -> bool:
    return layer.group in _HEADS


def check_source(source: Run, config: Config, dataset: Dataset, new_head: bool) -> None:
    """Whether a training can begin with the weights of a run.

    Args:
        source: the run whose weights are taken.
        config: of the new run.
        dataset: of the new run.
        new_head: whether the head begins with fresh weights.

    Raises:
        RunError: if the run is of another kind, network or, where its head is taken, of other labels.
        SettingError: if restarts are asked for, whose weights are fresh ones.
    """
    if source.config.kind != config.kind:
        raise RunError(f"{source.path}: weights must be those of a {config.kind}. Received: a {source.config.kind}")
    has, asked = source.config.flat(), config.flat()
    for name in _SHAPES if new_head else (*_SHAPES, "head"):
        if has[name] != asked[name]:
            raise RunError(
                f"{source.path}: weights must be those of a network with {name} = {asked[name]}. "
                f"Received: {name} = {has[name]}"
            )
    if config.kind == "classifier" and not new_head and tuple(dataset.times) != source.labels.times:
        raise RunError(
            f"{source.path}: the head of its network is for labels t = {', '.join(source.labels.names)}; --new-head "
            f"begins with a fresh one. Received: data of t = {', '.join(dataset.class_names)}"
        )
    if config.training.restarts:
        raise SettingError(
            f"restarts must be 0 where weights are given: retries begin with random ones. "
            f"Received: {config.training.restarts}"
        )
    if not (source.checkpoints / BEST).is_file():
        raise RunError(f"{source.path}: not trained yet; weights need checkpoints/{BEST}. Received: no such file")


def _digest(source: Run) -> str:
    return hashlib.sha256((source.checkpoints / BEST).read_bytes()).hexdigest()


def describe_source(source: Run, dataset: Dataset, new_head: bool) -> tuple[dict[str, Any], list[str]]:
    """What ``data.json`` keeps of the run that weights came from, and what must be mentioned with every result.

    Args:
        source: the run whose weights are taken.
        dataset: of the new run.
        new_head: whether the head begins with fresh weights.
    """
    kept = {
        "run": str(source.path.resolve()),
        "sha256": _digest(source),
        "fingerprint": source.data["fingerprint"],
        "new_head": new_head,
    }
    if (source.data["fingerprint"], source.data.get("fold")) == (dataset.fingerprint, dataset.fold):
        return kept, []
    return kept, [
        f"Training began with the weights of {source.path.name}, which was trained on another dataset or split: if "
        "test pictures of this one were among its training pictures, scores on them are too good."
    ]


def check_same_source(run: Run, source: Run) -> None:
    """Whether a run that is gone on with began with the weights of another one.

    Raises:
        RunError: if not.
    """
    began = run.data.get("initial_weights", {}).get("run")
    if began != str(source.path.resolve()):
        raise RunError(
            f"{run.path}: --resume goes on with a run that began with {began or 'random weights'}. "
            f"Received: weights of {source.path}"
        )


def ensure_initial(run: Run) -> None:
    """Writes the weights of another run that a run begins with into it, so that it needs the other run no more.

    Args:
        run: that was made, its folder locked.

    Raises:
        RunError: if the other run is gone, damaged or was trained further since.
    """
    began = run.data.get("initial_weights")
    if began and not run.last_checkpoint() and not (run.checkpoints / INITIAL).is_file():
        source = open_run(began["run"])
        theirs = source.load_model()
        if (now := _digest(source)) != began["sha256"]:
            raise RunError(
                f"{run.path}: must begin with the weights that {source.path} had, sha256 {began['sha256'][:12]}. "
                f"Received: others, {now[:12]}"
            )
        _write_initial(run, theirs, began["new_head"])


def _write_initial(run: Run, theirs: keras.Model, new_head: bool) -> None:
    keras.utils.set_random_seed(run.config.training.seed)
    labels = len(run.labels.times)
    model = build(run.config, labels)
    for layer in network_of(run.config, labels).layers:
        if layer.parameters and not (new_head and _is_head(layer)):
            model.get_layer(layer.name).set_weights(theirs.get_layer(layer.name).get_weights())
    with replacing(run.checkpoints / INITIAL) as file:
        model.save_weights(file)
