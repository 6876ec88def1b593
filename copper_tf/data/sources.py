"""From what a user calls DATA to open datasets: a built dataset is opened, a SEM folder is built first."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from copper_tf.utils.tensorflow import import_tensorflow
from tfds_copper.dataset import Dataset, is_dataset, open_dataset, open_folds
from tfds_copper.errors import InputError, SettingError
from tfds_copper.files import path_beside
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.settings import Group, Value, setting_fields
from tfds_copper.splits.assign import SplitSettings

if TYPE_CHECKING:
    from tfds_copper.audit.survey import Survey

__all__ = [
    "Data",
    "build_datasets",
    "data_settings",
    "default_data_dir",
    "known_times",
    "named_settings",
    "open_or_build",
    "open_single",
    "require_sound",
    "scan_and_survey",
    "settings_of",
]

# A built dataset's path, a SEM folder, or a dataset that is open.
Data = str | os.PathLike[str] | Dataset

GroupType = TypeVar("GroupType", bound=Group)


def default_data_dir(folder: str | os.PathLike[str]) -> Path:
    """``FOLDER.tfds`` beside a SEM folder, where its datasets go unless told otherwise."""
    return path_beside(folder, "tfds")


def data_settings(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Picks the settings of data out of named values.

    Args:
        values: settings by name, those of other groups among them.

    Returns:
        Those of `SplitSettings`, without ``seed``, which means the seed of training where both are set; and those of
        `ReadSettings`.
    """
    split, reading = (
        {f.name: values[f.name] for f in setting_fields(group) if f.name in values and f.name != "seed"}
        for group in (SplitSettings, ReadSettings)
    )
    return split, reading


def settings_of(group: type[GroupType], values: GroupType | Mapping[str, Any] | None) -> GroupType:
    """The settings of one group, whichever way they are given; what is absent keeps its default.

    Raises:
        SettingError: if a name is unknown or a value is not allowed.
    """
    if isinstance(values, Group):
        return values
    return group.from_dict(dict(values or {}))


def named_settings(
    split: SplitSettings | None, reading: ReadSettings | None, values: Mapping[str, Value]
) -> tuple[SplitSettings, ReadSettings]:
    """How a SEM folder is split and read: both groups, with what is given by name in place of theirs.

    Raises:
        SettingError: if a name is unknown or a value is not allowed.
    """
    groups: list[Any] = [split or SplitSettings(), reading or ReadSettings()]
    known = [f.name for group in groups for f in setting_fields(group)]
    for name in values:
        if name not in known:
            raise SettingError(f"unknown setting {name!r}; known are {', '.join(known)}. Received: {name}")
    changed = (
        dataclasses.replace(group, **{f.name: values[f.name] for f in setting_fields(group) if f.name in values})
        for group in groups
    )
    splitting, read_as = changed
    return splitting, read_as


def _given(values: Group | Mapping[str, Any] | None) -> dict[str, Any]:
    """What was asked for: all that a mapping holds, and of a dataclass what differs from the defaults."""
    if isinstance(values, Group):
        defaults = type(values)().to_dict()
        return {name: value for name, value in values.to_dict().items() if value != defaults[name]}
    return dict(values or {})


def _built(data: Data, given: dict[str, Any]) -> list[Dataset]:
    """A built dataset or its folds, or the one fold that is asked for."""
    fold = int(given.pop("fold", 0))
    name = data.path if isinstance(data, Dataset) else data
    if given:
        raise SettingError(
            f"{name}: a built dataset keeps the split it was built with; build it anew with `copper build`. "
            f"Received: {', '.join(sorted(given))}"
        )
    datasets = [data] if isinstance(data, Dataset) else open_folds(data)
    folds = max(d.folds for d in datasets)
    SplitSettings(folds=folds, fold=fold)
    if not fold:
        return datasets
    chosen = [d for d in datasets if d.fold == fold]
    if not chosen:
        raise InputError(f"{name}: holds fold {datasets[0].fold} alone. Received: fold {fold}")
    return chosen


def known_times(data: Data) -> tuple[float, ...] | None:
    """The stress times of data, ascending, without building anything; None where there are none yet.

    Args:
        data: a built dataset, a SEM folder, an open dataset, or a path where nothing is.

    Raises:
        InputError: if the folder or its labels can't be used.
    """
    if isinstance(data, Dataset) or is_dataset(data):
        return tuple((data if isinstance(data, Dataset) else open_folds(data)[0]).times)
    if not Path(data).is_dir():
        return None
    from tfds_copper.folder.scan import scan

    return scan(data).times


