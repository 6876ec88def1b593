"""Data: SEM folders simulated, checked and built into datasets, and built datasets opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from copper_tf.simulation.settings import SimulationSettings
from tfds_copper.dataset import Dataset, open_dataset, open_folds
from tfds_copper.errors import SettingError
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.settings import Value
from tfds_copper.splits.assign import SplitSettings

if TYPE_CHECKING:
    from copper_tf.reports.check.summary import Check

__all__ = [
    "Dataset",
    "SimulationSettings",
    "build",
    "build_folds",
    "check",
    "open_dataset",
    "open_folds",
    "preview_build",
    "simulate",
]


def simulate(
    folder: str | os.PathLike[str],
    settings: SimulationSettings | None = None,
    *,
    contact_sheet: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    **values: Value,
) -> Path:
    """Simulates a SEM folder whose truth is known: pictures, masks in ``truth/``, and ``labels.csv``.

    Called again after an interruption with the same settings it goes on where it stopped.

    Args:
        folder: where to write; absent, empty, or a simulation with the same settings.
        settings: what to draw; the defaults where None.
        contact_sheet: also write a picture of some micrographs and their masks here (PNG).
        workers: number of processes; None for one per processor.
        progress: called with (done, total, what).
        **values: single settings of `SimulationSettings`, by name.

    Returns:
        The folder.

    Raises:
        OutputError: if the folder holds anything else, or can't be written.
        SettingError: if a setting is unknown or not allowed.

    Example:
        >>> folder = copper_tf.simulate("copper", labels=3, pictures=6, sheets=3, height=64, width=80)
        >>> sorted(p.name for p in folder.iterdir())
        ['labels.csv', 'simulation.json', 't00', 't01', 't02', 'truth']
    """
    from copper_tf import simulation
    from tfds_copper.files import replacing

    chosen = SimulationSettings.from_dict({**(settings.to_dict() if settings else {}), **values})
    if chosen.tables and contact_sheet is not None:
        raise SettingError(f"contact_sheet needs pictures, which tables leaves out. Received: {contact_sheet}")
    path = simulation.simulate(folder, chosen, progress=progress, workers=workers)
    if contact_sheet is not None:
        with replacing(Path(contact_sheet)) as file:
            simulation.render_contact_sheet(path).save(file, "PNG")
    return path


def check(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    split_settings: SplitSettings | None = None,
    read_settings: ReadSettings | None = None,
    progress: Progress | None = None,
    **values: Value,
) -> Check:
    """Says what a SEM folder holds and what is wrong with it.

    Writes ``check.html``, ``check.json`` and ``pictures.csv``.

    Args:
        folder: the SEM folder.
        output: where to write; ``FOLDER.check`` beside the pictures where None.
        split_settings: how the folder is to be split; the defaults where None.
        read_settings: how its pictures are read; the defaults where None.
        progress: called with (done, total, what).
        **values: single settings of `SplitSettings` and `ReadSettings`, by name.

    Returns:
        What was found: ``sound``, ``findings``, a summary, and the path of the ``page``.

    Raises:
        InputError: if the folder or its labels can't be used.
        SettingError: if a setting is unknown or not allowed.

    Example:
        >>> folder = copper_tf.simulate("copper", labels=3, pictures=6, sheets=3, height=64, width=80)
        >>> result = copper_tf.check(folder, "checked", split="1/1/1")
        >>> result.sound, result.pictures, result.page.name
        (True, 18, 'check.html')
        >>> [finding.rule for finding in result.findings]
        ['small', 'few', 'skipped']
    """
    from copper_tf.data.sources import named_settings, scan_and_survey
    from copper_tf.reports.check.page import write_check
    from tfds_copper.files import path_beside

    splitting, read_as = named_settings(split_settings, read_settings, values)
    survey = scan_and_survey(folder, splitting, read_as, progress)
    return write_check(survey, splitting, Path(output) if output is not None else path_beside(folder, "check"))


def preview_build(
    folder: str | os.PathLike[str],
    *,
    split_settings: SplitSettings | None = None,
    read_settings: ReadSettings | None = None,
    force: bool = False,
    progress: Progress | None = None,
    **values: Value,
) -> Check:
    """Shows what `build_folds` would put where, and writes nothing.

    Args:
        folder: the SEM folder.
        split_settings: how it is to be split; the defaults where None.
        read_settings: how its pictures are read; the defaults where None.
        force: also preview what `check` calls unsound.
        progress: called with (done, total, what).
        **values: single settings of `SplitSettings` and `ReadSettings`, by name.

    Returns:
        The summary of the folder, with the counts of all ``splits``.

    Raises:
        InputError: if the folder can't be used, or is unsound.
        SettingError: if a setting is unknown or not allowed.

    Example:
        >>> folder = copper_tf.simulate("copper", labels=3, pictures=6, sheets=3, height=64, width=80)
        >>> (counts,) = copper_tf.preview_build(folder, split="1/1/1").splits
        >>> counts.pictures
        {'train': 6, 'validation': 6, 'test': 6}
    """
    from copper_tf.data.sources import named_settings, require_sound, scan_and_survey
    from copper_tf.reports.check.summary import summarise
    from tfds_copper.splits.assign import assign

    splitting, read_as = named_settings(split_settings, read_settings, values)
    survey = scan_and_survey(folder, splitting, read_as, progress)
    if not force:
        require_sound(survey, splitting)
    for fold in splitting.each_fold:  # no force helps where there is no split
        assign(survey.folder.pictures, fold, survey.links)
    return summarise(survey, splitting)


def build_folds(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    split_settings: SplitSettings | None = None,
    read_settings: ReadSettings | None = None,
    force: bool = False,
    progress: Progress | None = None,
    **values: Value,
) -> list[Dataset]:
    """Builds a SEM folder into one dataset for each fold of a cross-validation, or into one without folds.

    Args:
        folder: the SEM folder.
        output: the folder of datasets; ``FOLDER.tfds`` beside the pictures where None.
        split_settings: how the folder is split; the defaults where None.
        read_settings: how its pictures are read; the defaults where None.
        force: also build what `check` calls unsound.
        progress: called with (done, total, what).
        **values: single settings of `SplitSettings` and `ReadSettings`, by name.

    Returns:
        The datasets, opened, in the order of their folds. One that is there already is left as it is.

    Raises:
        InputError: if the folder or a picture in it can't be used, or is unsound.
        OutputError: if `output` can't be written or holds the dataset of another folder.
        SettingError: if a setting is unknown or not allowed.

    Example:
        >>> folder = copper_tf.simulate("copper", labels=3, pictures=6, sheets=3, height=64, width=80)
        >>> datasets = copper_tf.build_folds(folder, "built", folds=3)
        >>> [dataset.fold for dataset in datasets]
        [1, 2, 3]
    """
    from copper_tf.data.sources import build_datasets, named_settings, scan_and_survey

    splitting, read_as = named_settings(split_settings, read_settings, values)
    return build_datasets(scan_and_survey(folder, splitting, read_as, progress), splitting, output, force, progress)


def build(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    split_settings: SplitSettings | None = None,
    read_settings: ReadSettings | None = None,
    force: bool = False,
    progress: Progress | None = None,
    **values: Value,
) -> Dataset:
    """Builds a SEM folder into a dataset of sharded TFRecords, split by whole sheets where sheets are known.

    Args:
        folder: the SEM folder.
        output: the folder of datasets; ``FOLDER.tfds`` beside the pictures where None.
        split_settings: how the folder is split; the defaults where None.
        read_settings: how its pictures are read; the defaults where None.
        force: also build what `check` calls unsound.
        progress: called with (done, total, what).
        **values: single settings of `SplitSettings` and `ReadSettings`, by name.

    Returns:
        The dataset, opened. One that is there already is left as it is.

    Raises:
        InputError: if the folder or a picture in it can't be used, or is unsound.
        OutputError: if `output` can't be written or holds the dataset of another folder.
        SettingError: if folds are asked for and none is chosen, or a setting is unknown or not allowed.

    Example:
        >>> folder = copper_tf.simulate("copper", labels=3, pictures=6, sheets=3, height=64, width=80)
        >>> dataset = copper_tf.build(folder, "built", split="1/1/1")
        >>> dataset.times, dict(dataset.split_sizes)
        ((0.0, 1.0, 2.0), {'train': 6, 'validation': 6, 'test': 6})
    """
    from copper_tf.data.sources import named_settings

    splitting, read_as = named_settings(split_settings, read_settings, values)
    if len(splitting.each_fold) > 1:
        raise SettingError(
            f"build makes one dataset; choose a fold from 1 to {splitting.folds}, or call build_folds, which builds "
            f"them all. Received: folds={splitting.folds}, fold=0"
        )
    (dataset,) = build_folds(
        folder, output, split_settings=splitting, read_settings=read_as, force=force, progress=progress
    )
    return dataset
