"""Training: from data to run folders."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from copper_tf.config import DEFAULT, KINDS, Config, default_config
from copper_tf.data.sources import Data, known_times, open_or_build, open_single
from copper_tf.decay.hypotheses import check_name
from copper_tf.decay.starting import first_hypothesis
from copper_tf.runs.run import FOLD, SEED, Run, fold_runs, is_run, open_run, seed_runs
from copper_tf.training.patience import check_patience
from copper_tf.utils.tensorflow import import_tensorflow
from tfds_copper.errors import RunError, SettingError
from tfds_copper.files import read_json
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.settings import setting_fields
from tfds_copper.splits.assign import SplitSettings

__all__ = ["Config", "Run", "check_hypothesis", "config_of", "open_weights", "train", "train_runs", "training_config"]

# A run, or its folder; None for random weights.
Weights: TypeAlias = str | os.PathLike[str] | Run | None


def training_config(
    kind: str | Config, output: str | os.PathLike[str] | None = None, *, preset: str | None = None,
    resume: bool = False, weights: Weights = None, **settings: Any,
) -> Config:  # fmt: skip
    """The settings that a training would have.

    Args:
        kind: ``"classifier"`` or ``"segmenter"``, for the defaults of that kind; or a whole config.
        output: the run folder; with `resume`, the settings of the run there are the defaults.
        preset: whose settings are the defaults, ``"default"`` or ``"paper"``; not with a whole config.
        resume: whether a run that is there is gone on with.
        weights: a run whose weights training begins with: its network and its normalisation are the defaults, and
            nothing is retried from random weights.
        **settings: any setting of `Config`, by its own name, e.g. ``d=3``.

    Raises:
        RunError: if the run to go on with, or that of the weights, is of the other kind.
        SettingError: if a setting is unknown or a value is not allowed.

    Example:

    >>> import copper_tf
    >>> copper_tf.training_config("segmenter", d=3).model.d
    3
    """
    if preset and isinstance(kind, Config):
        raise SettingError(f"preset must be left out beside a whole config. Received: {preset!r}")
    config = kind if isinstance(kind, Config) else default_config(kind, preset or DEFAULT)
    if resume and output is not None and is_run(Path(output)):
        run = open_run(Path(output))
        if run.config.kind != config.kind:
            raise RunError(
                f"{output}: --resume goes on with the run's own kind, {run.config.kind}. Received: {config.kind}"
            )
        config = config if preset or isinstance(kind, Config) else run.config
    elif weights is not None and isinstance(kind, str):
        config = config.replace(**_settings_of(open_weights(weights), kind))
    config = config.replace(**settings)
    if not resume:
        check_patience(config)
    return config


def config_of(file: str | os.PathLike[str]) -> Config:
    """The settings in a file, as ``copper train --dry-run`` prints them and every run keeps them.

    Args:
        file: JSON; of a setting that it lacks the default of its kind is taken.

    Raises:
        SettingError: if it isn't there or no JSON, a setting is unknown, or a value not allowed.
    """
    path = Path(file)
    try:
        values = read_json(path)
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: must be settings as --dry-run prints them, in JSON. Received: {error}") from None
    groups = values.values() if isinstance(values, dict) else [values]
    if not isinstance(values, dict) or not all(isinstance(group, dict | str) for group in groups):
        raise SettingError(f"{path}: must be settings as --dry-run prints them. Received: another form")
    try:
        return Config.from_dict(_completed(values))
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None


def _completed(values: dict[str, Any]) -> dict[str, Any]:
    """Nested settings with the defaults of their kind where they lack one; unchanged where the kind is unknown."""
    if values.get("kind") not in KINDS:
        return values
    usual = default_config(values["kind"]).to_dict()
    both = {name: {**usual.get(name, {}), **own} for name, own in values.items() if isinstance(own, dict)}
    return {**usual, **values, **both}


def open_weights(weights: str | os.PathLike[str] | Run) -> Run:
    """The run that weights come from.

    Raises:
        RunError: if it is none, or an ensemble.
    """
    if isinstance(weights, Run):
        return weights
    if not is_run(weights) and (members := seed_runs(weights) or fold_runs(weights)):
        raise RunError(f"{weights}: weights must be those of one run, e.g. {members[0].path}. Received: several")
    return open_run(weights)


def _settings_of(source: Run, kind: str) -> dict[str, Any]:
    """The settings that a network of given weights needs."""
    if source.config.kind != kind:
        raise RunError(f"{source.path}: weights must be those of a {kind}. Received: a {source.config.kind}")
    flat = source.config.flat()
    names = [f.name for f in setting_fields(type(source.config.model))]
    return {name: flat[name] for name in (*names, "normalisation", "window")} | {"restarts": 0}


def _finish(run: Run) -> Run:
    """Writes the best weights as one Keras model beside them."""
    from copper_tf.exporters.keras_model import write_keras_model

    write_keras_model(run)
    return run


def check_hypothesis(config: Config, data: Data) -> None:
    """Whether a training could start from its hypothesis, as far as that is known before data are built.

    Args:
        config: of a run.
        data: see `train`; nothing need be there yet.

    Raises:
        InputError: if a SEM folder can't be used.
        SettingError: if the hypothesis is unknown, or incomplete, flat or rising for the times of the data.
    """
    times = known_times(data)
    if times:
        first_hypothesis(config, times)
    elif config.kind == "segmenter":
        check_name(config.training.hypothesis)


def train(
    kind: str | Config, data: Data, output: str | os.PathLike[str], *, preset: str | None = None,
    resume: bool = False, force: bool = False, weights: Weights = None, new_head: bool = False,
    split_settings: SplitSettings | Mapping[str, Any] | None = None,
    read_settings: ReadSettings | Mapping[str, Any] | None = None, progress: Progress | None = None, **settings: Any,
) -> Run:  # fmt: skip
    """Trains a classifier or a segmenter into a run folder; killed at any moment, `resume` goes on.

    Args:
        kind: ``"classifier"`` or ``"segmenter"``, for the defaults of that kind; or a whole config.
        data: a built dataset, a SEM folder (built first, into ``FOLDER.tfds``), or an open dataset; not folds.
        output: the run folder.
        preset: whose settings are the defaults: ``"default"``, or ``"paper"`` for the paper's own.
        resume: go on with the run that is there, with more ``epochs`` where so many are given, or start one.
        force: replace a run that is there.
        weights: a run whose weights training begins with; its network and normalisation are the defaults then.
        new_head: begin with fresh weights in the head, which other labels need.
        split_settings: how a SEM folder is split, or which ``fold`` of a built dataset is taken.
        read_settings: how the pictures of a SEM folder are read.
        progress: called with (done, total, what).
        **settings: any setting of `Config`, by its own name, e.g. ``d=3, epochs=20``.

    Returns:
        The run, open. Its ``model.keras`` opens in Keras after ``import copper_tf``, and takes raw grey values.

    Raises:
        InputError: if the data can't be used, or there are several folds.
        RunError: if the folder can't take the run, or `resume` meets other settings or data.
        SettingError: if a setting is unknown or a value is not allowed.

    Example:

    >>> import copper_tf
    >>> folder = copper_tf.simulate("micrographs", labels=3, pictures=6, sheets=3, height=64, width=64)
    >>> run = copper_tf.train(
    ...     "segmenter", folder, "run", preset="paper", hypothesis="sqrt", epochs=1, crop=48, margin=8, c=4
    ... )
    >>> run.config.training.hypothesis
    'sqrt'
    """
    source = None if weights is None else open_weights(weights)
    config = training_config(kind, output, preset=preset, resume=resume, weights=source, **settings)
    dataset = open_single(
        data, split_settings, read_settings, progress, "a run is trained on one dataset; train_runs takes folds"
    )
    import_tensorflow()
    from copper_tf.training import loop

    given: Any = {"resume": resume, "force": force, "weights": source, "new_head": new_head, "progress": progress}
    return _finish(loop.train(config, dataset, Path(output), **given))


def train_runs(
    kind: str | Config, data: Data, output: str | os.PathLike[str], *, preset: str | None = None, seeds: int = 1,
    resume: bool = False, force: bool = False, weights: Weights = None, new_head: bool = False,
    split_settings: SplitSettings | Mapping[str, Any] | None = None,
    read_settings: ReadSettings | Mapping[str, Any] | None = None, progress: Progress | None = None, **settings: Any,
) -> Iterator[Run]:  # fmt: skip
    """Trains one run for each fold of the data and each seed, and yields each as soon as it is trained.

    Runs of several seeds are an ensemble, in ``output/seed_K``; those of folds a cross-validation, in ``fold_K``.

    Args:
        kind: see `train`.
        data: see `train`; all folds of a built dataset are taken unless `split_settings` chooses one.
        output: the folder of the runs; the run folder itself where there is just one.
        preset: see `train`.
        seeds: how many seeds, the first of which is the setting ``seed``.
        resume: see `train`.
        force: see `train`.
        weights: see `train`.
        new_head: see `train`.
        split_settings: see `train`.
        read_settings: see `train`.
        progress: see `train`.
        **settings: see `train`.

    Raises:
        SettingError: if `seeds` is less than 1, and as `train`.
    """
    if seeds < 1:
        raise SettingError(f"seeds must be a whole number of at least 1. Received: {seeds}")
    shared: Any = {"resume": resume, "weights": None if weights is None else open_weights(weights)}
    given = {**shared, "force": force, "new_head": new_head, "progress": progress}
    first = training_config(kind, output, preset=preset, **shared, **settings).training.seed
    datasets = open_or_build(data, split_settings, read_settings, progress)
    import_tensorflow()
    from copper_tf.data.pictures import kept_pictures
    from copper_tf.training import loop

    # Open epochs are as many in all folds, whose runs are scored as one.
    least = min(dataset.split_sizes["train"] for dataset in datasets)
    begun: Run | None = None
    with kept_pictures():
        for seed, dataset in itertools.product(range(first, first + seeds), datasets):
            where = Path(output) / SEED.format(seed) if seeds > 1 else Path(output)
            where = where / FOLD.format(dataset.fold) if len(datasets) > 1 else where
            # Members that a kill left out go on with the settings of those that are there.
            like = begun.config if resume and begun and not preset and isinstance(kind, str) else kind
            config = training_config(like, where, preset=preset, **shared, **{**settings, "seed": seed})
            begun = loop.train(config.for_pictures(least), dataset, where, **given)
            yield _finish(begun)