def scan_and_survey(
    folder: str | os.PathLike[str], split: SplitSettings, reading: ReadSettings, progress: Progress | None = None
) -> Survey:
    """Scans a SEM folder and looks once at each of its pictures.

    Args:
        folder: the SEM folder.
        split: how it is to be split; only ``sheet_from`` counts here.
        reading: how its pictures are read.
        progress: called with (done, total, what).

    Raises:
        InputError: if the folder or its labels can't be used.
    """
    from tfds_copper.audit.survey import survey_folder
    from tfds_copper.folder.scan import scan

    return survey_folder(scan(folder, split.sheet_from), reading, progress)


def require_sound(survey: Survey, split: SplitSettings) -> None:
    """Raises where nothing sound could be learnt from a folder.

    Args:
        survey: of the folder.
        split: how it is to be split.

    Raises:
        InputError: naming the first thing that `copper check` calls unsound.
    """
    from tfds_copper.audit.findings import UNSOUND, findings

    unsound = [f for f in findings(survey, split) if f.level == UNSOUND]
    if not unsound:
        return
    if unsound[0].rule in ("unreadable", "split"):  # no --force helps against these
        raise InputError(unsound[0].text)
    more = f" (and {len(unsound) - 1} more)" if len(unsound) > 1 else ""
    raise InputError(
        f"{survey.folder.root}: must be sound to train on; `copper check` shows all, `copper build --force` builds it "
        f"all the same. Received: {unsound[0].text}{more}"
    )


def build_datasets(
    survey: Survey,
    split: SplitSettings,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> list[Dataset]:
    """Builds a SEM folder into one dataset, or one for each fold, and opens them.

    Args:
        survey: of the folder.
        split: how it is split.
        output: the folder of datasets; ``FOLDER.tfds`` beside the pictures where None.
        force: also build what `copper check` calls unsound.
        progress: called with (done, total, what).

    Raises:
        InputError: if a picture can't be used, or the folder is unsound.
        OutputError: if `output` can't be written or holds the dataset of another folder.
    """
    if not force:
        require_sound(survey, split)
    import_tensorflow()
    from tfds_copper.copper_sem import build_survey

    target = output if output is not None else default_data_dir(survey.folder.root)
    return [open_dataset(path) for path in build_survey(survey, target, split, progress)]


def open_or_build(
    data: Data,
    split: SplitSettings | Mapping[str, Any] | None = None,
    reading: ReadSettings | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Dataset]:
    """Opens a built dataset or its folds; a SEM folder is built first, into ``FOLDER.tfds`` beside it.

    Args:
        data: a built dataset, a SEM folder, or an open dataset.
        split: how a SEM folder is split. A mapping holds only what was asked for. Of a built dataset only ``fold``
            can be chosen.
        reading: how the pictures of a SEM folder are read.
        progress: called with (done, total, what).

    Returns:
        One dataset, or one for each fold.

    Raises:
        InputError: if it is neither, unsound, or can't be built.
        SettingError: if a built dataset is to be split or read in another way, or there is no such fold.
    """
    if isinstance(data, Dataset) or is_dataset(data):
        return _built(data, _given(split) | _given(reading))
    splitting, read_as = settings_of(SplitSettings, split), settings_of(ReadSettings, reading)
    return build_datasets(scan_and_survey(data, splitting, read_as, progress), splitting, progress=progress)


def open_single(
    data: Data,
    split: SplitSettings | Mapping[str, Any] | None = None,
    reading: ReadSettings | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    why: str = "one dataset is needed",
) -> Dataset:
    """As `open_or_build`, where one dataset is needed.

    Args:
        data: a built dataset, a SEM folder, or an open dataset.
        split: how a SEM folder is split, or which ``fold`` of a built dataset is taken.
        reading: how the pictures of a SEM folder are read.
        progress: called with (done, total, what).
        why: folds don't serve, for the message.

    Raises:
        InputError: if there are folds and none is chosen, and as `open_or_build`.
        SettingError: as `open_or_build`.
    """
    datasets = open_or_build(data, split, reading, progress)
    if len(datasets) > 1:
        name = data.path if isinstance(data, Dataset) else data
        raise InputError(f"{name}: {why}; choose one by --fold. Received: {len(datasets)} folds")
    return datasets[0]
