"""train(config, dataset, workdir) -> Run: the one way a model comes to be."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

from copper_tf.config import AREAS, BALANCED, CORRELATION, ITERATIVE, Config
from copper_tf.data.crops import CropStream, shrunk_crops
from copper_tf.data.normalisation import Normalisation
from copper_tf.data.pictures import Pictures, load_pictures
from copper_tf.decay.starting import first_hypothesis
from copper_tf.models.factory import build, load_weights
from copper_tf.models.losses import grade_loss, mean_loss
from copper_tf.models.metrics import NMSE, FreeNMSE
from copper_tf.models.policy import policy_of, resolve_policy
from copper_tf.runs.beginning import check_run_folder
from copper_tf.runs.labels import Labels
from copper_tf.runs.records import AreaShares
from copper_tf.runs.run import FIRST_MAPS, INITIAL, Run, create_run, is_run, open_run
from copper_tf.training.area_shares import measure_areas
from copper_tf.training.batch_norm import Calibrator
from copper_tf.training.callbacks import Bookkeeper, Reporter, should_stop
from copper_tf.training.checkpoints import last_model
from copper_tf.training.finish import finish_run
from copper_tf.training.free_ends import ShapeLearner, Sharpen, read_ends
from copper_tf.training.hypothesis_learning import HypothesisLearner, learnable
from copper_tf.training.initial import check_same_source, check_source, describe_source, ensure_initial
from copper_tf.training.patience import check_patience
from copper_tf.training.restarts import choose_try, remove_tries
from copper_tf.training.resuming import lengthen, resumed_run
from copper_tf.training.tensorboard import TensorBoardWriter
from copper_tf.utils.tensorflow import keras_defaults
from tfds_copper.dataset import Dataset
from tfds_copper.errors import InputError
from tfds_copper.files import check_links, lock_folder
from tfds_copper.progress import Progress

__all__ = ["compile_model", "optimizer", "set_schedule", "streams", "train", "weighted"]

_SPLITS = ("train", "validation")
# The run that weights come from, and whether the head begins with fresh ones.
Initial: TypeAlias = tuple[Run, bool]


def optimizer(config: Config, steps: int) -> keras.optimizers.Optimizer:
    """Adam, default settings, with the step size of the config.

    Args:
        config: the run's config.
        steps: of an epoch, over which and all epochs the step size falls where the config says so.
    """
    size: Any = config.training.learning_rate
    if config.training.schedule == "cosine":
        size = keras.optimizers.schedules.CosineDecay(size, steps * config.training.epochs)
    return keras.optimizers.Adam(size)


def compile_model(model: keras.Model, config: Config, g: tuple[float, ...], steps: int = 1) -> None:
    """Gives a model its optimizer (Adam, default settings), loss and metrics.

    Args:
        model: a classifier or segmenter.
        config: the run's config.
        g: g(t) of each label, NaN to leave one out (segmenter only).
        steps: of an epoch, see `optimizer`.
    """
    adam = optimizer(config, steps)
    # Gradients of a mean over a crop are too small for float16, and Keras looks at the policy of whole models only.
    if policy_of(model) == "mixed_float16":
        adam = keras.optimizers.LossScaleOptimizer(adam)
    if config.kind == "classifier":
        loss, metrics = grade_loss(config.model.head), ["accuracy"]
    else:
        weights = np.isfinite(g).astype(float)
        table = np.nan_to_num(g).tolist(), weights.tolist(), config.data.margin
        nmse = FreeNMSE if config.training.loss == CORRELATION else NMSE
        loss, metrics = mean_loss(config.training.loss)(*table, config.training.edge_weight), [nmse(*table)]
    # XLA makes training on a processor slower, and can't take most of the layers.
    model.compile(adam, loss, metrics=metrics, jit_compile=False)
    # Built in its first step, it would have TensorFlow trace that step twice.
    model.optimizer.build(model.trainable_variables)


def _new_run(
    config: Config, dataset: Dataset, workdir: Path, g: tuple[float, ...], stream: CropStream, initial: Initial | None
) -> Run:  # fmt: skip
    source, notes = describe_source(initial[0], dataset, initial[1]) if initial else ({}, [])
    return Run(
        path=workdir,
        config=config,
        labels=Labels(tuple(dataset.times), dataset.unit),
        hypothesis=g,
        normalisation=stream.normalisation,
        initial_hypothesis=g if config.training.moves_g else (),
        data={
            "path": str(Path(dataset.path).resolve()),
            "fingerprint": dataset.fingerprint,
            "pictures": dict(dataset.split_sizes),
            "window": stream.window,
            "fold": dataset.fold,
            "pixel_sizes_nm": dict(dataset.metadata.pixel_sizes_nm),
            "bit_depth": int(max(stream.pictures.bit_depths)),
            "reading": dataset.metadata.reading.to_dict(),
            "caveats": [*dataset.caveats, *filter(None, [shrunk_crops(stream.pictures, config)]), *notes],
            **({"initial_weights": source} if source else {}),
        },
    )


def _model(run: Run, policy: str, steps: int) -> tuple[keras.Model, int]:
    """(compiled model, finished epochs): fresh, or as the last checkpoint left it, optimizer and g included."""
    last = last_model(run)
    if last:
        set_schedule(last[0], run.config, steps)
        return last
    keras.utils.set_random_seed(run.config.training.seed)
    model = build(run.config, len(run.labels.times), policy)
    if (run.checkpoints / INITIAL).is_file():
        load_weights(model, run.checkpoints / INITIAL)
    # No epoch is done yet: a g that moves while the model trains stands where it starts.
    moves = run.config.training.learn == ITERATIVE
    compile_model(model, run.config, run.initial_hypothesis if moves else run.hypothesis, steps)
    return model, 0


def set_schedule(model: keras.Model, config: Config, steps: int) -> None:
    """Has the step size of a compiled model fall over all epochs of a config, if it falls.

    Args:
        model: compiled; the steps that it has taken count.
        config: of the run.
        steps: of an epoch.
    """
    adam = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if config.training.schedule == "cosine":
        adam.learning_rate = optimizer(config, steps)._learning_rate


def streams(config: Config, dataset: Dataset, pictures: tuple[Pictures, ...]) -> tuple[CropStream, CropStream]:
    """The crops of training, and the fixed ones of validation.

    Args:
        config: all settings of the run.
        dataset: what the pictures are of.
        pictures: of training and of validation.

    Raises:
        InputError: if a label has no picture, without which g can't be learned.
    """
    normalisation = Normalisation(config.data.normalisation, pictures[0].mean, pictures[0].sd, config.data.window)
    training, held_out = (learnable(dataset, config, *part) for part in zip(_SPLITS, pictures, strict=True))
    stream = CropStream(training, config, normalisation, augment=True)
    return stream, CropStream(held_out, config, normalisation, augment=False)


def _checked_start(
    config: Config, dataset: Dataset, workdir: Path, force: bool, initial: Initial | None
) -> tuple[float, ...]:  # fmt: skip
    """The g that a new run begins with, after all checks that need no pictures."""
    check_patience(config)
    g = first_hypothesis(config, dataset.times)
    check_run_folder(workdir, force=force)
    if initial:
        check_source(initial[0], config, dataset, initial[1])
    return g


def _locked_run(
    config: Config, dataset: Dataset, workdir: Path, weights: Run | None, held: contextlib.ExitStack
) -> Run:  # fmt: skip
    """The run to go on with, its folder locked before anything of it is read or changed: another may train it."""
    check_links(workdir)
    held.enter_context(lock_folder(workdir))
    old = resumed_run(config, dataset, workdir)
    if weights:
        check_same_source(old, weights)
    return old


def train(
    config: Config,
    dataset: Dataset,
    workdir: str | os.PathLike[str],
    *,
    resume: bool = False, force: bool = False, until: int | None = None, weights: Run | None = None,
    new_head: bool = False, progress: Progress | None = None,
) -> Run:  # fmt: skip
    """Trains a model into a run folder; killed at any moment, it goes on from the last finished epoch.

    Args:
        config: all settings of the run.
        dataset: a built dataset.
        workdir: the run folder.
        resume: go on with the run that is there, or start one where there is none; `epochs` may be more than before.
        force: replace a run that is there.
        until: stop after so many epochs of all; `resume` goes on from there, just as if it had never stopped.
        weights: a run whose weights a new run begins with; None for random ones.
        new_head: begin with fresh weights in the head all the same.
        progress: called with (done, total, what).

    Returns:
        The opened run.

    Raises:
        RunError: if the folder can't be used, `resume` meets other settings or data, or the weights don't fit.
        OutputError: if another process trains this run.
        SettingError: if the hypothesis is unknown, incomplete or hardly varies.
        InputError: if a split is empty, lacks a label that learning g needs, or a picture is too small for the network.
    """
    workdir, config = Path(workdir), config.for_pictures(dataset.split_sizes["train"])
    initial = (weights, new_head) if weights else None
    with contextlib.ExitStack() as held:
        old = _locked_run(config, dataset, workdir, weights, held) if resume and is_run(workdir) else None
        g = old.hypothesis if old else _checked_start(config, dataset, workdir, force, initial)
        pictures = tuple(load_pictures(dataset, split, progress) for split in _SPLITS)
        stream, validation = streams(config, dataset, pictures)
        run = old or _new_run(config, dataset, workdir, g, stream, initial)
        if not old:
            create_run(run, force=force)
            held.enter_context(lock_folder(workdir))
        held.enter_context(keras_defaults())
        run = lengthen(run)
        ensure_initial(run)
        run = _learn_areas(run, stream, validation, pictures, progress)
        _restart(run, stream.pictures, validation, pictures[1], progress)
        if _fit(run, stream, validation, until, progress):
            finish_run(read_ends(run, pictures, progress), pictures, progress)
    # A g that was learnt is another one now.
    return open_run(workdir)


def _learn_areas(
    run: Run, stream: CropStream, validation: CropStream, pictures: tuple[Pictures, ...], progress: Progress | None
) -> Run:
    """Where g is learned as areas and isn't known yet, learns it; the run with its g."""
    if run.config.training.learn != AREAS or run.has(AreaShares):
        shutil.rmtree(run.path / FIRST_MAPS, ignore_errors=True)
        return run

    def train_first(first: Run, report: Progress | None) -> None:
        crops = CropStream(stream.pictures, first.config, run.normalisation, augment=True)
        _fit(first, crops, validation, None, report)

    return measure_areas(run, pictures, stream.steps, train_first, progress)


