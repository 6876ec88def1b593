"""Training: from data to run folders."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copper_tf.config import DEFAULT, Config, default_config
from copper_tf.data.sources import Data, known_times, open_or_build, open_single
from copper_tf.decay.hypotheses import check_name
from copper_tf.decay.starting import first_hypothesis
from copper_tf.runs.run import FOLD, SEED, Run, is_run, open_run
from copper_tf.utils.tensorflow import import_tensorflow
from tfds_copper.errors import RunError, SettingError
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import SplitSettings

if TYPE_CHECKING:
    pass

__all__ = ["Config", "Run", "check_hypothesis", "train", "train_runs", "training_config"]


def training_config(
    kind: str | Config, output: str | os.PathLike[str] | None = None, *, preset: str | None = None,
    resume: bool = False, **settings: Any,
) -> Config:  # fmt: skip
    """The settings that a training would have.

    Args:
        kind: ``"classifier"`` or ``"segmenter"``, for the defaults of that kind; or a whole config.
        output: the run folder; with `resume`, the settings of the run there are the defaults.
        preset: whose settings are the defaults, ``"default"`` or ``"paper"``; not with a whole config.
        resume: whether a run that is there is gone on with.
        **settings: any setting of `Config`, by its own name, e.g. ``d=3``.

    Raises:
        RunError: if the run to go on with is of the other kind.
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
    return config.replace(**settings)


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
    resume: bool = False, force: bool = False, split_settings: SplitSettings | Mapping[str, Any] | None = None,
    read_settings: ReadSettings | Mapping[str, Any] | None = None, progress: Progress | None = None, **settings: Any,
) -> Run:  # fmt: skip
    """Trains a classifier or a segmenter into a run folder; killed at any moment, `resume` goes on.

    Args:
        kind: ``"classifier"`` or ``"segmenter"``, for the defaults of that kind; or a whole config.
        data: a built dataset, a SEM folder (built first, into ``FOLDER.tfds``), or an open dataset; not folds.
        output: the run folder.
        preset: whose settings are the defaults: ``"default"``, or ``"paper"`` for the paper's own.
        resume: go on with the run that is there, or start one where there is none.
        force: replace a run that is there.
        split_settings: how a SEM folder is split, or which ``fold`` of a built dataset is taken.
        read_settings: how the pictures of a SEM folder are read.
        progress: called with (done, total, what).
        **settings: any setting of `Config`, by its own name, e.g. ``d=3, epochs=20``.

    Returns:
        The run, open.

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
    config = training_config(kind, output, preset=preset, resume=resume, **settings)
    dataset = open_single(
        data, split_settings, read_settings, progress, "a run is trained on one dataset; train_runs takes folds"
    )
    import_tensorflow()
    from copper_tf.training import loop

    return loop.train(config, dataset, Path(output), resume=resume, force=force, progress=progress)


def train_runs(
    kind: str | Config, data: Data, output: str | os.PathLike[str], *, preset: str | None = None, seeds: int = 1,
    resume: bool = False, force: bool = False, split_settings: SplitSettings | Mapping[str, Any] | None = None,
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
        split_settings: see `train`.
        read_settings: see `train`.
        progress: see `train`.
        **settings: see `train`.

    Raises:
        SettingError: if `seeds` is less than 1, and as `train`.
    """
    if seeds < 1:
        raise SettingError(f"seeds must be a whole number of at least 1. Received: {seeds}")
    root = Path(output)
    first = training_config(kind, root, preset=preset, resume=resume, **settings).training.seed
    datasets = open_or_build(data, split_settings, read_settings, progress)
    import_tensorflow()
    from copper_tf.training import loop

    # Open epochs are as many in all folds, whose runs are scored as one.
    least = min(dataset.split_sizes["train"] for dataset in datasets)
    begun: Run | None = None
    for seed, dataset in itertools.product(range(first, first + seeds), datasets):
        where = root / SEED.format(seed) if seeds > 1 else root
        where = where / FOLD.format(dataset.fold) if len(datasets) > 1 else where
        # Members that a kill left out go on with the settings of those that are there.
        like = begun.config if resume and begun and not preset and isinstance(kind, str) else kind
        config = training_config(like, where, preset=preset, resume=resume, **{**settings, "seed": seed})
        begun = loop.train(
            config.for_pictures(least), dataset, where, resume=resume, force=force, progress=progress
        )  # fmt: skip
        yield begun