def _restart(
    run: Run, training: Pictures, validation: CropStream, held_out: Pictures, progress: Progress | None
) -> None:
    """Where restarts are allowed and no epoch is done yet, chooses the weights that the run goes on from."""
    if run.config.training.restarts and not run.last_checkpoint():

        def train_try(attempt: Run, report: Progress | None) -> None:
            crops = CropStream(training, attempt.config, run.normalisation, augment=True)
            _fit(attempt, crops, validation, run.config.training.restart_epochs, report)

        choose_try(run, held_out, train_try, progress)
    remove_tries(run)


def _learners(run: Run, validation: CropStream) -> list[keras.callbacks.Callback]:
    """What changes the loss while training: g where it is learned, and how sharp maps must be."""
    training, free = run.config.training, run.config.training.loss == CORRELATION
    learners: list[keras.callbacks.Callback] = [Sharpen(run.config)] if free or training.edge_weight else []
    if training.learn == ITERATIVE:
        learners.append(ShapeLearner(run, validation.pictures) if free else HypothesisLearner(run, validation.pictures))
    return learners


def _is_whole(run: Run, done: int) -> bool:
    """Whether nothing is left to train after so many epochs."""
    return done >= run.config.training.epochs or should_stop(run, run.history()[:done])


def weighted(config: Config, count: int, labels: np.ndarray, batches: tf.data.Dataset) -> tf.data.Dataset:
    """Batches of crops and labels, with the weight of each crop where labels are to weigh alike.

    Args:
        config: that says so.
        count: K of the labels.
        labels: of the training pictures.
        batches: of `CropStream`.
    """
    if config.training.class_weight != BALANCED:
        return batches
    weights = np.zeros(count, np.float32)
    known = np.unique(labels)
    weights[known] = compute_class_weight("balanced", classes=known, y=labels)
    return batches.map(lambda crops, ranks: (crops, ranks, tf.gather(weights, ranks)))


def _fit(
    run: Run, stream: CropStream, validation: CropStream, until: int | None, progress: Progress | None
) -> bool:  # fmt: skip
    """Runs the epochs that are left, up to so many; whether none is left then."""
    config = run.config
    epochs = min(until or config.training.epochs, config.training.epochs)
    policy, labels = resolve_policy(config), stream.pictures.labels
    count = len(run.labels.times)
    model, done = _model(run, policy, stream.steps)
    if done >= epochs or _is_whole(run, done):
        return _is_whole(run, done)
    callbacks: list[keras.callbacks.Callback] = [
        Calibrator(stream),
        *_learners(run, validation),
        Bookkeeper(run),
        TensorBoardWriter(run, validation, policy),
    ]
    if progress:
        callbacks.append(Reporter(progress, stream.steps, epochs))
    try:
        model.fit(
            weighted(config, count, labels, stream.batches(done, epochs)),
            steps_per_epoch=stream.steps,
            initial_epoch=done,
            epochs=epochs,
            validation_data=weighted(config, count, labels, validation.batches()),
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
    except FloatingPointError as error:
        raise InputError(f"{run.path}: training diverged; try a smaller learning_rate. Received: {error}") from None
    return _is_whole(run, epochs)
